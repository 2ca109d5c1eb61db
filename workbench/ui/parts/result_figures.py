"""The figures of a result, drawn as the view asks for them, and what is chosen on them."""

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import panel as pn

from workbench import plots
from workbench.ui import look
from workbench.ui.choosing import Choices
from workbench.ui.computing import drawn_once, failure, is_drawn_once
from workbench.ui.detailing import aside, completed, redrawn
from workbench.ui.parts.controls import Controls
from workbench.ui.parts.details import Details
from workbench.ui.parts.drawing import FigurePane, is_drawn
from workbench.ui.parts.drawing import drawn as prepare
from workbench.ui.parts.offers import offers_of
from workbench.ui.visit import AT_ONCE, Visit, search

__all__ = ["ResultFigures"]

WIDE: dict[str, Any] = {"sizing_mode": "stretch_width", "margin": 0}


class ResultFigures:
    """The figures on a study page.

    Parameters
    ----------
    visit : Visit
    told : function without arguments
        Called when `wrong` has changed.
    """

    def __init__(self, visit: Visit, told: Callable[[], Any]):
        self._visit, self._told = visit, told
        self._choices = Choices(visit.study, search())
        self.wrong = ""
        self.panel = pn.Column(**WIDE)
        self._panes: dict[str, Any] = {}
        self._details: dict[str, Details] = {}
        self._asked, self._waits = 0, False
        self.view = self._view()

    def show(self, shown: Any) -> None:
        """Show the figures of a result; what was drawn before comes at once."""
        self.wrong = ""
        self._asked += 1
        self._waits = self._is_open() and not self._is_ready(shown)
        if self._waits:
            pn.state.execute(partial(self._draw_soon, shown, self._asked))
        else:
            self.panel.loading = False
            self._draw(shown)

    def _view(self) -> Any:
        """The widgets that change how figures are drawn, where the study has any."""
        view = self._choices.view
        if view is None:
            return pn.Column(visible=False)
        self._offers = offers_of(view)
        rows = zip(view.declared(), Controls(view, self._redraw).rows(), strict=True)
        shown = [self._offers[name].panel if name in self._offers else row for name, row in rows]
        self._shapers = shown
        self._views = pn.Column(pn.FlexBox(*shown, **WIDE), css_classes=["view"],
                                stylesheets=[look.sheet("details.css")], visible=False, **WIDE)
        return self._views

    @staticmethod
    def _is_open() -> bool:
        """Whether a visitor waits for an answer, so that other work must not hold it up."""
        return pn.state.curdoc is not None and bool(pn.state.loaded)

    def _is_ready(self, shown: Any) -> bool:
        """Whether all figures were drawn before, so that they take no time."""
        view = self._choices.view
        return (view is None or view.values() == view.defaults() or is_drawn_once(
            shown.result, view.key())) and all(is_drawn(self._key(name)) for name in shown.figures)

    def _is_asked(self, shown: Any, asked: int) -> bool:
        """Whether nothing else was asked for since."""
        return asked == self._asked and shown is self._visit.shown

    def _draw(self, shown: Any) -> None:
        """Draw all figures now."""
        try:
            drawn = self._drawn(shown)
            self._offer(shown, drawn)
            for name in drawn:
                self._attach(name, shown, drawn)
            self._place(drawn)
        except Exception as error:  # a page tells every failure of a study
            self._fail(error)

    async def _draw_soon(self, shown: Any, asked: int) -> None:
        """Draw all figures in a thread, then show them at once."""
        telling = asyncio.ensure_future(self._tell_drawing(asked))
        try:
            drawn = await aside(partial(self._drawn, shown))
            if self._is_asked(shown, asked):
                self._offer(shown, drawn)
            for name in drawn:
                if self._is_asked(shown, asked):
                    await self._prepare(name, shown, drawn)
            if self._is_asked(shown, asked):
                with pn.io.hold():
                    self._place(drawn)
                    self._clear()
        except Exception as error:  # a page tells every failure of a study
            if self._is_asked(shown, asked):
                self._fail(error)
                self._told()
        finally:
            telling.cancel()
            if asked == self._asked:
                self._waits = self.panel.loading = False

    async def _prepare(self, name: str, shown: Any, drawn: Mapping[str, Any]) -> None:
        """Draw one figure in a thread; it is kept."""
        self._attach(name, shown, drawn)
        if self._key(name) is not None and not plots.is_dynamic(drawn[name]):
            await aside(partial(prepare, drawn[name], self._key(name)))

    async def _tell_drawing(self, asked: int) -> None:
        """Let the figures spin, unless others come at once."""
        await asyncio.sleep(AT_ONCE)
        if asked == self._asked:
            self.panel.loading = True

    def _fail(self, error: Exception) -> None:
        self.panel.objects, self._panes = [], {}
        self.wrong = failure(error)

    def _clear(self) -> None:
        """Nothing is wrong with the figures any more."""
        if self.wrong:
            self.wrong = ""
            self._told()

    def _drawn(self, shown: Any) -> Mapping[str, Any]:
        """The figures of a result as the view asks for them."""
        found: Mapping[str, Any] = shown.figures
        view = self._choices.view
        return _as_seen(self._visit.study, shown, view) if found and view is not None else found

    def _offer(self, shown: Any, drawn: Mapping[str, Any]) -> None:
        """Let the widgets of the view fit a result."""
        if self._choices.view is not None:
            for offered in self._offers.values():
                offered.offer(shown.result)
            fits = getattr(self._choices.view, "fits", lambda _: True)
            self._views.visible = (bool(drawn) and any(one.visible for one in self._shapers)
                                   and fits(shown.result))

    def _attach(self, name: str, shown: Any, drawn: Mapping[str, Any]) -> None:
        """Let a visitor choose on a figure that is not drawn yet."""
        details = self._details.setdefault(name, Details(self._visit.study, self._choices, name))
        if details.select:
            details.attach(shown, drawn[name])

    def _place(self, drawn: Mapping[str, Any]) -> None:
        """Show figures, in the places of those that they replace."""
        before, self._panes, blocks = self._panes, {}, []
        for name in _ordered(drawn):
            details = self._details[name]
            pane, how = before.get(name), {"listeners": details.listeners, "key": self._key(name)}
            if pane is not None and pane.fits(drawn[name]):
                pane.draw(drawn[name], **how)
            else:
                pane = FigurePane(drawn[name], file=f"{self._visit.study_name}-{name}", **how)
            self._panes[name] = pane
            blocks += [self._panes[name].panel, *([details.panel] if details.select else [])]
        if self.panel.objects != blocks:
            self.panel.objects = blocks

    def _key(self, name: str) -> Any:
        """What tells a figure as it is drawn now from all others."""
        shown, view = self._visit.shown, self._choices.view
        origin = shown.run.folder if shown.run else shown.key
        seen = view.key() if view is not None else ""
        return (self._visit.study_name, origin, name, seen) if origin else None

    def _redraw(self) -> None:
        """A value of the view has changed: its figures follow, and what is told below them."""
        if self._visit.shown is not None and self._visit.shown.figures:
            self._asked += 1
            work = (partial(self._draw_soon, self._visit.shown)
                    if self._waits or not self._panes else self._draw_again)
            pn.state.execute(partial(work, self._asked))
        self._choices.tell()

    async def _draw_again(self, asked: int) -> None:
        shown, view = self._visit.shown, self._choices.view
        if view is None:
            return
        try:
            drawn = await aside(partial(_as_seen, self._visit.study, shown, view))
            if self._is_asked(shown, asked):
                await self._replace(drawn, set(getattr(view, "redraws", drawn)), asked)
                self._clear()
        except Exception as error:  # a page tells every failure of a study
            if self._is_asked(shown, asked):
                self.wrong = failure(error)
                self._told()

    async def _replace(self, drawn: Mapping[str, Any], changed: set[str], asked: int) -> None:
        """Show figures in the place of others; the page answers while they are drawn."""
        for name, details in list(self._details.items()):
            if name in changed and name in self._panes and name in drawn:
                if details.select:
                    details.attach(self._visit.shown, drawn[name])
                key = self._key(name)
                if key is not None:
                    await aside(partial(prepare, drawn[name], key))
                    if asked != self._asked:
                        return
                self._panes[name].draw(drawn[name], listeners=details.listeners, key=key)
            elif details.select:
                details.tell()


def _as_seen(study: Any, shown: Any, view: Any) -> Mapping[str, Any]:
    """The figures of a result as a view asks for them, kept for the next time."""
    asked = type(view)(**view.values())
    if asked.values() == asked.defaults():
        found: Mapping[str, Any] = shown.figures
        return found
    return drawn_once(shown.result, asked.key(),
                      lambda: redrawn(study, completed(shown), asked))


def _ordered(figures: Mapping[str, Any]) -> list[str]:
    """The weights first, then the study's main figure and its small ones."""
    first = ["weights"] if "weights" in figures else []
    return first + [name for name in figures if name != "weights"]
