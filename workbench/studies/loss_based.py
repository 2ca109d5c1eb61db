"""Does it pay to look at the loss? Rows weighed by it, beside the plain mean of a step.

A regression of redundant rows, without outliers and with some, its bound on convergence, and a
small language model over characters on four domains; or any table with a target. Every number
stands beside that of uniform weights, with intervals over seeds.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import param

from workbench.core import Column, Result
from workbench.core import Params as Declared
from workbench.core.recent import Recent
from workbench.core.threads import one_thread
from workbench.datasets import REGRESSION_TABLES, unknown_data
from workbench.reweighting import STRATEGIES, LossWeighter, Trials, annealed, weighter_named
from workbench.reweighting.by_loss.convergence import descend_with_bound
from workbench.reweighting.by_loss.findings import (
    course_tables,
    row_tables,
    text_tables,
    weight_curves,
)
from workbench.reweighting.by_loss.language import train_language
from workbench.reweighting.by_loss.regression import train_regression
from workbench.reweighting.by_loss.tables import TASKS, Table, read_table, train_table
from workbench.reweighting.registry import registered, weighter_names
from workbench.reweighting.temperatures import KINDS
from workbench.studies.views.loss_words import about_table, regression_headline, table_headline
from workbench.studies.views.losses import OCCASIONAL, PRESETS, VIEW, downloads, figures
from workbench.train.threads import one_thread as one_torch_thread

__all__ = ["OCCASIONAL", "PRESETS", "SMOKE", "TITLE", "VIEW", "Params", "downloads", "figures",
           "is_quick", "read_notes", "run"]

TITLE = "Weights by loss"
SMOKE = {"worlds": 2, "n_steps": 20, "text_steps": 0}
RIVALS = ("linupper", "quadratic", "linear, f = h", "extremes")
WIDTH, CONTEXT = 32, 32      # of the language model: seconds, not minutes
OPTIONS = ("weighter", "temperature", "schedule", "burn_in", "delta", "alpha", "seed")
COURSES: Recent[dict[str, pd.DataFrame]] = Recent(8)
TEXTS: Recent[Trials] = Recent(8)
FILES: Recent[Table] = Recent(4)
TRAINED: Recent[Trials] = Recent(8)


class Params(Declared):
    """Which weighter, on what, and for how long."""

    paths = frozenset({"data"})
    files: ClassVar = {"data": "table"}
    columns: ClassVar = {"target": Column("name", names=("target", "label", "class", "y"))}

    weighter = param.Selector(default="linupper", objects=list(STRATEGIES), doc=(
        "Name of the weighter: one of the paper's, or one that was registered or installed."))
    data = param.String("", doc=(
        "Path of a CSV or Parquet file with a column to predict, or a shipped table such as "
        "concrete; empty for the regression and the text."))
    target = param.String("", doc="Column to predict; empty takes a usual name, or the last.")
    task = param.Selector(default="auto", objects=list(TASKS), doc=(
        "Whether the target is a number or a class; auto: by how many values it has."))
    temperature = param.Number(1.0, bounds=(0.05, 100), doc=(
        "Large is uniform, small is sharp; where it is annealed, its last value."))
    schedule = param.Selector(default="constant", objects=list(KINDS), doc=(
        "Temperature over training, from 100 to its last value."))
    burn_in = param.Number(0.05, bounds=(0, 0.9), doc="Share of the steps with equal weights.")
    delta = param.Number(1.0, bounds=(0.1, 10), doc="Half the range of places of losses.")
    alpha = param.Number(1.0, bounds=(0.1, 2), doc="Cap of LinUpper; size of the other scores.")
    outliers = param.Number(0.01, bounds=(0.001, 0.3), doc=(
        "Share of shifted targets in the second regression."))
    n_steps = param.Integer(400, bounds=(10, 5000), doc="Steps of the regression.")
    batch_size = param.Integer(64, bounds=(4, 512), doc="Rows of a step of the regression.")
    worlds = param.Integer(20, bounds=(2, 200), doc="Simulated regressions, each with its seed.")
    text_steps = param.Integer(120, bounds=(0, 20000), doc=(
        "Steps of the language model over characters; 0 leaves it out."))
    trainings = param.Integer(3, bounds=(2, 50), doc=(
        "Trainings of the language model, or splits of a table."))
    epochs = param.Integer(30, bounds=(1, 500), doc="Passes over the rows of a table.")
    seed = param.Integer(0, bounds=(0, None), doc="Seed of everything that is drawn.")

    @classmethod
    def declared(cls) -> dict[str, param.Parameter]:
        """Parameters, with the names of weighters that are known now."""
        found = super().declared()
        found["weighter"].objects = list(weighter_names())
        return found

    @classmethod
    def conflicts(cls, values: Mapping[str, Any]) -> list[str]:
        """Refuse a missing file."""
        return unknown_data(values["data"], list(REGRESSION_TABLES)) if values["data"] else []


@one_torch_thread()
@one_thread()
def run(params: Params) -> Result:
    """The user's table, or the regression, its bound and the text."""
    return _of_table(params) if params.data else _of_worlds(params)


def is_quick(params: Params) -> bool:
    """Whether a page may compute this as soon as a widget changes."""
    if params.data:
        return False
    small = params.worlds * params.n_steps <= 2000 or _key(params) in COURSES
    return small and (not params.text_steps or _text_key(params) in TEXTS)


def read_notes(params: Params) -> tuple[str, ...]:
    """What reading the table interprets and leaves out; refuses what a run could not read."""
    return _table(params).notes if params.data else ()


def _chosen(params: Params) -> Any:
    return weighter_named(params.weighter, **_options(params)) if (
        params.weighter in STRATEGIES) else weighter_named(params.weighter)


def _options(params: Params) -> dict[str, Any]:
    falls = params.temperature if params.schedule == "constant" else annealed(
        params.schedule, end=params.temperature)
    return {"temperature": falls, "burn_in": params.burn_in, "delta": params.delta,
            "alpha": params.alpha}


def _arms(params: Params) -> dict[str, Any]:
    """The chosen weighter, uniform, and the paper's others; linear f = h is twice as sharp."""
    options = _options(params)
    halved = {**options, "alpha": 2 * params.alpha}
    rivals = {name: LossWeighter("linear", **halved) if "=" in name else LossWeighter(
        name, **options) for name in RIVALS}
    return {params.weighter: _chosen(params), "uniform": LossWeighter("uniform"),
            **{name: one for name, one in rivals.items() if name != params.weighter}}


def _drawn(params: Params) -> str:
    rest = [name for name in RIVALS if name != params.weighter][:2]
    if params.weighter == "linupper":
        rest = ["quadratic", "linear, f = h"]
    return "|".join(dict.fromkeys([params.weighter, *rest, "uniform"]))


def _key(params: Params) -> Any:
    return _decided(params, "outliers", "n_steps", "batch_size", "worlds")


def _text_key(params: Params) -> Any:
    return _decided(params, "text_steps", "trainings")


def _decided(params: Params, *names: str) -> tuple[Any, ...]:
    """What decides a training: parameters, and who makes a weighter of this name by now."""
    return (registered(params.weighter), *(getattr(params, name) for name in (*OPTIONS, *names)))


def _of_worlds(params: Params) -> Result:
    arms, drawn = _arms(params), _drawn(params)
    tables = dict(COURSES.get(_key(params), lambda: _courses(params, arms)))
    told = {"weighter": params.weighter, "drawn": drawn, "outliers": params.outliers}
    tables["curves"] = weight_curves({name: arms[name] for name in drawn.split("|")})
    text = None
    if params.text_steps:
        text = TEXTS.get(_text_key(params), lambda: train_language(
            {params.weighter: arms[params.weighter]}, steps=params.text_steps, batch_size=32,
            width=WIDTH, context=CONTEXT, seeds=_seeds(params)))
        tables |= text_tables(text, params.weighter)
    tables["about"] = about_table(told)
    return regression_headline(params, tables, text)


def _courses(params: Params, arms: Mapping[str, Any]) -> dict[str, pd.DataFrame]:
    found = {panel: train_regression(
        arms, seeds=params.worlds, steps=params.n_steps, batch_size=params.batch_size,
        outliers=outliers, seed=params.seed)
        for panel, outliers in (("no outliers", 0.0), ("outliers", params.outliers))}
    return course_tables(found, params.weighter) | {
        "bound": descend_with_bound(arms, seed=params.seed)}


def _of_table(params: Params) -> Result:
    table, arms = _table(params), _arms(params)
    names = dict.fromkeys((params.weighter, "uniform"))
    some = {name: arms[name] for name in names}
    key = (table.sha256, table.target, table.classes, *_decided(params, "trainings", "epochs"))
    trials = TRAINED.get(key, lambda: train_table(
        table, some, splits=params.trainings, epochs=params.epochs, seed=params.seed))
    unit = "nats" if table.classes else "variances of the target"
    tables = row_tables(trials, table) | {
        "curves": weight_curves(some),
        "about": about_table({"weighter": params.weighter, "drawn": "|".join(names),
                              "unit": unit, "target": table.target})}
    return table_headline(params, table, trials, tables)


def _seeds(params: Params) -> list[int]:
    return [int(each) for each in params.seed + np.arange(params.trainings)]


def _table(params: Params) -> Table:
    path = Path(params.data).expanduser()
    seen = (path.stat().st_mtime_ns, path.stat().st_size) if path.is_file() else ()
    return FILES.get((params.data, params.target, params.task, seen), lambda: read_table(
        params.data, target=params.target, task=params.task))
