"""Bootstrap scores of any estimator: out of bag, .632 and .632+, in both published conventions."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from workbench.core import check, effective_size, generator
from workbench.inference.comparison.fitting import (
    in_parallel,
    is_accuracy,
    options_of,
    positions,
    ready,
    rows_of,
)
from workbench.inference.comparison.losses import SCORES, Loss, loss_of
from workbench.inference.comparison.out_of_bag import (
    METHODS,
    SHARE,
    BootstrapResult,
    Tally,
    combined,
    error_weights,
)
from workbench.inference.comparison.splits import BootstrapOOB

__all__ = ["Bootstrap", "bootstrap_score"]

CONVENTIONS = ("aggregate", "per_split")


@dataclass(frozen=True)
class Bootstrap:
    """How to score by the bootstrap.

    Parameters
    ----------
    method : {"oob", ".632", ".632+"}
    convention : {"aggregate", "per_split"}
        One formula for the mean errors of rows, with the error of one fit on all rows (Efron and
        Tibshirani); or the formula within each resample, with the error of its own model on all
        rows and without bounds on R, then the mean (Raschka).
    n_splits : int > 0
        Resamples.
    scoring : str or callable, optional
        accuracy, neg_mean_squared_error, neg_mean_absolute_error, or ``score(y, p)``, elementwise
        and larger is better; None chooses by the kind of estimator.
    as_weights : bool
        Fit on the rows drawn, with their counts as ``sample_weight``, instead of repeating rows:
        the same for estimators that treat weights as copies.
    """

    method: str = ".632+"
    convention: str = "aggregate"
    n_splits: int = 200
    scoring: Any = None
    as_weights: bool = False

    def __post_init__(self) -> None:
        check.one_of(METHODS, method=self.method)
        check.one_of(CONVENTIONS, convention=self.convention)
        check.whole(1, n_splits=self.n_splits)
        if isinstance(self.scoring, str):
            check.one_of(SCORES, scoring=self.scoring)

    def score(self, estimator: Any, X: Any, y: Any, *, splits: Any = None,
              rng: np.random.Generator | None = None) -> BootstrapResult:
        """Score an estimator; parameters as in `bootstrap_score`."""
        X, y = ready(X, y)
        is_accuracy(estimator, self.scoring)
        rng = generator(0) if rng is None else rng
        counts = BootstrapOOB(self.n_splits, rng).counts(len(y)) if splits is None else _counts(
            splits, len(y))
        rule = loss_of(self.scoring, estimator)
        _weighable(estimator, as_weights=self.as_weights)
        usable = np.array([_usable(each, y, classes=rule.zero_one) for each in counts])
        if not usable.any():
            raise ValueError(f"splits must leave rows out and train on two classes, but none of "
                             f"{len(counts)} does. Add rows, or pass other splits.")
        kept = counts[usable]
        work = partial(_one, rule, as_weights=self.as_weights,
                       whole=self.convention == "per_split" and self.method != "oob")
        found = in_parallel(work, estimator, X, y, list(kept), rng=rng)
        effective = float(np.mean([effective_size(each.astype(float)) for each in kept]))
        skipped = len(counts) - len(kept)
        if self.convention == "aggregate":
            whole = in_parallel(partial(_all_rows, rule), estimator, X, y, [None], rng=rng)[0]
            return self._aggregate(rule, kept, found, whole, (effective, skipped))
        return self._per_split(rule, found, (effective, skipped))

    def _aggregate(self, rule: Loss, counts: np.ndarray, found: list[Any],
                   whole: tuple[float, float], facts: tuple[float, int]) -> BootstrapResult:
        tally = Tally.empty(counts.shape[1])
        for each, (rows, losses, _) in zip(counts, found, strict=True):
            tally.add(each, rows, losses)
        resubstitution, gamma = whole
        error, first = tally.error(), np.array(tally.errors)
        total, weights, R = combined(self.method, error, resubstitution, gamma)
        parts = {"resubstitution": rule.told(resubstitution), "out of bag": rule.told(error),
                 "no information": rule.told(gamma), "overfitting": R, "weight": weights[1]}
        unseen = int((tally.seen == 0).sum())
        told = _told(facts[1]) + ((
            f"{unseen} of {len(tally.seen)} rows were in every resample and are not scored.",)
            if unseen else ())
        return BootstrapResult(
            rule.told(total), rule.told(weights[0] * resubstitution + weights[1] * first),
            self.method, self.convention, parts,
            tally.delta_error() * (total / error if error else 1.0), *facts, told)

    def _per_split(self, rule: Loss, found: list[Any], facts: tuple[float, int]
                   ) -> BootstrapResult:
        first = np.array([losses.mean() for _, losses, _ in found])
        if self.method == "oob":
            whole = gamma = np.full(len(first), np.nan)
            R, w = np.zeros(len(first)), np.ones(len(first))
        else:
            whole, gamma = np.array([each for _, _, each in found]).T
            room = gamma - whole
            R = np.divide(first - whole, room, out=np.zeros(len(first)), where=room != 0)
            below = 1 - (1 - SHARE) * R
            w = np.divide(SHARE, below, out=np.full(len(first), SHARE), where=below != 0) if (
                self.method == ".632+") else np.full(len(first), error_weights(self.method)[1])
        errors = first if self.method == "oob" else (1 - w) * whole + w * first
        zero = int(((room == 0) | (below == 0)).sum()) if self.method == ".632+" else 0
        parts = {"resubstitution": rule.told(float(whole.mean())),
                 "out of bag": rule.told(float(first.mean())),
                 "no information": rule.told(float(gamma.mean())),
                 "overfitting": float(R.mean()), "weight": float(w.mean())}
        told = _told(facts[1]) + ((
            f"In {zero} resamples the weight of .632+ divides by zero; .632 is used there.",)
            if zero else ())
        return BootstrapResult(float(rule.told(errors).mean()), rule.told(errors), self.method,
                               self.convention, parts, float("nan"), *facts, told)


def bootstrap_score(estimator: Any, X: Any, y: Any, method: str = ".632+", *,
                    rng: np.random.Generator | None = None, **options: Any) -> BootstrapResult:
    """Score an estimator by the bootstrap.

    Parameters
    ----------
    estimator : scikit-learn estimator
    X : array or DataFrame, shape (n, p)
    y : array, shape (n,)
    method : {"oob", ".632", ".632+"}
        How much the resubstitution error counts: nothing, 0.368, or less the more the model
        overfits.
    rng : numpy.random.Generator, optional
        Of the resamples and of estimators without a seed; seed 0 where there is none.
    **options
        ``splits``, counts of shape (B, n) or lists of training rows, instead of random resamples;
        and those of `Bootstrap`: convention, n_splits, scoring, as_weights.

    Returns
    -------
    result : BootstrapResult

    Raises
    ------
    ValueError
        Naming the option, or that no resample leaves a row out.
    """
    splits = options.pop("splits", None)
    options_of(Bootstrap, options, "splits")
    return Bootstrap(method, **options).score(estimator, X, y, splits=splits, rng=rng)


def _one(rule: Loss, model: Any, X: Any, y: np.ndarray,  # noqa: PLR0913 - one fit and its options
         counts: np.ndarray, *, as_weights: bool, whole: bool) -> tuple[Any, Any, Any]:
    """Rows left out, their losses, and where asked the error on all rows and gamma."""
    if as_weights:
        held = np.flatnonzero(counts)
        model.fit(rows_of(X, held), y[held], sample_weight=counts[held].astype(float))
    else:
        drawn = positions(counts)
        model.fit(rows_of(X, drawn), y[drawn])
    rows = np.flatnonzero(counts == 0)
    if not whole:
        return rows, rule(y[rows], np.asarray(model.predict(rows_of(X, rows)))), None
    said = np.asarray(model.predict(X))
    losses = rule(y, said)
    return rows, losses[rows], (float(losses.mean()), rule.gamma(y, said))


def _all_rows(rule: Loss, model: Any, X: Any, y: np.ndarray, _: None) -> tuple[float, float]:
    said = np.asarray(model.fit(X, y).predict(X))
    return float(rule(y, said).mean()), rule.gamma(y, said)


def _counts(splits: Any, n: int) -> np.ndarray:
    """Counts of shape (B, n) from counts, or from training rows of each split."""
    if isinstance(splits, np.ndarray) and splits.ndim == 2 and splits.shape[1] == n:
        found = splits
    else:
        listed = splits if isinstance(splits, Iterable) and not isinstance(splits, str) else ()
        trains = [np.asarray(each[0] if isinstance(each, tuple) else each) for each in listed]
        if any(train.ndim != 1 or train.dtype.kind not in "iu" or not len(train)
               or train.min() < 0 or train.max() >= n for train in trains) or not trains:
            raise ValueError(f"splits must hold counts of shape (B, {n}), or positions of "
                             f"training rows below {n}, got something else. Pass "
                             "BootstrapOOB(B).counts(n).")
        found = np.array([np.bincount(train, minlength=n) for train in trains])
    if found.dtype.kind not in "iub" or (found < 0).any():
        raise ValueError(f"splits must count rows by whole numbers >= 0, got type {found.dtype}. "
                         "Pass how often each row is drawn.")
    return found.astype(np.int64)


def _usable(counts: np.ndarray, y: np.ndarray, *, classes: bool) -> bool:
    """Whether a resample leaves a row out and, for classes, trains on two of them."""
    if counts.all() or not counts.any():
        return False
    held = y[counts > 0]
    return not classes or bool((held != held[0]).any())


def _weighable(estimator: Any, *, as_weights: bool) -> None:
    from sklearn.utils.validation import has_fit_parameter

    if as_weights and not has_fit_parameter(estimator, "sample_weight"):
        raise ValueError(f"as_weights must be False for {type(estimator).__name__}, whose fit "
                         "takes no sample_weight. Drawn rows are repeated then.")


def _told(skipped: int) -> tuple[str, ...]:
    many = f"{skipped} resamples were" if skipped > 1 else "1 resample was"
    return (f"{many} skipped: no row left out, or one class only.",) if skipped else ()
