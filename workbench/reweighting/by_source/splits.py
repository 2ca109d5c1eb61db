"""Rows of the user's table to train on, to learn source weights by and to test on; the mixture."""

import numpy as np
import pandas as pd

from workbench.core import generator
from workbench.reweighting.by_loss.tables import numbers_of
from workbench.reweighting.by_source.allocation import allocate
from workbench.reweighting.by_source.tables import SourceTable
from workbench.reweighting.by_source.worlds import Sources

__all__ = ["mixture_of", "most_rows", "split_sources"]

FEWEST_TRUSTED, FEWEST_OF_SOURCE = 20, 5
WORDS = 300              # of a text column that get a feature of their own
LOUD = 8.0               # of a word's frequency: its size beside standardised numbers


def split_sources(table: SourceTable, share: float, seed: int) -> Sources:
    """Rows to train on by source; of the trusted ones half to learn weights by, half to test.

    Parameters
    ----------
    table : SourceTable
    share : float in (0, 1)
        Of the rows, drawn at random, where no column says which are trusted.
    seed : int >= 0

    Raises
    ------
    ValueError
        If too few rows are trusted, or a source has too few rows left.
    """
    rng, n = generator(seed), len(table.y)
    marked = np.zeros(n, bool)
    if table.trusted is None:
        marked[rng.permutation(n)[:round(share * n)]] = True
    else:
        marked = table.trusted
    held = rng.permutation(np.flatnonzero(marked))
    train = np.flatnonzero(~marked)
    if len(held) < FEWEST_TRUSTED:
        raise ValueError(f"validation must give at least {FEWEST_TRUSTED} trusted rows, half to "
                         f"learn weights by and half to test on, got {len(held)}. Mark more "
                         "rows, or raise the share.")
    counts = np.bincount(table.group[train], minlength=len(table.names))
    if counts.min() < FEWEST_OF_SOURCE:
        raise ValueError(f"every source must have at least {FEWEST_OF_SOURCE} training rows, but "
                         f"{table.names[int(counts.argmin())]!r} has {counts.min()}. Add rows, "
                         "or join it with another.")
    x, y = _inputs(table, train), table.y.astype(float)
    if not table.classes:
        spread = float(y[train].std()) or 1.0
        y = (y - y[train].mean()) / spread
    ahead, test = np.array_split(held, 2)
    places = table.features.index.to_numpy()
    return Sources(x[train], y[train], table.group[train], table.names, (x[ahead], y[ahead]),
                   (x[test], y[test]), len(table.classes), places[train], places[ahead])


def _inputs(table: SourceTable, train: np.ndarray) -> np.ndarray:
    """Features as numbers, and words of a text by frequency; all learnt from training rows."""
    parts = [numbers_of(table.features, train)] if table.features.shape[1] else []
    if table.texts is not None:
        from sklearn.feature_extraction.text import TfidfVectorizer

        words = TfidfVectorizer(max_features=WORDS, sublinear_tf=True)
        try:
            words.fit(table.texts.iloc[train])
        except ValueError as trouble:
            raise ValueError(f"text must hold words in the training rows, got none: {trouble}. "
                             "Name another column.") from trouble
        parts.append(words.transform(table.texts).toarray().astype(np.float32) * LOUD)
    return np.column_stack(parts)


def most_rows(weights: np.ndarray, sizes: np.ndarray) -> int:
    """Rows that can be taken by weights before the first source runs out.

    Examples
    --------
    >>> most_rows(np.array([0.5, 0.5]), np.array([10, 30]))
    20
    """
    some = weights > 0
    found = int(np.floor((sizes[some] / weights[some]).min() + 1e-9))
    while found > 1 and (allocate(weights, sizes, found, "repeat") > sizes).any():
        found -= 1
    return max(1, found)


def mixture_of(sources: Sources, counts: np.ndarray, rng: np.random.Generator, *,
               with_validation: bool = False) -> pd.DataFrame:
    """Rows to take, without one twice while a source has others.

    Parameters
    ----------
    sources : Sources
    counts : array of int, shape (K,)
        Rows of each source; see `allocate`.
    rng : numpy.random.Generator
    with_validation : bool
        Appends the validation rows, by which the weights were learnt: a score on them then says
        nothing.

    Returns
    -------
    mixture : DataFrame
        Columns row (of the file) and source.
    """
    parts = []
    for at, count in enumerate(counts.tolist()):
        own = sources.rows[sources.group == at]
        rounds = [rng.permutation(own) for _ in range(-(-count // len(own)))]
        taken = np.concatenate([*rounds, own[:0]])[:count]
        parts.append(pd.DataFrame({"row": np.sort(taken), "source": sources.names[at]}))
    if with_validation:
        parts.append(pd.DataFrame({"row": np.sort(sources.ahead_rows),
                                   "source": "validation rows"}))
    return pd.concat(parts, ignore_index=True)
