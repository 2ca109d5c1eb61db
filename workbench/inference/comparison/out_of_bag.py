"""Weights of the bootstrap: how often a resample drew each row, how much each error counts.

``error = weights @ [resubstitution error, out-of-bag error]`` with ``weights = (1 - w, w)``: w is
1 for the out-of-bag bootstrap, 0.632 for .632, and ``0.632 / (1 - 0.368 R)`` for .632+, where the
relative overfitting ``R = (ERR_1' - ERR_resub) / (gamma - ERR_resub)`` lies in [0, 1],
``ERR_1' = min(ERR_1, gamma)``, and gamma is the error if labels told nothing.

Source: Efron and Tibshirani (1997), Journal of the American Statistical Association 92, 548-560.
"""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from workbench.core import Interval, check
from workbench.inference.comparison.arrays import level_between
from workbench.inference.comparison.intervals import quantile_interval

__all__ = ["METHODS", "BootstrapResult", "Tally", "combined", "error_weights",
           "no_information_rate", "overfitting"]

METHODS = ("oob", ".632", ".632+")
SHARE = 0.632
PAIRS = 1 << 22           # pairs of label and prediction that are compared at once


@dataclass
class Tally:
    """Sums over resamples, each of shape (n,), and the error of each resample.

    Parameters
    ----------
    wrong, seen : array
        Loss of each row where it was left out, and how often it was.
    drawn, pull : array
        Sums of counts, and of counts times the resample's mean contribution to the error.
    errors, shares : list of float
        Out-of-bag loss of each resample, over the rows left out, and over all n.
    """

    wrong: np.ndarray
    seen: np.ndarray
    drawn: np.ndarray
    pull: np.ndarray
    errors: list[float] = field(default_factory=list)
    shares: list[float] = field(default_factory=list)

    @classmethod
    def empty(cls, n: int) -> "Tally":
        """Nothing yet, for n rows."""
        return cls(np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(n))

    @classmethod
    def of(cls, losses: np.ndarray, counts: np.ndarray) -> "Tally":
        """All at once, from losses and counts of shape (B, n)."""
        out = counts == 0
        left = np.where(out, losses, 0.0)
        total = left.sum(axis=1)
        errors = (total / np.maximum(1, out.sum(axis=1)))[out.any(axis=1)]
        return cls(left.sum(axis=0), out.sum(axis=0).astype(float),
                   counts.sum(axis=0).astype(float), total @ counts / counts.shape[1],
                   errors.tolist(), (total / counts.shape[1]).tolist())

    def add(self, counts: np.ndarray, rows: np.ndarray, losses: np.ndarray) -> None:
        """One resample: its counts (n,), the rows left out and their losses."""
        self.wrong[rows] += losses
        self.seen[rows] += 1
        self.drawn += counts
        self.pull += counts * (losses.sum() / len(counts))
        self.errors.append(float(losses.mean()))
        self.shares.append(float(losses.sum()) / len(counts))

    def error(self) -> float:
        """ERR_1: mean over rows of the mean loss where the row was left out."""
        held = self.seen > 0
        return float(np.mean(self.wrong[held] / self.seen[held]))

    def delta_error(self) -> float:
        """Standard error of ERR_1 by the infinitesimal jackknife.

        The noise of a finite number of resamples is subtracted; NaN where it exceeds the rest, as
        with few resamples, or where a row was never left out.
        """
        n, B = len(self.seen), len(self.errors)
        if not (self.seen > 0).all() or B < 2:
            return math.nan
        each = self.wrong / self.seen
        covariance = self.pull - self.drawn / B * sum(self.shares)
        parts = (2 + 1 / (n - 1)) * (each - each.mean()) / n + covariance / self.seen
        noise = (1 - 1 / n) * float(np.var(self.shares)) * B * float((1 / self.seen ** 2).sum())
        square = float(parts @ parts) - noise
        return math.sqrt(square) if square > 0 else math.nan


@dataclass(frozen=True, eq=False)
class BootstrapResult:
    """A score by the bootstrap.

    Parameters
    ----------
    estimate : float
        Larger is better.
    replicates : array, shape (B,)
        The same score from each resample alone.
    method, convention : str
    parts : mapping of str to float
        ``resubstitution``, ``out of bag``, ``no information`` (scores), ``overfitting`` (R) and
        ``weight`` (w).
    delta : float
        Standard error by the infinitesimal jackknife; NaN where it is not known.
    effective : float
        Mean effective size of the resamples, in rows.
    skipped : int
        Resamples without a row left out, or with one class.
    warnings : tuple of str
    """

    estimate: float
    replicates: np.ndarray
    method: str
    convention: str
    parts: dict[str, float]
    delta: float
    effective: float
    skipped: int = 0
    warnings: tuple[str, ...] = ()

    @property
    def se(self) -> float:
        """Standard deviation of the replicates; NaN for one."""
        return float(self.replicates.std(ddof=1)) if len(self.replicates) > 1 else math.nan

    @property
    def weights(self) -> np.ndarray:
        """Weights of the resubstitution and of the out-of-bag error, shape (2,), summing to 1."""
        return np.array([1 - self.parts["weight"], self.parts["weight"]])

    def conf_int(self, level: float = 0.95, kind: str = "percentile") -> Interval:
        """Interval of the score.

        Parameters
        ----------
        level : float in (0, 1)
        kind : {"percentile", "normal", "t", "delta"}
            Quantiles of the replicates, which need some 1,000 of them for the tails; their
            standard deviation with normal or Student quantiles; the infinitesimal jackknife.
        """
        from scipy import special

        check.one_of(("percentile", "normal", "t", "delta"), kind=kind)
        level_between(level)
        if len(self.replicates) < 2:
            raise ValueError(f"conf_int must have at least 2 replicates, got "
                             f"{len(self.replicates)}. Raise n_splits.")
        if kind == "percentile":
            return quantile_interval(self.replicates, level=level)
        quantile = float(special.stdtrit(len(self.replicates) - 1, 0.5 + level / 2)
                         if kind == "t" else special.ndtri(0.5 + level / 2))
        half = quantile * (self.delta if kind == "delta" else self.se)
        if not math.isfinite(half):
            raise ValueError("kind must not be 'delta' where a row was never left out, resamples "
                             "are few, or each is scored by itself. Raise n_splits, or pass "
                             "'percentile'.")
        return Interval(self.estimate - half, self.estimate + half, level)


def overfitting(error: float, resubstitution: float, gamma: float) -> float:
    """Relative overfitting R in [0, 1] of losses; 0 unless both others exceed resubstitution."""
    capped = min(error, gamma)
    if not (capped > resubstitution and gamma > resubstitution):
        return 0.0
    return (capped - resubstitution) / (gamma - resubstitution)


def error_weights(method: str, R: float = 0.0) -> np.ndarray:
    """Weights of the resubstitution and the out-of-bag error, shape (2,)."""
    check.one_of(METHODS, method=method)
    w = {"oob": 1.0, ".632": SHARE}.get(method, SHARE / (1 - (1 - SHARE) * R))
    return np.array([1 - w, w])


def combined(method: str, error: float, resubstitution: float, gamma: float
             ) -> tuple[float, np.ndarray, float]:
    """Weighted error, its weights and R: convention ``aggregate``."""
    R = overfitting(error, resubstitution, gamma)
    weights = error_weights(method, R)
    capped = min(error, gamma) if method == ".632+" else error
    return float(weights @ [resubstitution, capped]), weights, R


def no_information_rate(y: Any, predictions: Any, loss: Any = None) -> float:
    """Mean loss over all pairs of a label and a prediction: gamma.

    Parameters
    ----------
    y, predictions : array, shape (n,)
    loss : callable, optional
        ``loss(y, p)``, elementwise and broadcasting; None is zero-one loss, for which gamma is
        ``sum_c share_y(c) (1 - share_p(c))`` and takes no pairs.

    Examples
    --------
    >>> no_information_rate([0, 0, 1, 1], [0, 0, 0, 1])
    0.5
    """
    truth, said = np.asarray(y), np.asarray(predictions)
    check.same_length(y=truth, predictions=said)
    if not len(truth):
        raise ValueError("y must hold at least one label, got none. Predict some rows.")
    if loss is None:
        labels, places = np.unique(np.concatenate([truth, said]), return_inverse=True)
        n, k = len(truth), len(labels)
        shares = (np.bincount(half, minlength=k) / n for half in (places[:n], places[n:]))
        return float(1 - np.dot(*shares))
    step, total = max(1, PAIRS // len(said)), 0.0
    for start in range(0, len(truth), step):
        total += float(np.sum(loss(truth[start:start + step, None], said[None, :])))
    return total / (len(truth) * len(said))
