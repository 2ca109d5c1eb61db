"""Two processes with half a batch each against one with the whole batch."""

import os
import subprocess
import sys
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from tests.train.pairs import ROOT, run_in_two, surroundings  # noqa: E402
from workbench.core.weights import tilt  # noqa: E402
from workbench.train import (  # noqa: E402
    Ema,
    Sgd,
    StepResult,
    Training,
    Uniform,
    fit,
    torch_generator,
)

COLUMNS = ["loss", "weighted_loss", "gradient_norm", "effective_size"]


@dataclass(frozen=True)
class Tilt:
    scope: str

    def __call__(self, losses):
        return tilt(losses, 0.5)


@dataclass(frozen=True)
class Count:
    """A weighter with memory of every row, over all processes."""

    needs: frozenset = frozenset({"index"})
    scope: str = "step"

    def init(self, n):
        return torch.zeros(n)

    def update(self, seen, batch):
        seen = seen.clone()
        seen[batch.index] += 1
        return seen, tilt(seen[batch.index] + batch.losses, 1.0)


class Owner:
    """A weighter that owns the step: the mean gradient, and a running mean of a clean loss."""

    def prepare(self, _):
        return {"clean": 0.0}

    def step(self, state, step):
        held = list(step.params.values())
        losses = torch.stack([step.losses(step.params, micro) for micro in step.micros])
        step.optimiser.zero_grad()
        for param, slope in zip(held, torch.autograd.grad(losses.mean(), held), strict=True):
            param.grad = step.all_reduce(slope)
        clean = [step.losses(step.params, step.next_batch("meta")).mean().detach()
                 for _ in step.micros]
        clean = step.all_reduce(torch.stack(clean).mean())
        for group in step.optimiser.param_groups:
            group["lr"] = group["lr"] * clean.item()
        step.optimiser.step()
        seen = losses.detach().flatten()
        told = StepResult(seen.mean(), seen, torch.full_like(seen, 1 / len(seen)))
        return {"clean": state["clean"] / 2 + clean.item()}, told


WEIGHTERS = {"plain": Uniform(), "step": Tilt("step"), "memory": Count(), "owner": Owner(),
             "batch": Tilt("batch")}


def world():
    rng = torch_generator(0)
    x = torch.randn(64, 5, generator=rng, dtype=torch.float64)
    return x, torch.randint(3, (64,), generator=rng)


def network():
    rng, model = torch_generator(1), nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 3))
    model.double()
    with torch.no_grad():
        for param in model.parameters():
            param.uniform_(-0.5, 0.5, generator=rng)
    return model


def go(weighter, folder=None, validation=None, **options):
    model = network()
    how = Training(Sgd(0.1), epochs=2, log_every=1, device="cpu", clip=1.0, average=Ema(0.5),
                   **options)
    done = fit(model, world(), how, weighter=weighter, folder=folder,
               validation=world() if validation is None else validation,
               progress="nowhere", meta=world() if isinstance(weighter, Owner) else None)
    numbers = torch.cat([*(param.detach().flatten() for param in model.parameters()),
                         *(part.flatten() for part in done.average.values()),
                         torch.tensor([done.score], dtype=torch.float64)])
    return numbers.numpy(), done


def both(folder):
    """What each of two processes does."""
    torch.set_num_threads(1)
    for name, weighter in WEIGHTERS.items():
        numbers, done = go(weighter, batch_size=4, accumulate=2, devices=2,
                           folder=folder / "run" if name == "memory" else None)
        if os.environ["RANK"] == "0":
            np.save(folder / f"{name}.npy", numbers)
            done.history[COLUMNS].to_parquet(folder / f"{name}.parquet")
    scores = iter(range(99) if os.environ["RANK"] == "1" else range(99, 0, -1))
    _, done = go(Uniform(), batch_size=4, accumulate=2, devices=2, patience=1, check_every=1,
                 validation=lambda _: float(next(scores)))
    assert (done.status, done.score) == ("finished", 91.0)       # the first process decides
    numbers, done = go(Count(), batch_size=4, accumulate=2, devices=2, folder=folder / "run")
    if os.environ["RANK"] == "0":
        np.save(folder / "resumed.npy", numbers)
        np.save(folder / "seen.npy", done.weighter_state.numpy())


@pytest.mark.slow
def test_matches_one_process_with_the_double_batch(tmp_path):
    run_in_two(__file__, tmp_path)
    for name, weighter in WEIGHTERS.items():
        alone, once = go(weighter, batch_size=16)
        apart = np.abs(np.load(tmp_path / f"{name}.npy") - alone).max()
        if name == "batch":                    # weights of each part alone are another method
            assert apart > 1e-4
            continue
        assert apart < 1e-12, name             # sums in another order, in float64
        history = pd.read_parquet(tmp_path / f"{name}.parquet")
        assert history.to_numpy() == pytest.approx(once.history[COLUMNS].to_numpy(), rel=1e-12)
    assert np.array_equal(np.load(tmp_path / "resumed.npy"), np.load(tmp_path / "memory.npy"))
    assert np.load(tmp_path / "seen.npy").tolist() == [2.0] * 64
    written = {path.name for path in (tmp_path / "run").glob("ckpt-000000008/*")}
    assert {"rank-0.json", "rank-1.json", "model.safetensors"} <= written


SCRIPT = """
import pathlib, sys
import numpy as np
import test_distributed as t

if __name__ == "__main__":
    numbers, done = t.go(t.Tilt("step"), batch_size=8, devices=2)
    np.save(pathlib.Path(sys.argv[1]) / "started.npy", numbers)
    assert len(done.history) == 8
"""


@pytest.mark.slow
def test_matches_one_process_where_the_run_starts_the_others(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    done = subprocess.run([sys.executable, str(script), str(tmp_path)], cwd=ROOT, check=False,
                          capture_output=True, text=True, timeout=300, env=surroundings(__file__))
    assert done.returncode == 0, done.stderr[-3000:]
    alone, _ = go(Tilt("step"), batch_size=16)
    assert np.load(tmp_path / "started.npy") == pytest.approx(alone, abs=1e-12)


def test_rejects_what_cannot_be_sent():
    import threading

    with pytest.raises(ValueError, match=r"2 devices.*torchrun"):
        fit(network(), world(), Training(devices=2), stop=threading.Event())
