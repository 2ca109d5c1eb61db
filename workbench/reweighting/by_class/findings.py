"""Accuracies of common and rare classes as small tables, with intervals over seeds."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from workbench.core import Estimate
from workbench.reweighting.by_class.arms import Arm
from workbench.reweighting.by_class.class_weights import rare_classes
from workbench.reweighting.by_class.gaussians import TwoClasses
from workbench.reweighting.seeds import mean_over_seeds
from workbench.reweighting.separable_adversarial import ClassBalance

__all__ = ["BALANCED", "GROUPS", "METHODS", "PEER", "arm_name", "arms_of", "by_class",
           "difference", "group_scores", "mean_percent", "mean_score", "toy_errors", "tradeoff"]

METHODS = {"natural": False, "adversarial": True, "separable": True}     # under attack?
PEER = "balanced softmax"
BALANCED = "class-balanced"
GROUPS = ("common", "rare", "all")
LEVEL = 0.9
MEASURES = ("clean", "robust")
TOY_POINTS = 41


def arm_name(method: str, weight: float | str) -> str:
    """Name of an arm: the method, and the weight of rare classes or how they are balanced."""
    return f"{method}, {weight}" if isinstance(weight, str) else f"{method}, weight {weight:g}"


def arms_of(emphases: Sequence[float], *, balance: Mapping[str, Any], beta: float,
            separation: tuple[float, float], loss: str = "ce") -> dict[str, Arm]:
    """Every method with every weight, class-balanced ones, and the balanced softmax.

    Parameters
    ----------
    emphases : sequence of float > 0
        Weights of rare classes.
    balance : mapping
        Options of `ClassBalance` that all share.
    beta : float
        Of the class-balanced arms.
    separation : (float, float)
        Strength and temperature.
    loss : str
        Of all but the peer.
    """
    weights = {weight: {**balance, "emphasis": float(weight)} for weight in emphases}
    found: dict[str, Arm] = {}
    for method, attacked in METHODS.items():
        kept = separation if method == "separable" else (0.0, separation[1])
        some: dict[Any, dict[str, Any]] = dict(weights)
        if attacked:
            some[BALANCED] = {**balance, "beta": beta}
        found |= {arm_name(method, weight): Arm(attacked, options, *kept, loss)
                  for weight, options in some.items()}
    return found | {PEER: Arm(loss="bsl")}


def group_scores(scores: pd.DataFrame) -> pd.DataFrame:
    """Means over the classes of each group: columns arm, seed, group, clean, robust."""
    kinds = scores.assign(group=np.where(scores["rare"], "rare", "common"))
    both = pd.concat([kinds, scores.assign(group="all")])
    known = both.groupby(["arm", "seed", "group"], sort=False)[list(MEASURES)]
    whole = known.count().eq(known.size(), axis=0)       # a class without a score spoils a mean
    return known.mean().where(whole).reset_index()


def mean_score(groups: pd.DataFrame, arm: str, group: str, measure: str) -> Estimate:
    """Mean over seeds in percent, with Student's interval as far as it is possible."""
    return mean_percent(_values(groups, arm, group, measure))


def mean_percent(shares: np.ndarray) -> Estimate:
    """Mean of shares in percent; Student's interval, cut at 0 and 100, which it may pass.

    Examples
    --------
    >>> print(mean_percent(np.array([0.9, 1.0, 1.0])))
    96.67 % [86.93, 100], 90 % interval
    """
    return mean_over_seeds(100 * np.asarray(shares, float), level=LEVEL, unit="%",
                           within=(0.0, 100.0))


def difference(groups: pd.DataFrame, arms: tuple[str, str], group: str,
               measure: str) -> Estimate:
    """First arm minus the second, paired by seed [percentage points]."""
    first, second = (_values(groups, arm, group, measure) for arm in arms)
    return mean_over_seeds(100 * (first - second), level=LEVEL, unit="percentage points")


def tradeoff(groups: pd.DataFrame, arms: Mapping[str, Arm], counts: np.ndarray,
             rare_below: float) -> pd.DataFrame:
    """Accuracy of rare and of common classes by method and weight.

    Returns
    -------
    table : DataFrame
        Columns measure, series, weight (of rare over common classes, on average), told, x (rare),
        y (common), x_low, x_high, y_low, y_high [%]; a series in the order of its weights.
    """
    rare, rows = rare_classes(counts, rare_below), []
    for name, arm in arms.items():
        for measure in MEASURES:
            ends = {axis: mean_score(groups, name, group, measure)
                    for axis, group in (("x", "rare"), ("y", "common"))}
            rows.append({"measure": measure, "series": name.split(",")[0],
                         "weight": _weight_of(arm, counts, rare), "told": name,
                         **{axis: one.value for axis, one in ends.items()},
                         **{f"{axis}_{end}": value for axis, one in ends.items()
                            for end, value in zip(("low", "high"), one.ends, strict=True)}})
    return pd.DataFrame(rows).sort_values(["measure", "series", "weight"], ignore_index=True)


def by_class(scores: pd.DataFrame, arms: Mapping[str, str]) -> pd.DataFrame:
    """Accuracy of each class, largest class first.

    Parameters
    ----------
    scores : DataFrame
    arms : mapping of arm to the name that is shown

    Returns
    -------
    table : DataFrame
        Columns measure, series, at (place, from one), class, rows, value, low, high [%].
    """
    rows = []
    sizes = scores.groupby("class")["rows"].mean()
    order = list(sizes.sort_values(ascending=False, kind="stable").index)
    for arm, measure, each in itertools.product(arms, MEASURES, order):
        some = scores[(scores["arm"] == arm) & (scores["class"] == each)].sort_values("seed")
        one = mean_percent(some[measure].to_numpy(float))
        low, high = one.ends
        rows.append({"measure": measure, "series": arms[arm], "at": 1 + order.index(each),
                     "class": each, "rows": float(sizes.loc[each]), "value": one.value,
                     "low": low, "high": high})
    return pd.DataFrame(rows).sort_values(["measure", "series", "at"], ignore_index=True)


def toy_errors(factor: float, *, spread: float, eps: float, largest: float) -> pd.DataFrame:
    """Errors of two Gaussian classes by the weight of the rare one: series, at, value [%]."""
    weights = np.geomspace(1.0, max(largest, 2.0), TOY_POINTS)
    parts = []
    for told, moved in (("", 0.0), (", attacked", eps)):
        errors = TwoClasses(1.0, spread, factor, moved).errors(weights)
        parts += [pd.DataFrame({"series": f"{kind} class{told}", "at": weights,
                                "value": 100 * found})
                  for kind, found in zip(("common", "rare"), errors, strict=True)]
    return pd.concat(parts, ignore_index=True)


def _weight_of(arm: Arm, counts: np.ndarray, rare: np.ndarray) -> float:
    if arm.balance is None:
        return 1.0
    weights = ClassBalance(tuple(counts), **arm.balance).class_weights
    return float(weights[rare].mean() / weights[~rare].mean())


def _values(groups: pd.DataFrame, arm: str, group: str, measure: str) -> np.ndarray:
    some = groups[(groups["arm"] == arm) & (groups["group"] == group)]
    return some.sort_values("seed")[measure].to_numpy(float)
