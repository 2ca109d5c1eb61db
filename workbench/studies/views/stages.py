"""Figures of ordered stages, what can be chosen on them, and presets to begin with."""

from typing import Any, ClassVar

import numpy as np
import pandas as pd
import param
from scipy.special import expit

from workbench import plots
from workbench.core import Params, Result
from workbench.core.details import Pick

__all__ = ["PRESETS", "SELECT", "VIEW", "boundaries_of", "figures", "place_of", "words"]

PRESETS: dict[str, dict[str, Any]] = {
    "Squares (L2): shrink without fusing": {"l1_ratio": 0.0},
    "First transition free": {"penalize_base": False},
    "A rarer last stage": {"intercepts": [0.0, 4.0, 6.0]},
    "Soup tasting": {"data": "soup", "n_lambdas": 50, "lambda_min_ratio": 1e-4},
    "Pre-diabetes, where little is gained": {"data": "prediabetes", "n_lambdas": 50,
                                             "lambda_min_ratio": 1e-4}}
SAID = {"brier": "Brier score", "log_loss": "log loss"}
COUNTED = ("place", "lambda", "boundary", "intercept")
BESIDE = "logistic regression"
SHORT = {BESIDE: "logistic", f"{BESIDE}, shrunk": "logistic, shrunk"}     # beside a row


def features_of(result: Result) -> list[str]:
    """Features whose weights can be followed along lambda."""
    return [str(name) for name in result.tables["path"] if name not in COUNTED]


class VIEW(Params):
    """Where on the path the figures stand, and which feature is followed."""

    redraws = ("path", "transitions", "rows")
    offers: ClassVar = {"feature": features_of}

    position = param.Integer(None, bounds=(0, 100), allow_None=True, doc=(
        "Place on the path: 0 the largest lambda, where transitions are fused, 100 the smallest; "
        "none takes the one that cross-validation chose."))
    feature = param.String("", doc=(
        "Feature whose weights are followed along lambda; none takes the one that changes most "
        "from transition to transition."))


SELECT = {
    "row": Pick("rows", "row", "Row", "Click a row to see the probabilities of all its stages by "
                "each method, at the lambda that is shown."),
}


def figures(result: Result, view: Any = None) -> dict[str, plots.Figure]:
    """The path, weights by transition, errors or scores, calibration, rows."""
    place, told = place_of(result, view), words(result)
    lambdas = result.tables["lambdas"]
    shown = float(lambdas["lambda"].iloc[place])
    feature = _feature(result, view)
    path = result.tables["path"]
    return {
        "path": plots.transition_paths(
            path[["lambda", "boundary"]].assign(value=path[feature]), lambdas, feature=feature,
            measure=SAID[told["scoring"]], shown=shown),
        "transitions": plots.transition_map(_weights(result, place), title=_title(lambdas, place)),
        "comparison": _comparison(result),
        "calibration": plots.rare_calibration(result.tables["calibration"],
                                              result.tables["spread"]),
        "rows": plots.rare_scatter(_rows(result, place), ours="PRESTO", rival=BESIDE)}


def place_of(result: Result, view: Any) -> int:
    """Place on the path that is shown."""
    lambdas = result.tables["lambdas"]
    if view is None or view.position is None:
        return int(lambdas["chosen"].to_numpy().argmax())
    return round(view.position / 100 * (len(lambdas) - 1))


def words(result: Result) -> dict[str, str]:
    """Words of the figures."""
    return dict(result.tables["about"].set_index("key")["value"])


def boundaries_of(result: Result, place: int) -> np.ndarray:
    """Log odds of every boundary in the rows that are kept, shape (n, m)."""
    path = result.tables["path"]
    some = path[path["place"] == place]
    X = result.tables["features"].to_numpy(float)
    scale = np.array([float(value) for value in words(result)["scales"].split()])
    slopes = some.drop(columns=list(COUNTED)).to_numpy(float) / scale
    return np.asarray(X @ slopes.T + some["intercept"].to_numpy(float))


def _feature(result: Result, view: Any) -> str:
    names = features_of(result)
    if view is not None and view.feature in names:
        return str(view.feature)
    path = result.tables["path"]
    last = path[path["place"] == path["place"].max()][names]
    return str(names[int((last.max() - last.min()).to_numpy().argmax())])


def _weights(result: Result, place: int) -> pd.DataFrame:
    path = result.tables["path"]
    some = path[path["place"] == place].drop(columns=["place", "lambda", "intercept"])
    return some.melt("boundary", var_name="feature")


def _title(lambdas: pd.DataFrame, place: int) -> str:
    row = lambdas.iloc[place]
    return (f"lambda {row['lambda']:.3g},\n{row['fused']} changes zero,\n"
            f"{row['crossings']} crossings")


def _comparison(result: Result) -> plots.Figure:
    """Errors in simulated worlds, else differences of scores on held-out rows."""
    if "trials" in result.tables:
        wide = result.tables["trials"].pivot_table(
            index="replication", columns="method", values="mse", sort=False)
        ratios = wide.div(wide[BESIDE], axis=0).drop(columns=BESIDE)
        return plots.error_boxes(ratios.reset_index().melt(
            "replication", var_name="method", value_name="ratio").replace(SHORT), beside=BESIDE)
    gaps = result.tables["differences"]
    rows = gaps.assign(name=gaps["rival"].replace(SHORT), kind=gaps["measure"])
    scale = result.tables["scores"].set_index(["method", "measure"])["value"]
    base = np.array([scale[rival, measure] for rival, measure in zip(
        gaps["rival"], gaps["measure"], strict=True)])
    base[base == 0] = np.nan                 # a rival that is never wrong has no percents
    rows = rows.assign(**{name: 100 * rows[name] / base for name in ("value", "low", "high")})
    rows = rows.sort_values(["kind", "name"], kind="stable")
    return plots.forest(
        rows[["name", "kind", "value", "low", "high"]],
        title="PRESTO minus rival",
        x=("difference", "% of the rival's"),
        y=("rival", f"{100 * float(words(result)['level']):g} % intervals"),
        roles={"rare log loss": "ours", "rare Brier": "variant", "Brier": "rival"},
        reference=(0.0, "no difference", "uniform"))


def _rows(result: Result, place: int) -> pd.DataFrame:
    rows, labels = result.tables["rows"], words(result)["labels"].split("\n")
    return pd.DataFrame({
        "row": rows["row"], "stage": rows["stage"], "rare": rows["stage"] == labels[-1],
        "ours": expit(-boundaries_of(result, place)[:, -1]),
        "rival": rows[f"{BESIDE}: {labels[-1]}"]})
