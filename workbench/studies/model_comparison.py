"""Is one model really better than the other? Every test on one table, and whether tests hold.

Reads a shipped table or the user's own file: features and a target, on which models are fitted;
scores of models from elsewhere; or their predictions beside the truth. Simulations tell how often
each test is wrong where models are equal, and how often it finds a difference.
"""

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd
import param

from workbench.core import Column, Result, check, generator
from workbench.core import Params as Declared
from workbench.core.recent import Recent
from workbench.core.threads import one_thread
from workbench.datasets import (
    REGRESSION_TABLES,
    RIVAL_TABLES,
    Rivals,
    load_rivals,
    unknown_data,
)
from workbench.inference.comparison.evidence import MORE
from workbench.inference.comparison.experiment import Plan
from workbench.inference.comparison.levels import MANY, SIMULATED, error_rates
from workbench.inference.comparison.several import METHODS
from workbench.inference.comparison.stages import Request, is_fitted
from workbench.inference.comparison.zoo import ZOO
from workbench.inference.model_comparison import TESTS, compare_table, peeking
from workbench.studies.views.comparison import PRESETS, figures
from workbench.studies.views.comparison_words import about, headline

__all__ = ["PRESETS", "SMOKE", "TITLE", "Params", "figures", "is_quick", "read_notes", "run"]

TITLE = "Model comparison"
SMOKE = {"data": "iris", "others": [], "n_splits": 20, "k": 3, "replications": 20, "tune": False,
         "model_b": "naive_bayes"}
LABELS = ("accuracy", "balanced_accuracy", "f1_macro")
NUMBERS = ("r2", "neg_mean_absolute_error", "neg_mean_squared_error")
FILES: Recent[Rivals] = Recent(4)
SCORES = ("uci_classifiers", "anneal_folds")
KNOWN = {**RIVAL_TABLES, **REGRESSION_TABLES}
RATES: Recent[pd.DataFrame] = Recent(32)
QUICK = 200 * 600        # simulated rows that take less than two seconds


class Params(Declared):
    """Which table, which two models, what is tested, and what is simulated."""

    paths = frozenset({"data"})
    files: ClassVar = {"data": "table"}
    columns: ClassVar = {"target": Column("name", names=(
        "target", "label", "class", "y", "truth", "y_true"))}

    data = param.String("wine", doc=(
        f"Shipped table ({', '.join(RIVAL_TABLES)}) or the path of a CSV or Parquet file."))
    kind = param.Selector(default="auto", objects=["auto", "features", "scores", "predictions"],
                          doc="What the table holds: features to fit on, scores of models, or "
                              "what they predict.")
    target = param.String("", doc=(
        "Column of the labels or of the truth; empty takes one with a usual name, or the last."))
    model_a = param.String("linear", doc=(
        f"First model: of {', '.join(ZOO)}, or a column of scores or predictions."))
    model_b = param.String("tree", doc="Second model, in the same way.")
    others = param.List(["naive_bayes"], item_type=str, doc=(
        "Further models, for tests of more than two and pairs that pay for their number."))
    test = param.Selector(default="5x2f", objects=[*TESTS, *MORE], doc=(
        "Test that the headline tells; another stands in where the table does not allow it."))
    metric = param.Selector(default="accuracy", objects=[*LABELS, *NUMBERS], doc=(
        "Score of fitted models; the last three are for a target of numbers."))
    n_splits = param.Integer(200, bounds=(2, 5000), doc="Resamples of the bootstrap.")
    method = param.Selector(default=".632+", objects=["oob", ".632", ".632+"],
                            doc="How much the error on training rows counts in the bootstrap.")
    k = param.Integer(10, bounds=(2, 50), doc=(
        "Folds; of a table of scores, the folds behind its rows."))
    repeats = param.Integer(1, bounds=(1, 20), doc="How often the folds are drawn.")
    test_frac = param.Number(0.3, bounds=(0.05, 0.9), doc="Share of the rows that holdouts test.")
    tune = param.Boolean(default=True, doc=(
        "Also tune each model by nested cross-validation and a three-way holdout."))
    rope = param.Number(0.01, bounds=(0, None), doc=(
        "Difference that does not matter in practice, in the unit of the scores."))
    correction = param.Selector(default="holm", objects=list(METHODS), doc=(
        "How p values of all pairs pay for their number."))
    purpose = param.Selector(default="comparison",
                             objects=["performance", "selection", "comparison"],
                             doc="What the recommendation is for.")
    n = param.Integer(300, bounds=(40, 2000), doc="Rows of the simulated tables.")
    effect = param.Number(0.06, bounds=(0.005, 0.25), doc=(
        "Accuracy that the worse model lacks where power is simulated."))
    replications = param.Integer(200, bounds=(20, 20_000), doc="Simulated tables.")
    looks = param.Integer(12, bounds=(1, 50), doc="How often somebody peeks, at most.")
    alpha = param.Number(0.05, bounds=(0.001, 0.5), doc="Level of the tests.")
    seed = param.Integer(0, bounds=(0, None), doc="Seed of splits, models and simulations.")

    @classmethod
    def conflicts(cls, values: Mapping[str, Any]) -> list[str]:
        """Refuse what no run could use: a missing file, one model twice, a strange model."""
        data, kind = values["data"], values["kind"]
        found = unknown_data(data, KNOWN)
        names = [values["model_a"], values["model_b"], *values["others"]]
        found += [f"models must differ, got {name!r} twice. Name another one."
                  for name in dict.fromkeys(names) if names.count(name) > 1]
        if kind == "features" or (data in KNOWN and data not in SCORES):
            found += [f"model_a, model_b and others must be of {', '.join(ZOO)}, got {name!r}."
                      f"{check.suggestion(name, ZOO)}" for name in names if name not in ZOO]
        if values["metric"] in NUMBERS and "naive_bayes" in names and (
                kind == "features" or data in REGRESSION_TABLES):
            found.append("model_a, model_b and others must predict numbers for "
                         f"metric={values['metric']!r}, got 'naive_bayes'. Leave it out.")
        return found


@one_thread()
def run(params: Params) -> Result:
    """Read the table, fit or take over scores, test, simulate, gather headline and tables."""
    told = compare_table(_table(params), _request(params))
    rates = pd.concat([_rates(params, effect).assign(world=world) for world, effect in (
        ("models are equal", 0.0), ("one model is worse", params.effect))], ignore_index=True)
    steps = {1, 2, 3, 5, 8, 12, 20, 35, params.looks}
    looks = peeking(sorted(step for step in steps if step <= params.looks), alpha=params.alpha,
                    rng=generator(params.seed))
    return Result(headline(params, told, rates, looks), {
        **told.tables, "rates": rates, "peeking": looks, "about": about(params, told)})


def is_quick(params: Params) -> bool:
    """Whether a page may compute this as soon as a widget changes: models and worlds are kept."""
    with contextlib.suppress(ValueError, OSError):
        simulated = all(key in RATES or (not key[0] and params.replications * params.n <= QUICK)
                        for key in _keys(params))
        return simulated and is_fitted(_table(params), _request(params))
    return False


def read_notes(params: Params) -> tuple[str, ...]:
    """What reading the table interprets and leaves out; refuses what a run could not read."""
    return _table(params).notes


def _table(params: Params) -> Rivals:
    """The table, read again only when its file or the columns have changed."""
    path = Path(params.data).expanduser()
    seen = (path.stat().st_mtime_ns, path.stat().st_size) if path.is_file() else ()
    names = [params.model_a, params.model_b, *params.others]
    columns = [name for name in names if name not in ZOO]
    numbers = params.metric in NUMBERS

    def read() -> Rivals:
        try:
            return load_rivals(params.data, kind=params.kind, target=params.target,
                               models=columns, numbers=numbers)
        except ValueError as trouble:
            if columns and "must name a column" in str(trouble):
                raise ValueError(f"{trouble} Models to fit: {', '.join(ZOO)}.") from trouble
            raise

    return FILES.get((params.data, seen, params.kind, params.target, *columns, numbers), read)


def _request(params: Params) -> Request:
    plan = Plan(params.metric, params.k, params.repeats, params.test_frac, params.n_splits,
                params.tune, params.seed)
    return Request(params.model_a, params.model_b, tuple(params.others), plan, params.method,
                   params.rope, params.alpha, params.correction)


def _keys(params: Params) -> list[Any]:
    """What decides simulated rates: tests on one table, and on several, which n does not."""
    common = params.replications, params.alpha, params.seed
    return [(several, effect, *common, 0 if several else params.n)
            for several in (False, True) for effect in (0.0, params.effect)]


def _rates(params: Params, effect: float) -> pd.DataFrame:
    """How often each test rejects."""
    parts = []
    for key in (each for each in _keys(params) if each[1] == effect):
        tests = [test for test in SIMULATED if (test in MANY) == key[0]]
        parts.append(RATES.get(key, lambda tests=tests: error_rates(  # type: ignore[misc]
            tests, replications=params.replications, effect=effect, n=params.n,
            alpha=params.alpha, rng=generator(params.seed))))
    return pd.concat(parts, ignore_index=True)
