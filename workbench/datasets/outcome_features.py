"""The columns beside an outcome: numbers, days and categories that can say something about it."""

from collections.abc import Callable, Sequence

import pandas as pd

from workbench.datasets.features import digest, read_feature, useless
from workbench.datasets.files import Opened

__all__ = ["features_beside", "features_that_say"]


def features_beside(frame: pd.DataFrame, target: str, y: pd.Series, opened: Opened
                    ) -> tuple[pd.DataFrame, list[str]]:
    """Columns that can say something about an outcome, and notes on all others.

    Parameters
    ----------
    frame : DataFrame, shape (n, p)
        As in the file, the outcome's column `target` included: copies of it are left out.
    y : Series, shape (n,)
        The outcome as it was read.
    opened : Opened
        The file.
    """
    seen = dict[bytes, str]()
    own = read_feature(frame[target], commas=opened.delimiter == ";").values
    if own is not None:
        seen[digest(own)] = target

    def why_not(values: pd.Series, read: Sequence[str]) -> str:
        told = useless(values, y, seen, plain=not read)
        return told.partition(";")[0]          # of a remedy that is for other studies

    return features_that_say(frame.drop(columns=target), opened, why_not, seen,
                             "filled with the median or a category of their own")


def features_that_say(frame: pd.DataFrame, opened: Opened,
                      why_not: Callable[[pd.Series, Sequence[str]], str],
                      seen: dict[bytes, str], filled: str) -> tuple[pd.DataFrame, list[str]]:
    """Features of a table that are not refused, and notes on all others.

    Parameters
    ----------
    frame : DataFrame, shape (n, p)
        Without the outcome.
    opened : Opened
        The file.
    why_not : callable
        From the values of a column and the notes on their reading to the reason why it is left
        out, or to "".
    seen : dict of digest to name
        Columns so far; those that are kept are added.
    filled : str
        What a model does with missing cells.

    Raises
    ------
    ValueError
        If no feature is left.
    """
    found, notes = dict[str, pd.Series](), list[str]()
    for name in frame.columns:
        feature = read_feature(frame[name], commas=opened.delimiter == ";")
        why = "" if feature.values is None else why_not(feature.values, feature.notes)
        notes += [*feature.notes, *([f"Column {name!r} was left out: {why}."] if why else [])]
        if feature.values is not None and not why:
            found[name] = feature.values
            seen[digest(feature.values)] = name
    if not found:
        raise ValueError("data must have a feature beside the outcome, but none is left. "
                         f"{' '.join(notes)} Add a column of numbers or categories.")
    missing = {name: int(values.isna().sum()) for name, values in found.items()}
    listed = ", ".join(f"{name!r} {count}" for name, count in missing.items() if count)
    if listed:
        notes.append(f"Missing cells of features, {filled}: {listed}, of {len(frame)} rows.")
    return pd.DataFrame(found), notes
