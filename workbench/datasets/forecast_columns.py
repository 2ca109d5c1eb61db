"""Which columns of a table are outcomes, which are forecasts, and of what kind."""

from collections.abc import Sequence

import pandas as pd

from workbench.datasets import cells
from workbench.datasets.features import Feature, read_feature
from workbench.datasets.words import words_of
from workbench.datasets.yes_no import ONES

__all__ = [
    "TIMES",
    "events_of",
    "guessed_outcome",
    "holds_dates",
    "listed",
    "looks_like_forecasts",
    "named_outcome",
    "no_expert",
    "refuse_few",
    "refuse_out_of_range",
    "turned",
]

OUTCOMES = ("outcome", "y", "target", "actual", "actuals", "observed", "observation", "truth",
            "event", "label", "result", "realised", "realized")
TIMES = ("time", "date", "timestamp", "datetime", "step", "round", "period")
EVENTS = ONES | {"1", "win", "won", "rain", "t", "success", "hit"}
MOST_EXPERTS = 200
SHOWN = 20


def looks_like_forecasts(frame: pd.DataFrame, outcome: str = "", *, time: str = "",
                         commas: bool = False) -> bool:
    """Whether a table has an outcome of two values and beside it, but for times, only shares.

    A column of dates is a time, whatever its name; `commas` as for `read_feature`.
    """
    chosen = outcome or named_outcome(frame)
    if chosen not in frame or events_of(frame[chosen]) is None:
        return False
    features = {str(name): read_feature(frame[name], commas=commas) for name in frame
                if name not in (chosen, time) and str(name).casefold() not in TIMES}
    others = [_numbers(feature) for name, feature in features.items()
              if not holds_dates(name, feature)]
    held = [one for one in others if one is not None]
    shares = all(one.between(0, 1).all() and not one.isin([0, 1]).all() for one in held)
    return shares and len(held) == len(others) and sum(one.nunique() > 2 for one in held) >= 2


def named_outcome(frame: pd.DataFrame) -> str:
    """The column with a usual name of outcomes, or the only one with two values; or nothing."""
    words = {str(name).casefold().strip(): str(name) for name in frame}
    for word in OUTCOMES:
        if word in words:
            return words[word]
    two = [str(name) for name in frame if events_of(frame[name]) is not None]
    return two[0] if len(two) == 1 else ""


def guessed_outcome(frame: pd.DataFrame) -> str:
    """The column of outcomes, or a refusal that lists the columns."""
    chosen = named_outcome(frame)
    if not chosen:
        raise ValueError("target must name the column of what happened, got none, and no column "
                         f"is called so or alone has two values. Columns: {listed(frame.columns)}"
                         ". Of logarithms of probabilities, pass forecast='log_score'.")
    return chosen


def listed(names: pd.Index) -> str:
    """Names of columns, the first twenty."""
    return ", ".join(map(str, names[:SHOWN])) + (" ..." if len(names) > SHOWN else "")


def holds_dates(name: str, feature: Feature) -> bool:
    """Whether a column was read as dates."""
    return any(note.startswith(f"Column {name!r} holds dates") for note in feature.notes)


def _numbers(feature: Feature) -> pd.Series | None:
    """Numbers of a column without gaps, or None where it holds others."""
    values = feature.values
    return None if values is None or values.dtype.kind != "f" else values.dropna()


def events_of(column: pd.Series) -> tuple[str, str] | None:
    """The two values of a column, the event last, or None where there are not two."""
    known = sorted(map(str, words_of(column).dropna().unique()))
    if len(known) == 1 and known[0] in ("0", "1"):
        return "0", "1"
    if len(known) != 2 or (_is_number(known) and known != ["0", "1"]):
        return None
    return (known[1], known[0]) if known[0].casefold() in EVENTS else (known[0], known[1])


def turned(table: pd.DataFrame, outcome: pd.Series, event: str) -> list[str]:
    """A note where most forecasts are lower when the event happens, as if of the other value."""
    lower = sum(bool(values[outcome == 1].mean() < values[outcome == 0].mean())
                for _, values in table.items())
    return [] if 2 * lower <= len(table.columns) else [
        f"{lower} of {len(table.columns)} forecasts are lower on average where {event!r} happened "
        "than where it did not: if they are probabilities of the other value, write that as 1 and "
        "this as 0."]


def _is_number(words: Sequence[str]) -> bool:
    plain = pd.Series(words).str.replace(",", ".")
    return bool(pd.to_numeric(plain, errors="coerce").notna().all())


def no_expert(values: pd.Series | None, kind: str) -> str:
    """Why a column holds no forecasts of this kind; or nothing."""
    if values is None:
        return ""                              # the reader has told why
    if values.dtype.kind != "f":
        return "it holds words"
    if kind == "probability" and not values.dropna().between(0, 1).all():
        return "not all of its numbers lie between 0 and 1"
    return "all cells are empty" if values.isna().all() else ""


def refuse_few(found: dict[str, pd.Series], notes: list[str]) -> None:
    """Refuse fewer than two experts, and more than anybody compares."""
    if len(found) < 2:
        raise ValueError(f"data must have at least 2 columns of forecasts, got "
                         f"{', '.join(map(repr, found)) or 'none'}. {' '.join(notes)} Name them "
                         "as experts.")
    if len(found) > MOST_EXPERTS:
        raise ValueError(f"experts must be at most {MOST_EXPERTS} columns, got {len(found)}. Name "
                         "those that you mean.")


def refuse_out_of_range(values: pd.Series, kind: str) -> None:
    """Refuse numbers that no forecast of this kind can be."""
    if kind == "probability":
        cells.refuse(values, values.notna() & ~values.between(0, 1), "probabilities from 0 to 1",
                     "Divide percentages by 100, or pass forecast='point'.")
    if kind == "log_score":
        cells.refuse(values, values > 1e3, "logarithms of probabilities or densities",
                     "Take logarithms first.")
