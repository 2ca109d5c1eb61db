"""Several processes serve one port: whichever meets a request, and whichever ends."""

import signal
import time

import psutil
import pytest

from tests.ui.browsing import IDLE
from tests.ui.serving import TEXT, Visitor, serving
from workbench import ui
from workbench.ui.jobs import Jobs
from workbench.ui.serving import workers
from workbench.ui.serving.attending import Attendance
from workbench.ui.serving.terms import Terms
from workbench.ui.serving.worker import understood
from workbench.ui.serving.workers import described

PATIENCE = 120


def crew(server):
    return [each for each in psutil.Process(server.pid).children()
            if "workbench.ui.serving.worker" in each.cmdline()]


def until(holds):
    """Wait for something that has to happen."""
    end = time.monotonic() + PATIENCE
    while not holds() and time.monotonic() < end:
        time.sleep(0.1)
    assert holds()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("crew"), "workers=3, sessions=90") as server:
        yield server
        alive = crew(server)
    assert len(alive) == 3
    assert not any(each.is_running() for each in alive)


@pytest.fixture
def alone(server):
    """Let only one of the processes work, the others sleep."""
    sleeping = []

    def only(number):
        for each in crew(server):
            each.resume()
        sleeping[:] = [each for at, each in enumerate(crew(server)) if at != number]
        for each in sleeping:
            each.suspend()

    yield only
    for each in sleeping:
        each.resume()


def test_matches_a_socket_that_meets_another_process_than_its_page(server, alone):
    visitor = Visitor(server.address)
    assert len(crew(server)) == 3
    for first, second in ((0, 1), (1, 2), (2, 0)):
        alone(first)
        status, _, page = visitor.ask("/tiny?n=5")
        assert status == 200
        alone(second)
        with visitor.socket(page) as opened:
            kind, told = opened.frame()
        assert kind == TEXT
        assert b'"ACK"' in told


def test_identity_of_pages_in_the_browser(server, browser):
    for number in range(10):
        page = browser.new_page()
        page.set_default_timeout(1000 * PATIENCE)
        faults = []
        page.on("pageerror", lambda error, to=faults: to.append(str(error)))
        page.on("console", lambda told, to=faults: to.append(told.text)
                if told.type == "error" else None)
        page.goto(f"{server.address}/tiny?n={number + 4}")
        page.wait_for_function(IDLE)
        # Each root lies where its name says, and the address decides, not the process.
        page.locator("main.study > section").get_by_text(f"{number + 4} rows").first.wait_for()
        assert page.locator("main.study > aside").get_by_label("n", exact=True).count()
        assert page.url.endswith(f"?n={number + 4}")
        assert faults == []
        page.close()


def test_recovers_when_a_process_is_killed(server):
    before = {each.pid for each in crew(server)}
    gone = crew(server)[0]
    gone.kill()
    for _ in range(5):
        assert Visitor(server.address).ask("/healthz")[0] == 200
    until(lambda: len(crew(server)) == 3 and gone.pid not in {each.pid for each in crew(server)})
    assert len(before & {each.pid for each in crew(server)}) == 2


def test_identity_of_what_is_left_after_the_parent_is_killed(tmp_path):
    with serving(tmp_path, "workers=2", code=-signal.SIGKILL) as server:
        alive = crew(server)
        assert len(alive) == 2
        server.kill()
        until(lambda: not any(each.is_running() for each in alive))
    assert "Traceback" not in (tmp_path / "errors").read_text()


def test_rejects_processes_that_never_answer(monkeypatch):
    monkeypatch.setattr(workers, "COMMAND", ("false",))
    monkeypatch.setattr(workers, "FIRST_WAIT", 0.001)
    with pytest.raises(ChildProcessError, match="end before they answer"):
        ui.serve({}, terms=Terms(workers=2))


def test_identity_of_terms_that_are_told_to_a_process(tmp_path, tiny):
    terms = Terms("basic", tmp_path / "users.json", allow=("a", "b"), origins=("https://x.org",),
                  prefix="/w", workers=2)
    work = Attendance({"tiny": tiny}, "127.0.0.1", 5006, terms)
    assert understood(described(work)) == work


@pytest.mark.parametrize("workers", [0, -1, 65])
def test_rejects_impossible_numbers(workers):
    with pytest.raises(ValueError, match="workers must lie between 1 and 64"):
        Terms(workers=workers).check("127.0.0.1")


def test_identity_of_runs_at_once_on_one_site():
    jobs = Jobs(at_once=2)
    jobs.share(1)
    assert jobs._at_once == 2
    jobs.share(2)
    assert jobs._at_once == 1
    jobs.share(5)
    assert jobs._at_once == 1
