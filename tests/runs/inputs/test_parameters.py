"""Papermill's parameter forms: the same values as papermill, and nothing that could be code."""

import base64
import datetime
import json
import math
from pathlib import Path

import numpy as np
import pytest
from papermill.cli import _resolve_type
from papermill.translators import PythonTranslator

from workbench.core import ParameterError
from workbench.runs.inputs.parameters import parameters, plain

TEXTS = ["True", "False", "None", "true", "3", "-3", " 4 ", "1_000", "0.5", "1e3", "inf", "nan",
         "", "abc", "0x10", "[1, 2]", "'quoted'", "1/2", "٣"]
HOSTILE = ['quote " and \' and """', "line\nbreak\ttab\r", "back\\slash \\n", "{x} {0} %s $(id)",
           "é 数 😀 \x00", "\udce9", '"); import os; os.abort(); ("', "__import__('os').abort()",
           "\u2028", "\\", "'''", "#"]


@pytest.mark.parametrize("text", TEXTS)
def test_matches_types_of_papermill(text):
    ours, theirs = parameters([("x", text)])["x"], _resolve_type(text)
    assert (type(ours), repr(ours)) == (type(theirs), repr(theirs))
    assert parameters(raw=[("x", text)])["x"] == text


def test_matches_order_of_papermill(tmp_path):
    sources = {"b": {"b": 1, "f": 1, "y": 1, "p": 1, "r": 1},
               "f": {"f": 2, "y": 2, "p": 2, "r": 2},
               "y": {"y": 3, "p": 3, "r": 3}}
    file = tmp_path / "given {x} é.yaml"
    file.write_text(json.dumps(sources["f"]))
    found = parameters(
        [("p", "4"), ("r", "4"), ("twice", "1"), ("twice", "2")], [("r", "5")], [file],
        ["f: 0", json.dumps(sources["y"] | {"f": 2})],
        [base64.b64encode(json.dumps(sources["b"]).encode()).decode()])
    assert found == {"b": 1, "f": 2, "y": 3, "p": 4, "twice": 2, "r": "5"}


def test_matches_yaml_of_papermill():
    text = "{day: 2020-01-01, off_: no, empty: , nested: {1: [a, 0x10, .inf, .nan, 1e3]}}"
    found = parameters(yamls=[text, "", "# nothing"])
    assert found["day"] == "2020-01-01"
    assert (found["off_"], found["empty"]) == (False, None)
    assert found["nested"]["1"][:3] == ["a", 16, math.inf]
    assert math.isnan(found["nested"]["1"][3])


@pytest.mark.parametrize(("value", "expected"), [
    (np.int64(3), 3), (np.float32(0.5), 0.5), (np.bool_(1), True), (np.str_("a"), "a"),
    (np.array(2), 2), ((1, (2,)), [1, [2]]), (Path("a") / "b", "a/b"), ({"a": (1,)}, {"a": [1]}),
    ({1: 2, None: 3}, {"1": 2, "None": 3}), (10**300, 10**300), (math.inf, math.inf),
], ids=repr)
def test_identity_values_become_plain(value, expected):
    found = plain({"x": value})["x"]
    assert (type(found), found) == (type(expected), expected)
    assert json.loads(json.dumps(found)) == expected


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_identity_texts_arrive_as_data(text):
    values = plain({"word": text, "many": [text, {text: text}]})
    given: dict = {}
    exec(PythonTranslator.codify(values), {"__builtins__": {}}, given)  # nothing can be called
    assert given == {"word": text, "many": [text, {text: text}]}


def test_identity_numbers_that_are_not_finite_arrive():
    given: dict = {}
    code = PythonTranslator.codify(plain({"a": np.float64("nan"), "b": [-math.inf]}))
    exec(code, {"__builtins__": {"float": float}}, given)
    assert math.isnan(given["a"])
    assert given["b"] == [-math.inf]


@pytest.mark.parametrize("name", [
    "x; import os", "x = 1\ny", "", "a b", "a.b", "1a", "class", "None", "x\x00", "é-é", 3, None,
    "a[0]", "__import__('os')", "\u202ex",
], ids=ascii)
def test_rejects_names_that_are_no_variables(name):
    with pytest.raises(ParameterError, match="must be a variable's name, got"):
        plain({name: 1})
    if isinstance(name, str):
        with pytest.raises(ParameterError, match="must be a variable's name, got"):
            parameters([(name, "1")])


@pytest.mark.parametrize("value", [
    {1, 2}, b"bytes", object(), 1j, datetime.date(2020, 1, 1), np.ones(2), [{"a": {1}}],
    {(1, 2): 3}, np.datetime64("2020-01-01"), 10**5000,
], ids=lambda value: type(value).__name__)
def test_rejects_values_that_cannot_travel(value):
    with pytest.raises(ParameterError, match=r"^x must ") as told:
        plain({"x": value, "fine": 1})
    assert len(told.value.problems) == 1


def endless():
    value: list = []
    value.append(value)
    return value


def doubled():
    value = "ha"
    for _ in range(40):
        value = [value, value]
    return value


@pytest.mark.parametrize("make", [endless, doubled, lambda: list(range(200_000))],
                         ids=["endless", "doubled", "long"])
def test_rejects_values_without_end(make):
    with pytest.raises(ParameterError, match="x must hold at most 100000 entries"):
        plain({"x": make()})


LAUGHS = "a: &a [lol]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [{', '.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(9))
MERGED = "a: &a {x: 1}\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} {{<<: [{', '.join(['*' + chr(97 + i)] * 9)}]}}\n"
    for i in range(9))


@pytest.mark.parametrize(("text", "words"), [
    ("- a\n- b", "must hold names and values, got a list"), ("text", "got a str"),
    ("{a: 1", "must be plain YAML.*line 1 column"), ("a: b: c", "must be plain YAML"),
    ("x: !!python/object/apply:os.system ['exit 1']", "must be plain YAML"),
    ("x: !!set {a}", "x must be a number, text"), ("x: !!binary aGk=", "x must be a number, text"),
    ("x: &x [*x]", "x must hold at most"), ("x: " + "[" * 1500, "must be plain YAML"),
    (LAUGHS, "more than 30 references"), (MERGED, "more than 30 references"),
    ("x: " + "a" * 1_000_001, "at most 1000000 characters"), ("\x00", "must be plain YAML"),
    ("? [a, b]\n: 1", "must be"), ("'a; b': 1", "must be a variable's name"),
], ids=lambda text: text[:20])
def test_rejects_yaml_that_is_no_plain_data(tmp_path, text, words):
    with pytest.raises(ParameterError, match=words):
        parameters(yamls=[text])
    file = tmp_path / "given.yaml"
    file.write_text(text)
    with pytest.raises(ParameterError, match=words):
        parameters(files=[file])


def test_rejects_every_source_that_cannot_be_read(tmp_path):
    (tmp_path / "latin.yaml").write_bytes(b"a: \xff")
    files = [tmp_path / "none.yaml", tmp_path, tmp_path / "latin.yaml"]
    with pytest.raises(ParameterError) as told:
        parameters([("n", "9" * 5000)], files=files, base64s=["abcde", "/w=="])
    problems = told.value.problems
    assert [problem.split()[0] for problem in problems] == [
        "base64", "base64", "parameters", "parameters", "parameters", "n"]
    assert "No such file" in problems[2]
    assert problems[5].startswith("n must have at most 4000 digits")
