"""Figures of a league of weighters, presets to begin with, and what can be taken away."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import param

from workbench import plots
from workbench.core import Params, Result

__all__ = ["PRESETS", "VIEW", "downloads", "figures", "ranked_rows"]

PRESETS: dict[str, dict[str, Any]] = {
    "Many wrong labels": {"wrong_labels": 0.4},
    "Classes of very different size": {"wrong_labels": 0.0, "imbalance": 20.0,
                                       "measure": "worst class"},
    "Clean rows: does anything help?": {"wrong_labels": 0.0},
    "Sentences with wrong labels": {"example": "text", "rows": 700},
    "Digits with outliers": {"example": "images", "rows": 600, "wrong_labels": 0.0,
                             "outliers": 0.2},
    "A number to predict: concrete": {"data": "concrete"}}
KINDS = {"row as it came": "truth", "wrong label": "alarm", "outlier": "rival"}
DRAWN = ("ours", "variant", "rival")
SHOWN, TEN = 2000, 20
FLOOR = 1e-9


def weighters_of(result: Result) -> list[str]:
    """Weighters whose rows can be looked at."""
    league = result.tables["league"]
    own = _about(result)["names"].split("|")
    good = set(league.loc[league["effective"].notna(), "weighter"])
    return [name for name in sorted(own) if name in good]


class VIEW(Params):
    """Whose rows are drawn."""

    redraws = ("weights", "training")
    offers: ClassVar = {"rows_of": weighters_of}

    rows_of = param.String("", doc="Weighter whose rows are drawn; none for the first by name.")


def figures(result: Result, view: Any = None) -> dict[str, plots.Figure]:
    """Gains as a forest; who is weighted up and down; losses over training and splits."""
    names = weighters_of(result)
    chosen = view.rows_of if view is not None and view.rows_of in names else names[0] if (
        names) else ""
    first = [chosen] if chosen else []
    roles = dict(zip([*first, *[name for name in names if name != chosen]], DRAWN,
                     strict=False)) | {"uniform": "uniform"}
    return {"league": _forest(result), "weights": _weights(result, chosen, roles),
            "training": _training(result, roles)}


def downloads(result: Result, params: Any) -> Mapping[str, Callable[[], bytes]]:
    """The league, each split's scores, weights of rows, and rows ranked by each weighter."""
    del params
    names = {"league": "league.csv", "scores": "scores_by_split.csv", "rows": "row_weights.csv"}
    found = {file: partial(_bytes, result.tables[key]) for key, file in names.items()}
    return found | {"rows_up_and_down.csv": lambda: _bytes(pd.concat(
        [ranked_rows(result, name) for name in weighters_of(result)] or [pd.DataFrame()]))}


def ranked_rows(result: Result, weighter: str) -> pd.DataFrame:
    """The twenty rows that count most with a weighter, and the twenty that count least.

    Returns
    -------
    ranked : DataFrame
        Columns weighter, rank, row, what, target, weight (times uniform), loss (when last seen),
        wrong, outlier.
    """
    rows = result.tables["rows"].rename(columns={
        f"weight, {weighter}": "weight", f"loss, {weighter}": "loss"}).dropna(subset=["weight"])
    ordered = rows.sort_values("weight", ascending=False, kind="stable").reset_index(drop=True)
    ordered.insert(0, "rank", np.arange(1, len(ordered) + 1))
    ends = ordered if len(ordered) <= 2 * TEN else pd.concat([ordered[:TEN], ordered[-TEN:]])
    return ends.assign(weighter=weighter)[["weighter", "rank", "row", "what", "target", "weight",
                                           "loss", "wrong", "outlier"]]


def _bytes(table: pd.DataFrame) -> bytes:
    return table.to_csv(index=False).encode()


def _about(result: Result) -> dict[str, str]:
    return dict(result.tables["about"].set_index("key")["value"])


def _forest(result: Result) -> plots.Figure:
    told, league = _about(result), result.tables["league"]
    some = league[(league["weighter"] != "uniform") & league["gain"].notna()]
    if some.empty:
        return plots.blank("No weighter ended well on all splits")
    rows = pd.DataFrame({
        "name": some["weighter"], "kind": "gain over uniform, 90 % interval",
        "value": some["gain"], "low": some["low"], "high": some["high"],
        "adjusted p": some["adjusted"].round(3), "verdict": some["verdict"],
        "rows count like %": (100 * some["effective"]).round(1),
        "within a step %": (100 * some["in_step"]).round(1),
        "times the passes": some["passes"].round(2)})
    return plots.forest(
        rows, title=f"What each weighter gains in {told['measure']}",
        x=("gain over uniform, right is better", told["unit"]),
        y=("weighter", "best first"), roles={"gain over uniform, 90 % interval": "ours"},
        reference=(0.0, "uniform weights", "uniform"))


def _weights(result: Result, chosen: str, roles: Mapping[str, str]) -> plots.Figure:
    rows = result.tables["rows"]
    profile = plots.Panel(pd.concat([_profile(rows, name) for name in roles]),
                          "Weights of training rows, the heaviest first",
                          ("training rows", "%"), ("weight", "times uniform"), marks=False)
    who = chosen or "uniform"
    some = pd.DataFrame({
        "loss": rows[f"loss, {who}"], "weight": rows[f"weight, {who}"],
        "kind": np.select([rows["wrong"] > 0, rows["outlier"] > 0],
                          ["wrong label", "outlier"], "row as it came")}).dropna()
    if len(some) > SHOWN:
        some = some.sort_values("weight").iloc[:: len(some) // SHOWN + 1]
    some["loss"] = np.log10(some["loss"].clip(lower=FLOOR))
    return plots.weights_and_batch(profile, some, roles=roles, kinds=KINDS,
                                   title=f"Who is weighted up and down, {who}",
                                   x=("loss when last seen", "power of ten"))


def _profile(rows: pd.DataFrame, name: str) -> pd.DataFrame:
    """Weights in falling order over the share of rows, a hundred points."""
    weights = np.sort(rows[f"weight, {name}"].dropna().to_numpy())[::-1]
    at = np.linspace(0, len(weights) - 1, min(100, len(weights))).astype(int)
    return pd.DataFrame({"series": name, "at": 100 * (at + 0.5) / len(weights),
                         "value": weights[at]})


def _training(result: Result, roles: Mapping[str, str]) -> plots.Figure:
    told, history, scores = _about(result), result.tables["history"], result.tables["scores"]
    column = {"worst class": "worst"}.get(told["measure"], told["measure"])
    some = scores.rename(columns={"weighter": "series", "seed": "at", column: "value"})
    loss_unit = told["unit"] if told["measure"] == "loss" else "nats"
    return plots.setting_panels([
        plots.Panel(history.rename(columns={"weighter": "series", "epoch": "at",
                                            "loss": "value"}),
                    "Loss of training rows", ("epoch", "of the training"),
                    ("mean loss, unweighted", loss_unit), marks=False),
        plots.Panel(some[["series", "at", "value"]].dropna(),
                    "Test rows of each split", ("split", "seed"),
                    (told["measure"], told["unit"]))], roles)
