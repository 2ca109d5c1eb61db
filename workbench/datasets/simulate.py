"""Worlds whose truth is known."""

import math

import numpy as np
import pandas as pd

from workbench.core import check

__all__ = ["opinion_scores"]

START = pd.Timestamp(2024, 1, 1)


def opinion_scores(  # noqa: PLR0913 - one keyword per planted quantity
        n: int = 48, *, slope: float = -0.27, level: float = 5.0, sigma: float = 0.6,
        outliers: int = 3, days: int = 360, sources: int = 1,
        scale: tuple[float, float] = (0.0, 10.0), rng: np.random.Generator) -> pd.DataFrame:
    """Scores on a straight line with Gaussian noise and gross outliers.

    Parameters
    ----------
    n, outliers, sources : int
        Scores (>= 2), the first on day 0 and the others on random days; outliers among them,
        uniform on the part of the scale at least 4 sigma off the line; sources, all on one line.
    slope, level, sigma : float
        Planted change per 30 days, score on day 0 and noise sd. Noise that leaves the scale is
        drawn again, never clipped: keep the line some sigma inside where normality matters.
    days : int
        Length of the period [days].
    scale : (float, float)
    rng : numpy.random.Generator

    Returns
    -------
    scores : DataFrame, shape (n, 3)
        ``date`` [day], ``score`` within the scale, ``source``; in the order of the dates.

    Raises
    ------
    ValueError
        If a size is out of range, the line leaves the scale, or an outlier finds no room.
    """
    check.positive(sigma=sigma, days=days, sources=sources)
    _countable(n, outliers)
    day = np.append(0, np.sort(rng.integers(0, days + 1, n - 1)))
    line = level + slope * day / 30
    _inside(line, scale)
    score = _noisy(line, sigma, scale, rng)
    chosen = rng.choice(n, outliers, replace=False)
    score[chosen] = _far(line[chosen], 4 * sigma, scale, rng)
    names = [f"source {number + 1}" for number in rng.integers(0, sources, n)]
    date = START + pd.to_timedelta(day, unit="D")
    return pd.DataFrame({"date": date, "score": score, "source": names})


def _countable(n: int, outliers: int) -> None:
    if not 0 <= outliers <= n or n < 2:
        raise ValueError("outliers must lie between 0 and n, and n must be at least 2, got "
                         f"{outliers!r} and {n!r}. Pass more scores or fewer outliers.")


def _inside(line: np.ndarray, scale: tuple[float, float]) -> None:
    low, high = scale
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise ValueError(f"scale must be two finite numbers in order, got {scale!r}. "
                         "Pass (0, 10) for scores from 0 to 10.")
    if not (line.min() >= low and line.max() <= high):
        raise ValueError(f"level and slope must keep the line within the scale {scale!r}, but it "
                         f"runs from {line[0]:.4g} to {line[-1]:.4g}. Pass a smaller slope, fewer "
                         "days or a wider scale.")


def _noisy(line: np.ndarray, sigma: float, scale: tuple[float, float],
           rng: np.random.Generator) -> np.ndarray:
    score = rng.normal(line, sigma)
    while (outside := (score < scale[0]) | (score > scale[1])).any():
        score[outside] = rng.normal(line[outside], sigma)
    return score


def _far(line: np.ndarray, distance: float, scale: tuple[float, float],
         rng: np.random.Generator) -> np.ndarray:
    """Uniform draws from the scale without the band of `distance` on each side of the line."""
    below = np.maximum(line - distance - scale[0], 0)
    above = np.maximum(scale[1] - line - distance, 0)
    if (below + above <= 0).any():
        raise ValueError(f"scale must leave room for outliers {distance:.4g} off the line, got "
                         f"{scale!r}. Pass a smaller sigma, a wider scale or outliers=0.")
    place = rng.uniform(0, below + above)
    return np.where(place < below, scale[0] + place, line + distance + place - below)
