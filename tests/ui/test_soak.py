"""Visitors who leave take with them all that the server kept for them."""

import asyncio
import gc
import importlib
import sys
import threading
import time

import panel as pn
import psutil
import pytest
from bokeh.client import pull_session
from bokeh.document import Document
from bokeh.model import Model

from tests.ui.browser import crowded
from workbench import runs
from workbench.ui import Site, StudyPage
from workbench.ui.pages.compare import ComparePage
from workbench.ui.pages.home import HomePage
from workbench.ui.pages.sweep import SweepPage
from workbench.ui.parts.drawing import Still
from workbench.ui.serving.listening import free_port
from workbench.ui.visit import Visit

ROUNDS = 9
PATIENCE = 60            # seconds until the server has noticed that visitors are gone
# What visits may leave that are still in the hands of a thread or of the loop.
SLACK = {Visit: 2, Still: 6, Document: 6, pn.viewable.Viewable: 400, Model: 900}
SESSIONS, WARM = 200, 50
PATHS = ("crowded", "", "compare", "sweep")
MOST = 0.1               # megabytes that a visit may add, of the four or so that it uses


@pytest.fixture
def study(tmp_path, monkeypatch):
    """A study whose figures are listened to and drawn by a view, with two runs."""
    (tmp_path / "crowded.py").write_text(crowded.STUDY.lstrip(), encoding="utf-8")
    monkeypatch.setenv("WORKBENCH_RUNS", str(tmp_path / "runs"))
    monkeypatch.delenv("WORKBENCH_RUN_FOLDER", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "crowded", raising=False)
    study = importlib.import_module("crowded")
    for n in (500, 1000):
        params = study.Params(n=n)
        runs.save(study, params, study.run(params))
    return study


@pytest.fixture
def served(study):
    """Addresses of all kinds of pages, on a server that soon forgets unused sessions."""
    site = Site({"crowded": study}, "reports")
    pages = {"home": HomePage, "compare": ComparePage, "sweep": SweepPage}
    made = {name: _template(page, site) for name, page in pages.items()}
    made["crowded"] = _template(StudyPage, study, site)
    port, begun, held = free_port(None, "127.0.0.1", 5600), threading.Event(), {}

    def serve():
        asyncio.set_event_loop(asyncio.new_event_loop())
        held["server"] = pn.io.server.get_server(
            made, port=port, address="127.0.0.1", location=True, start=False,
            unused_session_lifetime_milliseconds=100, check_unused_sessions_milliseconds=100)
        held["server"].start()
        held["server"].io_loop.add_callback(begun.set)
        held["server"].io_loop.start()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    assert begun.wait(PATIENCE)
    yield [f"http://127.0.0.1:{port}/{name}" for name in made]
    held["server"].io_loop.add_callback(held["server"].stop)
    held["server"].io_loop.add_callback(held["server"].io_loop.stop)
    thread.join(PATIENCE)


def test_identity_of_the_server_after_its_visitors(served):
    for _ in range(2):                   # what the first ones leave is there for all
        visit(served)
    before = settled(dict.fromkeys(SLACK, 0))
    views, roots = len(pn.state._views), len(pn.state._fake_roots)     # of earlier tests too
    for _ in range(ROUNDS):
        visit(served)
    after = settled(before)
    assert {kind.__name__: after[kind] - before[kind] for kind in SLACK
            if after[kind] > before[kind] + SLACK[kind]} == {}
    assert len(pn.state._views) <= views + 12
    assert len(pn.state._fake_roots) <= roots + 12


@pytest.mark.slow
def test_identity_of_memory_over_two_hundred_sessions(tmp_path):
    used = {}
    with crowded.served(tmp_path, before=crowded.SOON) as (site, process):
        for number in range(1, SESSIONS + 1):
            asyncio.run(crowded.visited(site, PATHS[number % len(PATHS)]))
            if number in (WARM, SESSIONS):
                time.sleep(3)            # until those that closed are gone
                used[number] = psutil.Process(process.pid).memory_full_info().uss / 2**20
    assert used[SESSIONS] - used[WARM] < MOST * (SESSIONS - WARM)


def _template(page, *arguments):
    return lambda: page(*arguments).template()


def visit(addresses):
    """Open each page as a browser does, and leave it."""
    for address in addresses:
        session = pull_session(url=address)
        assert len(session.document.roots) >= 2
        session.close()


def settled(wanted):
    """Numbers of live objects, once they are no more than wanted or nothing more goes."""
    end = time.monotonic() + PATIENCE
    counts, still = {}, 0
    while time.monotonic() < end and still < 8:
        gc.collect()
        alive = gc.get_objects()
        found = {kind: sum(issubclass(type(one), kind) for one in alive) for kind in SLACK}
        if counts and all(found[kind] <= wanted[kind] + SLACK[kind] for kind in SLACK):
            return found
        still = still + 1 if found == counts else 0
        counts = found
        del alive
        time.sleep(0.25)
    return counts
