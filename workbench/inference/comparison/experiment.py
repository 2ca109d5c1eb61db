"""Everything that is fitted for a comparison on one table: each model on the same splits."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from workbench.core import effective_size, generator
from workbench.inference.comparison.bootstrap import Bootstrap
from workbench.inference.comparison.fitting import predict_splits, score_splits
from workbench.inference.comparison.losses import SCORES
from workbench.inference.comparison.out_of_bag import METHODS, BootstrapResult
from workbench.inference.comparison.outcomes import ScoreResult
from workbench.inference.comparison.selection import nested_cv, three_way_holdout
from workbench.inference.comparison.splits import (
    Splits,
    each_left_out,
    folds,
    halves,
    holdouts,
    same_rows,
)
from workbench.inference.comparison.zoo import estimator, grid

__all__ = ["FewSplits", "Plan", "Scored", "fitted", "kish_share", "splits_of"]

HOLDOUTS = 30
LEAVE_ONE_OUT = 50       # rows up to which each is left out once
SIZES = (0.1, 0.2, 0.4, 0.7, 1.0)     # shares of the training rows of a learning curve


@dataclass(frozen=True)
class Plan:
    """How models are scored.

    Parameters
    ----------
    metric : str
        As scikit-learn knows it.
    k, repeats : int
        Folds, and how often they are drawn.
    test_frac : float
        Share of rows of holdouts.
    n_splits : int
        Resamples of the bootstrap.
    tune : bool
        Whether nested cross-validation and a three-way holdout are run.
    seed : int
    """

    metric: str = "accuracy"
    k: int = 10
    repeats: int = 1
    test_frac: float = 0.3
    n_splits: int = 200
    tune: bool = True
    seed: int = 0


class FewSplits(dict[str, Splits]):
    """Splits by name: holdout, holdouts, folds, halves, same, and each where rows are few."""


@dataclass(frozen=True, eq=False)
class Scored:
    """One model on all splits.

    Parameters
    ----------
    scores : mapping of str to ScoreResult
        By the name of the splits; ``nested`` and ``three-way holdout`` where it was tuned.
    said : array, shape (tested,)
        What it predicts on the rows of the holdout.
    bags : mapping of str to BootstrapResult
        By method; empty for metrics that are no mean over rows.
    curve : DataFrame
        Columns rows, value, low, high.
    chosen : str
        Settings that tuning chose.
    """

    scores: Mapping[str, ScoreResult]
    said: np.ndarray
    bags: Mapping[str, BootstrapResult]
    curve: pd.DataFrame
    chosen: str


def splits_of(y: np.ndarray, plan: Plan) -> FewSplits:
    """Splits that every model of a comparison shares."""
    rng = generator(plan.seed)
    found = FewSplits(
        holdout=holdouts(y, test_frac=plan.test_frac, rng=rng),
        holdouts=holdouts(y, HOLDOUTS, test_frac=plan.test_frac, rng=rng),
        folds=folds(y, plan.k, repeats=plan.repeats, rng=rng), halves=halves(y, rng=rng),
        same=same_rows(y))
    if len(y) <= LEAVE_ONE_OUT and plan.metric in SCORES:
        found["each"] = each_left_out(y)
    return found


def fitted(name: str, features: pd.DataFrame, y: np.ndarray, splits: FewSplits, plan: Plan
           ) -> Scored:
    """Fit and score one kind of model.

    Parameters
    ----------
    name : str
        One of ``ZOO``.
    features : DataFrame, shape (n, p)
    y : array, shape (n,)
        Codes of classes, or floats to predict.
    splits : FewSplits
        As from `splits_of`.
    plan : Plan
    """
    from workbench.inference.comparison.encoding import coded

    numbers = y.dtype.kind == "f"
    model = estimator(name, features, numbers=numbers)
    X, _ = coded(features)
    rng = generator(plan.seed + 1)
    scores = {kind: score_splits(model, X, y, some, scoring=plan.metric, rng=rng)
              for kind, some in splits.items()}
    said = predict_splits(model, X, y, splits["holdout"], rng=generator(plan.seed + 1))[0]
    bags = {}
    if plan.metric in SCORES:
        bags = {method: Bootstrap(method, n_splits=plan.n_splits, scoring=plan.metric).score(
            model, X, y, rng=generator(plan.seed + 2)) for method in (METHODS[-1],)}
        bags |= {method: _again(bags[METHODS[-1]], method) for method in METHODS[:-1]}
    settings, chosen = grid(name, model, numbers=numbers), ""
    if plan.tune and settings:
        nested = nested_cv(model, settings, X, y, rng=generator(plan.seed + 3),
                           scoring=plan.metric)
        three = three_way_holdout(model, settings, X, y, rng=generator(plan.seed + 4),
                                  scoring=plan.metric)
        scores |= {"nested": nested.outer, "three-way holdout": three.outer}
        chosen = ", ".join(f"{key.split('__')[-1]}={value}" for key, value in nested.best.items())
    return Scored(scores, said, bags, _curve(model, X, y, splits, plan), chosen)


def kish_share(n: int, n_splits: int, seed: int) -> float:
    """Mean effective size of bootstrap resamples, as a share of the rows."""
    from workbench.inference.comparison.splits import BootstrapOOB

    counts = BootstrapOOB(min(n_splits, 200), generator(seed)).counts(n)
    return float(np.mean([effective_size(each.astype(float)) for each in counts])) / n


def _again(whole: BootstrapResult, method: str) -> BootstrapResult:
    """The same resamples by another method, without fitting again."""
    from workbench.inference.comparison.out_of_bag import error_weights

    parts = whole.parts
    weights = error_weights(method)
    first = (whole.replicates - whole.weights[0] * parts["resubstitution"]) / whole.weights[1]
    ends = np.array([parts["resubstitution"], parts["out of bag"]])
    replicates = weights[0] * parts["resubstitution"] + weights[1] * first
    return BootstrapResult(float(weights @ ends), replicates, method, whole.convention,
                           parts | {"weight": float(weights[1])}, float("nan"), whole.effective,
                           whole.skipped, whole.warnings)


def _curve(model: Any, X: Any, y: np.ndarray, splits: FewSplits, plan: Plan) -> pd.DataFrame:
    """Score by the number of training rows, on the test rows of the first five holdouts."""
    rng, rows = generator(plan.seed + 5), []
    pairs = splits["holdouts"].pairs[:5]
    least = 2 * len(np.unique(y)) if y.dtype.kind != "f" else 5
    for share in SIZES:
        size = max(least, round(share * len(pairs[0][0])))
        if size > len(pairs[0][0]):
            continue
        some = Splits(tuple((_few(train, y, size, rng), test) for train, test in pairs), "part",
                      splits["holdouts"].overlap)
        told = score_splits(model, X, y, some, scoring=plan.metric, rng=rng)
        low, high = (told.interval.low, told.interval.high) if told.interval else (np.nan, np.nan)
        rows.append((size, told.value, low, high))
    return pd.DataFrame(rows, columns=["rows", "value", "low", "high"]).drop_duplicates("rows")


def _few(train: np.ndarray, y: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """Training rows at random, with two of each class where there are classes."""
    order = rng.permutation(train)
    if y.dtype.kind == "f":
        return order[:size]
    first = np.concatenate([order[y[order] == label][:2] for label in np.unique(y[train])])
    rest = order[~np.isin(order, first)]
    return np.concatenate([first, rest])[:max(size, len(first))]
