"""The example of the documentation, in a real nginx before a real server."""

import json
import os
import re
import shutil
import socket
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.ui.serving import CLOSE, PASSWORD, TEXT, Visitor, origin, serving
from workbench.ui.serving import passwords
from workbench.ui.serving.listening import free_port

EXAMPLE = Path(__file__).parents[2] / "docs" / "nginx.conf"
PATIENCE = 60
HTTP = re.compile(r"server \{\n    listen 80;.*?\n\}\n", re.DOTALL)


@pytest.fixture(scope="module")
def nginx():
    found = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if found is None:
        sentence = "no nginx was found; install the system's package, such as nginx-light"
        if os.environ.get("CI"):
            pytest.fail(sentence)
        pytest.skip(sentence)
    return found


def certify(folder):
    """A certificate of nobody for this machine."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=2))
            .sign(key, hashes.SHA256()))
    (folder / "team.crt").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "team.key").write_bytes(key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption()))


def settings(folder, front, back):
    """The example, on ports and with files of its own, without the way in by http."""
    told = HTTP.sub("", EXAMPLE.read_text("utf-8"))
    for ours, here in (("listen 443 ssl;", f"listen 127.0.0.1:{front} ssl;"),
                       ("/etc/ssl/team.example.org", f"{folder}/team"),
                       ("127.0.0.1:5006", f"127.0.0.1:{back}")):
        assert ours in told
        told = told.replace(ours, here)
    temporary = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in (
        "client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    return (f"daemon off;\nworker_processes 1;\npid {folder}/nginx.pid;\n"
            f"error_log {folder}/error.log;\nevents {{}}\n"
            f"http {{\naccess_log off;\n{temporary}{told}\n}}\n")


@pytest.fixture(scope="module")
def server(tmp_path_factory, nginx):
    """A server below a prefix; `address` is that of nginx before it, `behind` its own."""
    folder = tmp_path_factory.mktemp("team")
    folder.chmod(0o755)
    passwords.add_user(folder / "users.json", "ada", PASSWORD)
    front = free_port(None, "127.0.0.1", 5700)
    front_door = f"https://127.0.0.1:{front}"
    certify(folder)
    with serving(folder, f"auth='basic', prefix='/workbench', origins=({front_door!r},), "
                         "sessions=6, allow_run=True, access_log=True") as server:
        back = int(re.search(r":(\d+)/", server.address)[1])
        (folder / "nginx.conf").write_text(settings(folder, front, back))
        command = [nginx, "-p", str(folder), "-c", str(folder / "nginx.conf"),
                   "-e", str(folder / "error.log")]
        with subprocess.Popen(command) as proxy:
            until(lambda: answers(front))
            server.behind, server.address = server.address, f"{front_door}/workbench"
            server.folder = folder
            yield server
            proxy.terminate()
        assert proxy.returncode == 0, (folder / "error.log").read_text()


def answers(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def until(holds):
    end = time.monotonic() + PATIENCE
    while not holds() and time.monotonic() < end:
        time.sleep(0.05)
    assert holds()


@pytest.fixture(scope="module")
def member(server):
    member = Visitor(server.address)
    assert member.sign_in(Origin=origin(server.address))[0] == 302
    return member


def test_matches_the_way_in_below_the_prefix(server):
    visitor = Visitor(server.address)
    status, headers, _ = visitor.ask("/tiny?n=5")
    assert status == 302
    assert headers["Location"] == "/workbench/login?next=%2Fworkbench%2Ftiny%3Fn%3D5"
    status, headers, _ = visitor.sign_in()
    assert (status, headers["Location"]) == (302, "/workbench/")
    told = [each.lower() for each in headers.get_all("Set-Cookie")]
    assert len(told) == 2
    assert all("; secure" in each and "path=/workbench" in each and "httponly" in each
               for each in told)
    assert visitor.ask(server.address)[1]["Location"].endswith("/workbench/")


@pytest.mark.parametrize("path", ["/", "/tiny?n=5", "/reports/index.html", "/healthz",
                                  "/favicon.ico",
                                  "/static/js/bokeh.min.js",
                                  "/static/extensions/panel/panel.min.js"])
def test_identity_of_routes_through_the_proxy(member, path):
    status, headers, text = member.ask(path)
    assert (status, bool(text)) == (200, True)
    assert "frame-ancestors 'self'" in headers["Content-Security-Policy"]


def test_matches_a_socket_through_the_proxy(member):
    page = member.ask("/tiny?n=5")[2]
    with member.socket(page) as opened:
        kind, told = opened.frame()
    assert (kind, json.loads(told)["msgtype"]) == (TEXT, "ACK")
    for bad in ({"Origin": "https://evil.example"}, {"Cookie": ""}):
        with member.socket(page, **bad) as opened:
            assert opened.status == 403


def test_identity_of_the_page_in_the_browser(server, browser):
    context = browser.new_context(ignore_https_errors=True)
    context.set_default_timeout(1000 * PATIENCE)
    page, faults, outside = context.new_page(), [], []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda told: faults.append((told.text, told.location))
            if told.type == "error" else None)
    page.on("request", lambda request: None if request.url.startswith(
        (f"{server.address}/", "data:", "blob:")) else outside.append(request.url))
    page.goto(f"{server.address}/tiny?n=5")
    page.get_by_label("Name").fill("ada")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/workbench/tiny?n=5")
    page.locator("main.study > section").get_by_text("5 rows").first.wait_for()
    assert page.locator(".visitor").inner_text() == "ada Sign out"
    page.get_by_role("link", name="Studies").click()
    page.wait_for_url("**/workbench/")
    assert faults == outside == []
    context.close()


def test_rejects_a_message_that_is_too_large_and_lives(member):
    page = member.ask("/tiny?n=5")[2]
    with member.socket(page) as opened:
        assert opened.frame()[0] == TEXT
        opened.send(b"x" * 1000, size=50 * 2**20)
        kinds = [opened.frame()[0]]
        while kinds[-1] == TEXT:
            kinds.append(opened.frame()[0])
        assert kinds[-1] in (CLOSE, None)
    with member.socket(page) as opened:
        assert opened.frame()[0] == TEXT


def test_rejects_a_file_of_50_megabytes(server, member):
    ours = {"Origin": origin(server.address)}
    status, _, text = member.ask("/uploads?name=big.csv", bytes(50 * 2**20), **ours)
    assert status == 413
    assert "at most 32 MiB" in text
    status, _, text = member.ask("/uploads?name=small.csv", b"a,b\n1,2\n", **ours)
    assert (status, json.loads(text)["bytes"]) == (200, 8)


@pytest.mark.parametrize("headers", [
    {"Cookie": ""}, {"Origin": "https://evil.example"}, {"Origin": "null"}, {}])
def test_rejects_files_of_strangers(server, member, headers):
    told = {"Origin": origin(server.address)} if "Cookie" in headers else {}
    status, _, _ = member.ask("/uploads?name=a.csv", b"a\n1\n", **told | headers)
    assert status == 403


def test_rejects_large_bodies_elsewhere(server, member):
    status, _, _ = member.ask("/login", bytes(2 * 2**20), Origin=origin(server.address))
    assert status == 413
    assert member.ask("/healthz")[0] == 200


def test_rejects_long_headers(member):
    assert member.ask("/healthz", X_Long="x" * 40_000)[0] in (400, 431, 414)
    assert member.ask("/healthz")[0] == 200


def test_identity_of_who_asks_behind_the_proxy(server, member):
    """Waits count by the address that nginx saw, whatever a visitor claims."""
    member.ask("/healthz", X_Forwarded_For="203.0.113.9", X_Real_Ip="203.0.113.9")
    log = (server.folder / "errors").read_text()
    assert "203.0.113.9" not in log
    assert "127.0.0.1 GET /workbench/healthz 200" in log


def test_rejects_secrets_in_the_log(server, member):
    member.ask("/tiny?word=not-for-the-log")
    log = (server.folder / "errors").read_text()
    assert "/workbench/tiny 200" in log
    token = next(each.value for each in member.jar if each.name == "user").strip('"')
    assert "not-for-the-log" not in log
    assert PASSWORD not in log
    assert token
    assert token not in log


def test_rejects_more_pages_than_allowed(member):
    told = [member.ask("/tiny") for _ in range(7)]
    status, headers, text = next(each for each in told if each[0] != 200)
    assert status == 503
    assert "As many pages are open" in text
    assert int(headers["Retry-After"]) > 0
    assert member.ask("/healthz")[0] == 200
