"""A table of any length that shows a page of its rows at a time, by keyboard as by mouse."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import panel as pn
import param

from workbench.ui import look

__all__ = ["PAGE", "Asked", "Line", "PagedTable"]

PAGE = 12                # rows shown at a time


@dataclass(frozen=True)
class Line:
    """One row: a text per cell, or a text and the address that it links to.

    Parameters
    ----------
    id : str
    cells : tuple of str or (str, str)
    name : str
        What a screen reader calls the row's mark.
    marked, shut : bool
        Whether the row is marked, and whether its mark cannot be changed.
    """

    id: str
    cells: tuple[str | tuple[str, str], ...]
    name: str = ""
    marked: bool = False
    shut: bool = False

    def told(self) -> dict[str, Any]:
        """As the browser takes it."""
        cells = [{"text": cell[0], "href": cell[1]} if isinstance(cell, tuple) else cell
                 for cell in self.cells]
        return {"id": self.id, "cells": cells, "name": self.name, "marked": self.marked,
                "shut": self.shut}


@dataclass
class Asked:
    """What a visitor has asked of a table: a page, words to search, a column to sort by."""

    at: int = 0
    query: str = ""
    order: tuple[str, bool] = field(default=("", False))


class PagedTable(pn.custom.JSComponent):
    """The table itself; whoever owns it fills it when it asks.

    Parameters
    ----------
    fill : function of Asked
        Called when a visitor turns the page, searches or sorts; answers with :meth:`show`.
    mark : function of (str, bool), optional
        Called with the name of a row that is marked or freed.
    """

    columns = param.List([], doc="Name of each column, and whether it holds numbers.")
    rows = param.List([], doc="Rows of the page.")
    at = param.Integer(0, doc="The page, from 0.")
    pages = param.Integer(1, doc="Number of pages.")
    told = param.String("", doc="How many rows there are.")
    label = param.String("Table", doc="What a screen reader calls the table.")
    marks = param.String("", doc="Heading of the marks; none without one.")
    searched = param.String("", doc="What can be searched; nothing hides the search.")
    query = param.String("", doc="What is searched at first.")
    sorts = param.Boolean(default=False, doc="Whether columns sort.")
    order = param.List(["", False], doc="The column that sorts, and whether downwards.")
    heading = param.Integer(-1, doc="The column that names the row; none below 0.")
    drawn = param.Integer(0, doc="Counts what was shown; the browser draws when it changes.")

    _esm: ClassVar[str] = look.sheet("paged_table.js")

    def __init__(self, fill: Callable[[Asked], None],
                 mark: Callable[[str, bool], None] | None = None, **params: Any):
        super().__init__(stylesheets=[look.FACTS, look.sheet("paged_table.css")],
                         sizing_mode="stretch_width", margin=0, **params)
        self.asked = Asked(query=self.query)
        self._fill, self._mark = fill, mark

    def show(self, lines: Sequence[Line], *, count: int, told: str) -> None:
        """Show these rows of `count`."""
        self.param.update(rows=[line.told() for line in lines], told=told,
                          at=self.asked.at, pages=max(1, -(-count // PAGE)),
                          order=list(self.asked.order))
        self.drawn += 1

    def bounded(self, count: int) -> slice:
        """The rows of the page that was asked for, or of the last one."""
        self.asked.at = min(max(self.asked.at, 0), max(0, (count - 1) // PAGE))
        return slice(self.asked.at * PAGE, (self.asked.at + 1) * PAGE)

    def _handle_msg(self, data: Any) -> None:
        kind = data.get("kind")
        if kind == "mark" and self._mark is not None:
            self._mark(str(data["row"]), bool(data["on"]))
            return
        if kind == "page":
            self.asked.at = int(data["at"])
        elif kind == "search":
            self.asked.at, self.asked.query = 0, str(data["text"])[:200]
        elif kind == "sort" and data["column"] in [each["name"] for each in self.columns]:
            name, down = str(data["column"]), False
            if self.asked.order[0] == name:
                down = not self.asked.order[1]
            self.asked.at, self.asked.order = 0, (name, down)
        else:
            return
        self._fill(self.asked)
