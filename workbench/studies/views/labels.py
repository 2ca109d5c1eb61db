"""Figures of design-based regressions, presets to begin with, and the plan to take away."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import param
from scipy.stats import norm

from workbench import plots
from workbench.core import Params, Result

__all__ = ["PRESETS", "VIEW", "about", "downloads", "figures"]

PRESETS: dict[str, dict[str, Any]] = {
    "Surrogates as they are": {"g": "surrogate", "n_splits": 1},
    "Least squares in place of a forest": {"g": "linear"},
    "How many more labels": {"label_budget": 200, "sampling": "uniform"}}
MOST_TERMS, MOST_SPLITS = 8, 25


def terms_of(result: Result) -> list[str]:
    """Coefficients that can be looked at."""
    return [str(name) for name in dict.fromkeys(result.tables["estimates"]["term"])]


class VIEW(Params):
    """Which coefficient the figures show."""

    redraws = ("labels", "splits")
    offers: ClassVar = {"coefficient": terms_of}

    coefficient = param.String("", doc=(
        "Coefficient whose standard error and splits are drawn; none takes that of the run."))


def figures(result: Result, view: Any = None) -> dict[str, plots.Figure]:
    """Estimates beside rivals, errors of the labeller, what labels buy, splits, simulations."""
    told = about(result)
    chosen = "" if view is None else view.coefficient
    term = chosen if chosen in terms_of(result) else told["term"]
    return {
        "estimates": _estimates(result, told["term"]),
        "errors": _errors(result.tables["errors"]),
        "labels": _labels(result, term),
        "splits": _splits(result, term),
        "accuracy": _accuracy(result.tables.get("accuracy"), 1 - float(told["alpha"]))}


def downloads(result: Result, params: Any) -> Mapping[str, Callable[[], bytes]]:
    """The plan: every row with its probability, and the rows that were drawn."""
    del params
    plan = result.tables["plan"]
    return {"labelling_plan.csv": lambda: plan.to_csv(index=False).encode(),
            "to_label_next.csv": lambda: plan[plan["drawn"]].to_csv(index=False).encode()}


def about(result: Result) -> dict[str, str]:
    """Words of the figures."""
    return dict(result.tables["about"].set_index("key")["value"])


def _estimates(result: Result, term: str) -> plots.Figure:
    table, level = result.tables["estimates"], 1 - float(about(result)["alpha"])
    names = [name for name in terms_of(result) if name != "Intercept"] or terms_of(result)
    shown = [term, *(name for name in names if name != term)][:MOST_TERMS]
    order = {name: at for at, name in enumerate(plots.LABEL_METHODS)}
    rows = table[table["term"].isin(shown)].rename(columns={
        "term": "name", "method": "kind", "estimate": "value"})
    rows = rows.assign(first=rows["name"].map(shown.index), second=rows["kind"].map(order))
    rows = rows.sort_values(["first", "second"]).drop(columns=["first", "second"])
    return plots.forest(rows, title=f"{100 * level:g} % intervals",
                        x=("coefficient", _unit(result)),
                        y=("covariate", "several estimates each"),
                        roles={name: plots.LABEL_METHODS[name] for name in order},
                        reference=(0.0, "zero", "truth"))


def _errors(errors: pd.DataFrame) -> plots.Figure:
    shares = bool((errors["kind"] != "surrogate minus gold").all())
    scale = 100.0 if shares else 1.0
    first = errors["variable"].iloc[0]
    rows = pd.DataFrame({
        "name": [group if variable == first else f"{variable}: {group}"
                 for group, variable in zip(errors["group"], errors["variable"], strict=True)],
        "kind": errors["kind"].str.removeprefix("gold "), "labels": errors["labels"],
        **{name: scale * errors[name] for name in ("value", "low", "high")}})
    return plots.forest(
        rows, title=f"Errors in {first}",
        x=(("gold labels read right", "%") if shares else ("surrogate minus gold",
                                                           "unit of the label")),
        y=("documents", "by covariate"),
        roles={"1 read as 1": "ours", "0 read as 0": "rival", "surrogate minus gold": "variant"},
        reference=(100.0 if shares else 0.0, "no error", "truth"))


def _labels(result: Result, term: str) -> plots.Figure:
    curves, plan = result.tables["labels"], result.tables["plan"]
    now = float(plan["labelled"].sum())
    points = [("now", now, _own(result, term)["se"])]
    if about(result)["term"] == term:
        name = next(name for name in result.summary if name.startswith("standard error after"))
        points.append(("planned", now + float(plan["next"].sum()), result.summary[name].value))
    return plots.errors_by_labels(curves[curves["term"] == term], pd.DataFrame(
        points, columns=["name", "labels", "se"]), label=term)


def _splits(result: Result, term: str) -> plots.Figure:
    splits = result.tables["splits"]
    splits = splits[splits["term"] == term]
    level = 1 - float(about(result)["alpha"])
    own = _own(result, term)
    shown = splits.iloc[np.unique(np.linspace(0, len(splits) - 1, min(
        len(splits), MOST_SPLITS)).astype(int))].sort_values("estimate", ascending=False)
    half = float(norm.ppf(0.5 + level / 2)) * shown["se"]
    rows = pd.DataFrame({"name": "split " + shown["split"].astype(str), "kind": "one split",
                         "value": shown["estimate"], "low": shown["estimate"] - half,
                         "high": shown["estimate"] + half})
    combined = pd.DataFrame([{"name": "combined", "kind": "all splits", "value": own["estimate"],
                              "low": own["low"], "high": own["high"]}])
    return plots.forest(pd.concat([combined, rows], ignore_index=True),
                        title="Divisions into folds",
                        x=(f"coefficient of {term}", _unit(result)),
                        y=("division", "largest on top"),
                        roles={"all splits": "ours", "one split": "variant"},
                        reference=(own["estimate"], "combined", "uniform"))


def _accuracy(worlds: pd.DataFrame | None, level: float) -> plots.Figure:
    if worlds is None:
        return plots.blank("No worlds were simulated: accuracies is empty")
    return plots.bias_and_coverage(worlds[worlds["term"] == "x1"], term="x1", level=level)


def _unit(result: Result) -> str:
    return "log odds" if about(result)["model"] == "logit" else "unit of the outcome"


def _own(result: Result, term: str) -> dict[str, float]:
    """Design-based estimate of a coefficient."""
    table = result.tables["estimates"]
    row = table[(table["method"] == "DSL") & (table["term"] == term)]
    return {name: float(row[name].to_numpy()[0]) for name in ("estimate", "se", "low", "high")}
