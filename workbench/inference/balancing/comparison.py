"""One sample, many ways to its mean: unweighted, by propensities, by balanced kernels, robust.

Each way has four settings, so that all can be tuned alike: the terms and the penalty of a logistic
propensity, the cells of a naive-Bayes one, the width of a kernel.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from workbench.core import effective_size, normalise, uniform
from workbench.inference.balancing.choosing import SELECTIONS
from workbench.inference.balancing.dual import BalanceInfeasible
from workbench.inference.balancing.estimates import BalanceResult, weighted_mean
from workbench.inference.balancing.imputation import kernel_imputation
from workbench.inference.balancing.kernels import Kernel, Scaling, width
from workbench.inference.balancing.propensities import (
    PropensityLogistic,
    naive_bayes_propensity,
)
from workbench.inference.kernel_balancing import KernelBalancer

__all__ = ["KERNEL_WAYS", "SETTINGS", "WAYS", "Case", "Found", "Options", "balancer_for",
           "compare", "settings_of"]

SETTINGS = 4
LOGISTIC = ((1e-4, False), (1e-2, False), (1e-4, True), (1e-2, True))    # penalty, products
CELLS = (3, 5, 10, 20)
WIDTHS = (0.25, 0.5, 1.0, 2.0)                                           # times gamma
FIRST = {"logistic": 0, "cells": 1, "width": 2}                          # untuned
KERNEL_WAYS = {f"{name} kernels{', robust' if robust else ''}": (name, robust)
               for robust in (False, True) for name in SELECTIONS}
WAYS = ("naive", "IPS", "SNIPS", "naive-Bayes IPS", "DR", *KERNEL_WAYS, "random slice")
KIND = {"IPS": "logistic", "SNIPS": "logistic", "DR": "logistic",
        "naive-Bayes IPS": "cells"} | dict.fromkeys(KERNEL_WAYS, "width")


@dataclass(frozen=True, eq=False)
class Case:
    """A sample of items observed in part.

    Parameters
    ----------
    X : array, shape (n, p)
    observed : array of bool, shape (n,)
    outcome : array, shape (observed,)
    drawn : array, shape (m,), or None
        Outcomes of a slice drawn at random.
    total : int
        Items of the population, n unless rows stand for several.
    sample_weight : array, shape (n,), or None
        How many items each row stands for.
    groups : array of int, shape (observed,), or None
        Items that may err together.
    base : array, shape (observed,), or None
        Base weights of the kernels.
    """

    X: np.ndarray
    observed: np.ndarray
    outcome: np.ndarray
    drawn: np.ndarray | None = None
    total: int = 0
    sample_weight: np.ndarray | None = None
    groups: np.ndarray | None = None
    base: np.ndarray | None = None

    @property
    def size(self) -> int:
        """Items of the population."""
        return self.total or len(self.X)


    @property
    def base_error(self) -> float:
        """Standard error that base weights bring from the slice on which they rest."""
        return 0.0 if self.base is None or self.drawn is None else _slice_error(self.drawn)


@dataclass(frozen=True)
class Options:
    """What kernels are balanced, and how closely; see `KernelBalancer`."""

    kernel: Kernel = "gaussian"
    gamma: str | float = "dimension"
    n_functions: int = 80
    slack: float = 0.01
    include_fitted: bool = True
    ridge: float = 1e-3


@dataclass(frozen=True)
class Found:
    """A mean, its standard error, and the share of observed items that the weights leave.

    Parameters
    ----------
    value, se, share : float
        `se` and `share` are NaN where there are none.
    """

    value: float
    se: float = np.nan
    share: float = np.nan


def settings_of(way: str) -> tuple[int, ...]:
    """Settings that a way can be tuned over; one for those without any."""
    return tuple(range(SETTINGS)) if way in KIND else (0,)


def balancer_for(options: Options, selection: str, factor: float, case: Case,
                 rng: np.random.Generator) -> KernelBalancer:
    """Fitted balancer of a case."""
    scaled = Scaling.of(case.X)(case.X)
    gamma = factor * width(options.gamma, scaled, options.kernel)
    count = min(options.n_functions, len(case.X))
    return KernelBalancer(
        options.kernel, gamma, count, selection, options.slack, case.base, options.include_fitted,
        options.ridge, random_state=rng).fit(case.X, case.observed, case.outcome,
                                             case.sample_weight)


def compare(case: Case, options: Options, chosen: Mapping[str, int] | None = None, *,
            rng: np.random.Generator, ways: tuple[str, ...] = WAYS) -> dict[str, Found]:
    """Mean over all items by each way.

    Parameters
    ----------
    case : Case
    options : Options
    chosen : mapping of way to setting, optional
        Of 0 to 3; those that are not named take their usual one.
    rng : numpy.random.Generator
    ways : tuple of str
        Those of `WAYS` that are wanted; what a case cannot give is left out, as are kernels that
        cannot be balanced.
    """
    found: dict[str, Found] = {}
    settings = {way: FIRST[kind] for way, kind in KIND.items()} | dict(chosen or {})
    guess = None
    if any("robust" in way or way == "DR" for way in ways):
        guess = kernel_imputation(case.X, case.observed, case.outcome, kernel=options.kernel,
                                  gamma=options.gamma, rng=rng)
    cache: dict[object, np.ndarray | KernelBalancer] = {}
    for way in ways:
        one = _one(way, settings.get(way, 0), case, options, guess, cache, rng)
        if one is not None:
            found[way] = one
    return found


def _one(way: str, setting: int, case: Case, options: Options,  # noqa: PLR0913
         guess: np.ndarray | None, cache: dict[object, np.ndarray | KernelBalancer],
         rng: np.random.Generator) -> Found | None:
    if way == "naive":
        return _told(weighted_mean(case.outcome, uniform(len(case.outcome)), case.size,
                                   groups=case.groups, share=1 / case.size))
    if way == "random slice":
        return _slice(case)
    if way == "naive-Bayes IPS":
        return _naive_bayes(case, CELLS[setting])
    if way in KERNEL_WAYS:
        return _kernels(way, setting, case, options, guess, cache, rng)
    key = ("logistic", setting)
    if key not in cache:
        cache[key] = _logistic(case, setting)
    chance = cache[key]
    assert isinstance(chance, np.ndarray)  # noqa: S101 - told to the type checker
    return _weighted(way, case, chance, guess)


def _kernels(way: str, setting: int, case: Case, options: Options,  # noqa: PLR0913
             guess: np.ndarray | None, cache: dict[object, np.ndarray | KernelBalancer],
             rng: np.random.Generator) -> Found | None:
    selection, robust = KERNEL_WAYS[way]
    key = (selection, setting)
    if key not in cache:
        try:
            cache[key] = balancer_for(options, selection, WIDTHS[setting], case, rng)
        except BalanceInfeasible:
            return None
    balancer = cache[key]
    assert isinstance(balancer, KernelBalancer)  # noqa: S101 - told to the type checker
    found = _told(balancer.estimate(case.outcome, imputed=guess if robust else None,
                                    groups=case.groups))
    return replace(found, se=float(np.hypot(found.se, case.base_error)))


def _told(found: BalanceResult) -> Found:
    return Found(found.value, float(found.bse.iloc[0]), found.effective_size / found.n_observed)


def _logistic(case: Case, setting: int) -> np.ndarray:
    """Propensities of the observed items; of a sampled population scaled to its size."""
    penalty, quadratic = LOGISTIC[setting]
    model = PropensityLogistic(penalty, quadratic=quadratic).fit(case.X, case.observed,
                                                                 case.sample_weight)
    return model.predict(case.X[case.observed])


def _weighted(way: str, case: Case, chance: np.ndarray, guess: np.ndarray | None) -> Found:
    """Horvitz and Thompson's mean, the self-normalised one, or the doubly robust one."""
    weights = normalise(1 / chance)
    share = effective_size(weights) / len(weights)
    if way == "SNIPS":
        return _told(weighted_mean(case.outcome, weights, case.size, groups=case.groups,
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


def _naive_bayes(case: Case, cells: int) -> Found | None:
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
    error = np.hypot(float(within.bse.iloc[0]), _slice_error(told))
    return Found(float(np.sum(case.outcome / chance) / case.size), float(error),
                 effective_size(weights) / len(weights))


def _slice_error(drawn: np.ndarray) -> float:
    """Standard error of the mean of a slice, on which base weights rest."""
    return float(drawn.std(ddof=1) / np.sqrt(len(drawn)))


def _cut(outcome: np.ndarray, drawn: np.ndarray, cells: int) -> tuple[np.ndarray, np.ndarray]:
    """Outcomes in cells that the slice fills evenly; few different ones stay as they are."""
    if len(np.unique(outcome)) <= cells:
        return outcome, drawn
    edges = np.unique(np.quantile(drawn, np.linspace(0, 1, cells + 1)[1:-1]))
    return np.digitize(outcome, edges).astype(float), np.digitize(drawn, edges).astype(float)


def _slice(case: Case) -> Found | None:
    if case.drawn is None or len(case.drawn) < 2:
        return None
    return Found(float(case.drawn.mean()),
                 float(case.drawn.std(ddof=1) / np.sqrt(len(case.drawn))))
