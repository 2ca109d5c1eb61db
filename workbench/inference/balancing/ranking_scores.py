"""How well predictions order the items of each user: AUC, and measures of the first k."""

from typing import Any

import numpy as np

from workbench.core import check

__all__ = ["auc", "f1_at", "mse", "ndcg_at", "precision_at", "recall_at"]

EMPTY = ("skip", "one")


def auc(ratings: Any, scores: Any) -> float:
    """Share of pairs of a 1 and a 0 in which the 1 has the larger score; ties count half.

    Examples
    --------
    >>> auc([0, 1, 1], [0.1, 0.3, 0.1])
    0.75
    """
    from scipy.stats import rankdata

    truth, given = _checked(ratings, scores)
    ones = int(truth.sum())
    if not 0 < ones < len(truth):
        raise ValueError(f"ratings must hold both 0 and 1, got {ones} ones among {len(truth)}. "
                         "Score more ratings.")
    ranks = rankdata(given)
    return float((ranks[truth == 1].sum() - ones * (ones + 1) / 2) / (ones * (len(truth) - ones)))


def mse(ratings: Any, scores: Any) -> float:
    """Mean squared error of predicted probabilities."""
    truth, given = _checked(ratings, scores)
    return float(((truth - given) ** 2).mean())


def ndcg_at(k: int, users: Any, ratings: Any, scores: Any, *, empty: str = "skip") -> float:
    """Discounted gain of the first k items over the largest possible, mean over users.

    Parameters
    ----------
    k : int > 0
    users : array, shape (n,)
    ratings : array of 0 and 1, shape (n,)
    scores : array, shape (n,)
    empty : {"skip", "one"}
        Users without a 1 are left out, or count as 1, as in the authors' code.

    Examples
    --------
    >>> ndcg_at(2, [0, 0, 0], [1, 0, 1], [0.9, 0.8, 0.1]).__round__(3)
    0.613
    """
    check.one_of(EMPTY, empty=empty)
    hits, many = _hits(k, users, ratings, scores)
    gains = 1 / np.log2(np.arange(2, k + 2))
    best = np.array([gains[:count].sum() for count in np.minimum(many, k)])
    got = hits @ gains
    if empty == "one":
        return float(np.where(many > 0, got / np.where(many > 0, best, 1), 1.0).mean())
    return _mean(got[many > 0] / best[many > 0])


def recall_at(k: int, users: Any, ratings: Any, scores: Any) -> float:
    """Share of a user's ones among the first k, mean over users with a one."""
    hits, many = _hits(k, users, ratings, scores)
    return _mean(hits.sum(axis=1)[many > 0] / many[many > 0])


def precision_at(k: int, users: Any, ratings: Any, scores: Any) -> float:
    """Share of ones among the first k, mean over users with a one."""
    hits, many = _hits(k, users, ratings, scores)
    return _mean(hits.sum(axis=1)[many > 0] / k)


def f1_at(k: int, users: Any, ratings: Any, scores: Any) -> float:
    """Harmonic mean of mean precision and mean recall."""
    first, second = (each(k, users, ratings, scores) for each in (precision_at, recall_at))
    return 2 * first * second / (first + second) if first + second else 0.0


def _hits(k: int, users: Any, ratings: Any, scores: Any) -> tuple[np.ndarray, np.ndarray]:
    """Ones among the first k of each user, shape (users, k), and how many ones each has."""
    check.whole(1, k=k)
    truth, given = _checked(ratings, scores)
    codes = np.unique(np.asarray(users), return_inverse=True)[1]
    check.same_length(users=codes, ratings=truth)
    order = np.lexsort((-given, codes))
    begins = np.searchsorted(codes[order], np.arange(codes.max() + 1))
    place = np.arange(len(order)) - begins[codes[order]]
    hits = np.zeros((codes.max() + 1, k))
    near = place < k
    hits[codes[order][near], place[near]] = truth[order][near]
    return hits, np.bincount(codes, truth).astype(int)


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else float("nan")


def _checked(ratings: Any, scores: Any) -> tuple[np.ndarray, np.ndarray]:
    truth, given = np.asarray(ratings, dtype=float), np.asarray(scores, dtype=float)
    check.same_length(ratings=truth, scores=given)
    check.finite(scores=given)
    if not len(truth) or not np.isin(truth, (0, 1)).all():
        raise ValueError(f"ratings must be 0 or 1, got {np.unique(truth)[:5].tolist()}. Pass "
                         "ratings >= 3, for instance.")
    return truth, given
