"""Worlds in which equally good models meet: Gaussian naive Bayes in closed form, many at once.

Rows have three exchangeable pairs of features; each of three models sees one pair, so that all
have one expected accuracy unless the second pair is made weaker. Naive Bayes is a product of
matrices: sums of features and squares by class over the training rows, ``counts @ features``, for
all splits of all worlds together. Counts may be 0 and 1, or those of a bootstrap.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy import special

from workbench.core import check

__all__ = ["BASE", "Worlds", "correctness", "draw_worlds", "random_counts", "scores_of"]

BASE = 0.8               # accuracy that a pair of features allows
MODELS = 3


@dataclass(frozen=True, eq=False)
class Worlds:
    """Tables, half of the rows of each class.

    Parameters
    ----------
    X : array, shape (worlds, n, 6)
    y : array of bool, shape (n,)
        The same in each world: its first half is False.
    """

    X: np.ndarray
    y: np.ndarray


def draw_worlds(worlds: int, n: int, effect: float, *, rng: np.random.Generator) -> Worlds:
    """Draw tables.

    Parameters
    ----------
    worlds, n : int
    effect : float in [0, 0.25]
        By how much the second model's best accuracy is below the others'.
    rng : numpy.random.Generator
    """
    check.whole(1, worlds=worlds, n=n)
    if n < 20:
        raise ValueError(f"n must be at least 20, to fill ten folds with both classes, got {n!r}. "
                         "Pass 300.")
    if not 0 <= effect <= 0.25:
        raise ValueError(f"effect must lie in [0, 0.25], got {effect!r}. Pass 0.05 for five "
                         "points of accuracy.")
    y = np.arange(n) >= n // 2
    shift = np.array([float(special.ndtri(BASE - lost)) / math.sqrt(2)
                      for lost in (0.0, 0.0, effect, effect, 0.0, 0.0)])
    X = rng.normal(size=(worlds, n, 2 * MODELS)) + np.where(y, 1.0, -1.0)[:, None] * shift
    return Worlds(X, y)


def correctness(worlds: Worlds, counts: np.ndarray, fresh: Worlds | None = None) -> np.ndarray:
    """Whether each model, trained with each row of counts, is right about each row.

    Parameters
    ----------
    worlds : Worlds
    counts : array, shape (splits, n)
        How often each row trains.
    fresh : Worlds, optional
        As many tables of other rows to predict; None predicts the same rows.

    Returns
    -------
    right : array of bool, shape (models, worlds, splits, n)
    """
    X, y = worlds.X, worlds.y
    both = np.concatenate([X, X * X], axis=2)
    seen = worlds if fresh is None else fresh
    logs = []
    for label in (True, False):
        own = y == label
        amounts = counts[:, own].astype(float)
        total = np.maximum(1.0, amounts.sum(axis=1))[:, None]
        moments = amounts @ both[:, own] / total                    # (worlds, splits, 12)
        mean, square = np.split(moments, 2, axis=2)
        variance = np.maximum(square - mean ** 2, 1e-9)
        prior = np.log(total / np.maximum(1.0, counts.sum(axis=1))[:, None])
        logs.append((mean, variance, prior))
    (mean1, var1, prior1), (mean0, var0, prior0) = logs
    linear, quadratic = mean1 / var1 - mean0 / var0, (1 / var0 - 1 / var1) / 2
    constant = (mean0 ** 2 / var0 - mean1 ** 2 / var1 + np.log(var0 / var1)) / 2
    right = np.empty((MODELS, len(X), len(counts), len(seen.y)), dtype=bool)
    for model in range(MODELS):
        pair = slice(2 * model, 2 * model + 2)
        odds = (linear[:, :, pair] @ seen.X[:, :, pair].transpose(0, 2, 1)
                + quadratic[:, :, pair] @ (seen.X[:, :, pair] ** 2).transpose(0, 2, 1)
                + constant[:, :, pair].sum(axis=2, keepdims=True) + (prior1 - prior0))
        right[model] = (odds > 0) == seen.y
    return right


def scores_of(right: np.ndarray, tested: np.ndarray) -> np.ndarray:
    """Accuracy on the tested rows of each split, shape (models, worlds, splits).

    Parameters
    ----------
    right : array, shape (models, worlds, splits, n)
    tested : array of bool, shape (splits, n)
    """
    return (right & tested).sum(axis=3) / tested.sum(axis=1)


def random_counts(n: int, kind: str, *, splits: int = 30, rng: np.random.Generator) -> np.ndarray:
    """How often each row trains in each split, shape (splits, n), by class alike.

    Parameters
    ----------
    n : int
        Rows, the first half of one class.
    kind : {"holdouts", "folds", "halves", "bags"}
        A third of the rows tests; ten folds; five times two halves; drawn with replacement.
    splits : int
        Of holdouts and bags.
    rng : numpy.random.Generator
    """
    check.one_of(("holdouts", "folds", "halves", "bags"), kind=kind)
    if kind == "bags":
        drawn = rng.integers(n, size=(splits, n)) + n * np.arange(splits)[:, None]
        return np.bincount(drawn.ravel(), minlength=n * splits).reshape(splits, n)
    sizes = (n // 2, n - n // 2)

    def places(repeats: int) -> np.ndarray:
        """Random places of rows within their class."""
        return np.concatenate([rng.permuted(np.tile(np.arange(size), (repeats, 1)), axis=1)
                               for size in sizes], axis=1)

    size = np.repeat(sizes, sizes)
    if kind == "holdouts":
        return (places(splits) >= size / 3).astype(np.int64)
    parts = 10 if kind == "folds" else 2
    fold = places(1 if kind == "folds" else 5) * parts // size
    return np.concatenate([[own != part for part in range(parts)] for own in fold]).astype(
        np.int64)
