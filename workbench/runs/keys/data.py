"""Data files that decide a result: those that parameters name, metadata declare, and we ship."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from workbench.core import places
from workbench.runs.keys.digests import file_digest, text_digest
from workbench.runs.storage.names import ENVIRONMENTS

__all__ = ["TOO_MANY", "data_files"]

SHIPS = "workbench.datasets"          # what reads the shipped tables
MOST_FILES = 10_000                   # of a folder that a parameter names
LONGEST = 4096                        # characters of a path
TOO_MANY = f"more than {MOST_FILES} files"
GLOB = "*?["
Files = dict[str, str | None]


def data_files(values: Mapping[str, Any], wishes: Mapping[str, Any], code: Mapping[str, str], *,
               only: Iterable[str] | None, work: Path, book: Path) -> Files:
    """Hash of each data file of a run; null where there is none.

    Parameters
    ----------
    values : mapping
        Parameters; texts in them, also inside lists and mappings, may name files. A folder counts
        by the names, sizes and times of its files, without hidden ones and without stores of runs.
    wishes : mapping
        What the notebook's metadata say under ``workbench``.
    code : mapping
        Modules that the run imports.
    only : iterable of str or None
        Parameters that may name a file; all of them by default.
    work, book : Path
        Where the kernel works, and where the notebook lies.

    Returns
    -------
    files : dict
        A folder with too many files has `TOO_MANY` in place of a hash.
    """
    named = {name: value for name, value in values.items() if only is None or name in only}
    return _named_files(_texts(named), work) | _declared_files(wishes, book) | _shipped_files(
        values, code)


def _texts(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Every text inside a value, with its place."""
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield from _texts(each, f"{name}[{key!r}]" if name else str(key))
    elif isinstance(value, list | tuple):
        for place, each in enumerate(value):
            yield from _texts(each, f"{name}[{place}]")


def _named_files(texts: Iterable[tuple[str, str]], work: Path) -> Files:
    found: Files = {}
    for name, text in texts:
        if not text.strip("/") or len(text) > LONGEST or "\0" in text or "\n" in text:
            continue
        try:
            path = work / Path(text).expanduser()
            if path.is_dir():
                found[name] = _folder_digest(path)
            elif path.is_file():
                found[name] = file_digest(path)
        except (OSError, ValueError, RuntimeError):   # a name that no file system takes
            continue
    return found


def _folder_digest(folder: Path) -> str:
    """Names, sizes and times of a folder's files: reading them all could take hours."""
    seen = []
    for path in _visible(folder):
        state = path.stat()
        seen.append([path.relative_to(folder).as_posix(), state.st_size, state.st_mtime_ns])
        if len(seen) > MOST_FILES:
            return TOO_MANY
    return text_digest(json.dumps(seen))


def _visible(folder: Path) -> Iterator[Path]:
    """Files below a folder; runs saved there meanwhile are no data, nor what programs cache."""
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders
                            if name[0] != "." and name != "__pycache__"
                            and not Path(place, name, ENVIRONMENTS).is_dir())
        paths = (Path(place, name) for name in sorted(files) if name[0] != ".")
        yield from (path for path in paths if path.is_file())


def _declared_files(wishes: Mapping[str, Any], book: Path) -> Files:
    """Files that the metadata name: paths or patterns, relative to the notebook."""
    told = wishes.get("data", [])
    listed = [told] if isinstance(told, str) else told if isinstance(told, list) else []
    found: Files = {}
    for pattern in listed:
        text = str(pattern)
        if any(sign in text for sign in GLOB) and not Path(text).is_absolute():
            found |= {path.relative_to(book).as_posix(): file_digest(path)
                      for path in sorted(book.glob(text)) if path.is_file()}
        elif (book / text).is_dir():
            found |= {(Path(text) / path.relative_to(book / text)).as_posix(): file_digest(path)
                      for path in _files(book / text)}
        else:
            found[text] = file_digest(book / text)
    return found


def _shipped_files(values: Mapping[str, Any], code: Mapping[str, str]) -> Files:
    """Shipped tables that the parameters name; all of them where they name none."""
    if SHIPS not in code:
        return {}
    shipped = places.raw_data()
    named = [shipped / value for value in values.values()
             if isinstance(value, str) and value.isprintable() and value.strip("./")
             and "/" not in value and len(value) < 200 and (shipped / value).is_dir()]
    return {f"data/raw/{path.relative_to(shipped).as_posix()}": file_digest(path)
            for folder in named or [shipped] for path in _files(folder)}


def _files(folder: Path) -> Iterable[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())
