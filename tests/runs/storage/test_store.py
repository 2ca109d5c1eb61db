"""Run folders: what is listed, what is refused, what is cleaned up."""

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from workbench.core import Estimate, Interval, Result, Summary, libraries
from workbench.runs import key, list_runs, load, save


@pytest.fixture
def result(study):
    return study.run(study.Params())


def test_identity_saved_result_comes_back(study, store, result):
    run = save(study, study.Params(word="other"), result)
    assert run.folder == store / run.id
    assert load(run.id) == run == list_runs(study)[0]
    assert dict(run.summary) == dict(result.summary)
    pd.testing.assert_frame_equal(run.tables()["rows"], result.tables["rows"])
    assert (run.notebook, run.report, run.inference()) == (None, None, {})
    assert run.changed == {"word": "other"}
    assert run.key == key(study, study.Params(word="other"))
    assert [path.name for path in store.iterdir()] == [run.id]


def test_identity_posterior_comes_back(study):
    arviz = libraries.arviz()

    draws = np.arange(8.0).reshape(2, 4)
    posterior = arviz.from_dict(posterior={"slope": draws})
    summary = Summary({"slope": Estimate(3.5, Interval(-np.inf, 7.0))})
    run = save(study, study.Params(), Result(summary, inference={"trend": posterior}))
    assert run.summary["slope"].interval.low == -np.inf
    np.testing.assert_array_equal(run.inference()["trend"].posterior["slope"], draws)


def test_matches_newest_first(study, result):
    runs = [save(study, study.Params(n=n), result) for n in (1, 2, 3)]
    assert [run.params["n"] for run in list_runs()] == [3, 2, 1]
    assert list_runs("tiny") == runs[::-1]
    assert list_runs("another") == []


def test_matches_no_store(study, tmp_path):
    assert list_runs(store=tmp_path / "nowhere") == []


@pytest.mark.parametrize("spoil", [
    lambda text: text[:0], lambda text: text[:200], lambda text: text[:0] + "[]",
    lambda text: text.replace("{", "[" * 100_000),
    lambda text: text.replace('"succeeded"', '"splendid"'),
    lambda text: text.replace('"summary": {', '"summary": {"x": 3,'),
    lambda text: text.replace('"title"', '"titel"'),
    lambda text: text.replace('"title"', '"peak_memory": 1e999, "title"'),
    lambda text: text.replace('"seconds": null', '"seconds": 1' + 400 * "0"),
    lambda text: text.replace('"schema_version"', '"version"'),
    lambda text: text.replace('"schema_version": 2', '"schema_version": true'),
], ids=range(11))
def test_recovers_from_a_spoilt_record(study, result, spoil):
    run = save(study, study.Params(), result)
    record = run.folder / "manifest.json"
    record.write_text(spoil(record.read_text()))
    listed = list_runs()[0]
    assert (listed.id, listed.state) == (run.id, "damaged")
    assert "manifest.json cannot be used" in listed.error
    assert "Move the folder out of the store, or run the study again." in listed.error
    assert load(run.id).state == "damaged"


@pytest.mark.parametrize("run_id", [
    "..", "../secret", "/etc", "%2e%2e", "a\x00b", "", "20260101T000000Z-tiny-01234567-abcdef/..",
    "20260101T000000Z-tiny-01234567-abcdeg", None,
])
def test_rejects_identifiers_that_are_none(study, result, run_id):
    save(study, study.Params(), result)
    with pytest.raises(ValueError, match="run_id must name a saved run, got"):
        load(run_id)


def test_rejects_unknown_run_naming_the_nearest(study, result):
    run = save(study, study.Params(), result)
    with pytest.raises(ValueError, match=f"Did you mean {run.id!r}"):
        load(run.id[:-1] + ("0" if run.id[-1] != "0" else "1"))


def test_rejects_names_that_are_no_file_names(study, store):
    wrong = Result(Summary({}), {"../up": pd.DataFrame({"x": [1]})})
    with pytest.raises(ValueError, match=r"must be letters.*'\.\./up'"):
        save(study, study.Params(), wrong)
    assert list(store.iterdir()) == []


def test_identity_key_sees_each_component(study, tmp_path, monkeypatch, make_notebook):
    base = study.Params()
    first = key(study, base)
    assert first == key(study, study.Params())
    assert len(first) == 64
    table = tmp_path / "mine.csv"
    table.write_text("a\n1\n")
    named = study.Params(data=str(table))
    with_data = key(study, named)
    table.write_text("a\n2\n")
    path = Path(os.environ["WORKBENCH_ROOT"]) / "notebooks" / "tiny.ipynb"
    keys = [first, key(study, study.Params(n=4)), with_data, key(study, named)]
    make_notebook(path, ("more", "1 + 1"))
    keys.append(key(study, base))
    make_notebook(path, ("prose-text", "only text"))
    assert key(study, base) == first
    Path(study.__file__).write_text("changed = True")
    keys.append(key(study, base))
    monkeypatch.setattr("platform.python_version", lambda: "4.0")
    keys.append(key(study, base))
    assert len(set(keys)) == len(keys) == 7


def test_matches_record_is_plain_json(study, result):
    run = save(study, study.Params(), result)
    record = json.loads((run.folder / "manifest.json").read_text())
    assert record["schema_version"] == 2
    assert record["seed"] == 0
    assert record["key_parts"]["params"] == study.Params().values()
    assert record["files"]["artifacts/rows.parquet"]["media_type"].endswith("parquet")
