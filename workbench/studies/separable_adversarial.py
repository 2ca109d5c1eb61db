"""Can rare classes be raised under attack without ruining common ones? Weights, and separation.

Networks with weights of rare classes, trained plainly, under attack, and under attack with their
features kept apart; class-balanced weights beside a peer; and the closed form of two Gaussian
classes that says why. On shipped images, on the user's own, or on a table with classes.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd
import param

from workbench.core import Column, Result
from workbench.core import Params as Declared
from workbench.core.recent import Recent
from workbench.core.threads import one_thread
from workbench.datasets import IMAGE_SETS, PROFILES, unknown_data
from workbench.reweighting.by_class.arms import Arm, Plan
from workbench.reweighting.by_class.class_weights import NORMALISATIONS
from workbench.reweighting.by_class.experiment import Found, experiment
from workbench.reweighting.by_class.findings import (
    METHODS,
    arm_name,
    arms_of,
    by_class,
    group_scores,
    toy_errors,
    tradeoff,
)
from workbench.reweighting.by_class.worlds import (
    OWN,
    Rows,
    Split,
    own_profile,
    read_rows,
    split_rows,
)
from workbench.studies.views.separable import PRESETS, VIEW, downloads, figures
from workbench.studies.views.separable_words import headline
from workbench.train.threads import one_thread as one_torch_thread

__all__ = ["PRESETS", "SMOKE", "TITLE", "VIEW", "Params", "downloads", "figures", "is_quick",
           "read_notes", "run"]

TITLE = "Rare classes under attack"
SMOKE = {"epochs": 2, "n_seeds": 2, "attack_steps": 1, "second": 0, "largest": 40,
         "width": 16}
LOSSES = ("ce", "focal", "ldam")
FILES: Recent[Rows] = Recent(4)
TRAINED: Recent[Found] = Recent(8)
TOY = ("toy_spread", "toy_eps")      # decide no training


class Params(Declared):
    """Which data, how unequal, how attacked, and how rare classes are raised."""

    paths = frozenset({"data"})
    files: ClassVar = {"data": "table"}
    columns: ClassVar = {"target": Column("name", names=("target", "label", "class", "y"))}

    data = param.String("digits", doc=(
        f"Shipped images ({', '.join(IMAGE_SETS)}), an .npz file of images and labels, or a CSV "
        "or Parquet file with a column of classes."))
    target = param.String("", doc="Column of classes of a table; empty takes a usual name.")
    profile = param.Selector(default="auto", objects=["auto", OWN, *PROFILES], doc=(
        "Imbalance: the data's own, half of the classes rare, or ever rarer ones; auto: own where "
        "a class is rare already, or else a step."))
    factor = param.Number(10.0, bounds=(1.5, 1000), doc=(
        "Rows of the largest over the smallest class, where they are simulated."))
    largest = param.Integer(104, bounds=(0, 100000), doc=(
        "Most training rows of a class; 0 for as many as there are. Classes that are unequal of "
        "their own are thinned alike."))
    rare_below = param.Number(0.5, bounds=(0.01, 1), doc=(
        "Classes with fewer rows than this share of the largest are rare."))
    eps = param.Number(0.1, bounds=(0, 1), doc=(
        "Largest change of an input, which lie between 0 and 1."))
    attack_steps = param.Integer(4, bounds=(1, 100), doc="Of the attack in training.")
    emphases = param.List([1.0, 50.0], item_type=(int, float), bounds=(2, 6), doc=(
        "Weights of rare classes, those of common ones being 1."))
    normalise = param.Selector(default="class", objects=list(NORMALISATIONS), doc=(
        "What is 1 on average: the weight of classes, that of rows, or neither, which also makes "
        "steps larger."))
    beta = param.Number(0.999, bounds=(0, 0.99999), doc=(
        "Of class-balanced weights: 0 equal, near 1 inverse to the number of rows."))
    strength = param.Number(1.0, bounds=(0, 5), doc="Of the separation of features; 0 is none.")
    temperature = param.Number(0.1, bounds=(0.05, 1), doc="Of the separation.")
    defer = param.Number(0.0, bounds=(0, 1), doc="Share of the steps before weights begin.")
    loss = param.Selector(default="ce", objects=list(LOSSES), doc=(
        "Cross-entropy, focal loss, or margins that are largest for rare classes."))
    epochs = param.Integer(50, bounds=(1, 1000), doc="Passes over the training rows.")
    width = param.Integer(64, bounds=(4, 1024), doc="Units of each of two hidden layers.")
    batch_size = param.Integer(128, bounds=(8, 4096), doc="Rows of a step, about.")
    second = param.Integer(3, bounds=(0, 1000), doc=(
        "Test rows of each class for an attacker by others; 0 for none."))
    n_seeds = param.Integer(3, bounds=(2, 50), doc="Splits, each with its own networks.")
    toy_spread = param.Number(0.5, bounds=(0.1, 2), doc=(
        "Standard deviation of two Gaussian classes whose means are 2 apart."))
    toy_eps = param.Number(0.5, bounds=(0, 0.95), doc="How far an attack moves their points.")
    seed = param.Integer(0, bounds=(0, None), doc="Seed of everything that is drawn.")

    @classmethod
    def conflicts(cls, values: Mapping[str, Any]) -> list[str]:
        """Refuse a missing file, and weights that could not be drawn as a path."""
        found = unknown_data(values["data"], IMAGE_SETS)
        weights = values["emphases"]
        told = {f"{one:g}" for one in weights}          # as arms are named
        if len(told) < len(weights) or not all(0 < one <= 1000 for one in weights):
            found.append(f"emphases must be clearly different numbers above 0, at most 1000, got "
                         f"{weights}. Pass for instance 1, 20, 50.")
        return found


@one_torch_thread()
@one_thread()
def run(params: Params) -> Result:
    """Train, or take what was trained, and gather it."""
    rows, arms = _rows(params), _arms(params)
    splits = _splits(params, rows)
    found = TRAINED.get(_key(params), lambda: experiment(
        splits, arms, _plan(params), looked_at=_looked_at(params), second=params.second))
    first = splits[params.seed]
    groups = group_scores(found.scores)
    tables = {
        "scores": found.scores, "groups": groups, "features": found.features,
        "apart": found.apart, "second": found.second,
        "tradeoff": tradeoff(groups, arms, first.counts, params.rare_below),
        "classes": by_class(found.scores, _looked_at(params) | {
            arm_name("natural", _weights(params)[-1]): "natural"}),
        "toy": toy_errors(_imbalance(params, rows, first), spread=params.toy_spread,
                          eps=params.toy_eps, largest=_weights(params)[-1]),
        "about": pd.DataFrame({"key": ["pair", "classes", "weight"], "value": [
            "|".join(map(str, found.pair)), "\n".join(rows.classes),
            f"{_weights(params)[-1]:g}"]})}
    return headline(params, tables, (*rows.notes, *_told(params, rows, first)))


def is_quick(params: Params) -> bool:
    """Whether a page may compute this as soon as a widget changes."""
    return _key(params) in TRAINED


def read_notes(params: Params) -> tuple[str, ...]:
    """What reading the data interprets; refuses what a run could not use."""
    rows = _rows(params)
    return (*rows.notes, *_told(params, rows, _splits(params, rows)[params.seed]))


def _weights(params: Params) -> list[float]:
    return sorted(float(one) for one in params.emphases)


def _looked_at(params: Params) -> dict[str, str]:
    last = _weights(params)[-1]
    return {arm_name(method, last): method for method, attacked in METHODS.items() if attacked}


def _arms(params: Params) -> dict[str, Arm]:
    balance = {"normalise": params.normalise, "defer": params.defer,
               "rare_below": params.rare_below}
    return arms_of(_weights(params), balance=balance, beta=params.beta,
                   separation=(params.strength, params.temperature), loss=params.loss)


def _plan(params: Params) -> Plan:
    return Plan(eps=params.eps, steps=params.attack_steps, epochs=params.epochs,
                batch_size=params.batch_size, width=params.width)


def _splits(params: Params, rows: Rows) -> dict[int, Split]:
    how = {"profile": _profile(params, rows), "factor": params.factor,
           "largest": params.largest, "rare_below": params.rare_below}
    return {seed: split_rows(rows, seed=seed, **how)
            for seed in range(params.seed, params.seed + params.n_seeds)}


def _profile(params: Params, rows: Rows) -> str:
    if params.profile != "auto":
        return str(params.profile)
    rare = own_profile(rows, largest=params.largest, rare_below=params.rare_below)
    return OWN if rare else "step"


def _imbalance(params: Params, rows: Rows, split: Split) -> float:
    """Rows of common classes over those of rare ones, of the data where they are not simulated."""
    if _profile(params, rows) != OWN:
        return float(params.factor)
    return float(split.counts[~split.rare].mean() / split.counts[split.rare].mean())


def _told(params: Params, rows: Rows, split: Split) -> tuple[str, ...]:
    names = [rows.classes[at] for at in range(len(split.counts)) if split.rare[at]]
    how = "Rare classes" if _profile(params, rows) == OWN else "Classes that are made rare"
    shown = ", ".join(names[:12]) + (" ..." if len(names) > 12 else "")
    few, many = split.counts[split.rare].min(), split.counts[split.rare].max()
    sizes = str(few) if few == many else f"{few} to {many}"
    thinned = len(split.train_y) + len(split.test_y) < len(rows.y)
    less = (" All classes are thinned alike; pass largest=0 for all rows."
            if thinned and _profile(params, rows) == OWN else "")
    return (f"{how}: {shown}, with {sizes} training rows where the largest has "
            f"{split.counts.max()}.{less} Test rows are never thinned, and each class counts the "
            "same.",)


def _key(params: Params) -> tuple[Any, ...]:
    """What decides a training."""
    return (*_source(params), *(str(value) for name, value in params.values().items()
                                if name not in TOY))


def _rows(params: Params) -> Rows:
    return FILES.get(_source(params), lambda: read_rows(params.data, target=params.target))


def _source(params: Params) -> tuple[Any, ...]:
    path = Path(params.data).expanduser()
    seen = (path.stat().st_mtime_ns, path.stat().st_size) if path.is_file() else ()
    return (params.data, params.target, seen)
