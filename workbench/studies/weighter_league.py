"""Which weights on rows buy anything here? Any weighters beside equal weights, on one data set.

Every weighter trains the same network on the same rows in the same order as equal weights do, on
several splits. The league says what each gained, with intervals and tests that pay for rows that
splits share and for the number of weighters; how many equal rows its rows count like; what it
cost; and which were stopped, diverged or were left out, with the reason.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import param

from workbench.core import Column, Result, check, generator
from workbench.core import Params as Declared
from workbench.core.recent import Recent
from workbench.core.threads import one_thread
from workbench.datasets import IMAGE_SETS, REGRESSION_TABLES, unknown_data
from workbench.reweighting import Trials, weighter_names
from workbench.reweighting.by_loss.tables import TASKS
from workbench.reweighting.league.splits import Trouble, held_out
from workbench.reweighting.league.tasks import EXAMPLES, Task, read_example, read_task
from workbench.reweighting.league.training import train_league
from workbench.reweighting.registry import registered
from workbench.studies.views.league import PRESETS, VIEW, downloads, figures
from workbench.studies.views.league_table import league_table
from workbench.studies.views.league_words import MEASURES, headline
from workbench.train.threads import one_thread as one_torch_thread

__all__ = ["PRESETS", "SMOKE", "TITLE", "VIEW", "Params", "downloads", "figures", "is_quick",
           "read_notes", "run"]

TITLE = "League of weighters"
SMOKE = {"weighters": "linupper, quadratic", "splits": 2, "epochs": 2, "rows": 150}
UNIFORM = "uniform"
FILES: Recent[Task] = Recent(4)
TRAINED: Recent[tuple[Trials, pd.DataFrame]] = Recent(8)


class Params(Declared):
    """Which weighters, on what, and with what trouble."""

    paths = frozenset({"data"})
    files: ClassVar = {"data": "any"}
    columns: ClassVar = {
        "target": Column("name", names=("target", "label", "class", "y")),
        "text": Column("name", names=("text", "document", "sentence", "review", "message"))}

    weighters = param.String("all", doc=(
        "Names of weighters with commas between, also registered or installed ones; all for "
        "each that is known."))
    example = param.Selector(default="table", objects=list(EXAMPLES), doc=(
        "Shipped data where none are given: tumours, sentences of a central bank, digits."))
    data = param.String("", doc=(
        "Path of a CSV or Parquet file with a column to predict, of an .npz file of images and "
        "labels, or a shipped name such as concrete or digits; empty for the example."))
    target = param.String("", doc="Column to predict; empty takes a usual name, or the last.")
    text = param.String("", doc="Column of texts to predict from; empty for a table.")
    task = param.Selector(default="auto", objects=list(TASKS), doc=(
        "Whether the target is a number or a class; auto: by how many values it has."))
    wrong_labels = param.Number(0.2, bounds=(0, 0.8), doc=(
        "Share of training rows of the example with a wrong target, on purpose."))
    imbalance = param.Number(1.0, bounds=(1, 100), doc=(
        "Largest over smallest class in training rows of the example, on purpose; 1 for none."))
    outliers = param.Number(0.0, bounds=(0, 0.8), doc=(
        "Share of training rows of the example with shifted inputs, on purpose."))
    spoil_own = param.Boolean(default=False, doc=(
        "Whether training rows of your own data are spoilt on purpose, too."))
    measure = param.Selector(default="auto", objects=list(MEASURES), doc=(
        "What is compared: accuracy for classes and loss for numbers where auto; worst class is "
        "the accuracy of the class with the lowest."))
    splits = param.Integer(5, bounds=(2, 100), doc="Splits, each with its own test rows.")
    epochs = param.Integer(4, bounds=(1, 500), doc="Passes over the training rows.")
    batch_size = param.Integer(32, bounds=(2, 512), doc="Rows of a step.")
    rows = param.Integer(2000, bounds=(60, 100000), doc="Rows that are used at most.")
    seed = param.Integer(0, bounds=(0, None), doc="Seed of everything that is drawn.")

    @classmethod
    def conflicts(cls, values: Mapping[str, Any]) -> list[str]:
        """Refuse unknown weighters and a missing file."""
        data = values["data"]
        found = unknown_data(data, [*REGRESSION_TABLES, *IMAGE_SETS]) if data else []
        try:
            for name in names_of(values["weighters"]):
                check.one_of(weighter_names(), weighters=name)
        except ValueError as trouble:
            found.append(str(trouble))
        return found


@one_torch_thread()
@one_thread()
def run(params: Params) -> Result:
    """Train the league and set the table."""
    task, told = _task(params), params.measure
    measure = told if told != "auto" else "accuracy" if task.classes else "loss"
    if not task.classes and measure != "loss":
        raise ValueError(f"measure must be 'loss' or 'auto' where a number is predicted, got "
                         f"{told!r}. Numbers have no classes.")
    names = names_of(params.weighters)
    trials, marks = TRAINED.get(_key(params, task), lambda: train_league(
        task, dict(zip(names, names, strict=True)), trouble=_trouble(params),
        splits=params.splits, epochs=params.epochs, batch_size=params.batch_size,
        seed=params.seed))
    league = league_table(trials, names, measure=measure,
                          ratio=_ratio(len(task.y), marks, params.splits))
    return headline(params, (task, trials, marks), league, measure)


def is_quick(params: Params) -> bool:
    """Whether a page may compute this as soon as a widget changes."""
    return not params.data and _key(params, _task(params)) in TRAINED


def read_notes(params: Params) -> tuple[str, ...]:
    """What reading the data interprets and leaves out; refuses what a run could not read."""
    return _task(params).notes if params.data else ()


def names_of(weighters: str) -> list[str]:
    """Names in the order given, without the one that all are compared with.

    Raises
    ------
    ValueError
        If none is left.
    """
    asked = [name for name in re.split(r"[,\s]+", weighters) if name]
    names = list(dict.fromkeys(weighter_names() if asked == ["all"] else asked))
    if names in ([], [UNIFORM]):
        raise ValueError(f"weighters must name at least one beside uniform, got {weighters!r}. "
                         "Pass all, or names with commas between.")
    return [name for name in names if name != UNIFORM]


def _trouble(params: Params) -> Trouble:
    if params.data and not params.spoil_own:
        return Trouble()
    return Trouble(params.wrong_labels, params.imbalance, params.outliers)


def _ratio(n: int, marks: pd.DataFrame, splits: int) -> float:
    """Share tested on of the rows that a split uses; classes may be thinned before training."""
    tested, trained = held_out(n), float(marks["trained"].sum()) / splits
    return tested / (tested + trained)


def _key(params: Params, task: Task) -> Any:
    """What decides the trainings: data, parameters, and who makes weighters of these names."""
    names = names_of(params.weighters)
    return (task.sha256, task.kind, task.target, task.classes, len(task.y), params.text,
            tuple(names), tuple(registered(name) for name in names), _trouble(params),
            *(getattr(params, name) for name in ("splits", "epochs", "batch_size", "seed")))


def _task(params: Params) -> Task:
    path = Path(params.data).expanduser()
    seen = (path.stat().st_mtime_ns, path.stat().st_size) if params.data and path.is_file() else ()
    asked = (params.data, params.example, params.target, params.text, params.task)
    whole = FILES.get((*asked, seen), lambda: read_task(
        params.data, target=params.target, text=params.text, task=params.task)
        if params.data else read_example(params.example))
    if len(whole.y) <= params.rows:
        return whole
    drawn = np.sort(generator(params.seed).permutation(len(whole.y))[:params.rows])
    return whole.taken(drawn)
