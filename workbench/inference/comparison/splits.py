"""Which rows train and which test, the same for every model: holdouts, folds, halves, bags.

Splits come from scikit-learn's splitters; they are stratified where labels allow it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from workbench.core import check
from workbench.core.rng import seed_from
from workbench.inference.comparison.arrays import share, source

__all__ = ["BootstrapOOB", "Splits", "each_left_out", "folds", "halves", "holdouts", "same_rows"]


@dataclass(frozen=True, eq=False)
class Splits:
    """Pairs of training and test rows.

    Parameters
    ----------
    pairs : tuple of (array, array)
        Positions of training and of test rows.
    name : str
    overlap : float
        ``n_test / n_train``, what Nadeau and Bengio add for shared training rows; 0 where scores
        do not depend on each other.
    warnings : tuple of str
    """

    pairs: tuple[tuple[np.ndarray, np.ndarray], ...]
    name: str
    overlap: float
    warnings: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.pairs)

    @property
    def test_frac(self) -> float:
        """Share of rows that a split tests on."""
        return self.overlap / (1 + self.overlap)


def holdouts(y: Any, n_splits: int = 1, *, test_frac: float = 0.3, rng: np.random.Generator
             ) -> Splits:
    """Random holdouts; more than one are Monte-Carlo cross-validation.

    Parameters
    ----------
    y : array, shape (n,)
    n_splits : int > 0
    test_frac : float in (0, 1)
    rng : numpy.random.Generator
    """
    from sklearn.model_selection import ShuffleSplit, StratifiedShuffleSplit

    check.whole(1, n_splits=n_splits)
    share(test_frac=test_frac, hint="Pass 0.3.")
    source(rng, "of the splits")
    labels = np.asarray(y)
    n = len(labels)
    tested = int(np.ceil(test_frac * n))
    if not 1 <= tested < n:
        raise ValueError(f"y must have rows to train and to test on, got {n} with "
                         f"test_frac={test_frac:g}. Add rows.")
    classes = _classes(labels, 2)
    fits = classes is not None and min(tested, n - tested) >= classes
    splitter = (StratifiedShuffleSplit if fits else ShuffleSplit)(
        n_splits, test_size=tested, random_state=seed_from(rng))
    name = "holdout" if n_splits == 1 else f"{n_splits} holdouts"
    told = () if n_splits == 1 else (
        "Holdouts share rows, so that their scores depend on each other.",)
    return Splits(_pairs(splitter, labels), name, tested / (n - tested),
                  (*told, *_plain(labels, fits=fits)))


def folds(y: Any, k: int = 10, *, repeats: int = 1, rng: np.random.Generator) -> Splits:
    """Folds, each of them the test set once; `repeats` times with new folds."""
    from sklearn.model_selection import KFold, StratifiedKFold

    labels = np.asarray(y)
    check.whole(1, repeats=repeats)
    check.whole(2, k=k, hint="Pass 10 folds, or 5 for small data.")
    source(rng, "of the folds")
    if k > len(labels):
        raise ValueError(f"k must lie between 2 and the number of rows, {len(labels)}, got {k!r}. "
                         "Pass 10, or 5 for small data.")
    fits = _classes(labels, k) is not None
    splitter: Any = StratifiedKFold if fits else KFold
    pairs = tuple(pair for _ in range(repeats) for pair in _pairs(
        splitter(k, shuffle=True, random_state=seed_from(rng)), labels))
    name = f"{k}-fold" if repeats == 1 else f"{repeats} x {k}-fold"
    return Splits(pairs, name, 1 / (k - 1), _plain(labels, fits=fits))


def halves(y: Any, *, rng: np.random.Generator) -> Splits:
    """Five times two halves, each trained on once: ten splits in the order of ``(5, 2)``."""
    found = folds(y, 2, repeats=5, rng=rng)
    return Splits(found.pairs, "5x2", 1.0, found.warnings)


def each_left_out(y: Any) -> Splits:
    """Every row the test set once."""
    n = len(y)
    if n < 3:
        raise ValueError(f"y must have at least 3 rows to leave one out, got {n}. Add rows.")
    rows = np.arange(n)
    pairs = tuple((np.delete(rows, at), rows[at:at + 1]) for at in rows)
    return Splits(pairs, "leave one out", 1 / (n - 1),
                  ("Leave one out scores single rows, and its training sets are nearly alike.",))


def same_rows(y: Any) -> Splits:
    """All rows train and test: resubstitution, which flatters."""
    rows = np.arange(len(y))
    return Splits(((rows, rows),), "resubstitution", 0.0,
                  ("Scored on its own training rows, which flatters every model.",))


class BootstrapOOB:
    """Splitter of scikit-learn's kind: rows drawn with replacement train, the others test.

    Parameters
    ----------
    n_splits : int > 0
    random_state : int or numpy.random.Generator

    Examples
    --------
    >>> train, test = next(BootstrapOOB(1, random_state=0).split(range(6)))
    >>> bool(set(train) & set(test))
    False
    """

    def __init__(self, n_splits: int = 200, random_state: Any = 0):
        check.whole(1, n_splits=n_splits)
        self.n_splits, self.random_state = n_splits, random_state

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """The number of splits."""
        del X, y, groups
        return self.n_splits

    def counts(self, n: int) -> np.ndarray:
        """How often each split draws each row, shape (n_splits, n): its sample weights."""
        check.whole(1, n=n)
        seed = self.random_state
        rng = seed if isinstance(seed, np.random.Generator) else np.random.default_rng(seed)
        drawn = rng.integers(n, size=(self.n_splits, n))
        flat = drawn + n * np.arange(self.n_splits)[:, None]
        return np.bincount(flat.ravel(), minlength=n * self.n_splits).reshape(self.n_splits, n)

    def split(self, X: Any, y: Any = None, groups: Any = None
              ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield training rows, repeated as drawn, and the rows left out, if there are any."""
        del y, groups
        n = X.shape[0] if hasattr(X, "shape") else len(X)
        rows = np.arange(n)
        for counts in self.counts(n):
            if (counts == 0).any():
                yield np.repeat(rows, counts), rows[counts == 0]


def _classes(labels: np.ndarray, least: int) -> int | None:
    """Number of classes, where labels are classes of at least so many rows each; else None."""
    if labels.dtype.kind == "f" and not np.array_equal(labels, np.round(labels)):
        return None
    different, counts = np.unique(labels, return_counts=True)
    return len(different) if counts.min() >= least else None


def _pairs(splitter: Any, labels: np.ndarray) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
    return tuple(splitter.split(np.zeros((len(labels), 1)), labels))


def _plain(labels: np.ndarray, *, fits: bool) -> tuple[str, ...]:
    """A warning where classes are too rare to be in every part."""
    if fits or labels.dtype.kind not in "OUSb":
        return ()
    return ("Some class is too rare to be in every part, so that splits are not stratified.",)
