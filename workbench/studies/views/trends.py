"""Figures of a trend, what can be chosen on them, and presets to begin with."""

from typing import Any, ClassVar

import numpy as np
import pandas as pd
import param

from workbench import plots
from workbench.core import Params, Result
from workbench.core.details import Brush, Pick

__all__ = ["OCCASIONAL", "PRESETS", "SELECT", "VIEW", "about", "figures", "names_of"]

PRESETS: dict[str, dict[str, Any]] = {
    "Robust line": {"trend": "line"},
    "Every score counts the same": {"trend": "line", "likelihood": "normal", "sampler": "exact"},
    "FOMC statements": {"data": "fomc-statements", "time_scale": 365.0, "horizon": 365.0}}
CHOOSABLE = 20_000       # scores that can be chosen; above, those that count least
DOUBTED = 500
MOST_SOURCES = 30
OCCASIONAL = frozenset({"models", "sources"})    # figures that not every result has


def sources_of(result: Result) -> list[str]:
    """Sources whose scores can be hidden, where there are several."""
    names = sorted(result.tables["scores"]["source"].astype(str).unique())
    return names if len(names) > 1 else []


def rivals_of(result: Result) -> list[str]:
    """Models other than the one of the result, whose trends were saved with it."""
    names = list(result.tables["rivals"]["model"].unique()) if "rivals" in result.tables else []
    return [str(name) for name in names if name != about(result).get("model")]


class VIEW(Params):
    """What is drawn on the figure of the trend."""

    redraws = ("trend",)
    offers: ClassVar = {"beside": rivals_of, "hide": sources_of}

    beside = param.String("", doc=(
        "Draw the trend of another model beside: another likelihood, a line or a smooth trend."))
    hide = param.List([], item_type=str, doc=(
        "Sources whose scores are not drawn; they count in the trend all the same."))
    uniform_band = param.Boolean(default=False, doc=(
        "Draw the band of the trend in which every score counts the same, by the normal "
        "likelihood."))


SELECT = {
    "window": Brush("trend", "Window of time", "Draw a stretch of time on the figure to read how "
                    "the trend moves in it."),
    "score": Pick("trend", "name", "Score", "Click a score to read its text, its distance from "
                  "the trend and how much it counts."),
}


def figures(result: Result, view: Any = None) -> dict[str, plots.Figure]:
    """Trend, weights, posterior of the slope; slopes of all models; levels of the sources."""
    tables, headline = result.tables, result.summary["average slope"]
    level = headline.interval.level if headline.interval else 0.9
    weights = tables["scores"]["weight"].to_numpy()
    slope = {name: tables["slope"][name].to_numpy() for name in tables["slope"]}
    found = {
        "trend": _trend(result, view or VIEW()),
        "weights": plots.weight_profile(weights / len(weights)),
        "slope": plots.posterior(slope["posterior"], label="average slope",
                                 unit=headline.unit, prior=slope.get("prior"),
                                 uniform=slope["uniform"], level=level)}
    if "models" in tables:
        found["models"] = _models(result, headline.unit)
    if len(tables.get("sources", ())):
        found["sources"] = _sources(tables["sources"])
    return found


def _trend(result: Result, view: Any) -> plots.Figure:
    scores, uniform = result.tables["scores"], result.tables["uniform"]
    shown = scores.assign(name=names_of(scores))[~scores["source"].astype(str).isin(view.hide)]
    if "text" in shown:
        shown = shown.assign(text=shown["text"].str.slice(0, 120))
    rivals = result.tables.get("rivals", pd.DataFrame({"model": []}))
    beside = rivals[rivals["model"] == view.beside]
    return plots.trend_bands(
        result.tables["trend"], shown, rival=beside if len(beside) else None,
        baseline=uniform if view.uniform_band else uniform[["date", "mean"]])


def names_of(scores: pd.DataFrame) -> pd.Series:
    """Name of each score that can be chosen: its day, itself and its source; else nothing."""
    some = scores if len(scores) <= CHOOSABLE else scores.nsmallest(DOUBTED, "weight")
    days = some["date"].dt.strftime("%Y-%m-%d")
    names = days + " " + some["score"].map("{:g}".format) + " " + some["source"].astype(str)
    again = names.groupby(names).cumcount()
    names = names.where(again == 0, names + " (" + (again + 1).astype(str) + ")")
    return names.reindex(scores.index, fill_value="")


def _models(result: Result, unit: str) -> plots.Figure:
    """Slope of every trend and likelihood; nothing is fitted again to compare them."""
    models = result.tables["models"]
    own = about(result).get("model", "")
    kind = np.where(models["model"] == own, "this model", "other models")
    rows = pd.DataFrame({"name": models["model"], "kind": kind, "value": models["slope"],
                         "low": models["slope_low"], "high": models["slope_high"],
                         "stacked": models["weight"].map("{:.0%} of the stacked weight".format)})
    return plots.forest(rows, title="The slope under each model", x=("average slope", unit),
                        y=("model", "the best predictor on top"),
                        roles={"this model": "ours", "other models": "rival"},
                        reference=(0.0, "no change", "truth"))


def _sources(table: pd.DataFrame) -> plots.Figure:
    some = table.nlargest(MOST_SOURCES, "scores").sort_values("offset", ascending=False)
    which = "highest on top" if len(some) == len(table) else (
        f"{len(some)} of {len(table)} with the most scores")
    rows = some.rename(columns={"source": "name", "offset": "value"}).assign(kind="source")
    return plots.forest(rows, title="How much higher each source scores",
                        x=("level above the mean of the sources", "points"),
                        y=("source", which), roles={"source": "ours"},
                        reference=(0.0, "mean of the sources", "uniform"))


def about(result: Result) -> dict[str, str]:
    """What a closer look at the saved posterior needs besides; nothing for an older run."""
    table = result.tables.get("about")
    return {} if table is None else dict(table.set_index("key")["value"])
