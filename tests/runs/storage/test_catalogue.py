"""The catalogue: an index that may be deleted, broken or old, and still tells the truth."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from unittest.mock import Mock

import pytest

from workbench.core import places
from workbench.runs import Store, list_runs
from workbench.runs.reports.index import write_index
from workbench.runs.storage import folder
from workbench.runs.storage import local_folder as local
from workbench.runs.storage.catalogue import VERSION, catalogue_of


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "runs")


@pytest.fixture
def reads(monkeypatch):
    """Names of the folders whose manifests are read."""
    seen = []
    original = local.content

    def counted(path):
        seen.append(path.name)
        return original(path)

    monkeypatch.setattr(local, "content", counted)
    return seen


def index_of(store):
    return catalogue_of(store.url).path


def test_identity_a_run_from_the_catalogue_is_the_run_of_its_folder(store, publish):
    run = publish(store)
    assert store.runs() == [run] == [folder.read(run.folder)] == [store.find(run.key)]
    assert store.find_all([run.key, "0" * 64]) == {run.key: run}
    (row,) = store.rows()
    for name in ("id", "study", "title", "state", "key", "started", "seconds", "error", "params",
                 "changed", "kernel", "peak_memory", "cells", "host"):
        assert getattr(row, name) == getattr(run, name), name
    assert dict(row.summary) == dict(run.summary)
    assert row.summary.notes == run.summary.notes
    assert (run.source, run.module, run.peak_memory, run.cells) == (
        "tiny.ipynb", "studies.tiny", 10**8, {"done": 4, "total": 4})


def test_identity_an_unchanged_store_is_not_read_again(store, publish, reads):
    first, second = publish(store), publish(store)
    reads.clear()
    assert store.runs() == [second, first]
    assert sorted(reads) == sorted([first.id, second.id])
    reads.clear()
    assert (store.count(), len(store.runs()), len(store.rows())) == ({"succeeded": 2}, 2, 2)
    assert store.find(first.key) is not None
    assert reads == []
    third = publish(store)
    reads.clear()
    assert store.runs()[0] == third
    assert reads == [third.id]


def test_identity_only_what_is_asked_for_is_built(store, publish, monkeypatch):
    runs = [publish(store) for _ in range(5)]
    store.count()
    built = []
    original = folder.rebuilt
    monkeypatch.setattr("workbench.runs.storage.store.rebuilt",
                        lambda *told: built.append(told) or original(*told))
    assert store.runs(limit=2) == runs[:2:-1]
    assert len(built) == 2
    assert store.runs(limit=0) == []


def test_matches_filters(store, publish):
    a = publish(store, study="a")
    b = publish(store, study="b", state="failed", error="ValueError: x")
    c = publish(store, study="b", state="lost")
    assert store.runs("b") == [c, b]
    assert store.runs(states=["failed", "succeeded"]) == [b, a]
    assert store.runs("b", states=["failed"]) == [b]
    assert [row.id for row in store.rows("b", limit=1)] == [c.id]
    assert (store.count(), store.count("b")) == (
        {"succeeded": 1, "failed": 1, "lost": 1}, {"failed": 1, "lost": 1})
    assert store.runs("a' OR 1 --") == store.runs(states=["x' OR '1"]) == []


def test_recovers_changes_behind_its_back(store, publish, tmp_path):
    kept, edited, gone = publish(store), publish(store, "cd" * 32), publish(store, "ef" * 32)
    assert len(store.runs()) == 3
    shutil.rmtree(gone.folder)
    path = edited.folder / "manifest.json"
    times = path.stat()
    path.write_text(path.read_text().replace('"Tiny"', '"Edit"'))
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))     # same size, same time
    other = publish(Store(tmp_path / "elsewhere"), "12" * 32)
    shutil.copytree(other.folder, store.local / other.id)
    assert {run.id: run.title for run in store.runs()} == {
        kept.id: "Tiny", edited.id: "Edit", other.id: "Tiny"}
    assert store.find(gone.key) is None
    assert store.find(other.key).id == other.id


def test_identity_find_never_trusts_the_index(store, publish):
    run, twin = publish(store), publish(store)
    assert store.find(run.key) == twin
    assert store.count() == {"succeeded": 2}
    assert store.find(run.key) == twin
    (twin.folder / "manifest.json").unlink()
    assert store.find(run.key) == run
    shutil.rmtree(run.folder)
    assert store.find(run.key) is None
    unseen = publish(store)
    assert store.find(run.key) == unseen
    publish(store, "cd" * 32, state="failed")
    assert store.find("cd" * 32) is None


@pytest.mark.parametrize("spoil", [
    lambda path: path.unlink(),
    lambda path: path.write_bytes(b"this is no database" * 1000),
    lambda path: path.write_bytes(path.read_bytes()[:5000] + b"\xff" * 8000),
    lambda path: path.write_bytes(b""),
    lambda path: sqlite3.connect(path).executescript("DROP TABLE runs"),
    lambda path: sqlite3.connect(path).executescript(
        "PRAGMA user_version = 1; DROP TABLE runs; CREATE TABLE runs (other TEXT)"),
], ids=["missing", "foreign", "corrupt", "empty", "without tables", "old schema"])
def test_recovers_its_index(store, publish, spoil):
    runs = [publish(store), publish(store, "cd" * 32)]
    assert store.runs() == runs[::-1]
    path = index_of(store)
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    spoil(path)
    assert store.runs() == runs[::-1]
    assert store.find("cd" * 32) == runs[1]
    with sqlite3.connect(path) as index:
        assert index.execute("PRAGMA user_version").fetchone() == (VERSION,)
        assert index.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert index.execute("SELECT COUNT(*) FROM runs").fetchone() == (2,)


def test_recovers_without_a_cache_folder(tmp_path, publish, monkeypatch):
    (tmp_path / "file").write_text("no folder can be made below a file")
    monkeypatch.setenv("WORKBENCH_CACHE", str(tmp_path / "file" / "cache"))
    store = Store(tmp_path / "runs")
    run = publish(store)
    assert store.runs() == [run] == [store.find(run.key)]
    assert publish(store) == Store(tmp_path / "runs").runs()[0]


def test_matches_the_users_cache_folder(monkeypatch, tmp_path):
    monkeypatch.delenv("WORKBENCH_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert places.cache() == tmp_path / "workbench"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")      # the specification says to ignore it
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("LOCALAPPDATA", raising=False)
    assert places.cache() == tmp_path / "home" / ".cache" / "workbench"


def test_recovers_damaged_folders_as_rows(store, publish):
    run = publish(store)
    (store.local / run.id.replace("tiny", "empty")).mkdir()
    broken = publish(store, "cd" * 32)
    (broken.folder / "manifest.json").write_text('{"schema_version": 99}')
    assert store.runs(states=["succeeded"]) == [run]
    told = {row.id: row.error for row in store.rows(states=["damaged"])}
    assert "newer workbench (schema 99" in told.pop(broken.id)
    assert "never finished" in next(iter(told.values()))
    assert store.count() == {"succeeded": 1, "damaged": 2}
    assert {each.error for each in store.runs(states=["damaged"])} >= set(told.values())


def test_rejects_a_manifest_that_is_a_link_or_a_pipe(store, publish, tmp_path):
    linked, pipe = publish(store), publish(store, "cd" * 32)
    (linked.folder / "manifest.json").rename(tmp_path / "manifest.json")
    (linked.folder / "manifest.json").symlink_to(tmp_path / "manifest.json")
    (pipe.folder / "manifest.json").unlink()
    os.mkfifo(pipe.folder / "manifest.json")
    assert {run.state for run in store.runs()} == {"damaged"}
    assert store.find(linked.key) is None


def test_matches_beginnings_of_keys(store, publish):
    run = publish(store, "abcd1111" * 8)
    other = publish(store, "abcd2222" * 8)
    newest = publish(store, "abcd2222" * 8)
    assert store.load("abcd1") == run
    assert store.load("abcd2222" * 8) == newest != other
    with pytest.raises(ValueError, match=r"'abcd', with which 2 keys begin \(abcd1111abcd, "):
        store.load("abcd")
    for name in ("abc", "ffff", "abcd*", "ABCD1", "abcd1111" * 9):
        with pytest.raises(ValueError, match="run_id must name a saved run"):
            store.load(name)


def test_identity_processes_share_the_index(store, publish):
    code = ("import sys\nfrom workbench.runs import Store\nstore = Store(sys.argv[1])\n"
            "for _ in range(20): print(len(store.runs()))")
    [publish(store) for _ in range(10)]
    readers = [subprocess.Popen([sys.executable, "-c", code, str(store.local)],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
               for _ in range(4)]
    told = [reader.communicate() for reader in readers]
    assert [(set(out.split()), err) for out, err in told] == [({"10"}, "")] * 4


def test_identity_listing_reads_no_library_of_remote_stores(store, publish):
    publish(store)
    code = ("import sys\nfrom workbench.runs import Store, list_runs\n"
            "assert list_runs(store=sys.argv[1])\n"
            "print(*sorted({'fsspec', 'pandas', 'xarray', 'psutil'} & set(sys.modules)))")
    done = subprocess.run([sys.executable, "-c", code, str(store.local)], text=True, check=True,
                          capture_output=True)
    assert done.stdout.split() == []


def test_identity_an_url_of_a_folder_is_the_folder(store, publish, monkeypatch):
    run = publish(store)
    url = store.local.as_uri()
    assert Store(url).local == store.local
    monkeypatch.setenv("WORKBENCH_RUNS", url)
    assert list_runs() == [run] == list_runs(store=url) == list_runs(store=Store.of(None))
    with pytest.raises(ValueError, match="WORKBENCH_RUNS must be a folder here"):
        places.runs()
    assert json.loads((run.folder / "manifest.json").read_text())["id"] == run.id


def test_identity_a_passing_fault_is_not_remembered(store, publish, monkeypatch):
    run = publish(store)
    with monkeypatch.context() as patch:
        patch.setattr("workbench.runs.storage.folder.os.fdopen",
                      Mock(side_effect=OSError(24, "too many")))
        assert [each.state for each in store.runs()] == ["damaged"]
    assert store.runs() == [run]


def test_identity_what_is_cached_is_for_this_user_only(store, publish, tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBENCH_CACHE", str(tmp_path / "cache"))
    publish(store)
    publish(Store("memory://private"))
    assert len(store.runs()) == 1
    for name in ("catalogues", *(tmp_path / "cache" / "stores").iterdir()):
        assert (tmp_path / "cache" / name).stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("spoilt", [
    {"seconds": "nan"}, {"seconds": True}, {"seconds": 10**400}, {"params": [["n", 1]]},
    {"params": []}, {"cells": ["done"]}, {"notes": "text"}, {"peak_memory": "12"},
    *({"summary": {"rows": {"value": 1, "low": None, "high": None, "level": None, "unit": "",
                            "why": "w", **wrong}}}
      for wrong in ({"value": "1"}, {"value": [1]}, {"value": 10**400}, {"unit": 5},
                    {"why": 5})),
], ids=repr)
def test_recovers_the_list_from_one_spoilt_manifest(store, publish, spoilt):
    good, bad = publish(store), publish(store)
    path = bad.folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | spoilt))
    assert {run.id: run.state for run in store.runs()} == {good.id: "succeeded",
                                                          bad.id: "damaged"}
    for row in store.rows():
        assert dict(row.changed) == ({"n": 1, "word": "é \udce9"} if row.id == good.id else {})
        assert [str(number) for number in row.summary.values()] == [
            "3 rows [2.5, 4], 90 % interval"] * (row.id == good.id)
    assert bad.id in write_index(store).read_text(encoding="utf-8")


def test_identity_a_huge_whole_number_is_a_float(store, publish):
    publish(store, seconds=10**30)
    assert [row.seconds for row in store.rows()] == [1e30] == [run.seconds for run in store.runs()]
