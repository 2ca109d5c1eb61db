"""A notebook that costs little, and the command line called in this process."""

import json

import nbformat
import pytest
from typer.testing import CliRunner

from workbench.cli import app


class Answer:
    def __init__(self, result):
        self.code, self.out, self.err = result.exit_code, result.stdout, result.stderr

    @property
    def json(self):
        return json.loads(self.out)


@pytest.fixture
def store(tmp_path, monkeypatch):
    """Folder of the runs."""
    monkeypatch.delenv("WORKBENCH_RUN_FOLDER", raising=False)
    monkeypatch.setenv("WORKBENCH_RUNS", str(tmp_path / "runs"))
    return tmp_path / "runs"


@pytest.fixture
def workbench(store, tmp_path, monkeypatch):
    """Call a command: ``workbench("runs", "--json").out``."""
    monkeypatch.chdir(tmp_path)

    def call(*words):
        return Answer(CliRunner().invoke(app, [str(word) for word in words]))

    return call


@pytest.fixture
def notebook(tmp_path):
    """A notebook with parameters that doubles a number and records it."""
    new = nbformat.v4
    content = new.new_notebook(cells=[
        new.new_markdown_cell("# Twice", id="title"),
        new.new_code_cell("alpha: float = 0.5  # what is doubled\nword = 'x'", id="parameters",
                          metadata={"tags": ["parameters"]}),
        new.new_code_cell("from workbench.runs import record\nassert alpha < 10, 'too large'\n"
                          "twice = 2 * alpha\n"
                          "record('twice', twice, unit='m', interval=(twice - 1, twice + 1))",
                          id="record"),
        new.new_code_cell("print(repr(alpha), repr(word))", id="show"),
    ])
    path = tmp_path / "my twice {x} é.ipynb"
    nbformat.write(content, path)
    return path


@pytest.fixture
def printed():
    """What a cell of an executed notebook printed."""
    def of(path, cell="show"):
        cells = {each["id"]: each for each in json.loads(path.read_text("utf-8"))["cells"]}
        return "".join("".join(output["text"]) for output in cells[cell]["outputs"])

    return of
