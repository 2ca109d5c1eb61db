"""Figures of trainings under attack, presets to begin with, and scores to take away."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, ClassVar

import pandas as pd
import param

from workbench import plots
from workbench.core import Params, Result
from workbench.reweighting.under_attack.findings import (
    course_table,
    curve_table,
    weakest_classes,
)
from workbench.reweighting.under_attack.trials import BASELINE, COMPARISONS, OURS, Trials
from workbench.reweighting.under_attack.worlds import Rows

__all__ = ["PRESETS", "VIEW", "downloads", "figures", "tables_of"]

PRESETS: dict[str, dict[str, Any]] = {
    "Two earlier rules": {"compare": "rivals"},
    "No class is rare": {"imbalance": "none", "eps": 0.15},
    "Weights too sharp": {"temperature": 0.3},
    "Trained twice as long": {"epochs": 80, "n_seeds": 2, "apgd_rows": 0},
    "Clothes": {"data": "fashion-mnist-4k", "eps": 0.05, "n_seeds": 2, "epochs": 20,
                "apgd_rows": 0}}
ROLES = ("uniform", "rival", "variant", "ours")


def methods_of(result: Result) -> list[str]:
    """Methods that can be set beside adversarial training."""
    return [name for name in dict.fromkeys(result.tables["scores"]["method"]) if name != BASELINE]


class VIEW(Params):
    """Whose classes are drawn."""

    redraws = ("classes",)
    offers: ClassVar = {"beside": methods_of}

    beside = param.String("", doc="Method beside adversarial training; none for DONE.")


def tables_of(params: Any, rows: Rows, trials: Trials) -> dict[str, pd.DataFrame]:
    """Tables of a result, from which figures are drawn."""
    methods = COMPARISONS[params.compare]
    courses = [course_table(trials, score).assign(score=score) for score in ("tail", "effective")]
    return {"scores": trials.scores, "classes": weakest_classes(trials, methods),
            "course": pd.concat(courses, ignore_index=True), "curve": curve_table(trials),
            "about": pd.DataFrame({"key": ["eps", "unit"],
                                   "value": [f"{params.eps:g}", _unit(rows)]})}


def figures(result: Result, view: Any = None) -> dict[str, plots.Figure]:
    """Accuracy by class, accuracy by the size of the attack, and the training."""
    return {"classes": _classes(result, view), "reach": _reach(result), "course": _course(result)}


def downloads(result: Result, params: Any) -> Mapping[str, Callable[[], bytes]]:
    """Accuracies of every network, and of every class."""
    del params
    names = {"scores": "robust_accuracies.csv", "classes": "accuracies_by_class.csv"}
    return {name: partial(_bytes, result.tables[key]) for key, name in names.items()}


def _bytes(table: pd.DataFrame) -> bytes:
    return table.to_csv(index=False).encode()


def _unit(rows: Rows) -> str:
    pixels = rows.clip is not None and not isinstance(rows.x, pd.DataFrame)
    return "of the range of a pixel" if pixels else (
        "of the range of a feature" if rows.clip is not None else "standard deviations")


def _roles(result: Result) -> dict[str, str]:
    return dict(zip(dict.fromkeys(result.tables["scores"]["method"]), ROLES, strict=False))


def _classes(result: Result, view: Any) -> plots.Figure:
    known = methods_of(result)
    beside = view.beside if view is not None and view.beside in known else OURS
    if result.tables["classes"].empty:
        return plots.blank("Every training diverged")
    return plots.class_bars(result.tables["classes"], {BASELINE: "uniform", beside: "ours"},
                            title=f"Accuracy by class, {beside} beside the baseline")


def _reach(result: Result) -> plots.Figure:
    about = dict(result.tables["about"].set_index("key")["value"])
    if result.tables["curve"].empty:
        return plots.blank("Every training diverged")
    return plots.setting_panels([plots.Panel(
        result.tables["curve"], f"Accuracy by the attack, trained at eps {about['eps']}",
        ("largest change", about["unit"]), ("accuracy, mean over classes", "%"))],
        _roles(result))


def _course(result: Result) -> plots.Figure:
    table, roles = result.tables["course"], _roles(result)
    told = {"tail": ("The weakest 30 % of the classes", ("accuracy under attack", "%")),
            "effective": ("What a batch counts like", ("effective size", "% of its rows"))}
    panels = [plots.Panel(table[table["score"] == score], title, ("epoch", "of the training"), y)
              for score, (title, y) in told.items() if (table["score"] == score).any()]
    return plots.setting_panels(panels, roles) if panels else plots.blank(
        "Every training diverged")
