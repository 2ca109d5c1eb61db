"""Figures of balanced kernels, presets to begin with, and the weights to take away."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import param

from workbench import plots
from workbench.core import Params, Result
from workbench.studies.views.balancing_words import kind_of

__all__ = ["PRESETS", "VIEW", "about", "downloads", "figures"]

PRESETS: dict[str, dict[str, Any]] = {
    "Slide at once: no worlds, no recommenders": {
        "worlds": 0, "replications": 0, "weight_decays": []},
    "Random kernels, as in the simplest form": {"selection": "random", "n_functions": 20},
    "Doubly robust": {"estimator": "dr"}}
ROLES = {"random": "rival", "adaptive": "ours", "worst": "variant"}
RANKERS = {"unweighted": "uniform", "inverse propensities": "rival", "balanced kernels": "ours",
           "doubly robust": "variant"}
KINDS = {"kernels": "ours", "robust": "variant", "propensities": "rival",
         "no weights": "uniform"}


def groups_of(result: Result) -> list[str]:
    """Groups whose weights can be looked at."""
    names = sorted(map(str, result.tables["weights"]["group"].unique()))
    return names if len(names) > 1 else []


class VIEW(Params):
    """Whose weights are drawn."""

    redraws = ("weights",)
    offers: ClassVar = {"weights_of": groups_of}

    weights_of = param.String("", doc="Group whose weights and outcomes are drawn; none for all.")


def figures(result: Result, view: Any = None) -> dict[str, plots.Figure]:
    """Ways beside each other, balance, weights, settings, and recommenders."""
    group = "" if view is None else view.weights_of
    return {"estimates": _estimates(result), "balance": plots.balance_and_map(
        result.tables["balance"], result.tables["map"]), "weights": _weights(result, group),
        "settings": _settings(result), "ranking": _ranking(result)}


def downloads(result: Result, params: Any) -> Mapping[str, Callable[[], bytes]]:
    """Weight of each observed item, and every way's mean."""
    del params
    return {"weights.csv": lambda: result.tables["weights"].to_csv(index=False).encode(),
            "means.csv": lambda: result.tables["estimates"].to_csv(index=False).encode()}


def about(result: Result) -> dict[str, str]:
    """Words of the figures."""
    return dict(result.tables["about"].set_index("key")["value"])


def _estimates(result: Result) -> plots.Figure:
    told = about(result)
    if "worlds" in result.tables:
        rows = _biases(result.tables["worlds"])
        return plots.forest(
            rows, title=f"Relative bias, {int(result.tables['worlds']['worlds'].max())} worlds",
            x=("bias ± 2 errors", "% of the loss"),
            y=("way", "each tuned alike"), roles=KINDS, reference=(0.0, "no bias", "truth"))
    table = result.tables["estimates"]
    rows = pd.DataFrame({"name": table["way"].map(_short), "kind": table["way"].map(kind_of),
                         "value": table["value"], "low": table["low"], "high": table["high"],
                         "effective": [_percent(each) for each in table["share"]]})
    truth = None if told["truth"] == "None" else (float(told["truth"]), "truth", "truth")
    return plots.forest(
        rows, title=f"Mean {told['label']} by every way, {100 * (1 - float(told['alpha'])):g} % "
        "intervals", x=(f"mean {told['label']}", "over all"), y=("way", "one sample"),
        roles=KINDS, reference=truth)


def _biases(worlds: pd.DataFrame) -> pd.DataFrame:
    kinds = [kind_of(way) for way in worlds["way"]]
    return pd.DataFrame({
        "name": worlds["way"].map(_short), "kind": kinds, "value": 100 * worlds["bias"],
        "low": 100 * (worlds["bias"] - 2 * worlds["bias_error"]),
        "high": 100 * (worlds["bias"] + 2 * worlds["bias_error"]),
        "effective": [_percent(each) for each in worlds["share"]],
        "error": [_percent(each) for each in worlds["rmse"]],
        "covers": [_percent(each) for each in worlds["coverage"]]})


def _short(way: str) -> str:
    """A name that fits beside a figure on a phone."""
    return way.replace(" kernels, robust", ", robust")


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if np.isfinite(share) else "none"


def _weights(result: Result, group: str) -> plots.Figure:
    table, told = result.tables["weights"], about(result)
    some = table[table["group"] == group] if group in groups_of(result) else table
    some = some.assign(weight=some["weight"] / some["weight"].sum())
    drawn = result.tables["checked"]["value"].to_numpy()
    whole = len(some) == len(table) and len(drawn)
    return plots.weights_and_outcomes(
        some, drawn if whole else None, label=told["label"], items=told["items"],
        truth="all pairs" if told["kind"] == "world" else "random slice")


def _settings(result: Result) -> plots.Figure:
    told = about(result)
    table, slacks = result.tables["functions"], result.tables["slacks"]
    if slacks.empty or table.empty:
        return plots.blank("No other setting could be balanced")
    if "bias" in table:
        first = plots.Panel(
            pd.DataFrame({"series": table["selection"], "at": table["functions"],
                          "value": 100 * table["bias"],
                          "low": 100 * (table["bias"] - 2 * table["bias_error"]),
                          "high": 100 * (table["bias"] + 2 * table["bias_error"])}),
            "Bias by the number of kernels", ("balanced kernels", "number"),
            ("bias over the mean loss", "%"), log=True, reference=(0.0, "no bias"))
    else:
        first = plots.Panel(
            table.rename(columns={"selection": "series", "functions": "at"}),
            "Mean by the number of kernels", ("balanced kernels", "number"),
            (f"mean {told['label']}", "over all"), log=True)
    path = slacks.assign(series="this selection", at=slacks["slack"])
    known = None if told["truth"] == "None" else (float(told["truth"]), "truth")
    second = plots.Panel(path, "What more slack does",
                         ("slack", "sd of a function"), (f"mean {told['label']}", "weighted"),
                         log=True, reference=known)
    third = plots.Panel(path.assign(value=path["dual"], low=np.nan, high=np.nan),
                        "The price of balance: the dual", ("slack", "sd of a function"),
                        ("largest multiplier", "per sd"), log=True)
    return plots.setting_panels([first, second, third], {**ROLES, "this selection": "ours"})


def _ranking(result: Result) -> plots.Figure:
    if "ranking" not in result.tables:
        return plots.blank("No recommender was trained: there are no ratings, or no weight decays")
    table = result.tables["ranking"]
    panels = []
    for name, title, label in (("auc", "AUC by weight decay", "AUC"),
                               ("ndcg", "The first five by weight decay", "NDCG of the first 5")):
        grouped = table.groupby(["way", "decay"], sort=False)[name]
        rows = grouped.agg(value="mean", spread="std", count="size").reset_index()
        half = 2 * rows["spread"] / np.sqrt(rows["count"])
        rows = rows.assign(low=rows["value"] - half, high=rows["value"] + half)
        panels.append(plots.Panel(
            rows.rename(columns={"way": "series", "decay": "at"}), title,
            ("weight decay", "of the embeddings"), (label, "test half"), log=True))
    return plots.setting_panels(panels, RANKERS)
