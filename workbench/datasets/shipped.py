"""Data by its name, where it is shipped, or by its path."""

from collections.abc import Collection, Mapping
from pathlib import Path

import pandas as pd

from workbench.core import check
from workbench.datasets import raw
from workbench.datasets.files import EXTENSIONS, Opened, open_file

__all__ = ["open_table", "unknown_data"]


def unknown_data(data: str, shipped: Collection[str]) -> list[str]:
    """A sentence if data are neither shipped nor a file, without reading them; else nothing.

    Examples
    --------
    >>> unknown_data("yahct", ["yacht", "wine"])[0].split(". ")[0]
    "data must be one of 'yacht', 'wine' or a file, got 'yahct', which is neither"
    """
    if data in shipped or Path(data).expanduser().is_file():
        return []
    return [f"data must be one of {', '.join(map(repr, shipped))} or a file, got {data!r}, which "
            f"is neither.{check.suggestion(data, list(shipped))} Check the path."]


def open_table(data: str | Path, tables: Mapping[str, str]) -> Opened:
    """Open a shipped table or a file.

    Parameters
    ----------
    data : str or Path
        A name among `tables`, or the path of a CSV, TSV or Parquet file.
    tables : mapping of name to path
        Shipped tables, below ``data/raw``. Their rows are numbered like the lines of the file.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is neither a known name nor a path, or cannot be read.
    """
    name = str(data).strip()
    if name in tables:
        file = tables[name]
        frame = pd.read_csv(raw.raw_file(file))
        frame.index = pd.RangeIndex(2, len(frame) + 2)
        return Opened(frame, name, f"data/raw/{file}", raw.checksum((file,)), typed=True)
    path = Path(name).expanduser()
    if not name or not (path.exists() or path.suffix or len(path.parts) > 1):
        raise ValueError(f"data must be one of {', '.join(map(repr, tables))}, or the path of a "
                         f"file ending in {', '.join(EXTENSIONS)}; got {name!r}."
                         f"{check.suggestion(name, list(tables))}")
    return open_file(path)
