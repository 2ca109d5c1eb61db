"""What a comparison of models says in words: headline, recommendation, and what to beware of."""

import math
from typing import Any

import numpy as np
import pandas as pd

from workbench.core import Estimate, Interval, Summary
from workbench.inference.comparison.comparing import TESTS
from workbench.inference.comparison.evidence import ALL, MORE
from workbench.inference.comparison.intervals import mean_interval
from workbench.inference.comparison.stages import Told
from workbench.inference.model_comparison import recommend

__all__ = ["about", "headline"]

INSTEAD = {"features": "5x2f", "scores": "corrected", "predictions": "mcnemar"}
NAMES = {"accuracy": "accuracy", "balanced_accuracy": "balanced accuracy", "f1_macro": "mean F1",
         "r2": "R²", "neg_mean_absolute_error": "minus the mean absolute error",
         "neg_mean_squared_error": "minus the mean squared error"}


def headline(params: Any, told: Told, rates: pd.DataFrame, looks: pd.DataFrame) -> Summary:
    """Numbers, the recommendation with its reasons, and what a reader must know."""
    tests = told.tables["tests"].set_index("test")
    chosen, notes = _chosen(params, tests)
    unit = metric_of(params, told)
    numbers = {f"{unit} of {name}": _score(told, name) for name in (told.first, told.second)}
    numbers[f"{told.first} minus {told.second}"] = _difference(told, 1 - params.alpha)
    label = str(tests["label"][chosen])
    numbers[f"p value, {label}"] = Estimate(
        float(tests["pvalue"][chosen]), why="itself a statement of uncertainty")
    if told.baseline is not None:
        numbers[f"{unit} without features"] = told.baseline.estimate()
    usable = tests[(tests["kind"] != "bad") & ~tests.index.isin(ALL)]
    found = int((usable["pvalue"] <= params.alpha).sum())
    numbers["usable tests that find a difference"] = Estimate(
        100 * found / len(usable), unit="%", why=f"counted, {found} of {len(usable)}")
    for posterior in told.posteriors:
        error = f"; Monte-Carlo error up to {posterior.error:.1g}" if posterior.error else ""
        for side, share in ((f"{told.first} is better", posterior.first),
                            ("they are practically equal", posterior.equal)):
            numbers[f"probability that {side}"] = Estimate(
                share, why=f"{posterior.name}, differences up to {params.rope:g} count as "
                           f"none{error}")
    numbers |= _simulated(rates, looks, chosen, label)
    if not math.isnan(told.kish):
        numbers["effective share of a bootstrap resample"] = Estimate(
            told.kish, why="exact for these resamples: counts are weights").percent()
    given = {"features": "table", "predictions": "predictions"}.get(
        told.kind, "datasets" if told.evidence.folds is None else "splits")
    advice = recommend(told.n, params.purpose, given=given)
    return Summary(numbers, (
        f"Recommended for {told.n} rows, {advice}", *notes, *_near(told),
        *_sides(told, tests, params.alpha), *_bayes(told, params.rope), *told.notes))


def about(params: Any, told: Told) -> pd.DataFrame:
    """Words of the figures."""
    words = {"first": told.first, "second": told.second, "kind": told.kind,
             "metric": metric_of(params, told), "alpha": repr(params.alpha),
             "correction": params.correction, "method": params.method, "n": str(params.n),
             "effect": repr(params.effect), "rope": repr(params.rope),
             "baseline": "" if told.baseline is None else repr(told.baseline.value),
             "replications": str(params.replications)}
    return pd.DataFrame({"key": list(words), "value": list(words.values())})


def metric_of(params: Any, told: Told) -> str:
    """What the scores are."""
    if told.kind == "scores":
        return "score"
    return "accuracy" if told.kind == "predictions" else NAMES[params.metric]


def _chosen(params: Any, tests: pd.DataFrame) -> tuple[str, list[str]]:
    """The test that was asked for, or one that the table allows."""
    if params.test in tests.index:
        caution, label = str(tests["caution"][params.test]), str(tests["label"][params.test])
        return params.test, [f"{label}: {caution}"] if caution else []
    instead = next((name for name in (*INSTEAD.values(), "wilcoxon") if name in tests.index),
                   str(tests.index[0]))
    asked = TESTS[params.test].label if params.test in TESTS else MORE[params.test]
    return instead, [f"The table does not allow the test {asked}; "
                     f"{tests['label'][instead]!s} stands in for it."]


def _score(told: Told, name: str) -> Estimate:
    """First estimate of a model."""
    table = told.tables["estimates"]
    row = table[table["model"] == name].iloc[0]
    if math.isnan(row["low"]):
        return Estimate(float(row["value"]), why=str(row["why"]))
    return Estimate(float(row["value"]), Interval(float(row["low"]), float(row["high"]), 0.95))


def _difference(told: Told, level: float) -> Estimate:
    gap = told.evidence.difference(told.first, told.second)
    overlap = told.evidence.overlap if told.evidence.folds is not None else 0.0
    if len(gap) < 2:
        return Estimate(float(gap.mean()), why="one difference has no spread")
    return Estimate(float(gap.mean()), mean_interval(gap, overlap=overlap, level=level))


def _simulated(rates: pd.DataFrame, looks: pd.DataFrame, chosen: str, label: str
               ) -> dict[str, Estimate]:
    """False positives and power of the chosen test, and of peeking, in simulated worlds."""
    found = {}
    own = {"corrected": "kfold_corrected"}.get(chosen, chosen)
    for world, told in (("models are equal", "false positives"),
                        ("one model is worse", "power")):
        row = rates[(rates["test"] == own) & (rates["world"] == world)]
        if len(row):
            low, high = (float(row[end].iloc[0]) for end in ("low", "high"))
            found[f"simulated {told}, {label}"] = Estimate(
                float(row["rate"].iloc[0]), Interval(low, high, 0.95)).percent()
    last = looks[looks["habit"] == "look"].iloc[-1]
    found[f"simulated false positives after {last['looks']} looks"] = Estimate(
        float(last["rate"]), Interval(float(last["low"]), float(last["high"]), 0.95)).percent()
    return found


def _near(told: Told) -> list[str]:
    """Models that the one-standard-error rule allows; which is simplest is known of own kinds."""
    if told.kind == "features" and told.near:
        return [f"Within one standard error of the best mean score, {told.near[0]} is the "
                "simplest model."]
    return [f"Within one standard error of the best mean score: {', '.join(told.near)}. The "
            "simplest of them is the one to prefer."] if len(told.near) > 1 else []


def _sides(told: Told, tests: pd.DataFrame, alpha: float) -> list[str]:
    """Where sound tests and others disagree."""
    bold = tests[(tests["kind"] == "bad") & (tests["pvalue"] <= alpha)]
    sound = tests[tests["kind"] == "holds"]
    if len(bold) and (sound["pvalue"] > alpha).all():
        return [f"Only {', '.join(bold['label'])} finds a difference, a test that should not be "
                "used; no sound one does."]
    if told.evidence.right is not None and len(told.evidence.right) < 100:
        return [f"The test set has {len(told.evidence.right)} rows, few for McNemar's and "
                "Cochran's tests."]
    return []


def _bayes(told: Told, rope: float) -> list[str]:
    found = []
    for posterior in told.posteriors:
        found += [f"{posterior.name}: {words}" for words in posterior.warnings]
        decided = posterior.decides()
        said = {"first": f"{told.first} is better by more than {rope:g}",
                "second": f"{told.second} is better by more than {rope:g}",
                "equal": f"the two are equal up to {rope:g}"}.get(decided)
        if said and np.isfinite(posterior.difference):
            found.append(f"{posterior.name}: with probability above 0.95 {said}.")
    return found
