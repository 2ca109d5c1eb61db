"""Rare classes under attack on a graphics card: a convolutional network on larger images.

Run it on a machine with a card: ``python benchmarks/gpu/separable_adversarial.py``. Digits of
28 x 28 pixels, 540 rows of each common class and K times fewer of each rare one, a network of
three convolutional stages, 40 epochs, PGD with 10 steps at eps 0.15, K = 10 and 100, three seeds;
class-balanced weights, separated features, the balanced softmax; APGD on 100 rows of each class.
``--tiny`` is a few steps on any machine: it shows that the script runs. Writes
``results/separable_adversarial_gpu.md``; the tiny one writes nothing.
"""

import argparse
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from scipy.stats import sem

HERE = Path(__file__).resolve().parents[1]

from workbench.reweighting.by_class.arms import Arm, Plan, judge, loss_of  # noqa: E402 - one block
from workbench.reweighting.by_class.contrastive import FeatureSeparation  # noqa: E402
from workbench.reweighting.by_class.worlds import read_rows, split_rows  # noqa: E402
from workbench.reweighting.separable_adversarial import ClassBalance  # noqa: E402
from workbench.train import ConvNet, Sgd, Training, fit, steps, torch_generator  # noqa: E402
from workbench.train.attack import Pgd  # noqa: E402

BETA = {"beta": 0.9999}
ARMS = {"AT": Arm(), "AT + CB": Arm(balance=BETA), "SRAT 1": Arm(balance=BETA, strength=1.0),
        "AT-BSL": Arm(loss="bsl")}


@dataclass(frozen=True)
class Size:
    """Sizes of a run."""

    data: str = "mnist-10k"
    side: int = 28
    factors: tuple[float, ...] = (10.0, 100.0)
    largest: int = 540
    eps: float = 0.15
    attack: int = 10
    epochs: int = 40
    width: int = 64
    batch_size: int = 128
    seeds: int = 3
    second: int = 100
    device: str = "cuda"


TINY = Size(data="digits", side=8, factors=(10.0,), largest=30, eps=0.1, attack=1, epochs=1,
            width=4, batch_size=32, seeds=2, second=2, device="cpu")


class Shaped(torch.nn.Module):
    """A convolutional network of rows of pixels."""

    def __init__(self, size, classes, seed):
        super().__init__()
        self.side = size.side
        self.net = ConvNet(1, size.width, classes, stages=3 if size.side > 8 else 2,
                           generator=torch_generator(seed))

    def forward(self, x):
        return self.net(x.reshape(-1, 1, self.side, self.side))


def one(size, split, arm, seed):
    """Train one network; its scores and seconds."""
    model = Shaped(size, len(split.counts), seed)
    how = Training(Sgd(0.1, weight_decay=5e-4), epochs=size.epochs, batch_size=size.batch_size,
                   schedule=steps((0.75, 0.9), 0.1), clip=5.0, seed=seed, device=size.device)
    begun = time.perf_counter()
    done = fit(model, (split.train_x, split.train_y), how, loss=loss_of(arm, split.counts),
               weighter=ClassBalance(tuple(split.counts), **arm.balance) if arm.balance else None,
               penalty=FeatureSeparation(arm.strength) if arm.strength else None,
               perturb=Pgd(size.eps, size.attack), progress="nowhere")
    spent = time.perf_counter() - begun
    if done.status == "diverged":
        return [np.nan] * 4 + [spent]
    plan = Plan(eps=size.eps)
    model.to(size.device)
    table = judge(model, split, plan, seed=seed)
    second = judge(model, split, plan, seed=seed, most=size.second,
                   attacks=("apgd-ce", "apgd-t"))
    return [table["clean"].mean(), table["robust"].mean(),
            table[table["rare"]]["robust"].mean(), second["robust"].mean(), spent]


def lines(size):
    """The tables."""
    rows = read_rows(size.data)
    for factor in size.factors:
        yield f"## K = {factor:g}, eps {size.eps:g}, seeds 0 to {size.seeds - 1}"
        yield ""
        yield "| method | clean all | robust all, PGD-20 | robust rare | robust all, APGD | s |"
        yield "| --- | --- | --- | --- | --- | --- |"
        splits = [split_rows(rows, profile="step", factor=factor, largest=size.largest, seed=seed)
                  for seed in range(size.seeds)]
        for name, arm in ARMS.items():
            found = np.array([one(size, split, arm, seed) for seed, split in enumerate(splits)])
            cells = [f"{mean:.3f} ± {error:.3f}" for mean, error in zip(
                found.mean(0), sem(found), strict=True)]
            yield f"| {name} | " + " | ".join(cells) + " |"
        yield ""


def main():
    """Measure, print, write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--tiny", action="store_true")
    size = TINY if parser.parse_args().tiny else Size()
    assert size is TINY or torch.cuda.is_available(), "this needs a graphics card; see --tiny"
    where = torch.cuda.get_device_name(0) if size.device == "cuda" else "the processor, tiny"
    text = "\n".join([f"# Rare classes under attack on {where}", "", *lines(size)])
    sys.stdout.write(text)
    if size is not TINY:
        (HERE / "results" / "separable_adversarial_gpu.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
