"""Claims: one at a time works on a key, whatever becomes of the others."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from workbench.runs import Store
from workbench.runs.storage import claims, remote_claims
from workbench.runs.storage.names import StoreError

KEY, OTHER = "ab" * 32, "cd" * 32
HOLD = """
import sys
from workbench.runs import Store
with Store(sys.argv[1]).claim(sys.argv[2]) as mine:
    print(mine, flush=True)
    sys.stdin.read()
"""
FORK = """
import os, signal, sys, time
from workbench.runs import Store
with Store(sys.argv[1]).claim(sys.argv[2]):
    child = os.fork()
    if child == 0:
        os.close(1)
        time.sleep(600)
    print(child, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""
WORK = """
import sys, time
from workbench.runs import Store
from workbench.runs.storage.staging import BLANK, timestamp
store, key = Store(sys.argv[1]), sys.argv[2]
with store.claim(key):
    if store.find(key) is None:
        with store.staged("tiny", key) as stage:
            time.sleep(0.3)
            store.publish(stage, {**BLANK, "study": "tiny", "key": key, "error": "",
                                  "state": "succeeded", "started": timestamp()})
        print("executed")
"""


@pytest.fixture(params=["local", "remote"])
def store(request, tmp_path):
    return Store(tmp_path if request.param == "local" else f"memory://{tmp_path.name}")


@pytest.fixture
def holder(tmp_path):
    """Another process that holds the key in a local store."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path), KEY], text=True,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout.readline() == "True\n"
    yield process
    process.kill()
    process.communicate()


def test_identity_a_claim_leaves_nothing_behind(store):
    with store.claim(KEY) as mine, store.claim(OTHER, wait=False) as too:
        assert mine is too is True
        assert sorted(store.place.claimed()) == [KEY, OTHER]
    assert store.place.claimed() == []
    with pytest.raises(ZeroDivisionError), store.claim(KEY):
        raise ZeroDivisionError
    with store.claim(KEY, wait=False) as mine:
        assert mine


def test_identity_threads_take_turns(store):
    inside, most, turns = [], [], []

    def work():
        with store.claim(KEY) as mine:
            inside.append(1)
            most.append(len(inside))
            time.sleep(0.01)
            inside.pop()
            turns.append(mine)

    threads = [threading.Thread(target=work) for _ in range(6)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert (max(most), turns) == (1, [True] * 6)


def test_rejects_a_second_thread_that_will_not_wait(store):
    told = []

    def ask(wait):
        with store.claim(KEY, wait=wait) as mine:
            told.append(mine)

    with store.claim(KEY):
        for wait in (False, 0.05):
            thread = threading.Thread(target=ask, args=(wait,))
            thread.start()
            thread.join()
    assert told == [False, False]


def test_rejects_a_key_that_another_process_holds(tmp_path, holder):
    store = Store(tmp_path)
    for wait in (False, 0.1):
        with store.claim(KEY, wait=wait) as mine:
            assert not mine
    with store.claim(OTHER, wait=False) as mine:
        assert mine
    holder.communicate("")
    with store.claim(KEY, wait=False) as mine:
        assert mine


def test_recovers_from_a_holder_that_was_killed(tmp_path, holder):
    holder.kill()
    holder.wait()
    store = Store(tmp_path)
    assert store.place.claimed() == [KEY]
    with store.claim(KEY, wait=False) as mine:
        assert mine
    assert store.place.claimed() == []


def test_identity_a_waiting_process_can_be_interrupted(tmp_path, holder):
    waiting = subprocess.Popen([sys.executable, "-c", "print('up', flush=True)\n" + HOLD,
                                str(tmp_path), KEY], text=True, stdout=subprocess.PIPE,
                               stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    assert waiting.stdout.readline() == "up\n"
    time.sleep(1.0)
    waiting.send_signal(signal.SIGINT)
    out, told = waiting.communicate(timeout=60)
    assert (out, told.splitlines()[-1]) == ("", "KeyboardInterrupt")
    assert holder.poll() is None


def test_identity_a_child_does_not_inherit_the_claim(tmp_path):
    done = subprocess.run([sys.executable, "-c", FORK, str(tmp_path), KEY], text=True,
                          stdout=subprocess.PIPE, check=False)
    assert done.returncode == -signal.SIGKILL
    try:
        with Store(tmp_path).claim(KEY, wait=False) as mine:
            assert mine
    finally:
        os.kill(int(done.stdout), signal.SIGKILL)


@pytest.mark.parametrize("replaced", [False, True])
def test_identity_a_lock_on_a_file_that_was_removed_is_none(tmp_path, monkeypatch, replaced):
    path, original = tmp_path / "key.lock", claims._locked

    def locked_too_late(handle):
        path.unlink()               # as the last holder does when it is done
        if replaced:
            path.touch()            # as the next one does
        return original(handle)

    monkeypatch.setattr(claims, "_locked", locked_too_late)
    assert claims._tried(path) is None


def test_identity_four_processes_with_one_key_execute_once(tmp_path):
    workers = [subprocess.Popen([sys.executable, "-c", WORK, str(tmp_path), KEY], text=True,
                                stdout=subprocess.PIPE) for _ in range(4)]
    told = [worker.communicate()[0] for worker in workers]
    assert sorted(told) == ["", "", "", "executed\n"]
    assert len(Store(tmp_path).runs()) == 1
    assert Store(tmp_path).place.claimed() == []


def test_rejects_a_lock_file_that_is_a_link(tmp_path):
    (tmp_path / ".claims").mkdir()
    (tmp_path / "precious").write_text("mine")
    (tmp_path / ".claims" / f"{KEY}.lock").symlink_to(tmp_path / "precious")
    with pytest.raises(OSError, match="symbolic"), Store(tmp_path).claim(KEY, wait=False):
        pass
    assert (tmp_path / "precious").read_text() == "mine"


def test_recovers_remote_claims_of_the_dead(monkeypatch, tmp_path):
    store = Store(f"memory://{tmp_path.name}")
    system, root = store.place.opened()
    path = f"{root}/.claims/{KEY}.json"
    with store.claim(KEY):
        mine = system.cat_file(path)
    for claim in (mine.replace(f".{os.getpid()}-".encode(), b".4194303-"), b"not JSON", b"[1]"):
        system.pipe_file(path, claim)
        monkeypatch.setattr(remote_claims, "EXPIRY", 0.2)
        with store.claim(KEY, wait=30.0) as taken:
            assert taken


def test_identity_a_remote_claim_that_shows_life_is_kept(monkeypatch, tmp_path):
    store = Store(f"memory://{tmp_path.name}")
    monkeypatch.setattr(remote_claims, "BEAT", 0.05)
    monkeypatch.setattr(remote_claims, "EXPIRY", 0.5)
    monkeypatch.setattr(remote_claims.owners, "place", lambda: "elsewhere-000000")
    with store.claim(KEY):
        claims._THREADS.clear()         # as another process would see it
        monkeypatch.setattr(remote_claims.owners, "place", lambda: "here-000000")
        with store.claim(KEY, wait=1.5) as taken:
            assert not taken
    assert store.place.claimed() == []


def test_identity_two_names_of_one_store_share_its_claims(tmp_path):
    (tmp_path / "alias").symlink_to(tmp_path, target_is_directory=True)
    told = []

    def ask():
        with Store(tmp_path / "alias").claim(KEY, wait=False) as mine:
            told.append(mine)

    with Store(tmp_path).claim(KEY):
        thread = threading.Thread(target=ask)
        thread.start()
        thread.join()
        done = subprocess.run([sys.executable, "-c", HOLD.replace(") as", ", wait=False) as"),
                               str(tmp_path), KEY], input="", text=True, capture_output=True,
                              check=True)
        assert (told, done.stdout) == ([False], "False\n")


def test_rejects_a_store_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError, match=r"cannot be written \(Not a directory\)"), \
            Store(tmp_path / "file" / "runs").claim(KEY):
        pass


@pytest.mark.parametrize("mode", [0o700, 0o775])
def test_identity_whoever_may_write_to_the_store_may_claim(tmp_path, mode):
    store = Store(tmp_path / "runs")
    store.local.mkdir()
    store.local.chmod(mode)
    with store.claim(KEY):
        folder, lock = (tmp_path / "runs" / ".claims", tmp_path / "runs/.claims" / f"{KEY}.lock")
        assert (folder.stat().st_mode & 0o777, lock.stat().st_mode & 0o777) == (mode, mode & 0o666)
