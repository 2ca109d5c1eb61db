"""Which labels are wrong, and what do they cost? Losses rescaled by a network that learns along.

Spam or digits with flipped labels, where the truth is known; or any table of texts or features
with labels of the user's own, whose rows come back ranked, with a second opinion. Every score
stands beside that of uniform weights, with intervals over trainings.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import param

from workbench.core import Column, Result
from workbench.core import Params as Declared
from workbench.core.recent import Recent
from workbench.core.threads import one_thread
from workbench.datasets import NoisyLabels, load_noisy_labels, unknown_data
from workbench.datasets.noisy_labels import SPAM, TEXTS, load_spam
from workbench.reweighting import Storm
from workbench.studies.views.rescaling import PRESETS, VIEW, downloads, figures
from workbench.studies.views.rescaling_words import headline
from workbench.train.threads import one_thread as one_torch_thread

__all__ = ["PRESETS", "SMOKE", "TITLE", "VIEW", "Params", "downloads", "figures", "is_quick",
           "read_notes", "run"]

TITLE = "Meta rescaling"
SMOKE = {"epochs": 2, "trainings": 2, "batch_size": 256}
SHIPPED = (*SPAM, "digits")
FILES: Recent[NoisyLabels] = Recent(4)
TRIALS: Recent[Any] = Recent(8)
LABELS = ("label", "target", "class", "y", "category")


class Params(Declared):
    """Which labels, how many of them wrong, and how rows are rescaled."""

    paths = frozenset({"data"})
    files: ClassVar = {"data": "table"}
    columns: ClassVar = {"text": Column("name", names=TEXTS),
                         "label": Column("name", names=LABELS),
                         "truth": Column("name", names=("true_label", "truth", "gold"))}

    data = param.String("youtube-spam", doc=(
        f"Shipped set ({', '.join(SHIPPED)}), or the path of a CSV or Parquet file with labels "
        "that may be wrong."))
    text = param.String("", doc=(
        "Column of texts; empty takes one that is plainly text, else other columns are features."))
    label = param.String("", doc="Column of labels; empty takes a usual name, or the last.")
    truth = param.String("", doc=(
        "Column of true labels, where some are known, to judge by; empty for none."))
    noise_rate = param.Number(0.3, bounds=(0, 0.5), doc=(
        "Share of the training labels of a shipped set that are flipped."))
    noise = param.Selector(default="symmetric", objects=["symmetric", "class-dependent"], doc=(
        "Flipped to any other class alike, or always to the next one."))
    strength = param.Number(1.0, bounds=(0, 1), doc=(
        "How far scales count; 0 gives equal weights, beside which scales are still learnt."))
    inner = param.Selector(default="sign", objects=["sign", "sgd"], doc=(
        "Step of the look ahead: by signs as published, or gradient descent with Adam behind."))
    passes = param.Integer(3, bounds=(1, 10), doc="Forward passes that describe a row.")
    per_class = param.Boolean(default=True, doc="Whether each class has a rescaler of its own.")
    rescales_meta = param.Boolean(default=True, doc=(
        "Whether the rows looked at are rescaled, too."))
    learning_rate = param.Number(0.05, bounds=(1e-4, 1), doc="Rate of the network.")
    rescaler_rate = param.Number(0.01, bounds=(1e-4, 1), doc="Rate of the rescaler.")
    width = param.Integer(0, bounds=(0, 256), doc="Hidden units; 0 is a linear network.")
    epochs = param.Integer(6, bounds=(1, 100), doc="Passes over the rows.")
    batch_size = param.Integer(32, bounds=(2, 512), doc="Rows of a step.")
    trainings = param.Integer(3, bounds=(2, 30), doc=(
        "Trainings of each kind: other flips, or other rows of a file that are tested on."))
    seed = param.Integer(0, bounds=(0, None), doc="Seed of flips, networks and orders.")

    @classmethod
    def conflicts(cls, values: Mapping[str, Any]) -> list[str]:
        """Refuse a missing file, and columns of a set that has none to choose."""
        found = unknown_data(values["data"], list(SHIPPED))
        named = [name for name in ("text", "label", "truth") if values[name]]
        if values["data"] in SHIPPED and named:
            found.append(f"{named[0]} must be empty for the shipped set {values['data']!r}, got "
                         f"{values[named[0]]!r}. Name columns of a file of your own.")
        return found


@one_torch_thread()
@one_thread()
def run(params: Params) -> Result:
    """Train with the rescaler and without, and rank labels by how much they are suspected."""
    rows = None if params.data in SHIPPED else _rows(params)
    trials = TRIALS.get(_key(params, rows), lambda: _trials(params, rows))
    return headline(params, trials, rows, _texts(params))


def is_quick(params: Params) -> bool:
    """Whether a page may compute this as soon as a widget changes."""
    if params.data not in SHIPPED:
        return False
    return _key(params, None) in TRIALS


def read_notes(params: Params) -> tuple[str, ...]:
    """What reading the file interprets and leaves out; refuses what a run could not read."""
    return () if params.data in SHIPPED else _rows(params).notes


def _trials(params: Params, rows: NoisyLabels | None) -> Any:
    from workbench.reweighting.by_meta.experiment import Settings, train_own, train_shipped

    weighter = Storm(strength=params.strength, inner=params.inner, passes=params.passes,
                     per_class=params.per_class, rescales_meta=params.rescales_meta,
                     rate=params.rescaler_rate)
    settings = Settings(weighter, params.learning_rate, params.epochs, params.batch_size,
                        params.width)
    if rows is not None:
        return train_own(rows, settings, count=params.trainings, seed=params.seed)
    seeds = [int(each) for each in params.seed + np.arange(params.trainings)]
    return train_shipped(params.data, settings, seeds=seeds, noise_rate=params.noise_rate,
                         noise=params.noise)


def _texts(params: Params) -> list[str] | None:
    """Texts of the training rows of a shipped set that has some."""
    if params.data not in SPAM:
        return None
    return list(load_spam(params.data)["train"].texts)


def _key(params: Params, rows: NoisyLabels | None) -> tuple[Any, ...]:
    """What decides trainings."""
    values = params.values()
    told = [values[name] for name in values if name not in ("data", "text", "label", "truth")]
    return (params.data if rows is None else rows.sha256, *told)


def _rows(params: Params) -> NoisyLabels:
    path = Path(params.data).expanduser()
    seen = (path.stat().st_mtime_ns, path.stat().st_size) if path.is_file() else ()
    key = (params.data, params.text, params.label, params.truth, seen)
    return FILES.get(key, lambda: load_noisy_labels(
        params.data, text=params.text, label=params.label, truth=params.truth))
