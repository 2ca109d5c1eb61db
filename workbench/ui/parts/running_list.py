"""Runs in progress: how far each is, what it says, and the button that stops it."""

import math
from collections.abc import Callable, Collection
from typing import Any, ClassVar
from urllib.parse import quote

import panel as pn
import param

from workbench.ui import look
from workbench.ui.address import changes
from workbench.ui.news import Busy

__all__ = ["RunningList", "told"]

LINES = 40               # of a log


class RunningList(pn.custom.JSComponent):
    """Runs in progress, drawn and counted on in the browser, as texts and never as markup.

    Parameters
    ----------
    on_cancel : callable
        Called with the name of the run that is to be stopped.
    """

    jobs = param.List([], doc="What is told of each run, as `told` makes it.")
    heading = param.String("Running now", doc="Stands above the runs; hidden without any.")

    _esm: ClassVar[str] = look.sheet("make.js") + look.sheet("running.js")

    def __init__(self, on_cancel: Callable[[str], Any], **params: Any):
        super().__init__(stylesheets=[look.FACTS, look.sheet("running.css")],
                         sizing_mode="stretch_width", margin=0, **params)
        self._on_cancel = on_cancel

    def _handle_msg(self, data: Any) -> None:
        if isinstance(data, dict) and isinstance(data.get("cancel"), str):
            self._on_cancel(data["cancel"])


def told(found: list[Busy], *, may_run: bool, studies: Collection[str] = (),
         logs: bool = False) -> list[dict[str, Any]]:
    """What the browser needs of each run.

    Parameters
    ----------
    found : list of Busy
    may_run : bool
        Whether a run may be stopped.
    studies : collection of str
        Studies whose pages are linked to.
    logs : bool
        Whether to send the last lines of what each run says.
    """
    waiting = [one.id for one in reversed(found) if one.state == "queued"]
    listed = [_told(one, waiting, may_run, one.study in studies, logs) for one in found]
    return sorted(listed, key=lambda one: one["place"])      # those in progress, then the line


def _told(one: Busy, waiting: list[str], may_run: bool, linked: bool,  # noqa: FBT001 - one call
          logs: bool) -> dict[str, Any]:  # noqa: FBT001
    job = one.job
    place = waiting.index(one.id) + 1 if one.id in waiting else 0
    return {
        "id": one.id, "title": one.title, "state": one.state,
        "address": f"./{quote(one.study)}" if linked else "",
        "changed": changes(one.changed) or "defaults",
        "place": place, "seconds": one.seconds,
        "expected": one.expected if math.isfinite(one.expected) else None,
        "cell": job.cell if job else "", "done": job.done if job else 0,
        "cells": job.cells if job else 0, "share": job.share if job else 0.0,
        "elsewhere": job is None, "can_cancel": may_run and job is not None,
        "log": list(job.log[-LINES:]) if job and logs else []}
