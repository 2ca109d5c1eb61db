"""The real runs that a visitor starts and sees on the page of one study."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import param

from workbench.ui.address import changes
from workbench.ui.computing import failure
from workbench.ui.detailing import aside
from workbench.ui.jobs import JOBS, Job
from workbench.ui.news import NEWS, Busy
from workbench.ui.visit import READ_ONLY, Visit

__all__ = ["Runner"]


class Runner(param.Parameterized):
    """What one visitor sees of the runs of a study that are in progress.

    Runs belong to the server, not to the visitor: they go on when the page is left, and whoever
    opens it meanwhile sees them.

    Parameters
    ----------
    visit : Visit
    """

    busy = param.List([], doc="Runs in progress and in line, as `Busy`, newest first.")
    starting = param.Boolean(default=False, doc="Whether a run is being put in line.")

    def __init__(self, visit: Visit):
        super().__init__()
        self._visit = visit
        self._own: set[str] = set()
        self._seen: set[str] = set()
        self.busy = NEWS.busy(visit.study_name)

    async def start(self, *_: Any) -> None:
        """Start a run with the parameters of the widgets, or show the one that is saved."""
        visit = self._visit
        if not visit.site.may_run:
            visit.problems = [READ_ONLY]
            return
        if self.starting or visit.refused:
            return
        self.starting, visit.problems, visit.told = True, [], ""
        try:
            params = visit.study.Params(**visit.values.values())
            job = await aside(partial(JOBS.start, visit.study, params))
        except Exception as refusal:  # a page tells every failure of a study
            visit.problems = failure(refusal).splitlines()
            return
        finally:
            self.starting = False
        if job.reused and job.run is not None:
            visit.choose_run(job.run.id)
            visit.told = "This run was saved before: nothing in it has changed since."
        else:
            self._own.add(job.id)
            self.refresh()

    def cancel(self, job_id: str) -> None:
        """Stop a run of this study in good order, or take it out of the line."""
        if self._visit.site.may_run and any(job.id == job_id for job in JOBS.jobs(
                self._visit.study_name)):
            JOBS.cancel(job_id)

    def refresh(self) -> None:
        """Take over what is new; a run that has ended is shown to those who wait for it."""
        name = self._visit.study_name
        found = NEWS.busy(name)
        self._seen |= {one.job.id for one in found if one.job is not None} | self._own
        ended = [job for job in map(JOBS.find, self._seen) if job is not None and job.is_over]
        self._seen -= {job.id for job in ended}
        listed = NEWS.of(name)
        if [row.id for row in listed] != [row.id for row in self._visit.runs]:
            self._visit.runs = listed
        if _signature(found) != _signature(self.busy):
            self.busy = found
        for job in ended:
            self._take(job, own=job.id in self._own)
            self._own.discard(job.id)

    def _take(self, job: Job, *, own: bool) -> None:
        visit = self._visit
        awaited = dict(job.values) == visit.values.values() and not visit.refused
        if not (own or awaited):
            return
        if job.run is not None and awaited and job.state != "cancelled":
            visit.choose_run(job.run.id)
            visit.told = (f"Done in {job.seconds:.0f} s: saved, and shown here."
                          if job.state == "succeeded" else "")
        else:
            visit.told = _ending(job)


def _ending(job: Job) -> str:
    """What became of a run that is not shown."""
    which = f"The run of {_named(job.changed)}"
    if job.state == "cancelled":
        kept = (" What was computed until then is among the saved runs."
                if job.run is not None else "")
        return f"{which} was cancelled.{kept}"
    if job.state == "succeeded":
        return f"{which} is done. It is the newest of the saved runs."
    return f"{which} has no result. {job.error}"


def _named(changed: Mapping[str, Any]) -> str:
    told = changes(changed)
    return (told if len(told) <= 90 else f"{told[:89]}…") or "the defaults"


def _signature(found: list[Busy]) -> Any:
    """What a page tells of runs in progress, without the seconds, which it counts itself."""
    return [(one.id, one.state, one.job and (one.job.done, one.job.log)) for one in found]
