"""Serve home, the page of each study, and the reports, to this machine only."""

import errno
import ipaddress
import socket
from collections.abc import Callable, Mapping
from typing import Any

import panel as pn
from tornado.ioloop import IOLoop

from workbench import runs
from workbench.core import Study
from workbench.ui.home import HomePage
from workbench.ui.page import StudyPage
from workbench.ui.reports import ReportFiles

__all__ = ["free_port", "serve"]

FIRST_PORT, PORTS = 5006, 100
REPORTS = "reports"


def serve(studies: Mapping[str, Study], *, address: str = "127.0.0.1", port: int | None = None,
          show: bool = False, on_ready: Callable[[str], None] | None = None) -> None:
    """Serve the pages until Ctrl-C.

    Parameters
    ----------
    studies : mapping of name to module
        One page each, at ``/<name>``.
    address : str
        A loopback address.
    port : int, optional
        The next free one from 5006 on when not given.
    show : bool
        Open a browser.
    on_ready : callable, optional
        Called with the address of the home page once it answers.

    Raises
    ------
    ValueError
        If the address is not a loopback address, or the port is taken.
    """
    _loopback(address)
    chosen = free_port(port, address, FIRST_PORT)
    pages: dict[str, Callable[[], Any]] = {
        "/": lambda: HomePage(studies, reports=REPORTS).template()}
    for name, study in studies.items():
        pages[f"/{name}"] = _page_of(study)
    # The warm start draws every page once, so that no visitor waits for imports.
    server = pn.io.server.get_server(
        pages, port=chosen, address=address, warm=True, location=True, start=False,
        websocket_origin=[f"{name}:{chosen}" for name in {_host(address), "localhost"}],
        extra_patterns=[(rf"/{REPORTS}/(.*)", ReportFiles, {"path": str(runs.Store().workspace)})],
        use_index=False)
    server.start()
    url = f"http://{_host(address)}:{chosen}/"
    if on_ready:
        server.io_loop.add_callback(on_ready, url)
    if show:
        server.io_loop.add_callback(server.show, "/")
    _until_interrupted(server)


def free_port(port: int | None, address: str, first: int) -> int:
    """The port asked for, or the next free one.

    Raises
    ------
    ValueError
        If the port asked for is out of range or taken, or none is free.
    """
    if port is not None and not 1 <= port <= 65535:
        raise ValueError(f"port must lie between 1 and 65535, got {port}. Pass another --port.")
    candidates = range(first, first + PORTS) if port is None else [port]
    for candidate in candidates:
        problem = _bind_problem(address, candidate)
        if problem is None:
            return candidate
        if port is not None:
            taken = problem == errno.EADDRINUSE
            cause = "which another program uses" if taken else "which this user may not open"
            raise ValueError(f"port must be free, got {port}, {cause}. Pass another --port, or "
                             "none for the next free one.")
    raise ValueError(f"port must be free, but {first} to {first + PORTS - 1} are all taken. "
                     "Pass another with --port.")


def _page_of(study: Study) -> Callable[[], Any]:
    def page() -> Any:  # Panel calls plain functions only, once for each visitor
        return StudyPage(study, reports=REPORTS).template()

    return page


def _bind_problem(address: str, port: int) -> int | None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as problem:
            return problem.errno
    return None


def _loopback(address: str) -> None:
    try:
        safe = address == "localhost" or ipaddress.ip_address(address).is_loopback
    except ValueError:
        safe = False
    if not safe:
        raise ValueError(f"address must be a loopback address, got {address!r}, since pages ask "
                         "for no password yet. Pass 127.0.0.1 and reach it through an ssh tunnel.")


def _host(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _until_interrupted(server: Any) -> None:
    try:
        IOLoop.current().start()
    except KeyboardInterrupt:
        pass
    finally:
        server.stop()
        pn.state.kill_all_servers()
