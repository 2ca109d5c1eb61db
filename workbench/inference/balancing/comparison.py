"""One sample, many ways to its mean: unweighted, by propensities, by balanced kernels, robust.

Each way has four settings, so that all can be tuned alike: the terms and the penalty of a logistic
propensity, the cells of a naive-Bayes one, the width of a kernel.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from workbench.core import uniform
from workbench.inference.balancing.cases import Case, Found, Options, told
from workbench.inference.balancing.choosing import SELECTIONS
from workbench.inference.balancing.dual import BalanceInfeasible
from workbench.inference.balancing.estimates import weighted_mean
from workbench.inference.balancing.imputation import kernel_imputation
from workbench.inference.balancing.kernels import Scaling, width
from workbench.inference.balancing.propensities import PropensityLogistic
from workbench.inference.balancing.propensity_means import (
    by_naive_bayes,
    slice_mean,
    weighted_by,
)
from workbench.inference.kernel_balancing import KernelBalancer

__all__ = ["KERNEL_WAYS", "SETTINGS", "WAYS", "balancer_for",
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
            rng: np.random.Generator, ways: tuple[str, ...] = WAYS,
            ready: KernelBalancer | None = None) -> dict[str, Found]:
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
    ready : KernelBalancer, optional
        Fitted at the usual width, for the ways of its selection.
    """
    found: dict[str, Found] = {}
    settings = {way: FIRST[kind] for way, kind in KIND.items()} | dict(chosen or {})
    guess = None
    if any("robust" in way or way == "DR" for way in ways):
        guess = kernel_imputation(case.X, case.observed, case.outcome, kernel=options.kernel,
                                  gamma=options.gamma, rng=rng)
    cache: dict[object, np.ndarray | KernelBalancer] = {}
    if ready is not None:
        cache[ready.selection, FIRST["width"]] = ready
    for way in ways:
        one = _one(way, settings.get(way, 0), case, options, guess, cache, rng)
        if one is not None:
            found[way] = one
    return found


def _one(way: str, setting: int, case: Case, options: Options,  # noqa: PLR0913
         guess: np.ndarray | None, cache: dict[object, np.ndarray | KernelBalancer],
         rng: np.random.Generator) -> Found | None:
    if way == "naive":
        return told(weighted_mean(case.outcome, uniform(len(case.outcome)), case.size,
                                   groups=case.groups, share=1 / case.size))
    if way == "random slice":
        return slice_mean(case)
    if way == "naive-Bayes IPS":
        return by_naive_bayes(case, CELLS[setting])
    if way in KERNEL_WAYS:
        return _kernels(way, setting, case, options, guess, cache, rng)
    key = ("logistic", setting)
    if key not in cache:
        cache[key] = _logistic(case, setting)
    chance = cache[key]
    assert isinstance(chance, np.ndarray)  # noqa: S101 - told to the type checker
    return weighted_by(way, case, chance, guess)


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
    found = told(balancer.estimate(case.outcome, imputed=guess if robust else None,
                                    groups=case.groups))
    return replace(found, se=float(np.hypot(found.se, case.base_error)))


def _logistic(case: Case, setting: int) -> np.ndarray:
    """Propensities of the observed items; of a sampled population scaled to its size."""
    penalty, quadratic = LOGISTIC[setting]
    model = PropensityLogistic(penalty, quadratic=quadratic).fit(case.X, case.observed,
                                                                 case.sample_weight)
    return model.predict(case.X[case.observed])
