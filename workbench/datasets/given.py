"""Open a file that a visitor gave: a table or images of a size that a page can bear."""

import csv
import gzip
import io
import zipfile
import zlib
from pathlib import Path

from workbench.datasets.delimited import DELIMITERS
from workbench.datasets.files import Opened, open_file
from workbench.datasets.images import load_images

__all__ = ["MOST_COLUMNS", "image_sentence", "open_given"]

MOST_COLUMNS = 500
MOST_CELLS = 20_000_000
LARGEST = 256 * 2**20    # of what a compressed file unpacks to [bytes]
FIRST = 2**20            # of a text, in which its column names stand [bytes]


def open_given(path: Path) -> Opened:
    """Open a table.

    Parameters
    ----------
    path : Path
        CSV or TSV, perhaps gzipped, or Parquet.

    Raises
    ------
    ValueError
        If it is no table, or has too many columns or cells for a page.
    """
    name = path.name.lower()
    if name.endswith(".gz"):
        _modest_width(_unpacked(path), path)
    elif name.endswith(".parquet"):
        _modest_parquet(path)
    elif path.is_file():
        with path.open("rb") as file:
            _modest_width(file.read(FIRST), path)
    opened = open_file(path)
    if len(opened.frame.columns) > MOST_COLUMNS:
        raise _too_wide(len(opened.frame.columns), path)
    return opened


def image_sentence(path: Path) -> str:
    """How many images of which size and how many classes an archive holds, in one sentence.

    Raises
    ------
    ValueError
        If it is no archive of images and labels, or unpacks to too much.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(part.file_size for part in archive.infolist())
    except (zipfile.BadZipFile, OSError) as trouble:
        raise ValueError(f"data must be an .npz archive of plain arrays, but {path.name!r} is "
                         "not. Write it with numpy.savez(path, images=..., labels=...)."
                         ) from trouble
    _modest(size, path)
    images = load_images(path)
    shape = " x ".join(map(str, images.train_inputs.shape[1:]))
    count = len(images.train_labels) + len(images.test_labels)
    return f"{count:,} images of {shape} numbers in {images.classes} classes."


def _unpacked(path: Path) -> bytes:
    """The beginning of a gzipped text, once all of it is known to be of a modest size."""
    size, first = 0, b""
    try:
        with gzip.open(path) as file:
            while piece := file.read(FIRST):
                first, size = first or piece, size + len(piece)
                _modest(size, path)
    except (OSError, EOFError, zlib.error):
        return b""           # the reader says it better
    return first


def _modest(size: int, path: Path) -> None:
    if size > LARGEST:
        raise ValueError(f"data must unpack to at most {LARGEST // 2**20} MiB, but {path.name!r} "
                         "unpacks to more. Give a part of it.")


def _modest_width(first: bytes, path: Path) -> None:
    """Refuse a width that would take minutes to read."""
    lines = [line for line in io.BytesIO(first) if line.strip() and not line.startswith(b"#")]
    line = lines[0].decode("latin-1") if lines else ""
    width = 1 + max(line.count(mark) for mark in DELIMITERS)
    if MOST_COLUMNS < width < 20 * MOST_COLUMNS:     # some of them may stand inside quotes
        width = max(len(next(csv.reader([line], delimiter=mark))) for mark in DELIMITERS)
    if width > MOST_COLUMNS:
        raise _too_wide(width, path)


def _modest_parquet(path: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        about = parquet.read_metadata(path)
    except (pa.ArrowException, OSError):
        return               # the reader says it better
    if about.num_columns > MOST_COLUMNS:
        raise _too_wide(about.num_columns, path)
    if about.num_rows * about.num_columns > MOST_CELLS:
        raise ValueError(f"data must hold at most {MOST_CELLS:,} cells, but {path.name!r} has "
                         f"{about.num_rows:,} rows of {about.num_columns} columns. Give a part "
                         "of it.")


def _too_wide(width: int, path: Path) -> ValueError:
    return ValueError(f"data must have at most {MOST_COLUMNS} columns, but {path.name!r} has "
                      f"{width:,}. Keep those that you need.")
