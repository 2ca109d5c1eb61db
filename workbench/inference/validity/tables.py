"""The feature-selecting analyst on a user's own rows, divided into training, holdout and fresh.

Each repetition divides the rows anew. Fresh rows decide nothing: they only tell how far the
holdout's answers were from what comes next.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from workbench.inference.validity.selection import Part, Scorer, Settings, select_on_rows

__all__ = ["Divided", "Encoded", "distinct", "divide", "encode", "repeat_on_table", "score_of"]

MOST_COLUMNS = 4000
LEAST_COUNT = 5          # rows of a category with a column of its own
PARTS = 3
FEWEST_STEPS = 6         # numbers of features that a table with few of them tries


@dataclass(frozen=True, eq=False)
class Encoded:
    """A table as numbers.

    Parameters
    ----------
    X : array, shape (n, d)
        NaN where a number is missing.
    y : array, shape (n,)
        In [0, 1].
    names : tuple of str
        Of the columns.
    is_class : bool
    """

    X: np.ndarray
    y: np.ndarray
    names: tuple[str, ...]
    is_class: bool


@dataclass(frozen=True, eq=False)
class Divided:
    """One division of the rows.

    Parameters
    ----------
    parts : (train, holdout, fresh)
        Standardised by the training rows.
    rows : tuple of array of int
        Which rows they are.
    names : tuple of str
        Of the columns that are left.
    mean, spread : float
        Of the outcome of the training rows.
    shuffled : frozenset of str
        Names of the columns of noise.
    """

    parts: tuple[Part, ...]
    rows: tuple[np.ndarray, ...]
    names: tuple[str, ...]
    mean: float
    spread: float
    shuffled: frozenset[str] = frozenset()


def encode(features: pd.DataFrame, y: np.ndarray, *, is_class: bool) -> Encoded:
    """Numbers as they are, a column of 0 and 1 for each category with at least 5 rows."""
    columns: dict[str, np.ndarray] = {}
    for name, values in features.items():
        if values.dtype.kind == "f":
            columns[str(name)] = values.to_numpy(float)
            continue
        filled = values.astype(object).fillna("missing").astype(str)
        counts = filled.value_counts()
        common = counts[counts >= LEAST_COUNT].index
        for level in common[1:] if len(common) == len(counts) else common:
            columns[f"{name} = {level}"] = (filled == level).to_numpy(float)
    if not columns:
        raise ValueError("data must have a feature that repeats in 5 rows, but no category does. "
                         "Add a column of numbers or of fewer categories.")
    return Encoded(np.column_stack(list(columns.values())), y, tuple(columns), is_class)


def divide(table: Encoded, *, pairs: bool, probes: int, rng: np.random.Generator) -> Divided:
    """Divide rows into thirds, standardise, add products of columns and columns of noise.

    Parameters
    ----------
    table : Encoded
    pairs : bool
        Add the products of all pairs of columns.
    probes : int >= 0
        Columns to add whose rows are shuffled: they carry nothing, and tell how many others that
        carry nothing were kept.
    rng : numpy.random.Generator
    """
    n = len(table.y)
    rows = tuple(np.sort(part) for part in np.array_split(rng.permutation(n), PARTS))
    X, names = _products(_standard(_filled(table.X, rows[0]), rows[0]), table.names, pairs=pairs)
    X = _standard(X, rows[0])
    noise = [rng.permutation(X[:, rng.integers(X.shape[1])]) for _ in range(probes)]
    X = np.column_stack([X, *noise])
    names = distinct((*names, *(f"probe {at + 1}" for at in range(probes))))
    shuffled = frozenset(names[len(names) - probes:])
    own = X[rows[0]]
    varies = own.std(axis=0) > 1e-9
    mean, spread = float(table.y[rows[0]].mean()), float(table.y[rows[0]].std())
    if not spread > 0 or not varies.any():
        raise ValueError("target and some feature must vary in every third of the rows, but one "
                         "is the same in all training rows of a division. Add rows, name a class "
                         "that is less rare with positive=, or pass another seed.")
    parts = tuple(Part(X[part][:, varies], (table.y[part] - mean) / spread) for part in rows)
    kept = tuple(name for name, varied in zip(names, varies, strict=True) if varied)
    return Divided(parts, rows, kept, mean, spread, shuffled)


def score_of(divided: Divided, *, is_class: bool) -> Scorer:
    """Mean score in [0, 1] of a least-squares line through the votes of the training rows.

    Of a class, how often the line lies on the right side of 1/2; of a score, one minus the mean
    distance of the line, cut at the bounds.
    """
    def score(votes: np.ndarray, y: np.ndarray, own: np.ndarray, outcome: np.ndarray) -> float:
        spread = votes.var()
        slope = float(np.mean((votes - votes.mean()) * y) / spread) if spread > 0 else 0.0
        line = divided.mean + divided.spread * (slope * (own - votes.mean()) + y.mean())
        truth = divided.mean + divided.spread * outcome
        if is_class:
            return float(np.mean((line > 0.5) == (truth > 0.5)))
        return float(1 - np.abs(np.clip(line, 0, 1) - truth).mean())

    return score


def repeat_on_table(table: Encoded, settings: Settings, *, pairs: bool = False, probes: int = 0,
                    repetitions: int = 5, rng: np.random.Generator
                    ) -> tuple[pd.DataFrame, pd.DataFrame, Divided]:
    """The analyst on several divisions of the rows.

    Returns
    -------
    accuracies : DataFrame
        Columns method, k, train, answer, fresh, kept, repetition.
    features : DataFrame
        Columns feature, method, share of repetitions in which it was kept, place among those
        kept, the median, and whether it was shuffled.
    divided : Divided
        The first division.
    """
    if repetitions < 1:
        raise ValueError(f"repetitions must be at least 1, got {repetitions!r}. Pass 5.")
    tables, kept, asked, first = [], [], settings, None
    for repetition in range(repetitions):
        divided = divide(table, pairs=pairs, probes=probes, rng=rng)
        if first is None:
            first = divided
            asked = replace(settings, k_list=_possible(settings.k_list, len(divided.names)))
        found, orders = select_on_rows(divided.parts, asked,
                                       score_of(divided, is_class=table.is_class), rng=rng)
        tables.append(found.assign(repetition=repetition))
        kept += [(divided.names[at], method, place + 1) for method, order in orders.items()
                 for place, at in enumerate(order)]
    places = pd.DataFrame(kept, columns=["feature", "method", "place"])
    features = places.groupby(["feature", "method"], as_index=False).agg(
        share=("place", lambda each: len(each) / repetitions), place=("place", "median"))
    features["shuffled"] = features["feature"].isin((first or divided).shuffled)
    return pd.concat(tables, ignore_index=True), features.sort_values(
        ["share", "place"], ascending=[False, True], ignore_index=True), first or divided


def _possible(k_list: Sequence[int], d: int) -> list[int]:
    """Numbers of features that there are, and all of them; of few features, evenly spread ones."""
    kept = {k for k in k_list if k <= d} | {min(d, max(k_list))}
    if max(k_list) > d and len(kept) < FEWEST_STEPS:
        kept |= {round(step * d / FEWEST_STEPS) for step in range(FEWEST_STEPS + 1)}
    return sorted(kept)


def distinct(names: tuple[str, ...]) -> tuple[str, ...]:
    """Names of which none is there twice, as where a table has a column of that name already."""
    taken = set(names)
    found: dict[str, None] = {}
    for name in names:
        fresh, at = name, 2
        while fresh in found or (fresh != name and fresh in taken):
            fresh, at = f"{name}, {at}", at + 1
        found[fresh] = None
    return tuple(found)


def _filled(X: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Missing numbers become the median of the training rows, or 0 where these have none."""
    held = X[rows]
    known = ~np.isnan(held).all(axis=0)
    middle = np.zeros(X.shape[1])
    middle[known] = np.nanmedian(held[:, known], axis=0)
    return np.where(np.isnan(X), middle, X)


def _standard(X: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Mean 0 and spread 1 among the training rows; columns that do not vary become 0."""
    centre, spread = X[rows].mean(axis=0), X[rows].std(axis=0)
    flat = spread <= 1e-12 * np.maximum(1, np.abs(centre))
    return np.where(flat, 0.0, (X - centre) / np.where(flat, 1, spread))


def _products(X: np.ndarray, names: tuple[str, ...], *, pairs: bool
              ) -> tuple[np.ndarray, tuple[str, ...]]:
    count = len(names) * (len(names) + 1) // 2
    if not pairs:
        return X, names
    if count > MOST_COLUMNS:
        raise ValueError(f"pairs must be left out for {len(names)} columns, whose {count:,} "
                         f"products are more than {MOST_COLUMNS:,}. Keep fewer columns.")
    first, second = np.triu_indices(len(names))
    more = tuple(f"{names[a]} * {names[b]}" for a, b in zip(first, second, strict=True))
    return np.column_stack([X, X[:, first] * X[:, second]]), (*names, *more)
