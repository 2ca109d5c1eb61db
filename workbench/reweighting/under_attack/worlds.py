"""Rows to train on under attack: shipped images, the user's own, or a table with classes.

Images are scaled to the unit interval, so that `eps` is a share of the range of a pixel. Features
of a table are in standard deviations of the training rows, or in the unit interval of their range.
Classes may be thinned out, to see who suffers.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from workbench.core import check, generator
from workbench.datasets.class_table import load_class_table
from workbench.datasets.image_arrays import both_parts, content_digest, open_archive
from workbench.datasets.images import IMAGE_SETS, load_images
from workbench.reweighting.by_loss.tables import numbers_of
from workbench.train.ranges import Clip

__all__ = ["SCALINGS", "Problem", "Rows", "imbalance_fault", "kept_rows", "read_images",
           "read_table", "split"]

SCALINGS = ("standard deviations", "unit interval")
TRAIN_SHARE = 0.6
LARGEST = {"digits": 16.0}      # of a pixel, where it is neither 1 nor 255
FEWEST = 4                      # rows of a class, to train and to test on


@dataclass(frozen=True, eq=False)
class Rows:
    """Labelled rows before they are split.

    Parameters
    ----------
    x : array, shape (n, ...), or DataFrame, shape (n, p)
        Images in the unit interval, or features as they were read.
    y : array of int, shape (n,)
    test : (array, array) or None
        Rows that the data bring to test on.
    classes : tuple of str
    scaling : str
        "unit interval", or for a table one of `SCALINGS`.
    name, sha256 : str
    notes : tuple of str
    """

    x: np.ndarray | pd.DataFrame
    y: np.ndarray
    test: tuple[np.ndarray, np.ndarray] | None
    classes: tuple[str, ...]
    scaling: str
    name: str
    sha256: str
    notes: tuple[str, ...]

    @property
    def clip(self) -> Clip:
        """Range that inputs stay in."""
        return (0.0, 1.0) if self.scaling == "unit interval" else None


@dataclass(frozen=True, eq=False)
class Problem:
    """One split: float32 inputs, shape (n, ...), and labels, shape (n,), to train and to test."""

    train: tuple[np.ndarray, np.ndarray]
    test: tuple[np.ndarray, np.ndarray]


def read_images(data: str) -> Rows:
    """Images and labels of a shipped set, or of an ``.npz`` file, in the unit interval.

    Raises
    ------
    ValueError, FileNotFoundError
        Naming what cannot be read and the remedy.

    Examples
    --------
    >>> rows = read_images("digits")
    >>> rows.x.shape, float(rows.x.max()), len(rows.classes)
    ((1797, 1, 8, 8), 1.0, 10)
    """
    test, notes = None, list[str]()
    if data in IMAGE_SETS:
        found = load_images(data)
        x = np.concatenate([found.train_inputs, found.test_inputs])
        x = x * np.float32(found.spread) + np.float32(found.centre)
        y = np.concatenate([found.train_labels, found.test_labels])
        sha256 = found.sha256
    else:
        own, other = both_parts(open_archive(Path(data).expanduser()))
        x, y, sha256 = own.inputs, own.labels, content_digest((own, other))
        notes += [*own.notes]
        test = None if other is None else (other.inputs, other.labels)
    low, width = _range([x] if test is None else [x, test[0]], LARGEST.get(data, 0.0))
    if test is not None:
        test = _scaled(test[0], low, width), test[1].astype(np.int64)
    if (low, width) not in ((0.0, 1.0), (0.0, 255.0)):
        notes.append(f"Pixels from {low:g} to {low + width:g} were scaled to the unit interval.")
    y = y.astype(np.int64)
    k = 1 + int(max([y.max(), *([] if test is None else [test[1].max()])]))
    rows = Rows(_scaled(x, low, width), y, test, tuple(map(str, range(k))), "unit interval",
                Path(data).stem, sha256, tuple(notes))
    _refuse_small(rows)
    return rows


def read_table(data: str, *, target: str = "", scaling: str = SCALINGS[0]) -> Rows:
    """Features and classes of a CSV, TSV or Parquet file.

    Raises
    ------
    ValueError, FileNotFoundError
        Naming what cannot be read and the remedy.
    """
    check.one_of(SCALINGS, scaling=scaling)
    found = load_class_table(data, target=target)
    words = [str(name) for name in found.features if found.features[name].dtype == object]
    unit = "one standard deviation" if scaling == SCALINGS[0] else "the range"
    notes = [*found.notes, f"eps is in units of {unit} of each feature over the training rows."]
    if words:
        notes.append("Attacks also move the 0 and 1 of categories, here "
                     f"{', '.join(map(repr, words[:5]))}: leave such columns out if nobody can.")
    rows = Rows(found.features, found.y, None, found.classes, scaling, found.name, found.sha256,
                tuple(notes))
    _refuse_small(rows)
    return rows


def split(rows: Rows, *, seed: int, imbalance: str = "none", most: int = 10 ** 6) -> Problem:
    """A part to train on, thinned out class by class, and a part to test on.

    Parameters
    ----------
    rows : Rows
    seed : int >= 0
        Of the split, 60 to 40 within each class, and of who is thinned out.
    imbalance : str
        See :func:`kept_rows`; of the training part alone.
    most : int > 0
        Rows of each part, the first of a random order.
    """
    rng = generator(seed)
    order = rng.permutation(len(rows.y))
    if rows.test is None:
        place = np.empty(len(order))
        for k in range(len(rows.classes)):
            own = order[rows.y[order] == k]
            place[own] = (np.arange(len(own)) + 0.5) / max(1, len(own))
        train, test = (order[part] for part in (place[order] < TRAIN_SHARE,
                                                place[order] >= TRAIN_SHARE))
    else:
        train, test = order, rng.permutation(len(rows.test[1]))
    train, test = train[:most], test[:most]
    kept = train[kept_rows(rows.y[train], imbalance, classes=len(rows.classes))]
    if isinstance(rows.x, pd.DataFrame):
        x = numbers_of(rows.x, kept)
        if rows.scaling == "unit interval":
            x = _unit(x, kept)
        return Problem((x[kept], rows.y[kept]), (x[test], rows.y[test]))
    tested = (rows.x[test], rows.y[test]) if rows.test is None else (
        rows.test[0][test], rows.test[1][test])
    return Problem((rows.x[kept], rows.y[kept]), tested)


def kept_rows(y: np.ndarray, imbalance: str, *, classes: int) -> np.ndarray:
    """Positions of rows that stay, in their order.

    Parameters
    ----------
    y : array of int, shape (n,)
    imbalance : str
        "none"; "step:5", in which the later half of the classes keeps a fifth of the rows of the
        others; or "exp:10", in which numbers fall from class to class, to a tenth at the last.
        With either, no class keeps more than the smallest has.
    classes : int > 1

    Examples
    --------
    >>> y = np.repeat([0, 1, 2, 3], 10)
    >>> [int((y[kept_rows(y, "step:5", classes=4)] == k).sum()) for k in range(4)]
    [10, 10, 2, 2]
    """
    fault = imbalance_fault(imbalance)
    if fault:
        raise ValueError(fault)
    if imbalance == "none":
        return np.arange(len(y))
    kind, ratio = imbalance.split(":")
    counts = np.bincount(y, minlength=classes)
    place = np.arange(classes)
    shares = (np.where(place < (classes + 1) // 2, 1.0, 1 / float(ratio)) if kind == "step" else
              float(ratio) ** (-place / max(1, classes - 1)))
    wanted = np.maximum(1, np.floor(counts[counts > 0].min() * shares + 1e-9)).astype(int)
    rank = np.zeros(len(y), dtype=int)
    for k in range(classes):
        rank[y == k] = np.arange(counts[k])
    return np.flatnonzero(rank < wanted[y])


def imbalance_fault(imbalance: str) -> str:
    """A sentence if a profile cannot be read; else nothing."""
    found = re.fullmatch(r"(?:step|exp):(\d+(?:\.\d+)?)", imbalance)
    if imbalance == "none" or (found and 1 <= float(found[1]) <= 1000):
        return ""
    return (f"imbalance must be none, step:K or exp:K with K from 1 to 1000, got {imbalance!r}. "
            "Pass step:5, for instance.")


def _range(parts: list[np.ndarray], largest: float) -> tuple[float, float]:
    """Lowest value and width that become the unit interval, in all parts."""
    shapes, tops = {part.shape[1:] for part in parts}, [float(part.max()) for part in parts]
    low, high = min(float(part.min()) for part in parts), max(tops)
    other_unit = low >= 0 and min(tops) <= 1 and len(parts) > 1 and high > 16
    if len(shapes) > 1 or low == high or other_unit:
        told = "; ".join(f"{part.shape[1:]} from {part.min():g} to {part.max():g}"
                         for part in parts)
        raise ValueError("images must vary, and have one shape and one unit in all parts, got "
                         f"{told}. Write all pixels alike, from 0 to 1 or from 0 to 255.")
    if low < -1e-3:
        return low, high - low
    for top in (largest, 1.0, 255.0):
        if top and high <= top * (1 + 1e-4) and (top < 200 or high > 16):
            return 0.0, top
    return 0.0, high


def _scaled(x: np.ndarray, low: float, width: float) -> np.ndarray:
    return np.clip((x.astype(np.float32) - np.float32(low)) / np.float32(width), 0, 1)


def _unit(x: np.ndarray, kept: np.ndarray) -> np.ndarray:
    low, high = x[kept].min(0), x[kept].max(0)
    return np.clip((x - low) / np.where(high > low, high - low, 1), 0, 1).astype(np.float32)


def _refuse_small(rows: Rows) -> None:
    counts = np.bincount(rows.y, minlength=len(rows.classes))
    least = FEWEST if rows.test is None else 1
    if (counts < least).any() or len(counts) < 2:
        few = [name for name, count in zip(rows.classes, counts, strict=True) if count < least]
        raise ValueError(f"data must have at least two classes of {least} rows each, but of "
                         f"{', '.join(few[:9]) or 'all but one'} there are fewer. Leave such "
                         "classes out and number the others from 0.")
