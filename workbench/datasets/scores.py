"""The door for opinion scores: a shipped table or the user's own file, without silent guesses.

Whatever is dropped, merged or interpreted is told in a note; whatever cannot be read for certain
is refused, with its row (the header is row 1) and a remedy. Nothing is clipped or filled in.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from workbench.core import check
from workbench.datasets import cells, columns, raw, repeats
from workbench.datasets.columns import Columns
from workbench.datasets.files import EXTENSIONS, Opened, open_file
from workbench.datasets.tables import SHIPPED

__all__ = ["Scores", "load_scores"]

FEWEST = 5
LONG_GAP = 5.0
LARGEST = 1e150  # its square is still a finite number
ORDER = ("date", "score", "source", "weight", "error", "document", "text")


@dataclass(frozen=True, eq=False)
class Scores:
    """Dated scores, ready for a trend.

    Parameters
    ----------
    table : DataFrame, shape (n, p)
        Sorted by ``date`` (UTC without a zone); ``score``; ``source`` ("all" when no column of
        sources was named, "unknown" where its cell is empty); ``weight`` >= 0; ``error``, the
        standard error of the score from repeats, in its unit; ``document`` and ``text`` where the
        file has them.
    scale : (float, float)
        Ends of the scale of the scores.
    name, origin, sha256 : str
        Name of the data, where they were read, checksum of the file.
    notes : tuple of str
        Every interpretation and every row left out, one sentence each.
    """

    table: pd.DataFrame
    scale: tuple[float, float]
    name: str
    origin: str
    sha256: str
    notes: tuple[str, ...]


def load_scores(  # noqa: PLR0913 - one keyword per column of the file
        data: str | Path, *, date: str = "date", score: str = "score", source: str = "",
        weight: str = "", document: str = "", question: str = "",
        scale: Sequence[float] = ()) -> Scores:
    """Read dated scores of a shipped table or of a CSV, TSV or Parquet file.

    Parameters
    ----------
    data : str or Path
        Name of a shipped table, or a file.
    date, score, source, weight, document : str
        Names of columns, see :class:`workbench.datasets.columns.Columns`.
    question : str
        Keep the rows whose column ``question`` says so.
    scale : () or (low, high)
        Range of the scores; () is the shipped table's own, else the smallest that holds the data.

    Returns
    -------
    scores : Scores
        At least five of weight > 0, on at least two dates.

    Raises
    ------
    ValueError, FileNotFoundError
        Naming what cannot be read, its first row and the remedy.
    """
    wanted, ends = Columns(date, score, source, weight, document), _ends(scale)
    opened, wanted, own = _open(data, wanted)
    frame, chosen = columns.one_question(opened.frame, question)
    columns.all_present(frame, wanted)
    table, read = columns.read_columns(frame, wanted, typed=opened.typed,
                                       commas=opened.delimiter == ";")
    table, dropped = columns.complete_rows(table, wanted)
    _enough(table, len(frame), dropped)
    ends, told = _scaled(table["score"].rename(score), ends or own)
    table, merged = _documents(table, frame, named=bool(document))
    _enough(table, len(frame), [*dropped, *merged])
    table = _sorted(table)
    notes = (*opened.notes, *chosen, *read, *dropped, *merged, *told, *_gap(_counting(table)))
    return Scores(table, ends, opened.name, opened.origin, opened.sha256, notes)


def _open(data: str | Path, wanted: Columns) -> tuple[Opened, Columns, tuple[float, ...]]:
    name = str(data).strip()
    if name in SHIPPED:
        shipped = SHIPPED[name]
        frame = shipped.read()
        frame.index = pd.RangeIndex(2, len(frame) + 2)
        opened = Opened(frame, name, f"data/raw/{shipped.files[0]}",
                        raw.checksum(shipped.files), typed=True)
        return opened, replace(wanted, source=wanted.source or "source"), shipped.scale
    if "://" in name:
        raise ValueError(f"data must be a local file, got the address {name!r}. Download it "
                         "first and pass the path of the file.")
    path = Path(name).expanduser()
    if not name or not (path.exists() or path.suffix or len(path.parts) > 1):
        raise ValueError(f"data must be one of {', '.join(map(repr, SHIPPED))}, or the path of a "
                         f"file ending in {', '.join(EXTENSIONS)}; got {name!r}."
                         f"{check.suggestion(name, SHIPPED)}")
    return open_file(path), wanted, ()


def _ends(scale: Sequence[float]) -> tuple[float, ...]:
    ends = tuple(scale) if isinstance(scale, Sequence) else (scale,)
    good = all(isinstance(end, int | float) and not isinstance(end, bool) and math.isfinite(end)
               for end in ends)
    if not good or len(ends) not in (0, 2) or (ends and not ends[0] < ends[1]):
        raise ValueError(f"scale must be two finite numbers in order, or empty, got {scale!r}. "
                         "Pass (0, 10) for scores from 0 to 10.")
    if any(abs(end) > LARGEST for end in ends):
        raise ValueError(f"scale must lie within {LARGEST:g} of 0, so that squares of scores are "
                         f"finite, got {scale!r}. Choose a larger unit for the scores.")
    return tuple(float(end) for end in ends)


def _scaled(score: pd.Series, ends: tuple[float, ...]) -> tuple[tuple[float, float], list[str]]:
    if ends:
        low, high = ends
        cells.refuse(score, ~score.between(low, high), f"scores from {low:g} to {high:g}",
                     "Correct them or pass the right scale=; scores are never clipped.")
        return (low, high), []
    cells.refuse(score, score.abs() > LARGEST, f"scores within {LARGEST:g} of 0",
                 "Correct them, or choose a larger unit; squares of scores must be finite.")
    low, high = float(score.min()), float(score.max())
    if low == high:
        raise ValueError(f"scale must be given, since all scores are {low:g} and show no range. "
                         "Pass scale=(0, 10) for scores from 0 to 10.")
    return (low, high), [f"The scale was taken from the data, {low:g} to {high:g}; pass scale= "
                         "when the scores could go further."]


def _documents(table: pd.DataFrame, frame: pd.DataFrame, *, named: bool
               ) -> tuple[pd.DataFrame, list[str]]:
    if named:
        return repeats.collapse(table)
    same = int(frame.loc[table.index].duplicated().sum())
    notes = [f"Exact repeats of an earlier row: {same}, all kept; if they repeat one document, "
             "pass its column as document=."] * (same > 0)
    if "document" in table and table["document"].dropna().duplicated().any():
        notes.append("Column 'document' names some documents more than once; pass "
                     "document='document' to merge their repeats.")
    return table.assign(error=0.0), notes


def _sorted(table: pd.DataFrame) -> pd.DataFrame:
    kept = [name for name in ORDER if name in table]
    return table[kept].sort_values("date", kind="stable", ignore_index=True)


def _counting(table: pd.DataFrame) -> pd.Series:
    """Dates of the rows that count for something."""
    return table.loc[table["weight"] > 0, "date"]


def _enough(table: pd.DataFrame, rows: int, left_out: list[str]) -> None:
    date = _counting(table)
    if len(date) < FEWEST:
        why = " ".join(left_out) or "No row was left out."
        raise ValueError(f"data must give at least {FEWEST} scores, but {rows} rows gave "
                         f"{len(date)}. {why} Add scores, or name other columns.")
    first = date.min()
    if first == date.max():
        raise ValueError(f"data must have scores on at least two dates, but all {len(date)} are "
                         f"dated {first}. Name another column as date=.")


def _gap(date: pd.Series) -> list[str]:
    """Tell the longest gap when it is far longer than the usual spacing."""
    days = date.drop_duplicates().to_numpy()
    spacing = np.diff(days) / np.timedelta64(1, "D")
    widest, usual = int(spacing.argmax()), float(np.median(spacing))
    if not spacing[widest] > LONG_GAP * usual:
        return []
    begin, end = (np.datetime_as_string(day, unit="D") for day in days[widest:widest + 2])
    return [f"The longest gap runs from {begin} to {end}, {spacing[widest] / usual:.0f} times the "
            "median spacing; the trend there rests on the model."]
