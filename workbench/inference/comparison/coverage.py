"""Does an interval keep its promise? Misses of intervals of an accuracy, by simulation.

The truth is the accuracy, on fresh rows, of the model that the number is reported for: the one
fitted without the test set for a holdout, and the one fitted on all rows for folds and bags.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from workbench.core import Interval, check
from workbench.inference.comparison.arrays import alpha_between
from workbench.inference.comparison.intervals import (
    accuracy_interval,
    mean_interval,
    quantile_interval,
)
from workbench.inference.comparison.out_of_bag import Tally, combined, no_information_rate
from workbench.inference.comparison.worlds import correctness, draw_worlds, random_counts

__all__ = ["INTERVAL_LABELS", "miss_rates"]

CHUNK, FRESH, BAGS = 25, 20_000, 200


@dataclass(frozen=True, eq=False)
class Fitted:
    """One model in one world: its right and wrong, and the truth."""

    tested: np.ndarray        # right and wrong on the test set of a holdout
    folds: np.ndarray         # accuracy of each fold
    holdouts: np.ndarray      # and of each holdout
    losses: np.ndarray        # zero-one losses, (bags, n)
    bags: np.ndarray          # counts, (bags, n)
    own: np.ndarray           # losses on the rows that trained, (n,)
    y: np.ndarray

    def bootstrap(self, level: float, kind: str) -> Interval:
        """Interval around .632+, as ``BootstrapResult.conf_int`` has it."""
        tally = Tally.of(self.losses, self.bags)
        resubstitution = float(self.own.mean())
        gamma = no_information_rate(self.y, self.y ^ self.own.astype(bool))
        error = tally.error()
        total, weights, _ = combined(".632+", error, resubstitution, gamma)
        replicates = 1 - (weights[0] * resubstitution + weights[1] * np.array(tally.errors))
        if kind == "percentile":
            return quantile_interval(replicates, level=level)
        from scipy import special

        spread = float(replicates.std(ddof=1))
        if kind == "delta":
            spread = tally.delta_error() * total / error
            spread = 0.0 if math.isnan(spread) else spread     # unknown counts as a miss
        half = float(special.ndtri(0.5 + level / 2)) * spread
        return Interval(1 - total - half, 1 - total + half, level)


def _of_holdout(method: str) -> Callable[[Fitted, float], Interval]:
    return lambda seen, level: accuracy_interval(
        int(seen.tested.sum()), len(seen.tested), method=method, level=level)


INTERVALS: dict[str, tuple[str, bool, Callable[[Fitted, float], Interval]]] = {
    "holdout_wilson": ("holdout, Wilson", True, _of_holdout("wilson")),
    "holdout_clopper_pearson": ("holdout, Clopper-Pearson", True, _of_holdout("clopper-pearson")),
    "holdout_normal": ("holdout, normal", True, _of_holdout("normal")),
    "kfold_t": ("10-fold, Student", False, lambda seen, level: mean_interval(
        seen.folds, level=level)),
    "kfold_corrected": ("10-fold, Nadeau-Bengio", False, lambda seen, level: mean_interval(
        seen.folds, overlap=1 / 9, level=level)),
    "resampled_t": ("30 holdouts, Student", False, lambda seen, level: mean_interval(
        seen.holdouts, level=level)),
    "resampled_corrected": ("30 holdouts, Nadeau-Bengio", False, lambda seen, level: mean_interval(
        seen.holdouts, overlap=0.5, level=level)),
    "bootstrap_percentile": (".632+, percentile", False,
                             lambda seen, level: seen.bootstrap(level, "percentile")),
    "bootstrap_normal": (".632+, normal", False,
                         lambda seen, level: seen.bootstrap(level, "normal")),
    "bootstrap_delta": (".632+, infinitesimal jackknife", False,
                        lambda seen, level: seen.bootstrap(level, "delta")),
}
INTERVAL_LABELS = {name: label for name, (label, _, _) in INTERVALS.items()}


def miss_rates(intervals: Sequence[str] = tuple(INTERVALS), *, replications: int = 400,
               n: int = 300, alpha: float = 0.05, rng: np.random.Generator) -> pd.DataFrame:
    """How often each interval misses the true accuracy, over simulated worlds.

    Parameters
    ----------
    intervals : sequence of str
        Of `INTERVAL_LABELS`.
    replications : int > 0
    n : int
        Rows of the table.
    alpha : float
        Promised share of misses.
    rng : numpy.random.Generator

    Returns
    -------
    rates : DataFrame
        Columns interval, label, rate, low and high (Wilson's 95 % interval over the worlds),
        width (mean), nominal, replications.
    """
    for interval in intervals:
        check.one_of(INTERVALS, interval=interval)
    alpha_between(alpha)
    check.whole(1, replications=replications)
    missed, wide = dict.fromkeys(intervals, 0), dict.fromkeys(intervals, 0.0)
    for start in range(0, replications, CHUNK):
        for seen, split, whole in _fitted(min(CHUNK, replications - start), n, rng):
            for name in intervals:
                _, held_out, make = INTERVALS[name]
                told, truth = make(seen, 1 - alpha), split if held_out else whole
                missed[name] += not told.low <= truth <= told.high
                wide[name] += (told.high - told.low) / replications
    rows = []
    for name, count in missed.items():
        told = accuracy_interval(count, replications)
        rows.append((name, INTERVAL_LABELS[name], count / replications, told.low, told.high,
                     wide[name], alpha, replications))
    return pd.DataFrame(rows, columns=["interval", "label", "rate", "low", "high", "width",
                                       "nominal", "replications"])


def _fitted(worlds: int, n: int, rng: np.random.Generator) -> list[tuple[Fitted, float, float]]:
    """The first model in each world, its accuracy without the test set and with all rows."""
    some = draw_worlds(worlds, n, 0.0, rng=rng)
    fresh = draw_worlds(1, FRESH, 0.0, rng=rng)
    folds, holdouts, bags = (random_counts(n, kind, splits=size, rng=rng) for kind, size in (
        ("folds", 10), ("holdouts", 30), ("bags", BAGS)))
    every = np.ones((1, n), dtype=np.int64)
    counts = np.concatenate([folds, holdouts, bags, every])
    right = correctness(some, counts)[0]
    true = correctness(some, np.concatenate([holdouts[:1], every]), fresh)[0].mean(axis=2)
    found = []
    for world in range(worlds):
        own = right[world]
        parts = [(own[at] & (each == 0)).sum() / (each == 0).sum() for at, each in enumerate(
            counts[:40])]
        found.append((Fitted(own[10][holdouts[0] == 0], np.array(parts[:10]), np.array(parts[10:]),
                             1.0 - own[40:-1], bags, 1.0 - own[-1], some.y),
                      float(true[world, 0]), float(true[world, 1])))
    return found
