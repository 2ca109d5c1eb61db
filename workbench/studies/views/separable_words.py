"""What weights of rare classes cost under attack, in numbers with intervals and in sentences."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from workbench.core import Estimate, Result, Summary
from workbench.reweighting.by_class.experiment import independent_attacks
from workbench.reweighting.by_class.findings import (
    BALANCED,
    METHODS,
    PEER,
    arm_name,
    difference,
    mean_percent,
    mean_score,
)

__all__ = ["headline"]

POINTS = "percentage points"


def headline(params: Any, tables: Mapping[str, pd.DataFrame], told: tuple[str, ...]) -> Result:
    """What common classes lose, and what the separation gives back."""
    weights, groups = sorted(float(one) for one in params.emphases), tables["groups"]
    last = {method: arm_name(method, weights[-1]) for method in METHODS}
    base = {method: arm_name(method, weights[0]) for method in METHODS}
    balanced = arm_name("separable", BALANCED), arm_name("adversarial", BALANCED)
    rises = f"weight of rare classes {weights[0]:g} to {weights[-1]:g}"
    numbers = {f"{rises}: change of clean accuracy of common classes, {method}": difference(
        groups, (last[method], base[method]), "common", "clean") for method in METHODS}
    pair = last["separable"], last["adversarial"]
    numbers |= {
        f"at weight {weights[-1]:g}, separable minus adversarial: robust accuracy of all":
            difference(groups, pair, "all", "robust"),
        "the same, robust accuracy of rare classes": difference(groups, pair, "rare", "robust"),
        "class-balanced, separable minus adversarial: robust accuracy of all": difference(
            groups, balanced, "all", "robust")}
    said = [
        _verdict(numbers), *_levels(groups, pair, balanced), *_peer(groups, balanced),
        f"Intervals are Student's over {params.n_seeds} splits, with networks paired by split; "
        "splits share rows, so that intervals are too narrow for rows that are yet to come.",
        *_second(params, tables["second"], pair), *_apart(tables["apart"]),
        *_diverged(tables["scores"])]
    return Result(Summary(numbers, (*said, *told)), dict(tables))


def _verdict(numbers: Mapping[str, Estimate]) -> str:
    """What the two differences at the largest weight say."""
    whole, rare = list(numbers.values())[3:5]
    words = {1: "raises", -1: "lowers", 0: "does not clearly change"}
    signs = [int(np.sign(low)) if low * high > 0 else 0
             for low, high in (one.ends for one in (whole, rare))]
    if any(one.interval is None for one in (whole, rare)):
        return "What the separation does is unknown here, since a training diverged."
    return (f"At the largest weight the separation {words[signs[0]]} the robust accuracy of all "
            f"classes and {words[signs[1]]} that of rare ones.")


def _levels(groups: pd.DataFrame, pair: tuple[str, str],
            balanced: tuple[str, str]) -> list[str]:
    plain = {one: mean_score(groups, one, "all", "robust") for one in (*pair, *balanced)}
    return ["Robust accuracy of all classes: " + "; ".join(
        f"{name}: {one}" for name, one in plain.items()) + "."]


def _peer(groups: pd.DataFrame, balanced: tuple[str, str]) -> list[str]:
    gap = difference(groups, (balanced[0], PEER), "all", "robust")
    rare = difference(groups, (balanced[0], PEER), "rare", "robust")
    own = difference(groups, (balanced[0], balanced[1]), "rare", "robust")
    return [f"Class-balanced and separable minus the balanced softmax: robust accuracy of all "
            f"{gap}, of rare classes {rare}. Against class-balanced weights alone rare classes "
            f"change by {own}."]


def _second(params: Any, second: pd.DataFrame, pair: tuple[str, str]) -> list[str]:
    if not params.second:
        return []
    if second.empty:
        return ["No independent attacker was tried: install the package pyautoattack, extra "
                "'attacks'." if not independent_attacks(len(pair) + 2) else
                "No independent attacker was tried, since trainings diverged."]
    means = second.groupby(["arm", "seed"])[["robust", "own"]].mean()
    found = []
    for name in pair:
        if name not in means.index.get_level_values("arm"):
            continue
        apgd, own = (mean_percent(means.loc[name][column].to_numpy())
                     for column in ("robust", "own"))
        found.append(f"{name}: {apgd}, by our own attack {own}")
    return [f"An independent attacker (APGD) on {params.second} test rows of each class leaves "
            f"{'; '.join(found)}."]


def _apart(apart: pd.DataFrame) -> list[str]:
    means = apart.groupby("series", sort=False)["separability"].mean()
    if len(means) < 2:
        return []
    return ["Scatter of attacked features between classes over that within, mean over splits: "
            + ", ".join(f"{name} {one:.2f}" for name, one in means.items()) + "."]


def _diverged(scores: pd.DataFrame) -> list[str]:
    bad = scores[scores["clean"].isna()].drop_duplicates(["arm", "seed"])
    if bad.empty:
        return []
    return [f"{len(bad)} trainings diverged and have no score, the first: {bad['arm'].iloc[0]}."]
