"""The door for tables of outcomes and what several experts had predicted, one row per step.

Columns are named or inferred; what is inferred, left out or missing is told in a note. A missing
forecast stays missing: its expert said nothing in that step.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from workbench.core import check
from workbench.datasets import cells
from workbench.datasets.dates import read_dates
from workbench.datasets.features import read_feature
from workbench.datasets.files import Opened
from workbench.datasets.numbers import read_numbers
from workbench.datasets.shipped import open_table

__all__ = ["FORECAST_KINDS", "Forecasts", "load_forecasts", "looks_like_forecasts",
           "named_outcome"]

FORECAST_KINDS = ("probability", "point", "quantile", "log_score")
OUTCOMES = ("outcome", "y", "target", "actual", "actuals", "observed", "observation", "truth",
            "event", "label", "result", "realised", "realized")
TIMES = ("time", "date", "timestamp", "datetime", "step", "round", "period")
EVENTS = ("yes", "true", "1", "win", "won", "rain", "positive")
MOST_EXPERTS = 200
SHOWN = 20


@dataclass(frozen=True, eq=False)
class Forecasts:
    """Outcomes and forecasts in the order of time.

    Parameters
    ----------
    predictions : DataFrame, shape (t, k)
        One column per expert, NaN where it said nothing. Its index holds the rows of the file.
    outcome : array, shape (t,), or None
        0 or 1 beside probabilities, else numbers; None where forecasts are scores already, or
        probabilities of what happened.
    kind : one of `FORECAST_KINDS`
    name, origin, sha256 : str
        Name of the data, where they were read, checksum of the file.
    notes : tuple of str
    """

    predictions: pd.DataFrame
    outcome: np.ndarray | None
    kind: str
    name: str
    origin: str
    sha256: str
    notes: tuple[str, ...]


def load_forecasts(data: str | Path, *, outcome: str = "", experts: Sequence[str] = (),
                   time: str = "", kind: str = "auto") -> Forecasts:
    """Read a table of forecasts.

    Parameters
    ----------
    data : str or Path
        A CSV, TSV or Parquet file.
    outcome : str
        Column of what happened; empty takes one with a usual name, or the only one with two
        values.
    experts : sequence of str
        Columns of forecasts; empty takes all other columns of numbers, beside an outcome with two
        values those between 0 and 1.
    time : str
        Column that orders the steps; empty keeps the order of the file.
    kind : {"auto", "probability", "point", "quantile", "log_score"}
        "auto" is probability where the outcome has two values, else point. A log_score is the
        logarithm of the probability that an expert gave to what happened [nats].

    Raises
    ------
    ValueError, FileNotFoundError
        Naming what cannot be read, its first row and the remedy.
    """
    check.one_of(("auto", *FORECAST_KINDS), kind=kind)
    opened = open_table(data, {})
    frame = opened.frame.rename(columns=str)
    _present(frame, [outcome] if outcome else [], [time] if time else [], experts)
    notes = list(opened.notes)
    if kind == "log_score":
        chosen, events = "", None
    else:
        chosen = outcome or named_outcome(frame)
        if not chosen:
            raise ValueError("outcome must name the column of what happened, got none, and no "
                             "column is called so or holds two values. Columns: "
                             f"{_listed(frame.columns)}. Of logarithms of probabilities, pass "
                             "forecast='log_score'.")
        if not outcome:
            notes.append(f"The outcome is column {chosen!r}; name another if it is not.")
        events = _events(frame[chosen])
    found = kind if kind != "auto" else "probability" if events is not None else "point"
    values, told = _outcome(frame, chosen, events, found, opened)
    kept, late = _ordered(frame, values, time, opened)
    table, read = _experts(kept, experts, {chosen, time}, found, opened)
    filled = table.notna().any(axis=1)
    gaps = _gaps(table, int((~filled).sum()))
    table = table[filled]
    if len(table) < 2:
        raise ValueError(f"data must hold at least 2 rows with an outcome and a forecast, but "
                         f"{len(frame)} rows gave {len(table)}. {' '.join([*told, *late])} Add "
                         "rows.")
    ends = None if values is None else values[table.index].to_numpy(float)
    return Forecasts(table, ends, found, opened.name, opened.origin, opened.sha256,
                     (*notes, *told, *late, *read, *gaps))


def looks_like_forecasts(frame: pd.DataFrame) -> bool:
    """Whether a table has an outcome of two values and, apart from times, only shares beside it."""
    chosen = named_outcome(frame)
    if not chosen or _events(frame[chosen]) is None:
        return False
    others = [_numbers(frame[name]) for name in frame if name != chosen and
              str(name).casefold() not in TIMES]
    held = [one for one in others if one is not None]
    return len(held) >= 2 and len(held) == len(others) and all(
        one.between(0, 1).all() and one.nunique() > 2 for one in held)


def named_outcome(frame: pd.DataFrame) -> str:
    """The column with a usual name of outcomes, or the only one with two values; or nothing."""
    words = {str(name).casefold().strip(): str(name) for name in frame}
    for word in OUTCOMES:
        if word in words:
            return words[word]
    two = [str(name) for name in frame if _events(frame[name]) is not None]
    return two[0] if len(two) == 1 else ""


def _present(frame: pd.DataFrame, *roles: Sequence[str]) -> None:
    known = list(frame.columns)
    problems = [f"{role} must name columns of the data, got {name!r}."
                f"{check.suggestion(name, known)}"
                for role, names in zip(("outcome", "time", "experts"), roles, strict=True)
                for name in names if name not in known]
    if problems:
        raise ValueError(" ".join([*problems, f"Columns: {_listed(frame.columns)}."]))


def _listed(names: pd.Index) -> str:
    return ", ".join(map(str, names[:SHOWN])) + (" ..." if len(names) > SHOWN else "")


def _numbers(column: pd.Series) -> pd.Series | None:
    """Numbers of a column without gaps, or None where it holds others."""
    values = read_feature(column).values
    return None if values is None or values.dtype.kind != "f" else values.dropna()


def _events(column: pd.Series) -> tuple[str, str] | None:
    """The two values of a column, the event last, or None where there are not two."""
    plain = column.astype(float) if column.dtype == bool else column
    known = sorted(map(str, cells.stripped(plain).dropna().unique()))
    if len(known) == 1 and known[0] in ("0", "1"):
        return "0", "1"
    if len(known) != 2 or (_is_number(known) and known != ["0", "1"]):
        return None
    return (known[1], known[0]) if known[0].casefold() in EVENTS else (known[0], known[1])


def _is_number(words: Sequence[str]) -> bool:
    return bool(pd.to_numeric(pd.Series(words), errors="coerce").notna().all())


def _outcome(frame: pd.DataFrame, chosen: str, events: tuple[str, str] | None, kind: str,
             opened: Opened) -> tuple[pd.Series | None, list[str]]:
    if not chosen:
        return None, []
    column = frame[chosen]
    if kind == "probability":
        if events is None:
            raise ValueError(f"outcome must have two values beside probabilities, but {chosen!r} "
                             f"has {column.nunique()}. Name another column, or pass "
                             "forecast='point'.")
        plain = cells.stripped(column.astype(float) if column.dtype == bool else column)
        values = plain.map({events[0]: 0.0, events[1]: 1.0}).astype(float)
        told = [] if events == ("0", "1") else [
            f"Probabilities are taken to be those of {events[1]!r} in column {chosen!r}."]
        return values, told
    values, told = read_numbers(column.astype(float) if column.dtype == bool else column,
                                typed=opened.typed, commas=opened.delimiter == ";")
    return values, told


def _ordered(frame: pd.DataFrame, values: pd.Series | None, time: str, opened: Opened
             ) -> tuple[pd.DataFrame, list[str]]:
    """Rows with an outcome and a time, in its order."""
    kept, notes = frame, list[str]()
    if values is not None:
        kept = frame[values.notna()]
        notes += _left_out(len(frame) - len(kept), "an outcome")
    if not time:
        return kept, [*notes, "Steps are in the order of the file; name a time if it is not that "
                              "of the events."]
    try:
        order, _ = read_numbers(kept[time], typed=opened.typed, commas=opened.delimiter == ";")
    except ValueError:
        order = read_dates(kept[time])[0]
    notes += _left_out(int(order.isna().sum()), "a time")
    return kept.loc[order.dropna().sort_values(kind="stable").index], notes


def _experts(frame: pd.DataFrame, experts: Sequence[str], others: set[str], kind: str,
             opened: Opened) -> tuple[pd.DataFrame, list[str]]:
    found, notes = dict[str, pd.Series](), list[str]()
    for name in experts or [name for name in frame if name not in others]:
        if experts:
            found[name], told = read_numbers(frame[name], typed=opened.typed,
                                             commas=opened.delimiter == ";")
            notes += told
            continue
        if str(name).casefold() in TIMES:
            notes.append(f"Column {name!r} is no expert: it is called a time.")
            continue
        feature = read_feature(frame[name], commas=opened.delimiter == ";")
        why = _no_expert(feature.values, kind)
        notes += [*feature.notes, *([f"Column {name!r} is no expert: {why}."] if why else [])]
        if feature.values is not None and not why:
            found[name] = feature.values
    _enough(found, notes)
    for name, values in found.items():
        _in_range(values.rename(name), kind)
    return pd.DataFrame(found), notes


def _no_expert(values: pd.Series | None, kind: str) -> str:
    if values is None:
        return ""                              # the reader has told why
    if values.dtype.kind != "f":
        return "it holds words"
    if kind == "probability" and not values.dropna().between(0, 1).all():
        return "not all of its numbers lie between 0 and 1"
    return "all cells are empty" if values.isna().all() else ""


def _enough(found: dict[str, pd.Series], notes: list[str]) -> None:
    if len(found) < 2:
        raise ValueError(f"data must have at least 2 columns of forecasts, got "
                         f"{', '.join(map(repr, found)) or 'none'}. {' '.join(notes)} Name them "
                         "as experts.")
    if len(found) > MOST_EXPERTS:
        raise ValueError(f"experts must be at most {MOST_EXPERTS} columns, got {len(found)}. Name "
                         "those that you mean.")


def _in_range(values: pd.Series, kind: str) -> None:
    if kind == "probability":
        cells.refuse(values, values.notna() & ~values.between(0, 1), "probabilities from 0 to 1",
                     "Divide percentages by 100, or pass forecast='point'.")
    if kind == "log_score":
        cells.refuse(values, values > 1e3, "logarithms of probabilities or densities",
                     "Take logarithms first.")


def _gaps(table: pd.DataFrame, silent: int) -> list[str]:
    missing = table.isna().sum()
    listed = ", ".join(f"{name!r} {count}" for name, count in missing.items() if count)
    return _left_out(silent, "any forecast") + ([
        f"Missing forecasts, in which their expert keeps its weight and is judged by nothing: "
        f"{listed}, of {len(table)} rows."] if listed else [])


def _left_out(count: int, what: str) -> list[str]:
    return [f"{count} {'row' if count == 1 else 'rows'} without {what} "
            f"{'was' if count == 1 else 'were'} left out."] if count else []
