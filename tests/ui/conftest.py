"""A tiny study with one parameter of each kind, and figures."""

import importlib
import sys

import pytest

STUDY = '''
"""Tiny <b>study</b>: how little can a page show? It has one parameter of each kind."""

import pandas as pd
import param
from workbench import plots
from workbench.core import Estimate, Interval, Params as Base, Result, Summary, uniform

TITLE, SMOKE = "Tiny <b>study</b>", {"n": 2}

class Params(Base):
    n = param.Integer(3, bounds=(1, 100), doc="Rows.")
    share = param.Number(0.5, bounds=(0, 1), doc="A share.")
    limit = param.Number(None, bounds=(0, None), allow_None=True, doc="A limit or none.")
    word = param.String("plain", doc="Any text, <i>even</i> this.")
    kind = param.Selector(default="round", objects=["round", "square"], doc="A kind.")
    flag = param.Boolean(False, doc="A flag.")
    sizes = param.List([], bounds=(0, 3), doc="Some sizes.")
    seed = param.Integer(0, bounds=(0, None), doc="Seed.")

def run(params):
    if params.word == "refuse":
        raise ValueError("word must be another one, got 'refuse'. Pass 'plain'.")
    if params.word == "break":
        raise RuntimeError("<b>broken</b>")
    numbers = {"rows": Estimate(params.n, Interval(params.n - 0.5, params.n + 1), "rows")}
    numbers |= {f"number {i}": Estimate(i, why="it is <i>fixed</i>") for i in range(5)}
    return Result(Summary(numbers, ("Note with <script>alert(1)</script>.",)),
                  {"rows": pd.DataFrame({"weight": uniform(params.n)})})

def figures(result):
    return {"main": plots.weight_profile(result.tables["rows"]["weight"].to_numpy()),
            "weights": plots.weight_profile(result.tables["rows"]["weight"].to_numpy())}
'''


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """The tiny study, with an empty store of its own."""
    folder = tmp_path / "modules"
    folder.mkdir()
    (folder / "tiny.py").write_text(STUDY.lstrip(), encoding="utf-8")
    monkeypatch.setenv("WORKBENCH_RUNS", str(tmp_path / "runs"))
    monkeypatch.delenv("WORKBENCH_RUN_FOLDER", raising=False)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, "tiny", raising=False)
    return importlib.import_module("tiny")
