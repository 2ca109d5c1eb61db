"""A table, texts or images with something to predict: shipped ones, or the user's own file."""

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from workbench.core import check
from workbench.datasets.class_table import (
    FEWEST,
    FEWEST_OF_CLASS,
    MOST_CLASSES,
    target_column,
)
from workbench.datasets.corpora import fomc_statements
from workbench.datasets.images import IMAGE_SETS, load_images
from workbench.datasets.shipped import open_table
from workbench.datasets.words import words_of
from workbench.reweighting.by_loss.tables import read_table

__all__ = ["EXAMPLES", "Task", "read_example", "read_task"]

ERAS = {"to 2005": "2006-01-01", "2006 to 2013": "2014-01-01", "from 2014": "2099-01-01"}
SHORT, LONG = 40, 400            # letters of a sentence that says something


@dataclass(frozen=True, eq=False)
class Task:
    """Rows and what is to be predicted of them.

    Parameters
    ----------
    kind : {"table", "text", "images"}
    features : DataFrame, list of str, or array, n rows
    y : array, shape (n,)
        Places in `classes`, or numbers.
    classes : tuple of str
        Empty for a number.
    rows : array, shape (n,)
        What each row is called: that of the file, or its place.
    target, name, sha256 : str
    notes : tuple of str
    """

    kind: str
    features: Any
    y: np.ndarray
    classes: tuple[str, ...]
    rows: np.ndarray
    target: str
    name: str
    sha256: str
    notes: tuple[str, ...]

    def taken(self, places: np.ndarray) -> "Task":
        """Some of the rows."""
        features = (self.features.iloc[places] if self.kind == "table" else
                    [self.features[at] for at in places] if self.kind == "text" else
                    self.features[places])
        return Task(self.kind, features, self.y[places], self.classes, self.rows[places],
                    self.target, self.name, self.sha256, self.notes)

    def excerpts(self) -> list[str]:
        """A few words on each row, to find it again."""
        if self.kind == "text":
            return [text[:80] for text in self.features]
        if self.kind == "images":
            return [f"image {row}" for row in self.rows]
        shown = self.features.iloc[:, :3]
        parts = [shown[name].map(lambda cell, name=name: f"{name} {_cell(cell)}")
                 for name in shown]
        return [", ".join(told) for told in zip(*parts, strict=True)]


def read_task(data: str, *, target: str = "", text: str = "", task: str = "auto") -> Task:
    """Read the user's own data, or shipped images or tables by their name.

    Parameters
    ----------
    data : str
        A CSV, TSV or Parquet file, an ``.npz`` file of images and labels, the name of a shipped
        table or of shipped images.
    target : str
        Column to predict, of a table or of texts.
    text : str
        Column of texts; empty for a table.
    task : {"auto", "number", "class"}

    Raises
    ------
    ValueError, FileNotFoundError
        Naming what cannot be read and the remedy.
    """
    if data in IMAGE_SETS or data.lower().endswith(".npz"):
        if text:
            raise ValueError(f"text must be empty for images, got {text!r}. Leave it out.")
        return _images(data)
    if text:
        return _texts(data, target, text)
    found = read_table(data, target=target, task=task)
    return Task("table", found.features, found.y, found.classes,
                found.features.index.to_numpy(), found.target, found.name, found.sha256,
                found.notes)


def read_example(name: str) -> Task:
    """A shipped task: "table" (tumours), "text" (sentences of a central bank), "images"."""
    check.one_of(EXAMPLES, example=name)
    return EXAMPLES[name]()


def _tumours() -> Task:
    from sklearn.datasets import load_breast_cancer

    found = load_breast_cancer()
    table = pd.DataFrame(found.data, columns=[str(one) for one in found.feature_names])
    return Task("table", table, found.target.astype(int), tuple(map(str, found.target_names)),
                np.arange(len(table)), "diagnosis", "tumours", _digest(found.data, found.target),
                ("569 tumours of 30 measurements, part of scikit-learn: is one benign?",))


def _sentences() -> Task:
    statements = fomc_statements()
    texts, labels = [], []
    before = "1900-01-01"
    for at, until in enumerate(ERAS.values()):
        date = statements["date"]
        for text in statements.loc[(date >= before) & (date < until), "text"]:
            own = [one.strip() for one in re.split(r"(?<=[.!?])\s+", text)]
            kept = [one for one in own if SHORT <= len(one) <= LONG]
            texts += kept
            labels += [at] * len(kept)
        before = until
    unique = pd.Series(texts).drop_duplicates().index.to_numpy()
    y = np.asarray(labels)[unique]
    return Task("text", [texts[at] for at in unique], y, tuple(ERAS), unique, "era", "sentences",
                _digest(np.asarray(texts), y),
                ("Sentences of the statements of the Federal Open Market Committee, each once: "
                 "in which years was it said?",))


def _images(data: str) -> Task:
    found = load_images(data)
    inputs = np.concatenate([found.train_inputs, found.test_inputs])
    labels = np.concatenate([found.train_labels, found.test_labels])
    note = ("Training and test part are joined: every split draws test rows of its own.",)
    names = tuple(map(str, range(found.classes)))
    told = tuple(one for one in found.notes if not one.startswith("Training part"))
    return Task("images", inputs, labels.astype(int), names, np.arange(len(labels)), "label",
                found.name, found.sha256, (*told, *note))


def _texts(data: str, target: str, text: str) -> Task:
    opened = open_table(data, {})
    frame = opened.frame.rename(columns=str)
    columns = [str(name) for name in frame]
    told = list(opened.notes)
    if not target and text in columns and len(columns) > 1:
        target = target_column(frame.drop(columns=text), "")
        told.append(f"The target is column {target!r}; pass target= for another.")
    for role, name in (("text", text), ("target", target)):
        if name not in frame:
            raise ValueError(f"{role} must name a column of the data, got {name!r}."
                             f"{check.suggestion(name, columns)} Columns: "
                             f"{', '.join(columns[:20])}.")
    if text == target:
        raise ValueError(f"target must be another column than text, got {target!r} for both. "
                         "Name the column of the labels.")
    words, labels = words_of(frame[text]), words_of(frame[target])
    known = words.notna() & labels.notna()
    counts = labels[known].value_counts()
    classes = sorted(str(one) for one in counts.index[counts >= FEWEST_OF_CLASS])
    kept = known & labels.isin(classes)
    _refuse(target, counts, classes, int(kept.sum()))
    left = len(frame) - int(kept.sum())
    if left:
        told.append(f"{left} {'row was' if left == 1 else 'rows were'} left out: without text, "
                     f"without label, or of a class with fewer than {FEWEST_OF_CLASS} rows.")
    place = {name: at for at, name in enumerate(classes)}
    return Task("text", words[kept].astype(str).tolist(),
                labels[kept].map(place).to_numpy(int), tuple(classes),
                frame.index[kept].to_numpy(), target, opened.name, opened.sha256, tuple(told))


def _refuse(target: str, counts: pd.Series, classes: list[str], rows: int) -> None:
    if not 2 <= len(classes) <= MOST_CLASSES:
        raise ValueError(f"target must hold 2 to {MOST_CLASSES} classes of at least "
                         f"{FEWEST_OF_CLASS} texts each, but {target!r} holds {len(classes)} of "
                         f"{len(counts)} different values. Name another column, or group its "
                         "values.")
    if rows < FEWEST:
        raise ValueError(f"data must give at least {FEWEST} texts with a label, to learn from "
                         f"and to test on, got {rows}. Add rows.")


def _digest(*arrays: np.ndarray) -> str:
    found = hashlib.sha256()
    for array in arrays:
        found.update(np.ascontiguousarray(array).tobytes())
    return found.hexdigest()


def _cell(cell: Any) -> str:
    return f"{cell:.4g}" if isinstance(cell, float) else str(cell)


EXAMPLES: Mapping[str, Callable[[], Task]] = {
    "table": _tumours, "text": _sentences, "images": lambda: _images("digits")}
