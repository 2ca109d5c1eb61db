"""A remote store that cannot be reached, holds half a run, or was tampered with."""

import json
import os
import shutil
from unittest.mock import Mock

import pytest

from workbench.runs import Store, list_runs
from workbench.runs.storage import remote
from workbench.runs.storage.names import StoreError

KEY, OTHER = "ab" * 32, "cd" * 32


@pytest.fixture
def store(url):
    return Store(url)


def forget(store):
    """Lose every local copy, as another machine that has none."""
    shutil.rmtree(store.workspace)


def test_recovers_a_run_that_could_not_be_sent(store, publish, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(remote, "_send", Mock(side_effect=TimeoutError("no network")))
        with pytest.raises(StoreError, match=r"could not be sent \(no network\). It is kept in"):
            publish(store, KEY, {"notebook.ipynb": "precious"})
    assert store.runs(states=["succeeded"]) == []
    assert store.find(KEY) is None
    (run,) = store.sweep()
    assert (run.state, run.key) == ("succeeded", KEY)
    assert store.runs() == [run]
    forget(store)
    assert run.notebook.read_text() == "precious"


def test_recovers_a_lost_run(store):
    with store.staged("tiny", KEY, {"study": "tiny", "key": KEY, "params": {"n": 1}}) as stage:
        (stage.folder / "log.txt").write_text("so far")
        assert [run.state for run in store.runs()] == ["running"]
        stage.folder.rename(stage.folder.with_name(
            stage.folder.name.replace(f".{os.getpid()}-", ".0-")))
    (run,) = store.sweep()
    assert (run.state, run.params, store.runs()) == ("lost", {"n": 1}, [run])
    assert (run.folder / "log.txt").read_text() == "so far"


def test_recovers_damaged_folders(store, publish, monkeypatch):
    run, spoilt = publish(store, KEY), publish(store, OTHER)
    system, root = store.place.opened()
    system.pipe_file(f"{root}/{spoilt.id}/manifest.json", b'{"schema_version": 2')
    unfinished = run.id.replace("tiny", "part")
    system.pipe_file(f"{root}/{unfinished}/notebook.ipynb", b"{}")
    system.pipe_file(f"{root}/notes/other.txt", b"mine")
    assert {each.id: each.state for each in store.runs()} == {
        run.id: "succeeded", spoilt.id: "damaged"}
    monkeypatch.setattr(remote, "UNFINISHED", -10.0)
    told = {each.id: each for each in store.runs(states=["damaged"])}
    assert "never finished" in told[unfinished].error
    assert (told[unfinished].report, told[spoilt.id].report) == (None, None)
    assert store.find(OTHER) is None


@pytest.mark.parametrize("path", ["../x", "/etc/passwd", "a/../../x", "a//b", "", ".", "a\0b",
                                  "%2e%2e/x", "a\\b", "~/x", "C:/x", "a\nb"])
def test_rejects_paths_that_lead_out(tmp_path, path):
    for store in (Store(tmp_path), Store("memory://paths")):
        for ask, more in ((store.exists, ()), (store.fetch, ()), (store.put, (tmp_path,))):
            with pytest.raises(ValueError, match="must be relative to the store and stay in it"):
                ask(path, *more)


def test_rejects_a_run_with_files_that_lead_out(bucket, publish):
    import boto3

    store = Store(f"s3://{bucket}/runs")
    run = publish(store)
    forget(store)
    boto3.client("s3").put_object(Bucket=bucket, Key=f"runs/{run.id}/../../../evil", Body=b"x")
    assert store.runs() == [run]
    with pytest.raises(StoreError, match="holds a file that would lead out of its folder"):
        _ = run.folder
    with pytest.raises(StoreError):
        _ = run.report
    assert not list(store.workspace.parent.rglob("*evil*"))


def test_rejects_what_did_not_arrive_as_it_was_sent(store, publish):
    run = publish(store, KEY, {"notebook.ipynb": "as it was"})
    forget(store)
    system, root = store.place.opened()
    system.pipe_file(f"{root}/{run.id}/notebook.ipynb", b"cut")
    with pytest.raises(StoreError, match=r"notebook\.ipynb of the run .* is not what its"):
        _ = run.folder
    assert [path.name for path in store.workspace.iterdir()] == []


def test_rejects_a_run_of_which_a_file_is_gone_or_the_manifest_tells_none(store, publish):
    run = publish(store, KEY, {"notebook.ipynb": "as it was"})
    system, root = store.place.opened()
    told = json.loads(system.cat_file(f"{root}/{run.id}/manifest.json"))
    for files, cause in (({"gone": {"sha256": "0"}}, "gone"), ([], "manifest"),
                         ({"notebook.ipynb": {}}, "the manifest of the run")):
        forget(store)
        system.rm_file(f"{root}/{run.id}/manifest.json")
        system.pipe_file(f"{root}/{run.id}/manifest.json",
                         json.dumps(told | {"files": files}).encode())
        with pytest.raises(StoreError, match=cause) as refusal:
            _ = run.folder
        assert "Errno" not in str(refusal.value)


@pytest.mark.parametrize("name", ["..", "../x", "/etc", "%2e%2e", "a\0b", "", None])
def test_rejects_identifiers_that_are_none(name):
    with pytest.raises(ValueError, match="run_id must name a saved run"):
        Store("memory://none").load(name)


def test_rejects_a_bucket_that_does_not_exist(bucket, publish):
    store = Store(f"s3://{bucket}-other/runs")
    assert store.runs() == []
    with pytest.raises(StoreError, match=r"could not be sent \(The specified bucket does not"):
        publish(store)


@pytest.mark.parametrize(("url", "told"), [
    ("nosuch://place/runs", "Protocol not known: nosuch"),
    ("s3://bucket/runs", "Unable to locate credentials|[Cc]onnect"),
])
def test_rejects_a_store_that_cannot_be_reached(monkeypatch, tmp_path, fresh, url, told):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(StoreError, match=rf"cannot be reached \(.*({told}).*Check its address"):
        list_runs(store=url)


def test_identity_a_passing_fault_is_not_remembered(store, publish, monkeypatch):
    run = publish(store)
    with monkeypatch.context() as patch:
        patch.setattr(remote.RemoteFolder, "_ask", Mock(side_effect=StoreError("no network")))
        with pytest.raises(StoreError, match="no network"):
            store.runs()
    assert store.runs() == [run]
