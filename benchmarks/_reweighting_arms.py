"""What a weighter costs: CPU seconds of a step with it and without, in turns.

Each arm is trained beside equal weights, one step of each in turn, so that a busy machine slows
both alike. Everything between two steps counts: drawing rows, forward and backward passes,
weights, the optimiser, and the record of the step.
"""

import contextlib
import copy
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from workbench.reweighting import Lagged, LossWeighter, ScaleBiO, Storm
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
from workbench.train.weighing import Weighing
from workbench.train.weighters import Uniform

WARM = 4                      # first steps, which do not count
VOCABULARY, CONTEXT = 64, 64
RESAMPLES = 2000


@dataclass(frozen=True)
class Arm:
    """A weighter whose price is measured.

    Parameters
    ----------
    make : function that gives the weighter
    world : {"text", "classes"}
        A transformer of a million parameters on texts, or a perceptron of half a million on
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
    "none": Arm(lambda: None, most=np.inf, told="those without weights, once more"),
    **{name: Arm(lambda name=name: LossWeighter(name, burn_in=0.0))
       for name in ("uniform", "linupper", "quadratic", "extremes", "linear")},
    "lagged": Arm(lambda: Lagged(LossWeighter(burn_in=0.0))),
    "storm": Arm(Storm, "classes", 3.5, "seven forward, three backward"),
    "bilevel": Arm(ScaleBiO, "classes", 3.0, "three forward, two backward, two networks"),
}


class Turns:
    """Two trainings in two threads, one step of each in turn."""

    def __init__(self):
        self.change, self.turn, self.done = threading.Condition(), 0, [False, False]

    def take(self, side):
        """Wait until the other has stepped, or has ended."""
        with self.change:
            self.change.wait_for(lambda: self.turn == side or self.done[1 - side])

    def give(self, side, *, ended=False):
        """Let the other step."""
        with self.change:
            self.turn, self.done[side] = 1 - side, self.done[side] or ended
            self.change.notify_all()


class Clock:
    """Asked by the loop after each step whether to stop; notes the CPU seconds of its thread."""

    def __init__(self, turns, side):
        self.turns, self.side, self.spent, self.begun = turns, side, [], time.thread_time()

    def is_set(self):
        self.spent.append(time.thread_time() - self.begun)
        self.turns.give(self.side)
        self.turns.take(self.side)
        self.begun = time.thread_time()
        return False


def world_of(kind):
    """Network, rows, rows for learners, loss, and rows of a step."""
    draws = torch_generator(1)
    if kind == "text":
        model = CharTransformer(VOCABULARY, 192, layers=3, heads=4, context=CONTEXT,
                                generator=torch_generator(0))
        tokens = torch.randint(VOCABULARY, (256, CONTEXT), generator=draws)
        return model, (tokens, tokens), None, causal_lm, 4
    x = torch.randn(1024, 784, generator=draws)
    y = torch.randint(10, (1024,), generator=draws)
    return (MLP(784, 512, 10, generator=torch_generator(0)), (x, y, y),
            (x[:256], y[:256], y[:256]), classification, 64)


def trained(world, weighter, clock, steps):
    """Train a copy of the network; the clock notes each step."""
    start, rows, meta, loss, size = world
    clock.turns.take(clock.side)
    try:
        fit(copy.deepcopy(start), rows, Training(Sgd(1e-3), max_steps=steps, batch_size=size,
                                                 device="cpu", log_every=1000),
            weighter=weighter, loss=loss, meta=meta, stop=clock, progress="nowhere")
    finally:
        clock.turns.give(clock.side, ended=True)


@contextlib.contextmanager
def noting(spent):
    """Note the CPU seconds of each call for weights, but for those of equal weights."""
    plain = Weighing.__call__

    def timed(self, *given):
        begun = time.thread_time()
        weights = plain(self, *given)
        if type(self.weighter) is not Uniform:
            spent.append(time.thread_time() - begun)
        return weights
    Weighing.__call__ = timed
    try:
        yield
    finally:
        Weighing.__call__ = plain


def price(arm, pairs):
    """CPU seconds of steps without and with weights that followed each other, shape (pairs, 2)."""
    world, turns = world_of(arm.world), Turns()
    clocks = [Clock(turns, side) for side in (0, 1)]
    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(trained, world, weighter, clock, pairs + WARM + 1) for weighter, clock
                in zip((None, arm.make()), clocks, strict=True)]
        for run in runs:
            run.result()
    return np.array([clock.spent for clock in clocks]).T[WARM:pairs + WARM]


def prices(pairs=120, arms=ARMS):
    """One record for each arm: median factor with its standard error by the bootstrap."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    found = []
    for name, arm in arms.items():
        alone = []
        with noting(alone):
            spent = price(arm, pairs)
        factors = spent[:, 1] / spent[:, 0]
        drawn = np.median(np.random.default_rng(0).choice(factors, (RESAMPLES, pairs)), axis=1)
        found.append({"weighter": name, "world": arm.world, "factor": float(np.median(factors)),
                      "stderr": float(drawn.std()), "low": float(np.quantile(factors, 0.25)),
                      "high": float(np.quantile(factors, 0.75)),
                      "plain": float(np.median(spent[:, 0])), "most": arm.most,
                      "alone": float(np.median(alone)) if alone else np.nan,
                      "told": arm.told})
    torch.set_num_threads(before)
    return found
