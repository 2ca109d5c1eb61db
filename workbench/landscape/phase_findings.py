"""What a classified grid says: gains by phase, headline numbers, and what to know beside them."""

import math

import pandas as pd

from workbench.core import Estimate, Interval
from workbench.landscape.phases import Thresholds, associations, by_phase

__all__ = ["gains_by_phase", "notes_of", "numbers_of"]

NORMAL_90 = 1.6448536269514722      # 90 % intervals
BEST = "IV-B"


def gains_by_phase(cells: pd.DataFrame, sparsity: float) -> pd.DataFrame:
    """Mean gain in test accuracy of each phase, with 90 % intervals over its cells.

    Parameters
    ----------
    cells : DataFrame
        Classified, with test_accuracy, and for an own grid gain, gain_aligned, pruned_accuracy.
    sparsity : float
        Share that was pruned.

    Returns
    -------
    table : DataFrame
        Columns phase, kind, cells, gain, low, high [percentage points]: of averaging two seeds,
        plainly and aligned, of pruning, and of transfer over a fresh network; for cells without
        networks, their accuracy above the mean of all cells.
    """
    accuracy = cells["test_accuracy"]
    if "gain" in cells:
        kinds = {"two averaged": cells["gain"], "two aligned": cells["gain_aligned"],
                 f"{100 * sparsity:g} % pruned": cells["pruned_accuracy"] - accuracy}
        if cells["transfer_gain"].notna().any():
            kinds["transferred"] = cells["transfer_gain"]
    else:
        kinds = {"a cell of this phase": accuracy - accuracy.mean()}
    rows = []
    for kind, values in kinds.items():
        table = by_phase(cells.assign(gain=values), "gain")
        some = table[table["measured"] > 0]
        half = NORMAL_90 * some["stderr"]
        rows.append(pd.DataFrame({"phase": some["phase"], "kind": kind, "cells": some["measured"],
                                  "gain": some["mean"], "low": some["mean"] - half,
                                  "high": some["mean"] + half}))
    return pd.concat(rows, ignore_index=True)


def numbers_of(cells: pd.DataFrame) -> dict[str, Estimate]:
    """Headline numbers of a classified grid, each with its interval or the reason for none."""
    best = cells["phase"] == BEST
    numbers = {
        f"cells in phase {BEST}": Estimate(
            float(100 * best.mean()), None, "%",
            f"{best.sum()} of {len(cells)} cells, counted under these thresholds"),
        f"test accuracy in phase {BEST}": _mean(cells.loc[best, "test_accuracy"], "%"),
        "test accuracy elsewhere": _mean(cells.loc[~best, "test_accuracy"], "%"),
        "rank correlation of similarity with test accuracy": _correlation(cells, "similarity"),
    }
    if "gain" not in cells:
        return numbers | {"rank correlation of the trace with test accuracy":
                          _correlation(cells, "trace")}
    name, unit = "gain of averaging aligned seeds", "percentage points"
    return numbers | {f"{name} in phase {BEST}": _mean(cells.loc[best, "gain_aligned"], unit),
                      f"{name} elsewhere": _mean(cells.loc[~best, "gain_aligned"], unit)}


def notes_of(cells: pd.DataFrame, thresholds: Thresholds, *, sharp_by: str) -> list[str]:
    """Sentences a reader must see: thresholds, counts, cells without a phase, divergence."""
    counts = ", ".join(f"{row.phase} {row.cells}" for row in
                       by_phase(cells, "test_accuracy").itertuples())
    sharp = f"{sharp_by} {getattr(thresholds, sharp_by):g}" + " nat" * (sharp_by == "loss")
    told = [f"Thresholds: {sharp}, connectivity {thresholds.connectivity:g} percentage points, "
            f"similarity {thresholds.similarity:g}. Cells: {counts}.",
            "Intervals take cells as independent, but cells next to each other are alike."]
    untold = cells.loc[cells["phase"].isna(), "why"].value_counts()
    told += [f"Cells without a phase: {count}, for there is {why}."
             for why, count in untold.items()]
    if "diverged" in cells and cells["diverged"].any():
        told.append(f"Networks that diverged and have no numbers: {cells['diverged'].sum()}.")
    return told


def _mean(values: pd.Series, unit: str) -> Estimate:
    known = values.dropna().to_numpy(dtype=float)
    if len(known) < 2:
        return Estimate(float(known[0]) if len(known) else math.nan, None, unit,
                        _only(len(known)))
    middle, half = float(known.mean()), NORMAL_90 * float(known.std(ddof=1)) / len(known) ** 0.5
    return Estimate(middle, Interval(middle - half, middle + half), unit)


def _correlation(cells: pd.DataFrame, measure: str) -> Estimate:
    both = cells[[measure, "test_accuracy"]].dropna()
    if len(both) < 4 or (both.nunique() < 2).any():
        return Estimate(math.nan, None, "", _only(len(both)))
    row = associations(both, [measure], "test_accuracy").to_dict("records")[0]
    if abs(row["correlation"]) > 1 - 1e-9:
        return Estimate(row["correlation"], None, "", f"one order in all {len(both)} cells")
    return Estimate(row["correlation"], Interval(row["low"], row["high"]))


def _only(cells: int) -> str:
    return f"only {cells} cells" if cells > 1 else "only one cell" if cells else "no cell"
