"""The table of a league: gains over uniform weights, paired by split, tested and adjusted."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from workbench.core import Estimate, effective_size
from workbench.inference import multiple, paired_t
from workbench.inference.comparison.bayes import correlated_t
from workbench.reweighting import Trials

__all__ = ["COLUMNS", "LEVEL", "corrected_mean", "league_table", "records"]

LEVEL, ALPHA = 0.9, 0.05
SLACK = 1e-12            # of numbers that are the same but for rounding
UNIFORM = "uniform"
COLUMNS = {"loss": "loss", "accuracy": "accuracy", "worst class": "worst"}
FINE = ("finished", "early")


def corrected_mean(values: Any, ratio: float, *, unit: str = "") -> Estimate:
    """Mean over splits that share rows, with the interval of Nadeau and Bengio's variance.

    Parameters
    ----------
    values : array, shape (k,)
    ratio : float in (0, 1)
        Share of the rows of a split that are tested on.
    unit : str
    """
    found = np.asarray(values, float)
    if not (len(found) and np.isfinite(found).all()):
        return Estimate(math.nan, unit=unit, why="a training did not end well")
    if len(found) < 2:
        return Estimate(float(found[0]), unit=unit, why="one split")
    if _are_same(found):
        return Estimate(float(found[0]), unit=unit, why="the same on every split")
    told = correlated_t(found, test_frac=ratio, level=LEVEL)
    return Estimate(told.difference, told.interval, unit)


def league_table(trials: Trials, names: Sequence[str], *, measure: str,
                 ratio: float) -> pd.DataFrame:
    """One row for each weighter, the best gain first, and uniform weights last.

    Parameters
    ----------
    trials : Trials
    names : sequence of str
        Weighters, without uniform.
    measure : {"loss", "accuracy", "worst class"}
    ratio : float in (0, 1)
        Share of the rows of a split that are tested on.

    Returns
    -------
    league : DataFrame
        Columns weighter, status, step, why, splits (that ended well), score with score_low and
        score_high, gain with low and high (positive is better), p and adjusted (Holm's; NaN also
        where all splits gain the same, by which no test can divide), verdict,
        loss, accuracy and worst (means), effective (share of rows that count, by their mean
        weights), in_step (the same within a step, mean over those noted), passes (rows passed
        forward through the network, times uniform).
        NaN where a weighter did not end well on all splits.
    """
    rows = [_row(trials, name, measure, ratio) for name in names]
    league = pd.DataFrame(rows)
    tested = league["p"].notna()
    league["adjusted"] = math.nan
    if tested.any():
        league.loc[tested, "adjusted"] = multiple(league.loc[tested, "p"], "holm")
    league["verdict"] = [_verdict(row) for row in records(league)]
    ordered = league.sort_values("gain", ascending=False, na_position="last", kind="stable")
    last = _row(trials, UNIFORM, measure, ratio) | {
        "gain": 0.0, "low": math.nan, "high": math.nan, "p": math.nan, "adjusted": math.nan,
        "verdict": "is compared with"}
    return pd.concat([ordered, pd.DataFrame([last])], ignore_index=True)


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of a table as mappings of column to value."""
    return [{str(key): value for key, value in row.items()} for row in table.to_dict("records")]


def _row(trials: Trials, name: str, measure: str, ratio: float) -> dict[str, Any]:
    column = COLUMNS[measure]
    own, plain = (_scores(trials, who, column) for who in (name, UNIFORM))
    score = corrected_mean(own, ratio)
    gaps = (plain - own) if measure == "loss" else (own - plain)
    gain = corrected_mean(gaps, ratio)
    known = bool(np.isfinite(gaps).all()) and len(gaps) > 1 and (
        not _are_same(gaps) or not gaps.any())        # equal gaps have no spread to test by
    p = paired_t(gaps, "nadeau-bengio", test_frac=ratio).pvalue if known else math.nan
    means = {each: float(np.mean(_scores(trials, name, each))) for each in COLUMNS.values()}
    weights = trials.weights[name].dropna().to_numpy()
    share = effective_size(weights) / len(weights) if len(weights) else math.nan
    return {"weighter": name, **_fate(trials, name), "score": score.value,
            "score_low": score.ends[0], "score_high": score.ends[1], "gain": gain.value,
            "low": gain.ends[0], "high": gain.ends[1], "p": p, **means,
            "effective": float(share), "in_step": _in_step(trials, name),
            "passes": _passes(trials, name)}


def _are_same(values: np.ndarray) -> bool:
    """Whether numbers differ by rounding alone."""
    return bool(np.ptp(values) <= SLACK * np.abs(values).max())


def _scores(trials: Trials, name: str, column: str) -> np.ndarray:
    """Scores by split, in their order; NaN where there is no such measure."""
    some = trials.scores[trials.scores["weighter"] == name].sort_values("seed")
    return some[column].to_numpy(float) if column in some else np.full(len(some), math.nan)


def _fate(trials: Trials, name: str) -> dict[str, Any]:
    """How the trainings of a weighter ended: the first that did not end well, if any."""
    fates = trials.fates[trials.fates["weighter"] == name]
    bad = fates[~fates["status"].isin(FINE)]
    shown = (bad if len(bad) else fates).iloc[0]
    return {"status": str(shown["status"]), "step": int(shown["step"]), "why": str(shown["why"]),
            "splits": len(fates) - len(bad)}


def _in_step(trials: Trials, name: str) -> float:
    """Effective size of a step over that of uniform weights, which is its number of rows."""
    sizes = trials.history.groupby("weighter")["effective_size"].mean()
    return float(sizes.get(name, math.nan) / sizes[UNIFORM])


def _passes(trials: Trials, name: str) -> float:
    wide = trials.fates.pivot_table(index="seed", columns="weighter", values="rows")
    return float((wide[name] / wide[UNIFORM]).median()) if name in wide else math.nan


def _verdict(row: Mapping[str, Any]) -> str:
    if not math.isfinite(row["gain"]):
        return "no result"
    if not (math.isfinite(row["adjusted"]) and row["adjusted"] <= ALPHA):
        return "cannot be told from uniform"
    return "better than uniform" if row["gain"] > 0 else "worse than uniform"
