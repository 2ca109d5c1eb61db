"""From a table of numbers and categories to columns of numbers, by what training rows hold."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

__all__ = ["Encoded", "encode"]

FEWEST = 5               # rows of a category that has a column of its own
MOST = 20                # categories of a column
OTHER = "other"


@dataclass(frozen=True, eq=False)
class Encoded:
    """How a table becomes numbers.

    Parameters
    ----------
    fills : mapping of column to float
        What takes the place of missing numbers.
    marked : set of str
        Numbers whose missing cells have a column of their own.
    levels : mapping of column to list of str
        Categories with a column of their own; the commonest one, without, is the first.
    names : tuple of str
        Of the columns of numbers.
    """

    fills: dict[str, float]
    marked: frozenset[str]
    levels: dict[str, list[str]]
    names: tuple[str, ...]

    def __call__(self, table: pd.DataFrame) -> np.ndarray:
        """The columns, shape (n, q)."""
        parts = []
        for name in table.columns:
            values = table[name]
            if name in self.fills:
                parts.append(values.fillna(self.fills[name]).to_numpy(float))
                if name in self.marked:
                    parts.append(values.isna().to_numpy(float))
            else:
                own = _words(values)
                own = own.where(own.isin(self.levels[name]), OTHER)
                parts += [(own == level).to_numpy(float) for level in self.levels[name][1:]]
        return np.column_stack(parts) if parts else np.empty((len(table), 0))


def encode(table: pd.DataFrame) -> Encoded:
    """Learn how to encode a table.

    Numbers: missing cells take the median and, where there are some, are marked in a column of
    their own. Categories: a column of zeros and ones for each but the commonest, rare ones
    together; a missing cell is a category.

    Parameters
    ----------
    table : DataFrame, shape (n, p)
        Floats, or objects for categories.

    Examples
    --------
    >>> encode(pd.DataFrame({"x": [1.0, None], "g": ["a", "a"]})).names
    ('x', 'x missing')
    """
    fills, marked, levels, names = {}, set(), {}, list[str]()
    for name in table.columns:
        values = table[name]
        if values.dtype.kind == "f":
            fills[name] = 0.0 if values.isna().all() else float(values.median())
            names.append(name)
            if values.isna().any():
                marked.add(name)
                names.append(f"{name} missing")
        else:
            counts = _words(values).value_counts()
            known = [str(level) for level in counts.index[counts >= FEWEST][:MOST]]
            rest = len(counts) > len(known) or not known
            levels[name] = [*known, *([OTHER] if rest and OTHER not in known else [])]
            names += [f"{name} = {level}" for level in levels[name][1:]]
    return Encoded(fills, frozenset(marked), levels, tuple(names))


def _words(values: pd.Series) -> pd.Series:
    return values.astype(object).where(values.notna(), "missing").astype(str)
