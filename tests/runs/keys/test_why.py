"""Why a key is another one: each component told by name, and nothing told when nothing differs."""

import json
from pathlib import Path

import pytest

from workbench.runs import save
from workbench.runs.keys import environment, fingerprint
from workbench.runs.keys.why import why, why_not
from workbench.runs.storage.names import ENVIRONMENTS
from workbench.runs.storage.store import Store

PARTS = {
    "schema": 2, "cells": [["imports", "a"], ["run", "b"], ["save", "c"]],
    "params": {"n": 3, "word": "plain", "share": 0.5}, "code": {"near": "1", "far": "2"},
    "data": {"table": "f" * 32}, "environment": "0" * 32, "python": "3.11.7", "device": "cpu",
    "kernel": "", "cache": ""}


def told(old, new, store):
    return [str(each) for each in why(old, new, store=store).differences]


@pytest.mark.parametrize(("component", "value", "expected"), [
    ("cells", [["imports", "a"], ["run", "x"], ["save", "c"]], ["cell run changed"]),
    ("cells", [["imports", "a"], ["save", "c"]], ["cell run is gone"]),
    ("cells", [*PARTS["cells"], ["more", "d"]], ["cell more is new"]),
    ("cells", PARTS["cells"][::-1], ["order of the cells changed"]),
    ("cells", [["renamed", "a"], ["run", "b"], ["save", "c"]], []),
    ("params", {"n": 5, "word": "plain", "share": 0.5}, ["parameter n: 3 → 5"]),
    ("params", {"n": 3.0, "word": "plain", "share": 0.5}, ["parameter n: 3 → 3.0"]),
    ("params", {"n": 3, "word": "3", "more": None},
     ['parameter word: "plain" → "3"', "parameter share (0.5) is gone",
      "parameter more (null) is new"]),
    ("params", {**PARTS["params"], "share": {"float": "nan"}}, ["parameter share: 0.5 → nan"]),
    ("params", {**PARTS["params"], "word": "x" * 500},
     [f'parameter word: "plain" → "{"x" * 58}…']),
    ("code", {"near": "9", "new": "3"},
     ["source near changed", "source far is gone", "source new is new"]),
    ("data", {"table": "a" * 32}, ["data table: content ffffffff → content aaaaaaaa"]),
    ("data", {"table": None}, ["data table: content ffffffff → no file"]),
    ("environment", "1" * 32, ["package numpy: 2.0 → 2.1", "package old (1.0) is gone",
                               "package new (3.0) is new"]),
    ("environment", "2" * 32, ["installed packages changed"]),
    ("python", "3.12.0", ["Python: 3.11.7 → 3.12.0"]), ("device", "cuda", ["device: cpu → cuda"]),
    ("kernel", "r", ["kernel: none → r"]), ("cache", "never", ["cache: none → never"]),
    ("later", 1, ["component later changed"]),
], ids=str)
def test_matches_what_differs(tmp_path, component, value, expected):
    folder = tmp_path / ENVIRONMENTS
    folder.mkdir()
    for name, packages in (("0", {"numpy": "2.0", "old": "1.0", "same": "1"}),
                           ("1", {"new": "3.0", "numpy": "2.1", "same": "1"})):
        (folder / f"{name * 32}.json").write_text(json.dumps({"packages": packages}))
    other = PARTS | {component: value}
    assert told(PARTS, other, tmp_path) == expected
    assert (fingerprint.key_of(PARTS) == fingerprint.key_of(other)) == (not expected)
    assert told(PARTS, PARTS, tmp_path) == []
    assert len(told(other, PARTS, tmp_path)) == len(expected)


def test_matches_lines_and_html(tmp_path):
    other = PARTS | {"params": {**PARTS["params"], "word": "<b>"}, "environment": "2" * 32}
    found = why(PARTS, other, store=tmp_path)
    assert str(found).splitlines() == [
        "From the first key to the second key, 2 things changed:",
        '  parameter word: "plain" → "<b>"', "  installed packages changed",
        "Note: The store has not kept both lists of packages, so they cannot be named."]
    assert "<b>" not in found._repr_html_()
    assert "&lt;b&gt;" in found._repr_html_()
    assert str(why(PARTS, PARTS, store=tmp_path)) == (
        "Nothing that decides a result differs between the first key and the second key.")


@pytest.mark.parametrize(("old", "words"), [
    ({}, "kept no parts of its key"), ({"schema": 99}, "has a key of schema 99"),
    ({"schema": 1, "cells": "0" * 64, "params": {"n": 4}, "python": "3.11.7"}, "of schema 1"),
    ({"schema": 2, "cells": [3], "params": [], "code": "x", "environment": 3}, ""),
], ids=str)
def test_recovers_from_unknown_parts(tmp_path, old, words):
    found = why(old, PARTS, store=tmp_path)
    assert words in str(found)
    assert "Nothing that decides" not in str(found)
    assert found.complete == (not words)
    if old.get("schema") == 1:
        assert str(found.differences[0]) == "parameter n: 4 → 3"


@pytest.fixture
def saved(study, store):
    """Save a result of the tiny study with these parameters."""
    def save_with(**values):
        params = study.Params(**values)
        return save(study, params, study.run(params))
    return save_with


def test_matches_two_runs_and_today(study, store, saved, monkeypatch):
    runs = [saved(n=4), saved(n=5)]
    expected = ["parameter n: 4 → 5"]
    for first, second in (runs, [run.id for run in runs], [run.key[:12] for run in runs]):
        found = why(first, second, store=store)
        assert [str(each) for each in found.differences] == expected
    assert str(why(runs[0].id, store=store)) == (
        f"Nothing that decides a result differs between {runs[0].id} and today.")
    Path(study.__file__).write_text(Path(study.__file__).read_text() + "\n# changed\n")
    found = why(runs[0], store=store)
    assert [str(each) for each in found.differences] == ["source tiny changed"]


def test_matches_why_a_report_would_run_again(study, store, saved, tmp_path):
    params = study.Params(n=4)

    def today(values=params):
        return fingerprint.key_parts(fingerprint.notebook_path(study), values.values(),
                                     study=study)

    assert str(why_not("tiny", today(), store=store)) == (
        "tiny has no earlier run to compare with.")
    runs = [saved(n=4), saved(n=5)]
    found = why_not("tiny", today(), store=store)
    assert (found.before, found.differences) == (runs[0].id, ())
    assert why_not("tiny", today(study.Params(n=6)), store=store).before == runs[1].id
    Path(study.__file__).write_text(Path(study.__file__).read_text() + "\n# changed\n")
    found = why_not("tiny", today(), store=store)
    assert (found.before, [str(each) for each in found.differences]) == (
        runs[0].id, ["source tiny changed"])
    never = why_not("tiny", today() | {"cache": "never"}, store=store)
    assert "It is executed each time: the notebook's metadata say" in str(never)


def test_matches_packages_that_the_store_kept(study, store, saved, monkeypatch):
    run, numpy = saved(n=4), fingerprint.versions()["numpy"]
    environment.remember_environment(store / ENVIRONMENTS)
    packages = environment.environment().packages | {"numpy": "99.0"}
    monkeypatch.setattr("workbench.runs.keys.environment.environment",
                        lambda: environment.Environment("9" * 32, packages))
    found = why(run, store=Store(store))
    assert [str(each) for each in found.differences] == [f"package numpy: {numpy} → 99.0"]


def test_rejects_what_has_no_key(study, store, saved):
    run = saved(n=4)
    with pytest.raises(ValueError, match="run_id must"):
        why("nothing", run, store=store)
    with pytest.raises(ValueError, match="the second key must be a run"):
        why(run, 3, store=store)
    with pytest.raises(ValueError, match="after must be given when before is no run"):
        why(PARTS, store=store)
