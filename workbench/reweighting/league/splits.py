"""Rows to learn from and to test on, as numbers; and trouble that is made on purpose."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from workbench.core import check, generator
from workbench.reweighting.by_loss.tables import numbers_of
from workbench.reweighting.league.tasks import Task

__all__ = ["HELD_OUT", "TRUSTED", "Split", "Trouble", "held_out", "split_task"]

HELD_OUT = 0.3           # share of rows that a split tests on
TRUSTED = 0.1            # share of training rows that stay as they are and are told to learners
FEATURES = 400           # words of texts
FAR = 4.0                # of an outlier [standard deviations]


@dataclass(frozen=True)
class Trouble:
    """What is wrong with the training rows, on purpose; test rows stay as they are.

    Parameters
    ----------
    wrong_labels : float in [0, 1)
        Share of rows with another class, or with the target of another row.
    imbalance : float >= 1
        Largest over smallest class, in training rows; those between fall geometrically.
    outliers : float in [0, 1)
        Share of rows whose inputs are shifted at random by four standard deviations.

    Raises
    ------
    ValueError
        For a number out of range.
    """

    wrong_labels: float = 0.0
    imbalance: float = 1.0
    outliers: float = 0.0

    def __post_init__(self) -> None:
        for name in ("wrong_labels", "outliers"):
            value = getattr(self, name)
            if not check.holds(lambda share: 0 <= share < 1, value):
                raise ValueError(f"{name} must lie in [0, 1), got {value!r}. Pass a share of "
                                 "rows, such as 0.2.")
        if not check.holds(lambda ratio: 1 <= ratio < np.inf, self.imbalance):
            raise ValueError(f"imbalance must be a number >= 1, got {self.imbalance!r}. Pass 1 "
                             "for classes as they come.")


@dataclass(frozen=True, eq=False)
class Split:
    """Arrays of one split.

    Parameters
    ----------
    train, test : array of int
        Places in the task.
    x, y : array, n training rows
    test_x, test_y : array
    trusted : array of bool, shape (n,)
        Training rows without made trouble.
    wrong, outlier : array of bool, shape (n,)
        Training rows with it.
    """

    train: np.ndarray
    test: np.ndarray
    x: np.ndarray
    y: np.ndarray
    test_x: np.ndarray
    test_y: np.ndarray
    trusted: np.ndarray
    wrong: np.ndarray
    outlier: np.ndarray


def held_out(n: int) -> int:
    """How many of n rows a split tests on."""
    return max(1, int(HELD_OUT * n))


def split_task(task: Task, trouble: Trouble, seed: int) -> Split:
    """Divide rows at random, make the trouble, and turn inputs into numbers.

    Raises
    ------
    ValueError
        If classes of numbers are to be imbalanced.
    """
    rng = generator(seed)
    n = len(task.y)
    order = rng.permutation(n)
    held = held_out(n)
    test, train = order[:held], order[held:]
    train = _thinned(task, train, trouble.imbalance, rng)
    m = len(train)
    trusted = np.zeros(m, bool)
    trusted[rng.permutation(m)[:max(2, int(TRUSTED * m))]] = True
    wrong = _chosen(~trusted, trouble.wrong_labels, rng)
    outlier = _chosen(~trusted, trouble.outliers, rng)
    x = _inputs(task, train)
    own, y = x[train], _mislabelled(task, train, wrong, rng)
    if outlier.any():
        spread = own.std(0, keepdims=True)
        shifts = rng.standard_normal((int(outlier.sum()), *own.shape[1:]))
        own[outlier] += (FAR * spread * shifts).astype(own.dtype)
    test_y = task.y[test]
    if not task.classes:
        middle, spread = float(y.mean()), float(y.std()) or 1.0
        y, test_y = (((one - middle) / spread).astype(np.float32) for one in (y, test_y))
    return Split(train, test, own, y, x[test], test_y, trusted, wrong, outlier)


def _thinned(task: Task, train: np.ndarray, ratio: float, rng: np.random.Generator) -> np.ndarray:
    """Training rows with so many of each class that they fall from the largest to the smallest."""
    if ratio == 1:
        return train
    if not task.classes:
        raise ValueError(f"imbalance must be 1 where a number is predicted, got {ratio:g}. "
                         "Numbers have no classes.")
    own = task.y[train]
    counts = np.bincount(own, minlength=len(task.classes))
    largest = int(counts.max())
    ranks = np.argsort(np.argsort(-counts, kind="stable"))
    wanted = largest * ratio ** (-ranks / max(1, len(counts) - 1))
    kept = [rng.permutation(np.flatnonzero(own == at))[:max(2, round(wanted[at]))]
            for at in range(len(counts))]
    return train[np.sort(np.concatenate(kept))]


def _chosen(free: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    found = np.zeros(len(free), bool)
    places = np.flatnonzero(free)
    found[rng.permutation(places)[:round(share * len(places))]] = True
    return found


def _mislabelled(task: Task, train: np.ndarray, wrong: np.ndarray,
                 rng: np.random.Generator) -> np.ndarray:
    y = task.y[train].copy()
    if task.classes:
        shifts = rng.integers(1, len(task.classes), size=int(wrong.sum()))
        y[wrong] = (y[wrong] + shifts) % len(task.classes)
        return y
    y[wrong] = y[rng.permutation(np.flatnonzero(wrong))]
    return y


def _inputs(task: Task, train: np.ndarray) -> np.ndarray:
    """Inputs of all rows as float32; nothing is learnt from rows that are not trained on."""
    if task.kind == "images":
        return np.array(task.features, dtype=np.float32)
    if task.kind == "table":
        return numbers_of(task.features, train)
    return _words(task.features, train)


def _words(texts: Any, train: np.ndarray) -> np.ndarray:
    from sklearn.feature_extraction.text import TfidfVectorizer

    count = TfidfVectorizer(max_features=FEATURES, sublinear_tf=True, min_df=2)
    try:
        count.fit([texts[at] for at in train])
    except ValueError:
        raise ValueError("text must hold words that come in at least two of the training texts, "
                         "but no word does. Name the column of the texts, or give more "
                         "of them.") from None
    found: np.ndarray = count.transform(texts).toarray().astype(np.float32)
    return found * np.float32(np.sqrt(found.shape[1]))     # as large as standardised numbers
