"""Which sources are worth training on? Weights of them, judged by rows that can be trusted.

Digits from sources with more and more wrong labels, or any table with a column of sources: weights
by bilevel optimisation, their path, and how a new network does on rows taken by them, beside
uniform weights and with intervals over seeds.
"""

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import param

from workbench.core import Column, Result, generator
from workbench.core import Params as Declared
from workbench.core.recent import Recent
from workbench.core.threads import one_thread
from workbench.datasets import unknown_data
from workbench.reweighting.by_source.allocation import SHORT
from workbench.reweighting.by_source.courses import Courses, Plan, run_courses
from workbench.reweighting.by_source.language import TextCourse, text_course
from workbench.reweighting.by_source.splits import split_sources
from workbench.reweighting.by_source.tables import TASKS, Roles, SourceTable, read_sources
from workbench.reweighting.by_source.worlds import Sources, noisy_digits
from workbench.studies.views.source_words import headline, tables_of
from workbench.studies.views.sources import OCCASIONAL, PRESETS, VIEW, downloads, figures
from workbench.train.threads import one_thread as one_torch_thread

__all__ = ["OCCASIONAL", "PRESETS", "SMOKE", "TITLE", "VIEW", "Params", "downloads", "figures",
           "is_quick", "read_notes", "run"]

TITLE = "Weights of data sources"
SMOKE = {"trainings": 2, "n_steps": 20}
COURSES: Recent[Courses] = Recent(8)
TEXTS: Recent[TextCourse] = Recent(8)
FILES: Recent[SourceTable] = Recent(4)
LEARNT = ("alphas", "alpha", "source_rate", "rate", "n_steps", "batch_size", "stratified",
          "trainings", "seed")


class Params(Declared):
    """Which sources, which penalty, and for how long."""

    paths = frozenset({"data"})
    files: ClassVar = {"data": "table"}
    columns: ClassVar = {
        "target": Column("name", names=("target", "label", "class", "y")),
        "source": Column("group", names=("source", "corpus", "domain", "origin")),
        "validation": Column("name", names=("validation", "trusted", "gold")),
        "text": Column("name", names=("text", "document", "sentence"))}

    data = param.String("", doc=(
        "Path of a CSV or Parquet file with a target and a column of sources; empty for digits "
        "with wrong labels."))
    target = param.String("", doc="Column to predict; empty takes a usual name.")
    source = param.String("", doc="Column that names the source of each row; empty takes a usual "
                          "name.")
    validation = param.String("", doc=(
        "Column that marks trusted rows with yes or 1; empty takes a share of all rows."))
    share = param.Number(0.3, bounds=(0.02, 0.9), doc=(
        "Share of the rows that is trusted where no column marks them; half of it tests."))
    text = param.String("", doc="Column of text to predict from; empty for none.")
    task = param.Selector(default="auto", objects=list(TASKS), doc=(
        "Whether the target is a number or a class; auto: by how many values it has."))
    rates = param.List([0.0, 0.2, 0.4, 0.6, 0.8], item_type=(int, float), bounds=(2, 20), doc=(
        "Share of wrong labels of each source of digits."))
    alpha = param.Number(10.0, bounds=(0.01, 10_000), doc=(
        "Penalty: large is less biased but noisier."))
    alphas = param.List([1.0, 100.0], item_type=(int, float), bounds=(0, 2), doc=(
        "Other penalties that are compared."))
    source_rate = param.Number(0.01, bounds=(0, 1), doc=(
        "Learning rate of the weights: most that a logit moves in a step; 0 keeps them uniform."))
    rate = param.Number(0.01, bounds=(1e-6, 1), doc="Learning rate of the networks.")
    n_steps = param.Integer(300, bounds=(10, 20_000), doc="Steps of each training.")
    batch_size = param.Integer(128, bounds=(4, 4096), doc="Rows of a step.")
    n_validation = param.Integer(150, bounds=(10, 600), doc="Validation rows of the digits.")
    stratified = param.Boolean(default=True, doc="Whether a batch holds all sources alike.")
    n_total = param.Integer(0, bounds=(0, 10_000_000), doc=(
        "Rows of the mixture to take away; 0 takes as many as no source runs out of."))
    on_short = param.Selector(default="redistribute", objects=list(SHORT), doc=(
        "What happens where a source has fewer rows than its share."))
    with_validation = param.Boolean(default=False, doc=(
        "Whether the mixture also has the validation rows, which then test nothing any more."))
    trainings = param.Integer(3, bounds=(2, 50), doc="Seeds of rows, networks and orders.")
    text_steps = param.Integer(0, bounds=(0, 20_000), doc=(
        "Steps of a small language model on corrupted kinds of text; 0 leaves it out."))
    lisa_layers = param.Integer(0, bounds=(0, 2), doc=(
        "Blocks of the language model that are trained at a time; 0 trains all."))
    seed = param.Integer(0, bounds=(0, None), doc="Seed of everything that is drawn.")

    @classmethod
    def conflicts(cls, values: Mapping[str, Any]) -> list[str]:
        """Refuse a missing file, noise that is no share, penalties that are none."""
        found = unknown_data(values["data"], []) if values["data"] else []
        found += [f"rates must hold shares from 0 to 1, got {one!r}. Pass 0.2 for 20 %."
                  for one in values["rates"] if not 0 <= one <= 1]
        found += [f"alphas must hold numbers above 0 and up to 10000, got {one!r}. Pass 10."
                  for one in values["alphas"] if not 0 < one <= 10_000]
        if values["batch_size"] < len(values["rates"]) and not values["data"]:
            found.append(f"batch_size must be at least the {len(values['rates'])} sources, got "
                         f"{values['batch_size']}. Raise it.")
        return found


@one_torch_thread()
@one_thread()
def run(params: Params) -> Result:
    """Weights of the sources of digits, or of the user's table."""
    table = _table(params) if params.data else None
    first = _sources(params, table, params.seed)
    cleanest = None if table else int(np.argmin(params.rates))
    courses = COURSES.get(_key(params, table), lambda: run_courses(
        lambda seed: _sources(params, table, seed), _alphas(params), _plan(params),
        seeds=_seeds(params), cleanest=cleanest))
    text = None
    if params.text_steps and not table:
        text = TEXTS.get(_text_key(params), lambda: text_course(
            steps=params.text_steps, alpha=params.alpha, lisa_layers=params.lisa_layers,
            seeds=_seeds(params)))
    tables = tables_of(params, courses, first, text, generator(params.seed))
    return headline(params, courses, tables, table)


def is_quick(params: Params) -> bool:
    """Whether a page may compute this as soon as a widget changes: trainings are kept."""
    with contextlib.suppress(ValueError, OSError):
        known = _key(params, _table(params) if params.data else None) in COURSES
        return known and (params.data != "" or not params.text_steps
                          or _text_key(params) in TEXTS)
    return False


def read_notes(params: Params) -> tuple[str, ...]:
    """What reading the table interprets and leaves out; refuses what a run could not read."""
    if not params.data:
        return ()
    table = _table(params)
    split_sources(table, params.share, params.seed)
    return table.notes


def _alphas(params: Params) -> list[float]:
    return list(dict.fromkeys(float(one) for one in (params.alpha, *params.alphas)))


def _plan(params: Params) -> Plan:
    return Plan(steps=params.n_steps, batch_size=params.batch_size, rate=params.rate,
                source_rate=params.source_rate, stratified=params.stratified)


def _seeds(params: Params) -> list[int]:
    return [int(each) for each in params.seed + np.arange(params.trainings)]


def _sources(params: Params, table: SourceTable | None, seed: int) -> Sources:
    if table is not None:
        return split_sources(table, params.share, seed)
    return noisy_digits(params.rates, n_validation=params.n_validation, rng=generator(seed))


def _key(params: Params, table: SourceTable | None) -> Any:
    own: tuple[Any, ...] = (tuple(params.rates), params.n_validation)
    if table is not None:
        own = (table.sha256, params.share, _roles(params), params.task)
    return (own, *(tuple(value) if isinstance(value, list) else value
                   for value in (getattr(params, name) for name in LEARNT)))


def _text_key(params: Params) -> Any:
    return (params.text_steps, params.alpha, params.lisa_layers, params.trainings, params.seed)


def _roles(params: Params) -> Roles:
    return Roles(params.source, params.target, params.validation, params.text)


def _table(params: Params) -> SourceTable:
    path = Path(params.data).expanduser()
    seen = (path.stat().st_mtime_ns, path.stat().st_size) if path.is_file() else ()
    return FILES.get((params.data, _roles(params), params.task, seen), lambda: read_sources(
        params.data, _roles(params), task=params.task))
