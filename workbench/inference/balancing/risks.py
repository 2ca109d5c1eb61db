"""The risk over all items from losses of observed ones: three ways to weigh them."""

from typing import Any

import numpy as np

from workbench.core import check
from workbench.inference.balancing.inputs import checked_flags

__all__ = ["dr_risk", "ips_risk", "snips"]


def ips_risk(losses: Any, propensity: Any, n: int) -> float:
    """``sum(losses / propensity) / n``: inverse propensities.

    Parameters
    ----------
    losses, propensity : array, shape (m,)
        Of the observed items; propensities in (0, 1].
    n : int
        All items.

    Examples
    --------
    >>> ips_risk([1.0, 3.0], [0.5, 0.5], 4)
    2.0
    """
    seen, inverse = _inverse(losses, propensity)
    check.whole(len(seen), n=n, hint="Count all items, observed or not.")
    return float(inverse @ seen / n)


def snips(losses: Any, propensity: Any) -> float:
    """``sum(losses / propensity) / sum(1 / propensity)``: the same, self-normalised.

    Examples
    --------
    >>> snips([1.0, 3.0], [0.5, 0.25])
    2.3333333333333335
    """
    seen, inverse = _inverse(losses, propensity)
    return float(inverse @ seen / inverse.sum())


def dr_risk(losses: Any, imputed: Any, observed: Any, weights: Any) -> float:
    """``(sum(imputed) + sum(w (losses - imputed))) / n``: doubly robust.

    Parameters
    ----------
    losses : array, shape (m,)
        Of the observed items.
    imputed : array, shape (n,)
        Predicted losses of all items.
    observed : array of bool, shape (n,)
    weights : array, shape (m,)
        Per observed item; inverse propensities, or what stands for them, such as n times
        weights on the simplex.

    Examples
    --------
    >>> dr_risk([1.0], [0.5, 2.0], [True, False], [2.0])
    1.75
    """
    seen, guess = check.floats(losses=losses), check.floats(imputed=imputed)
    amounts = check.floats(weights=weights)
    check.same_length(imputed=guess, observed=observed)
    held = checked_flags(observed)
    check.same_length(losses=seen, weights=amounts, observed_items=np.flatnonzero(held))
    check.finite(losses=seen, imputed=guess, weights=amounts)
    if not (len(guess) and (amounts >= 0).all()):
        raise ValueError(f"weights must be at least 0, of some items, got "
                         f"{amounts.min() if len(amounts) else 'none'} for {len(guess)} items. "
                         "Pass inverse propensities.")
    return float((guess.sum() + amounts @ (seen - guess[held])) / len(guess))


def _inverse(losses: Any, propensity: Any) -> tuple[np.ndarray, np.ndarray]:
    seen, chance = check.floats(losses=losses), check.floats(propensity=propensity)
    if seen.ndim != 1 or not len(seen):
        raise ValueError(f"losses must have one number per observed item, got shape {seen.shape}. "
                         "Pass those of at least one item.")
    check.same_length(losses=seen, propensity=chance)
    check.finite(losses=seen, propensity=chance)
    if not ((chance > 0) & (chance <= 1)).all():
        raise ValueError(f"propensity must lie above 0 and not above 1, got {chance.min():.3g} to "
                         f"{chance.max():.3g}. Leave out items that cannot be observed.")
    return seen, 1 / chance
