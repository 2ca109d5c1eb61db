"""What a result about reuse of a holdout says in words."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from workbench.core import Estimate, Interval, Summary, effective_size
from workbench.datasets import Outcomes
from workbench.inference.validity.attacks import Setting
from workbench.inference.validity.bounds import most_beforehand, most_queries
from workbench.inference.validity.certificates import Certificate
from workbench.inference.validity.findings import certificate_of, mean_of

__all__ = ["about", "headline", "setting_of"]

BILLION = 1e9
TOLERANCE = 0.1          # error for which affordable queries are counted
SAID = {"plain": "plain holdout", "thresholdout": "Thresholdout", "laplace": "Laplace noise",
        "gaussian": "normal noise", "split": "fresh rows for each query"}
TOLD = {"plain": "the plain holdout", "thresholdout": "Thresholdout"}


def setting_of(params: Any, n: int) -> Setting:
    """Settings of mechanisms with a budget, for n rows."""
    root = 1 / math.sqrt(n)
    return Setting(
        min(1.0, 4 * root) if params.threshold is None else params.threshold,
        root / 4 if params.sigma is None else params.sigma, params.budget, params.epsilon,
        params.delta, params.beta, root if params.sigma is None else params.sigma)


def about(params: Any, n: int, setting: Setting, table: Outcomes | None) -> pd.DataFrame:
    """Words and settings that figures need."""
    told = {"data": params.data, "n": n, "mechanism": params.mechanism,
            "threshold": setting.threshold, "sigma": setting.sigma, "spread": setting.spread,
            "budget": setting.budget, "epsilon": setting.epsilon, "delta": setting.delta,
            "queries": params.queries, "seed": params.seed,
            "tau": _certificate(params, n, setting).tau,
            "score": "score" if table is not None and not table.is_class else "accuracy"}
    return pd.DataFrame({"key": list(told), "value": [str(value) for value in told.values()]})


def headline(params: Any, n: int, tables: Mapping[str, pd.DataFrame], weights: np.ndarray,
             notes: tuple[str, ...]) -> Summary:
    """Numbers, and what a reader must know before trusting them."""
    own = "features" in tables
    numbers: dict[str, Estimate] = {}
    selection, score = tables["selection"], _value(tables, "score")
    for method in ("plain", "thresholdout"):
        best = _winners(selection, method)
        numbers[f"{score} told by {TOLD[method]}, best number of features"] = mean_of(
            best["answer"].to_numpy(float), divisions=own).percent()
        numbers[f"the same on fresh rows, {TOLD[method]}"] = mean_of(
            best["fresh"].to_numpy(float), divisions=own).percent()
    numbers |= _without(selection, score, own=own) | _attacked(params, tables["errors"])
    found = _certificate(params, n, setting_of(params, n))
    numbers[f"certified error of {params.queries:,} answers, {SAID[params.mechanism]}"] = Estimate(
        min(100 * found.tau, 100.0), unit="points", why=_bound_words(found))
    numbers["effective share of multiplicative weights"] = Estimate(
        effective_size(weights) / len(weights),
        why=f"exact for {len(weights)} weights").percent()
    return Summary(numbers, (*_limits(params, n, tables), *_affordable(params, n),
                             *(_own_limits(params, n, tables) if own else ()),
                             *dict.fromkeys(notes)))


def _winners(selection: pd.DataFrame, method: str) -> pd.DataFrame:
    """The number of features that the answers make best, of each repetition."""
    some = selection[(selection["method"] == method) & (selection["k"] > 0)]
    some = some if len(some) else selection[selection["method"] == method]
    return some.loc[some.groupby("repetition")["answer"].idxmax()]


def _attacked(params: Any, errors: pd.DataFrame) -> dict[str, Estimate]:
    """Errors of the last answer that each could give."""
    found = {}
    for name in dict.fromkeys(("plain", params.mechanism)):
        some = errors[(errors["mechanism"] == name) & errors["rms"].notna()]
        if len(some):
            last = some.iloc[-1]
            found[f"error after {int(last['queries']):,} queries, {SAID[name]}"] = (
                Estimate(100 * last["rms"], Interval(100 * last["low"], 100 * last["high"], 0.9),
                         "points"))
    return found


def _certificate(params: Any, n: int, setting: Setting) -> Certificate:
    return certificate_of(params.mechanism, n, params.queries, setting)


def _without(selection: pd.DataFrame, score: str, *, own: bool) -> dict[str, Estimate]:
    """The baseline: no feature at all."""
    some = selection[(selection["k"] == 0) & (selection["method"] == "plain")]
    if not own or some.empty:
        return {}
    return {f"{score} without any feature, fresh rows": mean_of(
        some["fresh"].to_numpy(float), divisions=True).percent()}


def _bound_words(found: Certificate) -> str:
    if math.isinf(found.sampling) and found.theorem != "Hoeffding":
        return "no bound: exact means certify nothing"
    says = "from 50 on it says nothing" if found.is_vacuous else "not an observed error"
    return f"bound by {found.theorem}; {says}"


def _limits(params: Any, n: int, tables: Mapping[str, pd.DataFrame]) -> list[str]:
    """What a reader must know, by what was found."""
    said = [
        "Observed errors are those of these analysts; theoretical bounds hold for every analyst "
        "and are loose at such sizes. Thresholdout of the features figure adds normal noise, as "
        "in the published experiment, and has neither budget nor bound."]
    setting = setting_of(params, n)
    said.append("Thresholdout lets answers follow the training rows by up to its threshold, "
                f"{100 * setting.threshold:.3g} points here, and its noise: smaller errors go "
                "unnoticed.")
    if params.mechanism == "thresholdout" and setting.threshold < 4 * setting.sigma:
        said.append(f"The threshold of {setting.threshold:g} is below 4 sigma = "
                    f"{4 * setting.sigma:g}, so that comparisons are mostly noise. Lower sigma or "
                    "raise the threshold.")
    errors = tables["errors"]
    ended = errors[(errors["mechanism"] == params.mechanism) & (errors["answered"] < 1)]
    if len(ended):
        said.append(f"{_capital(params.mechanism)} refused the last of "
                    f"{int(ended['queries'].min()):,} queries in "
                    f"{100 * (1 - ended['answered'].iloc[0]):.0f} % of attacks: the budget had "
                    "ended.")
    return said


def _affordable(params: Any, n: int) -> list[str]:
    """How many queries this holdout bears with certainty."""
    fresh = most_queries(n, TOLERANCE, beta=params.beta)
    most = most_beforehand(n, TOLERANCE, beta=params.beta)
    before = f"{most:,.0f}" if most < BILLION else "billions of"
    if most < 1:
        return [f"A holdout of {n:,} rows certifies an error of {100 * TOLERANCE:g} points for no "
                "query at all."]
    return [f"A holdout of {n:,} rows certifies an error of {100 * TOLERANCE:g} points for "
            f"{fresh:,} adaptive {'query' if fresh == 1 else 'queries'} on fresh rows each, and "
            f"for {before} queries that were all chosen beforehand."]


def _own_limits(params: Any, n: int, tables: Mapping[str, pd.DataFrame]) -> list[str]:
    """What this table tells its owner."""
    plain, kept = _winners(tables["selection"], "plain"), tables["features"]
    gap = mean_of(100 * (plain["answer"] - plain["fresh"]).to_numpy(float), divisions=True)
    said = ["On these rows the best answer of the plain holdout minus its score on fresh rows is "
            f"{Estimate(gap.value, gap.interval, 'points', gap.why)}."]
    for method in ("plain", "thresholdout"):
        some = kept[(kept["method"] == method)]
        probes = some[some["shuffled"]]
        if len(probes):
            said.append(f"{_capital(method)} kept {probes['share'].sum():.1f} shuffled columns "
                        f"on average, of {some['share'].sum():.1f} kept in all.")
    best = kept[(kept["method"] == "plain") & ~kept["shuffled"]]
    if len(best):
        said.append("Kept most often, the strongest first: "
                    f"{', '.join(best['feature'].head(8))}. All are in features_kept.csv.")
    setting = setting_of(params, n)
    return [*said, f"To protect a holdout of {n:,} rows like these in a search of scikit-learn: "
            f"ReusableHoldoutScorer(train, holdout, threshold={setting.threshold:.3g}, "
            f"sigma={setting.sigma:.3g}, budget={setting.budget})."]


def _capital(name: str) -> str:
    return SAID[name][:1].upper() + SAID[name][1:]


def _value(tables: Mapping[str, pd.DataFrame], key: str) -> str:
    return str(tables["about"].set_index("key")["value"][key])
