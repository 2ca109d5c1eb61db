"""Which model counts how much, and do the intervals keep their promise? Quantiles, aggregated.

Reads a shipped table or the user's own file, lets base models predict quantiles out of fold,
weighs them per level and per row, and calibrates the intervals on rows that nothing else has seen.
"""

import contextlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import param

from workbench.core import Column, Result, check, generator
from workbench.core import Params as Declared
from workbench.core.recent import Recent
from workbench.datasets import REGRESSION_TABLES, Regression, load_regression, unknown_data
from workbench.inference.quantile_aggregation import QuantileAggregator
from workbench.inference.quantiles.base_models import BASE_MODELS
from workbench.inference.quantiles.experiment import (
    Aggregated,
    Base,
    aggregate,
    base_predictions,
)
from workbench.inference.quantiles.findings import Findings
from workbench.inference.quantiles.kept import keep, kept_stages
from workbench.inference.quantiles.levels import even_levels
from workbench.inference.quantiles.parts import Groups, Parts, binned, named, split
from workbench.inference.quantiles.promise import Calibrated, calibrated
from workbench.studies.views.quantile_details import details
from workbench.studies.views.quantile_words import about, features_of, headline
from workbench.studies.views.quantiles import SELECT, VIEW, figures

__all__ = ["PRESETS", "SELECT", "SMOKE", "TITLE", "VIEW", "Params", "details", "figures",
           "is_quick", "read_notes", "remember", "run"]

TITLE = "Quantile aggregation"
SMOKE = {"n_levels": 5, "base_models": ["qrf", "linear"], "resolution": "medium", "local": False,
         "penalty": 0.0, "folds": 2}
PRESETS: dict[str, dict[str, Any]] = {
    "One weight per model": {"resolution": "coarse", "local": False, "penalty": 0.0},
    "Trees only": {"base_models": ["qrf", "xt", "lgbm"]},
    "Same promise in each group": {"conformal": "mondrian"}}
MOST_GROUPS = 8
QUICK = 2.0              # seconds of the last aggregate, below which the next one is not slow
CALIBRATIONS = ["none", "symmetric", "asymmetric", "mondrian", "cv+", "adaptive"]
BASES: Recent[Base] = Recent(4)                  # so that a page answers at once when only
AGGREGATES: Recent[Aggregated] = Recent(32)      # later settings change
FILES: Recent[Regression] = Recent(4)
CALIBRATED: Recent[Calibrated] = Recent(32)
KEPT: Recent[Any] = Recent(4)                    # arrays of results
SAVED: Recent[Any] = Recent(4)                   # stages of saved runs, without their models


class Params(Declared):
    """Where the table is, which models are weighed how, and what is promised."""

    paths = frozenset({"data"})
    files: ClassVar = {"data": "table"}
    columns: ClassVar = {
        "target": Column("target", required=True, names=(
            "target", "y", "outcome", "response", "label", "price", "demand", "load")),
        "group": Column("group", names=("group", "segment", "region", "category", "class")),
        "time": Column("time", names=("time", "date", "timestamp", "datetime", "order")),
        "weight": Column("weight", names=("weight", "sample_weight", "weights", "wt")),
        "along": Column("number"),
    }

    data = param.String("yacht", doc=(
        f"Shipped table ({', '.join(REGRESSION_TABLES)}) or the path of a CSV or Parquet file."))
    target = param.String("", doc="Column to predict; empty takes the last one.")
    group = param.String("", doc=(
        "Column whose groups coverage is told for; empty groups by the predicted median."))
    group_bins = param.Integer(4, bounds=(1, 12), doc="Groups that numbers are divided into.")
    time = param.String("", doc=(
        "Column of dates or numbers in whose order rows arrive: tests then lie after training."))
    weight = param.String("", doc="Column of sample weights >= 0; empty counts all the same.")
    along = param.String("", doc=(
        "Numeric feature along which weights and intervals are drawn; empty chooses one."))
    n_levels = param.Integer(19, bounds=(3, 99), doc="Even quantile levels; an odd number.")
    base_models = param.List(["cgn", "dqr", "qrf", "xt", "lgbm"], item_type=str, bounds=(1, None),
                             doc=f"Models to weigh, of {', '.join(BASE_MODELS)}.")
    tune = param.Boolean(default=False, doc=(
        "Try 20 random settings of each base model first; takes some twenty times as long."))
    folds = param.Integer(5, bounds=(2, 20), doc="Folds of the out-of-fold predictions.")
    resolution = param.Selector(default="fine", objects=["coarse", "medium", "fine"], doc=(
        "A weight per model; per model and level; from each level of each model to each level."))
    local = param.Boolean(default=True, doc="Let the weights depend on the features of a row.")
    margin = param.Selector(default="adaptive", objects=["adaptive", "vec", "single", "none"],
                            doc="Distances that the crossing penalty asks of quantiles.")
    penalty = param.Number(1.0, bounds=(0, 20), doc=(
        "Factor of the crossing penalty; at 0, weights that are not local are exact."))
    isotonise = param.Selector(default="sort", objects=["sort", "pava", "minmax", "none"],
                               doc="How predicted quantiles are put in order.")
    searches = param.Integer(1, bounds=(1, 20), doc="Settings of the aggregator to try.")
    conformal = param.Selector(default="symmetric", objects=CALIBRATIONS, doc=(
        "How intervals are calibrated: both ends alike, each end, each group, by folds, in time."))
    alpha = param.Number(0.2, bounds=(0.02, 0.9), doc="Promised share outside the interval.")
    device = param.Selector(default="auto", objects=["auto", "cpu", "cuda"],
                            doc="Where the aggregator is trained.")
    seed = param.Integer(0, bounds=(0, None), doc="Seed of the parts and of all models.")

    @classmethod
    def conflicts(cls, values: Mapping[str, Any]) -> list[str]:
        """Refuse what no run could use: a missing file, an unknown model, adaptive out of time."""
        data, models = values["data"], values["base_models"]
        found = unknown_data(data, REGRESSION_TABLES)
        found += [f"base_models must be of {', '.join(map(repr, BASE_MODELS))}, got {name!r}."
                  f"{check.suggestion(name, BASE_MODELS)}"
                  for name in models if name not in BASE_MODELS]
        if len(set(models)) < len(models):
            found.append(f"base_models must name each model once, got {models!r}. Drop repeats.")
        if values["n_levels"] % 2 == 0:
            found.append(f"n_levels must be odd, so that the median is a level, got "
                         f"{values['n_levels']}. Pass {values['n_levels'] + 1}.")
        if values["conformal"] == "adaptive" and not values["time"]:
            found.append("time must name a column where conformal='adaptive', which learns from "
                         "row to row, got none. Pass time=, or another conformal=.")
        if values["conformal"] == "adaptive" and values["weight"]:
            found.append("weight must be empty where conformal='adaptive', which counts misses of "
                         f"rows one by one, got {values['weight']!r}. Pass another conformal=.")
        return found


def run(params: Params) -> Result:
    """Read the table, fit models and aggregate, calibrate, and gather headline and tables."""
    table = _table(params)
    if params.along:
        check.one_of(table.features.select_dtypes("number").columns, along=params.along)
    parts = split(len(table.y), rng=None if params.time else generator(params.seed))
    if params.along and table.features[params.along].iloc[parts.test].isna().all():
        raise ValueError(f"along must have numbers in the test part, got {params.along!r}, which "
                         f"misses in all {len(parts.test)} rows. Name another, or none.")
    base, made = _stages(params, table, parts)
    findings = _findings(params, table, parts, base, made)
    arrays = KEPT.get(_keys(params, table)[1], lambda: keep(base, made))
    return Result(headline(params, table, parts, findings), findings.tables() | {
        "about": about(params, table, findings), "features": features_of(table, parts)},
        arrays=arrays)


def is_quick(params: Params) -> bool:
    """Whether a page may compute this as soon as a widget changes: the slow stages are kept."""
    with contextlib.suppress(ValueError, OSError):
        base, made, promise = _keys(params, _table(params))
        slow = params.conformal == "cv+" or params.searches > 1
        quick = not slow and (made in AGGREGATES or AGGREGATES.seconds < QUICK)
        remembered = made in SAVED and params.conformal != "cv+"
        return remembered or (base in BASES and (quick or promise in CALIBRATED))
    return False


def remember(params: Params, result: Result) -> None:
    """Take over the stages of a saved run, so that another promise needs no training."""
    about = result.tables["about"].set_index("key")["value"]
    if "notes" in about and len(result.arrays):
        names = list(dict.fromkeys(result.tables["weights"]["model"]))
        stages = kept_stages(result.arrays, names, json.loads(about["notes"]))
        if stages is not None:
            key = _keys(params, _table(params))[1]
            KEPT.get(key, lambda: dict(result.arrays))
            SAVED.get(key, lambda: stages)


def read_notes(params: Params) -> tuple[str, ...]:
    """What reading the table interprets and leaves out; refuses what a run could not read."""
    return _table(params).notes


def _table(params: Params) -> Regression:
    """The table, read again only when its file has changed."""
    path = Path(params.data).expanduser()
    seen = (path.stat().st_mtime_ns, path.stat().st_size) if path.is_file() else ()
    columns = {"target": params.target, "group": params.group, "time": params.time,
               "weight": params.weight}
    return FILES.get((params.data, seen, *columns.values()),
                     lambda: load_regression(params.data, **columns))


def _stages(params: Params, table: Regression, parts: Parts) -> tuple[Base, Aggregated]:
    """Base models and their aggregate, as they were made before or saved where that will do."""
    keys = _keys(params, table)
    if keys[1] in SAVED and keys[1] not in AGGREGATES and params.conformal != "cv+":
        return SAVED.get(keys[1], lambda: None)
    base = BASES.get(keys[0], lambda: base_predictions(
        table.features, table.y, parts, params.base_models, even_levels(params.n_levels),
        folds=params.folds, seed=params.seed, tune=params.tune, sample_weight=table.weight))
    return base, AGGREGATES.get(keys[1], lambda: aggregate(_aggregator(params), base))


def _aggregator(params: Params) -> QuantileAggregator:
    exact = not params.local and (params.penalty == 0 or params.margin == "none")
    return QuantileAggregator(
        even_levels(params.n_levels), solver="lp" if exact else "adam",
        resolution=params.resolution, local=params.local, margin=params.margin,
        penalty=params.penalty, isotonise=params.isotonise, searches=params.searches,
        device=params.device, random_state=params.seed)


def _keys(params: Params, table: Regression) -> tuple[Any, Any, Any]:
    """What decides the result of each stage."""
    base = (table.sha256, table.target, params.time, params.weight, params.n_levels,
            tuple(params.base_models), params.tune, params.folds, params.seed)
    made = (*base, params.resolution, params.local, params.margin, params.penalty,
            params.isotonise, params.searches, params.device)
    return base, made, (*made, params.conformal, params.alpha, params.group, params.group_bins)


def _findings(params: Params, table: Regression, parts: Parts, base: Base,
              made: Aggregated) -> Findings:
    calibration, test = (_groups(params, table, parts, made, part)
                         for part in ("calibration", "test"))
    promise = CALIBRATED.get(_keys(params, table)[2], lambda: calibrated(
        params.conformal, base, made, params.alpha, groups=(calibration.labels, test.labels),
        folds=params.folds))
    return Findings(base, made, promise, table.features.iloc[parts.test], test, params.alpha,
                    params.along, params.seed)


def _groups(params: Params, table: Regression, parts: Parts, made: Aggregated,
            part: str) -> Groups:
    """Groups of one part, formed without outcomes and with edges from the training part."""
    if table.group is None:
        middle = params.n_levels // 2
        return binned(made.quantiles[part][:, middle], made.quantiles["train"][:, middle],
                      params.group_bins)
    values, known = (table.group.iloc[rows] for rows in (getattr(parts, part), parts.train))
    if table.group.dtype.kind == "f" and known.nunique() > params.group_bins:
        return binned(values, known, params.group_bins)
    return named(values, known, max(params.group_bins, MOST_GROUPS))
