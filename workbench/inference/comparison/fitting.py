"""Fit one estimator on many splits, in parallel where joblib is told to, and score what it says.

``with joblib.parallel_config(n_jobs=2):`` around any function of this package divides its fits.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from workbench.core import Interval, check
from workbench.core.rng import seed_from
from workbench.inference.comparison.intervals import accuracy_interval, mean_interval
from workbench.inference.comparison.outcomes import ScoreResult
from workbench.inference.comparison.splits import Splits

__all__ = ["fit_rows", "in_parallel", "is_accuracy", "options_of", "positions", "predict_splits",
           "ready", "rows_of", "score_splits", "scorer_of", "seeded"]

Work = Callable[[Any, Any, Any, tuple[np.ndarray, np.ndarray]], Any]


def score_splits(estimator: Any, X: Any, y: Any, splits: Splits, *, scoring: Any = None,
                 rng: np.random.Generator | None = None) -> ScoreResult:
    """Score an estimator on each split.

    Parameters
    ----------
    estimator : scikit-learn estimator
        Cloned for each split; it is not changed.
    X : array or DataFrame, shape (n, p)
    y : array, shape (n,)
    splits : Splits
        As from ``folds``, ``holdouts``, ``halves``, ``each_left_out`` or ``same_rows``.
    scoring : str or callable, optional
        As scikit-learn knows it, larger is better; None is accuracy, or minus the mean squared
        error of a regressor.
    rng : numpy.random.Generator, optional
        Seeds estimators that have a ``random_state`` of None.

    Returns
    -------
    result : ScoreResult
        Mean of the scores. Its interval is Student's with Nadeau and Bengio's correction for
        shared rows; that of one holdout's accuracy is Wilson's; resubstitution has none.
    """
    X, y = ready(X, y)
    work = _right if is_accuracy(estimator, scoring) else partial(_scored, scorer_of(
        estimator, scoring))
    scores = np.asarray(in_parallel(work, estimator, X, y, splits.pairs, rng=rng), dtype=float)
    if not np.isfinite(scores).all():
        raise ValueError(f"scoring must give a number on each split, got NaN on "
                         f"{int((~np.isfinite(scores)).sum())} of {len(scores)}. Use larger test "
                         "parts, or another scoring.")
    interval, why = None, ""
    if len(scores) > 1:
        interval = mean_interval(scores, overlap=splits.overlap)
        if work is _right:
            interval = Interval(max(0.0, interval.low), min(1.0, interval.high), interval.level)
    elif splits.name == "resubstitution":
        why = "a score on the training rows says nothing of new ones"
    elif work is _right:
        tested = len(splits.pairs[0][1])
        interval = accuracy_interval(round(scores[0] * tested), tested)
    return ScoreResult(splits.name, float(scores.mean()), scores, interval, why, splits.warnings)


def predict_splits(estimator: Any, X: Any, y: Any, splits: Splits, *,
                   rng: np.random.Generator | None = None) -> list[np.ndarray]:
    """What an estimator predicts on the test rows of each split."""
    X, y = ready(X, y)
    return in_parallel(_predicted, estimator, X, y, splits.pairs, rng=rng)


def in_parallel(work: Work, estimator: Any, X: Any, y: np.ndarray,
                items: Sequence[Any], *, rng: np.random.Generator | None) -> list[Any]:
    """``work(clone, X, y, item)`` for every item, in order, in batches that joblib divides."""
    from joblib import Parallel, delayed, effective_n_jobs

    seeds = [None] * len(items) if rng is None else [seed_from(rng) for _ in items]
    jobs = effective_n_jobs(None)
    if jobs == 1 or len(items) < 2 * jobs:
        return _batch(work, estimator, X, y, list(zip(items, seeds, strict=True)))
    size = -(-len(items) // (4 * jobs))
    batches = [list(zip(items[at:at + size], seeds[at:at + size], strict=True))
               for at in range(0, len(items), size)]
    found = Parallel()(delayed(_batch)(work, estimator, X, y, batch) for batch in batches)
    return [each for batch in found for each in batch]


def ready(X: Any, y: Any) -> tuple[Any, np.ndarray]:
    """Features with positions to take rows by, and labels; refused if they do not fit."""
    features = X if hasattr(X, "iloc") or hasattr(X, "shape") else np.asarray(X)
    labels = np.asarray(y)
    n = features.shape[0] if features.ndim else 0
    if labels.ndim != 1 or n != len(labels) or n < 2:
        raise ValueError(f"X and y must have one row per example, at least two, but X has {n} "
                         f"and y shape {labels.shape}. Pass a column of labels.")
    missing = ~np.isfinite(labels) if labels.dtype.kind == "f" else pd.isna(labels)
    if missing.any():
        raise ValueError(f"y must be finite, got {int(missing.sum())} missing or infinite "
                         "entries. Drop these rows.")
    if labels.dtype.kind != "f" and (labels == labels[0]).all():
        raise ValueError("y must have at least two different labels, got "
                         f"{labels[:1].tolist()[0]!r} in all {n} rows. Add rows of another class.")
    return features, labels


def options_of(kind: Any, options: Mapping[str, Any], *more: str) -> None:
    """Refuse options that a dataclass of them does not know, naming the nearest."""
    known = [*kind.__dataclass_fields__, *more]
    for name in options:
        if name not in known:
            raise ValueError(f"options must be of {', '.join(known)}, got {name!r}."
                             f"{check.suggestion(name, known)} Leave it out.")


def rows_of(X: Any, rows: np.ndarray) -> Any:
    """Rows of an array, sparse matrix or DataFrame, by position."""
    return X.iloc[rows] if hasattr(X, "iloc") else X[rows]


def positions(counts: np.ndarray) -> np.ndarray:
    """Rows repeated as often as they count, from counts of shape (n,)."""
    return np.repeat(np.arange(len(counts)), counts)


def seeded(estimator: Any, seed: int | None) -> Any:
    """A clone; where it or a part of it has a ``random_state`` of None, this seed is used."""
    from sklearn.base import clone

    model = clone(estimator)
    if seed is not None:
        open_ones = {name: seed for name, value in model.get_params().items()
                     if value is None and (name == "random_state"
                                           or name.endswith("__random_state"))}
        if open_ones:
            model.set_params(**open_ones)
    return model


def _batch(work: Work, estimator: Any, X: Any, y: np.ndarray, items: list[Any]) -> list[Any]:
    return [work(seeded(estimator, seed), X, y, item) for item, seed in items]


def is_accuracy(estimator: Any, scoring: Any) -> bool:
    """Whether a score is the share of right predictions, which needs no scorer."""
    from sklearn.base import is_classifier, is_regressor

    _fittable(estimator)
    if scoring == "accuracy" and is_regressor(estimator):
        raise ValueError(f"scoring must be a score of numbers for {type(estimator).__name__}, got "
                         "'accuracy', which compares classes. Pass 'r2', or a classifier.")
    return scoring == "accuracy" if isinstance(scoring, str) else (
        scoring is None and is_classifier(estimator))


def scorer_of(estimator: Any, scoring: Any) -> Any:
    """scikit-learn's scorer of this name, or of the kind of estimator."""
    from sklearn.metrics import check_scoring, get_scorer_names

    if isinstance(scoring, str):
        check.one_of(get_scorer_names(), scoring=scoring)
    return check_scoring(estimator, scoring="neg_mean_squared_error" if scoring is None
                         else scoring)


def _fittable(estimator: Any) -> None:
    """Refuse what has no fit and predict, such as the name or the class of an estimator."""
    if isinstance(estimator, type) or not (hasattr(estimator, "fit")
                                           and hasattr(estimator, "get_params")):
        raise ValueError(f"estimator must be one of scikit-learn's kind, got {estimator!r}. Pass "
                         "for example sklearn.naive_bayes.GaussianNB().")


def fit_rows(model: Any, X: Any, y: np.ndarray, train: np.ndarray) -> Any:
    """Fit on some rows, refused where a classifier would meet one class only."""
    from sklearn.base import is_classifier

    own = y[train]
    if own.dtype.kind != "f" and (own == own[0]).all() and is_classifier(model):
        raise ValueError(f"splits must train on at least two classes, but one has "
                         f"{own[:1].tolist()[0]!r} in all {len(own)} training rows. Add rows of "
                         "the rare class, or test on a smaller share.")
    return model.fit(rows_of(X, train), own)


def _right(model: Any, X: Any, y: np.ndarray, pair: tuple[np.ndarray, np.ndarray]) -> float:
    said = fit_rows(model, X, y, pair[0]).predict(rows_of(X, pair[1]))
    return float(np.mean(said == y[pair[1]]))


def _scored(scorer: Any, model: Any, X: Any, y: np.ndarray,
            pair: tuple[np.ndarray, np.ndarray]) -> float:
    return float(scorer(fit_rows(model, X, y, pair[0]), rows_of(X, pair[1]), y[pair[1]]))


def _predicted(model: Any, X: Any, y: np.ndarray, pair: tuple[np.ndarray, np.ndarray]
               ) -> np.ndarray:
    return np.asarray(fit_rows(model, X, y, pair[0]).predict(rows_of(X, pair[1])))
