"""Paired comparison with uniform weights, and the record of who was weighted how."""

import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

torch = pytest.importorskip("torch")

from workbench.reweighting import (  # noqa: E402
    LossWeighter,
    ScaleBiO,
    Trials,
    Watched,
    compare_weighters,
    relative_weights,
)
from workbench.train import (  # noqa: E402
    MLP,
    ConvNet,
    Sgd,
    Training,
    fit,
    torch_generator,
)


def rows(n=64, seed=0):
    x = torch.randn(n, 4, generator=torch_generator(seed))
    return x, (x[:, 0] > 0).long(), (x[:, 1] > 0.5).long()


def network(seed):
    return MLP(4, 6, 2, generator=torch_generator(seed))


def test_identity_watching_changes_nothing():
    def trained(weighter):
        model = network(0)
        done = fit(model, rows(), Training(epochs=3, batch_size=16, log_every=1),
                   weighter=weighter, progress="nowhere")
        return torch.cat([param.detach().flatten() for param in model.parameters()]), done
    plain, _ = trained(LossWeighter())
    watched, done = trained(Watched(LossWeighter(), ("low", "high")))
    assert torch.equal(plain, watched)
    state = done.weighter_state
    assert state["times"].tolist() == [3.0] * 64
    assert state["amount"].sum().item() == pytest.approx(3 * 64, rel=1e-5)
    shares = done.history[["share_low", "share_high"]].sum(axis=1)
    assert shares.to_numpy() == pytest.approx(1, rel=1e-5)


def test_matches_the_weights_of_one_step():
    x, y, _ = rows(16)
    model, kept = network(0), []

    def spy(losses):
        kept.append((losses, LossWeighter(burn_in=0.0, temperature=0.3)(losses)))
        return kept[-1][1]
    done = fit(model, (x, y), Training(epochs=1, batch_size=16), weighter=Watched(spy),
               progress="nowhere")
    relative = relative_weights(done.weighter_state)
    assert sorted(relative.tolist()) == pytest.approx(sorted((16 * kept[0][1]).tolist()))
    assert done.history["heaviest"].iloc[0] == pytest.approx(16 * kept[0][1].max().item())


class Remembering:
    """A weighter with memory: the running loss of each row."""

    needs = frozenset({"index"})

    def init(self, n):
        return torch.ones(n)

    def update(self, seen, batch):
        seen = seen.clone()
        seen[batch.index] = (seen[batch.index] + batch.losses) / 2
        return seen, seen[batch.index] / seen[batch.index].sum()


def test_matches_pairs_of_seeds_and_students_interval():
    x, y, group = rows(96)
    calls = []
    found = compare_weighters(
        network, (x[:64], y[:64], group[:64]),
        {"all": (x[64:], y[64:]), "high": (x[64:][group[64:] == 1], y[64:][group[64:] == 1])},
        {"linupper": LossWeighter(temperature=0.3), "memory": Remembering()},
        Training(epochs=4, batch_size=16, log_every=4), groups=("low", "high"), seeds=(0, 1, 2),
        on_trained=lambda done, of: calls.append((done, of)))
    assert calls == [(k, 9) for k in range(1, 10)]
    wide = found.scores[found.scores["name"] == "all"].pivot_table(
        index="seed", columns="weighter", values="loss")
    gaps = (wide["uniform"] - wide["memory"]).to_numpy()
    gain = found.gain("memory", "all")
    low, high = stats.t.interval(0.9, 2, loc=gaps.mean(), scale=stats.sem(gaps))
    assert gain.value == pytest.approx(gaps.mean())
    assert gain.ends == pytest.approx((low, high))
    assert found.gain("uniform", "high").value == 0
    assert found.weights["uniform"].to_numpy() == pytest.approx(1, rel=1e-5)
    assert found.weights["linupper"].std() > 0.01
    assert found.last["linupper"].corr(found.weights["linupper"]) > 0.3    # the hard ones
    with pytest.raises(ValueError, match="weighter must be one that was trained, got 'sharp'"):
        found.loss("sharp", "all")


def test_identity_images_and_own_networks_are_taken():
    x = torch.rand(48, 1, 8, 8, generator=torch_generator(0))
    y = (x.mean((1, 2, 3)) > 0.5).long()
    found = compare_weighters(
        lambda seed: ConvNet(1, 4, 2, generator=torch_generator(seed)), (x[:32], y[:32]),
        (x[32:], y[32:]), {"uniform": LossWeighter("uniform")}, Training(epochs=1), seeds=(0,))
    assert found.loss("uniform").interval is None
    assert found.loss("uniform").why == "one seed"
    assert len(found.scores) == 1


def test_rejects_a_weighter_by_its_name():
    x, y, _ = rows()
    with pytest.raises(ValueError, match="weighter 'flat': <lambda> must give each row"):
        compare_weighters(network, (x, y), (x, y), {"flat": lambda losses: losses},
                          Training(epochs=1), seeds=(0,))


def test_identity_a_training_that_diverged_is_told():
    table = pd.DataFrame({"weighter": ["uniform"] * 2 + ["a"] * 2, "seed": [0, 1] * 2,
                          "name": "test", "loss": [1.0, 2.0, np.nan, 1.0]})
    gain = Trials(table, pd.DataFrame(), pd.DataFrame(), pd.DataFrame()).gain("a")
    assert gain.interval is None
    assert gain.why == "a training diverged"


@pytest.mark.parametrize(("options", "words"), [
    ({"seeds": ()}, r"seeds must be one or more different numbers, got \[\]"),
    ({"seeds": (1, 1)}, "seeds must be one or more different numbers"),
    ({"weighters": {"up": LossWeighter}}, "weighter 'up': .* got the class LossWeighter"),
    ({"weighters": {"up": "linupper"}}, "weighter 'up': weighter must be a function of losses"),
    ({"groups": ("low",), "data": True}, "group must lie in 0 to 0, .* got 0 to 1")])
def test_rejects_what_nothing_can_be_learnt_from(options, words):
    x, y, group = rows()
    data = (x, y, group) if options.pop("data", False) else (x, y)
    ask = {"weighters": {"linupper": LossWeighter()}, "seeds": (0,)} | options
    with pytest.raises((TypeError, ValueError), match=words):
        compare_weighters(network, data, (x, y), how=Training(epochs=1), **ask)


def test_rejects_a_network_that_was_trained_already():
    x, y, _ = rows()
    one = network(0)
    with pytest.raises(ValueError, match="make must build a network anew"):
        compare_weighters(lambda _: one, (x, y), (x, y), {"linupper": LossWeighter()},
                          Training(epochs=1), seeds=(0,))


def test_matches_a_comparison_that_goes_on_without_what_is_no_weighter():
    x, y, _ = rows()
    found = compare_weighters(network, (x, y), (x, y), {"none": None, "class": LossWeighter},
                              Training(epochs=1), seeds=(0,), strict=False)
    fates = found.fates.set_index("weighter")["status"]
    assert fates.to_dict() == {"uniform": "finished", "none": "finished", "class": "left out"}
    assert found.gain("none").value == 0


def test_matches_the_rows_that_pass_through_the_network():
    class Often:
        needs = frozenset({"passes:3"})

        def __call__(self, batch):
            return torch.ones_like(batch.losses) / len(batch.losses)
    x, y, _ = rows()
    found = compare_weighters(network, (x, y), (x, y), {"plain": None, "often": Often()},
                              Training(epochs=2, batch_size=16), seeds=(0,))
    passed = found.fates.set_index("weighter")["rows"]
    assert passed["plain"] == passed["uniform"] >= 2 * 64
    assert passed["often"] - passed["uniform"] == pytest.approx(3 * 2 * 64, abs=3 * 16)
    assert passed["often"] - passed["uniform"] >= 3 * 2 * 64         # and one look before


def test_matches_the_rows_of_gradients_row_by_row():
    """PyTorch maps over rows and calls the network once for many."""
    class Norms:
        needs = frozenset({"gradient_norms"})

        def __call__(self, batch):
            return torch.ones_like(batch.losses) / len(batch.losses)
    x, y, _ = rows(200)
    found = compare_weighters(network, (x, y), (x, y), {"norms": Norms()},
                              Training(epochs=2, batch_size=100), seeds=(0,))
    passed = found.fates.set_index("weighter")["rows"]
    assert 2 * 200 <= passed["norms"] - passed["uniform"] <= 2 * 200 + 100


def test_matches_the_rows_of_a_twin():
    found = compare_weighters(network, rows(), rows(), {"bilevel": ScaleBiO()},
                              Training(Sgd(0.1), epochs=2, batch_size=16), seeds=(0,),
                              meta=rows(seed=1), groups=("low", "high"))
    passed = found.fates.set_index("weighter")["rows"]
    assert 3 * 2 * 64 <= passed["bilevel"] <= 3 * 2 * 64 + 3 * 16


def test_matches_networks_whose_rows_nobody_counts():
    def make(seed):
        with torch.random.fork_rng(), warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)   # people still have them
            torch.manual_seed(seed)
            return torch.jit.script(torch.nn.Sequential(torch.nn.Linear(4, 2)))
    found = compare_weighters(make, rows(), rows(), {"linupper": LossWeighter()},
                              Training(epochs=1, batch_size=16), seeds=(0,))
    assert found.fates["rows"].isna().all()
    assert np.isfinite(found.loss("linupper").value)


SPREAD = """import torch
from workbench.reweighting import LossWeighter, compare_weighters
from workbench.train import MLP, Training, torch_generator

def make(seed):
    return MLP(4, 6, 2, generator=torch_generator(seed))

if __name__ == "__main__":
    x = torch.randn(64, 4, generator=torch_generator(0))
    data = x, (x[:, 0] > 0).long()
    found = compare_weighters(make, data, data, {"linupper": LossWeighter()},
                              Training(epochs=1, batch_size=16, devices=2, device="cpu"),
                              seeds=(0,))
    print(found.fates["status"].tolist(), found.fates["rows"].isna().all())
"""


def test_matches_a_comparison_on_two_processes(tmp_path):
    script = tmp_path / "spread.py"
    script.write_text(SPREAD)
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True,
                          env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
                          check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "['finished', 'finished'] True"
