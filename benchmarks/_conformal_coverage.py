"""Coverage over simulated splits beside the exact value that the number of rows gives it.

Each split draws calibration rows and one new row, whose spread grows away from the centre; the
given quantiles ignore it and are far too narrow. Whether the new outcome is covered is then a
trial of known probability, hence the binomial standard errors.
"""

import math

import numpy as np

from workbench.core import generator
from workbench.inference.conformal import calibrate
from workbench.inference.quantiles.levels import pairs

LEVELS = np.array([0.05, 0.25, 0.5, 0.75, 0.95])
ROWS, SPLITS = 100, 1000
METHODS = {"split, symmetric": ("symmetric", False), "split, asymmetric": ("asymmetric", False),
           "by group, symmetric": ("symmetric", True)}


def exact(alpha, n, method):
    """Probability that a new outcome is covered, for n scores without ties."""
    share = alpha if method == "symmetric" else alpha / 2
    rank = min(math.ceil((1 - share) * (n + 1) - 1e-9), n + 1)
    return 1 - (1 - rank / (n + 1)) * (1 if method == "symmetric" else 2)


def simulated(method, by_group, rng):
    """Whether each interval covers, and with what probability, shape (splits, intervals) each."""
    intervals = pairs(LEVELS)
    covered, promised = np.empty((2, SPLITS, len(intervals)))
    for split in range(SPLITS):
        x = rng.uniform(-1, 1, ROWS + 1)
        y = x + (0.5 + np.abs(x)) * rng.standard_t(4, ROWS + 1)
        quantiles, group = x[:, None] + LEVELS - 0.4, np.abs(x) > 0.5
        known, new = (group[:-1], group[-1:]) if by_group else (None, None)
        n = int((known == new).sum()) if by_group else ROWS
        made = calibrate(y[:-1], quantiles[:-1], LEVELS, method=method, groups=known)
        ends = made.apply(quantiles[-1:], groups=new)[0]
        for place, (low, high, alpha) in enumerate(intervals):
            covered[split, place] = ends[low] <= y[-1] <= ends[high]
            promised[split, place] = exact(alpha, n, method)
    return covered, promised


def coverage_table(seed):
    """One row per method and interval: coverage seen, its exact value, and their distance.

    Returns
    -------
    rows : list of dict
        Keys method, level, rows, splits, seen, exact, gap [binomial standard errors].
    """
    rows, rng = [], generator(seed)
    for name, (method, by_group) in METHODS.items():
        covered, promised = simulated(method, by_group, rng)
        errors = np.sqrt((promised * (1 - promised)).sum(axis=0)) / SPLITS
        seen, value = covered.mean(axis=0), promised.mean(axis=0)
        rows += [{"method": name, "level": 1 - alpha, "rows": ROWS, "splits": SPLITS,
                  "seen": float(seen[place]), "exact": float(value[place]),
                  "gap": float((seen[place] - value[place]) / errors[place])}
                 for place, (_, _, alpha) in enumerate(pairs(LEVELS))]
    return rows
