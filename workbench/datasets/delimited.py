"""From the bytes of a CSV or TSV file to its cells, all as text.

Text must be UTF-8; the delimiter is the one that splits the header into most columns, unless a
first line such as ``sep=;`` names it.
"""

import csv
import gzip
import io
import re
import zlib
from dataclasses import dataclass

import pandas as pd

__all__ = ["DELIMITERS", "Cells", "delimited"]

DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
NAMED = re.compile(r'"?sep=([,;\t|])"?[ \t]*', re.IGNORECASE)

LINE_END = re.compile(r"\r\n|\r|\n")
BELOW = re.compile(r"[\r\n]([^#\r\n][^\r\n]*)")  # the next line that is no comment
NUMERIC = re.compile(r"\s*[+-]?\.?[0-9]")
LONGEST = 2**31 - 1  # characters in a cell


@dataclass(frozen=True, eq=False)
class Cells:
    """Cells of a text file, its index holding the rows; `delimiter` is the mark between them."""

    frame: pd.DataFrame
    delimiter: str
    notes: list[str]


def delimited(content: bytes, file: str, *, gzipped: bool, usual: str) -> Cells:
    """Read every cell of a text file.

    Parameters
    ----------
    content : bytes
    file : str
        Name of the file, for complaints.
    gzipped : bool
    usual : str
        Delimiter of the file's extension; any other is told in a note.

    Raises
    ------
    ValueError
        If the content is no UTF-8 text or its rows are uneven, naming the first such row.
    """
    text = _decoded(_unzipped(content, file) if gzipped else content, file)
    text, above, named, notes = _begun(text, usual, file)
    header = LINE_END.split(text, maxsplit=1)[0]
    mark = named or _delimiter(header, usual)
    rows = _rows(text, mark, _width(header, mark), above, file)
    names = [str(name).strip() for name in rows.iloc[0]]
    frame = rows.iloc[1:].set_axis(names, axis=1)
    frame.index = pd.RangeIndex(above + 2, above + 2 + len(frame))
    # A column without a name is what spreadsheets and saved row numbers leave behind.
    frame = frame.loc[:, [bool(name) for name in names]]
    frame = frame[~(frame.isna() | (frame == "")).all(axis=1)]
    if len(frame.columns) > 1 and (frame.iloc[:, -1] == "").any():
        _whole(text, mark, max(at + 1 for at, name in enumerate(names) if name), above, file)
    notes += [f"Columns are separated by {DELIMITERS[mark]}."] * (mark != usual)
    return Cells(frame, mark, notes)


def _rows(text: str, mark: str, width: int, above: int, file: str) -> pd.DataFrame:
    try:
        # The header is read as a row, so that a longer row is an error and not an index.
        return pd.read_csv(io.StringIO(text), sep=mark, dtype=str, na_filter=False, header=None,
                           skip_blank_lines=False)
    except pd.errors.ParserError as trouble:
        why = _uneven(str(trouble), above)
        raise ValueError(f"data must have {width} cells in every row, as in the header, but "
                         f"{file!r} does not: {why}") from trouble


def _begun(text: str, usual: str, file: str) -> tuple[str, int, str, list[str]]:
    """Text from its header on, the lines above it, the delimiter they name, what was skipped."""
    begin, above, comments, named = 0, 0, 0, ""
    while begin < len(text):
        ending = LINE_END.search(text, begin)
        end, after = ending.span() if ending else (len(text), len(text))
        line = text[begin:end]
        found = NAMED.fullmatch(line)
        if found and not named:
            named = found[1]
        elif line.startswith("#") and _is_comment(line, _below(text, end), named or usual):
            comments += 1
        elif line:
            return text[begin:], above, named, [
                f"Comment lines above the column names were skipped, {comments} in all."
            ] * (comments > 0)
        begin, above = after, above + 1
    raise ValueError(f"data must hold a table, but {file!r} ends before its column names. "
                     "Write them, and the rows below them.")


def _below(text: str, end: int) -> str:
    found = BELOW.search(text, end)
    return found[1] if found else ""


def _is_comment(line: str, below: str, usual: str) -> bool:
    """Whether a line with a leading # is prose; a header has the cells of the numbers below it."""
    mark = _delimiter(below, usual)
    cells = next(csv.reader([below], delimiter=mark), [])
    return len(cells) != _width(line, mark) or not any(map(NUMERIC.match, cells))


def _delimiter(header: str, usual: str) -> str:
    # Ties go to the extension's own delimiter, so that a header of one column is no riddle.
    return max(DELIMITERS, key=lambda mark: (_width(header, mark), mark == usual))


def _width(line: str, mark: str) -> int:
    return len(next(csv.reader([line], delimiter=mark), []))


def _whole(text: str, mark: str, needed: int, above: int, file: str) -> None:
    """Refuse a row that ends before its last named column; pandas fills it up in silence."""
    usual = csv.field_size_limit(LONGEST)
    try:
        for row, found in enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=mark)):
            if len(found) < needed and any(cell.strip() for cell in found):
                raise ValueError(f"data must have {needed} cells in every row, as in the header, "
                                 f"but row {above + row + 1} of {file!r} has {len(found)}. Add "
                                 "the missing cells, or write empty ones.")
    finally:
        csv.field_size_limit(usual)


def _uneven(trouble: str, above: int) -> str:
    """Say in our words where pandas stumbled."""
    uneven = re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", trouble)
    if uneven:
        line = int(uneven[2]) + above
        return f"line {line} has {uneven[3]}. Quote cells that hold the delimiter."
    quote = re.search(r"EOF inside string starting at row (\d+)", trouble)
    if quote:
        return (f"the quote opened in row {int(quote[1]) + above + 1} is not closed. Close or "
                "remove it.")
    return f"{trouble.strip()}. Save the table again."


def _unzipped(content: bytes, file: str) -> bytes:
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as trouble:
        raise ValueError(f"data must be a gzip file, but {file!r} is not, or is cut short. "
                         "Compress it again, or rename it.") from trouble


def _decoded(content: bytes, file: str) -> str:
    if b"\0" in content or content.startswith(b"PAR1"):
        raise ValueError(f"data must be UTF-8 text, but {file!r} holds binary content or "
                         "UTF-16. Save it as CSV in UTF-8, or give it its right extension.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as trouble:
        row = content.count(b"\n", 0, trouble.start) + 1
        raise ValueError(f"data must be UTF-8 text, but {file!r} has the byte "
                         f"0x{content[trouble.start]:02x} in line {row}. Save it again with the "
                         "encoding UTF-8.") from trouble
    if not text.strip():
        raise ValueError(f"data must hold a table, but {file!r} is empty. Write the column "
                         "names in its first row.")
    return text
