"""The runs of a sweep in words: what varies, what is fixed, and a table that links to each."""

import html
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from workbench import runs
from workbench.runs.reports.swept import spelled
from workbench.ui.parts.paged_table import Asked, Line, PagedTable
from workbench.ui.parts.sweeping import Sweeping
from workbench.ui.parts.swept_figures import page_address

__all__ = ["SweptRuns", "stated"]

MOST_NAMED = 8           # values of a parameter that are named
NONE = "\u2013"


class SweptRuns:
    """Runs within all limits, a page at a time; columns sort.

    Parameters
    ----------
    sweeping : Sweeping
    """

    def __init__(self, sweeping: Sweeping):
        self._sweeping = sweeping
        self._columns: dict[str, str] = {}
        self._points = pd.DataFrame()
        self.panel = PagedTable(self._fill, label="Runs of the sweep", sorts=True, heading=0)

    def show(self) -> None:
        """Show the runs that are looked at."""
        state = self._sweeping
        self.panel.visible = state.view is not None
        if state.view is None:
            return
        self._points = state.points()
        numbers = {_headed(state.column(name), state.group.numbers[name]): state.column(name)
                   for name in state.numbers}
        self._columns = {"Run": "started", **{name: name for name in state.group.varied},
                         **numbers}
        self.panel.columns = [{"name": name, "number": self._points[column].dtype.kind in "iuf"}
                              for name, column in self._columns.items()]
        self.panel.asked.at = 0
        self._fill(self.panel.asked)

    def _fill(self, asked: Asked) -> None:
        found = self._points[self._points["kept"]]
        column = self._columns.get(asked.order[0])
        if column is not None:
            found = found.sort_values(column, ascending=not asked.order[1], kind="stable")
        rows = found.iloc[self.panel.bounded(len(found))]
        count = f"{len(found):,}" if len(found) == len(self._points) else (
            f"{len(found):,} of {len(self._points):,}")
        self.panel.show([self._line(row) for row in rows.to_dict("records")], count=len(found),
                        told=f"{count} runs")

    def _line(self, row: Mapping[Any, Any]) -> Line:
        begun = f"{row['started'][:10]} {row['started'][11:16]}"
        link = page_address(self._sweeping.study, row["run"])
        cells = [_cell(row[column]) for column in [*self._columns.values()][1:]]
        return Line(row["run"], ((begun, link), *cells))


def stated(group: runs.Swept) -> str:
    """What varies and what is fixed, as HTML."""
    items = "".join(f"<li><b>{html.escape(name)}</b>: {html.escape(_values(values))}</li>"
                    for name, values in group.varied.items())
    older = "" if not group.older else (
        f" {group.older:,} older runs have the same parameters as a newer one and are left out.")
    fixed = "".join(f'<tr><th scope="row">{html.escape(name)}</th>'
                    f"<td>{html.escape(spelled(value)) or NONE}</td></tr>"
                    for name, value in group.shared.items())
    folded = (f"<details><summary>{len(group.shared)} parameters are fixed</summary><table><tbody>"
              f"{fixed}</tbody></table></details>") if fixed else ""
    units = "".join(f"<p>{html.escape(_in_other_unit(group, name, count))}</p>"
                    for name, count in group.other_units.items())
    return (f"<p>{len(group.rows):,} runs differ in:{html.escape(older)}</p>"
            f'<ul class="varied">{items}</ul>{units}{folded}')


def _in_other_unit(group: runs.Swept, name: str, count: int) -> str:
    told = "1 run tells" if count == 1 else f"{count:,} runs tell"
    unit = group.numbers[name] or "none"
    return (f"{told} {name!r} in another unit than {unit!r}, so it is left out there.")


def _values(values: list[Any]) -> str:
    told = [spelled(value) for value in values]
    if len(told) <= MOST_NAMED:
        return ", ".join(told)
    return f"{len(told)} values from {told[0]} to {told[-1]}"


def _headed(name: str, unit: str) -> str:
    return f"{name} [{unit}]" if unit not in ("", "1") else name


def _cell(value: Any) -> str:
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return NONE
    return f"{value:.5g}" if isinstance(value, float) else str(value)
