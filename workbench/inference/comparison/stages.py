"""From a table of rivals to all that is told of two of them, whatever the table holds."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from workbench.core import check, generator
from workbench.core.recent import Recent
from workbench.datasets import Rivals
from workbench.inference.comparison import reports
from workbench.inference.comparison.evidence import Evidence
from workbench.inference.comparison.experiment import (
    Plan,
    Scored,
    fitted,
    kish_share,
    splits_of,
)
from workbench.inference.comparison.fitting import score_splits
from workbench.inference.comparison.intervals import accuracy_interval
from workbench.inference.comparison.outcomes import Posterior, ScoreResult
from workbench.inference.comparison.selection import one_standard_error
from workbench.inference.comparison.zoo import ZOO, estimator

__all__ = ["Request", "Told", "answered", "is_fitted", "names_in"]

FITS: Recent[Scored] = Recent(24)            # one model each: another pair is there at once
MOST = 8                 # models of a table from elsewhere


@dataclass(frozen=True)
class Request:
    """What is asked of a table.

    Parameters
    ----------
    first, second : str
        Models of ``ZOO``, or columns.
    others : tuple of str
    plan : Plan
    method : str
        Of the bootstrap, whose replicates are shown.
    rope, alpha : float
    correction : str
    """

    first: str
    second: str
    others: tuple[str, ...]
    plan: Plan
    method: str = ".632+"
    rope: float = 0.01
    alpha: float = 0.05
    correction: str = "holm"


@dataclass(frozen=True, eq=False)
class Told:
    """What a table says.

    Parameters
    ----------
    kind : str
    n : int
        Rows of the table, of the test set, or of the scores.
    first, second : str
    evidence : Evidence
    tables : mapping of str to DataFrame
        estimates, replicates, scores, tests, pairs, learning, disagreement.
    posteriors : list of Posterior
    baseline : ScoreResult or None
        Of the model that ignores all features.
    kish : float
        Effective share of a bootstrap resample; NaN where there is none.
    near : tuple of str
        Models within one standard error of the best mean score, the simplest first where they are
        of ``ZOO``; none where there are no folds.
    notes : tuple of str
    """

    kind: str
    n: int
    first: str
    second: str
    evidence: Evidence
    tables: Mapping[str, pd.DataFrame]
    posteriors: list[Posterior]
    baseline: ScoreResult | None = None
    kish: float = float("nan")
    near: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default_factory=tuple)


def answered(rivals: Rivals, request: Request) -> Told:
    """Fit what is to be fitted, and test."""
    if rivals.kind == "features":
        return _of_features(rivals, request)
    assert rivals.columns is not None  # noqa: S101 - tables of the other kinds have columns
    first, second, names, notes = names_in([str(name) for name in rivals.columns], request)
    rng = generator(request.plan.seed)
    if rivals.kind == "predictions":
        y = np.asarray(rivals.y)
        right = pd.DataFrame({name: rivals.columns[name].to_numpy() == y for name in names})
        evidence = Evidence(right)
        estimates = reports.estimates_of_rights(right)
        values = right.astype(float)
        most = int(pd.Series(y).value_counts().max())
        baseline = ScoreResult("always the commonest label", most / len(y), np.array([1.0]),
                               accuracy_interval(most, len(y)))
    else:
        values, baseline = rivals.columns[names].reset_index(drop=True), None
        overlap = 1 / (request.plan.k - 1) if rivals.splits else 0.0
        evidence = Evidence(folds=values, overlap=overlap) if rivals.splits else Evidence(
            sets=values)
        estimates = reports.estimates_of_scores(values, overlap, rng)
        notes += _about_rows(rivals, request, values)
    replicates = pd.concat([pd.DataFrame({"model": name, "value": reports.resampled_means(
        values[name].to_numpy(float), rng)}) for name in (first, second)], ignore_index=True)
    return _told(request, evidence, {"estimates": estimates, "replicates": replicates}, Told(
        rivals.kind, len(values), first, second, evidence, {}, [], baseline,
        notes=(*rivals.notes, *notes)))


def is_fitted(rivals: Rivals, request: Request) -> bool:
    """Whether nothing is left to fit."""
    return rivals.kind != "features" or all(
        _key(rivals, name, request.plan) in FITS for name in _wanted(request))


def names_in(columns: list[str], request: Request) -> tuple[str, str, list[str], list[str]]:
    """First and second model, all models, and notes, among columns of scores or predictions."""
    asked = [request.first, request.second, *request.others]
    if request.first in columns and request.second in columns:
        named = [name for name in asked if name in columns]
        if any(name not in columns and name not in ZOO for name in asked):
            check.one_of(columns, others=next(name for name in asked if name not in columns))
        return request.first, request.second, list(dict.fromkeys(
            [*named, *(columns if len(named) == 2 else [])]))[:MOST], []
    for role, name in (("model_a", request.first), ("model_b", request.second)):
        if name not in columns and name not in ZOO:
            check.one_of(columns, **{role: name})
    first, second = columns[:2]
    return first, second, columns[:MOST], [
        f"The first two models of the table are compared, {first} and {second}; pass model_a= and "
        "model_b= for others."]


def _of_features(rivals: Rivals, request: Request) -> Told:
    assert rivals.features is not None  # noqa: S101 - a table of features has them
    assert rivals.y is not None  # noqa: S101
    names, plan = _wanted(request), request.plan
    for name in names:
        check.one_of(ZOO, model=name)
    y = rivals.y.astype(float) if rivals.y.dtype.kind == "f" else np.unique(
        rivals.y.astype(str), return_inverse=True)[1]
    splits = splits_of(y, plan)
    features = rivals.features.reset_index(drop=True)
    scored = {name: FITS.get(_key(rivals, name, plan), lambda name=name: fitted(  # type: ignore[misc]
        name, features, y, splits, plan)) for name in names}
    evidence = reports.evidence_of_fits(scored, y, splits)
    nothing = pd.DataFrame({"nothing": np.zeros(len(y))})
    model = estimator("constant", nothing, numbers=y.dtype.kind == "f")
    baseline = _baseline(score_splits(model, nothing, y, splits["folds"], scoring=plan.metric),
                         plan.metric, len(y))
    pair = {name: scored[name] for name in (request.first, request.second)}
    tables = {
        "estimates": reports.estimates_of_fits(pair),
        "replicates": reports.replicates_of_fits(pair, request.method),
        "learning": pd.concat([model.curve.assign(model=name) for name, model in scored.items()],
                              ignore_index=True)}
    tuned = [f"Tuning {name} chose {model.chosen}." for name, model in pair.items()
             if model.chosen]
    warned = [told for some in splits.values() for told in some.warnings
              if some.name not in ("resubstitution", "30 holdouts")]
    skipped = [told for model in pair.values() for bag in model.bags.values()
               for told in bag.warnings]
    return _told(request, evidence, tables, Told(
        "features", len(y), request.first, request.second, evidence, {}, [], baseline,
        kish_share(len(y), plan.n_splits, plan.seed),
        notes=(*rivals.notes, *dict.fromkeys([*tuned, *warned, *skipped]))))


def _baseline(told: ScoreResult, metric: str, n: int) -> ScoreResult:
    """Stratified folds leave a constant no spread: its accuracy varies with the rows all the same.

    Other scores that are the same on each fold have no interval.
    """
    if metric == "accuracy":
        return replace(told, interval=accuracy_interval(round(told.value * n), n))
    if told.interval is None or told.interval.high > told.interval.low:
        return told
    return replace(told, interval=None, why="the same on each stratified fold")


def _told(request: Request, evidence: Evidence, tables: dict[str, pd.DataFrame], base: Told
          ) -> Told:
    """All tests, pairs and posteriors on what a table shows."""
    rng = generator(request.plan.seed + 9)
    pair = (base.first, base.second)
    tables = tables | {
        "scores": reports.strip(evidence), "tests": evidence.tests(*pair, rng=rng),
        "pairs": evidence.pairs(request.correction),
        "disagreement": reports.disagreement(evidence, *pair, request.rope)}
    return replace(base, tables=tables, near=_near(evidence, known=base.kind == "features"),
                   posteriors=evidence.posteriors(*pair, request.rope, rng=rng))


def _near(evidence: Evidence, *, known: bool) -> tuple[str, ...]:
    """Models within one standard error of the best; nobody knows how complex foreign ones are."""
    table = evidence.folds
    if table is None or len(table) < 2:
        return ()
    names = list(map(str, table.columns))
    scores = table.to_numpy(float).T
    order = list(ZOO)
    complexity = [order.index(name) if known else at for at, name in enumerate(names)]
    first = one_standard_error(scores, complexity)
    best = scores[int(scores.mean(axis=1).argmax())]
    least = best.mean() - best.std(ddof=1) / len(best) ** 0.5
    others = [name for name, own in zip(names, scores, strict=True)
              if own.mean() >= least and name != names[first]]
    return (names[first], *others)


def _about_rows(rivals: Rivals, request: Request, scores: pd.DataFrame) -> list[str]:
    told = [f"Rows count folds, runs or seeds of one data set; each tests 1 / {request.plan.k} of "
            "its rows (k=)." if rivals.splits else
            "Each row counts as an independent data set; name a column fold, run or seed if rows "
            "are splits of one."]
    if float(scores.abs().max().max()) > 1.5 and request.rope < 0.1:
        told.append(f"The scores are no shares, and differences up to {request.rope:g} count as "
                    "none; set rope to what does not matter in their unit.")
    return told


def _wanted(request: Request) -> list[str]:
    return list(dict.fromkeys([request.first, request.second, *request.others]))


def _key(rivals: Rivals, name: str, plan: Plan) -> Any:
    return rivals.opened.sha256, rivals.target, str(np.asarray(rivals.y).dtype.kind), name, plan
