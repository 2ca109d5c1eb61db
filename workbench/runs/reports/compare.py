"""Two or more runs side by side: what went in differently, and what came out differently.

The first run is what the others are compared with. Whether two intervals overlap is told as a
help for the eye; it is not a test of the difference.
"""

import html
import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.core import Estimate
from workbench.runs.reports.assets import duration, instant, literal, size
from workbench.runs.reports.cells import INJECTED, raw_cells
from workbench.runs.storage.folder import Run
from workbench.runs.storage.store import Store

__all__ = ["NO_TEST", "Comparison", "Table", "compare", "distance"]

# What changes from one execution to the next though nothing else does.
PASSING = re.compile(r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b|\b0x[0-9a-f]{6,}\b"
                     r"|\bp\d{4,}\b|\d{8}T\d{6}Z-\w+-[0-9a-f]{8}-[0-9a-f]{6}")
ABSENT = "absent"
WIDEST = 100  # characters of a line of the text; wider tables are told row by row
NO_TEST = "Whether intervals overlap is no test of a difference."


@dataclass(frozen=True)
class Table:
    """One part of a comparison: a title, names of the columns, and rows of texts."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


@dataclass(frozen=True, repr=False)
class Comparison:
    """What differs between runs; prints as text and shows as tables.

    Parameters
    ----------
    runs : tuple of Run
        The first is what the others are compared with.
    labels : tuple of str
        A letter for each.
    cells : dict of str to str
        Cells that differ, and in what: "source", "outputs" or both; "only in A" and the like.
    """

    runs: tuple[Run, ...]
    labels: tuple[str, ...]
    cells: Mapping[str, str]

    @property
    def tables(self) -> tuple[Table, ...]:
        """Parts of the comparison: parameters, numbers, key, cells, and the runs themselves."""
        found = (self.params, self.numbers, self.key, self._cells(), self._runs())
        return tuple(table for table in found if table.rows)

    @property
    def params(self) -> Table:
        """Parameters that differ."""
        told = [run.values for run in self.runs]
        rows = [(name, *(literal(values[name]) if name in values else ABSENT for values in told))
                for name in _names(told) if _differ(values.get(name, ABSENT) for values in told)]
        return Table("Parameters that differ", ("parameter", *self.labels), tuple(rows))

    @property
    def numbers(self) -> Table:
        """Headline numbers that differ, with their distance from the first run's."""
        rows = []
        for name in _names(run.summary for run in self.runs):
            told = [run.summary.get(name) for run in self.runs]
            if _differ(number and number.record() for number in told):
                rows.append((name, *(ABSENT if number is None else str(number) for number in told),
                             "; ".join(_distances(told, self.labels))))
        note = NO_TEST if any("overlap" in row[-1] or "apart" in row[-1] for row in rows) else ""
        return Table("Numbers that differ", ("number", *self.labels, "difference"), tuple(rows),
                     note)

    @property
    def key(self) -> Table:
        """What else differs that decides a result: code, data, packages."""
        from workbench.runs.keys.why import why

        first, *others = self.runs
        rows = [(f"{self.labels[0]} to {label}", str(difference))
                for label, other in zip(self.labels[1:], others, strict=True)
                for difference in why(first, other, store=first.origin or first.path.parent)
                .differences if difference.kind != "parameter"]
        return Table("What else went in differently", ("runs", "what"), tuple(rows))

    def _cells(self) -> Table:
        return Table("Cells that differ", ("cell", "what"), tuple(self.cells.items()))

    def _runs(self) -> Table:
        facts = {"run": lambda run: run.id, "state": lambda run: run.state,
                 "error": lambda run: run.error, "started": lambda run: instant(run.started),
                 "took": lambda run: duration(run.seconds), "cells": _progress,
                 "kernel": lambda run: run.kernel,
                 "peak memory": lambda run: size(run.peak_memory) if run.peak_memory else ""}
        rows = [(name, *map(fact, self.runs)) for name, fact in facts.items()]
        return Table("Runs", ("", *self.labels),
                     tuple(row for row in rows if any(row[1:])))

    def __str__(self) -> str:
        parts = [_text(table) for table in self.tables]
        if len(parts) == 1:
            parts.insert(0, "Nothing differs.")
        return "\n\n".join(parts)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return "".join(_html(table) for table in self.tables)


def compare(*runs: Run | str, store: Store | Path | str | None = None) -> Comparison:
    """Compare two or more runs with the first of them.

    Parameters
    ----------
    *runs : Run or str
        Runs, their names, or the first digits of their keys.
    store : Store, Path or URL, optional
        Where the names are looked up; ``WORKBENCH_RUNS`` or ``data/runs`` by default.

    Returns
    -------
    comparison : Comparison

    Raises
    ------
    ValueError
        If there are fewer than two runs, or one of them is unknown or cannot be read.
    """
    if len(runs) < 2:
        raise ValueError(f"runs must be at least two, got {len(runs)}. Name another run.")
    found = tuple(run if isinstance(run, Run) else Store.of(store).load(run) for run in runs)
    for run in found:
        if run.state == "damaged":
            raise ValueError(f"runs must be readable, got {run.id!r}: {run.error}")
    labels = tuple(chr(ord("A") + number) if len(found) <= 26 else str(number + 1)
                   for number in range(len(found)))
    return Comparison(found, labels, _cells_that_differ(found, labels))


def _cells_that_differ(runs: Iterable[Run], labels: tuple[str, ...]) -> dict[str, str]:
    kept = [(label, path) for label, run in zip(labels, runs, strict=True)
            if (path := run.notebook) is not None]  # one that was lost has no cell to compare
    labels = tuple(label for label, _ in kept)
    told = [{name: (cell.get("source"), _lasting(cell.get("outputs", [])))
             for name, cell in raw_cells(path) if name != INJECTED} for _, path in kept]
    found = {}
    for name in _names(told):
        have = [cells[name] for cells in told if name in cells]
        if len(have) < len(told):
            found[name] = "only in " + ", ".join(
                label for label, cells in zip(labels, told, strict=True) if name in cells)
            continue
        what = [word for position, word in enumerate(("source", "outputs"))
                if _differ(cell[position] for cell in have)]
        if what:
            found[name] = " and ".join(what)
    return found


def _lasting(outputs: Any) -> str:
    """Outputs without what passes: identifiers become their order of appearance."""
    seen: dict[str, str] = {}
    kept = [{word: content for word, content in output.items()
             if word not in ("execution_count", "metadata", "traceback")}
            for output in outputs or () if isinstance(output, Mapping)]
    return PASSING.sub(lambda found: seen.setdefault(found[0], f"#{len(seen)}"),
                       json.dumps(kept, sort_keys=True))


def _progress(run: Run) -> str:
    done, total = run.cells.get("done"), run.cells.get("total")
    return f"{done} of {total}" if total else ""


def distance(first: Estimate | None, other: Estimate | None) -> str:
    """How far a number is from the first one, in words; nothing where they do not compare.

    Examples
    --------
    >>> distance(Estimate(1.0, why="counted"), Estimate(3.0, why="counted"))
    '+2'
    """
    if first is None or other is None or first.unit != other.unit:
        return ""
    change = other.value - first.value
    words = f"{change:+.4g}" if math.isfinite(change) else "not finite"
    if first.interval and other.interval and first.interval.level != other.interval.level:
        words += (f", intervals of {100 * first.interval.level:g} % and "
                  f"{100 * other.interval.level:g} % do not compare")
    elif first.interval and other.interval:
        apart = (first.interval.high < other.interval.low
                 or other.interval.high < first.interval.low)
        words += ", intervals apart" if apart else ", intervals overlap"
    return words


def _distances(told: list[Estimate | None], labels: tuple[str, ...]) -> list[str]:
    """How far each number is from the first one."""
    first, *others = told
    words = [(label, distance(first, other))
             for label, other in zip(labels[1:], others, strict=True)]
    return [f"{label}: {far}" if len(others) > 1 else far for label, far in words if far]


def _names(told: Iterable[Iterable[str]]) -> list[str]:
    """Names that appear anywhere, in their order."""
    return list(dict.fromkeys(name for names in told for name in names))


def _differ(values: Iterable[Any]) -> bool:
    first, *others = (json.dumps(value, sort_keys=True, default=repr) for value in values)
    return any(other != first for other in others)


def _text(table: Table) -> str:
    rows = [table.columns, *table.rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    if sum(widths) + 2 * len(widths) <= WIDEST:
        lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    else:
        indent = max(map(len, table.columns[1:]))
        lines = [line for name, *texts in table.rows for line in (name, *(
            f"  {column.ljust(indent)}  {text}"
            for column, text in zip(table.columns[1:], texts, strict=True) if text))]
    return "\n".join([table.title, *(f"  {line}" for line in lines),
                      *([f"  {table.note}"] if table.note else [])])


def _html(table: Table) -> str:
    head = "".join(f"<th>{html.escape(name)}</th>" for name in table.columns)
    body = "".join("<tr>" + "".join(f"<td>{html.escape(text)}</td>" for text in row) + "</tr>"
                   for row in table.rows)
    note = f"<p>{html.escape(table.note)}</p>" if table.note else ""
    return (f"<table><caption>{html.escape(table.title)}</caption><thead><tr>{head}</tr></thead>"
            f"<tbody>{body}</tbody></table>{note}")
