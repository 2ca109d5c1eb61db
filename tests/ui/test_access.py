"""Nothing is told to whom has not signed in, nor to a page of another site."""

import json
import re
import time
from urllib.parse import quote

import pytest
from bokeh.util.token import generate_jwt_token
from tornado.web import create_signed_value

from tests.ui.browsing import IDLE
from tests.ui.serving import CLOSE, PASSWORD, TEXT, Visitor, served
from workbench import ui
from workbench.ui.serving import passwords
from workbench.ui.serving.terms import Terms

ROUTES = ["/", "/tiny", "/tiny/", "/tiny/autoload.js?bokeh-autoload-element=1",
          "/tiny/metadata", "/reports/index.html", "/static/js/bokeh.min.js",
          "/static/extensions/panel/panel.min.js",
          "/no-such-page"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("served")
    for name in ("ada", "bob", "cleo"):
        passwords.add_user(folder / "users.json", name, PASSWORD)
    return folder


@pytest.fixture(scope="module")
def site(folder):
    with served(folder, "auth='basic'") as address:
        yield address


@pytest.fixture
def ada(site):
    visitor = Visitor(site)
    assert visitor.sign_in()[0] == 302
    return visitor


@pytest.mark.parametrize("path", ROUTES)
def test_rejects_every_route_without_signing_in(site, path):
    status, headers, text = Visitor(site).ask(path)
    assert status == 302
    assert headers["Location"].startswith("/login?next=%2F")
    assert "token" not in text


@pytest.mark.parametrize("path", ["/", "/tiny", "/reports/index.html",
                                  "/static/js/bokeh.min.js"])
def test_identity_routes_answer_after_signing_in(ada, path):
    status, headers, _ = ada.ask(path)
    assert status == 200
    assert "frame-ancestors 'self'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] in ("same-origin", "no-referrer")
    assert {"no-store", "no-cache", "private"} & set(
        re.findall(r"[\w-]+", headers["Cache-Control"]))
    assert "Server" not in headers


def test_rejects_pages_that_other_sites_would_embed(ada):
    for path in ("/tiny/autoload.js?bokeh-autoload-element=1", "/tiny/metadata", "/no-such-page"):
        status, headers, text = ada.ask(path)
        assert status == 404
        assert "There is no page at this address" in text
        assert headers["Content-Security-Policy"].startswith("default-src 'none'")


def test_matches_cookie_that_scripts_and_other_sites_cannot_use(site):
    visitor = Visitor(site)
    _, headers, _ = visitor.sign_in()
    cookie = next(each for each in headers.get_all("Set-Cookie") if each.startswith("user="))
    assert "httponly" in cookie.lower()
    assert "samesite=lax" in cookie.lower()
    assert "expires=" in cookie.lower()
    status, _, page = visitor.ask("/tiny")
    assert status == 200
    assert re.search(r"user=([^;]+)", cookie)[1].strip('"') not in page


def test_rejects_wrong_passwords_then_makes_wait(site):
    visitor, known = Visitor(site), Visitor(site)
    assert known.sign_in("cleo")[0] == 302
    told = [visitor.sign_in("cleo", "wrong") for _ in range(5)]
    assert [status for status, _, _ in told] == [401] * 4 + [429]
    assert "Name or password is wrong" in told[0][2]
    assert re.search(r"Wait \d+ seconds", told[-1][2])
    assert int(told[-1][1]["Retry-After"]) > 0
    assert visitor.sign_in("cleo")[0] == 429       # even the right one must wait here
    assert visitor.ask("/tiny")[0] == 302
    # Others behind the same address come in, and so does she where she has been before.
    assert Visitor(site).sign_in("bob")[0] == 302
    known.ask("/logout")
    assert known.sign_in("cleo")[0] == 302


def forged(value, secret):
    return create_signed_value(secret, "user", value).decode()


@pytest.mark.parametrize("age", [0, 8])
def test_rejects_forged_and_expired_cookies(site, folder, age):
    real = passwords.secret("cookies")
    mark = passwords.Users(folder / "users.json").mark("ada")
    now = [time.time() - 86400 * age]
    good = create_signed_value(real, "user", f"ada|{mark}", clock=lambda: now[0]).decode()
    expected = 200 if age == 0 else 302
    assert Visitor(site).ask("/tiny", Cookie=f"user={good}")[0] == expected
    for bad in (forged(f"ada|{mark}", b"0" * 64), forged("ada|", real), forged("eve|", real),
                f"ada|{mark}", ""):
        assert Visitor(site).ask("/tiny", Cookie=f"user={bad}")[0] == 302


def test_rejects_who_has_a_new_password(site, folder):
    passwords.add_user(folder / "users.json", "eve", PASSWORD)
    visitor = Visitor(site)
    assert visitor.sign_in("eve")[0] == 302
    assert visitor.ask("/tiny")[0] == 200
    passwords.add_user(folder / "users.json", "eve", f"{PASSWORD} staple")
    assert visitor.ask("/tiny")[0] == 302


def test_rejects_after_signing_out(ada):
    assert ada.ask("/logout")[0] == 200
    assert ada.ask("/tiny")[0] == 302


def test_matches_socket_of_a_visitor(ada):
    _, _, page = ada.ask("/tiny")
    with ada.socket(page) as opened:
        kind, told = opened.frame()
    assert kind == TEXT
    assert json.loads(told)["msgtype"] == "ACK"


@pytest.mark.parametrize("headers", [
    {"Cookie": ""}, {"Cookie": "user=forged"}, {"Origin": "http://evil.example"},
    {"Origin": "null"}, {"Origin": "http://127.0.0.1.evil.example"}, {"Host": "evil.example"},
    {"Origin": "", "Sec-Fetch-Site": "cross-site"}], ids=str)
def test_rejects_sockets_of_strangers(ada, headers):
    with ada.socket(ada.ask("/tiny")[2], **headers) as opened:
        assert opened.status == 403


def altered(token):
    """Another session in the same signature, an expired one, one of another server, none."""
    yield from ("", "none", "e30" + token, token[:-4] + "AAAA", token.rpartition(".")[0])
    for key, age in (("a" * 64, 0), (passwords.secret("sessions"), -400)):
        yield generate_jwt_token("made-up", secret_key=key, signed=True, expiration=300 + age)


def test_rejects_tokens_that_were_not_given(ada):
    page = ada.ask("/tiny")[2]
    token = re.search(r'"token":"([^"]+)"', page)[1]
    for bad in altered(token):
        with ada.socket(page.replace(token, bad)) as opened:
            kind, told = opened.frame() if opened.status == 101 else (CLOSE, b"")
        assert kind in (CLOSE, None), (bad, told[:200])


def test_rejects_forms_of_other_sites(site):
    visitor = Visitor(site)
    assert visitor.sign_in(Origin="https://evil.example")[0] == 403
    assert visitor.sign_in(Origin="null")[0] == 403
    status, _, text = visitor.ask("/login", {"name": "ada", "password": PASSWORD})
    assert (status, "too old" in text) == (403, True)
    assert visitor.ask("/tiny")[0] == 302


def test_rejects_another_host_name(site):
    status, _, text = Visitor(site).ask("/login", Host="evil.example")
    assert status == 403
    assert "--origin" in text


@pytest.mark.parametrize("wanted", ["//evil.example", "https://evil.example", "/\\evil.example",
                                    "javascript:alert(1)", "/\r\nX: y"])
def test_rejects_return_to_another_site(site, wanted):
    _, headers, _ = Visitor(site).sign_in(path=f"/login?next={quote(wanted)}")
    assert headers["Location"] == "/"


@pytest.mark.parametrize("path", ["../../etc/passwd", "..%2f..%2fetc/passwd", "%2e%2e/users.json",
                                  "a%00b", ".hidden"])
def test_rejects_paths_out_of_the_store(ada, path):
    status, _, text = ada.ask(f"/reports/{path}")
    assert status in (302, 400, 403, 404)
    assert "root:" not in text
    assert "scrypt" not in text


@pytest.mark.parametrize("path", ["_assets/", "_assets/..", "_assets/../index.html", "_assets/a/b",
                                  "_assets/%2e%2e/index.html", "_assets/.hidden", "_assets"])
def test_rejects_what_hides_behind_the_scripts_of_reports(site, path):
    assert Visitor(site).ask("/reports/_assets/none.js")[0] == 404
    assert Visitor(site).ask(f"/reports/{path}")[0] == 302


def test_identity_health_tells_nothing_else(site):
    assert Visitor(site).ask("/healthz", Host="10.0.0.1")[::2] == (200, "ok\n")


def test_matches_form_in_browser(site, browser):
    page = browser.new_page()
    outside = []
    page.on("request", lambda request: outside.append(request.url)
            if not request.url.startswith((f"{site}/", "data:", f"blob:{site}/")) else None)
    page.goto(f"{site}/tiny?n=5")
    page.get_by_label("Name").fill("ada")
    page.get_by_label("Password").fill("wrong one")
    page.get_by_role("button", name="Sign in").click()
    assert "wrong" in page.get_by_role("alert").inner_text()
    assert page.get_by_label("Name").input_value() == "ada"
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/tiny?n=5")
    page.wait_for_function(IDLE)
    assert page.locator(".visitor").inner_text() == "ada Sign out"
    page.get_by_role("link", name="Sign out").click()
    page.get_by_role("link", name="Sign in again").click()
    assert page.get_by_label("Name").count() == 1
    assert outside == []
    page.close()


@pytest.mark.parametrize(("terms", "address", "told"), [
    (Terms(), "0.0.0.0", "address must be a loopback address"),
    (Terms(auth="basic"), "0.0.0.0", "origins must name this server"),
    (Terms(auth="basic"), "example.org", "address must be a loopback address"),
    (Terms(auth="digest"), "127.0.0.1", "auth must be one of 'basic', 'oauth'"),
    (Terms(auth="oauth", provider="google"), "127.0.0.1", "allow and provider must be given"),
    (Terms(auth="oauth", provider="pam", allow=("ada",)), "127.0.0.1", "provider must be one of"),
    (Terms(auth="oauth", provider="google", allow=("ada",)), "127.0.0.1", "PANEL_OAUTH_KEY and"),
    (Terms(auth="basic"), "127.0.0.1", "users must name at least one"),
    (Terms(sessions=0), "127.0.0.1", "sessions must be at least 1")])
def test_rejects_terms_that_let_anybody_in(terms, address, told, tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBENCH_USERS", str(tmp_path / "none.json"))
    monkeypatch.delenv("PANEL_OAUTH_KEY", raising=False)
    with pytest.raises(ValueError, match=told):
        ui.serve({}, address=address, terms=terms)


def test_rejects_poor_users_and_open_files(tmp_path):
    file = tmp_path / "users.json"
    with pytest.raises(ValueError, match="password must have at least"):
        passwords.add_user(file, "ada", "short")
    with pytest.raises(ValueError, match="name must be"):
        passwords.add_user(file, "ada lovelace", PASSWORD)
    passwords.add_user(file, "ada", PASSWORD)
    assert file.stat().st_mode & 0o777 == 0o600
    assert PASSWORD not in file.read_text()
    assert passwords.Users(file).accepts("ada", PASSWORD)
    assert not passwords.Users(file).accepts("ada", PASSWORD + " ")
    assert not passwords.Users(file).accepts("", "")
    file.chmod(0o644)
    with pytest.raises(ValueError, match="chmod 600"):
        passwords.Users(file).check()


@pytest.mark.parametrize(("terms", "address", "may"), [
    (Terms(), "127.0.0.1", True), (Terms(read_only=True), "127.0.0.1", False),
    (Terms(auth="basic"), "10.0.0.1", False), (Terms(auth="basic"), "127.0.0.1", False),
    (Terms(auth="basic", allow_run=True), "10.0.0.1", True),
    (Terms(auth="basic", allow_run=True, read_only=True), "10.0.0.1", False)])
def test_identity_runs_are_off_for_a_team_unless_allowed(terms, address, may):
    assert terms.may_run(address) is may
