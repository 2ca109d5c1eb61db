"""The columns beside an outcome: numbers, days and categories that can say something about it."""

import pandas as pd

from workbench.datasets.features import digest, read_feature, useless
from workbench.datasets.files import Opened

__all__ = ["features_beside"]


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
    found, seen, notes = dict[str, pd.Series](), dict[bytes, str](), list[str]()
    own = read_feature(frame[target], commas=opened.delimiter == ";").values
    if own is not None:
        seen[digest(own)] = target
    for name in frame.columns.drop(target):
        feature = read_feature(frame[name], commas=opened.delimiter == ";")
        why = "" if feature.values is None else useless(feature.values, y, seen,
                                                        plain=not feature.notes)
        short = why.partition(";")[0]          # of a remedy that is for other studies
        notes += [*feature.notes, *([f"Column {name!r} was left out: {short}."] if why else [])]
        if feature.values is not None and not why:
            found[name] = feature.values
            seen[digest(feature.values)] = name
    if not found:
        raise ValueError("data must have a feature beside the outcome, but none is left. "
                         f"{' '.join(notes)} Add a column of numbers or categories.")
    missing = {name: int(values.isna().sum()) for name, values in found.items()}
    listed = ", ".join(f"{name!r} {count}" for name, count in missing.items() if count)
    if listed:
        notes.append(f"Missing cells of features, filled with the median or a category of their "
                     f"own: {listed}, of {len(frame)} rows.")
    return pd.DataFrame(found), notes
