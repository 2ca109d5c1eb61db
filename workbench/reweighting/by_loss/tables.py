"""A small network on the user's own table, weighed by loss, over several splits."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype

from workbench.core import check, generator
from workbench.datasets.class_table import FEWEST, MOST_CLASSES, NAMES, load_class_table
from workbench.datasets.features import numbers_in
from workbench.datasets.regression import REGRESSION_TABLES, load_regression
from workbench.datasets.shipped import open_table
from workbench.datasets.words import words_of
from workbench.reweighting.trials import Trials, compare_weighters, mean_of_known

__all__ = ["TASKS", "Table", "numbers_of", "read_table", "train_table"]

TASKS = ("auto", "number", "class")
MOSTLY = 0.9             # share of numbers from which a target is one
FARTHEST = 1e15          # from the training rows [standard deviations]; squares stay finite
MANY = 20                # different numbers above which a target is no class
HELD_OUT = 0.3
CATEGORIES = 20          # of one feature that get a column of their own


@dataclass(frozen=True, eq=False)
class Table:
    """Features and target of a table.

    Parameters
    ----------
    features : DataFrame, shape (n, p)
    y : array, shape (n,)
        Numbers, or places in `classes`.
    classes : tuple of str
        Empty for a number.
    target, name, sha256 : str
    notes : tuple of str
    """

    features: pd.DataFrame
    y: np.ndarray
    classes: tuple[str, ...]
    target: str
    name: str
    sha256: str
    notes: tuple[str, ...]


def read_table(data: str, *, target: str = "", task: str = "auto") -> Table:
    """Read a table with a target.

    Parameters
    ----------
    data : str
        A shipped table, or a CSV, TSV or Parquet file.
    target : str
        Column to predict; empty takes one with a usual name, or the last.
    task : {"auto", "number", "class"}
        "auto": a number where the column holds more than twenty different ones.

    Raises
    ------
    ValueError, FileNotFoundError
        Naming what cannot be read and the remedy.
    """
    check.one_of(TASKS, task=task)
    if data in REGRESSION_TABLES:
        return _numeric(data, target, task)
    opened = open_table(data, {})
    frame = opened.frame.rename(columns=str)
    chosen = target or _usual(frame)
    told = () if target else (f"The target is column {chosen!r}; pass target= for another.",)
    kind = task
    if chosen in frame:
        words = words_of(frame[chosen]).dropna().astype(str)
        kind = _kind(words, commas=opened.delimiter == ";") if task == "auto" else task
        _refuse(words, chosen, kind, task)
    if kind == "number":
        found = _numeric(data, chosen, "number")
    else:
        rows = load_class_table(data, target=chosen)
        found = Table(rows.features, rows.y, rows.classes, rows.target, rows.name, rows.sha256,
                      rows.notes)
    return replace(found, notes=(*told, *found.notes))


def _numeric(data: str, target: str, task: str) -> Table:
    if task == "class":
        raise ValueError(f"task must be 'number' or 'auto' for the shipped table {data!r}, got "
                         f"{task!r}. Pass your own file for classes.")
    found = load_regression(data, target=target)
    return Table(found.features, found.y, (), found.target, found.name, found.sha256, found.notes)


def _usual(frame: pd.DataFrame) -> str:
    """The column with the most usual name of a target, or the last."""
    words = {str(name).casefold().strip(): str(name) for name in frame}
    return next((words[word] for word in NAMES if word in words), str(frame.columns[-1]))


def _kind(words: pd.Series, *, commas: bool) -> str:
    """Whether a column holds numbers, however they are spelled, and many of them."""
    numbers = pd.to_numeric(words, errors="coerce")
    if numbers.notna().mean() <= MOSTLY:
        numbers, _ = numbers_in(words, commas=commas)
    return "number" if numbers.notna().mean() > MOSTLY and words.nunique() > MANY else "class"


def _refuse(words: pd.Series, target: str, kind: str, task: str) -> None:
    """Refuse a target from which nothing can be learnt, whatever it is."""
    different = words.nunique()
    if len(words) < FEWEST:
        raise ValueError(f"data must give at least {FEWEST} rows with a target, to learn from and "
                         f"to test on, but {target!r} has {len(words)}. Add rows, or name another "
                         "column.")
    if different < 2:
        raise ValueError(f"target must vary, but {target!r} is {words.iloc[0]!r} in all "
                         f"{len(words)} rows. Name another column.")
    if kind == "class" and different > MOST_CLASSES:
        remedy = "Pass task='auto' for numbers" if task == "class" else "Write plain numbers"
        raise ValueError(f"target must hold numbers or at most {MOST_CLASSES} classes, but "
                         f"{target!r} holds {different} texts, such as {words.iloc[0]!r}. "
                         f"{remedy}, group its values, or name another column.")


def numbers_of(features: pd.DataFrame, train: np.ndarray, *,
               columns_by: np.ndarray | None = None) -> np.ndarray:
    """Features as numbers: standardised by the training rows, categories as columns.

    Missing numbers are the median of the training rows and marked in a column of their own.

    Parameters
    ----------
    features : DataFrame, shape (n, p)
    train : array of int
        Positions of training rows; nothing is learnt from others.
    columns_by : array of int, optional
        Positions of rows that decide which columns there are, such as all rows where several
        splits must have the same; training rows without.

    Raises
    ------
    ValueError
        If a number is too far from those of the training rows for float32.
    """
    shown = train if columns_by is None else columns_by
    parts = []
    for name in features:
        column = features[name]
        if not is_numeric_dtype(column.dtype):
            common = column.iloc[shown].value_counts().index[:CATEGORIES]
            parts += [(column == one).to_numpy(float) for one in common]
            continue
        values = column.to_numpy(float)
        known = values[train][np.isfinite(values[train])]
        missing = ~np.isfinite(values)
        middle = float(np.median(known)) if len(known) else 0.0
        parts.append(_standard(np.where(missing, middle, values), known, str(name)))
        if missing[shown].any():
            parts.append(missing.astype(float))
    return np.column_stack(parts).astype(np.float32)


def _standard(values: np.ndarray, known: np.ndarray, name: str) -> np.ndarray:
    """Values with the mean and spread of known ones removed."""
    mean, spread = (float(known.mean()), float(known.std())) if len(known) else (0.0, 1.0)
    scaled: np.ndarray = (values - mean) / (spread or 1.0)
    if not (np.abs(scaled) <= FARTHEST).all():
        far = values[int(np.abs(scaled).argmax())]
        raise ValueError(f"column {name!r} must stay within {FARTHEST:g} standard deviations of "
                         f"the training rows, got {far:g}. Correct or remove this row.")
    return scaled


def train_table(table: Table, weighters: Mapping[str, Any], *, splits: int = 5,  # noqa: PLR0913
                epochs: int = 30, width: int = 32, batch_size: int = 32, seed: int = 0,
                on_trained: Callable[[int, int], None] | None = None) -> Trials:
    """Train a perceptron with every weighter, on several splits of a table.

    Parameters
    ----------
    table : Table
    weighters : mapping of name to weighter
    splits : int > 0
        Splits, each with its own 30 % of the rows to test on, network and order.
    epochs, width, batch_size : int > 0
    seed : int >= 0
    on_trained : function of the numbers of trained and of all networks, optional

    Returns
    -------
    trials : Trials
        Losses are cross-entropy [nats], or squared errors over the variance of the target.
        `weights` has NaN for rows that no split trained on. Splits share rows: their intervals
        are too narrow for rows that are yet to come.
    """
    check.positive(splits=splits, epochs=epochs, width=width, batch_size=batch_size)
    found = []
    for number in range(splits):
        def told(done: int, of: int, before: int = number) -> None:
            if on_trained is not None:
                on_trained(before * of + done, splits * of)
        found.append(_split(table, weighters, (epochs, width, batch_size), seed + number, told))
    rows = (pd.DataFrame(mean_of_known(np.stack([getattr(one, part) for one in found])),
                         columns=found[0].weights.columns) for part in ("weights", "last"))
    return Trials(pd.concat([one.scores for one in found], ignore_index=True),
                  pd.concat([one.history for one in found], ignore_index=True), *rows)


def _split(table: Table, weighters: Mapping[str, Any], sizes: tuple[int, int, int], seed: int,
           told: Callable[[int, int], None]) -> Trials:
    from workbench.train import (
        MLP,
        AdamW,
        Training,
        classification,
        cosine,
        regression,
        torch_generator,
    )

    epochs, width, batch_size = sizes
    n = len(table.y)
    order = generator(seed).permutation(n)
    test, train = order[:max(1, int(HELD_OUT * n))], order[max(1, int(HELD_OUT * n)):]
    x = numbers_of(table.features, train)
    y = table.y if table.classes else _standard(
        table.y, table.y[train], table.target).astype(np.float32)

    def make(chosen: int) -> Any:
        return MLP(x.shape[1], width, len(table.classes) or 1, generator=torch_generator(chosen))
    how = Training(AdamW(3e-3), epochs=epochs, batch_size=min(batch_size, len(train)),
                   schedule=cosine(0.05), log_every=max(1, len(train) // batch_size))
    one = compare_weighters(make, (x[train], y[train]), (x[test], y[test]), weighters, how,
                            loss=classification if table.classes else regression, seeds=(seed,),
                            on_trained=told)
    return Trials(one.scores, one.history, *(
        part.set_axis(train).reindex(range(n)) for part in (one.weights, one.last)))
