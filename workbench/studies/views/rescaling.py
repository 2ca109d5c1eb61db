"""Figures of rescaled losses, presets to begin with, and the ranked labels to take away."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, ClassVar

import pandas as pd
import param

from workbench import plots
from workbench.core import Params, Result

__all__ = ["PRESETS", "VIEW", "downloads", "figures"]

PRESETS: dict[str, dict[str, Any]] = {
    "Ten epochs, as published": {"epochs": 10},
    "Text messages": {"data": "sms-spam", "epochs": 4},
    "Digits, the next class": {"data": "digits", "noise": "class-dependent"},
    "Labels as they are, none flipped": {"noise_rate": 0.0}}
ROLES = {"STORM": "ours", "uniform": "uniform"}
SCALES = {"right label": "ours", "wrong label": "alarm", "label as predicted": "ours",
          "another label": "alarm", "uniform": "uniform"}
DETECTORS = {"1 - scale": "ours", "cleanlab": "rival"}
CUTS = {"precision": "ours", "recall": "variant", "share of rows": "uniform",
        "named by cleanlab, too": "rival"}


class VIEW(Params):
    """At which scale a label counts as suspected."""

    redraws = ("detection",)
    offers: ClassVar[dict[str, Any]] = {}

    threshold = param.Number(0.5, bounds=(0.05, 0.95), doc=(
        "Scale below which a label counts as suspected."))


def figures(result: Result, view: Any = None) -> dict[str, plots.Figure]:
    """Scales of rows, scores over training, and how well wrong labels are found."""
    about = dict(result.tables["about"].set_index("key")["value"])
    return {"weights": _scales(result), "training": _training(result, about),
            "detection": _detection(result, view)}


def downloads(result: Result, params: Any) -> Mapping[str, Callable[[], bytes]]:
    """Labels to look at again, ranked, and scores of each training."""
    del params
    names = {"suspects": "suspected_labels.csv", "ends": "test_scores.csv"}
    return {name: partial(_bytes, result.tables[key]) for key, name in names.items()
            if key in result.tables}


def _bytes(table: pd.DataFrame) -> bytes:
    return table.to_csv(index=False).encode()


def _scales(result: Result) -> plots.Figure:
    table = result.tables["scales"]
    level = pd.DataFrame({"series": "uniform", "at": table["at"].unique(), "value": 1.0})
    return plots.setting_panels([plots.Panel(
        pd.concat([table, level], ignore_index=True), "Scale of losses by epoch",
        ("epoch", "of the training"), ("mean scale", "1 leaves a loss as it is"))], SCALES)


def _training(result: Result, about: Mapping[str, str]) -> plots.Figure:
    return plots.setting_panels([plots.Panel(
        result.tables["courses"], f"Score by epoch, {about['data']}",
        ("epoch", "of the training"), (about["score"], "%"))], ROLES)


def _detection(result: Result, view: Any) -> plots.Figure:
    cut = 0.5 if view is None else float(view.threshold)
    cuts, found = result.tables["thresholds"], result.tables["detection"]
    nearest = cuts[(cuts["at"] - cut).abs() == (cuts["at"] - cut).abs().min()]
    told = ", ".join(f"{name} {value:.0f} %" for name, value in zip(
        nearest["series"], nearest["value"], strict=True))
    panels = [plots.Panel(cuts, f"Below {nearest['at'].iloc[0]:g}: {told}",
                          ("threshold of the scale", "0 to 1"), ("share", "%"))]
    if found["value"].notna().any():
        means = found.groupby(["series", "at"], sort=False)["value"].mean().reset_index()
        panels.append(plots.Panel(
            means.assign(value=100 * means["value"]), "A wrong label ranks below a right one",
            ("epoch", "of the training"), ("chance", "%"), reference=(50.0, "by chance")))
    return plots.setting_panels(panels, {**CUTS, **DETECTORS})
