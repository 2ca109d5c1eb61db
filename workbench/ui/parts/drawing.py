"""Figures on a page: those that nothing on the server listens to are drawn once for all visitors.

A HoloViews pane builds some hundred models for each visitor, which takes most of the time and the
memory of a page. A still figure is rendered to Bokeh's own JSON instead, kept, and built by the
browser; zoom, hover and legend work there as ever.
"""

import asyncio
import threading
from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar, Protocol

import panel as pn
import param

from workbench import plots
from workbench.core.recent import Recent
from workbench.ui import look

__all__ = ["FigurePane", "Listener", "Still", "drawn", "is_drawn"]

KINDS = {"tap": "tap", "selectiongeometry": "brush"}
KEPT = Recent[str](64)
DRAWING = threading.Lock()      # HoloViews draws one figure at a time
WIDE: dict[str, Any] = {"sizing_mode": "stretch_width", "margin": (0, 0, 20, 0)}


class Listener(Protocol):
    """Who hears what a visitor does on a figure and marks parts of it."""

    hears: str

    def heard(self, told: Mapping[str, Any]) -> None: ...
    def marked(self) -> Mapping[str, Mapping[str, Any]]: ...
    def join(self, put: Callable[[str, Mapping[str, Any]], None]) -> None: ...


class Still(pn.custom.JSComponent):
    """A figure whose models live in the browser alone; what happens on it is told to listeners."""

    drawn = param.String("", doc="The figure as Bokeh's JSON.")
    hears = param.List([], doc="What is told: Bokeh's events by their names, and zoom.")
    marks = param.Dict({}, doc="What parts of the figure hold instead, by their name.")
    file = param.String("", doc="Begins the names of its pictures; none are offered without.")

    _esm: ClassVar[str] = look.sheet("difference.js") + look.sheet("drawing.js")

    def __init__(self, **params: Any):
        super().__init__(**params)
        self.listeners: list[Listener] = []
        self.crowds: list[Any] = []
        self._asked = 0

    def mark(self, name: str, values: Mapping[str, Any]) -> None:
        """Let a part of the figure hold these values."""
        self.marks = {**self.marks, name: dict(values)}

    def _handle_msg(self, data: Any) -> None:
        kind = data.get("kind")
        if kind == "zoom" and self.crowds:
            self._asked += 1
            pn.state.execute(partial(self._count, self._asked, tuple(data["bounds"])))
        for one in self.listeners:
            if KINDS.get(one.hears) == kind:
                one.heard(data)

    async def _count(self, asked: int, bounds: tuple[float, float, float, float]) -> None:
        """Count the points of crowds anew, in the part that is zoomed into; the last zoom wins."""
        for crowd in self.crowds:
            part = await asyncio.to_thread(crowd.part, bounds)
            if asked == self._asked:
                self._send_msg(part)


class FigurePane:
    """One figure on one page.

    Parameters
    ----------
    figure : HoloViews element or overlay
    listeners : sequence of Listener
        Who hears what a visitor does on it.
    key : hashable, optional
        Equal for equal figures, which are drawn once; none draws each time.
    file : str
        Name of its pictures without their ending; none are offered without.
    """

    def __init__(self, figure: Any, *, listeners: Sequence[Listener] = (), key: Hashable = None,
                 file: str = ""):
        self.panel: Any = (pn.pane.HoloViews(figure, **WIDE) if plots.is_dynamic(figure)
                           else Still(file=file, stylesheets=[look.sheet("drawing.css")], **WIDE))
        self.draw(figure, listeners=listeners, key=key)

    def fits(self, figure: Any) -> bool:
        """Whether a figure can be shown in the place of this one."""
        return isinstance(self.panel, Still) is not plots.is_dynamic(figure)

    def draw(self, figure: Any, *, listeners: Sequence[Listener] = (),
             key: Hashable = None) -> None:
        """Show another figure in the place of this one."""
        if not isinstance(self.panel, Still):
            self.panel.object = figure
            return
        still = self.panel
        still.listeners, still.crowds = list(listeners), plots.counted(figure)
        zoomed = ["zoom"] if still.crowds else []
        marks = {name: dict(held) for one in listeners for name, held in one.marked().items()}
        still.param.update(drawn=drawn(figure, key), marks=marks, hears=sorted(
            {one.hears for one in listeners} | set(zoomed)))
        for one in listeners:
            one.join(still.mark)


def is_drawn(key: Hashable) -> bool:
    """Whether a figure of this key was drawn before, so that it takes no time."""
    return key is not None and key in KEPT


def drawn(figure: Any, key: Hashable = None) -> str:
    """A figure as JSON, as it was drawn before under the same key."""
    def draw() -> str:
        with DRAWING:
            return plots.figure_json(figure)

    return draw() if key is None else KEPT.get(key, draw)
