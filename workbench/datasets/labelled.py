"""The door for tables that a cheap labeller read whole and experts in part.

Only the columns that are named are read; a row that lacks one of them, other than a gold label, is
left out and told in a note.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from workbench.core import check
from workbench.datasets import cells
from workbench.datasets.features import read_feature, repeated
from workbench.datasets.files import Opened
from workbench.datasets.numbers import read_numbers
from workbench.datasets.shipped import open_table
from workbench.datasets.yes_no import ONES, ZEROS

__all__ = ["LABEL_TABLES", "Labelled", "UnknownColumnsError", "load_labelled"]

LABEL_TABLES = {
    "panchen": "1412 complaints to officials, all labelled by GPT-4, 500 by experts (0 or 1)",
}
NUMBERS = ("predicted", "surrogate", "sample_prob")      # roles whose columns hold numbers
LABELS = ("predicted", "surrogate")                      # and may hold words of two classes
GROUPS = ("cluster", "fixed_effects")                    # roles whose columns may hold anything
SHOWN = 20


class UnknownColumnsError(ValueError):
    """Names that are no columns of the table."""


@dataclass(frozen=True, eq=False)
class Labelled:
    """A table of surrogate and gold labels.

    Parameters
    ----------
    frame : DataFrame, shape (n, p)
        The named columns: floats, or objects for text. Gold labels are NaN where there are none.
        Its index holds the rows of the file (the header is row 1).
    name, origin, sha256 : str
        Name of the data, where they were read, checksum of the file.
    notes : tuple of str
        Every interpretation and everything left out, one sentence each.
    """

    frame: pd.DataFrame
    name: str
    origin: str
    sha256: str
    notes: tuple[str, ...]


def load_labelled(data: str | Path, roles: Mapping[str, Sequence[str]]) -> Labelled:
    """Read the columns that a regression needs.

    Parameters
    ----------
    data : str or Path
        One of `LABEL_TABLES`, or a CSV, TSV or Parquet file.
    roles : mapping of role to names of columns
        Of ``predicted``, ``surrogate`` and ``sample_prob`` numbers are read; ``cluster`` and
        ``fixed_effects`` hold anything; other roles numbers, dates or categories.

    Raises
    ------
    ValueError, FileNotFoundError
        Naming what cannot be read, its first row and the remedy.

    Examples
    --------
    >>> table = load_labelled("panchen", {"predicted": ["countyWrong"]})
    >>> len(table.frame), int(table.frame["countyWrong"].count())
    (1412, 500)
    """
    opened = open_table(data, {name: f"{name}/{name}.csv" for name in LABEL_TABLES})
    frame = opened.frame.rename(columns=str)
    _present(frame, roles)
    found: dict[str, pd.Series] = {}
    notes, problems = list(opened.notes), list[str]()
    for role, names in roles.items():
        for name in names:
            if name not in found:
                try:
                    found[name], told = _read(frame[name], role, opened)
                    notes += told
                except ValueError as trouble:
                    problems.append(f"{role}: {trouble}")
    if problems:
        raise ValueError("\n".join(problems))
    table = pd.DataFrame(found)
    needed = table.drop(columns=[*dict.fromkeys(roles.get("predicted", ()))])
    kept = table.loc[needed.dropna().index]
    notes += _left_out(needed, kept)
    copies = repeated(frame.loc[kept.index])
    if copies:
        notes.append(f"{copies} of {len(kept)} rows repeat an earlier one. Where they are the "
                     "same document, remove them, or name a column of documents as cluster: "
                     "intervals are too narrow else.")
    if kept.empty:
        raise ValueError(f"data must have a row in which every named column is filled, but none "
                         f"of {len(table)} is. {' '.join(notes)} Name other columns.")
    return Labelled(kept, opened.name, opened.origin, opened.sha256, tuple(notes))


def _present(frame: pd.DataFrame, roles: Mapping[str, Sequence[str]]) -> None:
    known = list(frame.columns)
    problems = [f"{role} must name columns of the data, got {name!r}."
                f"{check.suggestion(name, known)}"
                for role, names in roles.items() for name in names if name not in known]
    if problems:
        told = ", ".join(known[:SHOWN]) + (" ..." if len(known) > SHOWN else "")
        raise UnknownColumnsError(" ".join([*dict.fromkeys(problems), f"Columns: {told}."]))


def _read(column: pd.Series, role: str, opened: Opened) -> tuple[pd.Series, list[str]]:
    commas = opened.delimiter == ";"
    if role in LABELS and (words := _words(column)) is not None:
        return words
    if role in NUMBERS:
        plain = column.astype(float) if column.dtype == bool else column
        return read_numbers(plain, typed=opened.typed, commas=commas)
    if role in GROUPS:
        return cells.stripped(column).astype(object), []
    feature = read_feature(column, commas=commas)
    if feature.values is None:
        raise ValueError(f"column {column.name!r} must hold numbers, dates or few categories. "
                         f"{' '.join(feature.notes)} Leave it out of the formula and the "
                         "features.")
    return feature.values, list(feature.notes)


def _words(column: pd.Series) -> tuple[pd.Series, list[str]] | None:
    """Words for yes and no as 1 and 0, or nothing where a label is anything else."""
    own = cells.stripped(column)
    small = own.dropna().astype(str).str.casefold()
    if not len(small) or not small.isin(ONES | ZEROS).all():
        return None
    said = ", ".join(f"{word!r} counts as {int(word in ONES)}" for word in sorted(set(small)))
    return small.isin(ONES).astype(float).reindex(column.index), [
        f"Column {column.name!r}: {said}."]


def _left_out(table: pd.DataFrame, kept: pd.DataFrame) -> list[str]:
    gone = len(table) - len(kept)
    if not gone:
        return []
    lacking = table.loc[table.index.difference(kept.index)].isna().sum()
    told = ", ".join(f"{name!r} {count}" for name, count in lacking.items() if count)
    return [f"{gone} {'row' if gone == 1 else 'rows'} of {len(table)} without all named columns "
            f"{'was' if gone == 1 else 'were'} left out; missing cells there: {told}."]
