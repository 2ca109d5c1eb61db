"""What a fitted trend says of a part of its time, of one source, and of a run that was saved.

Everything is read off the posterior draws: ``mu = X @ c`` is linear in the coefficients, so that
the change between two dates is ``(X[end] - X[start]) @ c`` in each draw, exactly.
"""

import math
from typing import Any

import numpy as np
import pandas as pd

from workbench.core import check
from workbench.core.result import Estimate, credible
from workbench.core.weights import effective_size
from workbench.inference.trend.design import BEND, CHANGE, SOURCE, Prior, TrendDesign
from workbench.inference.trend.fit import Observed, TrendFit

__all__ = ["prior_window_slopes", "saved_fit", "source_offsets", "window_share", "window_slopes"]

PARTS = {"slope_change": CHANGE, "bend": BEND, "source_effect": SOURCE}


def window_slopes(fit: TrendFit, start: Any, end: Any) -> np.ndarray:
    """Average slope of the trend between two dates, score units per time unit, shape (draws,).

    Raises
    ------
    ValueError
        If the end is not after the start, or a smooth trend does not reach so far.
    """
    change, length = _between(fit, start, end)
    return np.asarray(fit.flat @ change / length)


def prior_window_slopes(fit: TrendFit, start: Any, end: Any, size: int,
                        rng: np.random.Generator) -> np.ndarray:
    """The same slope before any score was seen, shape (size,)."""
    change, length = _between(fit, start, end)
    return np.asarray(fit.prior.sample(fit.design, size, rng) @ change / length)


def window_share(fit: TrendFit, inside: np.ndarray, level: float = 0.9) -> Estimate:
    """Effective number of some scores over their number.

    Parameters
    ----------
    fit : TrendFit
    inside : array of bool, shape (n,)
        The scores; at least one of a weight above 0.
    level : float
    """
    if not (fit.observed.weight[inside] > 0).any():
        raise ValueError(f"inside must hold a score of a weight above 0, got {inside.sum()} "
                         "scores, none of them so. Choose a longer window.")
    sizes = np.array([effective_size(row) for row in fit.precision()[:, inside]])
    if np.ptp(sizes) <= 1e-9 * sizes[0]:
        return Estimate(float(sizes[0]) / int(inside.sum()),
                        why="the same in every draw: these weights do not depend on the fit")
    return credible(sizes / inside.sum(), level)


def source_offsets(fit: TrendFit, level: float = 0.9) -> pd.DataFrame:
    """Level of each source above the mean of all sources, in score units.

    Returns
    -------
    offsets : DataFrame
        Columns source, scores (their number), offset, low, high; no rows for a single source.
    """
    names = fit.design.sources
    effects = fit.flat[:, fit.design.kinds == SOURCE]
    effects = effects - effects.mean(axis=1, keepdims=True) if names else effects
    low, high = np.quantile(effects, [(1 - level) / 2, (1 + level) / 2], axis=0)
    counts = pd.Series(fit.observed.source if names else [], dtype=str).value_counts()
    return pd.DataFrame({"source": list(names), "scores": [int(counts[name]) for name in names],
                         "offset": effects.mean(axis=0), "low": low, "high": high})


def saved_fit(posterior: Any, observed: Observed, *, time_scale: float, horizon: float,
              nu: float | None, scale: tuple[float, float]) -> TrendFit:
    """The fit whose posterior was saved by ``TrendFit.inference_data``.

    Parameters
    ----------
    posterior : xarray.Dataset
        Its group of that name.
    observed : Observed
        The scores that it was fitted to.
    time_scale, horizon, scale
        Of the ``BayesianTrend``; `scale` as it was used, which sets the prior.
    nu : float or None
        Its degrees of freedom; None if they were learned, infinity for the normal likelihood.
    """
    sizes = {name: int(posterior[name].shape[-1]) for name in PARTS if name in posterior}
    design = TrendDesign(observed.day.min(), observed.day.max(), time_scale, observed.sources,
                         sizes.get("slope_change", 0), sizes.get("bend", 0), horizon)
    if sizes.get("source_effect", 0) != len(design.sources):
        raise ValueError(f"observed must have the {sizes.get('source_effect', 0)} sources of the "
                         f"posterior, got {len(design.sources)}. Pass the source of each score.")
    shape = posterior["level"].shape
    c = np.empty((*shape, len(design.kinds)))
    c[..., 0], c[..., 1] = posterior["level"], posterior["slope"]
    for name in sizes:
        c[..., design.kinds == PARTS[name]] = posterior[name]
    hyper = {name: posterior[name].to_numpy() for name in ("sigma", "nu", "tau", "eta", "length")
             if name in posterior}
    if nu is not None:
        hyper["nu"] = np.full(shape, nu)
    return TrendFit(observed, design, Prior.for_scale(scale, design.span), c, hyper,
                    student=nu != math.inf, sampler="saved")


def _between(fit: TrendFit, start: Any, end: Any) -> tuple[np.ndarray, float]:
    """Change of each column between two dates, shape (k,), and their distance in time units."""
    ends = np.array([start, end], dtype="datetime64[us]")
    rows, times = fit.design.matrix(ends), fit.design.time(ends)
    length = float(times[1] - times[0])
    if not length > 0:
        raise ValueError(f"end must be after start, got {start} and {end}. Pass them in order.")
    check.finite(start=times[:1], end=times[1:])
    return rows[1] - rows[0], length
