"""Rows with classes, inputs in [0, 1], and an imbalance of their own or a simulated one."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from workbench.core import check, generator
from workbench.datasets.class_table import load_class_table
from workbench.datasets.images import IMAGE_SETS, load_images
from workbench.datasets.imbalance import PROFILES, subsample_imbalanced
from workbench.reweighting.by_class.class_weights import rare_classes
from workbench.reweighting.by_loss.tables import numbers_of

__all__ = ["OWN", "Rows", "Split", "own_profile", "read_rows", "split_rows"]

OWN = "own"              # the imbalance that the data have
TRAIN_SHARE = 0.6
FEWEST = 5               # rows of a class, to train and to test on


@dataclass(frozen=True, eq=False)
class Rows:
    """All rows of a data set.

    Parameters
    ----------
    inputs : array, shape (n, p)
        Of images: in [0, 1], divided by the range of all pixels. Of a table: None; see `table`.
    y : array of int, shape (n,)
    classes : tuple of str
    name, sha256 : str
    notes : tuple of str
    table : DataFrame or None
        Features of a table, which each split scales by its own training rows.
    """

    inputs: np.ndarray | None
    y: np.ndarray
    classes: tuple[str, ...]
    name: str
    sha256: str
    notes: tuple[str, ...]
    table: object = None


@dataclass(frozen=True, eq=False)
class Split:
    """Training and test rows of one seed.

    Parameters
    ----------
    train_x, test_x : array of float32, shape (n, p)
        In [0, 1].
    train_y, test_y : array of int, shape (n,)
    counts : array of int, shape (c,)
        Training rows of each class.
    rare : array of bool, shape (c,)
    """

    train_x: np.ndarray
    train_y: np.ndarray
    test_x: np.ndarray
    test_y: np.ndarray
    counts: np.ndarray
    rare: np.ndarray


def read_rows(data: str, *, target: str = "") -> Rows:
    """Read images or a table.

    Parameters
    ----------
    data : str
        One of the shipped sets of images, an .npz file of images and labels, or a CSV, TSV or
        Parquet file.
    target : str
        Column of the classes of a table.

    Raises
    ------
    ValueError, FileNotFoundError
        Naming what cannot be read and the remedy.
    """
    if data in IMAGE_SETS or Path(data).suffix == ".npz":
        return _images(data)
    table = load_class_table(data, target=target)
    return _enough(Rows(None, table.y, table.classes, table.name, table.sha256, (
        *table.notes, "Each feature is scaled by its lowest and highest training value to 0 and "
        "1, and test values beyond are cut; eps is in that unit."), table.features))


def _images(data: str) -> Rows:
    # files are often sorted by class, and parts are joined again below
    found = load_images(data, rng=None if data in IMAGE_SETS else generator(0))
    x = np.concatenate([found.train_inputs, found.test_inputs])
    y = np.concatenate([found.train_labels, found.test_labels])
    present, codes = np.unique(y, return_inverse=True)
    low, high = float(x.min()), float(x.max())
    ends = [round(one * found.spread + found.centre, 3) + 0.0 for one in (low, high)]
    told = f"Pixels from {ends[0]:g} to {ends[1]:g} become 0 to 1; eps is in that unit."
    kept = [note for note in found.notes
            if not note.startswith(("Training part", "Classes without"))]
    scaled = ((x - low) / (high - low)).reshape(len(x), -1).clip(0, 1).astype(np.float32)
    return _enough(Rows(scaled, codes, tuple(str(one) for one in present), found.name,
                        found.sha256, (*kept, told)))


def _enough(rows: Rows) -> Rows:
    counts = np.bincount(rows.y, minlength=len(rows.classes))
    if len(rows.classes) < 2 or counts.min() < FEWEST:
        at = int(counts.argmin())
        raise ValueError(f"data must have at least two classes of {FEWEST} rows each, but "
                         f"{rows.classes[at]!r} has {counts[at]}. Add rows, or leave it out.")
    return rows


def split_rows(rows: Rows, *, profile: str = "step", factor: float = 10.0,
               largest: int = 0, rare_below: float = 0.5, seed: int = 0) -> Split:
    """Draw training and test rows; the training rows are thinned, the test rows are not.

    Parameters
    ----------
    rows : Rows
    profile : {"own", "step", "exp"}
        "own" keeps the shares of the classes.
    factor : float >= 1
        Largest over smallest class, where it is simulated.
    largest : int >= 0
        Most training rows of a class; 0 for as many as there are. "own" thins all classes by
        the same factor, so that they stay as unequal as they are.
    rare_below : float in (0, 1]
        Classes with fewer rows than this share of the largest are rare.
    seed : int >= 0

    Raises
    ------
    ValueError
        If no class is rare, or all are.
    """
    check.one_of((OWN, *PROFILES), profile=profile)
    check.whole(0, largest=largest)
    rng = generator(seed)
    train, test = _stratified(rows.y, rng)
    there = np.bincount(rows.y[train])
    if profile == OWN:
        kept = np.sort(np.concatenate([
            rng.permutation(np.flatnonzero(rows.y[train] == each))[:count]
            for each, count in enumerate(_thinned(there, largest))]))
    else:
        most = min(largest or int(there.min()), int(there.min()))
        kept, _ = subsample_imbalanced(rows.y[train], profile, factor, largest=most, rng=rng)
    chosen = train[kept]
    counts = np.bincount(rows.y[chosen], minlength=len(there))
    rare = rare_classes(counts, rare_below)
    if not rare.any():
        raise ValueError(f"data must have a class with fewer than {rare_below:g} times the "
                         f"{counts.max()} training rows of the largest, but the smallest has "
                         f"{counts.min()}. Pass profile='step', or a larger rare_below.")
    x = rows.inputs if rows.inputs is not None else _scaled(rows, chosen)
    return Split(x[chosen], rows.y[chosen], x[test], rows.y[test], counts, rare)


def own_profile(rows: Rows, *, largest: int = 0, rare_below: float = 0.5) -> bool:
    """Whether a class is rare without any simulation; see `split_rows`."""
    there = _training_counts(np.bincount(rows.y, minlength=len(rows.classes)))
    return bool(rare_classes(_thinned(there, largest), rare_below).any())


def _training_counts(sizes: np.ndarray) -> np.ndarray:
    counts: np.ndarray = np.maximum(1, (TRAIN_SHARE * sizes).astype(np.int64))
    return counts


def _thinned(counts: np.ndarray, largest: int) -> np.ndarray:
    """Counts that stay as unequal as they are, with at most `largest` rows, or all for 0."""
    most = int(counts.max())
    if not 0 < largest < most:
        return counts
    thinned: np.ndarray = np.maximum(1, counts * largest // most)
    return thinned


def _stratified(y: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """The same share of each class, so that classes have equally many rows in all splits."""
    parts = [rng.permutation(np.flatnonzero(y == each)) for each in range(int(y.max()) + 1)]
    cuts = _training_counts(np.array([len(part) for part in parts]))
    train, test = (np.sort(np.concatenate(some)) for some in zip(*[
        (part[:cut], part[cut:]) for part, cut in zip(parts, cuts, strict=True)], strict=True))
    return train, test


def _scaled(rows: Rows, train: np.ndarray) -> np.ndarray:
    """Features of a table between 0 and 1, by the training rows."""
    # all rows decide the columns, so that splits have equally many
    numbers = numbers_of(rows.table, train,                      # type: ignore[arg-type]
                         columns_by=np.arange(len(rows.y))).astype(np.float64)
    low, high = numbers[train].min(0), numbers[train].max(0)
    span = np.where(high > low, high - low, 1.0)
    scaled: np.ndarray = ((numbers - low) / span).clip(0, 1).astype(np.float32)
    return scaled
