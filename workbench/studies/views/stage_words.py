"""What a result on ordered stages says in words: its headline and what figures need."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from workbench.core import Estimate, Interval, Summary
from workbench.core.weights import effective_size, normalise
from workbench.datasets import Ordinal
from workbench.inference.ordinal.findings import Findings
from workbench.inference.ordinal.scores import MEASURES, calibration_error
from workbench.inference.ordinal.trials import ratio_interval

__all__ = ["about", "headline"]

SETTINGS = ("n_lambdas", "lambda_min_ratio", "l1_ratio", "penalize_base", "scoring",
            "feasibility", "cv")
FAR = 30.0               # log odds, beyond which stages are separated
NO_INTERVALS = ("Weights and single probabilities come without intervals: after shrinking, the "
                "usual standard errors do not cover.")


def about(params: Any, table: Ordinal, findings: Findings) -> pd.DataFrame:
    """Words of the figures."""
    told = {"scoring": params.scoring, "level": repr(params.level), "outcome": table.outcome,
            "labels": "\n".join(table.labels),
            "scales": " ".join(repr(float(each)) for each in findings.scale)}
    return pd.DataFrame({"key": list(told), "value": list(told.values())})


def headline(params: Any, table: Ordinal, findings: Findings,
             tables: Mapping[str, pd.DataFrame]) -> Summary:
    """Numbers, and what a reader must know before trusting them."""
    fit, lambdas = findings.fit, tables["lambdas"]
    chosen = lambdas[lambdas["chosen"]].iloc[0]
    changes = fit.path.increments[0, 1:].size
    numbers = {"penalty lambda": Estimate(
        float(chosen["lambda"]), unit="nats per sd",
        why=f"chosen by {params.cv}-fold cross-validation; {chosen['fused']} of {changes} changes "
            "between neighbouring transitions are zero")}
    trials = tables.get("trials")
    if trials is not None:
        for rival in ("logistic regression", "proportional odds"):
            numbers[f"error of the rare probability over that of {rival}"] = _ratio(
                trials, rival, params.level)
    numbers |= _gaps(tables, params.level, simulated=trials is not None)
    own = tables["calibration"]
    numbers["calibration error of the rare stage"] = Estimate(
        calibration_error(own[own["method"] == "PRESTO"]),
        why="chance alone keeps it above 0").percent()
    numbers["rows whose boundaries cross"] = Estimate(
        float(chosen["crossings"]), why=f"counted, of {len(table.codes):,} rows")
    if table.weight is not None:
        numbers["effective share of rows"] = Estimate(
            effective_size(normalise(table.weight)) / len(table.weight),
            why="exact for these weights").percent()
    return Summary(numbers, (*_notes(params, table, findings, tables), *table.notes))


def _ratio(trials: pd.DataFrame, rival: str, level: float) -> Estimate:
    errors = trials.pivot_table(index="replication", columns="method", values="mse")
    own, other = (errors[name].to_numpy() for name in ("PRESTO", rival))
    ratio, low, high = ratio_interval(own, other, level)
    if len(errors) < 2:
        return Estimate(ratio, unit="times", why="one simulated world tells no interval")
    return Estimate(ratio, Interval(low, high, level), "times")


def _gaps(tables: Mapping[str, pd.DataFrame], level: float, *, simulated: bool
          ) -> dict[str, Estimate]:
    """Scores of held-out rows and how they differ from those of rivals."""
    gaps, scores = tables["differences"], tables["scores"].rename(columns={"method": "rival"})
    found = {}
    if not simulated:
        found["log loss of the rare stage, held-out rows"] = _estimate(
            scores, "PRESTO", level)
    for rival in ("logistic regression", "proportional odds")[:1 if simulated else 2]:
        found[f"log loss of the rare stage minus that of {rival}"] = _estimate(gaps, rival, level)
    return found


def _estimate(table: pd.DataFrame, rival: str, level: float) -> Estimate:
    """Log loss of the rare stage, of a method or beside a rival."""
    own = table[(table["rival"] == rival) & (table["measure"] == "rare log loss")]
    value, low, high = own[["value", "low", "high"]].to_numpy(float)[0].tolist()
    if not np.isfinite(high - low):
        return Estimate(value, unit=MEASURES["rare log loss"], why="one group tells no interval")
    return Estimate(value, Interval(low, high, level), MEASURES["rare log loss"])


def _notes(params: Any, table: Ordinal, findings: Findings,
           tables: Mapping[str, pd.DataFrame]) -> list[str]:
    notes = [NO_INTERVALS]
    units = "rows" if table.group is None else f"groups of {params.group or 'the table'}"
    notes.append(f"Intervals of scores on held-out rows take {units} as independent and the "
                 "models as they are: other training rows would move them further.")
    standings = (_standing(tables["differences"], rival, params.level)
                 for rival in ("logistic regression", "proportional odds"))
    notes += [told for told in standings if told]
    lambdas = tables["lambdas"]
    if lambdas["chosen"].iloc[-1]:
        notes.append("Cross-validation chose the smallest lambda of the path: a smaller "
                     "lambda_min_ratio may do better.")
    eta = findings.question.X @ findings.fit.model.coef_.T + findings.fit.model.intercepts_
    if np.abs(eta).max() > FAR:
        notes.append(f"Log odds reach {np.abs(eta).max():.3g}: features separate stages, and some "
                     "probabilities are 0 or 1 by extrapolation.")
    if not params.penalize_base:
        notes.append("The first transition is not penalised, so that the largest lambda gives "
                     "proportional odds.")
    if params.data == "dense_sim" and not params.reps:
        notes.append("No further worlds were simulated: reps is 0.")
    changed = [name for name in SETTINGS if getattr(params, name) != params.param[name].default]
    if "trials" in tables and changed:
        notes.append("Errors in simulated worlds are those of PRESTO at its usual settings and "
                     f"of its variants; {', '.join(changed)} as set here "
                     f"{'concern' if len(changed) > 1 else 'concerns'} all else.")
    return notes


def _standing(differences: pd.DataFrame, rival: str, level: float) -> str:
    """What held-out rows say where they do not show a gain."""
    low, high = _estimate(differences, rival, level).ends
    if high < 0:
        return ""
    if low > 0:
        return (f"On held-out rows PRESTO is worse than {rival} in the log loss of the rare "
                "stage: the interval of the difference lies above 0.")
    return (f"On held-out rows no gain over {rival} shows in the log loss of the rare stage: "
            "the interval of the difference holds 0.")
