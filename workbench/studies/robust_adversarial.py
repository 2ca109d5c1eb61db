"""Whom does adversarial training leave unprotected? Rows weighed by a worst case beside it.

Small networks are trained under attack in four ways on images of which some classes are rare, or
on the user's own images or table, and attacked afterwards. Every number stands beside that of
plain adversarial training, with intervals over seeds.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import param

from workbench.core import Column, Result
from workbench.core import Params as Declared
from workbench.core.recent import Recent
from workbench.core.threads import one_thread
from workbench.datasets import IMAGE_SETS, unknown_data
from workbench.reweighting.under_attack.trials import (
    BASELINE,
    COMPARISONS,
    METHODS,
    OURS,
    Settings,
    Trials,
    train_methods,
)
from workbench.reweighting.under_attack.worlds import (
    SCALINGS,
    Rows,
    imbalance_fault,
    read_images,
    read_table,
)
from workbench.studies.views.attack_words import headline
from workbench.studies.views.attacks import PRESETS, VIEW, downloads, figures, tables_of
from workbench.train.threads import one_thread as one_torch_thread

__all__ = ["PRESETS", "SMOKE", "TITLE", "VIEW", "Params", "downloads", "figures", "is_quick",
           "read_notes", "run"]

TITLE = "Weights of a worst case under attack"
SMOKE = {"n_seeds": 2, "epochs": 12, "most_rows": 160, "attack_steps": 1, "width": 16,
         "eps": 0.02, "imbalance": "none", "apgd_rows": 0}
TABULAR = (".csv", ".tsv", ".csv.gz", ".tsv.gz", ".parquet")
FILES: Recent[Rows] = Recent(4)
TRAINED: Recent[Trials] = Recent(8)


class Params(Declared):
    """On what networks are trained, under which attack, and what is compared."""

    paths = frozenset({"data", "table"})
    files: ClassVar = {"data": "images", "table": "table"}
    columns: ClassVar = {"target": Column("name", names=("target", "label", "class", "y"))}

    compare = param.Selector(default="parts", objects=list(COMPARISONS), doc=(
        "What stands beside DONE: its two parts alone, or the earlier rules GAIRAT and MAIL."))
    data = param.String("digits", doc=(
        f"Shipped images ({', '.join(IMAGE_SETS)}), or the path of an .npz file with images and "
        "labels."))
    table = param.String("", doc=(
        "Path of a CSV or Parquet file with a column of classes, in place of images."))
    target = param.String("", doc="Column of classes; empty takes a usual name, or the last.")
    scaling = param.Selector(default=SCALINGS[0], objects=list(SCALINGS), doc=(
        "Unit of features of a table, and so of eps; pixels are in the unit interval."))
    eps = param.Number(0.1, bounds=(0.001, 2), doc=(
        "Largest change of a pixel or feature, in training and in testing."))
    attack_steps = param.Integer(5, bounds=(1, 50), doc="Steps of an attack in training.")
    temperature = param.Number(2.0, bounds=(0.05, 1000), doc=(
        "Price of unequal weights [nats]: large is uniform, below 1 often hurts."))
    eta = param.Number(0.1, bounds=(0.001, 1), doc=(
        "Share of a step in the moving average; 1 is a softmax within the step."))
    lam = param.Number(1.0, bounds=(0, 1000), doc="Price of the squared change of DONE's attack.")
    c = param.Number(1e-3, bounds=(1e-8, 1), doc="Price of the edges of the box of that attack.")
    imbalance = param.String("auto", doc=(
        "none, step:K or exp:K: rare classes in training; auto is step:5 for shipped images and "
        "none for your own data."))
    epochs = param.Integer(30, bounds=(1, 500), doc="Passes over the training rows.")
    width = param.Integer(64, bounds=(2, 512), doc="Units of each of two hidden layers.")
    most_rows = param.Integer(1100, bounds=(40, 20000), doc=(
        "Rows that are used to train and to test, before classes are made rare."))
    n_seeds = param.Integer(3, bounds=(1, 30), doc="Splits, each with its own networks.")
    apgd_rows = param.Integer(40, bounds=(0, 10000), doc=(
        "Test rows of the first seed that another's attack, APGD, tries too, with DONE and the "
        "baseline, or with all rivals; 0 for none."))
    seed = param.Integer(0, bounds=(0, None), doc="Seed of everything that is drawn.")

    @classmethod
    def conflicts(cls, values: Mapping[str, Any]) -> list[str]:
        """Refuse a missing file, a table for images, and an imbalance that nobody can read."""
        found = [each.replace("data must", "table must") for each in unknown_data(
            values["table"], [])] if values["table"] else unknown_data(values["data"], IMAGE_SETS)
        if not found and not values["table"] and values["data"].lower().endswith(TABULAR):
            found.append(f"data must be images in an .npz file, got {values['data']!r}. Pass it "
                         "as table for a table with a column of classes.")
        if values["imbalance"] != "auto" and imbalance_fault(values["imbalance"]):
            found.append(imbalance_fault(values["imbalance"]))
        return found


@one_torch_thread()
@one_thread()
def run(params: Params) -> Result:
    """Train in four ways on every seed, attack, and compare."""
    rows = _rows(params)
    trials = TRAINED.get(_key(params), lambda: _trained(params, rows))
    return headline(params, rows, trials, tables_of(params, rows, trials))


def is_quick(params: Params) -> bool:
    """Whether a page may compute this as soon as a widget changes."""
    small = params.n_seeds * params.epochs * params.attack_steps * params.most_rows <= 6000
    return (small and not params.apgd_rows) or _key(params) in TRAINED


def read_notes(params: Params) -> tuple[str, ...]:
    """What reading the data interprets and leaves out; refuses what a run could not read."""
    return _rows(params).notes


def _trained(params: Params, rows: Rows) -> Trials:
    how = Settings(eps=params.eps, attack_steps=params.attack_steps,
                   temperature=params.temperature, eta=params.eta, lam=params.lam, c=params.c,
                   epochs=params.epochs, width=params.width, checked_rows=params.apgd_rows,
                   checked_methods=METHODS if params.compare == "rivals" else (BASELINE, OURS))
    imbalance = params.imbalance
    if imbalance == "auto":
        imbalance = "step:5" if not params.table and params.data in IMAGE_SETS else "none"
    return train_methods(rows, COMPARISONS[params.compare], how, imbalance=imbalance,
                         most=params.most_rows,
                         seeds=range(params.seed, params.seed + params.n_seeds))


def _key(params: Params) -> tuple[Any, ...]:
    """What decides trainings."""
    return (_seen(params), *params.values().values())


def _seen(params: Params) -> tuple[int, ...]:
    """When a file was written, and its size."""
    path = Path(params.table or params.data).expanduser()
    return (path.stat().st_mtime_ns, path.stat().st_size) if path.is_file() else ()


def _rows(params: Params) -> Rows:
    if params.table:
        return FILES.get((params.table, params.target, params.scaling, _seen(params)),
                         lambda: read_table(params.table, target=params.target,
                                            scaling=params.scaling))
    return FILES.get((params.data, _seen(params)), lambda: read_images(params.data))
