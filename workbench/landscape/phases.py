"""Five phases of training, named by where it ended.

    loss > tau_loss and connectivity < -tau_connectivity   I     under-fitted, cut off
    loss > tau_loss otherwise                              II    under-fitted, hot
    loss <= tau_loss and connectivity < -tau_connectivity  III   fitted, cut off
    otherwise and similarity < tau_similarity              IV-A  connected, unlike each other
    otherwise                                              IV-B  connected and alike

Connectivity is negative where the curve between two solutions meets a barrier. Source: Y. Yang et
al., Taxonomizing local versus global structure in neural network loss landscapes, NeurIPS 2021;
the names after K. Schürholt et al., arXiv:2504.18072. Both papers draw the borders by eye: the
thresholds are ours, and stand in every result.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from workbench.core import Card, check

__all__ = ["CARD", "PHASES", "Thresholds", "associations", "by_phase", "classify",
           "classify_phase"]

CARD = Card(
    source="yang2021taxonomizing",
    weighs="trained networks, by loss, connectivity and similarity",
    range="real",
    neutral={"loss": math.inf, "connectivity": math.inf, "similarity": 0.0},
    baseline="one phase for all",
)

PHASES = {"I": "under-fitted and cut off", "II": "under-fitted and hot",
          "III": "fitted and cut off", "IV-A": "connected but unlike",
          "IV-B": "connected and alike"}
BORDERS = ("loss", "connectivity", "similarity", "trace")


@dataclass(frozen=True)
class Thresholds:
    """Borders between the phases.

    Parameters
    ----------
    loss : float >= 0
        Training loss above which a network is under-fitted [nats]; infinity for never.
    connectivity : float >= 0
        Height of a barrier that cuts solutions off [percentage points of training error];
        infinity for never.
    similarity : float in [0, 1]
        CKA below which two solutions are unlike; 0 for never.
    trace : float >= 0, optional
        Trace of the Hessian above which a network is under-fitted where ``sharp_by="trace"``. It
        grows with the network and has no default. On the published grid, 400 agrees with the
        loss in 181 of 210 cells.
    """

    loss: float = 0.1
    connectivity: float = 1.0
    similarity: float = 0.6
    trace: float | None = None

    def __post_init__(self) -> None:
        for name in BORDERS:
            value = getattr(self, name)
            if value is not None and not value >= 0:
                raise ValueError(f"{name} must be >= 0, got {value!r}. Barriers count by their "
                                 "height, whose sign is not written.")
        if not self.similarity <= 1:
            raise ValueError(f"similarity must lie in [0, 1], got {self.similarity!r}. CKA never "
                             "exceeds 1.")


def classify_phase(
        loss: float, connectivity: float, similarity: float,
        thresholds: Thresholds = Thresholds(), *, sharp_by: Literal["loss", "trace"] = "loss",
        trace: float = math.nan) -> str | None:
    """Phase of one cell of a grid.

    Parameters
    ----------
    loss : float
        Mean training loss [nats].
    connectivity : float
        Mode connectivity [percentage points of training error], negative at a barrier.
    similarity : float
        CKA of two solutions.
    thresholds : Thresholds
    sharp_by : {"loss", "trace"}
        What tells an under-fitted network.
    trace : float
        Trace of the Hessian, needed where ``sharp_by="trace"``.

    Returns
    -------
    phase : str or None
        One of `PHASES`; None where a measure that decides is NaN, as the similarity of constant
        outputs or the loss of a network that diverged.

    Examples
    --------
    >>> classify_phase(0.01, -5.0, 0.9)
    'III'
    >>> classify_phase(0.01, 0.2, 0.9)
    'IV-B'
    """
    return _phase(loss if sharp_by == "loss" else trace, connectivity, similarity,
                  _borders(thresholds, sharp_by))[0]


def classify(table: pd.DataFrame, thresholds: Thresholds = Thresholds(), *,
             sharp_by: Literal["loss", "trace"] = "loss") -> pd.DataFrame:
    """Phase of each row of a table of measures.

    Parameters
    ----------
    table : DataFrame
        Columns loss, connectivity, similarity, see :func:`classify_phase`; further columns stay.
    thresholds : Thresholds
    sharp_by : {"loss", "trace"}
        With "trace", column trace decides instead of the loss.

    Returns
    -------
    classified : DataFrame
        The table with columns phase (None where a measure is missing), why (what is missing),
        threshold_loss or threshold_trace, threshold_connectivity and threshold_similarity.

    Raises
    ------
    ValueError
        If a column is missing or the table has no rows.

    Examples
    --------
    >>> cells = pd.DataFrame({"loss": [1.0, 0.0], "connectivity": 0.0, "similarity": 0.9})
    >>> classify(cells)["phase"].tolist()
    ['II', 'IV-B']
    """
    borders = _borders(thresholds, sharp_by)
    measures = [sharp_by, "connectivity", "similarity"]
    missing = [name for name in measures if name not in table]
    if missing or table.empty:
        raise ValueError(f"table must have rows and columns {', '.join(measures)}, got "
                         f"{len(table)} rows without {', '.join(missing) or 'any missing'}. "
                         "Measure the networks first.")
    found = [_phase(sharpness, connectivity, similarity, borders)
             for sharpness, connectivity, similarity in table[measures].astype(float).to_numpy()]
    told = {f"threshold_{name}": border for name, border in zip(measures, borders, strict=True)}
    phases = pd.Series([phase for phase, _ in found], table.index, dtype=object)
    return table.assign(phase=phases, why=[why for _, why in found], **told)


def by_phase(classified: pd.DataFrame, outcome: str) -> pd.DataFrame:
    """How many cells each phase has, and their mean outcome.

    Parameters
    ----------
    classified : DataFrame
        From :func:`classify`.
    outcome : str
        Column of numbers, for instance test_accuracy; missing ones are left out.

    Returns
    -------
    table : DataFrame
        One row per phase of `PHASES`: phase, cells, measured (cells with the outcome), mean,
        stderr (NaN below two).
    """
    rows = []
    for phase in PHASES:
        some = classified.loc[classified["phase"] == phase, outcome]
        known = some.dropna().to_numpy(dtype=float)
        rows.append({"phase": phase, "cells": len(some), "measured": len(known),
                     "mean": known.mean() if len(known) else math.nan,
                     "stderr": known.std(ddof=1) / math.sqrt(len(known)) if len(known) > 1
                     else math.nan})
    return pd.DataFrame(rows)


def associations(table: pd.DataFrame, measures: Sequence[str], outcome: str, *,
                 level: float = 0.9) -> pd.DataFrame:
    """Spearman's rank correlation of each measure with an outcome.

    Parameters
    ----------
    table : DataFrame
    measures : sequence of str
        Columns of numbers; a logarithm would change nothing.
    outcome : str
        Column of numbers.
    level : float in (0, 1)
        Of the intervals, by Fisher's transform with the variance of Bonett and Wright (2000),
        ``(1 + r**2 / 2) / (n - 3)``.

    Returns
    -------
    table : DataFrame
        One row per measure: measure, n (rows with both), correlation, low, high.
    """
    from scipy.stats import norm, spearmanr

    rows = []
    for measure in measures:
        both = table[[measure, outcome]].dropna()
        if len(both) < 4 or both[measure].nunique() < 2:
            raise ValueError(f"{measure} and {outcome} must vary over at least 4 rows that have "
                             f"both, got {len(both)}. Measure more cells.")
        r = float(spearmanr(both[measure], both[outcome]).statistic)
        half = norm.ppf(0.5 + level / 2) * math.sqrt((1 + r * r / 2) / (len(both) - 3))
        middle = math.atanh(np.clip(r, -1 + 1e-12, 1 - 1e-12))
        rows.append({"measure": measure, "n": len(both), "correlation": r,
                     "low": math.tanh(middle - half), "high": math.tanh(middle + half)})
    return pd.DataFrame(rows)


def _borders(thresholds: Thresholds, sharp_by: str) -> tuple[float, float, float]:
    check.one_of(("loss", "trace"), sharp_by=sharp_by)
    sharp = thresholds.loss if sharp_by == "loss" else thresholds.trace
    if sharp is None:
        raise ValueError("thresholds.trace must be a number where sharp_by='trace', got None. "
                         "Choose it by the size of the networks, or pass sharp_by='loss'.")
    return sharp, thresholds.connectivity, thresholds.similarity


def _phase(sharpness: float, connectivity: float, similarity: float,
           borders: tuple[float, float, float]) -> tuple[str | None, str]:
    """Phase, or what is missing to tell it."""
    if math.isnan(sharpness):
        return None, "no loss or trace: not measured, or diverged"
    if math.isnan(connectivity):
        return None, "no connectivity"
    cut_off = connectivity < -borders[1]
    if sharpness > borders[0]:
        return "I" if cut_off else "II", ""
    if cut_off:
        return "III", ""
    if math.isnan(similarity):
        return None, "no similarity: not measured, or constant outputs"
    return "IV-A" if similarity < borders[2] else "IV-B", ""
