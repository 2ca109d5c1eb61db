"""A study's page inside a notebook: its controls, numbers and figures, live in one cell."""

import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from types import SimpleNamespace
from typing import Any, ClassVar

import panel as pn
from bokeh.document import Document
from panel.io.state import set_curdoc

from workbench.core import Study
from workbench.plots.live import load_widgets
from workbench.plots.theme import DARK, DARK_FRAME, ROLES
from workbench.ui import address, look
from workbench.ui.pages.study import StudyPage

__all__ = ["Exploration", "explore"]

NAME = "workbench-explore"
# How notebooks tell that they are dark: JupyterLab, and VS Code.
NIGHT = ("[data-jp-theme-light='false']", ".vscode-dark")


class Listening(pn.custom.JSComponent):
    """Calls a function once what it stands in is shown and hears the kernel.

    Parameters
    ----------
    told : function
    """

    _esm: ClassVar[str] = look.sheet("listening.js")

    def __init__(self, told: Callable[[], Any], **params: Any):
        super().__init__(**params)
        self._told: Callable[[], Any] | None = told

    def _handle_msg(self, data: Any) -> None:
        del data
        self._send_msg("heard")
        told, self._told = self._told, None
        if told is not None:
            told()


class Exploration:
    """What :func:`explore` shows; a cell that ends with it displays it.

    Parameters
    ----------
    study : module
    values : mapping
        Parameters to begin with.
    """

    def __init__(self, study: Study, values: dict[str, Any]):
        self._title = study.TITLE
        self._page, self._later = _opened(study, address.query(study.Params(**values))
                                          if values else "")
        self.visit = self._page.visit
        wide = {"sizing_mode": "stretch_width", "margin": 0}
        self.panel = pn.Row(
            pn.Column(self._page.side, Listening(self.begin, margin=0), css_classes=["side"],
                      **wide),
            pn.Column(self._page.main, css_classes=["result"], **wide),
            css_classes=[NAME], stylesheets=[look.sheet("explore.css")], **wide)

    def begin(self) -> None:
        """Compute what is asked for, or what is quick where nothing is shown."""
        later, self._later = self._later, []
        for work in later:
            pn.state.execute(work)
        if not later and self.visit.shown is None and self.visit.is_quick():
            pn.state.execute(self.visit.compute)

    def __repr__(self) -> str:
        return f"{self._title}: widgets and figures, which a notebook shows."

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        if "WORKBENCH_RUN_FOLDER" in os.environ:      # a report has no kernel to answer
            return {"text/plain": repr(self)}
        load_widgets()
        with _without_address():
            data, about = self.panel._repr_mimebundle_(include, exclude)
        return {**data, "text/html": f"{_dress()}{data['text/html']}"}, about


def explore(study: Study, **values: Any) -> Exploration:
    """Show what the page of a study shows: controls, numbers, figures, and what is clicked.

    With values it shows the saved run that has them, else computes; without, the newest run.

    Parameters
    ----------
    study : module
        Any module with `TITLE`, `Params`, `SMOKE`, `run` and `figures`.
    **values
        Parameters that differ from the defaults.

    Raises
    ------
    ParameterError
        If the study refuses a value.
    """
    return Exploration(study, values)


def _opened(study: Study, search: str) -> tuple[StudyPage, list[Callable[[], Any]]]:
    """The page as it is at an address, and what it does as soon as somebody sees it."""
    document = Document()
    pn.state._locations[document] = SimpleNamespace(search=search)
    pn.state._loaded[document] = False
    with set_curdoc(document):
        page = StudyPage(study)
    return page, [work for work, _ in pn.state._onload.pop(document, [])]


@contextmanager
def _without_address() -> Iterator[None]:
    """Leave no address behind.

    Panel offers that of the notebook's own window as soon as something is displayed, and a part
    would read it, or write to it, as if it were the page's.
    """
    try:
        yield
    finally:
        pn.state._location = None


@cache
def _dress() -> str:
    """The look of the pages for what stands in a notebook, in both of its themes."""
    day = re.search(r":root\s*\{([^}]*)\}", look.sheet("frame.css"))
    roles = "".join(f"--{name}: {role.colour}; " for name, role in ROLES.items())
    night = ", ".join(f"{dark} .{NAME}" for dark in NIGHT)
    style = (f".{NAME} {{ {roles}{day.group(1) if day else ''} }}\n"
             f"{night} {{ {look.sheet('dark.css')} }}")
    figures = (look.sheet("theme.js").replace("@DARK@", json.dumps(DARK))
               .replace("@FRAME@", json.dumps(DARK_FRAME)))
    parts = look.sheet("explore.js").replace("@SHADOW@", json.dumps(look.sheet("shadow.css")))
    once = f"window.workbenchExplores = true;\n{figures}\n{parts}"
    return (f"<style>{style}</style>"
            f"<script>if (!window.workbenchExplores) {{ {once} }}</script>")
