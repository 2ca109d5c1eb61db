"""Compute results in threads, so that pages stay responsive, and keep the last few of them."""

import asyncio
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from workbench import runs
from workbench.core import Params, Result, Study
from workbench.runs.reports.page import ALARMS, sentence

__all__ = ["QUICK", "Shown", "failure", "in_thread", "live", "saved"]

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
        self._lock = threading.Lock()

    def get(self, key: str) -> tuple[Result, float] | None:
        with self._lock:
            if key in self._results:
                self._results.move_to_end(key)
            return self._results.get(key)

    def put(self, key: str, result: Result, seconds: float) -> None:
        with self._lock:
            self._results[key] = (result, seconds)
            while len(self._results) > KEPT:
                self._results.popitem(last=False)


CACHE = _Cache()


def live(study: Study, params: Params) -> Shown:
    """Compute now, or take the cached result; a failure is told in `problem`.

    The cache goes by the run's key, so that an edited data file is read again.
    """
    try:
        key = runs.key(study, params)
        found = CACHE.get(key)
        if found is None:
            begun = time.monotonic()
            result = study.run(params)
            found = result, time.monotonic() - begun
            CACHE.put(key, *found)
        result, seconds = found
        return Shown(params.values(), result, key, seconds=seconds,
                     figures=study.figures(result))
    except Exception as error:  # a page tells every failure of a study
        return Shown(params.values(), problem=failure(error))


def saved(study: Study, run: runs.Run) -> Shown:
    """A saved run with its figures drawn again from its tables."""
    if run.state != "succeeded":
        told = ALARMS.get(run.state, "This run cannot be read.")
        return Shown(run.params, key=run.key, run=run,
                     problem=f"{told} {sentence(run.error)}".strip())
    try:
        result = Result(run.summary, run.tables())
        return Shown(run.params, result, run.key, run, figures=study.figures(result))
    except Exception as error:  # old or foreign tables must not break the page
        LOG.exception("The figures of run %s could not be drawn", run.id)
        cause = f"{type(error).__name__}: {error}".rstrip(".")
        return Shown(run.params, Result(run.summary), run.key, run, problem=(
            f"The figures of this run cannot be drawn ({cause}). Press Compute for new ones."))


def failure(error: Exception) -> str:
    """One sentence for an exception: a refusal speaks for itself, the rest goes to the log."""
    refused = isinstance(error, ValueError) or (isinstance(error, OSError) and not error.errno)
    if refused and str(error):
        return str(error)
    LOG.error("The study failed", exc_info=error)
    cause = f"{type(error).__name__}: {error}".rstrip(".: ")
    return f"The study failed: {cause}. The terminal that serves this page shows where."


def in_thread(work: Callable[[], Anything]) -> "asyncio.Future[Anything]":
    """Await the work of a thread that does not hold up the end of the program."""
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
        with SLOTS:
            try:
                value = work()
            except Exception as problem:  # handed to whoever awaits
                error = problem
        if not loop.is_closed():
            loop.call_soon_threadsafe(tell, value, error)

    threading.Thread(target=thread, name="compute", daemon=True).start()
    return future
