"""Columns of a comparison: classes, numbers, and how many whole rows they need."""

import pandas as pd

from workbench.datasets import cells
from workbench.datasets.numbers import read_numbers

__all__ = ["class_labels", "enough_rows", "foreign_labels", "left_out", "same_spelling",
           "two_models", "varying_numbers"]

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


def same_spelling(labels: pd.DataFrame, truth: str) -> pd.DataFrame:
    """Labels as text; where those of the truth are numbers, 1.0 and 01 are spelled 1 throughout.

    Examples
    --------
    >>> same_spelling(pd.DataFrame({"truth": ["1", "0"], "said": ["1.0", "0.5"]}), "truth")
      truth said
    0     1    1
    1     0  0.5
    """
    if pd.to_numeric(labels[truth].dropna(), errors="coerce").isna().any():
        return labels

    def spelled(column: pd.Series) -> pd.Series:
        numbers = pd.to_numeric(column, errors="coerce").astype(float)
        return column.astype(object).where(numbers.isna(), numbers.map("{:.15g}".format))

    return labels.apply(spelled)


def foreign_labels(labels: pd.DataFrame, truth: str) -> list[str]:
    """A note of predicted labels that the truth never has; a column of nothing else is refused."""
    known, strange = {*labels[truth]}, []
    for name in (column for column in labels if column != truth):
        odd = sorted({*labels[name]} - known)
        if len(odd) == labels[name].nunique():
            raise ValueError(f"column {name!r} must hold labels of the truth {truth!r}, "
                             f"{', '.join(sorted(known)[:3])}, but none of its cells does, the "
                             f"first is {labels[name].iloc[0]!r}. Turn probabilities into labels, "
                             "or name other models.")
        strange += [f"{name} ({', '.join(odd[:3])})"] if odd else []
    return [f"Predicted labels that the truth never has count as wrong: {'; '.join(strange)}."
            ] if strange else []


def two_models(what: str, names: list[str], known: list[str], *, asked: bool) -> str:
    """What is wrong with fewer than two columns of models."""
    if asked:
        return (f"models must name at least two columns of {what}, got "
                f"{', '.join(map(repr, names)) or 'none'}. Columns: {', '.join(known[:20])}.")
    return (f"data must have at least two columns of {what}, one per model, got "
            f"{', '.join(map(repr, names)) or 'none'}. Name their columns, or pass another kind.")


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
