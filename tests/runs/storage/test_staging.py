"""A run in progress: what others see of it, and what becomes of it when its owner dies."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from datetime import datetime

import pytest

from workbench.runs import Store, list_runs
from workbench.runs.storage import owners, staging
from workbench.runs.storage.names import ID, StoreError

KEY = "0123456789abcdef" * 4
ABOUT = {"study": "tiny", "title": "Tiny", "params": {"n": 7}, "defaults": {"n": 3}, "key": KEY,
         "started": "2026-01-02T03:04:05.000000Z", "host": "here"}
DIE = """
import json, os, signal, sys
from workbench.runs import Store
about, key, files = json.loads(sys.argv[2])
with Store(sys.argv[1]).staged("tiny", key, about) as stage:
    for name, text in files.items():
        (stage.folder / name).write_text(text)
    print(stage.id, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def die(folder, about, files):
    """Identifier of a run whose process was killed."""
    told = json.dumps([about, KEY, files])
    done = subprocess.run([sys.executable, "-c", DIE, str(folder), told], capture_output=True,
                          text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    return done.stdout.strip()


def test_identity_a_run_in_progress_is_listed_with_what_is_known(tmp_path, publish):
    store = Store(tmp_path)
    old = publish(store)
    with store.staged("tiny", KEY, ABOUT) as stage:
        (live, other) = store.runs()
        assert (live.id, live.state, live.params, live.changed) == (
            stage.id, "running", {"n": 7}, {"n": 7})
        assert (live.study, live.key, live.started) == ("tiny", KEY, ABOUT["started"])
        assert other == old
        assert store.load(stage.id) == live == store.runs("tiny", states=["running"])[0]
        assert store.runs("another") == store.runs(states=["failed"]) == []
        assert [row.state for row in store.rows(limit=1)] == ["running"]
        assert store.count() == {"running": 1, "succeeded": 1}
        assert store.find(KEY) is None
        assert store.sweep() == []
    assert store.runs() == [old]
    assert {path.name for path in tmp_path.iterdir()} == {old.id}


def test_recovers_a_lost_run_with_all_that_was_known(tmp_path):
    saved = json.dumps({"params": {"n": 7}, "notes": ["so far"], "summary": {
        "rows": {"value": 2.0, "low": None, "high": None, "level": None, "unit": "", "why": "x"}}})
    name = die(tmp_path, ABOUT, {"log.txt": "printed", "metrics.json": saved})
    assert list_runs(store=tmp_path) == []
    store = Store(tmp_path)
    (run,) = store.sweep()
    assert (run.id, run.state, run.key, run.params) == (name, "lost", KEY, {"n": 7})
    assert (run.started, run.host) == (ABOUT["started"], "here")
    assert "is gone" in run.error
    assert run.summary["rows"].value == 2.0
    assert (run.folder / "log.txt").read_text() == "printed"
    assert not (run.folder / "begun.json").exists()
    assert store.runs() == [run]
    assert store.find(KEY) is None
    assert store.sweep() == []


def test_recovers_a_whole_run_that_only_lacked_its_name(tmp_path, publish):
    store = Store(tmp_path)
    with store.staged("tiny", KEY, ABOUT) as stage:
        stage.seal({**staging.BLANK, **ABOUT, "state": "succeeded", "error": ""})
        dead = stage.folder.with_name(stage.folder.name.replace(f".{os.getpid()}-", ".0-"))
        stage.folder.rename(dead)
    (run,) = store.sweep()
    assert (run.id, run.state, run.params) == (stage.id, "succeeded", {"n": 7})
    assert store.find(KEY) == run


def test_recovers_from_a_lost_run_of_which_nothing_is_known(tmp_path):
    name = die(tmp_path, ABOUT, {"begun.json": ""})
    assert [path.name[1:len(name) + 1] for path in tmp_path.iterdir()] == [name]
    assert Store(tmp_path).sweep() == []
    assert list(tmp_path.iterdir()) == []


def test_matches_other_hosts_are_given_up_after_long_silence(tmp_path):
    store = Store(tmp_path)
    with store.staged("tiny", KEY, ABOUT) as stage:
        foreign = stage.folder.with_name(stage.folder.name.replace(owners.place(), "elsewhere"))
        stage.folder.rename(foreign)
    assert store.sweep() == []
    assert [run.state for run in store.runs()] == ["running"]
    quiet = time.time() - 2 * staging.SILENCE
    os.utime(foreign / "begun.json", (quiet, quiet))
    os.utime(foreign, (quiet, quiet))
    staging.Stage.of(foreign).beat()
    assert store.sweep() == []
    os.utime(foreign / "begun.json", (quiet, quiet))
    assert [run.state for run in store.sweep()] == ["lost"]


def test_recovers_once_when_several_sweep(tmp_path):
    name = die(tmp_path, ABOUT, {})
    first, second = (staging.abandoned(tmp_path) for _ in range(2))
    assert next(first).id == name
    assert list(second) == []


def test_identity_identifiers_and_durations_survive_a_clock_that_steps_back(
        tmp_path, publish, monkeypatch):
    class Stuck(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime(2001, 1, 1, tzinfo=tz)

    store = Store(tmp_path)
    before = publish(store)
    monkeypatch.setattr("workbench.runs.storage.names.datetime", Stuck)
    monkeypatch.setattr("workbench.runs.storage.staging.datetime", Stuck)
    runs = [publish(store) for _ in range(20)]
    assert len({run.id for run in runs}) == 20
    assert all(run.id.startswith("20010101T000000Z-") for run in runs)
    assert all(run.seconds == 1.5 for run in runs)
    assert store.runs()[0].id == before.id
    with store.staged("tiny", KEY, ABOUT):
        assert [run.state for run in store.runs(limit=1)] == ["running"]


def test_identity_birth_of_a_process_ignores_the_clock(monkeypatch):
    before = owners.mine()
    monkeypatch.setattr(time, "time", lambda: 0.0)
    assert owners.mine() == before
    host, _, process = before.rpartition(".")
    pid, _, born = process.partition("-")
    assert (host, int(pid)) == (owners.place(), os.getpid())
    assert owners.alive(int(pid), int(born))
    assert not owners.alive(int(pid), int(born) + 1)
    assert not owners.alive(0, 0)


def test_identity_a_dead_process_that_nobody_awaited_is_dead():
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    born = owners._born(child.pid)
    assert owners.alive(child.pid, born)
    child.kill()
    while os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT) is None:
        pass
    assert not owners.alive(child.pid, born)
    child.communicate()


@pytest.mark.parametrize("name", ["../up", "/etc/passwd", "a/b", "x" * 300, "", "%2e%2e", "é ø",
                                  "a\0b", "..", ".hidden"])
def test_identity_any_name_gives_an_identifier_inside_the_store(tmp_path, name):
    with Store(tmp_path).staged(name, KEY) as stage:
        assert ID.fullmatch(stage.id)
        assert stage.folder.parent == tmp_path
        assert stage.folder.is_dir()


@pytest.mark.parametrize("key", ["../../etc", "ABCDEF0123456789", "abc", "", "0" * 65, None,
                                 "01234567\n"])
def test_rejects_what_is_no_key(tmp_path, key):
    with pytest.raises(ValueError, match="key must be 8 to 64 hexadecimal digits"), \
            Store(tmp_path).staged("tiny", key):
        pass
    with pytest.raises(ValueError, match="key must be 8 to 64 hexadecimal digits"):
        Store(tmp_path).claim(key)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def tiny_disk(tmp_path):
    """A folder on a file system of 300 kB; without the right to mount one, the test is skipped."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(place)],
                             capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("mounting a small file system needs more rights")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def fill(path):
    with pytest.raises(OSError, match="No space left"):
        path.write_bytes(b"x" * 10**6)


def test_recovers_from_a_full_disk(tiny_disk, publish):
    store = Store(tiny_disk)
    kept = publish(store)
    whole = {**staging.BLANK, **ABOUT, "state": "succeeded", "error": ""}
    with store.staged("tiny", KEY, ABOUT) as stage:
        fill(tiny_disk / "filler")
        with pytest.raises(StoreError, match=r"could not be saved \(No space left on device\)"):
            store.publish(stage, whole)
    assert store.runs() == [kept]
    assert {path.name for path in tiny_disk.iterdir()} == {kept.id, "filler"}
    fill(tiny_disk / "filler more")
    with pytest.raises(StoreError, match="could not be saved"), store.staged("tiny", KEY, ABOUT):
        pass
    for path in tiny_disk.glob("filler*"):
        path.unlink()
    again = publish(store, KEY)
    assert store.runs() == [again, kept]


def test_recovers_from_a_limit_on_the_size_of_files(tmp_path, publish):
    store = Store(tmp_path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    old = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
        with pytest.raises(StoreError, match=r"could not be saved \(File too large"):
            publish(store, error="x" * 10_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, old)
    assert list(tmp_path.iterdir()) == []
    assert [publish(store)] == store.runs()


def test_rejects_a_store_that_cannot_be_made(tmp_path, publish):
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError, match=r"could not be saved \(Not a directory"):
        publish(Store(tmp_path / "file" / "runs"))
