"""Sign in with an account of a provider, from the first redirect to the page."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from tests.ui.serving import TEXT, Visitor, served
from workbench.ui.serving.listening import free_port


class Provider(BaseHTTPRequestHandler):
    """Whoever comes is the one that `server.who` names; a code is good for one visit."""

    def do_GET(self):
        asked = {name: value[0] for name, value in parse_qs(urlsplit(self.path).query).items()}
        if self.path.startswith("/authorize"):
            self.server.asked.append(asked)
            back = urlencode({"code": "a-code", "state": asked["state"]})
            self.answer(302, Location=f"{asked['redirect_uri']}?{back}")
        else:
            assert self.headers["Authorization"] == "Bearer a-token"
            self.answer(200, {"email": self.server.who})

    def do_POST(self):
        told = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.server.told.append(told)
        right = told["code"] == ["a-code"] and told["client_secret"] == ["a-secret"]
        self.answer(200 if right else 400, {"access_token": "a-token", "expires_in": 3600}
                    if right else {"error": "invalid_grant"})

    def answer(self, status, content=None, **headers):
        body = json.dumps(content).encode() if content else b""
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@contextmanager
def providing():
    with ThreadingHTTPServer(("127.0.0.1", 0), Provider) as provider:
        provider.asked, provider.told, provider.who = [], [], "ada@example.org"
        thread = threading.Thread(target=provider.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield provider
        finally:
            provider.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def provider():
    with providing() as provider:
        yield provider


@pytest.fixture(scope="module")
def site(tmp_path_factory, provider):
    at = f"http://127.0.0.1:{provider.server_port}"
    port = free_port(None, "127.0.0.1", 5800)
    with served(tmp_path_factory.mktemp("elsewhere"),
                "auth='oauth', provider='generic', allow=('@example.org', 'eve@evil.example'), "
                f"prefix='/w', origins=('http://127.0.0.1:{port}',)", port=port,
                PANEL_OAUTH_KEY="a-key", PANEL_OAUTH_SECRET="a-secret",
                PANEL_OAUTH_AUTHORIZE_URL=f"{at}/authorize",
                PANEL_OAUTH_TOKEN_URL=f"{at}/token", PANEL_OAUTH_USER_URL=f"{at}/user") as site:
        yield site


@pytest.fixture
def visitor(site, provider):
    provider.who = "ada@example.org"
    return Visitor(site)


def follow(visitor, path):
    """Through redirects to an answer that is none."""
    status, headers, text = visitor.ask(path)
    for _ in range(8):
        if status != 302:
            return status, headers, text
        to = headers["Location"]
        base = "{0.scheme}://{0.netloc}".format(urlsplit(visitor.site))
        status, headers, text = visitor.ask(to if "://" in to else base + to)
    raise AssertionError("it never ends")


def test_matches_the_whole_flow(visitor, site, provider):
    status, _, text = follow(visitor, "/tiny?n=5")
    assert status == 200
    assert "ada@example.org" in text
    assert provider.asked[-1]["redirect_uri"] == f"{site}/login"
    assert "client_secret" not in provider.asked[-1]
    with visitor.socket(text) as opened:
        assert opened.frame()[0] == TEXT
    assert {each.name for each in visitor.jar} == {"user"}
    cookie = next(iter(visitor.jar))
    assert cookie.path == "/w"
    assert cookie.has_nonstandard_attr("HttpOnly")
    assert visitor.ask("/logout")[0] == 200
    assert visitor.ask("/tiny")[0] == 302


def test_rejects_who_is_not_on_the_list(visitor, provider):
    provider.who = "mallory@an-example.org"
    status, _, text = follow(visitor, "/tiny")
    assert status == 403
    assert "mallory@an-example.org is not among those who may come in" in text
    assert list(visitor.jar) == []
    assert visitor.ask("/tiny")[0] == 302


@pytest.mark.parametrize("query", [
    "code=a-code", "code=a-code&state=", "code=a-code&state=%20", "code=a-code&state=made-up",
    "code=a-code&state=&next=%2F", "state=&next=%3Fcode%3Da-code"])
def test_rejects_a_code_that_was_not_asked_for(visitor, provider, query):
    """Else a page of another site could sign a visitor in under its own name."""
    before = len(provider.told)
    status, headers, text = visitor.ask(f"/login?{query}")
    assert status in (302, 401)
    assert status == 401 or headers["Location"].startswith("http://127.0.0.1:")
    assert len(provider.told) == before
    assert visitor.ask("/tiny")[0] == 302
    assert status == 302 or "Try again" in text


def test_rejects_a_state_of_another_browser(visitor, site, provider):
    other = Visitor(site)
    _, headers, _ = other.ask("/login")
    state = parse_qs(urlsplit(headers["Location"]).query)["state"][0]
    visitor.ask("/login")
    assert visitor.ask(f"/login?{urlencode({'code': 'a-code', 'state': state})}")[0] == 401
    assert visitor.ask("/tiny")[0] == 302


def test_rejects_words_of_a_provider_that_are_markup(visitor):
    status, headers, text = visitor.ask("/login?" + urlencode({
        "error": "<img src=x onerror=alert(1)>\r\nX-Evil: 1",
        "error_description": "<script>alert(1)</script>"}))
    assert status == 401
    assert "<script>alert" not in text
    assert "<img" not in text
    assert "X-Evil" not in headers
    assert "default-src 'none'" in headers["Content-Security-Policy"]


@pytest.mark.parametrize("wanted", ["//evil.example", "https://evil.example/", "/\\evil.example"])
def test_rejects_return_to_another_site(visitor, wanted):
    status, headers, _ = visitor.ask("/login?" + urlencode({"next": wanted}))
    assert status == 400
    assert "Location" not in headers


def test_rejects_a_broken_provider_with_a_sentence(visitor):
    _, headers, _ = visitor.ask("/login")
    state = parse_qs(urlsplit(headers["Location"]).query)["state"][0]
    status, _, text = visitor.ask(f"/login?{urlencode({'code': 'spent', 'state': state})}")
    assert status in (400, 401)
    assert "Try again" in text
    assert "Traceback" not in text
