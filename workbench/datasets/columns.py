"""From the cells of a file to a table of dated scores: which columns, which rows, which problems.

The index holds the rows of the file (the header is row 1), so that a complaint can name them.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

import pandas as pd

from workbench.core import check
from workbench.datasets import cells
from workbench.datasets.dates import read_dates
from workbench.datasets.numbers import read_numbers

__all__ = ["Columns", "all_present", "complete_rows", "one_question", "read_columns"]

QUESTION = "question"
SHOWN = 20


@dataclass(frozen=True)
class Columns:
    """Name of the column in each role; an empty name stands for no column.

    Parameters
    ----------
    date, score : str
        Their columns; for the forms of dates see :mod:`workbench.datasets.date_forms`.
    source : str
        Groups; an empty cell becomes "unknown".
    weight : str
        How much a score counts, finite and >= 0; 1 without the column.
    document : str
        What was scored; repeated scores of one document, source and date become one score with
        a standard error.
    """

    date: str
    score: str
    source: str = ""
    weight: str = ""
    document: str = ""


def one_question(frame: pd.DataFrame, question: str) -> tuple[pd.DataFrame, list[str]]:
    """Rows of one question; several without a choice are refused, since mixing them is wrong."""
    if QUESTION not in frame:
        if question:
            raise ValueError(f"question must be empty, since the data have no column {QUESTION!r},"
                             f" got {question!r}. Columns: {_listed(frame.columns)}.")
        return frame, []
    asked = cells.stripped(frame[QUESTION])
    known = sorted(asked.dropna().unique())
    if not question:
        if len(known) > 1:
            raise ValueError(f"question must choose one of the {len(known)} questions in the data,"
                             f" got none. Pass question= one of: {_listed(known)}.")
        return frame, []
    if question.strip() not in known:
        raise ValueError(f"question must be one of {_listed(known)}, got {question!r}."
                         f"{check.suggestion(question, known)}")
    kept = frame[(asked == question.strip()).to_numpy(dtype=bool, na_value=False)]
    return kept, [f"{len(kept)} of {len(frame)} rows answer the question {question.strip()!r}; "
                  "the others were left out."]


def all_present(frame: pd.DataFrame, columns: Columns) -> None:
    """Refuse names that are no column, all in one message."""
    problems = [f"{role} must name a column of the data, got {name!r}."
                f"{check.suggestion(name, frame.columns)}"
                for role, name in vars(columns).items()
                if name not in frame and (name or role in ("date", "score"))]
    if problems:
        raise ValueError(" ".join([*problems, f"Columns: {_listed(frame.columns)}."]))


def read_columns(frame: pd.DataFrame, columns: Columns, *, typed: bool, commas: bool = False
                 ) -> tuple[pd.DataFrame, list[str]]:
    """Dates, scores, weights, sources, and documents and texts where there are any.

    `typed` and `commas` as in :func:`workbench.datasets.numbers.read_numbers`.

    Raises
    ------
    ValueError
        For cells that cannot be read; the complaints of all columns in one message.
    """
    table, notes, problems = pd.DataFrame(index=frame.index), [], []
    number = partial(read_numbers, typed=typed, commas=commas)
    readers: dict[str, tuple[str, Callable[[pd.Series], tuple[pd.Series, list[str]]]]] = {
        "date": (columns.date, read_dates),
        "score": (columns.score, number),
        "weight": (columns.weight, number),
        "source": (columns.source, _sources),
        "document": (columns.document or _extra(frame, "document"), _words),
        "text": (_extra(frame, "text"), _words),
    }
    for role, (name, read) in readers.items():
        if name:
            try:
                table[role], told = read(frame[name])
                notes += told
            except ValueError as trouble:
                problems.append(f"{role}: {trouble}")
    if problems:
        raise ValueError("\n".join(problems))
    if not columns.weight:
        table["weight"] = 1.0
    if not columns.source:
        table["source"] = "all"
    return table, notes


def complete_rows(table: pd.DataFrame, columns: Columns) -> tuple[pd.DataFrame, list[str]]:
    """Rows with a date and a score, after checks of their weights and documents."""
    dateless = table["date"].isna()
    scoreless = ~dateless & table["score"].isna()
    notes = [f"{count} {'row' if count == 1 else 'rows'} without a {what} "
             f"{'was' if count == 1 else 'were'} left out."
             for what, count in (("date", int(dateless.sum())), ("score", int(scoreless.sum())))
             if count]
    kept = table[~dateless & ~scoreless]
    weight = kept["weight"].rename(columns.weight)
    cells.refuse(weight, ~(weight >= 0), "weights >= 0", "Write 1 for a score that counts fully "
                 "and 0 for one that does not count.")
    if len(weight) and not (weight > 0).any():
        raise ValueError(f"column {columns.weight!r} must hold a weight above 0, but all are 0. "
                         "Leave weight= empty to weigh the scores equally.")
    idle = int((weight == 0).sum())
    if idle:
        notes.append(f"{idle} {'row has' if idle == 1 else 'rows have'} weight 0: kept in the "
                     "table, but counting for nothing.")
    if columns.document:
        names = kept["document"].rename(columns.document)
        cells.refuse(names, names.isna(), "the name of a document in every row",
                     "Name the documents, or leave document= empty.")
    return kept, notes


def _sources(column: pd.Series) -> tuple[pd.Series, list[str]]:
    names = cells.stripped(column)
    missing = int(names.isna().sum())
    return names.fillna("unknown").astype(object), [
        f"Column {column.name!r}: empty cells became the source 'unknown', {missing} in all."
    ] * (missing > 0)


def _words(column: pd.Series) -> tuple[pd.Series, list[str]]:
    return cells.stripped(column).astype(object), []


def _extra(frame: pd.DataFrame, name: str) -> str:
    return name if name in frame else ""


def _listed(names: Iterable[object]) -> str:
    every = [repr(str(name)) for name in names]
    return ", ".join(every[:SHOWN]) + (f" and {len(every) - SHOWN} more" * (len(every) > SHOWN))
