"""The figures of a comparison as the page shows them; drawn aside while the tables are read."""

import html
from functools import partial
from typing import Any

import panel as pn

from workbench.ui import facts, look
from workbench.ui.comparison import Compared, compared_figures
from workbench.ui.computing import failure, in_thread
from workbench.ui.parts.compared_facts import swatch
from workbench.ui.parts.comparing import FEWEST, Comparing
from workbench.ui.parts.drawing import FigurePane

__all__ = ["ComparedFigures"]

WIDE: dict[str, Any] = {"sizing_mode": "stretch_width", "margin": 0}
WAITING = '<p class="busy quiet" role="status">Drawing the figures …</p>'
SAME = "This figure is the same in all runs."
TOLD = {"over": "Each run wears its colour and dash; what is grey belongs to all runs, or is what "
                "they are compared with.",
        "beside": "Axes and scales of colour are the same in all of these.",
        "apart": "Axes differ from run to run: mind their numbers and units."}


class ComparedFigures:
    """Figures by their names; those who wait are told.

    Parameters
    ----------
    comparing : Comparing
    """

    def __init__(self, comparing: Comparing):
        self._comparing = comparing
        self._asked = 0
        self.panel = pn.Column(min_height=60, css_classes=["grid"],
                               stylesheets=[look.sheet("compare.css")], **WIDE)

    async def draw(self) -> None:
        """Draw the runs that are chosen now; the last choice wins."""
        self._asked += 1
        mine, state = self._asked, self._comparing
        found, labels = state.runs, state.labels
        if len(found) < FEWEST:
            self.panel.objects = []
            return
        self.panel.objects = [_html(WAITING)]
        try:
            parts, problems = await in_thread(partial(compared_figures, found, labels,
                                                      state.site))
        except Exception as error:  # a page tells every failure of a study
            parts, problems = [], [failure(error)]
        if mine == self._asked:
            self.panel.objects = [*_problems(problems), *(_part(part, labels) for part in parts)]


def _problems(problems: list[str]) -> list[Any]:
    return [_whole(_html(facts.alarm(problems)))] if problems else []


def _part(part: Compared, labels: list[str]) -> Any:
    name = part.name.replace("_", " ").capitalize()
    heading = f"{part.study}: {name}" if part.study else name
    head = f"<h2>{html.escape(heading)}</h2>"
    panes = [FigurePane(figure, key=(*part.key, at)).panel
             for at, figure in enumerate(part.figures)]
    if part.kind in ("beside", "apart"):
        boxes = [pn.Column(_html(_caption(at, labels, title)), pane, **WIDE)
                 for at, title, pane in zip(part.runs, part.titles, panes, strict=True)]
        told = TOLD[part.kind] if len(boxes) > 1 else ""
        heading = _html(head + f'<p class="quiet small">{told}</p>')
        return _whole(pn.Column(heading, _grid(boxes), **WIDE)) if len(boxes) > 1 else (
            pn.Column(heading, *boxes, **WIDE))
    said = SAME if part.kind == "same" else TOLD["over"]
    captions = "" if part.kind == "same" or len(set(part.titles)) == 1 else "".join(
        _caption(at, labels, title) for at, title in zip(part.runs, part.titles, strict=True))
    return pn.Column(_html(head + f'<p class="quiet small">{said}</p>'), *panes,
                     _html(captions), **WIDE)


def _caption(at: int, labels: list[str], title: str) -> str:
    words = f": {html.escape(title)}" if title else ""
    return (f'<p class="caption">{swatch(at, len(labels))} <b>{html.escape(labels[at])}</b>'
            f"{words}</p>")


def _whole(pane: Any) -> Any:
    """A pane that takes the whole width of the grid."""
    pane.css_classes = ["whole"]
    return pane


def _grid(panes: list[Any]) -> Any:
    return pn.Column(*panes, css_classes=["grid"], stylesheets=[look.sheet("compare.css")], **WIDE)


def _html(told: str) -> Any:
    return pn.pane.HTML(told, stylesheets=[look.FACTS, look.sheet("compare.css")], **WIDE)
