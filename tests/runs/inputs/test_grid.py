"""Grids in words: what they multiply out to, and what they refuse."""

import pytest

from workbench.core import ParameterError
from workbench.runs.inputs.grid import batch, combinations, parse_grid


@pytest.mark.parametrize(("text", "values"), [
    ("seed=0:3", ["0", "1", "2"]), ("seed=0:10:5", ["0", "5"]), ("a=3:0:-1", ["3", "2", "1"]),
    ("a=0:1:0.25", ["0.00", "0.25", "0.50", "0.75"]), ("a=0.8, 0.9", ["0.8", "0.9"]),
    ("scale=0,1;0,100", ["0,1", "0,100"]), ("when=12:30,13:45", ["12:30", "13:45"]),
    ("word=a b,c=d", ["a b", "c=d"]), ("a=0:0.3:0.1", ["0.0", "0.1", "0.2"]),
])
def test_matches_values(text, values):
    (name, found), = parse_grid([text]).items()
    assert (name, found) == (text.partition("=")[0], values)


def test_matches_product():
    found = combinations({"a": [1, 2], "b": ["x", "y", "z"]})
    assert len(found) == 6
    assert found[:2] == [{"a": 1, "b": "x"}, {"a": 1, "b": "y"}]
    assert combinations({}) == [{}]


@pytest.mark.parametrize("text", ["seed", "=1", "seed=", "seed=3:0", "seed=0:10:0"])
def test_rejects_texts(text):
    with pytest.raises(ParameterError, match="--grid must be"):
        parse_grid([text])


def test_rejects_too_many_and_none():
    with pytest.raises(ValueError, match="at most 100,000 combinations, got 1,000,000"):
        combinations({"a": range(1000), "b": range(1000)})
    with pytest.raises(ValueError, match="'a' has none"):
        combinations({"a": []})


def test_matches_files(tmp_path):
    table = tmp_path / "a.CSV"
    table.write_bytes('\ufeffa, b\r\n"x\ny","1,2"\r\n,3\r\n'.encode())
    assert batch(table) == [{"a": "x\ny", "b": "1,2"}, {"b": "3"}]
    listed = tmp_path / "a.yaml"
    listed.write_text("- {a: 2020-01-01, b: '007'}\n- {a: 1.5}\n", encoding="utf-8")
    assert batch(listed) == [{"a": "2020-01-01", "b": "007"}, {"a": 1.5}]


@pytest.mark.parametrize(("name", "content"), [
    ("a.json", "{"), ("a.yaml", "a: [1"), ("a.yaml", "a: 1"), ("a.csv", ""), ("a.json", "[1]"),
    ("a.yaml", "!!python/object/apply:os.system ['true']"), ("a.csv", "a,b\n1,2,3\n"),
    ("a.yaml", "- a: &x [1]\n  b: [" + "*x, " * 40 + "]"),
])
def test_rejects_files(tmp_path, name, content):
    (tmp_path / name).write_text(content)
    with pytest.raises(ValueError, match=r"batch must be"):
        batch(tmp_path / name)
