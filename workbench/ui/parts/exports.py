"""What a visitor takes away: a link, the tables, the notebook, the study's own files."""

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, ClassVar

import panel as pn
import param

from workbench.ui import look
from workbench.ui.computing import Shown, failure
from workbench.ui.parts.sharing import LAB_COMMAND, lab_address, state_of
from workbench.ui.takeaways import FORMS, Maker, makers
from workbench.ui.visit import Visit

__all__ = ["Exports"]


class Shelf(pn.custom.JSComponent):
    """The list of what can be taken away; a file is made when somebody asks for it."""

    offer = param.Dict({}, doc="What the list shows.")

    _esm: ClassVar[str] = look.sheet("make.js") + look.sheet("shelf.js")

    def __init__(self, asked: Callable[[Mapping[str, Any]], Mapping[str, Any]], **params: Any):
        super().__init__(**params)
        self._asked = asked

    def _handle_msg(self, data: Any) -> None:
        pn.state.execute(partial(self._answer, dict(data)))

    async def _answer(self, data: Mapping[str, Any]) -> None:
        """Make it in a thread, so that the page goes on."""
        told = await asyncio.to_thread(self._asked, data)
        self._send_msg({"asked": data.get("name", ""), **told})


class Exports:
    """The section below the figures.

    Parameters
    ----------
    visit : Visit
    """

    def __init__(self, visit: Visit):
        self._visit = visit
        self._made: dict[str, Maker] = {}
        self.panel = Shelf(self._answer, visible=False, sizing_mode="stretch_width",
                           margin=(8, 0, 16, 0),
                           stylesheets=[look.FACTS, look.sheet("shelf.css")])
        visit.follow(self._show, "shown")

    def _show(self) -> None:
        shown, study = self._visit.shown, self._visit.study
        self._made = {} if shown is None else makers(study, shown)
        self.panel.visible = shown is not None and shown.result is not None
        if shown is not None and shown.result is not None:
            self.panel.offer = self._offer(shown)

    def _offer(self, shown: Shown) -> dict[str, Any]:
        """What the list shows; only files among these are made."""
        name, site = self._visit.study_name, self._visit.site
        tables = shown.result.tables if shown.result else {}
        own = {f"{name}-{each}.{form}" for each in tables for form in FORMS}
        packed = [f"{name}-tables-{form}.zip" for form in FORMS]
        notebook = f"{name}.ipynb"
        lab = bool(site.lab) and site.may_run
        return {
            "state": state_of(self._visit.study, shown),
            "tables": [{"name": each, "size": _size(table),
                        "files": [f"{name}-{each}.{form}" for form in FORMS]}
                       for each, table in tables.items()],
            "forms": ["CSV", "Parquet"],
            "packed": [each for each in packed if each in self._made],
            "notebook": notebook if notebook in self._made else "",
            "lab": lab, "command": "" if lab else LAB_COMMAND,
            "more": [each for each in self._made if each not in {*own, *packed, notebook}],
        }

    def _answer(self, data: Mapping[str, Any]) -> dict[str, Any]:
        try:
            if data.get("kind") == "lab":
                return {"address": self._opened()}
            make = self._made.get(str(data.get("name")))
            if make is None:
                return {"problem": "This file is no longer offered. Reload the page."}
            return {"data": make()}
        except Exception as error:  # a page tells every failure of a study
            return {"problem": failure(error)}

    def _opened(self) -> str:
        """Address of the notebook in the lab, once its copy is there."""
        shown, site = self._visit.shown, self._visit.site
        if shown is None or not site.lab or not site.may_run:
            raise ValueError(f"lab must be known to these pages, but is not. Start one with "
                             f"`{LAB_COMMAND}`.")
        return lab_address(site.lab, self._visit.study, shown)


def _size(table: Any) -> str:
    return f"{len(table):,} \u00d7 {table.shape[1]:,}"
