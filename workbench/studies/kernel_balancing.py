"""What would the mean be if everything had been observed? Kernels balanced on what was.

A simulated world whose truth is known, ratings with or without a random slice, or any table whose
outcome is observed in part: unweighted, by propensities, and by balanced kernels, plain or doubly
robust, with balance before and after, effective sizes, and how settings matter.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd
import param

from workbench.core import Column, Result, generator
from workbench.core import Params as Declared
from workbench.core.recent import Recent
from workbench.core.threads import one_thread
from workbench.datasets import unknown_data
from workbench.inference.balancing.cases import Options
from workbench.inference.balancing.choosing import SELECTIONS
from workbench.inference.balancing.comparison import compare
from workbench.inference.balancing.findings import (
    balance_table,
    feature_map,
    path_by_functions,
    path_by_slack,
    weight_table,
    within_reach,
)
from workbench.inference.balancing.kernels import KERNELS
from workbench.inference.balancing.trials import bias_by_functions, bias_trials, coverage_trials
from workbench.inference.balancing.trials import tuned as tuned_settings
from workbench.studies.views.balancing import PRESETS, VIEW, downloads, figures
from workbench.studies.views.balancing_cases import WORLD, Source, source_of
from workbench.studies.views.balancing_words import estimates, headline
from workbench.studies.views.recommenders import rankings

__all__ = ["PRESETS", "SMOKE", "TITLE", "VIEW", "Params", "downloads", "figures", "is_quick",
           "read_notes", "run"]

TITLE = "Kernel balancing"
SMOKE = {"n": 600, "n_functions": 10, "worlds": 2, "replications": 6,
         "weight_decays": [0.001, 0.01], "trainings": 1, "tune": False}
COUNTS, SLACKS = (5, 10, 20, 40, 80, 160), (0.0, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
TUNING_WORLDS, NOISE_SLACKS = 5, (0.0, 0.01, 0.03)
PROMISE_FUNCTIONS = 20   # of the worlds in which intervals are promised
TRIALS: Recent[dict[str, pd.DataFrame]] = Recent(8)
PROMISES: Recent[pd.DataFrame] = Recent(8)
RANKINGS: Recent[dict[str, pd.DataFrame]] = Recent(8)


class Params(Declared):
    """Where the sample comes from, which kernels are balanced, and what is simulated."""

    paths = frozenset({"data"})
    files: ClassVar = {"data": "table"}
    columns: ClassVar = {
        "outcome": Column("target", names=("outcome", "rating", "stars", "score", "y")),
        "user": Column("name", names=("user", "user_id", "userid", "uid", "customer")),
        "item": Column("name", names=("item", "item_id", "itemid", "movie", "movieid",
                                      "product")),
        "drawn": Column("weight", names=("random", "mcar", "drawn")),
        "group": Column("group", names=("group", "segment", "region")),
    }

    data = param.String(WORLD, doc=(
        f"'{WORLD}', or the path of a CSV or Parquet file of ratings, or of a table whose outcome "
        "is empty where it was not observed, or a folder with the Coat data."))
    outcome = param.String("", doc=(
        "Column whose mean over all is wanted, or of ratings; empty finds it."))
    user = param.String("", doc="Column of users, for ratings; empty takes one with a usual name.")
    item = param.String("", doc="Column of items, for ratings; empty takes one with a usual name.")
    drawn = param.String("", doc=(
        "Column that is 1 for ratings of pairs drawn at random; empty takes one with a usual "
        "name, or none."))
    group = param.String("", doc="Column of groups whose weights can be looked at; or empty.")
    features = param.List([], item_type=str, doc="Covariates of a table; none takes all others.")
    positive = param.Number(None, allow_None=True, doc=(
        "Rating from which recommenders count it as 1; none takes the middle."))
    kernel = param.Selector(default="gaussian", objects=list(KERNELS), doc=(
        "exp(-gamma d^2) or exp(-gamma d) of the distance d between standardised features."))
    gamma = param.Number(0.0, bounds=(0, 5), doc=(
        "Of the kernel; 0 takes 1 / (2 p) for p features, or its root."))
    n_functions = param.Integer(80, bounds=(1, 400), doc="Kernels to balance.")
    selection = param.Selector(default="adaptive", objects=list(SELECTIONS), doc=(
        "Kernels at random; those that explain the outcome; those with the worst imbalance."))
    slack = param.Number(0.01, bounds=(0, 1), doc=(
        "Largest imbalance, in standard deviations of a function; 0 is exact balance."))
    include_fitted = param.Boolean(default=True, doc=(
        "Balance the fitted, or the worst, combination of all candidates too."))
    ridge = param.Number(0.001, bounds=(1e-6, 1), doc="Penalty of that fit.")
    base = param.Selector(default="naive Bayes", objects=["naive Bayes", "uniform"], doc=(
        "Weights of ratings before balancing: by the rating, from a random slice; or equal."))
    estimator = param.Selector(default="ips", objects=["ips", "dr"], doc=(
        "Weighted mean, or doubly robust with predictions of every item."))
    tune = param.Boolean(default=True, doc=(
        "In simulated worlds, give each method the best of four settings, found in other worlds."))
    n = param.Integer(2000, bounds=(400, 20000), doc="Pairs of a simulated world.")
    worlds = param.Integer(10, bounds=(0, 500), doc=(
        "Simulated worlds that score bias; 0 for none."))
    replications = param.Integer(100, bounds=(0, 5000), doc=(
        "Worlds that check the interval under its own assumptions; 0 for none."))
    weight_decays = param.List([0.0001, 0.0003, 0.001, 0.003, 0.01], item_type=(int, float), doc=(
        "Weight decays of recommenders; none trains none."))
    trainings = param.Integer(2, bounds=(1, 20), doc="Trainings of each recommender.")
    alpha = param.Number(0.05, bounds=(0.001, 0.5), doc="Share of intervals that may miss.")
    seed = param.Integer(0, bounds=(0, None), doc="Seed of everything that is drawn.")

    @classmethod
    def conflicts(cls, values: Mapping[str, Any]) -> list[str]:
        """Refuse what no run could use: a missing file, one world, negative weight decays."""
        found = [] if Path(values["data"]).expanduser().is_dir() and values["data"] else (
            unknown_data(values["data"], [WORLD]))
        if values["worlds"] == 1:
            found.append("worlds must be 0 or at least 2, for errors over worlds, got 1. Pass 10.")
        if any(not each > 0 for each in values["weight_decays"]):
            found.append(f"weight_decays must be above 0, got {values['weight_decays']!r}. Pass "
                         "numbers such as 0.001.")
        if len(set(values["weight_decays"])) < len(values["weight_decays"]):
            found.append(f"weight_decays must differ, got {values['weight_decays']!r}. Drop "
                         "repeats.")
        return found


@one_thread()
def run(params: Params) -> Result:
    """Read or simulate, balance, compare, simulate further, and gather headline and tables."""
    source = source_of(params)
    rng = generator(params.seed)
    chosen, options, raised = within_reach(_options(params, source), params.selection, source.case,
                                           rng)
    trials = _trials(params, source)
    tables = {
        "estimates": estimates(compare(source.case, options, rng=rng, ready=chosen), source,
                               params.alpha),
        "balance": balance_table(chosen, rng=rng), "map": feature_map(chosen, rng=rng),
        "weights": weight_table(chosen, source.case.outcome, source.groups),
        "slacks": path_by_slack(chosen, source.case, sorted({*SLACKS, options.slack}),
                                level=1 - params.alpha),
        "functions": trials.get("functions", pd.DataFrame()) if trials else _functions(
            params, source, options),
        "checked": pd.DataFrame({"value": [] if source.checked is None else source.checked})}
    tables |= {name: table for name, table in trials.items() if name != "functions"}
    if params.replications:
        tables["promise"] = PROMISES.get(_promise_key(params), lambda: _promise(params))
    if params.weight_decays and source.rated is not None:
        tables |= RANKINGS.get(_ranking_key(params, source), lambda: rankings(
            params, source, options))
    return headline(params, source, chosen, tables, raised)


def is_quick(params: Params) -> bool:
    """Whether a page may compute this as soon as a widget changes: what is slow is kept."""
    try:
        source = source_of(params)
    except (ValueError, OSError):
        return False
    slow_worlds = source.kind == "world" and params.worlds and (
        _trial_key(params) not in TRIALS)
    slow_promise = params.replications and _promise_key(params) not in PROMISES
    trains = params.weight_decays and source.rated is not None and (
        _ranking_key(params, source) not in RANKINGS)
    return not (slow_worlds or slow_promise or trains) and len(source.case.X) <= 5000


def read_notes(params: Params) -> tuple[str, ...]:
    """What reading the data interprets and leaves out; refuses what a run could not read."""
    return source_of(params).notes


def _options(params: Params, source: Source) -> Options:
    return Options(params.kernel, params.gamma or "dimension",
                   min(params.n_functions, len(source.case.X)), params.slack,
                   params.include_fitted, params.ridge)


def _trial_key(params: Params) -> Any:
    return (params.kernel, params.gamma, params.n_functions, params.slack, params.include_fitted,
            params.ridge, params.tune, params.n, params.worlds, params.alpha, params.seed)


def _trials(params: Params, source: Source) -> dict[str, pd.DataFrame]:
    if source.kind != "world" or not params.worlds:
        return {}
    options = _options(params, source)
    return TRIALS.get(_trial_key(params), lambda: _simulated(params, options))


def _simulated(params: Params, options: Options) -> dict[str, pd.DataFrame]:
    """Bias of every way, each tuned in other worlds; and by the number of functions."""
    rng = generator(params.seed + 1)
    settings = tuned_settings(TUNING_WORLDS, options, n=params.n, rng=rng) if params.tune else None
    rng = generator(params.seed + 2)
    counts = [count for count in COUNTS if count <= max(80, params.n_functions)]
    return {"worlds": bias_trials(params.worlds, options, settings, n=params.n,
                                  level=1 - params.alpha, rng=rng),
            "functions": bias_by_functions(params.worlds, counts, options, n=params.n,
                                           rng=generator(params.seed + 2))}


def _functions(params: Params, source: Source, options: Options) -> pd.DataFrame:
    counts = [count for count in COUNTS if count <= min(len(source.case.X), 80)]
    return path_by_functions(source.case, options, counts, level=1 - params.alpha,
                             rng=generator(params.seed), robust=params.estimator == "dr")


def _promise_key(params: Params) -> Any:
    return params.replications, params.alpha, params.seed


def _promise(params: Params) -> pd.DataFrame:
    return coverage_trials(params.replications, slacks=NOISE_SLACKS,
                           n_functions=PROMISE_FUNCTIONS, level=1 - params.alpha,
                           rng=generator(params.seed + 3))


def _ranking_key(params: Params, source: Source) -> Any:
    return (source.key, params.kernel, params.gamma, params.n_functions, params.selection,
            params.slack, params.include_fitted, params.ridge, tuple(params.weight_decays),
            params.trainings, params.alpha, params.seed)
