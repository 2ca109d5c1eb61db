"""Worlds whose truth is known: bias of each way, bias by the number of functions, and coverage."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy.stats import norm

from workbench.core import check, normalise
from workbench.datasets.simulated_selection import selected_pairs
from workbench.inference.balancing.cases import Case, Found, Options
from workbench.inference.balancing.choosing import SELECTIONS
from workbench.inference.balancing.comparison import WAYS, compare, settings_of
from workbench.inference.balancing.dual import BalanceInfeasible
from workbench.inference.balancing.estimates import weighted_mean
from workbench.inference.kernel_balancing import KernelBalancer

__all__ = ["bias_by_functions", "bias_trials", "case_of", "coverage_trials", "tuned"]

SLICE = 0.05             # share of all pairs in the random slice
MEAN_LOSS = 2.0          # of the population that worlds are drawn from


def case_of(world: pd.DataFrame, rng: np.random.Generator) -> Case:
    """A world of `selected_pairs` as a case, with a random slice of a twentieth of its pairs."""
    X = world.filter(regex="^x").to_numpy()
    seen = world["observed"].to_numpy()
    loss = world["loss"].to_numpy()
    drawn = loss[rng.choice(len(loss), max(2, round(SLICE * len(loss))), replace=False)]
    return Case(X, seen, loss[seen], drawn)


def tuned(worlds: int, options: Options, *, n: int, rng: np.random.Generator) -> dict[str, int]:
    """The setting of each way with the least squared error over worlds of their own.

    Parameters
    ----------
    worlds : int > 0
        Other worlds than those that score the ways.
    options : Options
    n : int
        Pairs of a world.
    rng : numpy.random.Generator
    """
    ways = [way for way in WAYS if len(settings_of(way)) > 1]
    losses = {way: np.zeros(len(settings_of(way))) for way in ways}
    for _ in range(worlds):
        world = selected_pairs(n, rng=rng)
        case, truth = case_of(world, rng), float(world["loss"].mean())
        for setting in settings_of(ways[0]):
            found = compare(case, options, dict.fromkeys(ways, setting), rng=rng, ways=tuple(ways))
            for way in ways:
                error = found[way].value - truth if way in found else np.inf
                losses[way][setting] += error ** 2
    return {way: int(each.argmin()) for way, each in losses.items()}


def bias_trials(worlds: int, options: Options, chosen: dict[str, int] | None = None, *,
                n: int = 2000, level: float = 0.95, rng: np.random.Generator) -> pd.DataFrame:
    """Relative bias, error and effective size of each way over simulated worlds.

    Parameters
    ----------
    worlds : int >= 2
    options : Options
    chosen : dict of way to setting, optional
        As `tuned` finds them.
    n : int
        Pairs of a world.
    level : float
        Of the intervals whose coverage of the mean over the world's pairs is counted.
    rng : numpy.random.Generator

    Returns
    -------
    table : DataFrame
        Columns way, bias, bias_error, rmse, rmse_error (all relative to the mean loss), share
        (effective of observed pairs), coverage, coverage_error, setting, worlds. The oracle weighs
        by the true propensities.
    """
    check.whole(2, worlds=worlds, hint="Errors are over worlds: pass 10.")
    settings = chosen or {}
    rows: dict[str, list[tuple[float, float, float]]] = {}
    z = float(norm.ppf(0.5 + level / 2))
    for _ in range(worlds):
        world = selected_pairs(n, rng=rng)
        case, truth = case_of(world, rng), float(world["loss"].mean())
        found = compare(case, options, settings, rng=rng)
        found["true propensities"] = _oracle(case, world)
        for way, one in found.items():
            covers = abs(one.value - truth) <= z * one.se if np.isfinite(one.se) else np.nan
            rows.setdefault(way, []).append((one.value - truth, one.share, covers))
    return pd.DataFrame([_scored(way, np.array(each), settings.get(way, -1))
                         for way, each in rows.items()])


def bias_by_functions(worlds: int, counts: Sequence[int], options: Options, *, n: int = 2000,
                      rng: np.random.Generator) -> pd.DataFrame:
    """Relative bias and effective share by selection and number of functions.

    Returns
    -------
    table : DataFrame
        Columns selection, functions, bias, bias_error, share, worlds.
    """
    found: dict[tuple[str, int], list[tuple[float, float]]] = {}
    for _ in range(worlds):
        world = selected_pairs(n, rng=rng)
        case, truth = case_of(world, rng), float(world["loss"].mean())
        for count in counts:
            ways = tuple(f"{name} kernels" for name in SELECTIONS)
            made = compare(case, replace(options, n_functions=count), rng=rng, ways=ways)
            for name, way in zip(SELECTIONS, ways, strict=True):
                if way in made:
                    found.setdefault((name, count), []).append(
                        (made[way].value - truth, made[way].share))
    return pd.DataFrame([{
        "selection": name, "functions": count, "bias": float(np.mean(each, axis=0)[0]) / MEAN_LOSS,
        "bias_error": float(np.std(each, axis=0, ddof=1)[0]) / MEAN_LOSS / np.sqrt(len(each)),
        "share": float(np.mean(each, axis=0)[1]), "worlds": len(each)}
        for (name, count), each in found.items() if len(each) > 1])


def coverage_trials(worlds: int, *, slacks: Sequence[float] = (0.0, 0.01, 0.03),  # noqa: PLR0913
                    n_functions: int = 20, n: int = 2000, noise: float = 0.5, level: float = 0.95,
                    rng: np.random.Generator) -> pd.DataFrame:
    """How often the interval of `KernelBalancer.estimate` holds the truth under its assumptions.

    Features and selection are those of `selected_pairs`; the outcome is a random combination of
    the very functions that are balanced, plus noise, so that nothing else explains it. With a
    slack the intervals miss more the larger it is, which the table shows.

    Parameters
    ----------
    worlds : int > 0
    slacks : sequence of float
        One row of the table for each.
    n_functions, n : int > 0
        Balanced functions, and pairs of a world.
    noise : float > 0
        Standard deviation of the noise; the combination has about 1.
    level : float
        Promised coverage of the mean over the world's pairs.
    rng : numpy.random.Generator

    Returns
    -------
    table : DataFrame
        Columns slack, coverage, coverage_error, width (mean, of the interval), bias, rmse, worlds
        (of those that could be balanced), infeasible.
    """
    check.whole(1, worlds=worlds)
    check.positive(noise=noise)
    made: dict[float, list[tuple[float, float, float]]] = {slack: [] for slack in slacks}
    lost = dict.fromkeys(slacks, 0)
    for _ in range(worlds):
        world = selected_pairs(n, rng=rng)
        X, seen = world.filter(regex="^x").to_numpy(), world["observed"].to_numpy()
        seed = int(rng.integers(2**31))
        slopes = rng.normal(size=n_functions) / np.sqrt(n_functions)
        errors = noise * rng.normal(size=n)
        for slack in slacks:
            balancer = KernelBalancer(gamma="dimension", n_functions=n_functions, slack=slack,
                                      random_state=seed)
            try:
                balancer.fit(X, seen)
            except BalanceInfeasible:
                lost[slack] += 1
                continue
            outcome = 2 + balancer.functions_(X) @ slopes + errors
            found = balancer.estimate(outcome[seen])
            low, high = found.conf_int(1 - level).to_numpy(float)[0]
            truth = float(outcome.mean())
            made[slack].append((found.value - truth, high - low, float(low <= truth <= high)))
    return pd.DataFrame([_covered(slack, np.array(each), lost[slack])
                         for slack, each in made.items() if each])


def _oracle(case: Case, world: pd.DataFrame) -> Found:
    weights = normalise(1 / world["propensity"].to_numpy()[case.observed])
    made = weighted_mean(case.outcome, weights, case.size)
    return Found(made.value, float(made.bse.iloc[0]), made.effective_size / made.n_observed)


def _scored(way: str, each: np.ndarray, setting: int) -> dict[str, object]:
    error, count = each[:, 0] / MEAN_LOSS, len(each)
    rmse = float(np.sqrt((error ** 2).mean()))
    known = each[np.isfinite(each[:, 2]), 2]
    smooth = (known.sum() + 0.5) / (len(known) + 1)
    spread = error.std(ddof=1) if count > 1 else np.nan
    squares = (error ** 2).std(ddof=1) if count > 1 else np.nan
    return {"way": way, "bias": float(error.mean()), "bias_error": spread / np.sqrt(count),
            "rmse": rmse, "rmse_error": squares / np.sqrt(count) / (2 * rmse or 1.0),
            "share": float(np.mean(each[:, 1])),
            "coverage": float(known.mean()) if len(known) else np.nan,
            "coverage_error": float(np.sqrt(smooth * (1 - smooth) / max(len(known), 1))),
            "setting": setting, "worlds": count}


def _covered(slack: float, each: np.ndarray, lost: int) -> dict[str, float]:
    hits, count = each[:, 2], len(each)
    smooth = (hits.sum() + 0.5) / (count + 1)
    return {"slack": slack, "coverage": float(hits.mean()),
            "coverage_error": float(np.sqrt(smooth * (1 - smooth) / count)),
            "width": float(each[:, 1].mean()), "bias": float(each[:, 0].mean()),
            "rmse": float(np.sqrt((each[:, 0] ** 2).mean())), "worlds": count,
            "infeasible": lost}
