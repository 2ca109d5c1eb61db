"""What a weighter costs: CPU seconds of a step with it and without, in turns.

Each arm is trained beside equal weights, a few steps each, the one that goes first alternating, so
that a busy machine slows both alike. Everything between two steps counts: drawing rows, forward
and backward passes, weights, the optimiser, and the record of the step.
"""

import copy
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from workbench.reweighting import Lagged, LossWeighter
from workbench.train import (
    MLP,
    CharTransformer,
    Sgd,
    Training,
    causal_lm,
    classification,
    fit,
    torch_generator,
)

STEPS, WARM = 12, 3           # of a turn, and those of them that do not count
VOCABULARY, CONTEXT = 64, 64
RESAMPLES = 2000


@dataclass(frozen=True)
class Arm:
    """A weighter whose price is measured.

    Parameters
    ----------
    make : function that gives the weighter
    world : {"text", "classes"}
        A transformer of three million parameters on texts, or a perceptron of half a million on
        rows with classes, which are their groups, and with rows of their own for learners.
    most : float
        Factor of a step without weights that is promised; infinity for none.
    told : str
        Passes of a step, in words.
    """

    make: Callable[[], Any]
    world: str = "text"
    most: float = 1.02
    told: str = "one forward, one backward"


# A line for each weighter; those that own the step have the factor of their source.
ARMS = {
    **{name: Arm(lambda name=name: LossWeighter(name, burn_in=0.0))
       for name in ("uniform", "linupper", "quadratic", "extremes", "linear")},
    "lagged": Arm(lambda: Lagged(LossWeighter(burn_in=0.0))),
}


class Clock:
    """Asked by the loop after each step whether to stop; notes the CPU seconds."""

    def __init__(self):
        self.at = []

    def is_set(self):
        self.at.append(time.process_time())
        return False


def world_of(kind):
    """Network, rows, rows for learners, loss, and rows of a step."""
    draws = torch_generator(1)
    if kind == "text":
        model = CharTransformer(VOCABULARY, 256, layers=4, heads=4, context=CONTEXT,
                                generator=torch_generator(0))
        tokens = torch.randint(VOCABULARY, (256, CONTEXT), generator=draws)
        return model, (tokens, tokens), None, causal_lm, 8
    x = torch.randn(1024, 784, generator=draws)
    y = torch.randint(10, (1024,), generator=draws)
    return (MLP(784, 512, 10, generator=torch_generator(0)), (x, y, y),
            (x[:256], y[:256], y[:256]), classification, 64)


def seconds(world, weighter, steps=STEPS):
    """CPU seconds of each step."""
    start, rows, meta, loss, size = world
    clock = Clock()
    fit(copy.deepcopy(start), rows, Training(Sgd(1e-3), max_steps=steps, batch_size=size,
                                             device="cpu", log_every=1000),
        weighter=weighter, loss=loss, meta=meta, stop=clock, progress="nowhere")
    return np.diff(clock.at)[WARM:]


def price(arm, rounds):
    """Factors of a step without weights, one for each pair of turns, and its seconds."""
    world = world_of(arm.world)
    factors, plain = [], []
    for turn in range(rounds):
        spent = {}
        for side in ("off", "on")[::1 if turn % 2 else -1]:
            spent[side] = float(np.median(seconds(world, arm.make() if side == "on" else None)))
        factors.append(spent["on"] / spent["off"])
        plain.append(spent["off"])
    return np.array(factors), statistics.median(plain)


def prices(rounds=15, arms=ARMS):
    """One record for each arm: median factor with its standard error by the bootstrap."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    found = []
    for name, arm in arms.items():
        factors, plain = price(arm, rounds)
        drawn = np.median(np.random.default_rng(0).choice(factors, (RESAMPLES, rounds)), axis=1)
        found.append({"weighter": name, "world": arm.world, "factor": float(np.median(factors)),
                      "stderr": float(drawn.std()), "low": float(np.quantile(factors, 0.25)),
                      "high": float(np.quantile(factors, 0.75)), "plain": plain,
                      "most": arm.most, "told": arm.told})
    torch.set_num_threads(before)
    return found
