"""What ratings and their weights must be before a factorisation is trained."""

from typing import Any

import numpy as np

from workbench.core import check

__all__ = ["checked_amounts", "checked_codes", "checked_ratings"]


def checked_ratings(users: Any, items: Any, ratings: Any, n_users: int,
                    n_items: int) -> tuple[np.ndarray, ...]:
    """Numbers of users and items, and ratings of 0 and 1."""
    told = check.floats(ratings=ratings)
    check.same_length(users=users, items=items, ratings=told)
    if not len(told):
        raise ValueError("ratings must hold at least one rating, got none. Pass observed ones.")
    own = checked_codes("users", users, n_users), checked_codes("items", items, n_items)
    if not np.isin(told, (0, 1)).all():
        raise ValueError(f"ratings must be 0 or 1, got {np.unique(told)[:5].tolist()}. Pass "
                         "ratings >= 3, for instance.")
    return *own, told


def checked_codes(name: str, codes: Any, count: int) -> np.ndarray:
    """Numbers of users or of items, from 0 to `count` - 1."""
    each = np.asarray(codes)
    if each.dtype.kind not in "iu" or (each.size and not (0 <= each.min() <= each.max() < count)):
        first, last = (each.min(), each.max()) if each.dtype.kind in "iuf" and each.size else (
            str(each.dtype), "no numbers")
        raise ValueError(f"{name} must be whole numbers from 0 to {count - 1}, got "
                         f"{first} to {last}. Number them with pandas.factorize.")
    return each.astype(np.int64)


def checked_amounts(amounts: Any, n: int, models: int = 1) -> np.ndarray:
    """How much each loss counts, for all models alike or for each."""
    if amounts is None:
        return np.ones(n)
    found = check.floats(amounts=amounts)
    if found.shape not in ((n,), (models, n)):
        raise ValueError(f"amounts must have one number for each of {n} ratings, got shape "
                         f"{found.shape}. Pass the inverse propensity of each.")
    check.finite(amounts=found)
    if not (found > 0).all():
        raise ValueError(f"amounts must be above zero, got {found.min():.3g}. Leave out ratings "
                         "that must not count.")
    return found
