"""Promised coverage over simulated splits: the exact finite-sample value where there is one.

Given its calibration rows, the coverage of new rows is a normal probability, computed and not
simulated; its spread over splits is that of a Beta distribution, hence the standard errors.
"""

import math
import warnings

import numpy as np
import pytest
from scipy.stats import norm

from workbench.core import generator
from workbench.inference.conformal import TooFewRowsWarning, calibrate
from workbench.inference.conformal_cross import cross_calibrate
from workbench.inference.quantiles.levels import pairs

SPLITS, LEVELS = 1000, np.array([0.05, 0.2, 0.5, 0.8, 0.95])
NARROW = np.array([-0.8, -0.3, 0.1, 0.5, 1.0])       # of a model that errs, wherever it is used


def covered(quantiles):
    """Probability that a standard normal outcome lies inside each interval, shape (n, 2)."""
    return np.stack([norm.cdf(quantiles[:, high]) - norm.cdf(quantiles[:, low])
                     for low, high, _ in pairs(LEVELS)], axis=1)


def exact(method, n):
    """Coverage that a method has exactly, for continuous scores, and its sd over calibrations."""
    for _, _, alpha in pairs(LEVELS):
        share = alpha if method == "symmetric" else alpha / 2
        missed = 1 - math.ceil((1 - share) * (n + 1) - 1e-9) / (n + 1)
        value = 1 - missed if method == "symmetric" else 1 - 2 * missed
        yield value, math.sqrt(value * (1 - value) / (n + 2))


@pytest.mark.parametrize("method", ["symmetric", "asymmetric"])
@pytest.mark.parametrize("n", [39, 52])
def test_recovers_the_exact_coverage_of_split_calibration(method, n):
    rng, seen = generator(0), np.empty((SPLITS, 2))
    quantiles = np.tile(NARROW, (n, 1))
    for split in range(SPLITS):
        made = calibrate(rng.normal(size=n), quantiles, LEVELS, method=method)
        seen[split] = covered(made.apply(NARROW[None]))[0]
    for found, (value, sd) in zip(seen.mean(axis=0), exact(method, n), strict=True):
        assert abs(found - value) < 3 * sd / math.sqrt(SPLITS)


def test_recovers_the_exact_coverage_of_each_group():
    rng, sizes, scale = generator(1), (25, 40), np.array([0.3, 3.0])
    groups = np.repeat([0, 1], sizes)
    quantiles = np.tile(NARROW, (sum(sizes), 1))
    seen = np.empty((SPLITS, 2, 2))
    for split in range(SPLITS):
        made = calibrate(rng.normal(size=sum(sizes)) * scale[groups], quantiles, LEVELS,
                         groups=groups)
        seen[split] = covered(made.apply(np.tile(NARROW, (2, 1)), groups=[0, 1])
                              / scale[:, None])
    for group, size in enumerate(sizes):
        for found, (value, sd) in zip(seen[:, group].mean(axis=0), exact("symmetric", size),
                                      strict=True):
            assert abs(found - value) < 3 * sd / math.sqrt(SPLITS)


def test_recovers_the_promise_under_a_known_shift_of_features():
    """New rows are the noisy ones eight times in ten, calibration rows two times in ten."""
    rng, n, scale, ratio = generator(2), 80, np.array([1.0, 4.0]), np.array([0.25, 4.0])
    quantiles, seen = np.tile(NARROW, (n, 1)), np.empty((SPLITS, 2, 2))
    heaviest = np.empty(SPLITS)
    for split in range(SPLITS):
        noisy = (rng.random(n) < 0.2).astype(int)
        y, news = rng.normal(size=n) * scale[noisy], np.tile(NARROW, (2, 1))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", TooFewRowsWarning)
            made = calibrate(y, quantiles, LEVELS, sample_weight=ratio[noisy])
            found = made.apply(news, weights=ratio)
        ignorant = calibrate(y, quantiles, LEVELS).apply(news)
        mixed = np.array([0.2, 0.8])
        seen[split] = [mixed @ covered(made_rows / scale[:, None])
                       for made_rows in (found, ignorant)]
        total = ratio[noisy].sum() + ratio
        heaviest[split] = mixed @ (ratio.max() / total)
    error = seen[:, 0].std(axis=0) / math.sqrt(SPLITS)
    for pair, (_, _, alpha) in enumerate(pairs(LEVELS)):
        found = seen[:, 0, pair].mean()
        assert found > 1 - alpha - 3 * error[pair]
        assert found < 1 - alpha + heaviest.mean() + 3 * error[pair]
        assert seen[:, 1, pair].mean() < 1 - alpha - 0.1      # without weights the promise breaks


@pytest.mark.parametrize("folds", [5, 30])
def test_recovers_the_guarantee_of_cross_calibration(folds):
    """The model is the mean of the other folds; new rows are covered about as promised."""
    rng, n = generator(3), 30
    fold, seen = np.arange(n) % folds, np.empty((SPLITS, 2))
    for split in range(SPLITS):
        y = rng.normal(size=n)
        sums = np.bincount(fold, y) - y.sum()
        centres = -sums / (n - np.bincount(fold))
        Z = centres[None, :, None] + NARROW
        made = cross_calibrate(y, Z[0, fold], LEVELS, fold)
        seen[split] = covered(made.apply(Z))[0]
    error = seen.std(axis=0) / math.sqrt(SPLITS)
    for pair, (_, _, alpha) in enumerate(pairs(LEVELS)):
        found = seen[:, pair].mean()
        slack = 0.0 if folds == n else math.sqrt(2 / n)
        assert found > 1 - 2 * alpha - slack
        assert abs(found - (1 - alpha)) < 1.5 / (n + 1) + 3 * error[pair]
