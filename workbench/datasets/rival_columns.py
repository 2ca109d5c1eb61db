"""Columns of a comparison: classes, numbers, and how many whole rows they need."""

import pandas as pd

from workbench.datasets import cells
from workbench.datasets.numbers import read_numbers

__all__ = ["class_labels", "enough_rows", "left_out", "varying_numbers"]

FEWEST = {"features": 20, "scores": 2, "predictions": 2}
MOST_CLASSES = 50


def class_labels(column: pd.Series) -> tuple[pd.Series, list[str]]:
    """Classes as text, of the rows that have one, and a note of rare ones."""
    text = cells.stripped(column).dropna().astype(object)
    sizes = text.value_counts()
    if len(sizes) < 2:
        told = f"{sizes.index[0]!r} in all {len(text)} rows" if len(sizes) else "no label at all"
        raise ValueError(f"target must have at least two classes, but {column.name!r} has {told}. "
                         "Name another column.")
    if len(sizes) > MOST_CLASSES or len(sizes) > len(text) / 3:
        raise ValueError(f"target must be a column of classes, but {column.name!r} has "
                         f"{len(sizes)} different values in {len(text)} rows. Pass a metric for "
                         "numbers such as r2, or name another column.")
    rare = sizes[sizes < 2]
    if len(rare):
        raise ValueError(f"each class must have at least 2 rows, to train and to test on, but "
                         f"{len(rare)} have one, the first is {rare.index[0]!r}. Merge or drop "
                         "these classes.")
    few = sizes[sizes < 10]
    return text, [f"Classes with fewer than 10 rows: {', '.join(map(str, few.index[:5]))}; they "
                  "are not in every fold of ten."] if len(few) else []


def varying_numbers(column: pd.Series, *, typed: bool, commas: bool
                    ) -> tuple[pd.Series, list[str]]:
    """Numbers of the rows that have one."""
    y, told = read_numbers(column, typed=typed, commas=commas)
    y = y.dropna()
    if y.nunique() < 2:
        raise ValueError(f"target must vary, but {column.name!r} does not. Name another column.")
    return y, told


def enough_rows(kept: int, rows: int, kind: str) -> None:
    """Refuse a table with too few whole rows for its kind."""
    if kept < FEWEST[kind]:
        raise ValueError(f"data must give at least {FEWEST[kind]} whole rows of {kind}, but "
                         f"{rows} rows gave {kept}. Fill the missing cells, or name other "
                         "columns.")


def left_out(count: int, what: str) -> list[str]:
    """How many rows were left out, if any."""
    return [f"{count} {'row' if count == 1 else 'rows'} without a {what} "
            f"{'was' if count == 1 else 'were'} left out."] if count else []
