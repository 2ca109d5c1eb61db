"""Tables of a study: what reuse did, what protects, what is certified, what weights learned."""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.stats import chi2, norm, t

from workbench.core import Estimate, Interval
from workbench.inference.validity.attacks import Setting, attack_errors
from workbench.inference.validity.bit_worlds import BitWorld
from workbench.inference.validity.bounds import hoeffding_tau
from workbench.inference.validity.certificates import (
    Certificate,
    certified_gaussian,
    certified_laplace,
    certified_split,
    certified_thresholdout,
    plan_thresholdout,
    tightest,
    uncertified,
)
from workbench.inference.validity.multiplicative import PrivateMultiplicativeWeights
from workbench.inference.validity.tables import Divided
from workbench.inference.validity.universe import binary_points

__all__ = ["by_features", "certificate_of", "certified", "errors_by_queries", "learned",
           "mean_of", "root_mean_square", "table_world"]

LEVEL = 0.9
SIZES = np.geomspace(1e3, 1e9, 49)
BITS = 8


def mean_of(values: np.ndarray, *, divisions: bool, level: float = LEVEL) -> Estimate:
    """Mean over repetitions with its interval.

    Parameters
    ----------
    values : array, shape (repetitions,)
    divisions : bool
        Whether repetitions divide the same rows into thirds: then they are no independent
        samples, and the variance is corrected by the ratio of test and training rows, which is 1
        (C. Nadeau, Y. Bengio, Machine Learning 52, 2003).
    """
    count = len(values)
    if count < 2:
        return Estimate(float(np.mean(values)), why="one repetition tells no spread")
    variance = np.var(values, ddof=1) * (1 / count + divisions)
    half = float(t.ppf(0.5 + level / 2, count - 1)) * math.sqrt(variance)
    middle = float(np.mean(values))
    return Estimate(middle, Interval(middle - half, middle + half, level))


def by_features(accuracies: pd.DataFrame, *, divisions: bool) -> pd.DataFrame:
    """Means over repetitions, with intervals, for each method, k and part.

    Returns
    -------
    curves : DataFrame
        Columns method, part (train, answer, fresh), k, value, low, high.
    """
    rows = []
    for (method, k), some in accuracies.groupby(["method", "k"]):
        for part in ("train", "answer", "fresh"):
            found = mean_of(some[part].to_numpy(float), divisions=divisions)
            low, high = found.ends if found.interval else (found.value, found.value)
            rows.append((method, part, k, found.value, low, high))
    return pd.DataFrame(rows, columns=["method", "part", "k", "value", "low", "high"])


def errors_by_queries(names: Sequence[str], n: int, queries: int, setting: Setting, *,
                      repetitions: int, rng: np.random.Generator) -> pd.DataFrame:
    """Root mean square error of the last of many queries, by their number.

    Returns
    -------
    errors : DataFrame
        Columns mechanism, queries, rms, low, high, bias, answered (share of attacks whose last
        query was answered); NaN where none was.
    """
    columns = np.unique(np.geomspace(10, queries, 7).astype(int)).tolist()
    found = attack_errors(names, n, columns, setting, repetitions=repetitions, rng=rng)
    rows = []
    for (name, count), some in found.groupby(["mechanism", "columns"], sort=False):
        error = some["error"].to_numpy(float)
        held = error[~np.isnan(error)]
        share = len(held) / len(error)
        told = root_mean_square(held) if share == 1 else [math.nan] * 3
        rows.append((name, count, *told, float(held.mean()) if len(held) else math.nan,
                     share))
    return pd.DataFrame(rows, columns=["mechanism", "queries", "rms", "low", "high", "bias",
                                       "answered"])


def root_mean_square(errors: np.ndarray, *, level: float = LEVEL) -> tuple[float, float, float]:
    """Root mean square of independent normal errors, biased or not, with its interval.

    Notes
    -----
    Mean squares of biased errors follow a noncentral chi-square law, which is near a central one
    of ``n / (1 - w**2)`` degrees of freedom, w the share of the squared bias (P. Patnaik,
    Biometrika 36, 1949); fewer by the squared ratio of normal and t quantiles where the error is
    all bias, whose spread is estimated.
    """
    count, square = len(errors), float(np.mean(errors**2))
    if not square > 0 or count < 2:
        return math.sqrt(square), math.sqrt(square), math.sqrt(square)
    variance = float(np.var(errors, ddof=1))
    share = min(max(0.0, np.mean(errors) ** 2 - variance / count) / square, 1 - 1e-9)
    upper = 0.5 + level / 2
    narrower = (norm.ppf(upper) / t.ppf(upper, count - 1)) ** 2
    freedom = count / (1 - share**2) * (1 - share * (1 - narrower))
    low, high = (math.sqrt(square * freedom / chi2.ppf(at, freedom)) for at in (upper, 1 - upper))
    return math.sqrt(square), low, high


def certified(queries: int, setting: Setting) -> pd.DataFrame:
    """Certified accuracy by rows, at the settings that certify most: theory, not observation.

    Returns
    -------
    bounds : DataFrame
        Columns mechanism, n, tau; non-adaptive queries are what adaptive ones are compared with.
    """
    beta, budget = setting.beta, setting.budget or queries
    rows = []
    for n in (int(size) for size in SIZES):
        found = {
            "chosen beforehand": hoeffding_tau(n, beta=beta, queries=queries),
            "split": certified_split(n, queries, beta=beta).tau,
            "laplace": tightest(n, queries, beta=beta).tau,
            "thresholdout": plan_thresholdout(n, queries, budget, beta=beta)[2].tau}
        rows += [(name, n, tau) for name, tau in found.items()]
    return pd.DataFrame(rows, columns=["mechanism", "n", "tau"])


def certificate_of(name: str, n: int, queries: int, setting: Setting) -> Certificate:
    """What a mechanism with these settings certifies for n rows."""
    beta = setting.beta
    if name == "split":
        return certified_split(n, queries, beta=beta)
    if name == "laplace":
        return certified_laplace(n, queries, setting.epsilon, setting.delta, beta=beta)
    if name == "gaussian":
        return certified_gaussian(n, queries, setting.spread, beta=beta)
    if name == "thresholdout":
        return certified_thresholdout(n, queries, setting.budget or queries, setting.threshold,
                                      setting.sigma, beta=beta)
    return uncertified("exact means certify nothing for adaptive queries", beta)


def learned(world: BitWorld, asked: PrivateMultiplicativeWeights) -> pd.DataFrame:
    """Points of a universe with their weights and how often they are, the most frequent first.

    Returns
    -------
    points : DataFrame
        Columns rank, truth, weight, both times uniform.
    """
    order = np.argsort(-world.truth, kind="stable")
    size = len(order)
    return pd.DataFrame({"rank": np.arange(1, size + 1), "truth": size * world.truth[order],
                         "weight": size * asked.weights[order]})


def table_world(divided: Divided) -> tuple[BitWorld, tuple[str, ...]]:
    """Outcome and leading columns of a division as bits: above the training mean or not.

    The holdout is the sample; fresh rows stand for the truth, which nobody knows.
    """
    train, holdout, fresh = divided.parts
    order = np.argsort(-np.abs(train.correlations()), kind="stable")[:BITS - 1]
    codes = []
    for part in (holdout, fresh):
        bits = np.column_stack([part.y > 0, part.X[:, order] > 0])
        codes.append(bits @ (1 << np.arange(bits.shape[1])))
    width = 1 + len(order)
    truth = np.bincount(codes[1], minlength=2**width) / len(codes[1])
    return BitWorld(binary_points(width), truth, codes[0]), tuple(
        divided.names[at] for at in order)
