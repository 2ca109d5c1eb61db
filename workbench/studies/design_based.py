"""What would experts have found? A regression on labels of a model, repaired by a few of experts.

Reads a shipped table or the user's own file with surrogate labels everywhere and gold labels in a
random sample, sets regressions on either kind beside the design-based one, and plans what to label
next.
"""

import contextlib
import warnings
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
from workbench.datasets import LABEL_TABLES, Labelled, load_labelled, unknown_data
from workbench.datasets.labelled import UnknownColumnsError
from workbench.inference.design.errors import label_errors
from workbench.inference.design.formula import parsed
from workbench.inference.design.results import DSLResults
from workbench.inference.design.trials import trials
from workbench.inference.design_based import DSLRegression
from workbench.studies.views.label_words import headline, main_term, planned
from workbench.studies.views.labels import PRESETS, VIEW, downloads, figures

__all__ = ["PRESETS", "SMOKE", "TITLE", "VIEW", "Params", "downloads", "figures", "is_quick",
           "read_notes", "run"]

TITLE = "Design-based supervised learning"
SMOKE = {"g": "linear", "n_splits": 3, "accuracies": [0.8, 0.95], "replications": 4}
MOST_GROUPS = 4                              # covariates by which errors are told
NOT_FITTED = {"data", "label_budget", "sampling", "term", "accuracies", "replications", "alpha"}
FILES: Recent[Labelled] = Recent(4)          # so that a page answers at once when only the plan
FITS: Recent[tuple[DSLResults, tuple[str, ...]]] = Recent(8)     # changes
TRIALS: Recent[pd.DataFrame] = Recent(8)


class Params(Declared):
    """Where the labels are, the regression, and what to label next."""

    paths = frozenset({"data"})
    files: ClassVar = {"data": "table"}
    columns: ClassVar = {
        "sample_prob": Column("weight", names=("sample_prob", "probability", "pi", "propensity")),
        "cluster": Column("group", names=("cluster", "group", "author", "unit")),
    }

    data = param.String("panchen", doc=(
        f"Shipped table ({', '.join(LABEL_TABLES)}) or the path of a CSV or Parquet file."))
    formula = param.String(
        "SendOrNot ~ countyWrong + prefecWrong + connect2b + prevalence + regionj + groupIssue",
        doc="Outcome ~ covariates; transforms such as log(x) and C(x) are known.")
    predicted = param.List(["countyWrong"], item_type=str, bounds=(1, None), doc=(
        "Variables of the formula that experts label; their cells are empty without a label."))
    surrogate = param.List(["pred_countyWrong"], item_type=str, bounds=(1, None), doc=(
        "For each of them the column with a cheap label of every row."))
    features = param.List([], item_type=str, doc="Further columns that help to predict labels.")
    model = param.Selector(default="logit", objects=["ols", "logit", "mean", "fe"], doc=(
        "Least squares; logistic; means of groups; least squares with fixed effects."))
    fixed_effects = param.List([], item_type=str, doc="Columns of groups for fe.")
    g = param.Selector(default="rf", objects=["rf", "linear", "surrogate"], doc=(
        "How labels are predicted: random forest, least squares, the surrogate as it is."))
    cross_fit = param.Integer(5, bounds=(2, 20), doc="Folds of the predictions.")
    n_splits = param.Integer(10, bounds=(1, 100), doc="Divisions into folds; medians are taken.")
    sample_prob = param.String("", doc=(
        "Column of the probabilities with which rows were labelled; empty for equal ones."))
    rescale_prob = param.Boolean(default=True, doc=(
        "Scale the probabilities so that their mean is the share of labelled rows."))
    cluster = param.String("", doc="Column of clusters within which errors depend; or empty.")
    term = param.String("", doc="Coefficient of interest; empty takes that of a predicted one.")
    label_budget = param.Integer(500, bounds=(1, None), doc="Documents to label next.")
    sampling = param.Selector(
        default="by_surrogate", objects=["uniform", "by_surrogate", "column"], doc=(
            "How they are drawn: all alike; where labels move the coefficient most; as the column "
            "of probabilities."))
    accuracies = param.List([0.7, 0.8, 0.88, 0.95], item_type=(int, float), doc=(
        "Shares of right surrogates in simulated worlds; none leaves the simulation out."))
    replications = param.Integer(40, bounds=(2, 5000), doc="Simulated worlds per accuracy.")
    alpha = param.Number(0.05, bounds=(0.001, 0.5), doc="Share of intervals that may miss.")
    seed = param.Integer(0, bounds=(0, None), doc="Seed of folds, forests, plan and worlds.")

    @classmethod
    def conflicts(cls, values: Mapping[str, Any]) -> list[str]:
        """Refuse what no run could use: a missing file, unpaired labels, a formula of code."""
        data, predicted = values["data"], values["predicted"]
        found = unknown_data(data, LABEL_TABLES)
        if len(values["surrogate"]) != len(predicted):
            found.append(f"surrogate must name one column for each of predicted, got "
                         f"{values['surrogate']!r} for {predicted!r}. Pass further ones as "
                         "features.")
        if (values["model"] == "fe") != bool(values["fixed_effects"]):
            found.append("fixed_effects must be given for model='fe' and for no other, got "
                         f"{values['fixed_effects']!r} with model={values['model']!r}. "
                         "Pass both.")
        if values["sampling"] == "column" and not values["sample_prob"]:
            found.append("sample_prob must name a column where sampling='column', got none. Pass "
                         "sampling='uniform' without one.")
        if any(not 0.55 <= each <= 1 for each in values["accuracies"]):
            found.append(f"accuracies must lie between 0.55 and 1, got {values['accuracies']!r}. "
                         "Pass shares such as 0.9.")
        return found + _unknown(values["formula"], predicted)


@one_thread()
def run(params: Params) -> Result:
    """Read the labels, fit the regressions, plan, simulate, and gather headline and tables."""
    table = _table(params)
    fit, told = _fit(params, table)
    term = main_term(params, fit)
    plan, plan_notes = planned(params, fit, table.frame, term)
    worlds = _trials(params) if params.accuracies else None
    tables = {
        "estimates": fit.compare(params.alpha), "errors": _errors(params, table, fit),
        "labels": _curves(fit), "splits": _splits(fit), "plan": plan,
        "about": pd.DataFrame({"key": ["term", "alpha", "outcome", "model"],
                               "value": [term, repr(params.alpha), fit.outcome, fit.model]})}
    if worlds is not None:
        tables["accuracy"] = worlds
    return Result(headline(params, fit, term, plan, worlds,
                           (*told, *plan_notes, *table.notes)), tables)


def is_quick(params: Params) -> bool:
    """Whether a page may compute this as soon as a widget changes: fit and worlds are kept."""
    with contextlib.suppress(ValueError, OSError):
        worlds = not params.accuracies or _world_key(params) in TRIALS
        return worlds and _key(params, _table(params)) in FITS
    return False


def read_notes(params: Params) -> tuple[str, ...]:
    """What reading the table interprets and leaves out; refuses what a run could not read.

    A file may be taken before the formula names its columns, since both are set on one page.
    """
    try:
        return _table(params).notes
    except UnknownColumnsError as trouble:
        return (f"{trouble} Set formula, predicted and surrogate to columns of this table before "
                "the run.",)


def _unknown(formula: str, predicted: list[str]) -> list[str]:
    """What is wrong with a formula, by itself and beside the predicted variables."""
    try:
        _, _, variables = parsed(formula)
    except ValueError as trouble:
        return [str(trouble)]
    return [f"predicted must name variables of the formula, got {name!r}."
            f"{check.suggestion(name, variables)} Variables: {', '.join(variables)}."
            for name in predicted if name not in variables]


def _table(params: Params) -> Labelled:
    """The table, read again only when its file or the columns have changed."""
    path = Path(params.data).expanduser()
    seen = (path.stat().st_mtime_ns, path.stat().st_size) if path.is_file() else ()
    _, _, variables = parsed(params.formula)
    roles = {"predicted": params.predicted, "surrogate": params.surrogate,
             "sample_prob": [params.sample_prob] if params.sample_prob else [],
             "cluster": [params.cluster] if params.cluster else [],
             "fixed_effects": params.fixed_effects, "formula": list(variables),
             "features": params.features}
    return FILES.get((params.data, seen, str(roles)), lambda: load_labelled(params.data, roles))


def _key(params: Params, table: Labelled) -> Any:
    return (table.sha256, *((name, str(value)) for name, value in params.values().items()
                            if name not in NOT_FITTED))


def _fit(params: Params, table: Labelled) -> tuple[DSLResults, tuple[str, ...]]:
    """The fit, and what it warns of."""
    return FITS.get(_key(params, table), lambda: _fitted(params, table.frame))


def _fitted(params: Params, frame: pd.DataFrame) -> tuple[DSLResults, tuple[str, ...]]:
    model = DSLRegression(
        params.model, params.predicted, params.surrogate, params.g, params.features,
        params.cross_fit, params.n_splits, params.sample_prob or None, params.cluster or None,
        params.fixed_effects, params.rescale_prob, params.seed)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fit = model.fit(params.formula, frame)
    return fit, tuple(dict.fromkeys(str(one.message) for one in caught))


def _world_key(params: Params) -> Any:
    return tuple(params.accuracies), params.replications, params.alpha, params.seed


def _trials(params: Params) -> pd.DataFrame:
    return TRIALS.get(_world_key(params), lambda: trials(
        sorted(set(params.accuracies)), params.replications, rng=generator(params.seed),
        level=1 - params.alpha))


def _errors(params: Params, table: Labelled, fit: DSLResults) -> pd.DataFrame:
    """Where surrogates err, by covariates that are known for every row."""
    _, _, variables = parsed(params.formula)
    by = [name for name in variables if name not in params.predicted][:MOST_GROUPS]
    return pd.concat([
        label_errors(table.frame, name, other, by, level=1 - params.alpha,
                     sample_weight=fit.inverse_propensity).assign(variable=name)
        for name, other in zip(params.predicted, params.surrogate, strict=True)],
        ignore_index=True)


def _curves(fit: DSLResults) -> pd.DataFrame:
    """Predicted standard errors by the number of labels, of DSL and of gold labels alone."""
    n, now = len(fit.labelled), fit.n_labeled
    sizes = np.unique(np.round(np.geomspace(max(1, now // 5), n, 60)).astype(int))
    power = fit.power(sizes)
    tables = [pd.DataFrame({"labels": sizes, "term": term, "se": power[term].to_numpy(),
                            "method": "DSL"}) for term in fit.names]
    rivals = fit.compare().query("method == 'gold only'")
    tables += [pd.DataFrame({"labels": sizes, "term": term, "se": error * np.sqrt(now / sizes),
                             "method": "gold only"})
               for term, error in zip(rivals["term"], rivals["se"].astype(float), strict=True)]
    return pd.concat(tables, ignore_index=True)


def _splits(fit: DSLResults) -> pd.DataFrame:
    """Coefficients of each split."""
    return pd.concat([pd.DataFrame({
        "split": number, "term": list(fit.names), "estimate": one.theta,
        "se": np.sqrt(np.diag(one.covariance))})
        for number, one in enumerate(fit.solutions, start=1)], ignore_index=True)
