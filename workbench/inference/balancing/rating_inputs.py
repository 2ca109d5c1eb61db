"""What ratings and their weights must be before a factorisation is trained."""

from typing import Any

import numpy as np

from workbench.core import check

__all__ = ["checked_amounts", "checked_ratings"]


def checked_ratings(users: Any, items: Any, ratings: Any, n_users: int,
                    n_items: int) -> tuple[np.ndarray, ...]:
    """Numbers of users and items, and ratings of 0 and 1."""
    found = np.asarray(users), np.asarray(items), np.asarray(ratings, dtype=float)
    check.same_length(users=found[0], items=found[1], ratings=found[2])
    if not len(found[0]):
        raise ValueError("ratings must hold at least one rating, got none. Pass observed ones.")
    for name, each, count in (("users", found[0], n_users), ("items", found[1], n_items)):
        if each.dtype.kind not in "iu" or each.min() < 0 or each.max() >= count:
            raise ValueError(f"{name} must be whole numbers from 0 to {count - 1}, got "
                             f"{each.min()!r} to {each.max()!r}. Number them with "
                             "pandas.factorize.")
    if not np.isin(found[2], (0, 1)).all():
        raise ValueError(f"ratings must be 0 or 1, got {np.unique(found[2])[:5].tolist()}. Pass "
                         "ratings >= 3, for instance.")
    return found[0].astype(np.int64), found[1].astype(np.int64), found[2]


def checked_amounts(amounts: Any, n: int, models: int = 1) -> np.ndarray:
    """How much each loss counts, for all models alike or for each."""
    if amounts is None:
        return np.ones(n)
    found = np.asarray(amounts, dtype=float)
    if found.shape not in ((n,), (models, n)):
        raise ValueError(f"amounts must have one number for each of {n} ratings, got shape "
                         f"{found.shape}. Pass the inverse propensity of each.")
    check.finite(amounts=found)
    if not (found > 0).all():
        raise ValueError(f"amounts must be above zero, got {found.min():.3g}. Leave out ratings "
                         "that must not count.")
    return found
