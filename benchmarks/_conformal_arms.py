"""Conformal calibration beside MAPIE: the same intervals, and the seconds that both take.

The base models are given, or as quick as least squares, so that it is the calibration and the
prediction of intervals that is timed, on the processor's clock, the two arms in turn. MAPIE
calibrates one interval at a time, so that nine of them are nine of its objects.
"""

import statistics
import time
import warnings

import numpy as np
from mapie.conformity_scores import AbsoluteQuantileRegressionScore, QuantileRegressionScore
from mapie.regression import (
    ConformalizedQuantileRegressor,
    CrossConformalizedQuantileRegressor,
    CrossConformalRegressor,
)
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.linear_model import LinearRegression, QuantileRegressor
from sklearn.model_selection import KFold

from workbench.core import generator
from workbench.inference.conformal import calibrate
from workbench.inference.conformal_folds import CrossConformalQuantileRegressor
from workbench.inference.quantiles.levels import even_levels, pairs
from workbench.inference.quantiles.per_level import PerLevel

LARGE, NEW, SMALL, REPEATS = 100_000, 1000, 400, 9
THREE, NINETEEN = np.array([0.1, 0.5, 0.9]), even_levels(19)
SCORES = {"symmetric": AbsoluteQuantileRegressionScore, "asymmetric": QuantileRegressionScore}


class Column(RegressorMixin, BaseEstimator):
    """A fitted model whose prediction is one column of X."""

    def __init__(self, column=0):
        self.column = column
        self.fitted_ = True

    def fit(self, _X, _y):
        """Nothing to learn."""
        return self

    def predict(self, X):
        """The column."""
        return X[:, self.column]


class Mean(RegressorMixin, BaseEstimator):
    """Least squares as every quantile, so that nonconformity is the absolute residual."""

    def fit(self, X, y):
        """Fit the line."""
        self.levels_, self.model_ = THREE, LinearRegression().fit(X, y)
        return self

    def predict(self, X):
        """The mean."""
        return self.model_.predict(X)

    def predict_quantiles(self, X):
        """The mean, for each level."""
        return np.repeat(self.predict(X)[:, None], 3, axis=1)


def split_arms(levels, method, seed):
    """Split calibration by both, as functions that return the ends of all intervals."""
    def world(seed):
        rng = generator(seed)
        centre, spread = rng.normal(size=LARGE), rng.uniform(0.5, 2.0, LARGE)
        quantiles = centre[:, None] + spread[:, None] * 3 * (levels - 0.5)
        return centre + spread * rng.standard_t(4, LARGE), quantiles

    (y, quantiles), (_, new) = world(seed), world(seed + 1000)
    intervals, mid = pairs(levels), len(levels) // 2

    def mapie():
        return [ConformalizedQuantileRegressor(
            [Column(low), Column(high), Column(mid)], confidence_level=1 - alpha, prefit=True,
        ).conformalize(quantiles, y).predict_interval(
            new, symmetric_correction=method == "symmetric")[1] for low, high, alpha in intervals]

    def ours():
        return calibrate(y, quantiles, levels, method=method).apply(new)

    def gap():
        made = ours()
        return max(float(np.abs(ends[:, :, 0] - made[:, [low, high]]).max())
                   for ends, (low, high, _) in zip(mapie(), intervals, strict=True))
    return mapie, ours, gap


def lines(seed, n, news):
    """Rows of a line with noise, and new ones."""
    rng = generator(seed)
    X, new = rng.normal(size=(n, 2)), rng.normal(size=(news, 2))
    return X, X @ [1.0, -2.0] + rng.normal(size=n), new


def cross_arms(method, seed):
    """CV+ of both on the same linear quantile regressions."""
    X, y, new = lines(seed, SMALL, SMALL)
    line = QuantileRegressor(alpha=0.0)

    def mapie():
        return CrossConformalizedQuantileRegressor(
            line, confidence_level=0.8, cv=KFold(5), conformity_score=SCORES[method],
        ).fit_conformalize(X, y).predict_interval(new)[1][:, :, 0]

    def ours():
        return CrossConformalQuantileRegressor(
            PerLevel(line), quantile_levels=THREE, cv=KFold(5), method=method,
        ).fit(X, y).predict_interval(new, 0.8)
    return mapie, ours, lambda: float(np.abs(mapie() - ours()).max())


def residual_arms(seed):
    """CV+ of both on absolute residuals of least squares: many rows, fewer new ones."""
    X, y, new = lines(seed, LARGE, NEW)

    def mapie():
        return CrossConformalRegressor(
            LinearRegression(), confidence_level=0.8, cv=KFold(5),
        ).fit_conformalize(X, y).predict_interval(new)[1][:, :, 0]

    def ours():
        return CrossConformalQuantileRegressor(Mean(), quantile_levels=THREE, cv=KFold(5)).fit(
            X, y).predict_interval(new, 0.8)
    return mapie, ours, lambda: float(np.abs(mapie() - ours()).max())


def seconds(arms, repeats):
    """Median processor seconds of each arm, in turn; the first round is not counted."""
    found = [[] for _ in arms]
    for round_ in range(repeats + 1):
        for times, arm in zip(found, arms, strict=True):
            start = time.process_time()
            arm()
            if round_:
                times.append(time.process_time() - start)
    return [statistics.median(times) for times in found]


def conformal_table(seeds):
    """One row per method: largest difference between the intervals over seeds, and seconds.

    Parameters
    ----------
    seeds : list of int
        The first one is timed.

    Returns
    -------
    rows : list of dict
        Keys method, intervals, rows, new rows, largest gap, MAPIE seconds, our seconds, ratio.
    """
    plans = [(f"split, {method}", levels, LARGE, LARGE, REPEATS,
              lambda seed, levels=levels, method=method: split_arms(levels, method, seed))
             for method in SCORES for levels in (THREE, NINETEEN)]
    plans += [(f"CV+, {method}", THREE, SMALL, SMALL, 3,
               lambda seed, method=method: cross_arms(method, seed)) for method in SCORES]
    plans.append(("CV+, absolute residuals", THREE, LARGE, NEW, 3, residual_arms))
    rows = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")     # MAPIE's, about models it did not fit and its future
        for method, levels, n, news, repeats, arms in plans:
            gap = max(arms(seed)[2]() for seed in seeds)
            theirs, ours = seconds(arms(seeds[0])[:2], repeats)
            rows.append({"method": method, "intervals": len(levels) // 2, "rows": n,
                         "new rows": news, "largest gap": gap, "MAPIE seconds": theirs,
                         "our seconds": ours, "ratio": theirs / ours})
    return rows
