"""Figures of mixtures, presets to begin with, and weights and forecasts to take away."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import param

from workbench import plots
from workbench.core import Params, Result

__all__ = ["OCCASIONAL", "PRESETS", "VIEW", "downloads", "figures"]

PRESETS: dict[str, dict[str, Any]] = {
    "A class of 10^61 networks": {"hidden_units": [2, 4, 16, 32], "width": []},
    "Coins": {"experiment": "bernoulli", "n": 100, "width": []},
    "Eight forecasters": {"experiment": "experts", "width": []},
    "Networks, preconditioned by gradients": {"experiment": "sgld", "precondition": "rmsprop",
                                              "width": [16, 64]},
    "Networks, in cycles": {"experiment": "sgld", "schedule": "cyclical", "width": [16, 64]}}
OCCASIONAL = frozenset({"map", "dimension"})
NETWORKS = {"SGLD mixture": "ours", "single optimum": "rival", "one posterior draw": "variant",
            "class shares": "uniform"}
WIDTHS = {"SGLD mixture": "ours", "single optimum": "rival", "optimum with the prior": "variant",
          "one posterior draw": "uniform"}


def functions_of(result: Result) -> list[str]:
    """Targets that can be looked at."""
    table = result.tables.get("regret", pd.DataFrame())
    return list(dict.fromkeys(table["function"])) if "function" in table else []


class VIEW(Params):
    """Which target the figure of the regret shows."""

    redraws = ("regret",)
    offers: ClassVar = {"target": functions_of}

    target = param.String("", doc=(
        "Function of the threshold networks whose regret is drawn; none takes that of the run."))


def figures(result: Result, view: Any = None) -> dict[str, plots.Figure]:
    """Regret under its bounds, weights, the posterior over time, parts of the bound, widths."""
    about = dict(result.tables["about"].set_index("key")["value"])
    draw = {"threshold_net": _threshold, "bernoulli": _coin, "experts": _experts,
            "sgld": _networks}[about["experiment"]]
    found = draw(result, about, "" if view is None else view.target)
    scores = result.tables.get("scores")
    found["width"] = plots.blank(
        "No networks were drawn: experts are followed, or width is empty") if scores is None else (
        plots.method_losses(scores, WIDTHS, label=_loss(about), unit="nats / row",
                            title="Networks of growing width"))
    if about["experiment"] == "bernoulli":
        found["dimension"] = _dimension(result)
    if "map" in result.tables:
        found["map"] = plots.probability_map(result.tables["map"])
    return found


def downloads(result: Result, params: Any) -> Mapping[str, Callable[[], bytes]]:
    """Weights of the experts, each step of them, or losses of the networks."""
    del params
    names = {"steps": "forecasts_of_the_mixture.csv", "weights": "weights.csv",
             "scores": "losses_of_networks.csv"}
    return {name: partial(_bytes, result.tables[key])
            for key, name in names.items() if key in result.tables}


def _bytes(table: pd.DataFrame) -> bytes:
    return table.to_csv(index=False).encode()


def _loss(about: Mapping[str, str]) -> str:
    return "test log-loss above the entropy" if float(about["entropy"]) else "test log-loss"


def _threshold(result: Result, about: Mapping[str, str], target: str) -> dict[str, plots.Figure]:
    shown = target if target in functions_of(result) else about["function"]
    table, weights = result.tables["regret"], result.tables["weights"]
    sizes = sorted(weights["hidden"].unique())
    kinds = {sizes[-1]: f"{sizes[-1]} hidden units", sizes[0]: f"{sizes[0]} hidden units"}
    rows = weights[weights["hidden"].isin(list(kinds))]
    rows = rows.assign(kind=rows["hidden"].map(kinds), relative=16 * rows["weight"])
    return {
        "regret": plots.bound_curves(
            table[table["function"] == shown],
            {"regret": ("regret", "ours"), "soft": ("soft bound", "variant"),
             "ball": ("weight bound", "uniform"), "count": ("counting bound", "rival")},
            x=("log10_size", "networks in the class", "power of ten"),
            y=("total over the samples", "nats"),
            title=f"Regret against {shown}, {about['n']} samples", logy=True, marks=True,
            error="error"),
        "weights": plots.relative_weights(
            rows, roles=dict(zip(kinds.values(), ("ours", "variant"), strict=False)),
            title="What random networks do", items=("functions", "heaviest on top")),
        "posterior": plots.posterior_areas(result.tables["posterior"]),
        "bound": _bound(result, "divergence from the source")}


def _coin(result: Result, about: Mapping[str, str], target: str) -> dict[str, plots.Figure]:
    del target
    weights = result.tables["weights"]
    moments = sorted(weights["seen"].unique())
    wide = weights.pivot_table(index="bias", columns="seen", values="relative").rename(
        columns={moment: f"after {moment}" for moment in moments}).reset_index()
    roles = dict(zip([f"after {moment}" for moment in moments], ("uniform", "variant", "ours"),
                     strict=False))
    return {
        "regret": plots.bound_curves(
            result.tables["regret"],
            {"regret": ("regret of the mixture", "ours"), "soft": ("soft bound", "variant"),
             "ball": ("bound by the best ball", "rival"),
             "growth": ("half the log of the tosses", "uniform")},
            x=("n", "tosses", "log scale"), y=("total over the tosses", "nats"),
            title="Regret against the coin", logx=True),
        "weights": plots.bound_curves(
            wide, {name: (name, role) for name, role in roles.items()},
            x=("bias", "bias of a coin", "probability"), y=("weight", "times uniform"),
            title=f"Weight of each coin, at last after {about['n']} tosses"),
        "posterior": plots.posterior_areas(result.tables["posterior"], unit="tosses seen"),
        "bound": _bound(result, "divergence from the coin")}


def _experts(result: Result, about: Mapping[str, str], target: str) -> dict[str, plots.Figure]:
    del about, target
    weights = result.tables["weights"]
    k = len(weights)
    rows = pd.concat([pd.DataFrame({"name": weights["name"], "kind": kind,
                                    "relative": k * weights[column]})
                      for kind, column in (("now", "weight"), ("to keep: mean of all steps",
                                                               "batch"))], ignore_index=True)
    size = 1 / float(np.sum(weights["weight"] ** 2))
    return {
        "regret": plots.bound_curves(
            result.tables["regret"],
            {"mixture": ("the mixture", "ours"), "leader": ("whoever led so far", "rival"),
             "average": ("equal average", "uniform"), "bound": ("the most the mixture can lose",
                                                                "truth")},
            x=("step", "step", "outcomes seen"), y=("lost to the best expert", "nats"),
            title="Regret against the best expert"),
        "weights": plots.relative_weights(
            rows, roles={"now": "ours", "to keep: mean of all steps": "variant"},
            title=f"{k} experts count like {size:.3g}",
            items=("experts", "heaviest on top")),
        "posterior": plots.posterior_areas(result.tables["posterior"], unit="outcomes seen"),
        "bound": _bound(result, "excess loss over the best expert")}


def _networks(result: Result, about: Mapping[str, str], target: str) -> dict[str, plots.Figure]:
    del target
    scores, facts = result.tables["scores"], result.tables["widths"]
    widest = int(scores["width"].max())
    rows = scores[scores["width"] == widest].rename(columns={
        "method": "name", "loss": "value"}).drop(columns="width")
    rows = rows.assign(kind=np.where(rows["name"] == "SGLD mixture", "this mixture", np.where(
        rows["name"] == "class shares", "no features", "others"))).sort_values("value")
    mixed = scores[scores["method"] == "SGLD mixture"].set_index("width")["loss"]
    two = about["classes"] == "2"
    return {
        "regret": plots.forest(
            rows, title=f"Networks of width {widest}", x=(_loss(about), "nats / row"),
            y=("method", "best on top"),
            roles={"this mixture": "ours", "others": "rival", "no features": "uniform"}),
        "weights": plots.confidence(
            result.tables["confidence"], {"SGLD mixture": "ours", "single optimum": "rival"},
            said="probability said" if two else "probability of the likeliest class",
            happened="how often it happens"),
        "posterior": plots.training_curves(
            result.tables["trace"], label="loss of the training rows", unit="nats / row",
            step=("step", f"kept after {int(result.tables['trace']['burn_in'].iloc[0])}")),
        "bound": plots.bound_curves(
            facts.assign(loss=facts["width"].map(mixed)),
            {"price": ("price by Laplace's weight", "variant"),
             "counted": ("price by counting parameters", "rival"),
             "loss": (_loss(about) + " of the mixture", "ours")},
            x=("width", "hidden units", "log scale"), y=("price, or loss", "nats / row"),
            title="Weight, not size, sets the price", logx=len(facts) > 1, logy=True,
            marks=True)}


def _dimension(result: Result) -> plots.Figure:
    """Log weight of the balls against log eps, and the line whose slope is half the dimension."""
    parts = result.tables["bound"]
    at = parts.iloc[int(parts["total"].argmin())]
    line = at["log_weight"] + at["dimension"] / 2 * np.log(parts["eps"] / at["eps"])
    return plots.bound_curves(
        parts.assign(line=line), {
            "log_weight": ("log weight of the ball", "ours"),
            "line": ("half the dimension as slope", "uniform")},
        x=("eps", "divergence from the coin", "nats / sample"), y=("log weight", "nats"),
        title=f"Effective dimension {at['dimension']:.3g}", logx=True)


def _bound(result: Result, far: str) -> plots.Figure:
    parts = result.tables["bound"]
    parts = parts.assign(own=parts["eps"])[parts["eps"] > 0]
    finite = parts["total"][np.isfinite(parts["total"])]
    best = f"{finite.min():.3g} nats" if len(finite) else "infinite"
    return plots.bound_curves(
        parts, {"total": ("bound: the sum", "ours"), "price": ("log(1 / weight) / n", "rival"),
                "own": ("eps", "uniform")},
        x=("eps", far, "nats / sample"), y=("per sample", "nats"),
        title=f"The bound, {best}", logx=True, logy=True)
