"""Figures of rare classes under attack, presets to begin with, and scores to take away."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import param

from workbench import plots
from workbench.core import Params, Result

__all__ = ["PRESETS", "VIEW", "downloads", "figures"]

PRESETS: dict[str, dict[str, Any]] = {
    "One row in twenty, a stronger attack": {"factor": 20.0, "eps": 0.15},
    "A long tail": {"profile": "exp", "factor": 20.0},
    "Weights that make steps larger": {"normalise": "raw"},
    "Clothes": {"data": "fashion-mnist-4k", "eps": 0.05, "epochs": 40}}
ROLES = {"natural": "uniform", "adversarial": "rival", "separable": "ours",
         "balanced softmax": "variant"}
TOY = {"common class": "uniform", "rare class": "truth", "common class, attacked": "ours",
       "rare class, attacked": "rival"}
KINDS = {"other classes": "uniform", "the second class of the title": "rival",
         "the first class of the title": "ours"}
MEASURES = {"clean": "Without attack", "robust": "Under attack"}


def classes_of(result: Result) -> list[str]:
    """Classes whose features can be looked at."""
    return _about(result)["classes"].split("\n")


class VIEW(Params):
    """Which two classes are drawn."""

    redraws = ("features",)
    offers: ClassVar = {"first": classes_of, "second": classes_of}

    first = param.String("", doc="Class that is drawn; none for the rare one missed most.")
    second = param.String("", doc="Class beside it; none for that which it is taken for.")


def figures(result: Result, view: Any = None) -> dict[str, plots.Figure]:
    """Rare against common classes, each class, and features under attack."""
    return {"tradeoff": _tradeoff(result), "classes": _classes(result),
            "features": _features(result, view)}


def downloads(result: Result, params: Any) -> Mapping[str, Callable[[], bytes]]:
    """Accuracy of each class, method and seed."""
    del params
    return {"accuracy_by_class.csv": partial(_bytes, result.tables["scores"])}


def _bytes(table: pd.DataFrame) -> bytes:
    return table.to_csv(index=False).encode()


def _about(result: Result) -> dict[str, str]:
    return dict(result.tables["about"].set_index("key")["value"])


def _tradeoff(result: Result) -> plots.Figure:
    table = result.tables["tradeoff"]
    toy = plots.Panel(result.tables["toy"], "Why: errors of two Gaussian classes",
                      ("weight of the rare class", "log scale"), ("error", "%"), log=True,
                      marks=False)
    known = table.dropna(subset=["x", "y"])
    if any(not (known["measure"] == one).any() for one in MEASURES):
        return plots.blank("Every training diverged: lower the weights")
    return plots.tradeoff_paths(
        {f"{told}: rare classes gain, common ones pay": known[known["measure"] == one]
         for one, told in MEASURES.items()}, roles=ROLES,
        axes=(("accuracy, rare classes", "%"), ("accuracy, common classes", "%")),
        more=[(toy, TOY)])


def _classes(result: Result) -> plots.Figure:
    table = result.tables["classes"]
    weight = _about(result)["weight"]
    x = ("class", "largest first")
    sizes = table.drop_duplicates("at").assign(series="training rows", value=lambda one: one[
        "rows"], low=np.nan, high=np.nan)
    classes = classes_of(result)
    names = {float(at): classes[each] for at, each in zip(sizes["at"], sizes["class"],
                                                          strict=True)}
    panels = [plots.Panel(sizes, "Rows of each class", x, ("training rows", "of a split"),
                          names=names)]
    panels += [plots.Panel(some, f"{told}, weight {weight}", x, ("accuracy", "%"), names=names)
               for one, told in MEASURES.items()
               if len(some := table[(table["measure"] == one) & table["value"].notna()])]
    return plots.setting_panels(panels, {**ROLES, "training rows": "truth"})


def _features(result: Result, view: Any) -> plots.Figure:
    table, told = result.tables["features"], _about(result)
    if table.empty:
        return plots.blank("Every training diverged: lower the weights")
    names = told["classes"].split("\n")
    first, second = (int(one) for one in told["pair"].split("|"))
    first = names.index(view.first) if view is not None and view.first in names else first
    second = names.index(view.second) if view is not None and view.second in names else second
    pictures = {}
    for series, some in table.groupby("series", sort=False):
        own = some[some["class"] == first]
        taken = int((own["found"] == second).sum())
        place = np.select([some["class"] == first, some["class"] == second], [2, 1], 0)
        title = (f"{str(series).capitalize()}: of {len(own)} rows of {names[first]}, {taken} are "
                 f"taken for {names[second]}")
        pictures[title] = some.assign(
            kind=np.array(list(KINDS))[place],
            told=[f"{names[one]}, taken for {names[other]}"
                  for one, other in zip(some["class"], some["found"], strict=True)])
    return plots.clouds(pictures, kinds=KINDS, axes=(
        ("first principal axis", "of unit features"), ("second axis", "of unit features")))
