"""A remote store: the same runs as in a folder, in memory and on an S3-compatible server."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest

from workbench.core import Result, Summary
from workbench.runs import Store, list_runs, load, save
from workbench.runs.storage import remote, staging

KEY, OTHER = "ab" * 32, "cd" * 32


@pytest.fixture
def store(url):
    return Store(url)


@pytest.fixture
def asked(monkeypatch):
    """Names of the manifests that are fetched."""
    seen = []
    original = remote.RemoteFolder.contents

    def counted(self, wanted):
        wanted = list(wanted)
        seen.extend(wanted)
        return original(self, wanted)

    monkeypatch.setattr(remote.RemoteFolder, "contents", counted)
    return seen


def forget(store):
    """Lose every local copy, as another machine that has none."""
    shutil.rmtree(store.workspace)


def test_identity_a_remote_run_is_the_same_run(store, url, publish):
    files = {"notebook.ipynb": "{}", "report.html": "<p>é", "artifacts/a b.txt": "text"}
    run = publish(store, KEY, files)
    assert (store.local, run.origin) == (None, url)
    assert store.runs() == [run] == list_runs(store=url) == [store.find(KEY)]
    assert store.find_all([KEY, OTHER]) == {KEY: run}
    assert load(run.id, url) == load(KEY[:6], url) == run
    assert [row.params for row in store.rows()] == [run.params]
    forget(store)
    assert store.runs() == [run]
    assert run.report.read_text() == "<p>é"
    assert (run.folder / "artifacts" / "a b.txt").read_text() == "text"
    assert run.notebook.parent == run.folder == store.workspace / run.id
    system, root = store.place.opened()
    system.rm_file(f"{root}/{run.id}/report.html")
    assert run.report.read_text() == "<p>é"          # runs do not change: fetched once


def test_identity_results_come_back_from_afar(study, monkeypatch, url):
    monkeypatch.setenv("WORKBENCH_RUNS", url)
    result = Result(Summary({}), arrays={"a": np.arange(3)}, networks={"n": {"w": np.ones(2)}})
    run = save(study, study.Params(), result)
    forget(Store())
    (listed,) = list_runs(study)
    assert listed == run
    np.testing.assert_array_equal(listed.arrays()["a"], np.arange(3))
    np.testing.assert_array_equal(listed.networks()["n"]["w"], np.ones(2))


def test_identity_only_new_manifests_are_fetched(store, publish, asked):
    runs = [publish(store, KEY), publish(store, OTHER)]
    assert len(store.runs()) == 2
    asked.clear()
    assert store.runs() == runs[::-1]
    assert (store.find(KEY), asked) == (runs[0], [])
    new = publish(store)
    asked.clear()
    assert (store.runs()[0], asked) == (new, [new.id])
    system, root = store.place.opened()
    path = f"{root}/{new.id}/manifest.json"
    system.pipe_file(path, system.cat_file(path).replace(b'"Tiny"', b'"Other title"'))
    assert store.runs()[0].title == "Other title"
    store.remove(new)
    assert store.runs() == runs[::-1]
    assert store.find(KEY) == runs[0]


def test_identity_the_manifest_is_sent_last(store, publish, monkeypatch):
    states = []
    original = remote._send

    def watched(system, files):
        original(system, files)
        states.append([run.state for run in Store(store.url).runs()])

    monkeypatch.setattr(remote, "_send", watched)
    publish(store)
    assert states
    assert all(state == ["running"] for state in states)     # seen on this machine only
    assert [run.state for run in store.runs()] == ["succeeded"]


def test_identity_shared_files_travel_along(store, publish, tmp_path):
    shared = store.workspace / "_assets" / "style-1.css"
    shared.parent.mkdir(parents=True)
    shared.write_text("p {}")
    run = publish(store, KEY, {"report.html": "../_assets/style-1.css"})
    (tmp_path / "index.html").write_text("index")
    store.put("index.html", tmp_path / "index.html")
    assert store.exists("_assets/style-1.css")
    assert store.exists("index.html")
    assert not store.exists("_assets/none.css")
    forget(store)
    assert (run.report.parent / "../_assets/style-1.css").resolve().read_text() == "p {}"
    assert store.fetch("index.html").read_text() == "index"
    assert store.fetch("none.html") is None
    assert [each.id for each in store.runs()] == [run.id]


def test_identity_links_are_not_sent(store, tmp_path):
    (tmp_path / "secret").write_text("secret")
    record = {**staging.BLANK, "key": KEY, "state": "succeeded", "error": ""}
    with store.staged("tiny", KEY) as stage:
        (stage.folder / "stolen.txt").symlink_to(tmp_path / "secret")
        (stage.folder / "folder").symlink_to(tmp_path)
        run = store.publish(stage, record)
    system, root = store.place.opened()
    assert [path.rpartition("/")[2] for path in system.find(f"{root}/{run.id}")] == [
        "manifest.json"]
    assert json.loads(system.cat_file(f"{root}/{run.id}/manifest.json"))["files"] == {}


def test_identity_processes_share_a_bucket(bucket, publish):
    url = f"s3://{bucket}/runs"
    code = ("import sys\nfrom workbench.runs import Store\n"
            "from workbench.runs.storage.staging import BLANK, timestamp\n"
            "store, key = Store(sys.argv[1]), sys.argv[2]\n"
            "with store.claim(key, wait=60.0) as mine:\n"
            "    assert mine\n"
            "    if store.find(key) is None:\n"
            "        with store.staged('tiny', key) as stage:\n"
            "            store.publish(stage, {**BLANK, 'key': key, 'state': 'succeeded',\n"
            "                                  'error': '', 'started': timestamp()})\n"
            "        print('executed')\n")
    workers = [subprocess.Popen([sys.executable, "-c", code, url, key], text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)
               for key in (KEY, KEY, KEY, OTHER)]
    told = [worker.communicate() for worker in workers]
    assert [err for _, err in told] == [""] * 4
    assert sorted(out for out, _ in told[:3]) == ["", "", "executed\n"]
    assert sorted(run.key for run in Store(url).runs()) == [KEY, OTHER]
    assert Store(url).place.claimed() == []
