"""Features of all pairs of users and items, from the ratings that were given.

Embeddings of users and items by alternating ridge regressions, and how many ratings each has.
"""

from dataclasses import dataclass

import numpy as np

from workbench.core import check
from workbench.inference.balancing.cases import Case

__all__ = ["PairSample", "embeddings", "pair_sample"]

MOST_PAIRS = 40_000      # of unrated pairs that are drawn where there are more
ROUNDS = 12


@dataclass(frozen=True, eq=False)
class PairSample:
    """Pairs as a case, and who they are.

    Parameters
    ----------
    case : Case
    users, items : array of int, shape (n,)
        Of each row of the case, the rated pairs first.
    """

    case: Case
    users: np.ndarray
    items: np.ndarray


def embeddings(ratings: tuple[np.ndarray, np.ndarray, np.ndarray], sizes: tuple[int, int], *,
               rank: int = 4, ridge: float = 5.0,
               rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Features of users, shape (n_users, rank + 2), and of items.

    Parameters
    ----------
    ratings : (users, items, values)
        Numbers of users and items, and ratings, shape (n,).
    sizes : (int, int)
        Users and items.
    rank : int > 0
        Numbers of an embedding, besides a mean and the logarithm of the number of ratings.
    ridge : float > 0
        Ratings of zero that each user and each item is given in mind.
    rng : numpy.random.Generator
        Draws the first embeddings.
    """
    check.positive(rank=rank, ridge=ridge)
    users, items, values = ratings
    counts = [np.bincount(codes, minlength=size)
              for codes, size in zip((users, items), sizes, strict=True)]
    centred = values - values.mean()
    means = []
    for codes, count in zip((users, items), counts, strict=True):
        mean = np.bincount(codes, centred, minlength=len(count)) / (count + ridge)
        centred = centred - mean[codes]
        means.append(mean)
    sides = [rng.normal(size=(size, rank)) / np.sqrt(rank) for size in sizes]
    for _ in range(ROUNDS):
        sides[0] = _solved(users, sides[1][items], centred, sizes[0], ridge)
        sides[1] = _solved(items, sides[0][users], centred, sizes[1], ridge)
    made = [np.column_stack([side, mean, np.log1p(count)])
            for side, mean, count in zip(sides, means, counts, strict=True)]
    return made[0], made[1]


def pair_sample(ratings: tuple[np.ndarray, np.ndarray, np.ndarray], sizes: tuple[int, int],
                drawn: np.ndarray | None, *, rng: np.random.Generator,
                most: int = MOST_PAIRS) -> PairSample:
    """Rated pairs and others, as a sample of all pairs.

    Parameters
    ----------
    ratings : (users, items, values)
        That users chose to give.
    sizes : (int, int)
        Users and items.
    drawn : array, shape (m,), or None
        Ratings of the random slice.
    rng : numpy.random.Generator
        Draws unrated pairs where there are more than `most`.
    most : int > 0
    """
    users, items, values = ratings
    total = sizes[0] * sizes[1]
    own = users * sizes[1] + items
    if total - len(own) <= most:
        free = np.setdiff1d(np.arange(total), own)
    else:
        free = rng.choice(total, min(total, most + 2 * len(own)), replace=False)
        free = free[~np.isin(free, own)][:most]
    pairs = np.concatenate([own, free])
    amounts = np.where(np.arange(len(pairs)) < len(own), 1.0, (total - len(own)) / len(free))
    first, second = embeddings(ratings, sizes, rng=rng)
    who, what = pairs // sizes[1], pairs % sizes[1]
    case = Case(np.column_stack([first[who], second[what]]), np.arange(len(pairs)) < len(own),
                values, drawn, total, None if len(pairs) == total else amounts, users)
    return PairSample(case, who, what)


def _solved(codes: np.ndarray, others: np.ndarray, values: np.ndarray, size: int,
            ridge: float) -> np.ndarray:
    """Ridge regressions of the values of each code on the other side's embeddings."""
    rank = others.shape[1]
    second = np.zeros((size, rank, rank))
    first = np.zeros((size, rank))
    np.add.at(second, codes, others[:, :, None] * others[:, None])
    np.add.at(first, codes, others * values[:, None])
    return np.linalg.solve(second + ridge * np.eye(rank), first[:, :, None])[:, :, 0]
