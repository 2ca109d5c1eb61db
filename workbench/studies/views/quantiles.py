"""Figures of aggregated quantiles, and what can be chosen on them."""

from collections.abc import Mapping
from typing import Any, ClassVar

import param

from workbench import plots
from workbench.core import Params, Result
from workbench.core.details import Choice, Pick

__all__ = ["SELECT", "UNIT", "VIEW", "about", "ends_of", "figures"]

RANK = "rank of the predicted median"
UNIT = "unit of the table"


def features_of(result: Result) -> list[str]:
    """What the fan can be drawn along: all ranks, or a numeric feature that test rows have."""
    table = result.tables.get("features")
    known = [] if table is None else [name for name in table if table[name].notna().any()]
    return [RANK, *map(str, known)] if known else []


def ends_of(result: Result, picks: Mapping[str, Any]) -> list[str]:
    """Levels whose making can be looked into, where they are mixed from those of the models."""
    if "row" not in picks or "mixing" not in result.arrays:
        return []
    return [f"{level:.3g}" for level in result.arrays["levels"]]


class VIEW(Params):
    """What the fan is drawn along."""

    redraws = ("fan",)
    offers: ClassVar = {"fan_along": features_of}

    fan_along = param.String("", doc=(
        "Feature along which the intervals of the test rows are drawn; none draws them as the run "
        "has it."))


SELECT = {
    "row": Pick("fan", "row", "Test row", "Click a row to see which models made its interval, "
                "from which quantiles of theirs."),
    "level": Choice("fan", "Level whose making is shown", ends_of),
    "group": Pick("coverage", "group", "Group", "Click a group to see its rows and its worst "
                  "misses."),
}


def figures(result: Result, view: Any = None) -> dict[str, plots.Figure]:
    """Intervals of test rows, weights, scores beside rivals, reliability, coverage by group."""
    tables, told = result.tables, about(result)
    promise = 1 - float(told["alpha"])
    rows, along = tables["predictions"], told["fan along"]
    chosen = "" if view is None else view.fan_along
    if chosen in features_of(result):
        along = "" if chosen == RANK else chosen
        rows = rows.assign(x=tables["features"][chosen].to_numpy()) if along else rows
    return {
        "fan": plots.fan_chart(rows, label=told["target"], unit=UNIT, along=along, level=promise),
        "weights": plots.model_weight_map(tables["weights"], tables["along"],
                                          feature=told["along"]),
        "scores": plots.relative_scores(tables["scores"]),
        "reliability": plots.reliability(tables["reliability"], tables["widths"], unit=UNIT),
        "coverage": plots.coverage_by_group(tables["groups"], promise=promise,
                                            feature=told["group"]),
    }


def about(result: Result) -> dict[str, str]:
    """Words of the figures."""
    return dict(result.tables["about"].set_index("key")["value"])
