"""Sentences about what a reader must know before trusting the numbers of a test part."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from workbench.core.weights import effective_size, normalise
from workbench.inference.quantiles.parts import REST

__all__ = ["of_amounts", "of_extremes", "of_groups", "of_levels", "of_one_row", "of_outcomes",
           "of_promise"]

LARGE = 0.2              # share of a score from which one row is told
FEW = 5                  # average rows that such a row must outweigh in a small table
RARE = 2.6               # standard errors beyond which luck is no explanation
FAR = 50                 # times the width of nine tenths of the outcomes
EXACT = 1e-3             # of the spread of outcomes: a loss as small leaves nothing to predict


def of_levels(quantile_levels: Any, alpha: float) -> list[str]:
    """Tell an interval that is wider than the base levels reach.

    Parameters
    ----------
    quantile_levels : array, shape (q,)
        Even and symmetric.
    alpha : float

    Examples
    --------
    >>> of_levels([0.25, 0.5, 0.75], 0.5)
    []
    """
    first = float(quantile_levels[0])
    if alpha / 2 >= first - 1e-9:
        return []
    wanted = math.ceil(2 / alpha - 1e-9) - 1
    return [f"The base levels end at {100 * first:.3g} % and {100 * (1 - first):.3g} %: the "
            f"uncalibrated {100 * (1 - alpha):g} % interval is that of "
            f"{100 * (1 - 2 * first):.3g} %. n_levels={wanted + (wanted % 2 == 0)} reaches it."]


def of_groups(table: pd.DataFrame, promise: float, level: float) -> list[str]:
    """Name groups whose binomial interval of confidence `level` excludes the promise.

    Parameters
    ----------
    table : DataFrame
        Columns group, n, coverage, low, high.
    promise, level : float
    """
    broken = table[(table["low"] > promise) | (table["high"] < promise)]
    listed = ", ".join(f"{group!r} ({100 * share:.3g} % of {n})" for group, share, n in
                       broken[["group", "coverage", "n"]].itertuples(index=False))
    return [f"Groups whose {100 * level:g} % binomial interval excludes {100 * promise:g} %: "
            f"{listed}. One group in ten does so by luck, and more where few rows calibrate it."
            ] * bool(listed) + _of_rest(table)


def _of_rest(table: pd.DataFrame) -> list[str]:
    rest, every = int(table.loc[table["group"] == REST, "n"].sum()), int(table["n"].sum())
    return [f"{rest} of {every} test rows are of the group {REST!r}, which holds all but the most "
            "frequent values that the training part has: coverage by group says little. Name a "
            "column of fewer values."] * (rest > every / 2)


def of_promise(covered: float, promise: float, sizes: Sequence[float], *,
               follow: bool = False) -> list[str]:
    """Tell calibrated intervals that cover less than luck explains.

    Parameters
    ----------
    covered, promise : float
    sizes : sequence of float
        Rows that calibrate, rows that test; weighted ones as equal ones. The luck of both counts.
    follow : bool
        Whether to advise adaptive calibration.

    Examples
    --------
    >>> of_promise(0.75, 0.8, [50, 50])
    []
    """
    error = math.sqrt(promise * (1 - promise) * sum(1 / size for size in sizes))
    if promise - covered <= RARE * error:
        return []
    return [f"The calibrated {100 * promise:g} % intervals cover {100 * covered:.3g} %, less than "
            "luck explains: the test rows are unlike those that calibrated them."
            + " conformal='adaptive' follows a change." * follow]


def of_outcomes(y: np.ndarray, losses: Mapping[str, np.ndarray], amounts: np.ndarray) -> list[str]:
    """Tell outcomes that are all the same, or that some method predicts all but exactly.

    Parameters
    ----------
    y : array, shape (n,)
    losses : mapping of method to array, shape (n,)
        WIS of each row.
    amounts : array, shape (n,)
    """
    weights = normalise(amounts)
    spread = float(weights @ np.abs(y - np.median(y)))
    if spread == 0:
        return [f"All outcomes of the test part are {y[0]:g}: scores and coverage say little."]
    best = min(losses, key=lambda name: float(weights @ losses[name]))
    if weights @ losses[best] > EXACT * spread:
        return []
    return [f"{best[0].upper()}{best[1:]} predicts the outcomes all but exactly. Look for a "
            "feature that is made from the target, or known only after it."]


def of_one_row(losses: np.ndarray, amounts: np.ndarray, rows: Any) -> list[str]:
    """Tell a row that makes a large part of the score, whose interval then says little.

    Parameters
    ----------
    losses, amounts : array, shape (n,)
    rows : sequence, length n
        Their names.
    """
    held = normalise(amounts) * losses
    if not held.sum() > 0:
        return []
    share = held.max() / held.sum()
    if share < max(LARGE, FEW / len(losses)):
        return []
    return [f"Row {rows[int(held.argmax())]} alone makes {100 * share:.0f} % of the WIS of the "
            "aggregate. Look whether its outcome is right; intervals of scores say little here."]


def of_extremes(y: np.ndarray, rows: Any) -> list[str]:
    """Tell outcomes so far from the others that they rule fits, widths and scores.

    Parameters
    ----------
    y : array, shape (n,)
        Of all parts.
    rows : sequence, length n
        Their names.

    Examples
    --------
    >>> of_extremes(np.append(np.arange(99.0), 1e6), range(100))[0][:42]
    'Outcomes of 1 row are very far from the ot'
    """
    low, middle, high = np.quantile(y, [0.05, 0.5, 0.95])
    away = np.abs(y - middle)
    found = int((away > FAR * (high - low)).sum()) if high > low else 0
    if not found:
        return []
    worst = int(away.argmax())
    return [f"Outcomes of {found} {'row' if found == 1 else 'rows'} are very far from "
            f"the others: row {rows[worst]} has {y[worst]:.4g}, nine tenths lie in {low:.4g} to "
            f"{high:.4g}. Look whether it is right, since it rules fits, widths and scores."]


def of_amounts(amounts: Mapping[str, np.ndarray | None]) -> list[str]:
    """Tell how many equal rows the weighted ones of each part are worth."""
    told = ", ".join(f"the {len(held)} {part} rows like {effective_size(held):.4g} equal ones"
                     for part, held in amounts.items() if held is not None)
    return [f"Rows count by their weight, in fits, scores and calibration: {told}."] * bool(told)
