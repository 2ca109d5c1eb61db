"""The servers listen on this machine only, on a port that is theirs, and run what they may."""

import asyncio
import socket

import panel as pn
import pytest
from bokeh.document import Document
from panel.io.state import set_curdoc

from workbench import runs, ui
from workbench.ui import Site, StudyPage, running
from workbench.ui.lab.server import arguments
from workbench.ui.serving.server import free_port


@pytest.fixture
def taken():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.168.1.4", "example.org", ""])
def test_rejects_address_beyond_this_machine(address):
    with pytest.raises(ValueError, match="address must be a loopback address"):
        ui.serve({}, address=address)


def test_rejects_taken_port(taken):
    for serve in (lambda: ui.serve({}, port=taken), lambda: ui.lab({}, port=taken)):
        with pytest.raises(ValueError, match=f"port must be free, got {taken}, which another"):
            serve()


@pytest.mark.parametrize("port", [-1, 0, 65536])
def test_rejects_impossible_port(port):
    with pytest.raises(ValueError, match="port must lie between 1 and 65535"):
        ui.serve({}, port=port)


def test_matches_next_free_port(taken):
    assert taken < free_port(None, "127.0.0.1", taken) < taken + 100


def test_matches_lab_arguments():
    told = arguments(8899, open_browser=False)
    assert "--ServerApp.ip=127.0.0.1" in told
    assert "--ServerApp.port=8899" in told
    assert "--LabApp.news_url=" in told
    assert not any("token" in argument for argument in told)


@pytest.mark.parametrize("may_run", [False, True])
def test_rejects_every_button_where_nobody_may_run(tiny, monkeypatch, may_run):
    """A forged message presses what a page hides; the server does nothing all the same."""
    runs.save(tiny, tiny.Params(n=2), tiny.run(tiny.Params(n=2)))
    called, document = [], Document()

    def refuse(*args, **_):
        called.append(args)
        raise ValueError("It is refused. Try another.")

    for place, name in ((running.JOBS, "start"), (tiny, "run")):
        monkeypatch.setattr(place, name, refuse)
    async def press():
        with set_curdoc(document):
            page = StudyPage(tiny, Site({"tiny": tiny}, may_run=may_run)).template()
            page.server_doc(document)
            widgets = [each for view, _ in page._render_items.values()
                       for each in view.select(pn.widgets.Widget)]
            for each in widgets:
                if isinstance(each, pn.widgets.Button):
                    each.clicks += 1
            await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()})
            for each in widgets:
                if isinstance(each, pn.widgets.IntSlider | pn.widgets.IntInput):
                    each.value += 1
            await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()})

    asyncio.run(press())
    assert bool(called) is may_run
