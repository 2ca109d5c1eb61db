"""What a visitor sees of runs: started, joined, in line, ended; and of what is computed here."""

import asyncio
import threading

import pytest

from tests.runs.conftest import write_notebook
from workbench import runs
from workbench.runs.storage.staging import timestamp
from workbench.ui import Site, StudyPage, computing
from workbench.ui.jobs import Jobs, line
from workbench.ui.news import News
from workbench.ui.parts.presets import Presets
from workbench.ui.parts.running_list import told
from workbench.ui.visit import AGAIN, READ_ONLY, STOPPED

PARAMETERS = ('n = 3\nshare = 0.5\nlimit = None\nword = "plain"\nkind = "round"\nflag = False\n'
              "sizes = []\nseed = 0")


class Stub:
    """A run whose news are told by the test."""

    made: list["Stub"]

    def __init__(self, asked, *, on_event, on_line, on_end):
        self.values, self.say, self.print, self.end = asked["values"], on_event, on_line, on_end
        self.made.append(self)

    def stop(self):
        self.end(130)

    def wait(self):
        """Nothing goes on."""

    def finish(self, run=None, *, state="succeeded", error=""):
        self.say({"event": "finished", "state": state, "run": run.id if run else "",
                  "error": error})
        self.end(0)


@pytest.fixture
def stubs(tiny, tmp_path, monkeypatch):
    """Runs that the test itself carries out, one at a time; the list of those that have begun."""
    write_notebook(tmp_path / "notebooks" / "tiny.ipynb", parameters=PARAMETERS)
    monkeypatch.setenv("WORKBENCH_ROOT", str(tmp_path))
    monkeypatch.setattr(computing, "CACHE", computing._Cache())
    monkeypatch.setattr(Stub, "made", [], raising=False)
    monkeypatch.setattr(line, "JobProcess", Stub)
    jobs = Jobs(at_once=1)
    news = News(jobs)
    for place in ("running.JOBS", "news.NEWS", "running.NEWS", "visit.NEWS"):
        monkeypatch.setattr(f"workbench.ui.{place}", jobs if place.endswith("JOBS") else news)
    return Stub.made


def save(study, **values):
    params = study.Params(**values)
    return runs.save(study, params, study.run(params))


def opened(study, *, may_run=True, **values):
    page = StudyPage(study, Site({"tiny": study}, may_run=may_run))
    page.visit.values.param.update(**values)
    return page


def start(page):
    asyncio.run(page.runner.start())


def widget(page, label):
    return next(one for one in page.side.select() if getattr(one, "label", "") == label)


def test_matches_a_run_to_the_result_that_is_shown(tiny, stubs):
    save(tiny, n=1)
    page = opened(tiny, n=4)
    start(page)
    stubs[0].say({"event": "cell", "cell": "run", "done": 2, "cells": 4})
    page.runner.refresh()
    sent, = told(page.runner.busy, may_run=True, logs=True)
    assert (sent["changed"], sent["cell"], sent["done"], sent["cells"]) == ("n=4", "run", 2, 4)
    assert sent["log"][-1].endswith("Cell 2 of 4: run")
    assert page.visit.shown.run.values["n"] == 1
    made = save(tiny, n=4)
    stubs[0].finish(made)
    page.runner.refresh()
    assert page.visit.shown.run.id == made.id
    assert page.visit.told.startswith("Done in ")
    assert page.visit.runs[0].id == made.id
    assert widget(page, "Saved runs").value == made.id
    assert page.runner.busy == []


def test_identity_a_visitor_who_has_moved_on_is_only_told(tiny, stubs):
    before = save(tiny, n=1)
    page = opened(tiny, n=4)
    start(page)
    page.visit.values.n = 5
    stubs[0].finish(save(tiny, n=4))
    page.runner.refresh()
    assert page.visit.shown.run.id == before.id
    assert page.visit.told == "The run of n=4 is done. It is the newest of the saved runs."


def test_matches_a_page_that_is_opened_while_the_run_goes_on(tiny, stubs):
    first = opened(tiny, n=4)
    start(first)
    second = opened(tiny, n=4)
    assert [one.job.id for one in second.runner.busy] == [one.job.id for one in
                                                          first.runner.busy]
    start(second)
    assert len(stubs) == 1                            # joined
    made = save(tiny, n=4)
    stubs[0].finish(made)
    third = opened(tiny, n=9)
    for page in (first, second, third):
        page.runner.refresh()
    assert {page.visit.shown.run.id for page in (first, second)} == {made.id}
    assert third.visit.told == ""


@pytest.mark.parametrize(("ending", "said"), [
    ({"state": "failed", "error": "ValueError: <b>no</b>"}, "no result. ValueError: <b>no</b>"),
    ({"state": "refused", "error": "n must be less."}, "no result. n must be less.")])
def test_rejects_with_the_sentence_of_the_run(tiny, stubs, ending, said):
    page = opened(tiny, n=4)
    start(page)
    stubs[0].finish(**ending)
    page.runner.refresh()
    assert page.visit.told.endswith(said)


def test_matches_a_cancelled_run_and_the_next_in_line(tiny, stubs):
    page = opened(tiny, n=4)
    start(page)
    page.visit.values.n = 5
    start(page)
    assert [one["place"] for one in told(page.runner.busy, may_run=True)] == [0, 1]
    page.runner.cancel(page.runner.busy[1].id)
    page.runner.refresh()
    assert page.visit.told == "The run of n=4 was cancelled."
    assert [stub.values["n"] for stub in stubs] == [4, 5]
    assert [one.state for one in page.runner.busy] == ["running"]


def test_matches_a_run_that_another_program_executes(tiny, stubs):
    about = {"study": "tiny", "title": "Tiny", "params": {"n": 7}, "defaults": {"n": 3},
             "started": timestamp()}
    with runs.Store().staged("tiny", "cd" * 32, about):
        page = opened(tiny)
        sent, = told(page.runner.busy, may_run=True, studies=["tiny"])
        assert (sent["changed"], sent["elsewhere"], sent["can_cancel"]) == ("n=7", True, False)
        assert sent["address"] == "./tiny"
    page.runner.refresh()
    assert page.runner.busy == []


def test_identity_a_run_that_is_saved_is_not_started(tiny, stubs):
    made = save(tiny, n=4)
    page = opened(tiny, n=4)
    start(page)
    assert stubs == []
    assert page.visit.shown.run.id == made.id
    assert "saved before" in page.visit.told


def test_rejects_runs_and_computing_where_pages_only_show(tiny, stubs):
    save(tiny, n=1)
    page = opened(tiny, may_run=False, n=4)
    start(page)
    asyncio.run(page.visit.compute())
    assert stubs == []
    assert page.visit.shown.run.values["n"] == 1
    assert page.visit.problems[0].startswith(READ_ONLY)
    assert not page.visit.is_quick()
    assert widget(page, "n").disabled
    assert not any(one.visible for one in page.side.select()
                   if getattr(one, "label", "") == "Run" and _is_shown(page.side, one))
    writer = opened(tiny, n=5)
    start(writer)
    page.runner.refresh()
    page.runner.cancel(page.runner.busy[0].id)
    assert writer.runner.busy[0].job.id == page.runner.busy[0].id
    assert told(page.runner.busy, may_run=False)[0]["can_cancel"] is False


def test_rejects_files_of_the_server_where_pages_only_show(tiny, stubs, monkeypatch):
    monkeypatch.setattr(tiny.Params, "paths", frozenset({"word"}))
    monkeypatch.setattr(runs, "key", lambda *_: pytest.fail("a file was read"))
    page = opened(tiny, may_run=False, word=__file__)
    assert page.visit.values.word == __file__
    assert page.visit.shown is None


def _is_shown(root, wanted):
    """Whether a part and all that it lies in are visible."""
    if root is wanted:
        return bool(root.visible)
    return root.visible and any(_is_shown(one, wanted) for one in getattr(root, "objects", []))


def slow(study, monkeypatch):
    """Let the study wait for the test; what to set, and the values that it was run with."""
    go, asked, real = threading.Event(), [], study.run
    monkeypatch.setattr(study, "run", lambda params: (asked.append(params.n), go.wait(60),
                                                      real(params))[-1])
    return go, asked


async def until(ready):
    while not ready():
        await asyncio.sleep(0.01)


def test_identity_a_stop_shows_what_was_shown(tiny, stubs, monkeypatch):
    before = save(tiny, n=1)
    page = opened(tiny, n=4)
    go, asked = slow(tiny, monkeypatch)
    visit = page.visit

    async def story():
        first = asyncio.create_task(visit.compute())
        await until(lambda: asked)
        visit.stop()
        await first
        assert (visit.busy, visit.shown.run.id) == (False, before.id)
        assert visit.told == f"{STOPPED} {AGAIN}"
        second = asyncio.create_task(visit.compute())       # joins what goes on
        await asyncio.sleep(0.05)
        go.set()
        await second

    asyncio.run(story())
    assert asked == [4]
    assert visit.shown.values["n"] == 4
    assert visit.told == ""


def test_identity_a_run_that_is_chosen_meanwhile_stays(tiny, stubs, monkeypatch):
    before = save(tiny, n=1)
    page = opened(tiny, n=4)
    go, asked = slow(tiny, monkeypatch)

    async def story():
        work = asyncio.create_task(page.visit.compute())
        await until(lambda: asked)
        page.visit.choose_run(before.id)
        go.set()
        await work

    asyncio.run(story())
    assert page.visit.shown.run.id == before.id
    assert page.visit.told == ""
    assert not page.visit.busy


def test_matches_a_change_at_the_moment_a_result_arrives(tiny, stubs, monkeypatch):
    page = opened(tiny, n=4)
    visit, latest = page.visit, page.visit._latest

    async def arriving(given_up):
        shown = await latest(given_up)
        asyncio.get_running_loop().call_soon(change)     # as soon as anything else may happen
        return shown

    def change():
        monkeypatch.setattr(visit, "_latest", latest)
        visit.values.n = 6
        changes.append(asyncio.ensure_future(visit.compute()))

    async def story():
        await visit.compute()
        await until(lambda: changes)
        await asyncio.wait_for(until(visit.is_fresh), 20)

    changes = []
    monkeypatch.setattr(visit, "_latest", arriving)
    asyncio.run(story())
    assert visit.shown.values["n"] == 6
    assert not visit.busy


def test_matches_the_last_of_several_changes(tiny, stubs, monkeypatch):
    page = opened(tiny, n=4)
    go, asked = slow(tiny, monkeypatch)

    async def story():
        work = asyncio.create_task(page.visit.compute())
        await until(lambda: asked)
        for n in (5, 6, 7):
            page.visit.values.n = n
            await page.visit.compute()
        go.set()
        await work

    asyncio.run(story())
    assert asked == [4, 7]
    assert page.visit.shown.values["n"] == 7


def test_identity_nothing_is_shown_to_who_has_left(tiny, stubs, monkeypatch):
    page = opened(tiny, n=4)
    go, asked = slow(tiny, monkeypatch)

    async def story():
        work = asyncio.create_task(page.visit.compute())
        await until(lambda: asked)
        page.visit.leave()
        go.set()
        await work

    asyncio.run(story())
    assert page.visit.shown is None
    assert page.visit.told == ""


def test_matches_presets_to_parameters(tiny, stubs, monkeypatch):
    monkeypatch.setattr(tiny, "PRESETS", {"none": {}, "Square": {"kind": "square", "n": 9}},
                        raising=False)
    visit = opened(tiny).visit
    choice = Presets(visit).panel
    assert (choice.value, choice.options) == ("Defaults", ["Defaults", "Quick look", "Square"])
    choice.value = "Square"
    assert visit.values.values() == tiny.Params(kind="square", n=9).values()
    visit.values.n = 10
    assert choice.value == "own values"
    choice.value = "Quick look"
    assert visit.values.values() == tiny.Params(**tiny.SMOKE).values()
    assert "own values" not in choice.options
