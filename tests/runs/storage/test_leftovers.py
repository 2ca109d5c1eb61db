"""What killed processes leave half written: in a store, and in a run that is salvaged."""

import json
import os
from pathlib import Path

import pytest

from workbench.runs import Store
from workbench.runs.keys.environment import remember_environment
from workbench.runs.reports import assets
from workbench.runs.storage import owners
from workbench.runs.storage.clean import clean

HASH = "e" * 32
LEFT = ["_assets/.report-0000000a.js.0a1b2c.partial",
        "_assets/.bokeh-3.8.0.text.js.abcdef.partial",
        f"_environments/.{HASH}.json.0a1b2c.partial", f"_environments/.{HASH}.json.4711.partial",
        ".index.html.0a1b2c.partial", "{run}/.report.html.0a1b2c.partial",
        "{run}/.report.pdf.0a1b2c.partial", "{run}/.report.pdf.4711.partial"]


@pytest.mark.parametrize("where", ["folder", "address"])
def test_recovers_room_of_files_half_written(where, tmp_path, publish):
    store = Store(tmp_path / "runs" if where == "folder" else f"memory://{tmp_path.name}")
    run = publish(store, key_parts={"environment": HASH})
    others = ["{run}/.mine.csv.0a1b2c.partial", "_assets/.mine.0a1b2c.partial", "notes/" + LEFT[4],
              "{run}/artifacts/.report.html.0a1b2c.partial", ".report.md.0a1b2c.partial"]
    left, kept = ([store.workspace / name.format(run=run.id) for name in names]
                  for names in (LEFT, others))
    for path in left + kept:
        path.parent.mkdir(exist_ok=True)
        path.write_text("x")
    clean(store=store)
    assert all(path.exists() for path in left)      # they may still be written
    for path in left + kept:
        os.utime(path, (0, 0))
    clean(store=store, dry_run=True)
    assert all(path.exists() for path in left)
    clean(store=store)
    assert [path for path in left if path.exists()] == []
    assert all(path.exists() for path in kept)
    assert store.runs() == [run]


def test_recovers_what_each_writer_leaves_when_it_is_killed(tmp_path, publish, monkeypatch):
    store = Store(tmp_path)
    run = publish(store)
    folders = [store.local, run.folder, store.local / "_environments"]
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", lambda *_: None)
        assets.write_page(run.folder / "report.html", "x")
        assets.write_page(store.local / "index.html", "x")
        store.put("index.html", run.folder / "manifest.json")
        remember_environment(folders[2])
        assets.shared(store.local, "report.js")
    folders.append(store.local / "_assets")
    left = [path for folder in folders for path in folder.glob(".*.partial")]
    assert len(left) == 6
    for path in left:
        os.utime(path, (0, 0))
    clean(store=store)
    assert [path for path in left if path.exists()] == []


def test_recovers_a_run_that_was_killed_while_it_wrote(tmp_path):
    half = [".metrics.json.0a1b2c.partial", ".metrics.json.partial", ".begun.json.abcdef.partial",
            ".manifest.json.012345.partial", ".report.html.0a1b2c.partial"]
    mine = [".mine.json.0a1b2c.partial", "metrics.json.0a1b2c.partial"]
    store = Store(tmp_path)
    with store.staged("tiny", "ab" * 32, {"study": "tiny"}) as stage:
        for name in half + mine:
            (stage.folder / name).write_text('{"params')
        stage.folder.rename(tmp_path / f".{stage.id}.{owners.place()}.0-0.partial")
    (run,) = store.sweep()
    assert {path.name for path in run.folder.iterdir()} == {"manifest.json", *mine}
    manifest = json.loads((run.folder / "manifest.json").read_text())
    assert set(manifest["files"]) == set(mine)


def test_recovers_a_run_whose_notebook_took_the_name_for_a_folder(tmp_path, publish):
    store = Store(tmp_path)
    run = publish(store, files={".metrics.json.partial/x": "mine"})
    assert store.runs() == [run]
    assert (run.folder / ".metrics.json.partial" / "x").read_text() == "mine"
