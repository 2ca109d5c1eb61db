"""One gate before every route: pages, sockets, reports and static files alike."""

import html
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from tornado.httputil import HTTPHeaders, HTTPServerRequest
from tornado.routing import Matcher, Rule
from tornado.web import Application, OutputTransform, RequestHandler, decode_signed_value

from workbench.ui import look
from workbench.ui.site import VISITOR

__all__ = ["DAYS", "HTTPS", "Gate", "Guard", "GuardedCookies", "Health", "Icon", "NotFound",
           "Refusal", "page", "stand_before"]

DAYS = 7                 # that a visitor stays signed in
# Reports lie in a sandbox, where a browser fetches their scripts and styles without a cookie;
# these are the same for all runs, and tell nothing.
OPEN = re.compile(r"/(login|logout|healthz|favicon\.ico|reports/_assets/\w[\w.-]*)", re.ASCII)
HTTPS = "workbench_https"  # setting: whether browsers reach this server by https alone
UNUSED = ("/autoload.js", "/metadata")     # of Bokeh's: pages of other sites would embed pages
ELSEWHERE = "bokeh-absolute-url"           # and would be written into them as it comes
POLICY = ("default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; form-action 'self'; "
          "base-uri 'none'")
TITLES = {403: "Not allowed", 404: "Not here", 503: "Not now"}
NOWHERE = "There is no page at this address."


@dataclass(frozen=True)
class Guard:
    """What the gate asks of each request.

    Parameters
    ----------
    hosts : tuple of str
        Names under which browsers may reach the server.
    prefix : str
        Path below which all routes lie.
    secret : bytes
        Signs cookies.
    admits : callable, optional
        Name of the visitor whose signed cookie it is given, or nothing if it no longer may come
        in; nobody signs in without it.
    is_full : callable
        Tells whether a page of this path would be one too many.
    stays_out : bool
        Whether signing in again is of no use to whom is not admitted.
    """

    hosts: tuple[str, ...]
    prefix: str
    secret: bytes
    admits: Callable[[str], str | None] | None
    is_full: Callable[[str], bool]
    stays_out: bool = False

    def signed(self, request: HTTPServerRequest) -> str:
        """What the cookie of this server tells about the visitor; empty without one."""
        cookie = request.cookies.get("user")
        if cookie is None or self.admits is None:
            return ""
        told = decode_signed_value(self.secret, "user", cookie.value, max_age_days=DAYS)
        return told.decode("utf-8", "replace") if told else ""

    def visitor(self, request: HTTPServerRequest) -> str | None:
        """Name of who is signed in, if still admitted."""
        told = self.signed(request)
        return self.admits(told) if told and self.admits else None

    def knows(self, name: str) -> bool:
        """Whether an origin, or a name with or without its port, is one of this server's."""
        return _with_port(name.partition("://")[2] or name) in set(map(_with_port, self.hosts))

    def path(self, request: HTTPServerRequest) -> str:
        """Path below the prefix."""
        within = request.path.startswith(f"{self.prefix}/")
        return request.path[len(self.prefix):] if within else request.path


class Gate(Matcher):
    """Matches the requests that may not pass, with the reason."""

    def __init__(self, guard: Guard):
        self._guard = guard

    def match(self, request: HTTPServerRequest) -> dict[str, Any] | None:
        """Nothing for a request that may pass, else what `Refusal` says."""
        visitor = self._guard.visitor(request)
        request.headers.pop(VISITOR, None)            # only this server tells who visits
        if visitor:
            request.headers[VISITOR] = visitor
        refused = (self._strange(request) or self._stranger(request, visitor)
                   or self._crowd(request) or self._absent(request))
        return {"target_kwargs": refused} if refused else None

    def _strange(self, request: HTTPServerRequest) -> dict[str, Any] | None:
        if self._guard.path(request) == "/healthz":
            return None
        if not self._guard.knows(request.host):
            return {"status": 403, "sentence": (
                f"This server does not answer to the name {request.host!r}. Whoever runs it can "
                "add the name with --origin.")}
        origin, site = request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site")
        sends = request.method not in ("GET", "HEAD") or _is_socket(request)
        own = site != "cross-site" if origin is None else self._guard.knows(origin)
        if sends and not own:
            return {"status": 403, "sentence": (
                "A page of another site may not speak to this server.")}
        return None

    def _stranger(self, request: HTTPServerRequest, visitor: str | None) -> dict[str, Any] | None:
        guard, path = self._guard, self._guard.path(request)
        if guard.admits is None or visitor or OPEN.fullmatch(path):
            return None
        told = guard.signed(request) if guard.stays_out else ""
        if told:
            return {"status": 403, "sentence": (
                f"{told} is not among those who may come in. Ask whoever runs this server, or "
                "sign out and come back under another name."), "leave": f"{guard.prefix}/logout"}
        if request.method == "GET" and not _is_socket(request):
            return {"status": 302, "location":
                    f"{guard.prefix}/login?next={quote(request.uri or '/', safe='')}"}
        return {"status": 403, "sentence": "Sign in first."}

    def _crowd(self, request: HTTPServerRequest) -> dict[str, Any] | None:
        if self._guard.is_full(self._guard.path(request)):
            return {"status": 503, "sentence": (
                "As many pages are open as this server bears. Try again in a minute, or close "
                "pages that you no longer need.")}
        return None

    def _absent(self, request: HTTPServerRequest) -> dict[str, Any] | None:
        unused = self._guard.path(request).endswith(UNUSED) or ELSEWHERE in request.arguments
        return {"status": 404, "sentence": NOWHERE} if unused else None


class Refusal(RequestHandler):
    """Answer what may not pass, whatever its method."""

    def initialize(self, status: int, sentence: str = "", location: str = "",
                   leave: str = "") -> None:
        self._told = status, sentence, location, leave

    def prepare(self) -> None:
        status, sentence, location, leave = self._told
        if location:
            self.redirect(location)
            return
        self.set_status(status)
        if status == 503:
            self.set_header("Retry-After", "60")
        way = f'<p><a href="{leave}">Sign out</a></p>' if leave else ""
        self.finish(page(self, TITLES[status], f"<p>{html.escape(sentence)}</p>{way}"))


class NotFound(RequestHandler):
    """Say that there is no such page, and where the others are."""

    def initialize(self, prefix: str) -> None:
        self._prefix = prefix

    def prepare(self) -> None:
        self.set_status(404)
        self.finish(page(self, TITLES[404], (
            f'<p>{NOWHERE} <a href="{self._prefix}/">Go to the studies</a></p>')))


class Health(RequestHandler):
    """Says that the server answers, and nothing else."""

    def get(self) -> None:
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish("ok\n")


class Icon(RequestHandler):
    """The icon of the pages, which Bokeh would show above the prefix only."""

    def get(self) -> None:
        self.set_header("Content-Type", "image/x-icon")
        self.set_header("Cache-Control", "max-age=86400")
        self.finish(getattr(self.application, "icon", b""))


class Headers(OutputTransform):
    """Give every answer the headers that keep it private; those of a handler come first."""

    def __init__(self, request: HTTPServerRequest):
        del request

    def transform_first_chunk(self, status_code: int, headers: HTTPHeaders, chunk: bytes,
                              finishing: bool) -> tuple[int, HTTPHeaders, bytes]:  # noqa: FBT001 - Tornado's own signature
        del finishing
        headers.pop("Server", None)
        # Pages bring a policy of their own; an error that Tornado writes needs nothing at all.
        policy = headers.get("Content-Security-Policy", "" if status_code < 400 else POLICY)
        headers["Content-Security-Policy"] = "; ".join(
            filter(None, [policy, "frame-ancestors 'self'"]))
        for name, value in (("X-Content-Type-Options", "nosniff"),
                            ("Referrer-Policy", "same-origin"),
                            ("Cross-Origin-Opener-Policy", "same-origin"),
                            ("X-Frame-Options", "SAMEORIGIN"),
                            ("Cache-Control", "no-cache, private")):
            if name not in headers:
                headers[name] = value
        return status_code, headers, chunk


class GuardedCookies(RequestHandler):
    """Sets cookies that no script reads, no other site sends, and no open line carries."""

    def set_cookie(self, name: str, value: str | bytes, *args: Any, **kwargs: Any) -> None:
        https = self.settings.get(HTTPS) or self.request.protocol == "https"
        given: dict[str, Any] = {"httponly": True, "samesite": "Lax"}
        super().set_cookie(name, value, *args, **given | ({"secure": True} if https else {})
                           | kwargs)


def stand_before(application: Application, guard: Guard) -> None:
    """Put the gate before all routes of an application."""
    application.default_router.rules.insert(0, Rule(Gate(guard), Refusal))
    application.add_transform(Headers)


def page(handler: RequestHandler, title: str, body: str) -> str:
    """A page without scripts, in the look of the others."""
    handler.set_header("Content-Type", "text/html; charset=utf-8")
    handler.set_header("Content-Security-Policy", POLICY)
    handler.set_header("Cache-Control", "no-store")
    prefix = getattr(handler.application, "prefix", "")
    style = f"{look.sheet('frame.css')}\n{look.palette()}\n{look.sheet('login.css')}"
    return (f'<!doctype html><html lang="en"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f'<link rel="icon" href="{prefix}/favicon.ico">'
            f"<title>{html.escape(title)}</title><style>{style}</style></head>"
            f'<body><main class="door"><h1>{html.escape(title)}</h1>{body}</main></body></html>')


def _is_socket(request: HTTPServerRequest) -> bool:
    return request.headers.get("Upgrade", "").lower() == "websocket"


def _with_port(netloc: str) -> str:
    host, colon, port = netloc.lower().rpartition(":")
    named = colon and port.isdigit()
    return f"{host}:{'80' if port == '443' else port}" if named else f"{netloc.lower()}:80"
