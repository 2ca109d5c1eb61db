"""What items, losses and weights must be before anything is computed."""

from typing import Any

import numpy as np
import pandas as pd

from workbench.core import check, normalise

__all__ = ["checked_base", "checked_flags", "checked_groups", "checked_imputed", "checked_items",
           "checked_losses", "checked_seen", "checked_share"]


def checked_items(X: Any, observed: Any) -> tuple[np.ndarray, np.ndarray]:
    """Features of all items as floats, shape (n, p), and which are observed."""
    items = check.floats(X=X, hint="Encode words and categories first.")
    if items.ndim != 2 or not items.shape[1]:
        raise ValueError(f"X must have a row per item and a column per feature, got shape "
                         f"{items.shape}. Pass X[:, None] for one feature.")
    check.same_length(X=items, observed=observed)
    check.finite(X=items, hint="Fill the missing features of all items first.")
    return items, checked_seen(observed)


def checked_flags(observed: Any) -> np.ndarray:
    """Observed or not, shape (n,)."""
    seen = np.asarray(observed)
    if seen.ndim != 1:
        raise ValueError(f"observed must have one entry per item, got shape {seen.shape}. Pass a "
                         "flat array of bool.")
    if not np.isin(seen, (0, 1)).all():
        raise ValueError("observed must be true or false for each item, got "
                         f"{np.unique(seen)[:3].tolist()}. Pass an array of bool.")
    return np.asarray(seen.astype(bool))


def checked_seen(observed: Any) -> np.ndarray:
    """Observed or not; some, and not all."""
    seen = checked_flags(observed)
    if not seen.any():
        raise ValueError(f"observed must be true somewhere, got none of {len(seen)} items. "
                         "Nothing can be weighed.")
    if seen.all():
        raise ValueError(f"observed must be false somewhere, got all {len(seen)} items observed. "
                         "Their plain mean is the answer.")
    return seen


def checked_base(base_weights: Any, count: int) -> np.ndarray:
    """Base weights on the simplex, shape (count,)."""
    if base_weights is None:
        return np.full(count, 1 / count)
    base = check.floats(base_weights=base_weights)
    if base.shape != (count,):
        raise ValueError(f"base_weights must have one entry for each of {count} observed items, "
                         f"got shape {base.shape}. Pass the inverse propensity of each.")
    check.finite(base_weights=base)
    if not (base > 0).all():
        raise ValueError(f"base_weights must be above zero, got {base.min():.3g}. Leave out "
                         "items that must not count.")
    return np.asarray(normalise(base))


def checked_losses(name: str, values: Any, seen: np.ndarray) -> np.ndarray:
    """Numbers of the observed items, which stand alone or among those of all."""
    numbers = check.floats(**{name: values})
    if numbers.shape == seen.shape:
        numbers = numbers[seen]
    if numbers.shape != (int(seen.sum()),):
        raise ValueError(f"{name} must have one number for each of {int(seen.sum())} observed or "
                         f"{len(seen)} items, got shape {numbers.shape}. Pass those of the "
                         "observed ones.")
    bad = int((~np.isfinite(numbers)).sum())
    if bad:
        raise ValueError(f"{name} must be finite, got {bad} NaN or infinite entries among "
                         f"{len(numbers)} observed items. Drop or fill them first.")
    return numbers


def checked_imputed(imputed: Any, n: int) -> np.ndarray:
    """Predictions of all items."""
    guess = check.floats(imputed=imputed)
    if guess.shape != (n,):
        raise ValueError(f"imputed must have one number for each of {n} items, got shape "
                         f"{guess.shape}. Predict all items.")
    check.finite(imputed=guess)
    return guess


def checked_groups(groups: Any, seen: np.ndarray) -> np.ndarray:
    """Numbers of the groups of the observed items, from 0."""
    own = np.atleast_1d(groups)
    own = own[seen] if len(own) == len(seen) else own
    if len(own) != int(seen.sum()):
        raise ValueError(f"groups must have one entry for each of {int(seen.sum())} observed or "
                         f"{len(seen)} items, got {len(own)}. Pass those of the observed ones.")
    codes = pd.factorize(own)[0]
    if (codes < 0).any():
        raise ValueError(f"groups must name the group of every item, got {int((codes < 0).sum())} "
                         "missing. Name them 'unknown'.")
    if codes.max() == 0:
        raise ValueError("groups must be at least two, whose errors tell how much a mean over "
                         f"groups errs, got only {own[0]!r}. Leave groups out.")
    return np.asarray(codes)


def checked_share(sample_weight: Any, n: int) -> np.ndarray | None:
    """How much of all each item stands for, on the simplex; None where all do alike."""
    if sample_weight is None:
        return None
    amounts = check.floats(sample_weight=sample_weight)
    if amounts.shape != (n,):
        raise ValueError(f"sample_weight must have one number for each of {n} items, got shape "
                         f"{amounts.shape}. Pass how many items each row stands for.")
    check.finite(sample_weight=amounts)
    if not ((amounts >= 0).all() and amounts.any()):
        raise ValueError(f"sample_weight must be >= 0 and above 0 somewhere, got {amounts.min():g}"
                         f" to {amounts.max():g}. Pass how many items each row stands for.")
    return np.asarray(normalise(amounts))
