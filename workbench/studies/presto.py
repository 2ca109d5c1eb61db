"""How likely is the rare last stage? Transitions shrunk towards each other, beside their rivals.

Reads a simulated world, a shipped table or the user's own file with an ordered outcome, fits the
whole penalty path, tunes it, and sets it beside proportional odds, logistic regression of the last
stage and the multinomial logit.
"""

import contextlib
import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd
import param

from workbench.core import Column, Result, generator
from workbench.core import Params as Declared
from workbench.core.recent import Recent
from workbench.core.threads import one_thread
from workbench.datasets import (
    ORDINAL_TABLES,
    Ordinal,
    UnknownOrderError,
    load_ordinal,
    ordered_stages,
    unknown_data,
)
from workbench.inference.ordinal.experiment import (
    RIVALS,
    Fitted,
    Question,
    ask,
    fitted,
    held_out,
    in_sample,
)
from workbench.inference.ordinal.findings import Findings
from workbench.inference.ordinal.trials import trials
from workbench.inference.presto import PRESTO
from workbench.studies.views.stage_details import details
from workbench.studies.views.stage_words import about, headline
from workbench.studies.views.stages import PRESETS, SELECT, VIEW, figures

__all__ = ["PRESETS", "SELECT", "SMOKE", "TITLE", "VIEW", "Params", "details", "figures",
           "is_quick", "read_notes", "run"]

TITLE = "Rare stages by PRESTO"
SMOKE = {"n": 400, "p": 3, "intercepts": [0.0, 2.5], "n_lambdas": 6, "reps": 2}
WORLDS = {"dense_sim": "Simulated stages whose probabilities are known"}
QUICK = 2.0              # seconds of the last fit, below which the next one is not slow
FILES: Recent[tuple[Ordinal, Any]] = Recent(4)
QUESTIONS: Recent[Question] = Recent(4)
FITS: Recent[tuple[Fitted, dict[str, Any]]] = Recent(16)      # what later settings change alone
RIVALRY: Recent[tuple[dict[str, Any], dict[str, Any]]] = Recent(8)
TRIALS: Recent[pd.DataFrame] = Recent(8)


class Params(Declared):
    """Where the stages are, or of which kind of world, and how transitions are shrunk."""

    paths = frozenset({"data"})
    files: ClassVar = {"data": "table"}
    columns: ClassVar = {
        "outcome": Column("group", required=True, names=(
            "outcome", "stage", "grade", "rating", "severity", "level", "quality", "sureness",
            "class", "category", "response", "target", "y")),
        "weight": Column("weight", names=("weight", "sample_weight", "weights", "wt")),
        "group": Column("name", names=("group", "respondent", "resp", "person", "subject", "id")),
    }

    data = param.String("dense_sim", doc=(
        f"A simulated world ({', '.join(WORLDS)}), a shipped table ({', '.join(ORDINAL_TABLES)}) "
        "or the path of a CSV or Parquet file."))
    outcome = param.String("", doc=(
        "Column of the ordered stages; empty takes that of a shipped table, else the last one."))
    order = param.List([], item_type=(str, int, float), doc=(
        "The stages from the first to the last, the rare one; none for numbers and usual scales."))
    reverse = param.Boolean(default=False, doc="Turn the order round: the first becomes the last.")
    features = param.List([], item_type=str, doc="Columns that explain; none takes all others.")
    weight = param.String("", doc="Column of sample weights >= 0; empty counts all the same.")
    group = param.String("", doc=(
        "Column whose equal values, such as persons, are held out together; empty for none."))
    n = param.Integer(2500, bounds=(100, 50_000), doc="Rows of a simulated world.")
    p = param.Integer(10, bounds=(1, 200), doc="Features of a simulated world.")
    intercepts = param.List([0.0, 3.0, 5.0], item_type=(int, float), bounds=(2, 10), doc=(
        "Of the transitions of a simulated world; a larger last one makes the last stage rarer."))
    deviation = param.Number(0.5, bounds=(0.0, 2.0), doc=(
        "How far its coefficients, and their changes from transition to transition, reach."))
    sparsity = param.Number(1.0, bounds=(0.05, 1.0), doc=(
        "Share of them that are not zero; below 1 they are 0.5 or -0.5."))
    age_cutoff = param.Integer(45, bounds=(30, 65), doc=(
        "Age before which the diagnoses of the shipped prediabetes count [years]."))
    n_lambdas = param.Integer(20, bounds=(2, 200), doc="Penalties on the path.")
    lambda_min_ratio = param.Number(0.01, bounds=(1e-5, 0.5), doc=(
        "The smallest penalty over the largest."))
    l1_ratio = param.Number(1.0, bounds=(0.0, 1.0), doc=(
        "Share of absolute values in the penalty, the rest are squares: at 0 nothing is fused."))
    penalize_base = param.Boolean(default=True, doc=(
        "Penalise the coefficients of the first transition too, not only their changes."))
    scoring = param.Selector(default="brier", objects=["brier", "log_loss"], doc=(
        "What cross-validation minimises: the Brier score or the log loss of all stages."))
    feasibility = param.Selector(default="observed", objects=["observed", "all"], doc=(
        "Keep boundaries apart around each row's own stage, or all of them in all rows."))
    cv = param.Integer(5, bounds=(2, 20), doc="Folds that choose the penalty.")
    reps = param.Integer(10, bounds=(0, 1000), doc=(
        "Simulated worlds like this one, with known errors; 0 for none, and quick answers."))
    level = param.Number(0.9, bounds=(0.5, 0.999), doc="Probability content of intervals.")
    seed = param.Integer(0, bounds=(0, None), doc="Seed of worlds and folds.")

    @classmethod
    def conflicts(cls, values: Mapping[str, Any]) -> list[str]:
        """Refuse what no run could use: a missing file, intercepts out of order."""
        found = unknown_data(values["data"], [*WORLDS, *ORDINAL_TABLES])
        cuts = values["intercepts"]
        if any(high <= low for low, high in itertools.pairwise(cuts)):
            found.append(f"intercepts must increase, got {cuts!r}. Pass [0, 3, 5].")
        named = [name for name in ("outcome", "weight", "group", "features", "order")
                 if values[name]]
        if values["data"] in WORLDS and named:
            found.append(f"{named[0]} must be empty for a simulated world, which has no columns, "
                         f"got {values[named[0]]!r}. Name a file or a shipped table as data.")
        return found


@one_thread()
def run(params: Params) -> Result:
    """Read or simulate, fit the path, hold rows out, simulate more, gather headline and tables."""
    table, truth = _table(params)
    question = _question(params, table)
    (fit, own), (rivals, others) = _fit(params, question), _rivalry(params, question)
    findings = Findings(question, table.labels, fit, rivals, own | others, params.level, truth)
    tables = findings.tables(params.seed) | {"about": about(params, table, findings)}
    if params.data in WORLDS and params.reps:
        tables["trials"] = _trials(params)
    return Result(headline(params, table, findings, tables), tables)


def is_quick(params: Params) -> bool:
    """Whether a page may compute this as soon as a widget changes: only PRESTO is fitted anew."""
    with contextlib.suppress(ValueError, OSError):
        simulated = params.data in WORLDS and params.reps > 0
        known = _key(params) in RIVALRY and (not simulated or _world(params) in TRIALS)
        return known and (_options(params) in FITS or FITS.seconds < QUICK)
    return False


def read_notes(params: Params) -> tuple[str, ...]:
    """What reading the table interprets and leaves out; refuses what a run could not read.

    A file may be taken before its order is told, since both are set on one page.
    """
    try:
        return _table(params)[0].notes
    except UnknownOrderError as trouble:
        return (f"{trouble} Set it before the run.",)


def _key(params: Params) -> Any:
    """What decides rows, stages and their rivals."""
    if params.data in WORLDS:
        return params.data, params.seed, *_world(params)[1:]
    path = Path(params.data).expanduser()
    seen = (path.stat().st_mtime_ns, path.stat().st_size) if path.is_file() else ()
    return (params.data, seen, params.outcome, str(params.order), params.reverse,
            str(params.features), params.weight, params.group, params.age_cutoff, params.seed)


def _world(params: Params) -> Any:
    return (params.reps, params.n, params.p, tuple(params.intercepts), params.deviation,
            params.sparsity, params.reverse, params.seed)


def _options(params: Params) -> Any:
    return (*_key(params), *(getattr(params, name) for name in (
        "n_lambdas", "lambda_min_ratio", "l1_ratio", "penalize_base", "scoring", "feasibility",
        "cv")))


def _table(params: Params) -> tuple[Ordinal, Any]:
    """The table, and its true probabilities where it is simulated."""
    return FILES.get(_key(params), lambda: _simulated(params) if params.data in WORLDS else (
        load_ordinal(params.data, outcome=params.outcome, order=[
            f"{label:g}" if isinstance(label, float) else str(label) for label in params.order],
                     reverse=params.reverse, features=params.features, weight=params.weight,
                     group=params.group, age_cutoff=params.age_cutoff), None))


def _simulated(params: Params) -> tuple[Ordinal, Any]:
    world = ordered_stages(params.n, params.p, intercepts=params.intercepts,
                           deviation=params.deviation, sparsity=params.sparsity,
                           rng=generator(params.seed))
    frame = pd.DataFrame(world.X, columns=[f"x{at + 1}" for at in range(params.p)],
                         index=pd.RangeIndex(1, params.n + 1))
    k = world.probabilities.shape[1]
    turned = slice(None, None, -1) if params.reverse else slice(None)
    codes = k - 1 - world.codes if params.reverse else world.codes
    labels = tuple(f"stage {at + 1}" for at in range(k))[turned]
    return (Ordinal(frame, codes, labels, "stage", None, None, params.data, "simulated", "", ()),
            world.probabilities[:, turned])


def _question(params: Params, table: Ordinal) -> Question:
    return QUESTIONS.get(_key(params), lambda: ask(
        table.features, table.codes, len(table.labels), (table.weight, table.group),
        seed=params.seed))


def _fit(params: Params, question: Question) -> tuple[Fitted, dict[str, Any]]:
    model = PRESTO(
        n_lambdas=params.n_lambdas, lambda_min_ratio=params.lambda_min_ratio,
        l1_ratio=params.l1_ratio, penalize_base=float(params.penalize_base),
        scoring=params.scoring, feasibility=params.feasibility, cv=params.cv)
    return FITS.get(_options(params), lambda: (
        fitted(question, model, params.seed), held_out(question, [model], params.seed)))


def _rivalry(params: Params, question: Question) -> tuple[dict[str, Any], dict[str, Any]]:
    return RIVALRY.get(_key(params), lambda: (
        in_sample(question, params.seed), held_out(question, RIVALS, params.seed)))


def _trials(params: Params) -> pd.DataFrame:
    return TRIALS.get(_world(params), lambda: trials(
        params.reps, n=params.n, p=params.p, intercepts=params.intercepts,
        deviation=params.deviation, sparsity=params.sparsity, reverse=params.reverse,
        rng=generator(params.seed)))
