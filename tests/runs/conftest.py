"""A tiny study with its notebook, so that a run costs little more than a kernel's start."""

import importlib
import sys
from pathlib import Path
from types import ModuleType

import nbformat
import pytest

STUDY = '''
import pandas as pd
import param
from workbench.core import Estimate, Interval, Params as Base, Result, Summary

TITLE, SMOKE = "Tiny <b>study</b> & co", {"n": 2}

class Params(Base):
    n = param.Integer(3, bounds=(1, 100), doc="Rows.")
    word = param.String("plain", doc="Any text.")
    share = param.Number(0.5, bounds=(0, 1), allow_None=True, doc="A share.")
    flag = param.Boolean(False, doc="A flag.")
    data = param.String("", doc="A file, or nothing.")
    seed = param.Integer(0, bounds=(0, None), doc="Seed.")

def run(params):
    table = pd.DataFrame({"row": range(params.n)})
    numbers = {"rows": Estimate(params.n, Interval(params.n - 0.5, params.n + 1), "rows"),
               "exact <i>": Estimate(1.0, why="it is a definition")}
    return Result(Summary(numbers, ("Note with <script>alert(1)</script>.",)), {"rows": table})

def figures(result):
    return {}
'''
TITLE = "# Tiny\n\nWhat does a run of *nothing* cost?"
IMPORTS = "import tiny as study\nfrom workbench import runs"
PARAMETERS = 'n = 3\nword = "plain"\nshare = 0.5\nflag = False\ndata = ""\nseed = 0'
RUN = """params = study.Params(n=n, word=word, share=share, flag=flag, data=data, seed=seed)
result = study.run(params)"""


def write_notebook(path: Path, *cells: tuple[str, str], parameters: str = PARAMETERS) -> Path:
    """Write a notebook of the house's form with `cells` between the run and the save."""
    new = nbformat.v4
    content = new.new_notebook(cells=[
        new.new_markdown_cell(TITLE, id="title"),
        new.new_code_cell(IMPORTS, id="imports"),
        new.new_code_cell(parameters, id="parameters", metadata={"tags": ["parameters"]}),
        new.new_code_cell(RUN, id="run"),
        *[new.new_markdown_cell(source, id=name) if name.endswith("-text")
          else new.new_code_cell(source, id=name) for name, source in cells],
        new.new_code_cell("runs.save(study, params, result)", id="save"),
    ])
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(content, path)
    return path


@pytest.fixture
def make_notebook():
    """Write a notebook: ``make_notebook(path, (name, code), ...)``."""
    return write_notebook


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The tiny study, importable here and in the kernel, in a checkout of its own."""
    folder = tmp_path / "a place {x} é"
    modules = folder / "modules"
    modules.mkdir(parents=True)
    (modules / "tiny.py").write_text(STUDY, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(modules))
    monkeypatch.setenv("WORKBENCH_ROOT", str(folder))
    monkeypatch.delenv("WORKBENCH_RUNS", raising=False)
    monkeypatch.delenv("WORKBENCH_RUN_FOLDER", raising=False)
    monkeypatch.syspath_prepend(modules)
    monkeypatch.delitem(sys.modules, "tiny", raising=False)
    write_notebook(folder / "notebooks" / "tiny.ipynb")
    return importlib.import_module("tiny")


@pytest.fixture
def store(study: ModuleType, tmp_path: Path) -> Path:
    """Default store of the tiny study's checkout."""
    return tmp_path / "a place {x} é" / "data" / "runs"
