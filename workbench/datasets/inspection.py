"""A look into the user's own table: what each column holds, which column fits which role.

What a column holds is told from a sample of its rows; whether it fits is told by the readers
themselves, who read it whole, so that what fits here is read by a study too.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from pandas.api import types

from workbench.core import Column
from workbench.datasets import cells
from workbench.datasets.date_forms import FORMS
from workbench.datasets.dates import read_dates
from workbench.datasets.features import FEW, MOSTLY, numbers_in
from workbench.datasets.files import Opened
from workbench.datasets.numbers import REAL, read_numbers

__all__ = ["Facts", "Holds", "Misfit", "guess", "inspect", "misfit", "suits", "values_of"]

Holds = Literal["number", "date", "true/false", "text", "empty"]
SAMPLE = 1000            # rows, spread over the table
MOST_VALUES = 200        # of a column, to choose one
DATED = re.compile(r"date|day|month|quarter|year|time|published|stamp", re.IGNORECASE)
SUIT: Mapping[str, tuple[Holds, ...]] = {
    "date": ("date",), "number": ("number",), "target": ("number",), "weight": ("number",),
    "time": ("date", "number"), "group": ("text", "true/false", "number", "date"),
    "name": ("text", "number", "date", "true/false")}


@dataclass(frozen=True)
class Facts:
    """What a column holds, by a sample of its rows: its kind, and whether numbers may be dates.

    Parameters
    ----------
    name : str
    holds : str
    dates : bool
        Whether numbers can be read as dates too, as years can.
    """

    name: str
    holds: Holds
    dates: bool = False


@dataclass(frozen=True)
class Misfit:
    """Why a column cannot be used for a role (`problem`), or should hardly be (`caution`)."""

    problem: str = ""
    caution: str = ""


def inspect(opened: Opened) -> dict[str, Facts]:
    """What each column of a table holds, by its name; columns without a name are left out."""
    frame = opened.frame
    rows = np.unique(np.linspace(0, len(frame) - 1, min(SAMPLE, len(frame))).astype(int))
    sample = frame.iloc[rows]
    return {str(name): _facts(sample[name], commas=opened.delimiter == ";")
            for name in frame.columns if str(name)}


def suits(facts: Facts, wanted: Column) -> bool:
    """Whether what a column seems to hold is what a role asks for."""
    return facts.holds in SUIT.get(wanted.kind, ()) or (wanted.kind == "date" and facts.dates)


def misfit(opened: Opened, name: str, wanted: Column) -> Misfit:
    """Whether a column can be used for a role, read whole by the readers of the studies.

    Parameters
    ----------
    opened : Opened
    name : str
        One of its columns.
    wanted : Column
        What the role asks for.
    """
    column = opened.frame[name]
    try:
        if wanted.kind in ("group", "name"):
            return _labels(column, wanted)
        return Misfit(_amounts(column, wanted, opened))
    except ValueError as trouble:
        told = str(trouble)
        return Misfit(told[:1].upper() + told[1:])


def guess(declared: Mapping[str, Column], facts: Mapping[str, Facts]) -> dict[str, str]:
    """The best column for each role; a role that no column is made for is left out.

    The usual names go first, then, for what a run cannot do without, the kind.
    """
    found: dict[str, str] = {}
    for near in (False, True):
        for role, wanted in declared.items():
            if role not in found and wanted.kind != "value":
                free = [one for one in facts.values() if one.name not in found.values()]
                fitting = [one.name for one in free if suits(one, wanted)]
                named = _named(fitting, wanted.names, near=near)
                if named:
                    found[role] = named
    for role, wanted in declared.items():
        if wanted.required and role not in found:
            free = [one for one in facts.values() if one.name not in found.values()]
            fitting = [one.name for one in free if suits(one, wanted)]
            if fitting:
                found[role] = fitting[-1 if wanted.kind == "target" else 0]
    return found


def values_of(opened: Opened, name: str) -> list[str]:
    """The different values of a column in order, where they are few; none without the column."""
    if name not in opened.frame:
        return []
    found = sorted(map(str, cells.stripped(opened.frame[name]).dropna().unique()))
    return found if len(found) <= MOST_VALUES else []


def _facts(column: pd.Series, *, commas: bool) -> Facts:
    name, kind = str(column.name), column.dtype
    inferred = types.infer_dtype(column, skipna=True) if types.is_object_dtype(kind) else ""
    if column.isna().all():
        return Facts(name, "empty")
    if types.is_datetime64_any_dtype(kind):
        return Facts(name, "date")
    if types.is_bool_dtype(kind) or inferred == "boolean":
        return Facts(name, "true/false")
    if inferred in REAL or (types.is_numeric_dtype(kind) and not types.is_complex_dtype(kind)):
        return _numeric(column, name)
    if types.is_string_dtype(kind) or types.is_object_dtype(kind):
        return _textual(column, name, commas=commas)
    return Facts(name, "text")


def _textual(column: pd.Series, name: str, *, commas: bool) -> Facts:
    own = cells.stripped(column).dropna()
    if own.empty:
        return Facts(name, "empty")
    if numbers_in(own, commas=commas)[0].notna().mean() >= MOSTLY:
        return _numeric(column, name)
    left = own.drop_duplicates()
    dated = pd.Series(data=False, index=left.index)
    for form in FORMS:
        dated |= left.str.fullmatch(form.pattern, na=False).astype(bool)
    return Facts(name, "date" if dated.mean() >= MOSTLY else "text")


def _numeric(column: pd.Series, name: str) -> Facts:
    """Numbers are dates where they can be read so and the name says it."""
    try:
        read_dates(column)
    except ValueError:
        return Facts(name, "number")
    return Facts(name, "date" if DATED.search(name) else "number", dates=True)


def _amounts(column: pd.Series, wanted: Column, opened: Opened) -> str:
    """What is wrong with a column of dates or numbers; the readers' own refusals are raised."""
    values = _read(column, wanted, opened)
    held = values.dropna()
    if held.empty:
        return (f"Column {column.name!r} must hold {_plural(wanted)}, but all its {len(column)} "
                "cells are empty. Choose another column.")
    if wanted.kind == "weight":
        cells.refuse(held, ~(held >= 0), "weights >= 0", "Write 1 for a row that counts fully and "
                     "0 for one that does not count.")
        if not (held > 0).any():
            return (f"Column {column.name!r} must hold a weight above 0, but all are 0. Choose "
                    "another column, or none.")
    if wanted.kind in ("target", "date") and held.nunique() == 1:
        return (f"Column {column.name!r} must vary, but holds {_told(held.iloc[0])} in all its "
                f"{len(held)} filled rows. Choose another column.")
    return ""


def _read(column: pd.Series, wanted: Column, opened: Opened) -> pd.Series:
    commas = opened.delimiter == ";"
    if wanted.kind == "date":
        return read_dates(column)[0]
    if wanted.kind == "target" and types.is_string_dtype(column.dtype):
        # Of a target, unlike of a score, commas are read where they can mean one thing only.
        own = cells.stripped(column)
        numbers, told = numbers_in(own, commas=commas)
        if told and numbers.notna().equals(own.notna()):
            return numbers.rename(str(column.name))
    try:
        return read_numbers(column, typed=opened.typed, commas=commas)[0].rename(str(column.name))
    except ValueError:
        if wanted.kind == "time":
            return read_dates(column)[0]
        raise


def _labels(column: pd.Series, wanted: Column) -> Misfit:
    own = cells.stripped(column).dropna()
    if own.empty:
        return Misfit(f"Column {column.name!r} must hold something, but all its {len(column)} "
                      "cells are empty. Choose another column, or none.")
    different = own.nunique()
    if wanted.kind == "group" and different > max(FEW, len(own) / 2):
        return Misfit(caution=f"Column {column.name!r} holds {different:,} different values in "
                      f"{len(own):,} rows, as identifiers do; groups should repeat.")
    if wanted.kind == "group" and different == 1:
        return Misfit(caution=f"Column {column.name!r} holds one value only, so it divides "
                      "nothing.")
    return Misfit()


def _named(columns: Iterable[str], names: tuple[str, ...], *, near: bool) -> str:
    """The column that is called by the best of these names, or, less strictly, holds one."""
    words = {column: re.sub(r"[\W_]+", "_", column.casefold()).strip("_") for column in columns}
    for name in names:
        for column, word in words.items():
            if word == name or (near and name in word.split("_")):
                return column
    return ""


def _plural(wanted: Column) -> str:
    return {"date": "dates", "time": "dates or numbers", "weight": "weights"}.get(
        wanted.kind, "numbers")


def _told(value: object) -> str:
    return f"{value:%Y-%m-%d}" if isinstance(value, pd.Timestamp) else f"{value:g}"
