"""Worlds of the conformal intervals: rows exchangeable, outcomes of uneven spread.

What is given to be calibrated is far too narrow and ignores the spread. The level of split
intervals is the exact probability that the number of calibration rows gives, not its lower bound.
"""

import math
from functools import partial

import numpy as np
from _promises import Promise

from workbench.inference import (
    AdaptiveConformal,
    ConformalQuantileRegressor,
    LinearQuantiles,
    NestedConformalStack,
    QuantileAggregator,
    calibrate,
    cross_calibrate,
)

__all__ = ["PROMISES"]

LEVELS = np.array([0.05, 0.25, 0.5, 0.75, 0.95])
ALPHA = 0.1
ROWS = 60


def rows_of(rng, n, low=-1.0, high=1.0):
    """Features, and outcomes with heavy tails whose spread grows away from the centre."""
    x = rng.uniform(low, high, n)
    return x, x + (0.5 + np.abs(x)) * rng.standard_t(4, n)


def narrow(x):
    """Quantiles of a model that is too sure."""
    return x[:, None] + LEVELS - 0.4


def inside(ends, y):
    """Whether the widest interval holds the outcome."""
    return ends[0, 0] <= y <= ends[0, -1]


def split(rng, method="symmetric", *, by_group=False):
    """Calibrated on rows set aside, whole or by group."""
    x, y = rows_of(rng, 2 * ROWS + 1 if by_group else ROWS + 1)
    kept = np.arange(len(x))
    group = np.where(np.abs(x) > 0.5, "outer", "inner")
    if by_group:        # the same number of rows of the new row's group in every world
        mine = np.flatnonzero(group[:-1] == group[-1])[:ROWS // 2]
        kept = np.concatenate([mine, np.flatnonzero(group[:-1] != group[-1]), [len(x) - 1]])
    x, y, group = x[kept], y[kept], group[kept]
    made = calibrate(y[:-1], narrow(x[:-1]), LEVELS, method=method,
                     groups=group[:-1] if by_group else None)
    return inside(made.apply(narrow(x[-1:]), groups=group[-1:] if by_group else None), y[-1])


def shifted(rng):
    """Calibrated with likelihood ratios known, where new rows come from elsewhere."""
    x, y = rows_of(rng, 2 * ROWS)
    new = 1 - 2 * np.sqrt(rng.uniform(size=1))        # density (1 - x) / 2 instead of 1 / 2
    outcome = new[0] + (0.5 + abs(new[0])) * rng.standard_t(4)
    made = calibrate(y, narrow(x), LEVELS, sample_weight=1 - x)
    return inside(made.apply(narrow(new), weights=1 - new), outcome)


def folds(rng, k):
    """CV+ or, with k the number of rows, jackknife+, around means of the other folds."""
    x, y = rows_of(rng, ROWS + 1)
    fold = np.arange(ROWS) % k
    slopes = np.array([np.polyfit(x[:-1][fold != each], y[:-1][fold != each], 1)
                       for each in range(k)])
    means = slopes[:, :1] * x + slopes[:, 1:]
    ends = means[:, :, None] + LEVELS - 0.5
    made = cross_calibrate(y[:-1], ends[fold, np.arange(ROWS)], LEVELS, fold)
    return inside(made.apply(ends[None, :, -1]), y[-1])


def linear_folds(rng, k=5):
    """CV+ around linear quantiles of the other folds."""
    x, y = rows_of(rng, 2 * ROWS + 1)
    fold = np.arange(2 * ROWS) % k
    ends = np.stack([LinearQuantiles(LEVELS).fit(x[:-1][fold != each, None], y[:-1][fold != each])
                     .predict_quantiles(x[:, None]) for each in range(k)])
    made = cross_calibrate(y[:-1], ends[fold, np.arange(2 * ROWS)], LEVELS, fold)
    return inside(made.apply(ends[None, :, -1]), y[-1])


def fitted(rng, made):
    """A regressor from fit to interval."""
    x, y = rows_of(rng, 2 * ROWS + 1)
    model = made(rng).fit(x[:-1, None], y[:-1])
    low, high = model.predict_interval(x[-1:, None], 1 - ALPHA)[0]
    return low <= y[-1] <= high


def split_regressor(rng):
    return ConformalQuantileRegressor(LinearQuantiles(LEVELS),
                                      random_state=int(rng.integers(2**31)))


def nested_stack(rng):
    return NestedConformalStack(
        ["linear", "qrf"], QuantileAggregator(local=False, solver="lp", penalty=0),
        quantile_levels=[0.05, 0.5, 0.95], cv=3, random_state=int(rng.integers(2**31)))


def stream(rng):
    """Whether the share of misses of a drifting stream stays within the bound of the proof."""
    n = 300
    y = np.cumsum(rng.normal(size=n)) + rng.standard_t(2, n) * np.linspace(1, 5, n)
    adaptive = AdaptiveConformal(rate=0.05, window=50)
    found = adaptive.follow(adaptive.init([0.05, 0.5, 0.95]), y, np.tile([-1.0, 0, 1.0], (n, 1)))
    return abs(found.missed.mean() - ALPHA) <= adaptive.bound(ALPHA, n) + 1e-12


def exact(n, alpha, sides=1):
    """Coverage of split intervals on n rows without ties, alpha shared by the sides."""
    rank = math.ceil((1 - alpha / sides) * (n + 1) - 1e-9)
    return 1 - sides * (1 - rank / (n + 1))


def _promise(what, level, trial, kind="equal", seconds=0.002, world=f"{ROWS} rows"):
    return Promise("quantile_aggregation", what, world, level, trial, kind, seconds=seconds)


PROMISES = [
    _promise("split interval, symmetric", exact(ROWS, ALPHA), split),
    _promise("split interval, asymmetric", exact(ROWS, ALPHA, 2),
             partial(split, method="asymmetric")),
    _promise("interval by group", exact(ROWS // 2, ALPHA), partial(split, by_group=True),
             world=f"{ROWS // 2} rows of the group"),
    _promise("weighted interval, shifted features", 1 - ALPHA, shifted, "at least",
             world=f"{2 * ROWS} rows, known likelihood ratios"),
    _promise("CV+ interval, 5 folds", 1 - 2 * ALPHA, partial(folds, k=5), "at least"),
    _promise("jackknife+ interval", 1 - 2 * ALPHA, partial(folds, k=ROWS), "at least",
             seconds=0.02),
    _promise("conformalised linear quantiles", 1 - ALPHA, partial(fitted, made=split_regressor),
             "at least", 0.05, f"{2 * ROWS} rows"),
    _promise("CV+ interval around linear quantiles, 5 folds", 1 - 2 * ALPHA, linear_folds,
             "at least", 0.06, f"{2 * ROWS} rows"),
    _promise("nested CV+ around a stack, 3 folds", 1 - 2 * ALPHA,
             partial(fitted, made=nested_stack), "at least", 0.5, f"{2 * ROWS} rows"),
    _promise("adaptive intervals: misses within the bound", 1.0, stream,
             world="300 rows that drift"),
]
