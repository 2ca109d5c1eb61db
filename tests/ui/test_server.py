"""The servers listen on this machine only, and on a port that is theirs."""

import socket

import pytest

from workbench import ui
from workbench.ui.lab_server import arguments
from workbench.ui.server import free_port


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
    for serve in (lambda: ui.serve({}, port=taken), lambda: ui.lab(port=taken)):
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
