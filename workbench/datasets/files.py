"""Open a file of scores: CSV, TSV (gzipped or not) or Parquet, from bytes to a table of cells.

Text files must be UTF-8; the delimiter is the one that splits the header into most columns.
"""

import csv
import gzip
import hashlib
import io
import re
import zlib
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from workbench.core import check

__all__ = ["EXTENSIONS", "Opened", "open_file"]

EXTENSIONS = (".csv", ".tsv", ".csv.gz", ".tsv.gz", ".parquet")
DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}


@dataclass(frozen=True, eq=False)
class Opened:
    """Cells of a table, its index holding the rows of the file (the header is row 1).

    `typed` tells whether the file itself knows numbers and dates from text.
    """

    frame: pd.DataFrame
    name: str
    origin: str
    sha256: str
    typed: bool
    notes: tuple[str, ...] = ()


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
    typed = kind == ".parquet"
    frame, notes = _parquet(content, path) if typed else _text(content, path, kind)
    if frame.empty:
        raise ValueError(f"data must hold at least one row, but {path.name!r} has only the column "
                         f"names {', '.join(map(str, frame.columns))}. Add the scores.")
    return Opened(frame, path.name[:-len(kind)], str(path), hashlib.sha256(content).hexdigest(),
                  typed, tuple(notes))


def _missing(path: Path) -> None:
    if path.is_dir():
        raise ValueError(f"data must be a file, but {str(path)!r} is a folder. Name a file in it.")
    beside = [other.name for other in path.parent.iterdir()] if path.parent.is_dir() else []
    raise FileNotFoundError(f"data must be a file that exists, but {str(path)!r} does not."
                            f"{check.suggestion(path.name, beside)} Paths start from the folder "
                            f"{str(Path.cwd())!r}.")


def _parquet(content: bytes, path: Path) -> tuple[pd.DataFrame, list[str]]:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        table = parquet.read_table(io.BytesIO(content))
    except (pa.ArrowException, OSError) as trouble:
        why = str(trouble).splitlines()[0].rstrip(".")
        raise ValueError(f"data must be a readable Parquet file, but {path.name!r} is not: "
                         f"{why}. Write it again.") from trouble
    _once(table.column_names, path)
    frame = table.to_pandas(ignore_metadata=True)
    for column, kind in zip(table.column_names, table.schema.types, strict=True):
        if pa.types.is_nested(kind):
            frame[column] = frame[column].map(str, na_action="ignore")
        elif pa.types.is_dictionary(kind):
            frame[column] = frame[column].astype(object)
    frame.index = pd.RangeIndex(2, len(frame) + 2)
    return frame, []


def _text(content: bytes, path: Path, kind: str) -> tuple[pd.DataFrame, list[str]]:
    text = _decoded(_unzipped(content, path) if kind.endswith(".gz") else content, path)
    above = len(text) - len(text.lstrip("\r\n"))
    first_row = 2 + len(text[:above].splitlines())
    text = text[above:]
    header = re.split(r"[\r\n]", text, maxsplit=1)[0]
    split = {mark: len(next(csv.reader([header], delimiter=mark))) for mark in DELIMITERS}
    # Ties go to the extension's own delimiter, so that a header of one column is no riddle.
    usual = "\t" if kind.startswith(".tsv") else ","
    mark = max(split, key=lambda mark: (split[mark], mark == usual))
    try:
        # The header is read as a row, so that a longer row is an error and not an index.
        rows = pd.read_csv(io.StringIO(text), sep=mark, dtype=str, na_filter=False, header=None,
                           skip_blank_lines=False)
    except pd.errors.ParserError as trouble:
        raise ValueError(f"data must have {split[mark]} cells in every row, as in the header, but "
                         f"{path.name!r} does not: {_uneven(str(trouble))}") from trouble
    names = [str(name).strip() for name in rows.iloc[0]]
    _once(names, path)
    frame = rows.iloc[1:].set_axis(names, axis=1)
    frame.index = pd.RangeIndex(first_row, first_row + len(frame))
    # A column without a name is what spreadsheets and saved row numbers leave behind.
    frame = frame.loc[:, [bool(name) for name in names]]
    blank = (frame.isna() | (frame == "")).all(axis=1)
    return frame[~blank], [f"Columns are separated by {DELIMITERS[mark]}."] * (mark != usual)


def _uneven(trouble: str) -> str:
    """Say in our words where pandas stumbled."""
    uneven = re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", trouble)
    if uneven:
        return f"line {uneven[2]} has {uneven[3]}. Quote cells that hold the delimiter."
    quote = re.search(r"EOF inside string starting at row (\d+)", trouble)
    if quote:
        return f"the quote opened in row {int(quote[1]) + 1} is not closed. Close or remove it."
    return f"{trouble.strip()}. Save the table again."


def _unzipped(content: bytes, path: Path) -> bytes:
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as trouble:
        raise ValueError(f"data must be a gzip file, but {path.name!r} is not, or is cut short. "
                         "Compress it again, or rename it.") from trouble


def _decoded(content: bytes, path: Path) -> str:
    if b"\0" in content or content.startswith(b"PAR1"):
        raise ValueError(f"data must be UTF-8 text, but {path.name!r} holds binary content or "
                         "UTF-16. Save it as CSV in UTF-8, or give it its right extension.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as trouble:
        row = content.count(b"\n", 0, trouble.start) + 1
        raise ValueError(f"data must be UTF-8 text, but {path.name!r} has the byte "
                         f"0x{content[trouble.start]:02x} in line {row}. Save it again with the "
                         "encoding UTF-8.") from trouble
    if not text.strip():
        raise ValueError(f"data must hold a table, but {path.name!r} is empty. Write the column "
                         "names in its first row.")
    return text


def _once(names: list[str], path: Path) -> None:
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        raise ValueError(f"data must name each column once, but {path.name!r} repeats "
                         f"{', '.join(map(repr, twice))}. Rename or remove one of them.")
