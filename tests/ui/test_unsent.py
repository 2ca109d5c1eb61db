"""What is kept for a busy websocket is sent, whenever it was kept."""

import asyncio
from types import SimpleNamespace

import pytest
from bokeh.document import Document
from panel.io import document
from tornado.websocket import WebSocketHandler

from workbench.ui.serving.unsent import send_all

WRITE = document._dispatch_msgs


class Socket(WebSocketHandler):
    def __init__(self):
        self.write_lock = SimpleNamespace(_block=SimpleNamespace(_value=1))


class Connection:
    def __init__(self):
        self._socket = Socket()
        self.protocol = SimpleNamespace(create=lambda _, events: events)


@pytest.fixture
def sent(monkeypatch):
    """Messages that were written, and the way in which each says that it has gone."""
    found = []

    def dispatch(_, msg):
        found.append((msg, asyncio.get_running_loop().create_future()))
        return [found[-1][1]]

    monkeypatch.setattr(document, "dispatch_tornado", dispatch)
    monkeypatch.setattr(document, "_dispatch_msgs", WRITE)
    return found


async def two_messages(sent):
    """The second is kept when the first has gone and its task does not know it yet."""
    page, connection = Document(), Connection()
    document.schedule_write_events(page, [connection], "first")
    await asyncio.sleep(0.01)
    sent[0][1].set_result(None)
    document.schedule_write_events(page, [connection], "second")
    await asyncio.sleep(0.05)
    for _, gone in sent[1:]:
        gone.set_result(None)
    await asyncio.sleep(0.05)
    left = document._WRITE_MSGS.pop(page, None)
    document._WRITE_BLOCK.pop(page, None)
    return [message for message, _ in sent], left


def test_matches_what_was_kept(sent):
    send_all()
    send_all()
    assert asyncio.run(two_messages(sent)) == (["first", "second"], None)


def test_identity_panel_alone_forgets_the_second(sent):
    """When this fails, Panel has mended it, and `send_all` can go."""
    assert asyncio.run(two_messages(sent))[0] == ["first"]
