"""What one visitor sees of one study: parameters, the result that is shown, what is wrong."""

import asyncio
import os
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import panel as pn
import param

from workbench import runs
from workbench.core import Study
from workbench.runs import Row, Run
from workbench.ui import address
from workbench.ui.computing import QUICK, Shown, failure, in_thread, live, saved
from workbench.ui.news import NEWS
from workbench.ui.site import Site

__all__ = ["AGAIN", "AT_ONCE", "READ_ONLY", "STOPPED", "Visit"]

READ_ONLY = "This site only shows saved runs: nothing can be computed here."
STOPPED = ("Stopped. What had begun is finished in the background and kept, in case you ask for "
           "it again.")
AGAIN = "The earlier result is shown."
AT_ONCE = 0.15           # seconds within which a result comes without any word of computing


class Visit(param.Parameterized):
    """One visitor on the page of one study.

    Parts of the page read and watch what is declared here, and act only through the methods, so
    that no part needs to know another.

    Parameters
    ----------
    study : module
    site : Site
    """

    shown = param.Parameter(None, doc="What is shown, a `Shown`, or nothing yet.")
    busy = param.Boolean(default=False, doc="Whether a result is being computed in this process.")
    problems = param.List([], doc="Sentences about what was asked and cannot be done.")
    refused = param.Dict({}, doc="Why the value in a widget is not taken, by parameter.")
    runs = param.List([], doc="The newest saved runs, as rows of the store.")
    told = param.String("", doc="What became of the last wish, in a sentence.")

    def __init__(self, study: Study, site: Site):
        super().__init__()
        self.study, self.site = study, site
        self.study_name = study.__name__.rpartition(".")[2]
        self.runs = NEWS.of(self.study_name)
        asked = address.read(study, search())
        self.values = study.Params(**asked.values)
        self.problems = list(asked.problems)
        self._seconds: float | None = None
        self._again, self._has_left, self._works = False, False, False
        self._work: asyncio.Future[Shown] | None = None
        self._given_up = threading.Event()
        self._asked = asked
        self.values.param.watch(self._changed, list(study.Params.declared()))

    def open(self) -> None:
        """Show what the address asks for, else the newest run, else how to make one."""
        asked = self._asked
        succeeded = [row for row in self.runs if row.state == "succeeded"]
        if self.problems:
            self.problems = [*self.problems, "The address asks for something that this page does "
                             "not have, so the defaults are used instead."]
        if asked.run is not None:
            self.show_run(asked.run)
            return
        if asked.values:
            found = self._saved_as_asked(succeeded)
        else:
            found = succeeded[0].id if succeeded else ""
        if found:
            self.show_run(runs.load(found))
        elif asked.values:
            pn.state.onload(self._begin)

    def _saved_as_asked(self, listed: list[Row]) -> str:
        """Name of a run with the parameters of the widgets: of those listed, else by its key."""
        wanted = self.values.values()
        name = next((row.id for row in listed if dict(row.params) == wanted), "")
        named = any(os.sep in str(wanted[each]) for each in self.study.Params.paths)
        if name or (named and not self.site.may_run):    # who may not run has no file read
            return name
        try:
            found = runs.Store().find(runs.key(self.study, self.values))
        except (OSError, ValueError):        # without its data there is no key
            return ""
        return found.id if found else ""

    def show_run(self, run: Run) -> None:
        """Show a saved run, and its parameters in the widgets; what is computed is given up."""
        self._give_up()
        self.told = ""
        with param.discard_events(self):     # it is told once, below
            self.shown = saved(self.study, run)
        if not self.study.Params.problems(run.params):
            self.values.param.update(**run.params)
        self.param.trigger("shown")          # widgets that hold refused values start anew

    def choose_run(self, run_id: str) -> None:
        """Show the saved run of this name; the address follows."""
        try:
            run = runs.load(run_id)
        except (OSError, ValueError) as refusal:
            self.problems = [failure(refusal)]
            return
        self.problems = []
        self.show_run(run)
        go(f"?run={run_id}")

    def is_fresh(self) -> bool:
        """Whether what is shown belongs to the parameters of the widgets."""
        return self.shown is not None and dict(self.shown.values) == self.values.values()

    def is_quick(self) -> bool:
        """Whether to compute without being asked: the study knows, else the last time tells."""
        if not self.site.may_run:
            return False
        knows = getattr(self.study, "is_quick", None)
        if knows is not None and knows(self.values):
            return True
        return self._seconds is not None and self._seconds < QUICK

    async def compute(self, *_: Any) -> None:
        """Compute with the parameters of the widgets; the last request wins."""
        if not self.site.may_run:
            self.problems = [f"{READ_ONLY} Choose one of the saved runs."]
            return
        if self._works:
            self._again = True
            return
        self.problems = []
        if self.refused:
            return
        self._works, self.told = True, ""
        self._given_up = threading.Event()
        telling = asyncio.ensure_future(self._tell_busy())
        try:
            self._take(await self._latest(self._given_up))
        finally:
            telling.cancel()
            self._works = False
            if not self._has_left:
                self.busy = False

    async def _tell_busy(self) -> None:
        """Say that something is computed, unless it comes at once."""
        await asyncio.sleep(AT_ONCE)
        if not self._has_left:
            self.busy = True

    def _take(self, shown: Shown | None) -> None:
        """Show what was computed, unless it was given up."""
        if shown is not None and not self._has_left:
            self._seconds = shown.seconds if shown.seconds is not None else self._seconds
            with pn.io.hold():       # the page changes as a whole
                self.busy, self.shown = False, shown
                go(address.query(self.values))

    def stop(self, *_: Any) -> None:
        """Wait no longer for what is being computed, and leave the page as it was before."""
        if self._give_up():
            self._seconds = None         # too slow to compute without being asked
            self.told = STOPPED if self.shown is None else f"{STOPPED} {AGAIN}"

    def leave(self) -> None:
        """The visitor is gone: nothing is shown any more."""
        self._has_left = True
        self._give_up()

    def _give_up(self) -> bool:
        """Whether there was something to give up."""
        if not self._works or self._given_up.is_set():
            return False
        self._given_up.set()
        if self._work is not None:
            self._work.cancel()
        return True

    def _changed(self, *_: Any) -> None:
        """A parameter has changed: the address follows, and quick studies compute."""
        if self.is_fresh() or self.refused:
            return
        go(address.query(self.values))
        if self.is_quick():
            pn.state.execute(self.compute)

    def resume(self) -> None:
        """Compute what was asked for before the study could answer at once."""
        self._changed()

    async def _begin(self) -> None:
        """Compute what the address asks for; what it asked in vain stays told."""
        told = list(self.problems)
        await self.compute()
        self.problems = [*told, *self.problems]

    async def _latest(self, given_up: threading.Event) -> Shown | None:
        """The result of the parameters as they are at the end; none when it was given up."""
        while True:
            self._again = False
            params = self.study.Params(**self.values.values())
            self._work = in_thread(partial(live, self.study, params, given_up.is_set))
            try:
                shown = await self._work
            except asyncio.CancelledError:
                if not given_up.is_set():
                    raise
            if given_up.is_set():
                return None
            if not self._again or self.values.values() == dict(shown.values):
                return shown

    def follow(self, told: Callable[[], Any], *names: str) -> None:
        """Call `told` now and whenever one of these, or for "values" a parameter, changes."""
        own = [name for name in names if name != "values"]
        if own:
            self.param.watch(lambda *_: told(), own)
        if "values" in names:
            self.values.param.watch(lambda *_: told(), list(self.study.Params.declared()))
        told()


def search() -> str:
    """The address of the page from its question mark on."""
    return str(pn.state.location.search) if pn.state.location else ""


def go(query: str) -> None:
    """Let the address of the page follow; what is chosen on figures stays."""
    wanted = address.keep(query, address.chosen(search()))
    if pn.state.location and pn.state.location.search != wanted:
        pn.state.location.search = wanted
