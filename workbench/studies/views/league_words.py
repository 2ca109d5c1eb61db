"""What a league says, in a few numbers with intervals and in one line for each weighter."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from workbench.core import Estimate, Interval, Result, Summary
from workbench.reweighting import Trials
from workbench.reweighting.league.splits import HELD_OUT, TRUSTED
from workbench.reweighting.league.tasks import Task
from workbench.studies.views.league_table import ALPHA, LEVEL, records

__all__ = ["MEASURES", "headline"]

MEASURES = ("auto", "loss", "accuracy", "worst class")
UNIFORM = "uniform"
LONGEST = 200            # letters of a reason


def headline(params: Any, trained: tuple[Task, Trials, pd.DataFrame], league: pd.DataFrame,
             measure: str) -> Result:
    """The best gain beside uniform weights, what separates, and all tables."""
    task, trials, marks = trained
    unit = unit_of(task, measure)
    known = league[(league["weighter"] != UNIFORM) & league["gain"].notna()]
    plain = records(league)[-1]
    numbers = {f"{measure} of uniform weights": _estimate(
        plain, ("score", "score_low", "score_high"), unit)}
    if len(known):
        best = records(known)[0]
        name, tests = best["weighter"], int(known["adjusted"].notna().sum())
        numbers |= {
            f"largest gain over uniform: {name}": _estimate(best, ("gain", "low", "high"), unit),
            f"p value of this gain, {name}": Estimate(
                float(best["adjusted"]), why="the same gain on every split cannot be tested"
                if math.isnan(best["adjusted"]) else f"by Holm over {tests} weighters, with "
                "Nadeau and Bengio's correction for rows that splits share"),
            f"training rows count like so many equal ones, {name}": Estimate(
                100 * float(best["effective"]), unit="%",
                why="by the mean weight of each row over all trainings")}
    notes = (_found(known), *(_line(row, unit) for row in records(league)),
             *_about(params, task), *_small_steps(params, trials), *task.notes)
    return Result(Summary(numbers, notes), {
        "league": league, "rows": _rows(task, trials, marks), "scores": trials.scores,
        "fates": trials.fates, "history": _history(trials), "about": pd.DataFrame({
            "key": ["measure", "unit", "names"], "value": [measure, unit, "|".join(
                name for name in league["weighter"] if name != UNIFORM)]})})


def unit_of(task: Task, measure: str) -> str:
    """Unit of a measure of a task."""
    if measure != "loss":
        return "share"
    return "nats" if task.classes else "variances of the target"


def _estimate(row: Mapping[str, Any], names: tuple[str, str, str], unit: str) -> Estimate:
    value, low, high = (float(row[name]) for name in names)
    if not (math.isfinite(low) and math.isfinite(high)):
        return Estimate(value, unit=unit, why="the same on every split" if math.isfinite(value)
                        else "not all splits have it")
    return Estimate(value, Interval(low, high, LEVEL), unit)


def _found(known: pd.DataFrame) -> str:
    """The verdict over all weighters."""
    apart = {word: known.loc[known["verdict"] == f"{word} than uniform", "weighter"].tolist()
             for word in ("better", "worse")}
    if not len(known):
        return "No weighter ended well on all splits, so that there is nothing to compare."
    if not apart["better"] and not apart["worse"]:
        return (f"Nothing separates from uniform weights: no p value of "
                f"{known['adjusted'].notna().sum()} weighters is at most {ALPHA:g} after Holm's "
                "adjustment.")
    return " ".join(f"{word.capitalize()} than uniform weights: {', '.join(names)}."
                    for word, names in apart.items() if names)


def _line(row: Mapping[str, Any], unit: str) -> str:
    """One line of the league."""
    name, status = row["weighter"], row["status"]
    if not math.isfinite(row["score"]):
        where = f" at step {row['step']}" if status in ("stopped", "diverged") else ""
        why = row["why"] if len(row["why"]) <= LONGEST else row["why"][:LONGEST - 1] + "…"
        return f"{name}: {status}{where}. {why}"
    more = f"accuracy {row['accuracy']:.3f}, worst class {row['worst']:.3f}, " if (
        math.isfinite(row["accuracy"])) else ""
    told = f"{name}: loss {row['loss']:.3g}, {more}"
    if name == UNIFORM:
        return f"{told}all rows count the same; what the others are compared with."
    p = f"{row['adjusted']:.2g}" if math.isfinite(row["adjusted"]) else "unknown"
    ends = f"[{row['low']:.2g}, {row['high']:.2g}]" if math.isfinite(row["low"]) else (
        "on every split")
    passes = f"; {row['passes']:.2f} times the forward passes" if (
        math.isfinite(row["passes"])) else ""
    return (f"{told}gain {row['gain']:+.3g} {ends} {unit}, "
            f"p {p}, {row['verdict']}; rows count like "
            f"{100 * row['effective']:.0f} %, within a step {100 * row['in_step']:.0f} %{passes}.")


def _about(params: Any, task: Task) -> list[str]:
    told = [f"Means over {params.splits} splits of {len(task.y)} rows, each with "
            f"{100 * HELD_OUT:g} % to test on; brackets are {100 * LEVEL:g} % intervals of "
            "paired gains, one by one, p values are adjusted for their number, passes count "
            "rows that go forward through the network. The largest of several gains flatters."]
    spoilt = [f"{name} {value:g}" for name, value, none in (
        ("share of wrong labels", params.wrong_labels, 0), ("imbalance", params.imbalance, 1),
        ("share of outliers", params.outliers, 0)) if value != none]
    if spoilt and (not params.data or params.spoil_own):
        told.append("Training rows are spoilt on purpose, test rows are not: "
                    f"{', '.join(spoilt)}.")
    told.append(f"Weighters that learn from rows of their own are told a tenth ({TRUSTED:g}) of "
                "the training rows, which is not spoilt; all others train on it as well.")
    return told


def _small_steps(params: Any, trials: Trials) -> list[str]:
    """Whether steps have fewer rows than was asked for: no more than rows that are trusted."""
    plain = trials.history[trials.history["weighter"] == UNIFORM]
    rows = round(float(plain["effective_size"].min()))
    return [] if rows >= params.batch_size else [
        f"Steps have {rows} rows instead of {params.batch_size}, since a step of those that learn "
        "takes as many of the trusted ones."]


def _rows(task: Task, trials: Trials, marks: pd.DataFrame) -> pd.DataFrame:
    """Each row with its weights and last losses, and how often it was spoilt."""
    target = [task.classes[at] for at in task.y] if task.classes else task.y
    table = pd.DataFrame({"row": task.rows, "what": task.excerpts(), "target": target})
    table = pd.concat([table, marks], axis=1)
    for kind, part in (("weight", trials.weights), ("loss", trials.last)):
        for name in part:
            table[f"{kind}, {name}"] = part[name].to_numpy()
    return table


def _history(trials: Trials) -> pd.DataFrame:
    """Mean loss of training rows by weighter and epoch."""
    some = trials.history.dropna(subset=["loss"])
    found = some.groupby(["weighter", "epoch"], sort=False)["loss"].mean().reset_index()
    return found.assign(loss=np.where(np.isfinite(found["loss"]), found["loss"], np.nan)).dropna()
