"""Figures of weights of sources, presets to begin with, and a mixture to take away."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, ClassVar

import pandas as pd
import param

from workbench import plots
from workbench.core import Params, Result

__all__ = ["OCCASIONAL", "PRESETS", "VIEW", "downloads", "figures"]

PRESETS: dict[str, dict[str, Any]] = {
    "Two sources, one of them half wrong": {"rates": [0.0, 0.5], "alphas": []},
    "All sources alike": {"rates": [0.3, 0.3, 0.3, 0.3], "alphas": [100.0]},
    "Batches as they come": {"stratified": False, "alphas": [100.0]},
    "Few validation rows": {"n_validation": 20, "alphas": [1.0]},
    "Kinds of text": {"text_steps": 60, "n_steps": 100, "alphas": []}}
OCCASIONAL = frozenset({"gaps", "texts"})
ROLES = ("ours", "rival", "variant")
LINES = ("ours", "rival", "variant", "truth")
SCORED = {"equal weights": "uniform", "learnt weights": "ours",
          "networks that learn them": "variant", "other rows": "rival"}
TEXTS = {"wanted": "ours", "another kind": "variant", "corrupted": "alarm"}
LOSSES = {"validation rows, w": "ours", "weighted rows, w": "variant",
          "weighted rows, u": "rival"}
MANY = 12                # sources that are drawn with a row for each penalty
SHOWN = 3                # sources of a path that have a colour of their own


def alphas_of(result: Result) -> list[str]:
    """Penalties whose path can be looked at."""
    return [f"{alpha:g}" for alpha in dict.fromkeys(result.tables["weights"]["alpha"])]


class VIEW(Params):
    """Whose path is drawn."""

    redraws = ("path", "gaps")
    offers: ClassVar = {"path_of": alphas_of}

    path_of = param.String("", doc="Penalty alpha whose path is drawn; none for the chosen one.")


def figures(result: Result, view: Any = None) -> dict[str, plots.Figure]:
    """Weights by source and penalty, their path, scores of new networks, gaps; texts."""
    chosen = alphas_of(result)[0]
    if view is not None and view.path_of in alphas_of(result):
        chosen = view.path_of
    return {"weights": _weights(result), "path": _path(result, chosen), "scores": _scores(result),
            "gaps": _gaps(result, chosen), "texts": _texts(result)}


def downloads(result: Result, params: Any) -> Mapping[str, Callable[[], bytes]]:
    """Weights, rows to take from each source, which rows, and the score of each seed."""
    del params
    names = {"weights_by_seed": "source_weights.csv", "allocation": "allocation.csv",
             "mixture": "mixture.csv", "scores_by_seed": "scores.csv"}
    return {name: partial(_bytes, result.tables[key]) for key, name in names.items()}


def _bytes(table: pd.DataFrame) -> bytes:
    return table.to_csv(index=False).encode()


def _weights(result: Result) -> plots.Figure:
    table = result.tables["weights"]
    names = [f"alpha {alpha}" for alpha in alphas_of(result)]
    k = table["source"].nunique()
    rows = pd.DataFrame({"name": table["source"], "value": k * table["weight"],
                         "kind": [f"alpha {alpha:g}" for alpha in table["alpha"]],
                         "low": k * table["low"], "high": k * table["high"]})
    order = {name: at for at, name in enumerate(dict.fromkeys(table["source"]))}
    rows = rows.sort_values("name", key=lambda one: one.map(order), kind="stable")
    if k > MANY:                               # the heaviest, for the chosen penalty alone
        rows = rows[rows["kind"] == names[0]].nlargest(MANY, "value")
    return plots.forest(
        rows.reset_index(drop=True), title="Weight of each source" + (
            f", the {MANY} heaviest" if k > MANY else ""),
        x=("weight", "times uniform"), y=("source", "a row for each penalty"),
        roles=dict(zip(names, ROLES, strict=False)), reference=(1.0, "uniform", "uniform"))


def _leading(result: Result) -> list[str]:
    """Sources that are drawn apart: the first ones of the digits, the heaviest of a table."""
    table = result.tables["weights"]
    some = table[table["alpha"] == table["alpha"].iloc[0]]
    if len(some) <= SHOWN + 1:
        return [str(one) for one in some["source"]]
    if result.tables["about"].set_index("key")["value"]["own"] == "1":
        some = some.sort_values("weight", ascending=False, kind="stable")
    return [str(one) for one in some["source"].iloc[:SHOWN]]


def _of(result: Result, alpha: str, kind: str) -> pd.DataFrame:
    table = result.tables["path"]
    return table[(table["kind"] == kind) & (table["alpha"] == float(alpha))]


def _path(result: Result, alpha: str) -> plots.Figure:
    table, leading = _of(result, alpha, "weight"), _leading(result)
    rest = table["source"].nunique() - len(leading)
    named = table["source"].where(table["source"].isin(leading), f"{rest} others")
    summed = table.assign(hypothesis=named).groupby(["step", "hypothesis"], sort=False)[
        "value"].sum().reset_index().rename(columns={"value": "weight"})
    return plots.posterior_areas(summed, unit=f"of the training, alpha {alpha}")


def _gaps(result: Result, alpha: str) -> plots.Figure:
    leading = _leading(result)
    gaps = _of(result, alpha, "gap").rename(columns={"source": "series", "step": "at"})
    some = gaps[gaps["series"].isin(leading)].drop(columns=["low", "high"])
    losses = result.tables["losses"]
    own = losses[losses["alpha"] == float(alpha)].rename(
        columns={"kind": "series", "step": "at", "loss": "value"})
    return plots.setting_panels([
        plots.Panel(some, f"Loss of w minus loss of u, alpha {alpha}", ("step", "of the training"),
                    ("gap", "above the mean: weight falls"), marks=False),
        plots.Panel(own.drop(columns=["low", "high"]), "Losses of both networks",
                    ("step", "of the training"), ("loss", "mean of a batch"), marks=False)],
        {**dict(zip(leading, LINES, strict=False)), **LOSSES})


def _scores(result: Result) -> plots.Figure:
    about = result.tables["about"].set_index("key")["value"]
    return plots.forest(
        result.tables["scores"], title="What networks make of the rows",
        x=(about["measure"], "share"), y=("training", "alpha and network, or rows"),
        roles=SCORED)


def _texts(result: Result) -> plots.Figure:
    if "text_weights" not in result.tables:
        return plots.blank("No text was trained: text_steps is 0, or a table was given")
    table = result.tables["text_weights"]
    k = len(table)
    rows = pd.DataFrame({"name": table["source"], "kind": table["kind"],
                         "value": k * table["weight"], "low": k * table["low"],
                         "high": k * table["high"]})
    return plots.forest(rows, title="Weight of each kind of text", x=("weight", "times uniform"),
                        y=("source", "of characters"), roles=TEXTS,
                        reference=(1.0, "uniform", "uniform"))
