"""One process that serves the pages, on a socket that already listens."""

import signal
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import panel as pn
from panel.io.resources import LOCAL_DIST
from tornado.httpserver import HTTPServer
from tornado.ioloop import IOLoop

from workbench import runs
from workbench.core import Study
from workbench.ui.jobs import JOBS
from workbench.ui.page import Place
from workbench.ui.pages.compare import ComparePage
from workbench.ui.pages.home import HomePage
from workbench.ui.pages.study import StudyPage
from workbench.ui.pages.sweep import SweepPage
from workbench.ui.pages.trouble import MAIN, TroublePage
from workbench.ui.serving.access import Access, access_of, quiet, tell
from workbench.ui.serving.first_paint import paint_first
from workbench.ui.serving.gate import HTTPS, Guard, Health, Icon, NotFound, stand_before
from workbench.ui.serving.passwords import secret
from workbench.ui.serving.report_files import ReportFiles
from workbench.ui.serving.terms import Terms
from workbench.ui.serving.unsent import send_all
from workbench.ui.serving.uploads import UploadRoute
from workbench.ui.site import VISITOR, Site
from workbench.ui.uploads import Uploads

__all__ = ["Attendance", "attend"]

REPORTS, UPLOADS = "reports", "uploads"
HEADER, BODY = 2**15, 2**20      # most bytes; what takes more of a body says so itself
MESSAGE = 2**24                  # of a socket: a choice among a million points fits
SLOWEST_HEADER = 60              # seconds until the head of a request must be there
SLOWEST_BODY = 900               # seconds until all of it must be
PULSE = 60                       # seconds in which a browser must answer its socket


@dataclass(frozen=True)
class Attendance:
    """What is served, where, and on which terms."""

    studies: Mapping[str, Study]
    address: str
    port: int
    terms: Terms

    def url(self) -> str:
        """Address of the server without its prefix, as this machine sees it."""
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"http://{host}:{self.port}"

    def site(self) -> Site:
        """What the pages know of it."""
        return Site(self.studies, reports=REPORTS, may_run=self.terms.may_run(self.address),
                    lab=self.terms.lab, uploads=UPLOADS)


def attend(work: Attendance, listener: socket.socket, ready: Callable[[], None],
           stopping: Callable[[Callable[[], None]], None] | None = None) -> None:
    """Serve until Ctrl-C or SIGTERM.

    Parameters
    ----------
    work : Attendance
    listener : socket
        That listens; it stays the caller's.
    ready : callable
        Called once pages are answered.
    stopping : callable, optional
        Is handed a function that ends the service from any thread.
    """
    site, terms = work.site(), work.terms
    JOBS.share(terms.workers)
    server = _server(site, work, access_of(terms, work.url()))
    server._http.add_sockets([listener.dup()])
    server.start()
    loop = IOLoop.current()
    loop.add_callback(ready)
    if stopping:
        stopping(lambda: loop.add_callback(loop.stop))
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, lambda *_: loop.add_callback_from_signal(loop.stop))
    try:
        loop.start()
    except KeyboardInterrupt:
        pass
    finally:
        server.stop()
        pn.state.kill_all_servers()


def _server(site: Site, work: Attendance, access: Access) -> Any:
    """A server with a gate before its routes, which does not listen yet."""
    terms = work.terms
    pages = _pages(site)
    hosts = terms.hosts(work.address, work.port)
    # The warm start draws every page once, so that no visitor waits for imports.
    server = pn.io.server.get_server(
        pages, port=0, address="127.0.0.1", warm=True, location=True, start=False,
        use_index=False, websocket_origin=list(hosts), prefix=terms.path(),
        extra_patterns=[(r"/healthz", Health), (r"/favicon.ico", Icon), *access.routes,
                        *_files(site)],
        sign_sessions=True, secret_key=secret("sessions"), cookie_path=terms.path() or "/",
        cookie_secret=access.secret.decode(), include_headers=[VISITOR], include_cookies=[],
        xsrf_cookie_kwargs={"samesite": "Strict", "path": terms.path() or "/"},
        websocket_max_message_size=MESSAGE, websocket_ping_interval=PULSE,
        websocket_ping_timeout=PULSE, log_function=tell if terms.access_log else quiet,
        default_handler_class=NotFound, default_handler_args={"prefix": terms.path()},
        **{HTTPS: terms.is_secure()}, **access.options)
    application = server._tornado
    paint_first(application)
    send_all()
    most = -(-terms.sessions // terms.workers)

    def is_full(path: str) -> bool:
        open_now = sum(len(each.sessions) for each in application.applications.values())
        return (path.rstrip("/") or "/") in pages and open_now >= most

    stand_before(application, Guard(hosts, terms.path(), access.secret, access.admits, is_full,
                                    terms.auth == "oauth"))
    # Panel's own has opened a port already, and bears slow and long requests.
    server._http.stop()
    server._http = HTTPServer(
        application, xheaders=terms.trusts_proxy(work.address), max_header_size=HEADER,
        max_body_size=BODY, max_buffer_size=2 * MESSAGE,
        idle_connection_timeout=SLOWEST_HEADER, body_timeout=SLOWEST_BODY)
    return server


def _files(site: Site) -> list[tuple[Any, ...]]:
    shown = (rf"/{site.reports}/(.*)", ReportFiles, {"path": str(runs.Store().workspace)})
    taken = (rf"/{site.uploads}", UploadRoute,
             {"uploads": Uploads(), "limit": site.upload_limit})
    return [shown, taken] if site.may_run else [shown]


def _pages(site: Site) -> dict[str, Callable[[], Any]]:
    page = partial(_page_of, site)
    return {"/": page(partial(HomePage, site)),
            "/compare": page(partial(ComparePage, site), ("choose", MAIN)),
            "/sweep": page(partial(SweepPage, site))} | {
        f"/{name}": page(partial(StudyPage, study, site), ("side", MAIN))
        for name, study in site.studies.items()}


def _page_of(site: Site, make: Callable[[], Any],
             parts: Sequence[str] = (MAIN,)) -> Callable[[], Any]:
    def page() -> Any:  # Panel calls plain functions only, once for each visitor
        # Panel names its style sheets by their place on another host until a page is written as
        # HTML, which does not happen in a process that only a page's socket comes to.
        document = pn.state.curdoc
        document.template_variables["dist_url"] = LOCAL_DIST
        try:
            pn.state._locations[document] = Place.from_request(document.session_context.request)
            return make().template()
        except Exception as problem:  # whatever it is, a visitor reads a sentence
            return TroublePage(site, problem, parts).template()

    return page
