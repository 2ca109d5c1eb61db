"""Cleaning: what is removed, what never is, and what is left of it."""

import json
import os
import time
from datetime import UTC, datetime, timedelta

import pytest

from workbench.runs import Store
from workbench.runs.storage import owners
from workbench.runs.storage.clean import GRACE, clean

DAYS = [10, 5, 1]


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "runs")


@pytest.fixture
def aged(store, publish, monkeypatch):
    """Publish a run of some days ago: ``aged(days, **changes)``."""
    def make(days, **changes):
        then = datetime.now(UTC) - timedelta(days=days)

        class Then(datetime):
            @classmethod
            def now(cls, tz=None):
                return then.astimezone(tz)

        with monkeypatch.context() as patch:
            patch.setattr("workbench.runs.storage.names.datetime", Then)
            return publish(store, started=then.isoformat(), **changes)

    return make


def test_matches_age(store, aged):
    runs = [aged(days) for days in DAYS]
    wanted = {"older_than": timedelta(days=4), "store": store}
    assert clean(**wanted, dry_run=True) == [runs[1], runs[0]]
    assert len(store.runs()) == 3
    assert clean(**wanted) == [runs[1], runs[0]]
    assert store.runs() == [runs[2]]
    assert {path.name for path in store.local.iterdir()} == {runs[2].id}
    assert store.find(runs[0].key) == runs[2]


def test_matches_the_newest_of_each_study(store, aged):
    a = [aged(days, study="a") for days in DAYS]
    b = [aged(days, study="b") for days in DAYS]
    removed = clean(keep_latest=2, store=store)
    assert removed == [a[0], b[0]] or removed == [b[0], a[0]]
    assert clean(keep_latest=1, older_than=timedelta(days=7), store=store) == []
    assert clean(keep_latest=1, older_than=timedelta(days=4), store=store.url) != []
    assert {run.study for run in store.runs()} == {"a", "b"}
    assert len(store.runs()) == 2


def test_matches_states(store, aged):
    good, bad = aged(5), aged(5, state="failed", error="x")
    assert clean(states=["failed", "killed"], store=store) == [bad]
    assert store.runs() == [good]
    assert clean(states=["succeeded"], older_than=timedelta(days=9), store=store) == []


def test_identity_without_a_condition_no_run_goes(store, aged):
    aged(1000)
    assert clean(store=store) == []
    assert len(store.runs()) == 1


def test_identity_running_and_damaged_runs_stay(store, aged):
    broken = aged(50)
    (broken.folder / "manifest.json").write_text("{")
    newer = aged(50, study="newer")
    text = (newer.folder / "manifest.json").read_text()
    (newer.folder / "manifest.json").write_text(text.replace('_version": 2', '_version": 3'))
    foreign = store.local / "notes"
    foreign.mkdir()
    (foreign / "manifest.json").write_text("{}")
    with store.staged("tiny", "ab" * 32, {"study": "tiny"}) as stage:
        assert clean(older_than=timedelta(0), store=store) == []
        assert stage.folder.is_dir()
        assert {run.id for run in clean(states=["damaged"], store=store)} == {broken.id, newer.id}
    assert [run.id for run in store.runs()] == ["notes"]


@pytest.mark.parametrize(("wrong", "told"), [
    ({"keep_latest": -1}, "must not be negative"),
    ({"older_than": timedelta(days=-1)}, "must not be negative"),
    ({"states": ["failed", "running"]}, "must not name 'running'"),
])
def test_rejects_what_makes_no_sense(store, wrong, told):
    with pytest.raises(ValueError, match=told):
        clean(store=store, **wrong)


def test_recovers_room_that_nothing_needs(store, aged):
    run = aged(1, key_parts={"environment": "e" * 32},
               files={"report.html": "../_assets/report-00000001.js"})
    mine = ["mine.txt", ".mine", ".mine.partial", ".trash.removed/x", "_assets/logo.png",
            "_assets/site.css", "_environments/notes.json"]
    keep = ["_assets/report-00000001.js", "_assets/theme-2.css", f"_environments/{'e' * 32}.json",
            ".claims", "index.html", *mine]
    drop = ["_assets/report-00000002.js", f"_environments/{'f' * 32}.json",
            "_assets/bokeh-gl-3.8.0.text.js", f".claims/{'ab' * 32}.lock",
            f".{run.id}.0a1b2c.removed/x"]
    for name in keep + drop:
        path = store.local / name
        if name == ".claims":
            continue
        path.parent.mkdir(exist_ok=True)
        path.write_text('src="_assets/theme-2.css"' if name == "index.html" else "x")
    young = [store.local / "_assets" / "panel-1.9.text.js",
             store.local / ".index.html.0d0d0d.partial"]
    for path in young:
        path.write_text("x")
    old = time.time() - 2 * GRACE
    for path in [*store.local.rglob("*"), *store.local.glob(".*.removed")]:
        if path not in young:
            os.utime(path, (old, old))
    clean(store=store, dry_run=True)
    assert all((store.local / name).exists() for name in keep + drop)
    with store.staged("tiny", "ab" * 32):       # it may be about to use what no report names yet
        clean(store=store)
        assert all((store.local / name).exists() for name in drop[:3])
    clean(store=store)
    assert [name for name in keep if not (store.local / name).exists()] == []
    assert [name for name in drop if (store.local / name).exists()] == []
    assert all(path.exists() for path in young)
    assert store.runs() == [run]


def test_identity_assets_of_another_place_stay(store, aged, tmp_path):
    aged(1)
    shared = tmp_path / "shared" / "report-00000002.js"
    shared.parent.mkdir()
    shared.write_text("x")
    partial = shared.with_name(".report-00000002.js.0a1b2c.partial")
    partial.write_text("x")
    for path in (shared, partial):
        os.utime(path, (0, 0))
    (store.local / "_assets").symlink_to(shared.parent)
    clean(store=store)
    assert shared.exists()
    assert partial.exists()


def test_identity_a_name_that_is_no_date_has_no_age(store, publish, monkeypatch):
    monkeypatch.setattr("workbench.runs.storage.staging.new_id",
                        lambda *_: f"99999999T999999Z-tiny-{'ab' * 4}-0a1b2c")
    run = publish(store)
    monkeypatch.undo()
    assert clean(older_than=timedelta(days=1), store=store) == []
    assert clean(states=["succeeded"], store=store) == [run]


def test_recovers_a_lost_run_with_its_report(store, tmp_path):
    for url in (store.url, f"memory://{tmp_path.name}"):
        room = Store(url)
        with room.staged("tiny", "ab" * 32, {"study": "tiny", "title": "Tiny"}) as stage:
            gone = stage.folder.rename(stage.folder.with_name(
                f".{stage.id}.{owners.place()}.0-0.partial"))
        assert gone.exists()
        assert clean(older_than=timedelta(days=1), store=room) == []
        run, = room.runs()
        assert run.state == "lost"
        assert "This run was lost" in run.report.read_text(encoding="utf-8")
        assert room.exists(f"{run.id}/report.html")


def test_identity_a_claim_that_is_held_stays(store):
    with store.claim("ab" * 32):
        clean(store=store)
        assert store.place.claimed() == ["ab" * 32]


def test_recovers_a_remote_store(tmp_path, publish):
    store = Store(f"memory://{tmp_path.name}")
    old, new = (publish(store, started=f"20{year}-01-01T00:00:00Z") for year in (20, 30))
    system, root = store.place.opened()
    system.pipe_file(f"{root}/.claims/{'ab' * 32}.json", json.dumps({"owner": "x"}).encode())
    assert clean(keep_latest=1, store=store) == [old]
    assert store.runs() == [new]
    assert not system.exists(f"{root}/{old.id}")
    assert not (store.workspace / old.id).exists()


def test_identity_readers_never_see_a_run_go(store, publish, monkeypatch):
    run = publish(store)
    seen = []
    monkeypatch.setattr("workbench.runs.storage.local_folder.shutil.rmtree",
                        lambda *_, **__: seen.append(store.runs()))
    store.remove(run)
    assert seen == [[]]
    with pytest.raises(ValueError, match="must be a finished run of the store"), \
            store.staged("tiny", "ab" * 32, {"study": "tiny"}):
        store.remove(store.runs()[0])
