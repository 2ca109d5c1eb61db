"""Runs that end half-way and go on equal runs that never stopped, bit for bit."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from workbench.core.weights import tilt  # noqa: E402
from workbench.inference.quantiles.perceptron import Shape, perceptron  # noqa: E402
from workbench.train import AdamW, Ema, Sgd, Training, fit, torch_generator  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def world(n=96):
    rng = torch_generator(0)
    return torch.randn(n, 5, generator=rng), torch.randint(3, (n,), generator=rng)


def network():
    """Batch normalisation, PyTorch's dropout and dropout with a generator of its own."""
    rng = torch_generator(1)
    body = perceptron(5, 8, Shape(hidden=16, dropout=0.2), generator=rng)
    model = nn.Sequential(body, nn.BatchNorm1d(8), nn.Dropout(0.3), nn.Linear(8, 3))
    with torch.no_grad():
        for param in model[3].parameters():
            param.uniform_(-0.3, 0.3, generator=rng)
    return model


@dataclass(frozen=True)
class Slow:
    """Weights from a running mean of losses and from the weighter's own draws."""

    needs: frozenset = frozenset({"index"})

    def init(self, n):
        return {"mean": torch.zeros(n), "draws": (0, "begun")}

    def update(self, state, batch):
        mean = state["mean"].clone()
        mean[batch.index] = 0.5 * mean[batch.index] + 0.5 * batch.losses
        noise = torch.rand(len(batch.losses), generator=batch.generator)
        draws = (state["draws"][0] + 1, state["draws"][1])
        return {"mean": mean, "draws": draws}, tilt(mean[batch.index] + noise, 1.0)


def how(**options):
    return Training(AdamW(0.01), epochs=4, batch_size=8, accumulate=2, average=Ema(0.9),
                    **{"save_every": 5, "log_every": 1} | options)


def run(folder=None, stop_at=None, settings=None, data=None, **options):
    model, stop = network(), threading.Event()

    def watch(row):
        if row["step"] == stop_at and "loss" in row:
            stop.set()

    done = fit(model, data or world(), settings or how(), folder=folder, stop=stop,
               callbacks=[watch], validation=world(32), weighter=Slow(), progress="nowhere",
               **options)
    return model, done


def same(first, second):
    return all(torch.equal(one, two) for one, two in
               zip(first.state_dict().values(), second.state_dict().values(), strict=True))


@pytest.mark.parametrize("stop_at", [5, 8])
def test_identity_a_stopped_run_goes_on_as_if_it_had_not_stopped(tmp_path, stop_at):
    whole, once = run()
    half, stopped = run(tmp_path, stop_at)
    assert (stopped.status, stopped.step) == ("stopped", stop_at)
    resumed, twice = run(tmp_path)
    assert same(whole, resumed)
    assert not same(whole, half)
    told = ["step", "epoch", "loss", "weighted_loss", "gradient_norm", "rate", "effective_size"]
    assert twice.history[told].equals(once.history[told])
    assert twice.checks.equals(once.checks)
    assert all(torch.equal(once.average[name], twice.average[name]) for name in once.average)
    assert torch.equal(once.weighter_state["mean"], twice.weighter_state["mean"])
    assert twice.weighter_state["draws"] == (48, "begun")        # two micro-batches a step


def test_identity_a_run_that_has_ended_is_not_repeated(tmp_path):
    model, done = run(tmp_path)
    other, again = run(tmp_path)
    assert same(model, other)
    assert (again.status, again.step, again.kept_step) == ("finished", 24, done.kept_step)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ckpt-000000020",
                                                                "ckpt-000000024"]


def test_identity_a_run_whose_patience_has_ended_takes_no_more_steps(tmp_path):
    x, y = world(32)
    told = []
    for _ in range(2):
        model = nn.Linear(x.shape[1], 3).to(x.dtype)
        how = Training(Sgd(9.0), epochs=99, patience=2, average=Ema(), batch_size=8)
        told.append(fit(model, (x, y), how, validation=lambda _: 1.0, folder=tmp_path))
    first, second = told
    assert (first.status, first.step) == (second.status, second.step) == ("early", 8)
    assert all(torch.equal(first.average[name], second.average[name]) for name in first.average)


def test_identity_nothing_is_pickled(tmp_path):
    run(tmp_path, 5)
    for path in (tmp_path / "ckpt-000000005").iterdir():
        if path.suffix == ".json":
            json.loads(path.read_text())
        else:
            assert path.suffix == ".safetensors"


def test_identity_tied_parameters_stay_tied(tmp_path):
    def tied():
        model = nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 4))
        with torch.no_grad():
            for param in model.parameters():
                param.fill_(0.1)
        model[2].weight = model[0].weight
        return model

    data = (torch.ones(16, 4), torch.zeros(16, dtype=torch.int64))
    settings = Training(Sgd(0.1), epochs=2, batch_size=4)
    model, other = tied(), tied()
    fit(model, data, settings, folder=tmp_path, progress="nowhere")
    fit(other, data, settings, folder=tmp_path, progress="nowhere")
    assert same(model, other)
    assert other[0].weight is other[2].weight


def test_identity_a_checkpoint_half_written_is_passed_over(tmp_path):
    whole, _ = run()
    run(tmp_path, 8)
    (tmp_path / ".ckpt-000000010.partial").mkdir()
    (tmp_path / ".ckpt-000000010.partial" / "state.json").write_text("{")
    resumed, _ = run(tmp_path)
    assert same(whole, resumed)
    assert not list(tmp_path.glob(".*"))


def test_rejects_other_settings_and_damaged_files(tmp_path):
    run(tmp_path, 8)
    with pytest.raises(ValueError, match=r"optimiser .*0\.01.*0\.02"):
        run(tmp_path, settings=Training(AdamW(0.02), epochs=4, batch_size=8, accumulate=2,
                                        average=Ema(0.9)))
    (tmp_path / "ckpt-000000008" / "optimiser.safetensors").write_bytes(b"short")
    with pytest.raises(ValueError, match="ckpt-000000008 must hold a whole 'optimiser'"):
        run(tmp_path)


SCRIPT = """
import sys, time
sys.path.insert(0, {tests!r})
import torch
torch.set_num_threads(1)
import test_checkpoint as here

class Slowly(torch.utils.data.Dataset):
    def __init__(self):
        self.x, self.y = here.world()
    def __len__(self):
        return len(self.x)
    def __getitem__(self, at):
        time.sleep(0.002)
        return self.x[at], self.y[at]

here.run({folder!r}, data=Slowly(), settings=here.how(save_every=2))
"""


@pytest.mark.slow
def test_identity_a_killed_run_ends_with_the_same_parameters(tmp_path):
    whole, _ = run(settings=how(save_every=2))
    code = SCRIPT.format(tests=str(Path(__file__).parent), folder=str(tmp_path))
    process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT,
                               env=os.environ | {"OMP_NUM_THREADS": "1"})
    try:
        until = time.monotonic() + 120
        while not list(tmp_path.glob("ckpt-00000000[4-9]")) and time.monotonic() < until:
            assert process.poll() is None
            time.sleep(0.005)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert process.returncode == -signal.SIGKILL
    steps = sorted(int(path.name[5:]) for path in tmp_path.glob("ckpt-*"))
    assert 4 <= steps[-1] < 24
    resumed, done = run(tmp_path, settings=how(save_every=2))
    assert done.status == "finished"
    assert same(whole, resumed)


def test_matches_a_copy_that_was_saved_and_read(tmp_path):
    from workbench.train import packing

    model = nn.Linear(2, 1)
    optimiser = torch.optim.Adam(model.parameters())
    model(torch.ones(1, 2)).sum().backward()
    optimiser.step()
    shared = torch.arange(6.0)
    state = {"numbers": [1, 2.5, None, True, "word"], 3: (shared[:3], shared), "model": model,
             "optimiser": optimiser, "rng": torch_generator(4)}
    packing.save(tmp_path, "state", state)
    fresh = nn.Linear(2, 1)
    like = {"model": fresh, "optimiser": torch.optim.Adam(fresh.parameters()),
            "rng": torch_generator(5)}
    found = packing.load(tmp_path, "state", like)
    assert found["numbers"] == state["numbers"]
    assert torch.equal(found[3][1], shared)
    assert torch.equal(fresh.weight, model.weight)
    assert found["optimiser"].state[fresh.weight]["exp_avg"].abs().sum() > 0
    assert torch.equal(torch.rand(2, generator=found["rng"]),
                       torch.rand(2, generator=torch_generator(4)))
    with pytest.raises(TypeError, match=r"set at '/a'"):
        packing.save(tmp_path, "other", {"a": {1, 2}})
