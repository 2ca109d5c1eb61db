"""What else may lie in a store: foreign folders, links, runs of another workbench."""

import pytest

from workbench.runs import list_runs, load, save


@pytest.fixture
def run(study, store):
    return save(study, study.Params(), study.run(study.Params()))


def test_identity_foreign_content_is_no_run(store, run):
    for name in ("notes", "_assets", ".hidden.partial", "2024"):
        (store / name).mkdir()
    (store / "notes" / "figure.png").write_text("x")
    (store / "loose.txt").write_text("x")
    (store / run.id.replace("tiny", "other")).write_text("a file, not a folder")
    assert list_runs() == [run]


def test_recovers_runs_that_were_renamed_or_emptied(store, run):
    run.folder.rename(store / "notes")
    (store / run.id).mkdir()
    told = {each.id: each.error for each in list_runs()}
    assert set(told) == {"notes", run.id}
    assert {each.state for each in list_runs()} == {"damaged"}
    assert told["notes"].startswith("manifest.json cannot be used")
    assert load("notes").error == told["notes"]
    assert told[run.id].startswith("manifest.json is missing, so the run never finished. Move the")


@pytest.mark.parametrize(("version", "told"), [
    (3, "a newer workbench (schema 3, this one reads 2). Update workbench"),
    (1, "an older workbench (schema 1, this one reads 2). Run the study again"),
])
def test_recovers_runs_of_another_schema(run, version, told):
    record = run.folder / "manifest.json"
    record.write_text(record.read_text().replace('"schema_version": 2',
                                                 f'"schema_version": {version}'))
    for found in (list_runs()[0], load(run.id)):
        assert (found.id, found.state, dict(found.summary)) == (run.id, "damaged", {})
        assert told in found.error


def test_rejects_a_link_out_of_the_store(store, run, tmp_path):
    run.folder.rename(tmp_path / run.id)
    run.folder.symlink_to(tmp_path / run.id)
    (store / "loop").symlink_to(store / "loop")
    with pytest.raises(ValueError, match="a link out of it"):
        load(run.id)
    assert list_runs() == []


def test_identity_a_store_behind_a_link_lists_its_runs(store, run, tmp_path):
    (tmp_path / "elsewhere").symlink_to(store, target_is_directory=True)
    assert [found.id for found in list_runs(store=tmp_path / "elsewhere")] == [run.id]
    assert load(run.id, tmp_path / "elsewhere").state == "succeeded"
