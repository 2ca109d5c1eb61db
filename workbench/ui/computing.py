"""Compute results in threads, so that pages stay responsive, and keep the last few of them."""

import asyncio
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from workbench import runs
from workbench.core import Params, Result, Study
from workbench.core.recent import Recent
from workbench.runs.reports.page import ALARMS, sentence
from workbench.runs.storage.folder import MANIFEST

__all__ = ["QUICK", "Shown", "drawn_once", "failure", "in_thread", "is_drawn_once", "live",
           "saved"]

QUICK = 2.0              # seconds below which a changed widget computes by itself
KEPT = 16
SLOTS = threading.BoundedSemaphore(2)
LOG = logging.getLogger(__name__)
Anything = TypeVar("Anything")


@dataclass(frozen=True)
class Shown:
    """What a page shows: a result with the parameters, the key and the run it comes from."""

    values: Mapping[str, Any]
    result: Result | None = None
    key: str = ""
    run: runs.Run | None = None
    seconds: float | None = None
    problem: str = ""
    figures: Mapping[str, Any] = field(default_factory=dict)


class _Cache:
    """The results used last, shared by all visitors."""

    def __init__(self) -> None:
        self._results: OrderedDict[str, tuple[Result, float]] = OrderedDict()
        self._turns: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    def get(self, key: str, make: Callable[[], Result]) -> tuple[Result, float]:
        """The result of a key and its seconds, made now unless it is kept or being made."""
        with self._lock:
            turn = self._turns.setdefault(key, threading.Lock())
        with turn:
            try:
                with self._lock:
                    if key in self._results:
                        self._results.move_to_end(key)
                        return self._results[key]
                with SLOTS:
                    begun = time.monotonic()
                    return self._put(key, make(), time.monotonic() - begun)
            finally:
                with self._lock:
                    self._turns.pop(key, None)

    def _put(self, key: str, result: Result, seconds: float) -> tuple[Result, float]:
        with self._lock:
            self._results[key] = (result, seconds)
            while len(self._results) > KEPT:
                self._results.popitem(last=False)
        return result, seconds


CACHE = _Cache()
SAVED: Recent[tuple[Result, Mapping[str, Any]]] = Recent(KEPT)
# Figures by their result and the view that asked for them. The result is kept too, so that its
# identity means no other.
FIGURES: Recent[tuple[Result, Mapping[str, Any]]] = Recent(2 * KEPT)


def live(study: Study, params: Params,
         given_up: Callable[[], bool] = lambda: False) -> Shown:
    """Compute now, or take the cached result; a failure is told in `problem`.

    The cache goes by the run's key, so that an edited data file is read again. What is given up
    before it has begun is not computed; what has begun goes on, and is kept for the next time.
    """
    def make() -> Result:
        if given_up():
            raise ValueError("The computation was stopped before it began. Start it again.")
        return study.run(params)

    try:
        key = runs.key(study, params)
        result, seconds = CACHE.get(key, make)
        figures = {} if given_up() else drawn_once(result, "", partial(study.figures, result))
        return Shown(params.values(), result, key, seconds=seconds, figures=figures)
    except Exception as error:  # a page tells every failure of a study
        return Shown(params.values(), problem=failure(error))


def saved(study: Study, run: runs.Run) -> Shown:
    """A saved run with its figures drawn again from its tables."""
    if run.state != "succeeded":
        told = ALARMS.get(run.state, "This run cannot be read.")
        return Shown(run.params, key=run.key, run=run,
                     problem=f"{told} {sentence(run.error)}".strip())
    try:
        written = (run.folder / MANIFEST).stat().st_mtime_ns
        result, figures = SAVED.get((study.__name__, str(run.folder), run.key, written),
                                    partial(_read, study, run))
        return Shown(run.params, result, run.key, run, figures=figures)
    except Exception as error:  # old or foreign tables must not break the page
        LOG.exception("The figures of run %s could not be drawn", run.id)
        cause = f"{type(error).__name__}: {error}".rstrip(".")
        return Shown(run.params, Result(run.summary), run.key, run, problem=(
            f"The figures of this run cannot be drawn ({cause}). Press Compute for new ones."))


def _read(study: Study, run: runs.Run) -> tuple[Result, Mapping[str, Any]]:
    """Tables and figures of a saved run, which all visitors share."""
    result = Result(run.summary, run.tables())
    return result, study.figures(result)


def drawn_once(result: Result, view: str,
               draw: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any]:
    """The figures of a result as a view asks for them, drawn now unless they are kept."""
    return FIGURES.get((id(result), view), lambda: (result, draw()))[1]


def is_drawn_once(result: Result, view: str) -> bool:
    """Whether figures are kept for this result and view."""
    return (id(result), view) in FIGURES


def failure(error: Exception) -> str:
    """One sentence for an exception: a refusal speaks for itself, the rest goes to the log."""
    refused = isinstance(error, ValueError) or (isinstance(error, OSError) and not error.errno)
    if refused and str(error):
        return str(error)
    LOG.error("The study failed", exc_info=error)
    cause = f"{type(error).__name__}: {error}".rstrip(".: ")
    return f"The study failed: {cause}. The terminal that serves this page shows where."


def in_thread(work: Callable[[], Anything]) -> "asyncio.Future[Anything]":
    """Await the work of a thread that does not hold up the end of the program.

    A thread cannot be ended: who cancels only waits no longer.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Anything] = loop.create_future()

    def tell(value: Any, error: BaseException | None) -> None:
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(value)

    def thread() -> None:
        value, error = None, None
        try:
            value = work()
        except Exception as problem:  # handed to whoever awaits
            error = problem
        if not loop.is_closed():
            loop.call_soon_threadsafe(tell, value, error)

    threading.Thread(target=thread, name="compute", daemon=True).start()
    return future
