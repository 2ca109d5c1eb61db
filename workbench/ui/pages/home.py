"""The gallery of studies, what is running, and the newest runs."""

from typing import Any

import panel as pn

from workbench.ui import look
from workbench.ui.jobs import JOBS
from workbench.ui.news import NEWS, follow
from workbench.ui.parts.gallery import answers, filters, tiles
from workbench.ui.parts.home_news import HomeNews
from workbench.ui.parts.recent_runs import LISTED, recent
from workbench.ui.parts.running_list import RunningList, told
from workbench.ui.site import Site

__all__ = ["HomePage"]


class HomePage:
    """The home page.

    It stands in the page's own HTML, so that it is there before anything is connected, and is
    searched without the server. While somebody looks, what is new takes the place of the old.

    Parameters
    ----------
    site : Site
    """

    def __init__(self, site: Site):
        self._site = site
        newest = NEWS.newest()
        self._answered = {name: row.id for name, row in newest.items()}
        self._recent = recent(NEWS.recent(LISTED), site)
        self._tiles = tiles(site.studies, newest)
        self._running = RunningList(self._cancel)
        self._news = HomeNews()
        self._news.param.watch(self._sight, "seen")
        self._stop = _nothing
        self._tell_running()
        if pn.state.curdoc is not None:
            pn.state.onload(self._sight)

    def servable(self) -> "HomePage":
        """Add the page to the document that is being served; anywhere else do nothing."""
        if pn.state.curdoc is not None:
            self.template().servable()
        return self

    def template(self) -> pn.Template:
        """The page as Panel serves it."""
        page = look.page("home.html.j2", self._site, title="Workbench", here="./")
        page.add_panel("running", self._running)
        page.add_panel("news", self._news)
        reports = self._site.reports
        for name, value in {
                "tiles": self._tiles, "recent": self._recent,
                "filters": filters(self._site.studies),
                "reports": f"./{reports}/index.html" if reports else "",
                "home_style": look.sheet("home.css"),
                "home_script": look.sheet("home_search.js")}.items():
            page.add_variable(name, value)
        return page

    def refresh(self) -> None:
        """Send what has changed since it was last sent."""
        self._tell_running()
        newest = NEWS.newest()
        fresh = {name: row for name, row in newest.items()
                 if name in self._site.studies and self._answered.get(name) != row.id}
        listed = recent(NEWS.recent(LISTED), self._site)
        parts: dict[str, Any] = {}
        if fresh:
            parts["answers"] = answers(fresh, fresh)
            self._answered |= {name: row.id for name, row in fresh.items()}
        if listed != self._recent:
            parts["recent"] = self._recent = listed
        if parts:
            self._news.send(parts)

    def _sight(self, *_: object) -> None:
        """Follow the news while the page is in sight, and catch up when it comes into it."""
        self._stop()
        self._stop = _nothing
        if self._news.seen:
            self._stop = follow(self.refresh)
            self.refresh()

    def _tell_running(self) -> None:
        found = NEWS.busy()
        shown = told(found, may_run=self._site.may_run, studies=self._site.studies)
        still = [{**one, "seconds": 0} for one in shown]
        if still != [{**one, "seconds": 0} for one in self._running.jobs]:
            self._running.jobs = shown

    def _cancel(self, job_id: str) -> None:
        if self._site.may_run:
            JOBS.cancel(job_id)


def _nothing() -> None:
    """Nothing is followed."""
