"""All networks of a study, their scores, their features, and a second opinion on robustness."""

import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from workbench.reweighting.by_class.arms import Arm, Plan, judge, train_arms
from workbench.reweighting.by_class.features import (
    attacked_features,
    most_confused,
    principal_axes,
    separability,
)
from workbench.reweighting.by_class.worlds import Split

__all__ = ["Found", "experiment", "independent_attacks"]


@dataclass(frozen=True, eq=False)
class Found:
    """What an experiment found.

    Parameters
    ----------
    scores : DataFrame
        Columns class, rare, rows, clean, robust, arm, seed.
    features : DataFrame
        Of the first seed: columns series, x, y, class, found.
    apart : DataFrame
        Columns series, seed, separability.
    pair : (int, int)
        The rare class that is missed most without separation, and what it is taken for.
    second : DataFrame
        As `scores`, by independent attackers on some test rows; `own` is our attack on the same
        rows. Empty without.
    """

    scores: pd.DataFrame
    features: pd.DataFrame
    apart: pd.DataFrame
    pair: tuple[int, int]
    second: pd.DataFrame


def independent_attacks(classes: int) -> tuple[str, ...]:
    """Attacks by others that can be tried: none where their package is missing."""
    if importlib.util.find_spec("pyautoattack") is None:
        return ()
    return ("apgd-ce", "apgd-t") if classes >= 4 else ("apgd-ce",)


def experiment(splits: Mapping[int, Split], arms: Mapping[str, Arm], plan: Plan, *,
               looked_at: Mapping[str, str], second: int = 0,
               on_trained: Callable[[int, int], None] | None = None) -> Found:
    """Train, judge, and look at features.

    Parameters
    ----------
    splits : mapping of seed to Split
    arms : mapping of name to Arm
    plan : Plan
    looked_at : mapping of arm to shown name
        Whose features are looked at and whom independent attackers try.
    second : int >= 0
        Test rows of each class for independent attackers; 0 for none.
    on_trained : function of the numbers of trained and of all networks, optional
    """
    scores, models = train_arms(dict(splits), dict(arms), plan, on_trained=on_trained)
    good = scores.groupby(["arm", "seed"])["clean"].apply(lambda some: bool(some.notna().all()))
    parts, apart, tried = list[pd.DataFrame](), list[dict[str, Any]](), list[pd.DataFrame]()
    pair = None
    for arm, shown in looked_at.items():
        for seed, split in splits.items():
            if not good[arm, seed]:
                continue
            seen = attacked_features(models[arm, seed], split, plan, seed=seed)
            apart.append({"series": shown, "seed": seed,
                          "separability": separability(seen.features, seen.y)})
            if shown not in {part["series"].iloc[0] for part in parts}:
                axes = principal_axes(seen.features)
                parts.append(pd.DataFrame({"series": shown, "x": axes[:, 0], "y": axes[:, 1],
                                           "class": seen.y, "found": seen.found}))
                pair = pair or most_confused(seen, split.rare)
            tried.append(_second(models[arm, seed], split, plan, second, seed).assign(
                arm=arm, seed=seed))
    return Found(scores, _joined(parts, ["series", "x", "y", "class", "found"]),
                 pd.DataFrame(apart, columns=["series", "seed", "separability"]),
                 pair or (int(np.flatnonzero(next(iter(splits.values())).rare)[0]), 0),
                 _joined(tried, ["class", "rare", "rows", "clean", "robust", "own", "arm",
                                 "seed"]))


def _second(model: Any, split: Split, plan: Plan, most: int, seed: int) -> pd.DataFrame:
    attacks = independent_attacks(len(split.counts))
    if not most or not attacks:
        return pd.DataFrame()
    own = judge(model, split, plan, seed=seed, most=most)
    return judge(model, split, plan, seed=seed, most=most, attacks=attacks).assign(
        own=own["robust"])


def _joined(parts: list[pd.DataFrame], columns: list[str]) -> pd.DataFrame:
    full = [part for part in parts if "class" in part]
    return pd.concat(full, ignore_index=True) if full else pd.DataFrame(columns=columns)
