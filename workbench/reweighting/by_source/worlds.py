"""Rows of several sources beside trusted ones: digits with more and more wrong labels."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from workbench.core import check

__all__ = ["Sources", "noisy_digits"]


@dataclass(frozen=True, eq=False)
class Sources:
    """Training rows by source, trusted rows to learn weights by, and trusted rows to test on.

    Parameters
    ----------
    x : array of float32, shape (n, p)
    y, group : array, shape (n,)
        Classes or numbers; source of each row, from 0 to K - 1.
    names : tuple of K str
    ahead, test : (array (m, p), array (m,))
        Validation and test rows.
    classes : int
        0 for numbers.
    rows, ahead_rows : array of int, shape (n,) and (m,)
        Rows of the file, or places.
    """

    x: np.ndarray
    y: np.ndarray
    group: np.ndarray
    names: tuple[str, ...]
    ahead: tuple[np.ndarray, np.ndarray]
    test: tuple[np.ndarray, np.ndarray]
    classes: int
    rows: np.ndarray
    ahead_rows: np.ndarray

    @property
    def sizes(self) -> np.ndarray:
        """Rows of each source, shape (K,)."""
        return np.bincount(self.group, minlength=len(self.names))


def noisy_digits(rates: Sequence[float], *, n_validation: int = 150, n_test: int = 500,
                 rng: np.random.Generator) -> Sources:
    """Handwritten digits in sources with shares of random labels.

    Parameters
    ----------
    rates : sequence of float in [0, 1]
        Share of the labels of each source that is drawn anew, uniformly over the ten classes.
    n_validation, n_test : int > 0
        Clean rows; the rest is dealt out to the sources in turn.
    rng : numpy.random.Generator

    Raises
    ------
    ValueError
        If there are fewer than two rates, one is no share, or too few rows are left.

    Examples
    --------
    >>> from workbench.core import generator
    >>> world = noisy_digits([0.0, 0.8], rng=generator(0))
    >>> world.x.shape, world.sizes.tolist()
    ((1147, 64), [574, 573])
    """
    check.whole(1, n_validation=n_validation, n_test=n_test)
    if len(rates) < 2 or not all(check.holds(lambda one: 0 <= one <= 1, one) for one in rates):
        raise ValueError(f"rates must be at least two shares from 0 to 1, got {list(rates)}. Pass "
                         "one for each source, such as [0, 0.4, 0.8].")
    images, labels = _digits()
    left = len(labels) - n_validation - n_test
    if left < 10 * len(rates):
        raise ValueError(f"n_validation and n_test must leave ten rows for each source, got "
                         f"{n_validation} and {n_test} of {len(labels)}. Lower them.")
    order = rng.permutation(len(labels))
    ahead, test, train = np.split(order, [n_validation, n_validation + n_test])
    group = np.arange(left) % len(rates)
    wrong = rng.random(left) < np.asarray(rates, float)[group]
    y = np.where(wrong, rng.integers(10, size=left), labels[train])
    names = tuple(f"no. {at}, {100 * rate:g} % noise" for at, rate in enumerate(rates))
    return Sources(images[train], y, group, names, (images[ahead], labels[ahead]),
                   (images[test], labels[test]), 10, train, ahead)


@cache
def _digits() -> tuple[np.ndarray, np.ndarray]:
    from sklearn.datasets import load_digits

    found = load_digits()
    return (found.data / 16).astype(np.float32), found.target.astype(np.int64)
