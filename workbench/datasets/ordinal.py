"""The door for tables with an ordered outcome: a shipped one, or the user's own file.

Columns become numbers or categories, labels become stages in their order; what is left out or
interpreted is told in a note.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from pandas.api import types

from workbench.core import check
from workbench.datasets import cells
from workbench.datasets.features import LARGEST, numbers_in, useless
from workbench.datasets.files import Opened
from workbench.datasets.numbers import read_numbers
from workbench.datasets.ordinal_shipped import DEFAULTS, ORDINAL_TABLES, opened_table
from workbench.datasets.outcome_features import features_that_say
from workbench.datasets.stages import in_order

__all__ = ["ORDINAL_TABLES", "Ordinal", "load_ordinal"]

FEWEST, MOST_CLASSES, SHOWN = 40, 20, 20
NOTHING = "none"
RARE = 20                # rows of the last class below which its numbers rest on few


@dataclass(frozen=True, eq=False)
class Ordinal:
    """A table with an ordered outcome.

    Parameters
    ----------
    features : DataFrame, shape (n, p)
        Floats, and objects for categories (text); NaN where missing. Its index holds the rows of
        the file (the header is row 1).
    codes : array of int, shape (n,)
        Stage of each row, from 0 on.
    labels : tuple of str
        Of the stages, the last one being the rare one.
    outcome : str
        The column they come from.
    weight : array, shape (n,), or None
        How much each row counts, above zero.
    group : array, shape (n,), or None
        Rows of one group belong together.
    name, origin, sha256 : str
        Name of the data, where they were read, checksum of the file.
    notes : tuple of str
        Every interpretation and everything left out, one sentence each.
    """

    features: pd.DataFrame
    codes: np.ndarray
    labels: tuple[str, ...]
    outcome: str
    weight: np.ndarray | None
    group: np.ndarray | None
    name: str
    origin: str
    sha256: str
    notes: tuple[str, ...]


def load_ordinal(data: str | Path, *, outcome: str = "",  # noqa: PLR0913 - one per role
                 order: Sequence[str] = (), reverse: bool = False, features: Sequence[str] = (),
                 weight: str = "", group: str = "", age_cutoff: int = 45) -> Ordinal:
    """Read a table with an ordered outcome.

    Parameters
    ----------
    data : str or Path
        One of `ORDINAL_TABLES`, or a CSV, TSV or Parquet file.
    outcome : str
        Column of the stages; empty takes that of a shipped table, else the last column.
    order : sequence of str
        The stages from the first to the last; none for numbers, texts with a number each, and
        usual scales of words, which say it themselves.
    reverse : bool
        Whether to turn the order round, so that the first stage becomes the last.
    features : sequence of str
        Columns to explain with; none takes all others.
    weight : str
        Column of sample weights >= 0; empty counts all rows the same.
    group : str
        Column whose equal values belong together; it is no feature. Empty for none.
    age_cutoff : int
        Age at which the shipped ``prediabetes`` is looked at [years].

    Raises
    ------
    ValueError, FileNotFoundError
        Naming what cannot be read, its first row and the remedy.

    Examples
    --------
    >>> table = load_ordinal("soup")
    >>> table.features.shape, table.labels[-1]
    ((1847, 9), '1')
    """
    opened = opened_table(data, age_cutoff)
    frame = opened.frame.rename(columns=str)
    usual = DEFAULTS.get(str(data).strip(), {})
    told = {} if outcome else {"order": usual.get("order", ()), "group": usual.get("group", ""),
                               "features": usual.get("features", ())}
    outcome = outcome or usual.get("outcome", "") or str(frame.columns[-1])
    order, features = order or told.get("order", ()), features or told.get("features", ())
    group = group or told.get("group", "")
    _present(frame, outcome, features, {"weight": weight, "group": group})
    labels, notes = _labels(frame[outcome], opened)
    stages, how = in_order(labels, order)
    codes = _codes(labels, stages[::-1] if reverse else stages, outcome)
    notes += [_stages_told(codes, labels, outcome, how, reversed_=reverse)]
    if weight:
        amounts, idle = _amounts(frame[weight].loc[codes.index], opened)
        codes, notes = codes[amounts.index], notes + idle
    kept = frame.loc[codes.index]
    present = codes.nunique()
    if len(kept) < FEWEST or present < len(stages):
        raise ValueError(f"data must give at least {FEWEST} rows that count, with every class, "
                         f"but {len(frame)} rows gave {len(kept)} with {present} classes. Add "
                         "rows, or merge classes.")
    chosen = list(features) or [name for name in kept if name not in {outcome, weight, group}]
    found, read = _features(kept[chosen], codes, opened)
    final = labels[codes.index].groupby(codes).first()
    return Ordinal(found, codes.to_numpy(), tuple(final), outcome,
                   amounts.to_numpy() if weight else None,
                   cells.stripped(kept[group]).fillna("missing").to_numpy(str) if group else None,
                   opened.name, opened.origin, opened.sha256,
                   (*opened.notes, *notes, *_rare(codes, final), *read))


def _present(frame: pd.DataFrame, outcome: str, features: Sequence[str],
             others: dict[str, str]) -> None:
    known = list(frame.columns)
    named = [("outcome", outcome), *(("features", name) for name in features),
             *((role, name) for role, name in others.items() if name)]
    problems = [f"{role} must name a column of the data, got {name!r}."
                f"{check.suggestion(name, known)}" for role, name in named if name not in known]
    problems += [f"features must name each column once, got {name!r} twice. Drop the repeat."
                 for name in dict.fromkeys(features) if list(features).count(name) > 1]
    problems += [f"{role} must be another column than the outcome, got {name!r} for both. Name "
                 "another column, or none." for role, name in named[1:] if name == outcome]
    if problems:
        told = ", ".join(known[:SHOWN]) + (" ..." if len(known) > SHOWN else "")
        raise ValueError(" ".join([*problems, f"Columns: {told}."]))


def _labels(column: pd.Series, opened: Opened) -> tuple[pd.Series, list[str]]:
    """Labels as text, without the rows that have none; numbers are spelled alike."""
    own = cells.stripped(column.astype(object) if types.is_bool_dtype(column.dtype) else column)
    numbers, _ = numbers_in(own.dropna(), commas=opened.delimiter == ";")
    if numbers.isna().any():             # among words, "none" is a stage and no missing cell
        words = column.astype(object).map(str, na_action="ignore").str.strip()
        own = own.mask(words.str.lower() == NOTHING, words)
    held = own.dropna()
    labels = held if numbers.isna().any() else numbers.map("{:g}".format)
    different = labels.nunique()
    if not 3 <= different <= MOST_CLASSES:
        remedy = ("Name another outcome, or divide it into classes first." if different > 2 else
                  "With two classes use a logistic regression." if different == 2 else
                  "Name another outcome.")
        raise ValueError(f"outcome must have 3 to {MOST_CLASSES} ordered classes, but column "
                         f"{column.name!r} holds {different} different values in {len(held)} "
                         f"rows. {remedy}")
    gone = len(own) - len(held)
    return labels, [f"{gone} {'row' if gone == 1 else 'rows'} without an outcome "
                    f"{'was' if gone == 1 else 'were'} left out."] if gone else []


def _codes(labels: pd.Series, stages: list[str], outcome: str) -> pd.Series:
    codes = labels.map({label: at for at, label in enumerate(stages)}).astype(int)
    counts = codes.value_counts()
    lonely = [stages[int(at)] for at in counts.index[counts < 2]]
    if lonely:
        raise ValueError(f"outcome must have at least 2 rows of every class, but {outcome!r} has "
                         f"one row of {', '.join(map(repr, lonely))}. Merge rare classes.")
    return codes


def _stages_told(codes: pd.Series, labels: pd.Series, outcome: str, how: str, *,
                 reversed_: bool) -> str:
    counts = codes.value_counts().sort_index()
    names = labels.groupby(codes).first()
    told = ", ".join(f"{name} ({count})" for name, count in zip(names, counts, strict=True))
    return (f"Stages of {outcome!r} from the first to the last, with their rows: {told}; order "
            f"{how}{', turned round' * reversed_}.")


def _rare(codes: pd.Series, labels: pd.Series) -> list[str]:
    counts = codes.value_counts().sort_index()
    notes = []
    if counts.iloc[-1] > counts.iloc[0]:
        notes.append(f"The last stage, {labels.iloc[-1]!r}, is commoner than the first, "
                     f"{labels.iloc[0]!r}; what is told of the rare class concerns the last one. "
                     "reverse=true turns the order round.")
    if counts.iloc[-1] < RARE:
        notes.append(f"Only {counts.iloc[-1]} rows have the last stage, {labels.iloc[-1]!r}: all "
                     "that is told of it rests on them.")
    return notes


def _amounts(column: pd.Series, opened: Opened) -> tuple[pd.Series, list[str]]:
    """Weights above zero; a row of weight zero, or without a weight, is no row."""
    found, notes = read_numbers(column, typed=opened.typed, commas=opened.delimiter == ";")
    held = found.dropna()
    cells.refuse(held, ~((held >= 0) & (held <= LARGEST)), "weights >= 0",
                 "Write 1 for a row that counts fully and 0 for one that does not count.")
    gone = len(found) - int((held > 0).sum())
    if gone == len(found):
        raise ValueError(f"weight must be above 0 in some rows, but column {column.name!r} is in "
                         f"none of {gone}. Name another column, or none.")
    told = [f"{gone} {'row' if gone == 1 else 'rows'} without a weight above 0 "
            f"{'was' if gone == 1 else 'were'} left out."] if gone else []
    return held[held > 0], notes + told


def _features(frame: pd.DataFrame, codes: pd.Series, opened: Opened
              ) -> tuple[pd.DataFrame, list[str]]:
    seen = dict[bytes, str]()
    return features_that_say(
        frame, opened, lambda values, read: _useless(values, codes, seen, plain=not read), seen,
        "filled and marked")


def _useless(values: pd.Series, codes: pd.Series, seen: dict[bytes, str], *, plain: bool) -> str:
    held = pd.DataFrame({"value": values, "code": codes}).dropna().drop_duplicates()
    if len(held) == held["value"].nunique() == held["code"].nunique() > 2:
        return "it repeats the outcome under other names, which no model may see"
    why = useless(values, codes.astype(float), seen, plain=plain)
    return why.replace("target", "outcome").partition("; pass it as time=")[0]
