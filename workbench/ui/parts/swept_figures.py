"""The figures of a sweep: runs across parallel axes, and a number over swept parameters."""

import html
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from urllib.parse import quote, urlencode

import panel as pn

from workbench import runs
from workbench.plots.brushes import AxesBrushed, Brush
from workbench.plots.parallel import parallel_coordinates
from workbench.plots.responses import response_curve, response_surface
from workbench.plots.scales import Axis, Scale
from workbench.ui import facts, look
from workbench.ui.computing import failure, in_thread
from workbench.ui.parts.comparing import MOST, compared
from workbench.ui.parts.drawing import FigurePane, drawn
from workbench.ui.parts.sweeping import NO_AXIS, Sweeping

__all__ = ["SweptFigures", "averaged", "axes_of", "page_address", "parallel", "response"]

WIDE: dict[str, Any] = {"sizing_mode": "stretch_width", "margin": 0}
WAITING = '<p class="busy quiet" role="status">Drawing the figures …</p>'


class SweptFigures:
    """Parallel coordinates above, the response below; both follow what is looked at.

    Parameters
    ----------
    sweeping : Sweeping
    """

    def __init__(self, sweeping: Sweeping):
        self._sweeping = sweeping
        self._asked = 0
        self._panes: dict[str, FigurePane] = {}
        self._boxes = {name: pn.Column(**WIDE) for name in ("parallel", "response")}
        self._told = {name: _html("") for name in self._boxes}
        self.panel = pn.Column(
            _html("<h2>Runs across parameters and numbers</h2>"), self._told["parallel"],
            self._scrolled(self._boxes["parallel"]), _html("<h2>Response</h2>"),
            self._told["response"], self._boxes["response"], visible=False, **WIDE)

    async def draw(self) -> None:
        """Draw what is looked at now; the last wish wins."""
        self._asked += 1
        mine, state = self._asked, self._sweeping
        self.panel.visible = state.view is not None
        if state.view is None:
            return
        if not self._panes:
            self._boxes["parallel"].objects = [_html(WAITING)]
        key = (runs.Store().url, runs.pulse(), state.study, state.place, state.view)
        await self._put("parallel", mine, key, partial(parallel, state))
        await self._put("response", mine, key, partial(response, state))

    async def _put(self, name: str, mine: int, key: Any, make: Callable[[], Any]) -> None:
        """Draw a figure in a thread, then show it in its place."""
        key = (name, *key)

        def ready() -> Any:
            figure, listeners = make()
            drawn(figure, key)
            return figure, listeners

        try:
            figure, listeners = await in_thread(ready)
        except Exception as error:  # a page tells every failure of a figure
            if mine == self._asked:
                self._panes.pop(name, None)
                self._boxes[name].objects = [_html(facts.alarm([failure(error)]))]
            return
        if mine != self._asked:
            return
        if name in self._panes:
            self._panes[name].draw(figure, listeners=listeners, key=key)
        else:
            self._panes[name] = FigurePane(figure, listeners=listeners, key=key)
            self._boxes[name].objects = [self._panes[name].panel]

    def tell(self) -> None:
        """Say what is drawn and how to use it."""
        state = self._sweeping
        if state.view is None:
            return
        self._told["parallel"].object = (
            '<p class="quiet small">Each line is a run; a click opens it. Draw a box over a part '
            "of an axis to limit the runs, or use the lists above.</p>")
        self._told["response"].object = f'<p class="quiet small">{averaged(state)}</p>'

    @staticmethod
    def _scrolled(inner: Any) -> Any:
        return pn.Column(inner, css_classes=["across"], stylesheets=[look.sheet("sweep.css")],
                         **WIDE)


def parallel(state: Sweeping) -> tuple[Any, list[Any]]:
    """The runs across their axes, and who hears of boxes that are drawn over these."""
    points, axes = state.points(), axes_of(state)
    points = points.assign(address=[page_address(state.study, run) for run in points["run"]])
    figure = parallel_coordinates(points, axes, colour=state.column(state.view.number),
                                  brushes=state.view.brushes)

    def told(column: str, low: float, high: float) -> None:
        state.limit(Brush.drawn(column, Scale.of(points[column]), low, high))

    return figure, [AxesBrushed(figure, [axis.column for axis in axes], told)]


def response(state: Sweeping) -> tuple[Any, list[Any]]:
    """The number over one or two parameters, of the runs within all limits."""
    view, group = state.view, state.kept()
    by = [view.x] if view.y == NO_AXIS else [view.x, view.y]
    cells = group.cells(view.number, *by)
    cells = cells.assign(address=[_address(state, cell) for cell in cells.to_dict("records")])
    number = Axis("value", view.number, group.numbers.get(view.number, ""))
    if view.y == NO_AXIS:
        return response_curve(cells, x=Axis("x", view.x), number=number), []
    return response_surface(cells, x=Axis("x", view.x), y=Axis("y", view.y), number=number), []


def axes_of(state: Sweeping) -> list[Axis]:
    """Parameters that vary, then numbers; of few parameters repeats get an axis, too."""
    group = state.group
    names = group.knobs if len(group.knobs) > 1 else [*group.varied]
    return [*(Axis(name, name) for name in names),
            *(Axis(column, column, group.numbers[name], f"{column} low", f"{column} high")
              for name in state.numbers for column in [state.column(name)])]


def averaged(state: Sweeping) -> str:
    """What a value of the response stands for, as HTML."""
    group, view = state.kept(), state.view
    others = [name for name in group.varied if name not in (view.x, view.y)]
    if not others:
        return "Each value is one run; a click opens it."
    by = [name for name in (view.x, view.y) if name != NO_AXIS]
    counts = group.cells(view.number, *by)["count"]
    if (counts == 1).all():
        return html.escape(f"Each value is one run; {', '.join(others)} may differ from value to "
                           "value, too. A click opens the run.")
    told = " and ".join(f"{name} ({len(group.varied[name])} values)" for name in others)
    alone = "; of a single run it is the interval" if (counts == 1).any() else ""
    return html.escape(
        f"Each value is the mean over {told}; what is shown as its spread reaches from the lowest "
        f"to the highest run{alone}. A click opens the run, or compares the runs where there are "
        "several.")


def page_address(study: str, run: str) -> str:
    """Address of the page that shows a run of a study."""
    return f"./{quote(study)}?{urlencode({'run': run})}"


def _address(state: Sweeping, cell: Mapping[Any, Any]) -> str:
    """Where a click on a value leads: to its run, to their comparison, or to a closer look."""
    ids = cell["runs"]
    if len(ids) == 1:
        return page_address(state.study, ids[0])
    if len(ids) <= MOST:
        return compared(ids)
    names = [name for name in (state.view.x, state.view.y) if name != NO_AXIS]
    closer = [Brush(name, cell[side], cell[side]) for side, name in zip("xy", names, strict=False)]
    others = [one for one in state.view.brushes if one.column not in names]
    return f"./sweep{state.query(brushes=(*others, *closer))}"


def _html(told: str) -> Any:
    return pn.pane.HTML(told, stylesheets=[look.FACTS, look.sheet("sweep.css")], **WIDE)
