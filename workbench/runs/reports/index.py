"""The index of all runs, newest first; rebuilt from the store whenever it is asked for.

The page holds its runs as data and draws some of them at a time, so ten thousand cost a reader
no more than ten.
"""

import math
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from workbench.runs.reports import assets
from workbench.runs.reports.frames import data_block
from workbench.runs.storage.rows import Row
from workbench.runs.storage.store import Store

__all__ = ["write_index"]

REPORT, THUMBNAIL = 1, 2
LONGEST = 400  # characters of an error or a value; the report tells the rest


class _Words(dict[str, int]):
    """Texts that many runs share, each written once and referred to by its position."""

    def __missing__(self, text: str) -> int:
        self[text] = len(self)
        return self[text]


def write_index(store: Store | Path | str | None = None) -> Path:
    """Write ``index.html`` into the store.

    Parameters
    ----------
    store : Store, Path or URL, optional
        ``WORKBENCH_RUNS`` or ``data/runs`` by default; made when it does not exist.

    Returns
    -------
    path : Path
        The page; for a remote store, what was sent there.
    """
    store = Store.of(store)
    folder = store.workspace
    folder.mkdir(parents=True, exist_ok=True)
    words = _Words()
    entries = _entries(store.rows(), store.local, words)
    data = data_block({"words": list(words), "runs": entries}, 'id="runs"')
    text = assets.page("index.html.j2").render(
        runs=len(entries), shared=assets.shared(folder, "index.js", data))
    path = folder / "index.html"
    if not path.is_file() or path.read_text(encoding="utf-8", errors="replace") != text:
        assets.write_page(path, text)
    if store.local is None:
        _send(store, path)
    return path


def _entries(rows: Iterable[Row], local: Path | None, words: _Words) -> list[list[Any]]:
    """Name, study, title, state, start, seconds, error, changes, numbers, files of each run."""
    return [[row.id, words[row.study], words[row.title], words[row.state], row.started,
             round(row.seconds, 1) if math.isfinite(row.seconds) else None, row.error[:LONGEST],
             [(words[name], assets.literal(value)[:LONGEST])
              for name, value in row.changed.items()],
             [(words[name], number.number, number.range) for name, number in row.summary.items()],
             _files(row, local)] for row in rows]


def _files(row: Row, local: Path | None) -> int:
    if local is None:  # asking a remote store for each run would take minutes
        return REPORT if math.isfinite(row.seconds) or row.state == "lost" else 0
    folder = f"{local}/{row.id}"
    return (REPORT * os.path.exists(f"{folder}/report.html")  # noqa: PTH110 - thousands of them
            | THUMBNAIL * os.path.exists(f"{folder}/thumbnail.svg"))  # noqa: PTH110


def _send(store: Store, page: Path) -> None:
    for path in sorted((page.parent / assets.FOLDER).iterdir()):
        if path.name[0] != "." and not store.exists(f"{assets.FOLDER}/{path.name}"):
            store.put(f"{assets.FOLDER}/{path.name}", path)
    store.put(page.name, page)
