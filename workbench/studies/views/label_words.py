"""What a result of design-based regressions says in words, and its plan of what to label next."""

import math
from typing import Any

import numpy as np
import pandas as pd

from workbench.core import Estimate, Interval, Summary, check, generator
from workbench.inference.design.formula import variables_of
from workbench.inference.design.planning import draw, planned_errors, suggest_sampling
from workbench.inference.design.results import DSLResults

__all__ = ["headline", "main_term", "planned"]

ROUNDING = 1e-9
LEAST = 0.01             # probability of a document in a plan
SAID = {"DSL": "design-based", "surrogate only": "from surrogate labels only",
        "gold only": "from gold labels only", "PPI++": "prediction-powered"}


def main_term(params: Any, fit: DSLResults) -> str:
    """The coefficient of interest: the one named, or the first of a predicted covariate."""
    if params.term:
        check.one_of(fit.names, term=params.term)
        return str(params.term)
    behind = variables_of(fit.names, params.formula)
    own = [name for name in fit.names if behind[name] & set(params.predicted)]
    others = [name for name in fit.names if name != "Intercept"]
    return (own or others or list(fit.names))[0]


def planned(params: Any, fit: DSLResults, frame: pd.DataFrame,
            term: str) -> tuple[pd.DataFrame, list[str]]:
    """Probabilities of the next round, the rows that were drawn by them, and notes.

    Returns
    -------
    plan : DataFrame
        Columns row (of the file), labelled, next, sample_prob, drawn, and the surrogates.
    notes : list of str
    """
    free = int((~fit.labelled).sum())
    budget, notes = min(params.label_budget, free), list[str]()
    if budget < params.label_budget:
        notes.append(f"Only {free} {'row has' if free == 1 else 'rows have'} no label, so that "
                     "the plan takes all of them." if free else
                     "Every row has its label, so that there is nothing to plan.")
    rng = generator(params.seed)
    if params.sampling == "by_surrogate" and budget and math.ceil(LEAST * free) <= budget:
        plan = suggest_sampling(fit, budget, term=term, floor=LEAST, rng=rng)
    else:
        if params.sampling == "by_surrogate" and budget:
            notes.append(f"So small a budget leaves nothing to choose: all of {free} rows are "
                         "drawn alike.")
        plan = _proportional(fit, budget, as_before=params.sampling == "column")
    chosen = draw(plan, rng=rng).index
    return pd.DataFrame({
        "row": plan.index, **{name: plan[name].to_numpy() for name in plan},
        "drawn": plan.index.isin(chosen),
        **{name: frame[name].to_numpy() for name in params.surrogate}}), notes


def _proportional(fit: DSLResults, budget: int, *, as_before: bool) -> pd.DataFrame:
    """A plan with equal probabilities, or in proportion to those of the first round."""
    free = ~fit.labelled
    before = np.minimum(fit.sample_prob, 1.0)         # scaling can take them above
    size = before if as_before else np.ones(len(free))
    low, high = 0.0, 1.0 / size.min()
    for _ in range(100):
        middle = (low + high) / 2
        low, high = ((middle, high) if np.minimum(middle * size[free], 1).sum() < budget
                     else (low, middle))
    chance = np.minimum(high * size, 1.0)
    return pd.DataFrame({"labelled": fit.labelled, "next": np.where(free, chance, 0.0),
                         "sample_prob": 1 - (1 - before) * (1 - chance)},
                        index=fit.index)


def headline(params: Any, fit: DSLResults, term: str, plan: pd.DataFrame,
             worlds: pd.DataFrame | None, notes: tuple[str, ...]) -> Summary:
    """Numbers, and what a reader must know before trusting them."""
    table = fit.compare(params.alpha)
    table = table[table["term"] == term].set_index("method")
    level = 1 - params.alpha
    ends = table[["estimate", "low", "high", "se"]].astype(float).T.to_dict("list")
    numbers = {f"{term}, {told}": Estimate(ends[method][0], Interval(
        ends[method][1], ends[method][2], level)) for method, told in SAID.items()
        if method in ends}
    own, said = float(fit.bse[term]), list(notes)
    if "gold only" in ends:
        ratio = own / ends["gold only"][3]
        numbers["standard error over that of gold labels only"] = Estimate(
            ratio, why="a ratio of two estimates from the same labels")
        if ratio > 1 + ROUNDING:
            said.append("Surrogates make this coefficient less certain than gold labels alone: "
                        "they predict too badly for what they cost. Another g or further "
                        "features may help.")
    drawn, n = float(plan["next"].sum()), len(plan)
    after = planned_errors(fit, np.clip(plan["sample_prob"].to_numpy(), 1e-12, 1))[term]
    numbers[f"standard error after some {drawn:.0f} more labels"] = Estimate(
        float(after), why=f"a prediction; it is {own:.4g} with {fit.n_labeled} of {n} labelled")
    numbers["effective share of the labels"] = Estimate(
        fit.effective_labels() / fit.n_labeled, why="exact for these probabilities").percent()
    if worlds is not None:
        numbers |= _covered(worlds, level)
        said.append("Simulated coverage is that of other, simulated worlds, where labels are "
                    "predicted by least squares; it says nothing about this table's labels.")
    return Summary(numbers, (
        f"Intervals hold if the {fit.n_labeled} labelled rows were drawn at random with the "
        "stated probabilities; no regression repairs labels of documents that somebody chose.",
        *dict.fromkeys(said)))


def _covered(worlds: pd.DataFrame, level: float) -> dict[str, Estimate]:
    """Least coverage over simulated worlds, by method, with its Monte-Carlo interval."""
    found = {}
    for method, told in (("DSL", "design-based"), ("surrogate only", "surrogate-only")):
        some = worlds[(worlds["method"] == method) & (worlds["term"] == "x1")]
        share, error = min(some[["coverage", "coverage_error"]].to_numpy(float).tolist())
        low, high = (float(np.clip(share + side * 1.645 * error, 0, 1)) for side in (-1, 1))
        found[f"simulated coverage of {100 * level:g} % {told} intervals, at worst"] = Estimate(
            share, Interval(low, high, 0.9)).percent()
    return found
