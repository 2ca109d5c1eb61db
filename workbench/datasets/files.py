"""Open a table: CSV, TSV (gzipped or not) or Parquet, from bytes to a table of cells."""

import hashlib
import io
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from workbench.core import check
from workbench.datasets.delimited import delimited

__all__ = ["EXTENSIONS", "Opened", "open_file"]

EXTENSIONS = (".csv", ".tsv", ".csv.gz", ".tsv.gz", ".parquet")
SHOWN = 20               # names of columns in a message


@dataclass(frozen=True, eq=False)
class Opened:
    """Cells of a table, its index holding the rows of the file (the header is row 1).

    `typed` tells whether the file itself knows numbers and dates from text, `delimiter` what
    separates the cells of a text file.
    """

    frame: pd.DataFrame
    name: str
    origin: str
    sha256: str
    typed: bool
    notes: tuple[str, ...] = ()
    delimiter: str = ""


def open_file(path: Path) -> Opened:
    """Read all cells of a file.

    Parameters
    ----------
    path : Path
        With one of `EXTENSIONS`, in upper or lower case.

    Raises
    ------
    FileNotFoundError
        If there is no such file; the message names a similar one beside it.
    ValueError
        If the file is empty, binary, not UTF-8, of another kind, or its rows are uneven.
    """
    kind = next((end for end in sorted(EXTENSIONS, key=len, reverse=True)
                 if path.name.lower().endswith(end)), "")
    if path.is_dir() or not path.exists():
        _missing(path)
    if not kind:
        raise ValueError(f"data must end in {', '.join(EXTENSIONS)}, got {path.name!r}. "
                         "Save the table as CSV or Parquet.")
    content = path.read_bytes()
    if not content.strip():
        raise ValueError(f"data must hold a table, but {path.name!r} is empty. Write the column "
                         "names in its first row.")
    digest, name = hashlib.sha256(content).hexdigest(), path.name[:-len(kind)]
    if kind == ".parquet":
        frame = _parquet(content, path)
        _filled(frame, path)
        return Opened(frame, name, str(path), digest, typed=True)
    usual = "\t" if kind.startswith(".tsv") else ","
    cells = delimited(content, path.name, gzipped=kind.endswith(".gz"), usual=usual)
    _once(list(cells.frame.columns), path)
    _filled(cells.frame, path)
    return Opened(cells.frame, name, str(path), digest, typed=False, notes=tuple(cells.notes),
                  delimiter=cells.delimiter)


def _missing(path: Path) -> None:
    if path.is_dir():
        raise ValueError(f"data must be a file, but {str(path)!r} is a folder. Name a file in it.")
    beside = [other.name for other in path.parent.iterdir()] if path.parent.is_dir() else []
    raise FileNotFoundError(f"data must be a file that exists, but {str(path)!r} does not."
                            f"{check.suggestion(path.name, beside)} Paths start from the folder "
                            f"{str(Path.cwd())!r}.")


def _filled(frame: pd.DataFrame, path: Path) -> None:
    if not len(frame.columns):
        raise ValueError(f"data must have named columns, but {path.name!r} has none. Write "
                         "their names in its first row.")
    if frame.empty:
        raise ValueError(f"data must hold at least one row, but {path.name!r} has only the column "
                         f"names {', '.join(map(str, frame.columns[:SHOWN]))}"
                         f"{', ...' * (len(frame.columns) > SHOWN)}. Add the rows.")


def _parquet(content: bytes, path: Path) -> pd.DataFrame:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        # A repeated name is told before the cells are read, since Arrow stumbles over it.
        _once(parquet.read_schema(io.BytesIO(content)).names, path)
        table = parquet.read_table(io.BytesIO(content))
    except (pa.ArrowException, OSError) as trouble:
        why = str(trouble).splitlines()[0].rstrip(".")
        raise ValueError(f"data must be a readable Parquet file, but {path.name!r} is not: "
                         f"{why}. Write it again.") from trouble
    frame = table.to_pandas(ignore_metadata=True)
    for column, kind in zip(table.column_names, table.schema.types, strict=True):
        if pa.types.is_nested(kind):
            frame[column] = frame[column].map(str, na_action="ignore")
        elif pa.types.is_dictionary(kind):
            frame[column] = frame[column].astype(object)
    frame.index = pd.RangeIndex(2, len(frame) + 2)
    return frame


def _once(names: list[str], path: Path) -> None:
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        raise ValueError(f"data must name each column once, but {path.name!r} repeats "
                         f"{', '.join(map(repr, twice))}. Rename or remove one of them.")
