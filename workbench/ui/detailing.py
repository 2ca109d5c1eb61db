"""Compute what a study tells of a choice, in threads of their own, kept for the next visitor."""

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

import pandas as pd

from workbench import runs
from workbench.core import Params, Result, Study, Summary
from workbench.core.details import Chosen
from workbench.core.recent import Recent
from workbench.ui.computing import Shown, failure
from workbench.ui.parts.drawing import drawn

__all__ = ["Later", "Picture", "aside", "completed", "details", "redrawn", "remember"]

DETAILS: Recent[Any] = Recent(64)
Anything = TypeVar("Anything")


@dataclass(frozen=True)
class Picture:
    """A figure as Bokeh's JSON."""

    json: str


class Later(Mapping[str, Any]):
    """A mapping that is read from the disk when something is asked of it."""

    def __init__(self, read: Callable[[], Mapping[str, Any]]):
        self._read = read
        self._found: Mapping[str, Any] | None = None

    @property
    def _all(self) -> Mapping[str, Any]:
        if self._found is None:
            self._found = self._read()
        return self._found

    def __getitem__(self, name: str) -> Any:
        return self._all[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)


def completed(shown: Shown) -> Result | None:
    """The result that is shown, with the arrays, posteriors and networks of its saved run."""
    if shown.result is None or shown.run is None:
        return shown.result
    run = shown.run
    return replace(shown.result, inference=Later(run.inference), arrays=Later(run.arrays),
                   networks=Later(run.networks))


def details(study: Any, result: Result, key: str, chosen: Chosen) -> Mapping[str, Any]:
    """What the study tells of a choice, its figures drawn; a failure is a sentence."""
    if not hasattr(study, "details"):
        return {}
    view = chosen.view.key() if chosen.view is not None else ""
    picks = tuple(sorted((name, str(value)) for name, value in chosen.picks.items()))
    name = (study.__name__, key, picks, view)
    try:
        found: Mapping[str, Any] = DETAILS.get(name, lambda: {
            heading: part if isinstance(part, str | Summary | pd.DataFrame) else Picture(
                drawn(part)) for heading, part in study.details(result, chosen).items()})
        return found
    except Exception as error:  # a page tells every failure of a study
        return {"problem": failure(error)}


def redrawn(study: Any, result: Result | None, view: Params | None) -> dict[str, Any]:
    """The figures of a result as a view asks for them."""
    figures: dict[str, Any] = (study.figures(result) if view is None
                               else study.figures(result, view))
    return figures


async def remember(study: Study, shown: Shown) -> None:
    """Let the study take over what a saved run measured, so that its next answer is quick."""
    take = getattr(study, "remember", None)
    if take is None or shown.run is None or shown.problem:
        return
    result = completed(shown)
    if result is not None and not study.Params.problems(shown.values):
        await aside(partial(_take, take, study, shown, result))


def _take(take: Callable[[Params, Result], None], study: Study, shown: Shown,
          result: Result) -> None:
    """Only what this code would compute from these data is taken."""
    try:
        params = study.Params(**shown.values)
        if runs.key(study, params) == shown.key:
            take(params, result)
    except Exception as error:  # the run is shown all the same
        failure(error)


async def aside(work: Callable[[], Anything]) -> Anything:
    """Await work in a thread that waits for no other and holds up no end of the program."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Anything] = loop.create_future()

    def finish(value: Any, error: Exception | None) -> None:
        if not done.done():
            done.set_exception(error) if error is not None else done.set_result(value)

    def thread() -> None:
        value, problem = None, None
        try:
            value = work()
        except Exception as error:  # handed to whoever awaits
            problem = error
        if not loop.is_closed():
            loop.call_soon_threadsafe(finish, value, problem)

    threading.Thread(target=thread, name="details", daemon=True).start()
    return await done
