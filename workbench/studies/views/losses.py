"""Figures of weights by loss, presets to begin with, and the weights of rows to take away."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import param

from workbench import plots
from workbench.core import Params, Result

__all__ = ["OCCASIONAL", "PRESETS", "VIEW", "downloads", "figures", "roles_of"]

PRESETS: dict[str, dict[str, Any]] = {
    "The regression alone": {"text_steps": 0},
    "Many outliers, the middle weighs": {"weighter": "quadratic", "outliers": 0.03,
                                         "text_steps": 0},
    "From uniform to sharp": {"schedule": "cosine", "temperature": 0.4, "text_steps": 0},
    "A shipped table: concrete": {"data": "concrete"}}
OCCASIONAL = frozenset({"bound"})
KINDS = {"common row": "truth", "rare row": "ours", "outlier": "alarm"}
ROWS = {"training row": "ours", "the ten heaviest": "alarm"}
DOMAINS = ("ours", "rival", "variant", "truth")
POWER, LEAST = "power of ten", 1e-9      # losses below are drawn there


def roles_of(result: Result) -> dict[str, str]:
    """Role of each weighter that is drawn: the chosen one, uniform, and two rivals."""
    told = _about(result)
    names = told["drawn"].split("|")
    rest = [name for name in names if name not in (told["weighter"], "uniform")]
    return {told["weighter"]: "ours", **dict(zip(rest, ("variant", "rival"), strict=False)),
            "uniform": "uniform"}


def steps_of(result: Result) -> list[str]:
    """Steps whose batch can be looked at."""
    return [str(step) for step in sorted(result.tables["moments"]["step"].unique())] if (
        "moments" in result.tables) else []


def weighters_of(result: Result) -> list[str]:
    """Weighters whose batch or rows can be looked at."""
    return list(dict.fromkeys(result.tables["moments"]["weighter"])) if (
        "moments" in result.tables) else list(roles_of(result))


class VIEW(Params):
    """Which batch is drawn."""

    redraws = ("weights",)
    offers: ClassVar = {"step": steps_of, "batch_of": weighters_of}

    step = param.String("", doc="Step of the training whose batch is drawn; none for the middle.")
    batch_of = param.String("", doc="Weighter whose weights are drawn; none for the chosen one.")


def figures(result: Result, view: Any = None) -> dict[str, plots.Figure]:
    """Weights by loss, test losses over training, domains of text; and the bound."""
    roles = roles_of(result)
    if "rows" in result.tables:
        return {"weights": _rows(result, view, roles), "training": _splits(result, roles),
                "domains": plots.blank("No text was trained beside your table")}
    return {"weights": _weights(result, view, roles), "training": _training(result, roles),
            "domains": _domains(result), "bound": _bound(result, roles)}


def downloads(result: Result, params: Any) -> Mapping[str, Callable[[], bytes]]:
    """Test losses of each seed, and the weight of each row of a table."""
    del params
    names = {"ends": "test_losses.csv", "scores": "test_losses.csv", "rows": "row_weights.csv",
             "text_scores": "losses_by_domain.csv"}
    return {name: partial(_bytes, result.tables[key])
            for key, name in names.items() if key in result.tables}


def _bytes(table: pd.DataFrame) -> bytes:
    return table.to_csv(index=False).encode()


def _about(result: Result) -> dict[str, str]:
    return dict(result.tables["about"].set_index("key")["value"])


def _curves(result: Result) -> Any:
    table = result.tables["curves"]
    return plots.Panel(
        table.rename(columns={"weighter": "series", "place": "at", "weight": "value"}),
        "Weight by place of the loss",
        ("place", "-1 lowest loss, 1 highest"), ("weight", "times uniform"), marks=False)


def _weights(result: Result, view: Any, roles: Mapping[str, str]) -> plots.Figure:
    moments, told = result.tables["moments"], _about(result)
    steps = steps_of(result)
    step = view.step if view is not None and view.step in steps else steps[len(steps) // 2]
    who = view.batch_of if view is not None and view.batch_of in weighters_of(result) else (
        told["weighter"])
    some = _powers(moments[(moments["step"] == int(step)) & (moments["weighter"] == who)])
    sizes = result.tables["sizes"]
    heaviest = sizes.rename(columns={"weighter": "series", "step": "at", "heaviest": "value"})
    return plots.weights_and_batch(
        _curves(result), some, roles=roles, kinds=KINDS, title=f"Batch at step {step}, {who}",
        x=("loss", POWER), sizes=plots.Panel(
            heaviest, "The heaviest row of a batch", ("step", "of the training"),
            ("weight", "times uniform"), reference=(2.0, "what the theory assumes at most"),
            marks=False))


def _powers(batch: pd.DataFrame) -> pd.DataFrame:
    """Losses as powers of ten, since most of a batch are far below the highest."""
    return batch.assign(loss=np.log10(batch["loss"].clip(lower=LEAST)))


def _training(result: Result, roles: Mapping[str, str]) -> plots.Figure:
    table = result.tables["courses"].rename(columns={"weighter": "series", "step": "at"})
    told = _about(result)
    titles = {"no outliers": "Test loss without outliers",
              "outliers": f"Test loss, {100 * float(told['outliers']):g} % outliers"}
    return plots.setting_panels([
        plots.Panel(table[table["panel"] == panel], title, ("step", "of the training"),
                    ("test loss", POWER), marks=False)
        for panel, title in titles.items() if (table["panel"] == panel).any()], roles)


def _bound(result: Result, roles: Mapping[str, str]) -> plots.Figure:
    table, told = result.tables["bound"], _about(result)
    parts = []
    for column, name in (("mean_gap", "mean gap, {}"), ("bound", "bound, {}")):
        for who in dict.fromkeys((told["weighter"], "uniform")):
            some = table[table["weighter"] == who]
            parts.append(pd.DataFrame({"series": name.format(who), "at": some["step"],
                                       "value": np.log10(some[column].clip(lower=1e-12))}))
    names = {f"mean gap, {told['weighter']}": "ours", f"bound, {told['weighter']}": "variant",
             "mean gap, uniform": "uniform", "bound, uniform": "rival"}
    deltas = table.rename(columns={"weighter": "series", "step": "at", "delta": "value"})
    return plots.setting_panels([
        plots.Panel(pd.concat(parts), "The bound and what came", ("step", "log scale"),
                    ("mean gap over the steps so far", POWER), log=True, marks=False),
        plots.Panel(deltas[["series", "at", "value"]], "Weights against gaps",
                    ("step", "log scale"), ("delta", "above 0 tightens the bound"), log=True,
                    marks=False)], {**roles, **names})


def _domains(result: Result) -> plots.Figure:
    if "text_shares" not in result.tables:
        return plots.blank("No text was trained: text_steps is 0")
    shares = result.tables["text_shares"]
    names = list(dict.fromkeys(shares["series"]))
    return plots.domain_panels(
        plots.Panel(shares, "Weight of each domain",
                    ("step", "of the training"), ("share of the weight", "%"),
                    marks=False),
        result.tables["text_gains"], roles=dict(zip(names, DOMAINS, strict=False)),
        title="What each domain gained")


def _rows(result: Result, view: Any, roles: Mapping[str, str]) -> plots.Figure:
    rows, told = result.tables["rows"], _about(result)
    who = view.batch_of if view is not None and view.batch_of in roles else told["weighter"]
    some = pd.DataFrame({"loss": rows[f"loss, {who}"], "weight": rows[f"weight, {who}"]}).dropna()
    ten = some["weight"].nlargest(10).index
    some = _powers(some)
    some["kind"] = np.where(some.index.isin(ten), "the ten heaviest", "training row")
    return plots.weights_and_batch(
        _curves(result), some, roles=roles, kinds=ROWS, title=f"Rows by mean weight, {who}",
        x=("loss when last seen", POWER))


def _splits(result: Result, roles: Mapping[str, str]) -> plots.Figure:
    history, scores, told = result.tables["history"], result.tables["scores"], _about(result)
    return plots.setting_panels([
        plots.Panel(history.rename(columns={"weighter": "series", "epoch": "at",
                                            "loss": "value"}),
                    "Loss of training rows", ("epoch", "of the training"),
                    ("loss", told["unit"]), marks=False),
        plots.Panel(scores.rename(columns={"weighter": "series", "seed": "at", "loss": "value"}),
                    "Test loss of each split", ("split", "seed"), ("test loss", told["unit"]))],
        roles)
