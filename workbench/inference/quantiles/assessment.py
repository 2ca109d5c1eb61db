"""What quantiles are worth on rows they have not seen, beside rivals on the same rows."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from workbench.core import Estimate, Interval, Measure, check
from workbench.core.weights import normalise
from workbench.inference.quantiles.levels import CLOSE, checked_levels, pairs
from workbench.inference.quantiles.reliability import coverage
from workbench.inference.quantiles.rows import checked_amounts

__all__ = ["at_level", "mean_of", "mean_width", "ratio_of", "relative_scores", "tell_models",
           "weights_along", "widths_and_coverage", "with_levels"]

DRAWS = 2000


def mean_of(losses: Any, *, rng: np.random.Generator, level: float = 0.9,
            sample_weight: Any = None) -> Estimate:
    """Mean of losses over rows, with a bootstrap interval over rows.

    Parameters
    ----------
    losses : array, shape (n,)
    rng : Generator
    level : float
    sample_weight : array, shape (n,), optional
        Amounts > 0.
    """
    rows = np.asarray(losses, dtype=float)[:, None]
    weights = normalise(checked_amounts(sample_weight, len(rows)))
    low, high = np.quantile(_resampled(rows, weights, rng), [(1 - level) / 2, (1 + level) / 2])
    return Estimate(float(weights @ rows[:, 0]), Interval(float(low), float(high), level))


def ratio_of(losses: Any, reference: Any, *, rng: np.random.Generator, level: float = 0.9,
             sample_weight: Any = None) -> Estimate:
    """Mean of losses over that of a rival, with a bootstrap interval over the same rows.

    Parameters
    ----------
    losses, reference : array, shape (n,)
        Of the same rows, so that what makes a row hard cancels.
    rng : Generator
    level : float
    sample_weight : array, shape (n,), optional
        Amounts > 0.
    """
    table = relative_scores({"ours": losses, "theirs": reference}, "theirs", rng=rng, level=level,
                            sample_weight=sample_weight)
    ratio, low, high = map(float, table.loc[0, ["ratio", "low", "high"]])
    return Estimate(ratio, Interval(low, high, level), "1")


def relative_scores(losses: Mapping[str, Any], reference: str, *, rng: np.random.Generator,
                    level: float = 0.9, sample_weight: Any = None) -> pd.DataFrame:
    """Mean loss of each method, and over that of a reference, from rows drawn in pairs.

    Parameters
    ----------
    losses : mapping of name to array, shape (n,)
        Of the same rows.
    reference : str
        One of the names.
    rng : Generator
    level : float
        Of the bootstrap intervals.
    sample_weight : array, shape (n,), optional
        Amounts > 0.

    Returns
    -------
    table : DataFrame
        Columns method, wis, ratio, low, high; one row per name. Where both lose nothing, the ratio
        is 1.
    """
    check.one_of(losses, reference=reference)
    check.same_length(**losses)
    names = list(losses)
    rows = np.column_stack([np.asarray(losses[name], dtype=float) for name in names])
    weights = normalise(checked_amounts(sample_weight, len(rows)))
    means, drawn = weights @ rows, _resampled(rows, weights, rng)
    at = names.index(reference)
    tails = [(1 - level) / 2, (1 + level) / 2]
    # Draws between two others would be inf - inf, were they infinite.
    low, high = np.quantile(_over(drawn, drawn[:, [at]]), tails, axis=0, method="nearest")
    ratio = _over(means, means[at])
    return pd.DataFrame({"method": names, "wis": means, "ratio": ratio, "low": low, "high": high})


def _over(losses: np.ndarray, reference: Any) -> np.ndarray:
    """Ratio of losses; 1 where neither loses anything, infinite where only the first does."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where((losses == 0) & (reference == 0), 1.0, losses / reference)


def _resampled(rows: np.ndarray, weights: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Means of rows drawn with replacement, `DRAWS` times; in blocks, so that memory is small."""
    n = len(rows)
    held = np.column_stack([weights[:, None] * rows, weights])
    block = max(1, min(DRAWS, 2_000_000 // n))
    sizes = [min(block, DRAWS - begun) for begun in range(0, DRAWS, block)]
    shares = np.full(n, 1 / n)
    sums = np.concatenate([rng.multinomial(n, shares, size=size) @ held for size in sizes])
    return sums[:, :-1] / sums[:, -1:]


def mean_width(wide: np.ndarray, amounts: np.ndarray, level: float = 0.9) -> Estimate:
    """Mean of two or more finite widths, with its normal interval."""
    weights = normalise(amounts)
    mean = float(weights @ wide)
    error = np.sqrt(weights ** 2 @ (wide - mean) ** 2 * len(wide) / (len(wide) - 1))
    return Measure(mean, float(error)).estimate(level)


def at_level(quantiles: np.ndarray, quantile_levels: np.ndarray, level: float) -> np.ndarray:
    """Quantile of one level, between neighbours that may be infinite, shape (n,).

    Examples
    --------
    >>> at_level(np.array([[0.0, 1.0, np.inf]]), np.array([0.2, 0.5, 0.8]), 0.5)
    array([1.])
    """
    place = float(np.interp(level, quantile_levels, np.arange(len(quantile_levels))))
    left = math.floor(place + CLOSE)
    share = place - left
    if share < CLOSE:
        return quantiles[:, left]
    return (1 - share) * quantiles[:, left] + share * quantiles[:, left + 1]


def with_levels(quantiles: Any, quantile_levels: Any, more: Any) -> tuple[np.ndarray, np.ndarray]:
    """Add levels to quantiles, each between its neighbours, or equal to the last one outside.

    Parameters
    ----------
    quantiles : array, shape (n, q)
        In order.
    quantile_levels : array, shape (q,)
    more : sequence of float
        Levels to add; those that are there stay as they are.

    Returns
    -------
    quantiles : array, shape (n, q + added)
    levels : array, shape (q + added,)

    Examples
    --------
    >>> with_levels([[0.0, 1.0]], [0.25, 0.75], [0.5])[0].tolist()
    [[0.0, 0.5, 1.0]]
    """
    levels = checked_levels(quantile_levels)
    added = [level for level in more if np.abs(levels - level).min() > CLOSE]
    wide = np.sort(np.concatenate([levels, added]))
    mixing = np.column_stack([np.interp(wide, levels, one) for one in np.eye(len(levels))])
    return np.asarray(quantiles, dtype=float) @ mixing.T, wide


def widths_and_coverage(y: Any, quantiles: Any, quantile_levels: Any, *,
                        sample_weight: Any = None) -> pd.DataFrame:
    """Coverage and mean width of every central interval of a symmetric grid.

    Parameters
    ----------
    y : array, shape (n,)
    quantiles : array, shape (n, q)
    quantile_levels : array, shape (q,)
    sample_weight : array, shape (n,), optional
        Amounts > 0.

    Returns
    -------
    table : DataFrame
        Columns promised, coverage, low, high, width (of the rows that have both ends), endless
        (share of the other rows); the widest interval first.
    """
    quantiles = np.asarray(quantiles, dtype=float)
    weights = normalise(checked_amounts(sample_weight, len(quantiles)))
    rows = []
    for low, high, alpha in pairs(quantile_levels):
        seen = coverage(y, quantiles[:, low], quantiles[:, high], sample_weight=sample_weight)
        wide = quantiles[:, high] - quantiles[:, low]
        ending = np.isfinite(wide)
        rows.append((1 - alpha, seen.value, *seen.ends,
                     float(normalise(weights[ending]) @ wide[ending]) if ending.any() else np.inf,
                     float(weights @ ~ending)))
    return pd.DataFrame(rows, columns=["promised", "coverage", "low", "high", "width",
                                       "endless"])


def weights_along(x: Any, weights: Any, names: list[str], *, bins: int = 8,
                  sample_weight: Any = None) -> pd.DataFrame:
    """Mean weight of each model over rows with similar x, times uniform.

    Parameters
    ----------
    x : array, shape (n,)
        NaN rows are left out.
    weights : array, shape (n, k)
        On the simplex in each row.
    names : list of str, length k
    bins : int
        With equally many rows each; equal x stay together.
    sample_weight : array, shape (n,), optional
        Amounts > 0.

    Returns
    -------
    table : DataFrame
        Columns x (median of the bin), n, model, weight.
    """
    numbers = np.asarray(x, dtype=float)
    known = np.isfinite(numbers)
    numbers, rows = numbers[known], np.asarray(weights, dtype=float)[known] * len(names)
    edges = np.unique(np.quantile(numbers, np.arange(1, bins) / bins)) if len(numbers) else numbers
    table = pd.DataFrame(rows, columns=names).assign(
        place=np.searchsorted(edges, numbers, side="left"), x=numbers)
    amounts = checked_amounts(sample_weight, len(known))[known]
    grouped = table.groupby("place")
    sums = table[names].mul(amounts, axis=0).groupby(table["place"]).sum()
    means = sums.div(pd.Series(amounts).groupby(table["place"]).sum(), axis=0).assign(
        x=grouped["x"].median(), n=grouped["x"].size())
    return means.melt(id_vars=["x", "n"], value_vars=names, var_name="model",
                      value_name="weight")


def tell_models(weights: Any, names: list[str], *, most: int = 3) -> list[str]:
    """The heaviest models of each row in words, as "dqr 43 %, xt 31 %".

    Parameters
    ----------
    weights : array, shape (n, k)
    names : list of str, length k
    most : int

    Examples
    --------
    >>> tell_models([[0.25, 0.75]], ["a", "b"])
    ['b 75 %, a 25 %']
    """
    rows = np.asarray(weights, dtype=float)
    order = np.argsort(-rows, axis=1, kind="stable")[:, :most]
    return [", ".join(f"{names[at]} {100 * row[at]:.0f} %" for at in places)
            for row, places in zip(rows, order, strict=True)]
