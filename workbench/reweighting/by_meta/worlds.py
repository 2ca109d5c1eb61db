"""Rows to train on with labels of which some are wrong: shipped ones, flipped, or the user's."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from workbench.core import check, generator
from workbench.datasets.noisy_labels import SPAM, NoisyLabels, load_spam
from workbench.reweighting.by_loss.tables import numbers_of

__all__ = ["BUDGET", "NOISES", "SHIPPED", "World", "dense", "encoded", "flipped", "folds",
           "quality", "shipped_world"]

SHIPPED = (*SPAM, "digits")
NOISES = ("symmetric", "class-dependent")
BUDGET = 2 ** 29         # bytes of a dense matrix of features
WORDS = 5000             # of a vocabulary at most
RARE = 0.3               # share of a class of two below which it is judged by F1


@dataclass(frozen=True, eq=False)
class World:
    """Rows in three parts.

    Parameters
    ----------
    x : array of float32, shape (n, p)
        Of all rows.
    given : array of int, shape (n,)
        Labels to train on.
    truth : array of int, shape (n,)
        Labels to be judged by, where they are known; else the given ones.
    train, valid, test : arrays of int
        Positions; `valid` may be empty.
    classes : tuple of str
    rare : int or None
        Class by whose F1 a network is judged; None is by accuracy.
    known : array of bool, shape (n,), or None
        Rows whose true label is known; None is all.
    """

    x: np.ndarray
    given: np.ndarray
    truth: np.ndarray
    train: np.ndarray
    valid: np.ndarray
    test: np.ndarray
    classes: tuple[str, ...]
    rare: int | None = None
    known: np.ndarray | None = None

    @property
    def wrong(self) -> np.ndarray:
        """Whether each training row has another label than the true one, shape (train,)."""
        return np.asarray(self.given[self.train] != self.truth[self.train])

    @property
    def told(self) -> np.ndarray:
        """Whether the true label of each training row is known, shape (train,)."""
        return np.ones(len(self.train), bool) if self.known is None else self.known[self.train]


def shipped_world(name: str, *, noise_rate: float, noise: str = "symmetric", seed: int = 0
                  ) -> World:
    """A shipped set whose training labels are flipped; those of the other parts stay clean.

    Parameters
    ----------
    name : {"youtube-spam", "sms-spam", "digits"}
    noise_rate : float in [0, 0.5]
        Share of the training rows that get another label.
    noise : {"symmetric", "class-dependent"}
        Any other class alike, or always the next one.
    seed : int >= 0
        Of the flips.
    """
    check.one_of(SHIPPED, name=name)
    x, y, sizes, classes = _digits() if name == "digits" else _spam(name)
    ends = np.cumsum(sizes)
    train, valid, test = np.split(np.arange(len(y)), ends[:2])
    given = y.copy()
    given[train] = flipped(y[train], len(classes), rate=noise_rate, noise=noise,
                           rng=generator(seed))
    return World(x, given, y, train, valid, test, classes, 1 if name == "sms-spam" else None)


def flipped(y: np.ndarray, classes: int, *, rate: float, noise: str = "symmetric",
            rng: np.random.Generator) -> np.ndarray:
    """Labels of which a share, to a row, is another class.

    Examples
    --------
    >>> y = np.zeros(10, int)
    >>> int((flipped(y, 2, rate=0.3, rng=generator(0)) != y).sum())
    3
    """
    check.one_of(NOISES, noise=noise)
    if not check.holds(lambda share: 0 <= share <= 0.5, rate):
        raise ValueError(f"rate must lie in [0, 0.5], got {rate!r}. Pass a share such as 0.3.")
    chosen = rng.choice(len(y), size=round(rate * len(y)), replace=False)
    moved = rng.integers(1, classes, size=len(chosen)) if noise == "symmetric" else 1
    found = y.copy()
    found[chosen] = (y[chosen] + moved) % classes
    return found


def encoded(rows: NoisyLabels) -> np.ndarray:
    """The user's rows as float32, shape (n, p): TF-IDF of words, or features as numbers.

    Words are counted and numbers standardised over all rows, whose labels play no part in it.

    Raises
    ------
    ValueError
        If the matrix would be larger than 512 MiB, or if texts have no word.
    """
    if rows.features is not None:
        return numbers_of(rows.features, np.arange(len(rows.y)))
    from sklearn.feature_extraction.text import TfidfVectorizer

    counter = TfidfVectorizer(max_features=WORDS, dtype=np.float32)
    try:
        return dense(counter.fit_transform(rows.texts))
    except ValueError as trouble:
        if "vocabulary" not in str(trouble):
            raise
        raise ValueError("text must hold words of two letters or more, but no text does. Name "
                         "another column.") from trouble


def dense(matrix: Any) -> np.ndarray:
    """A sparse or dense matrix as a dense one of float32.

    Raises
    ------
    ValueError
        Above 512 MiB.
    """
    n, p = matrix.shape
    if 4 * n * p > BUDGET:
        raise ValueError(f"data must fit into {BUDGET >> 20} MiB as a dense matrix, got {n} rows "
                         f"of {p} features, {4 * n * p >> 20} MiB. Pass fewer rows or words.")
    found = matrix.toarray() if hasattr(matrix, "toarray") else np.asarray(matrix)
    return found.astype(np.float32, copy=False)


def folds(rows: NoisyLabels, x: np.ndarray, count: int, seed: int) -> list[World]:
    """The user's rows, each of which is tested on in one of several worlds, and else trained on.

    True labels, where they are told, judge; given ones elsewhere.
    """
    order = generator(seed).permutation(len(rows.y))
    order = order[np.argsort(rows.y[order], kind="stable")]      # classes are spread evenly
    known = None if rows.wrong is None else np.isfinite(rows.wrong)
    truth = rows.y if rows.truth is None or known is None else np.where(
        known, rows.truth, rows.y)
    shares = np.bincount(rows.y) / len(rows.y)
    rare = int(shares.argmin()) if len(shares) == 2 and shares.min() < RARE else None
    found = []
    for number in range(count):
        held = np.zeros(len(order), bool)
        held[order[number::count]] = True
        found.append(World(x, rows.y, truth, np.flatnonzero(~held), np.array([], int),
                           np.flatnonzero(held), rows.classes, rare, known))
    return found


def quality(world: World) -> Callable[[np.ndarray, np.ndarray], float]:
    """How predictions are judged [percent]: accuracy, or F1 of the rare class."""
    def judged(truth: np.ndarray, predicted: np.ndarray) -> float:
        if world.rare is None:
            return 100 * float((truth == predicted).mean())
        right = float(((truth == world.rare) & (predicted == world.rare)).sum())
        named = float((truth == world.rare).sum() + (predicted == world.rare).sum())
        return 100 * 2 * right / named if named else 0.0
    return judged


def _spam(name: str) -> tuple[np.ndarray, np.ndarray, list[int], tuple[str, ...]]:
    parts = list(load_spam(name).values())
    x = np.concatenate([dense(part.weights) for part in parts])
    y = np.concatenate([part.y for part in parts])
    return x, y, [len(part.y) for part in parts], ("no spam", "spam")


def _digits() -> tuple[np.ndarray, np.ndarray, list[int], tuple[str, ...]]:
    from sklearn.datasets import load_digits

    images, y = load_digits(return_X_y=True)
    return (images / 16).astype(np.float32), y.astype(np.int64), [1024, 273, 500], tuple(
        map(str, range(10)))
