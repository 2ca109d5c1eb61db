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
from workbench.datasets.dates import read_dates
from workbench.datasets.features import read_feature
from workbench.datasets.files import Opened
from workbench.datasets.forecast_columns import (
    TIMES,
    events_of,
    guessed_outcome,
    holds_dates,
    listed,
    no_expert,
    refuse_few,
    refuse_out_of_range,
    turned,
)
from workbench.datasets.numbers import read_numbers
from workbench.datasets.shipped import open_table
from workbench.datasets.words import words_of

__all__ = ["FORECAST_KINDS", "Forecasts", "forecasts_of", "load_forecasts"]

FORECAST_KINDS = ("probability", "point", "quantile", "log_score")


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
    return _read(open_table(data, {}), outcome, experts, time, kind)


def forecasts_of(frame: pd.DataFrame, *, outcome: str = "", experts: Sequence[str] = (),
                 time: str = "", kind: str = "auto") -> Forecasts:
    """Forecasts in a table that is already there; see :func:`load_forecasts`."""
    given = frame.reset_index(drop=True)
    given.index += 2
    return _read(Opened(given, "simulated", "simulated", "", typed=True), outcome, experts, time,
                 kind)


def _read(opened: Opened, outcome: str, experts: Sequence[str], time: str, kind: str) -> Forecasts:
    check.one_of(("auto", *FORECAST_KINDS), forecast=kind)
    frame = opened.frame.rename(columns=str)
    _present(frame, [outcome] if outcome else [], [time] if time else [], experts)
    chosen = "" if kind == "log_score" else outcome or guessed_outcome(frame)
    notes = [*opened.notes, *([f"The outcome is column {chosen!r}; name another as target if it "
                               "is not."] if chosen and not outcome else [])]
    events = events_of(frame[chosen]) if chosen else None
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
    doubts = turned(table, values[table.index], events[1]) if (
        found == "probability" and events is not None and values is not None) else []
    ends = None if values is None else values[table.index].to_numpy(float)
    return Forecasts(table, ends, found, opened.name, opened.origin, opened.sha256,
                     (*notes, *told, *late, *read, *gaps, *doubts))


def _present(frame: pd.DataFrame, *roles: Sequence[str]) -> None:
    known = list(frame.columns)
    problems = [f"{role} must name columns of the data, got {name!r}."
                f"{check.suggestion(name, known)}"
                for role, names in zip(("target", "time", "experts"), roles, strict=True)
                for name in names if name not in known]
    if problems:
        raise ValueError(" ".join([*problems, f"Columns: {listed(frame.columns)}."]))


def _outcome(frame: pd.DataFrame, chosen: str, events: tuple[str, str] | None, kind: str,
             opened: Opened) -> tuple[pd.Series | None, list[str]]:
    if not chosen:
        return None, []
    column = frame[chosen]
    if kind == "probability":
        if events is None:
            raise ValueError(f"target must have two values beside probabilities, but {chosen!r} "
                             f"has {column.nunique()}. Name another column, or pass "
                             "forecast='point'.")
        values = words_of(column).map({events[0]: 0.0, events[1]: 1.0}).astype(float)
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
    for name in experts or [str(name) for name in frame if name not in others]:
        if experts:
            found[name], told = read_numbers(frame[name], typed=opened.typed,
                                             commas=opened.delimiter == ";")
            notes += told
            continue
        if str(name).casefold() in TIMES:
            notes.append(f"Column {name!r} is no expert: it is called a time.")
            continue
        feature = read_feature(frame[name], commas=opened.delimiter == ";")
        why = "it holds dates; name it as time to order the steps" if holds_dates(
            str(name), feature) else no_expert(feature.values, kind)
        notes += [*feature.notes, *([f"Column {name!r} is no expert: {why}."] if why else [])]
        if feature.values is not None and not why:
            found[name] = feature.values
    refuse_few(found, notes)
    for name, values in found.items():
        refuse_out_of_range(values.rename(name), kind)
    return pd.DataFrame(found), notes


def _gaps(table: pd.DataFrame, silent: int) -> list[str]:
    missing = table.isna().sum()
    listed = ", ".join(f"{name!r} {count}" for name, count in missing.items() if count)
    return _left_out(silent, "any forecast") + ([
        f"Missing forecasts, in which their expert keeps its weight and is judged by nothing: "
        f"{listed}, of {len(table)} rows."] if listed else [])


def _left_out(count: int, what: str) -> list[str]:
    return [f"{count} {'row' if count == 1 else 'rows'} without {what} "
            f"{'was' if count == 1 else 'were'} left out."] if count else []
