"""Recorded numbers: typed, shown once, kept by the run, found in outputs."""

import json
import math
import subprocess
import sys
from types import SimpleNamespace

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient

from workbench.core import Estimate, Interval, Measure, Summary
from workbench.runs import metrics
from workbench.runs.metrics import MIME, Metric, collected, merged, record, recorded


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBENCH_RUN_FOLDER", str(tmp_path))
    return tmp_path


class Tensor:
    """One entry, as torch hands it out."""

    def item(self):
        return 2.5

    def __repr__(self):
        return "Tensor(2.5)"


@pytest.mark.parametrize(("value", "plain"), [
    (3, 3), (True, True), (0.5, 0.5), (np.int64(7), 7), (np.float32(0.5), 0.5),
    (np.array([1]) > 2, False), (np.array(4.0), 4.0), (np.array([4]), 4), (Tensor(), 2.5),
    (math.inf, math.inf), (-math.inf, -math.inf), (10**300, 10**300),
], ids=repr)
def test_identity_value_and_type_come_back(folder, value, plain):
    metric = record("number", value, unit="nats")
    assert (metric.value, type(metric.value)) == (plain, type(plain))
    again = Metric.of(json.loads(json.dumps(metric.record(), allow_nan=False)))
    assert again == metric
    assert type(again.value) is type(plain)
    assert recorded(folder)["number"] == Estimate(plain, unit="nats", why=metrics.BARE)


def test_identity_nan_is_a_number_with_a_flag(folder):
    told = record("loss", np.nan).record()
    assert (told["value"], told["special"], told["kind"]) == (None, "nan", "float")
    assert math.isnan(recorded(folder)["loss"].value)


@pytest.mark.parametrize(("interval", "expected"), [
    ((1, 2), Interval(1, 2)), ([1, 2, 0.5], Interval(1, 2, 0.5)),
    (np.array([1, 2]), Interval(1, 2)),
    (Interval(1, 2, 0.8), Interval(1, 2, 0.8)), ((-math.inf, 2), Interval(-math.inf, 2)),
], ids=repr)
def test_identity_interval_comes_back(folder, interval, expected):
    record("loss", 1.5, interval=interval, why="not needed")
    assert recorded(folder)["loss"] == Estimate(1.5, expected)


def test_identity_estimate_and_measure(folder):
    estimate = Estimate(1.0, Interval(0, 2, 0.8), "days")
    record("estimate", estimate)
    record("measure", Measure(2.0, 0.1, "s"))
    record("renamed", Estimate(1.0, why="exact"), unit="m")
    found = recorded(folder)
    assert found["estimate"] == estimate
    assert found["measure"] == Measure(2.0, 0.1, "s").estimate()
    assert found["renamed"] == Estimate(1.0, None, "m", "exact")


def test_matches_last_write_and_survives_a_cut_line(folder):
    for value in (1, 2):
        record("a <b>", value)
    record("c", 3)
    with (folder / metrics.FILE).open("a") as file:
        file.write('{"name": "d", "va\n[1]\n{"name": "e", "value": "text"}\n\xff')
    values = {name: number.value for name, number in recorded(folder).items()}
    assert values == {"a <b>": 2, "c": 3}
    assert dict(recorded(folder / "nowhere")) == {}


def test_matches_outputs_of_a_notebook(monkeypatch, tmp_path):
    monkeypatch.delenv("WORKBENCH_RUN_FOLDER", raising=False)
    new = nbformat.v4
    bundles = [record(name, value, unit="s")._repr_mimebundle_()
               for name, value in (("a", 1), ("b", math.nan), ("a", 3))]
    outputs = [new.new_output("display_data", data=data) for data in bundles]
    outputs += [new.new_output("display_data", data={MIME: {"name": 3}}),
                new.new_output("stream", text="a: 9 s")]
    book = new.new_notebook(cells=[new.new_code_cell("x", outputs=outputs)])
    path = tmp_path / "executed.ipynb"
    nbformat.write(book, path)
    for found in (collected(path), collected(book)):
        assert list(found) == ["a", "b"]
        assert found["a"].number == "3 s"
        assert math.isnan(found["b"].value)
    assert list(tmp_path.iterdir()) == [path]


def test_matches_study_first():
    one, two, three = (Estimate(value, why="test") for value in (1, 2, 3))
    both = merged(Summary({"b": one}, ("note",)), Summary({"a": two, "b": three}))
    assert list(both.items()) == [("b", one), ("a", two)]
    assert both.notes == ("note",)


def test_identity_shown_once_per_cell(monkeypatch):
    shown = []
    shell = SimpleNamespace(execution_count=4, display_pub=SimpleNamespace(publish=shown.append))
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    metric = record("loss <i>", 0.25, interval=(0.2, 0.3))
    metric._ipython_display_()          # what IPython does with the last value of a cell
    assert len(shown) == 1
    shell.execution_count = 5
    metric._ipython_display_()
    assert len(shown) == 2
    assert shown[0] == shown[1]
    assert "<i>" not in shown[0]["text/html"]
    assert shown[0]["text/plain"] == "loss <i>: 0.25 [0.2, 0.3], 90 % interval"
    assert shown[0][MIME]["interval"] == [0.2, 0.3, 0.9]


def test_matches_what_a_kernel_shows_and_keeps(folder):
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in (
        "from workbench.runs.metrics import record",
        "record('first', 1)\nkept = record('middle', 2.5, interval=(2, 3))\n'end'",
        "record('last', True)", "kept", "record('lost', 4); 1 / 0")])
    NotebookClient(book, kernel_name="python3", allow_errors=True).execute()
    shown = [[output.data["text/plain"].split(":")[0] for output in cell.outputs
              if MIME in output.get("data", {})] for cell in book.cells]
    assert shown == [[], ["first", "middle"], ["last"], ["middle"], ["lost"]]
    assert dict(collected(book)) == dict(recorded(folder))
    assert list(recorded(folder)) == ["first", "middle", "last", "lost"]


def test_identity_record_works_without_a_kernel(folder):
    code = "from workbench.runs.metrics import record; record('a', 1); record('a', 2)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == ""
    assert recorded(folder)["a"].value == 2


@pytest.mark.parametrize(("arguments", "words"), [
    ({"name": ""}, "name must have 1 to 200"), ({"name": " "}, "name must have 1 to 200"),
    ({"name": "a\nb"}, "name must be one line"), ({"name": 3}, "name must be a text"),
    ({"value": "0.5"}, "value must be a number, got '0.5'"), ({"value": None}, "must be a number"),
    ({"value": 1j}, "value must be a number"), ({"value": 10**400}, "must be below"),
    ({"value": np.ones(2)}, "one number, got a ndarray of several"),
    ({"value": [1.0]}, "value must be a number"), ({"interval": (2, 1)}, "low must not exceed"),
    ({"interval": (1,)}, "interval must be"), ({"interval": 3}, "interval must be"),
    ({"interval": (1, 2, 90)}, "level must lie strictly"),
    ({"interval": ("a", "b")}, "interval must be"),
    ({"unit": 3}, "unit must be a text"), ({"why": "a\nb"}, "why must be one line"),
], ids=str)
def test_rejects_what_is_no_number(folder, arguments, words):
    with pytest.raises((ValueError, TypeError), match=words):
        record(**{"name": "loss", "value": 1.0, **arguments})
    assert list(folder.iterdir()) == []
