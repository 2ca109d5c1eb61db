"""Figures of a comparison of models, and presets to begin with."""

from typing import Any

import pandas as pd

from workbench import plots
from workbench.core import Result

__all__ = ["PRESETS", "figures"]

PRESETS: dict[str, dict[str, Any]] = {
    "Scores of five classifiers on 54 data sets": {
        "data": "uci_classifiers", "model_a": "j48", "model_b": "nbc", "others": [],
        "test": "wilcoxon", "rope": 1.0},
    "Scores on the folds of one data set": {
        "data": "anneal_folds", "model_a": "nbc", "model_b": "aode", "others": [],
        "test": "corrected", "rope": 1.0},
    "One nearest neighbour, which knows its training rows by heart": {
        "model_a": "nearest", "model_b": "neighbours", "others": []},
    "Tumours, a larger table": {"data": "breast_cancer", "tune": False, "n_splits": 50}}


def figures(result: Result) -> dict[str, plots.Figure]:
    """Simulated errors, estimates, resamples, tests, learning and disagreement."""
    told = dict(result.tables["about"].set_index("key")["value"])
    pair, alpha = (told["first"], told["second"]), float(told["alpha"])
    return {
        "errors": plots.false_positives(result.tables["rates"], result.tables["peeking"],
                                        alpha=alpha),
        "estimates": _estimates(result.tables["estimates"], pair, told),
        "scores": plots.replicates_and_folds(
            result.tables["replicates"], result.tables["scores"], pair=pair,
            score=told["metric"], level=1 - alpha),
        "tests": plots.agreement(result.tables["tests"], result.tables["pairs"], alpha=alpha,
                                      correction=told["correction"]),
        "learning": plots.learning_and_disagreement(
            result.tables.get("learning", pd.DataFrame()), result.tables["disagreement"],
            pair=pair, score=told["metric"])}


def _estimates(table: pd.DataFrame, pair: tuple[str, str], told: dict[str, str]) -> plots.Figure:
    """Scores of the two models by every method."""
    shown = table[table["model"].isin(pair)]
    order = {name: at for at, name in enumerate(dict.fromkeys(shown["method"]))}
    rows = shown.assign(at=shown["method"].map(order), side=shown["model"].map(pair.index))
    rows = rows.sort_values(["at", "side"]).drop(columns=["at", "side", "why"]).rename(
        columns={"method": "name", "model": "kind"})
    reference = (float(told["baseline"]), "without features", "uniform") if told[
        "baseline"] else None
    return plots.forest(rows, title=f"{told['metric'][:1].upper()}{told['metric'][1:]} by method",
                        x=(told["metric"], "95 % intervals"), y=("method", "two models"),
                        roles={pair[0]: "ours", pair[1]: "rival"}, reference=reference)
