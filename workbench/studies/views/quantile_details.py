"""A closer look at one test row, and at the rows of one group.

Everything is told from what the result keeps: the base models' quantiles of each test row and the
weights that made its own. ``quantiles = weights @ base quantiles``, before they are put in order.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from workbench import plots
from workbench.core import Estimate, Interval, Result, Summary
from workbench.core.details import Chosen
from workbench.inference.quantiles.assessment import mean_width
from workbench.studies.views.quantiles import UNIT, about

__all__ = ["details"]

LEVEL = 0.9              # of the intervals of reported numbers
WORST = 10
OLDER = ("This run is older than the closer look at its rows. Run the study again to have it.")


def details(result: Result, chosen: Chosen) -> Mapping[str, Any]:
    """What made the quantiles of a row, or how a group fares."""
    found: dict[str, Any] = {}
    if chosen.get("row") is not None:
        found |= _row(result, chosen.get("row"), chosen.get("level"))
    if chosen.get("group") is not None:
        found |= _group(result, str(chosen.get("group")))
    return found


def _row(result: Result, name: Any, wanted: str | None) -> dict[str, Any]:
    """The quantiles of one row, those they were made of, and the weights between."""
    rows = result.tables["predictions"]
    at = int(np.flatnonzero(rows["row"] == name)[0])
    row, promise = rows.iloc[at], 1 - float(about(result)["alpha"])
    place = "inside" if row["low"] <= row["y"] <= row["high"] else "outside"
    found: dict[str, Any] = {
        "row": f"Row {name} of the table: the outcome, {row['y']:.4g}, lies {place} its "
               f"{100 * promise:g} % interval, {row['low']:.4g} to {row['high']:.4g}."}
    if not len(result.arrays):
        return {**found, "missing": OLDER}
    models = list(dict.fromkeys(result.tables["weights"]["model"]))
    own, levels = _of_row(result, at), result.arrays["levels"]
    k, q = own["Z"].shape
    weights = pd.DataFrame({"model": np.repeat(models, q), "level": np.tile(levels, k),
                            "weight": k * own["weights"].ravel()})
    ends = [int(np.abs(levels - level).argmin()) for level in (
        (1 - promise) / 2, 0.5, (1 + promise) / 2)]
    found["trust"] = plots.level_weight_map(weights)
    found["quantiles"] = _intervals(row, own, models, levels, promise)
    found |= _mixed(result, at, models, _place(levels, wanted, ends[0]))
    told = pd.DataFrame({"": models, **{
        f"weight at {levels[end]:.3g}": [f"{100 * weight:.1f} %" for weight in
                                         own["weights"][:, end]] for end in ends}})
    for end in ends:
        told[f"quantile at {levels[end]:.3g}"] = own["Z"][:, end]
    total = {"": "weights @ quantiles", **{f"weight at {levels[end]:.3g}": "" for end in ends},
             **{f"quantile at {levels[end]:.3g}": own["loose"][end] for end in ends}}
    found["Its base models and what they add up to, before order and calibration"] = pd.concat(
        [told, pd.DataFrame([total])], ignore_index=True)
    if not np.allclose((own["weights"] * own["Z"]).sum(axis=0), own["loose"], rtol=1e-4,
                       atol=1e-5 * np.abs(own["Z"]).max()):      # sums near 0 are as inexact
        found["levels"] = (
            "Here the levels of the models are mixed, too: a weight is the sum over all levels of "
            "a model, so that the quantiles above add up only with the weights of each level.")
    features = result.tables.get("features")
    if features is not None and len(features.columns):
        found["Its numeric features"] = pd.DataFrame({
            "feature": features.columns, "value": features.iloc[at].astype(float).to_numpy()})
    return found


def _of_row(result: Result, at: int) -> dict[str, np.ndarray]:
    """What is kept of one row: base quantiles, weights, quantiles before they are in order."""
    held = result.arrays
    return {"Z": held["Z_test"][at], "loose": held["loose"][at],
            "weights": held["weights"][min(at, len(held["weights"]) - 1)]}


def _intervals(row: pd.Series, own: Mapping[str, np.ndarray], models: list[str],
               levels: np.ndarray, promise: float) -> plots.Figure:
    """Interval and median of the row by each model, and by those made of them.

    Ends that are no levels lie between those next to them, as those of the run do.
    """
    wanted = [0.5, (1 - promise) / 2, (1 + promise) / 2]
    loose, mean, *each = (np.interp(wanted, levels, quantiles) for quantiles in (
        own["loose"], own["Z"].mean(axis=0), *own["Z"]))
    parts = [("this aggregate", "this aggregate", row["median"], row["low"], row["high"]),
             ("before calibration", "before calibration", *loose),
             ("equal average", "equal average", *mean),
             *((name, "one model", *one) for name, one in zip(models, each, strict=True))]
    table = pd.DataFrame(parts, columns=["name", "kind", "value", "low", "high"])
    finite = table[["low", "high"]].replace([np.inf, -np.inf], np.nan)
    return plots.forest(
        table.assign(low=finite["low"], high=finite["high"]),
        title=f"{100 * promise:g} % intervals of this row", x=("outcome", UNIT),
        y=("method", "ours on top"), reference=(float(row["y"]), "outcome", "truth"),
        roles={"this aggregate": "ours", "before calibration": "variant",
               "equal average": "uniform", "one model": "rival"})


def _mixed(result: Result, at: int, models: list[str], out: int) -> dict[str, Any]:
    """From which levels of which models one quantile of a row was made."""
    held, levels = result.arrays, result.arrays["levels"]
    if "mixing" not in held:
        return {}
    mixing = held["mixing"][min(at, len(held["mixing"]) - 1)][..., out]
    table = pd.DataFrame({"model": np.repeat(models, len(levels)),
                          "level": np.tile(levels, len(models)),
                          "weight": mixing.size * mixing.ravel()})
    return {"mixing": plots.level_weight_map(
        table, title=f"What made the quantile at level {levels[out]:.3g}",
        level="level of the model's quantile")}


def _place(levels: np.ndarray, wanted: str | None, default: int) -> int:
    return default if wanted is None else int(np.abs(levels - float(wanted)).argmin())


def _group(result: Result, name: str) -> dict[str, Any]:
    """Coverage and width of a group, its rows, and its outcomes farthest outside."""
    promise, groups = 1 - float(about(result)["alpha"]), result.tables["groups"]
    rows = result.tables["predictions"]
    rows = rows[rows["group"].astype(str) == name]
    numbers = {}
    for stage in ("calibrated", "uncalibrated"):
        own = groups[(groups["stage"] == stage) & (groups["group"].astype(str) == name)]
        for value, low, high in own[["coverage", "low", "high"]].to_numpy(float):
            numbers[f"coverage, {stage}"] = Estimate(value, Interval(low, high, LEVEL)).percent()
    wide = (rows["high"] - rows["low"]).to_numpy()
    finite = np.isfinite(wide)
    if finite.sum() > 1:
        numbers["mean width"] = mean_width(wide[finite], rows.get(
            "weight", pd.Series(1.0, rows.index)).to_numpy()[finite], LEVEL)
    numbers["test rows"] = Estimate(len(rows), why="counted")
    found: dict[str, Any] = {
        "group": f"{about(result)['group']}: {name}. {100 * promise:g} % are promised.",
        "numbers": Summary(numbers),
        "rows": plots.fan_chart(rows, label=about(result)["target"], unit=UNIT, level=promise)}
    far = np.maximum(rows["low"] - rows["y"], rows["y"] - rows["high"])
    worst = rows.assign(far=far, widths=far / (rows["high"] - rows["low"]))[far > 0].nlargest(
        WORST, "far")
    if len(worst):
        found["Outcomes farthest outside their interval"] = worst[[
            "row", "y", "low", "high", "far", "widths"]].rename(columns={
                "y": "outcome", "far": "outside by", "widths": "in widths"})
    else:
        found["none"] = "No outcome of this group lies outside its interval."
    return found
