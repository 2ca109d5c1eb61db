"""Servers of their own process for tests, and how to speak to them without a browser."""

import base64
import http.cookiejar
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
from contextlib import contextmanager
from urllib.error import HTTPError
from urllib.parse import urlencode, urlsplit
from urllib.request import (
    HTTPCookieProcessor,
    HTTPRedirectHandler,
    HTTPSHandler,
    Request,
    build_opener,
)

from tests.ui.conftest import STUDY

SERVE = """import tiny; from workbench import ui
ui.serve({{"tiny": tiny}}, on_ready=lambda url: print(url, flush=True), port={port},
         terms=ui.Terms({terms}))"""
PASSWORD = "correct horse battery"
TEXT, BINARY, CLOSE = 1, 2, 8        # kinds of frames


@contextmanager
def served(folder, terms="", port=None, **environment):
    """Address of a server of the tiny study."""
    with serving(folder, terms, port, **environment) as server:
        yield server.address


@contextmanager
def serving(folder, terms="", port=None, *, code=0, **environment):
    """Process of a server of the tiny study, which must end with this exit code."""
    (folder / "tiny.py").write_text(STUDY.lstrip(), encoding="utf-8")
    told = os.environ | {"WORKBENCH_RUNS": str(folder / "runs"), "PYTHONPATH": str(folder),
                         "WORKBENCH_USERS": str(folder / "users.json")} | environment
    command = [sys.executable, "-c", SERVE.format(terms=terms, port=port)]
    with (folder / "errors").open("wb") as errors, subprocess.Popen(
            command, env=told, stdout=subprocess.PIPE, stderr=errors, text=True) as server:
        try:
            server.address = server.stdout.readline().strip().rstrip("/")
            yield server
        finally:
            server.send_signal(signal.SIGTERM)
            assert server.wait(90) == code, (folder / "errors").read_text()


def unverified():
    """Accepts the certificate that a test has made for itself."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


class _Still(HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


class Visitor:
    """Somebody with a jar of cookies who follows no redirect."""

    def __init__(self, site):
        self.site, self.jar = site, http.cookiejar.CookieJar()
        self._opener = build_opener(HTTPCookieProcessor(self.jar), _Still,
                                    HTTPSHandler(context=unverified()))

    @property
    def cookies(self):
        return "; ".join(f"{each.name}={each.value}" for each in self.jar)

    def ask(self, path, data=None, method=None, **headers):
        """Status, headers and text of an answer."""
        body = urlencode(data).encode() if isinstance(data, dict) else data
        request = Request(path if "://" in path else self.site + path, body,
                          {name.replace("_", "-"): value for name, value in headers.items()},
                          method=method)
        try:
            answer = self._opener.open(request, timeout=60)
        except HTTPError as error:
            answer = error
        with answer:
            return answer.status, answer.headers, answer.read().decode(errors="replace")

    def sign_in(self, name="ada", password=PASSWORD, path="/login", **headers):
        """What the form answers."""
        _, _, form = self.ask(path)
        token = re.search(r'name="_xsrf" value="([^"]+)"', form)[1]
        return self.ask(path, {"name": name, "password": password, "_xsrf": token}, **headers)

    def socket(self, page, **headers):
        """A socket for the token in a page, with these headers besides or instead."""
        token = re.search(r'"token":"([^"]+)"', page)
        return Socket(self.site, token[1] if token else "none",
                      {"Cookie": self.cookies, "Origin": origin(self.site)} | headers)


def origin(site):
    """Address of a site without its path."""
    return "{0.scheme}://{0.netloc}".format(urlsplit(site))


class Socket:
    """A websocket of the tiny page: its status, and after 101 its frames."""

    def __init__(self, site, token, headers, path="/tiny/ws"):
        place = urlsplit(site)
        lines = {"Host": place.netloc, "Upgrade": "websocket", "Connection": "Upgrade",
                 "Sec-WebSocket-Version": "13", "Sec-WebSocket-Protocol": f"bokeh, {token}",
                 "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode()} | headers
        told = "".join(f"{name}: {value}\r\n" for name, value in lines.items() if value)
        self._socket = socket.create_connection((place.hostname, place.port), timeout=60)
        if place.scheme == "https":
            self._socket = unverified().wrap_socket(self._socket)
        self._stream = self._socket.makefile("rb")
        self._socket.sendall(f"GET {place.path}{path} HTTP/1.1\r\n{told}\r\n".encode())
        self.status = int(self._stream.readline().split()[1])
        while self._stream.readline().strip():
            pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stream.close()
        self._socket.close()

    def frame(self):
        """Kind and content of the next frame; nothing when the server has gone."""
        head = self._stream.read(2)
        if len(head) < 2:
            return None, b""
        size = head[1] & 127
        if size > 125:
            size = int.from_bytes(self._stream.read(2 if size == 126 else 8), "big")
        return head[0] & 15, self._stream.read(size)

    def send(self, content, size=None):
        """A text frame; `size` may promise more than is sent."""
        length = (len(content) if size is None else size).to_bytes(8, "big")
        self._socket.sendall(bytes([128 | TEXT, 128 | 127]) + length + bytes(4) + content)
