"""What can be taken away of a result: exact tables, a notebook that runs, a link that returns."""

import io
import json
import zipfile
from dataclasses import replace

import nbformat
import numpy as np
import pandas as pd
import pytest
from nbclient import NotebookClient

from workbench import runs
from workbench.studies import opinion_trends
from workbench.ui import StudyPage, address
from workbench.ui.computing import Shown, live, saved
from workbench.ui.parts.sharing import lab_address, state_of
from workbench.ui.site import Site
from workbench.ui.takeaways import archive, csv, makers, notebook, parquet


@pytest.fixture
def frame():
    """A table of every kind of column that a study may give."""
    return pd.DataFrame({
        "x": [0.1, np.nan, 1e-300], "n": pd.array([1, None, 3], dtype="Int64"),
        "when": pd.to_datetime(["2024-01-01 12:00", None, "2024-01-03 00:00"]),
        "text": ["é,\"a\"", None, "=1+1"], "is": [True, False, True],
        "kind": pd.Categorical(["a", "b", "a"])})


def test_recovers_a_table_with_its_types_from_parquet(frame):
    named = frame.set_index(pd.Index([5, 7, 9], name="row"))
    for table in (frame, named, frame[["x", "when"]].iloc[:0]):
        pd.testing.assert_frame_equal(pd.read_parquet(io.BytesIO(parquet(table))), table)


def test_recovers_a_table_from_csv(frame):
    read = pd.read_csv(io.BytesIO(csv(frame)), parse_dates=["when"], keep_default_na=True,
                       dtype={"n": "Int64", "kind": "category"})
    pd.testing.assert_frame_equal(read, frame, check_dtype=False)
    assert csv(frame).startswith(b"x,n,when")
    named = frame[["x"]].set_index(pd.Index([5, 7, 9], name="row"))
    assert csv(named).decode().splitlines()[:2] == ["row,x", "5,0.1"]


def test_identity_equal_files_make_an_equal_archive():
    files = {"a.csv": lambda: b"1", "b.csv": lambda: b"2"}
    assert archive(files) == archive(files)
    with zipfile.ZipFile(io.BytesIO(archive(files))) as opened:
        assert {name: opened.read(name) for name in opened.namelist()} == {
            "a.csv": b"1", "b.csv": b"2"}


def test_matches_files_of_a_live_result(tiny):
    shown = live(tiny, tiny.Params(n=4))
    made = makers(tiny, shown)
    assert list(made) == ["tiny-rows.csv", "tiny-rows.parquet", "tiny.ipynb"]
    assert made["tiny-rows.csv"]().decode().splitlines() == ["weight", *["0.25"] * 4]


def test_identity_a_run_of_other_parameters_keeps_its_tables(tiny):
    shown = replace(live(tiny, tiny.Params()), values={"gone": 1})
    assert list(makers(tiny, shown)) == ["tiny-rows.csv", "tiny-rows.parquet"]


def test_rejects_files_that_are_not_offered(tiny):
    params = tiny.Params()
    runs.save(tiny, params, tiny.run(params))
    page = StudyPage(tiny)
    shelf = next(one for one in page.main.select() if hasattr(one, "offer"))
    assert [each["name"] for each in shelf.offer["tables"]] == ["rows"]
    for name in ("../../etc/passwd", "tiny-rows.xlsx", None):
        assert "no longer offered" in shelf._asked({"kind": "file", "name": name})["problem"]
    assert "must be known" in shelf._asked({"kind": "lab"})["problem"]


def test_recovers_the_result_from_its_address(tiny):
    params = tiny.Params(n=4, word="a b&c=d")
    run = runs.save(tiny, params, tiny.run(params))
    assert address.read(tiny, state_of(tiny, saved(tiny, run))).run.id == run.id
    assert address.read(tiny, state_of(tiny, live(tiny, params))).values == {
        "n": 4, "word": "a b&c=d"}
    assert state_of(tiny, None) == ""


def test_matches_the_address_in_the_lab(tmp_path, monkeypatch):
    (tmp_path / "notebooks").mkdir()
    source = runs.Task.of_study(opinion_trends, opinion_trends.Params()).notebook
    (tmp_path / "notebooks" / source.name).write_bytes(source.read_bytes())
    monkeypatch.setenv("WORKBENCH_ROOT", str(tmp_path))
    shown = Shown(opinion_trends.Params(level=0.5).values())
    found = lab_address("http://127.0.0.1:8888/?token=t", opinion_trends, shown)
    place, _, copy = found.removesuffix("?token=t").partition("/lab/tree/")
    assert place == "http://127.0.0.1:8888"
    assert "level = 0.5" in (tmp_path / copy).read_text(encoding="utf-8")


def test_identity_the_notebook_says_what_was_shown():
    values = opinion_trends.Params(
        level=0.5, question='"x"\n{y}', scale=[0, 1.5], nu=None).values()
    book = nbformat.reads(notebook(opinion_trends, values).decode(), 4)
    nbformat.validate(book)
    tags = [cell.metadata.get("tags", []) for cell in book.cells]
    at = tags.index(["injected-parameters"])
    assert tags[at - 1] == ["parameters"]
    scope: dict = {}
    exec(book.cells[at].source, scope)
    assert {name: scope[name] for name in values} == values
    assert "papermill" not in json.dumps(book.metadata)


def test_recovers_the_result_by_running_the_notebook(tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBENCH_RUNS", str(tmp_path / "runs"))
    values = opinion_trends.Params(**opinion_trends.SMOKE, sampler="laplace", seed=3).values()
    book = nbformat.reads(notebook(opinion_trends, values).decode(), 4)
    NotebookClient(book, timeout=600, resources={"metadata": {"path": tmp_path}}).execute()
    [run] = runs.list_runs(opinion_trends)
    assert dict(run.params) == values
    assert run.state == "succeeded"


def test_identity_a_site_with_a_lab_offers_to_open_it(tiny):
    params = tiny.Params()
    runs.save(tiny, params, tiny.run(params))
    for site, lab in ((Site(), False), (Site(lab="http://127.0.0.1:1"), True),
                      (Site(lab="http://127.0.0.1:1", may_run=False), False)):
        page = StudyPage(tiny, site)
        shelf = next(one for one in page.main.select() if hasattr(one, "offer"))
        assert shelf.offer["lab"] is lab
        assert bool(shelf.offer["command"]) is not lab
