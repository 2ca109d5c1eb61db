"""Means over all items by propensities: inverse, self-normalised, doubly robust, naive Bayes."""

import numpy as np

from workbench.core import effective_size, normalise
from workbench.inference.balancing.cases import Case, Found, slice_error, told
from workbench.inference.balancing.estimates import weighted_mean
from workbench.inference.balancing.propensities import naive_bayes_propensity

__all__ = ["by_naive_bayes", "slice_mean", "weighted_by"]


def weighted_by(way: str, case: Case, chance: np.ndarray, guess: np.ndarray | None) -> Found:
    """Horvitz and Thompson's mean, the self-normalised one, or the doubly robust one."""
    weights = normalise(1 / chance)
    share = effective_size(weights) / len(weights)
    if way == "SNIPS":
        return told(weighted_mean(case.outcome, weights, case.size, groups=case.groups,
                                   share=1 / case.size))
    rest, shift = case.outcome, 0.0
    if way == "DR" and guess is not None:
        amounts = case.sample_weight
        shift = float(guess.mean() if amounts is None else normalise(amounts) @ guess)
        rest = case.outcome - guess[case.observed]
    pieces = rest / chance / case.size
    spread = pieces * np.sqrt(1 - chance)
    summed = spread if case.groups is None else np.bincount(case.groups, spread)
    return Found(shift + float(pieces.sum()), float(np.sqrt(summed @ summed)), share)


def by_naive_bayes(case: Case, cells: int) -> Found | None:
    """By the outcome alone; its error comes from the slice too."""
    if case.drawn is None:
        return None
    seen, drawn = _cut(case.outcome, case.drawn, cells)
    try:
        chance = naive_bayes_propensity(seen, drawn, len(seen), case.size)
    except ValueError:
        return None
    weights = normalise(1 / chance)
    values, place = np.unique(seen, return_inverse=True)
    means = np.bincount(place, case.outcome) / np.bincount(place)
    within = weighted_mean(case.outcome - means[place], weights, case.size, groups=case.groups)
    told = means[np.searchsorted(values, drawn[np.isin(drawn, values)])]
    error = np.hypot(float(within.bse.iloc[0]), slice_error(told))
    return Found(float(np.sum(case.outcome / chance) / case.size), float(error),
                 effective_size(weights) / len(weights))


def _cut(outcome: np.ndarray, drawn: np.ndarray, cells: int) -> tuple[np.ndarray, np.ndarray]:
    """Outcomes in cells that the slice fills evenly; few different ones stay as they are."""
    if len(np.unique(outcome)) <= cells:
        return outcome, drawn
    edges = np.unique(np.quantile(drawn, np.linspace(0, 1, cells + 1)[1:-1]))
    return np.digitize(outcome, edges).astype(float), np.digitize(drawn, edges).astype(float)


def slice_mean(case: Case) -> Found | None:
    """Mean of the slice drawn at random; none without one."""
    if case.drawn is None or len(case.drawn) < 2:
        return None
    return Found(float(case.drawn.mean()),
                 float(case.drawn.std(ddof=1) / np.sqrt(len(case.drawn))))
