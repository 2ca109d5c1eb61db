"""What a result of mixtures says in words: its numbers, and what to know before trusting them."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm

from workbench.core import Estimate, Interval, Result, Summary, effective_size
from workbench.inference.mixtures.exact_experiments import Exact
from workbench.inference.mixtures.experts import CLIP, Followed
from workbench.inference.mixtures.network_experiments import RIVALS, Widths

__all__ = ["exact_headline", "network_headline"]

LEVEL = 0.9
AGREE = 1.1              # R-hat above which chains disagree


def exact_headline(params: Any, what: str, exact: Exact,
                   followed: Followed | None, beside: Widths | None,
                   notes: Sequence[str]) -> Result:
    """Numbers and tables of an exact experiment, networks beside it where there are any."""
    told = {"experiment": what, "temperature": repr(params.temperature)}
    if what == "threshold_net":
        numbers, said = _threshold(params, exact)
        told |= {"function": params.function, "n": str(params.n)}
    elif what == "bernoulli":
        numbers, said = _coin(params, exact)
        told |= {"n": str(params.n)}
    else:
        assert followed is not None  # noqa: S101 - of experts there always is one
        numbers, said = _experts(params, exact, followed)
    tables = dict(exact.tables)
    if beside is not None:
        numbers |= _beside(beside)
        said += _cautions(params, beside)
        tables |= _network_tables(beside)
        told |= _network_words(beside)
    return Result(Summary(numbers, (*said, *notes)), tables | {"about": _about(told)})


def network_headline(params: Any, found: Widths, notes: Sequence[str]) -> Result:
    """Numbers and tables of networks alone."""
    numbers = _beside(found)
    widest = found.facts.iloc[-1]
    numbers[f"price by Laplace, width {int(widest.width)}"] = Estimate(
        float(widest.price), unit="nats / row", why="an approximation around one optimum")
    numbers[f"effective draws, of {params.n_chains * params.snapshots * found.sets}"] = Estimate(
        float(widest.draws), why="by batch means of the members' test loss")
    said = _cautions(params, found)
    if found.sets == 1:
        said.insert(0, "Intervals tell the chance in the test rows alone; other training rows "
                       "would give other networks.")
    told = {"experiment": "sgld", "temperature": repr(params.temperature)} | _network_words(found)
    return Result(Summary(numbers, (*said, *notes)),
                  _network_tables(found) | {"about": _about(told)})


def _threshold(params: Any, exact: Exact) -> tuple[dict[str, Estimate], list[str]]:
    table = exact.tables["regret"]
    row = table[table["function"] == params.function].iloc[-1]
    half = float(norm.ppf(0.5 + LEVEL / 2)) * row.error
    units = f"{int(row.hidden)} hidden units"
    numbers = {
        f"regret against {params.function}, {units}": Estimate(
            row.regret, Interval(row.regret - half, row.regret + half, LEVEL), "nats"),
        "bound by the soft weight": Estimate(row.soft, why="exact: all networks are counted",
                                             unit="nats"),
        f"bound by the weight of {params.function}": Estimate(
            row.ball, why="exact: all networks are counted", unit="nats"),
        "logarithm of the number of networks": Estimate(
            row["count"], why="exact; what a bound by counting would pay", unit="nats")}
    said = ["The interval of the regret is that of the simulation of data; temperature 1."]
    if params.temperature != 1:
        said.append(f"Temperature {params.temperature:g} moves the posterior over time alone.")
    if math.isinf(row.ball):
        said.append(f"No network of {units} computes {params.function}: the bound by its weight "
                    "is infinite, the soft bound is not.")
    return numbers, said


def _coin(params: Any, exact: Exact) -> tuple[dict[str, Estimate], list[str]]:
    table, parts = exact.tables["regret"], exact.tables["bound"]
    row = table.iloc[-1]
    at = int(np.argmin(np.abs(parts["eps"] - exact.bound.at)))
    why = "exact, in closed form"
    numbers = {
        f"regret against the coin, {params.n} tosses": Estimate(row.regret, why=why, unit="nats"),
        "bound by the soft weight": Estimate(row.soft, why=why, unit="nats"),
        "bound by the best ball": Estimate(row.ball, why="exact on the grid of eps", unit="nats"),
        "effective dimension at the best eps": Estimate(
            float(parts["dimension"].iloc[at]), why="twice the slope of log W on the grid")}
    said = [f"Prior: {params.prior}. The posterior over time is of one simulated sequence of "
            "tosses."]
    if params.temperature != 1:
        said.append(f"Coins are followed at temperature 1; {params.temperature:g} concerns "
                    "networks alone.")
    return numbers, said


def _experts(params: Any, exact: Exact, found: Followed
             ) -> tuple[dict[str, Estimate], list[str]]:
    table, weights = exact.tables["regret"], exact.tables["weights"]
    path, t = found.path, len(found.path.log_predictive)
    best = weights["name"].iloc[int(found.expert[path.best()])]
    exactly = "exact for this sequence"
    numbers = {
        f"regret against the best, {best}": Estimate(
            float(table["mixture"].iloc[-1]), why=exactly, unit="nats"),
        "the most it can be": Estimate(found.bound, unit="nats", why=(
            "for every sequence" if params.temperature >= 1 else
            "no bound is known below temperature 1")),
        "log-loss of the equal average minus that of the mixture": found.gain_over_average(LEVEL),
        "log-loss of the mixture": Estimate(path.loss / t, why=exactly, unit="nats / step"),
        "effective number of experts at the end": Estimate(
            effective_size(found.weights[-1]), why="exact; of "
            f"{len(weights)} that count the same at first")}
    said = []
    if found.clipped:
        said.append(f"Probabilities nearer than {CLIP:g} to 0 or 1 were moved to that distance, "
                    f"{found.clipped} in all: one sure and wrong forecast would end an expert for "
                    "ever.")
    if len(found.expert) > len(weights):
        said.append(f"Each expert counts with {len(found.expert) // len(weights)} scales of its "
                    "errors, in powers of 2 around the spread of the outcomes, which is taken "
                    "from all of them; regret is against the best expert with its best scale.")
    if t < 30:
        said.append(f"Only {t} steps: the bound holds, the interval hardly does.")
    return numbers, said


def _beside(found: Widths) -> dict[str, Estimate]:
    widest = int(found.facts["width"].iloc[-1])
    scores: Any = found.scores[found.scores["width"] == widest].set_index("method")
    what = "log-loss above the entropy" if found.entropy else "log-loss"
    numbers = {}
    for method in ("SGLD mixture", RIVALS[0]):
        row = scores.loc[method]
        numbers[f"{what}, {method}, width {widest}"] = Estimate(
            row["loss"], Interval(row["low"], row["high"], LEVEL), "nats / row")
    for rival, gained in found.gains[widest].items():
        numbers[f"gain of the mixture over the {rival}, width {widest}"] = gained
    return numbers


def _cautions(params: Any, found: Widths) -> list[str]:
    facts = found.facts
    said = ["The optimum with the prior is the fair rival: it has the same prior. The single "
            "optimum has none and fits its rows as closely as its steps allow."]
    apart = facts[facts["rhat"] > AGREE]
    if len(apart) and params.temperature > 0:
        said.append("Chains have not mixed (split R-hat of the loss up to "
                    f"{facts['rhat'].max():.2f}): the mixture is over what they found, not over "
                    "the whole posterior. More n_steps brings it nearer.")
    if params.temperature == 0:
        said.append("At temperature 0 nothing is drawn: the mixture is an ensemble of optima.")
    elif params.temperature != 1:
        said.append(f"At temperature {params.temperature:g} draws are not from the posterior.")
    if params.batch_size and params.batch_size < found.rows:
        said.append("Batches add noise of their own to that of the dynamics, which widens the "
                    "draws.")
    return said


def _network_tables(found: Widths) -> dict[str, pd.DataFrame]:
    tables = {"scores": found.scores, "widths": found.facts, "trace": found.trace,
              "confidence": found.confidence}
    return tables | ({"map": found.map} if len(found.map) else {})


def _network_words(found: Widths) -> dict[str, str]:
    return {"entropy": repr(found.entropy), "rows": str(found.rows),
            "classes": str(found.classes), "sets": str(found.sets)}


def _about(told: dict[str, str]) -> pd.DataFrame:
    return pd.DataFrame({"key": list(told), "value": list(told.values())})
