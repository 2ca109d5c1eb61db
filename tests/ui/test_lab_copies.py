"""Copies of notebooks: values as a run fills them in, one copy for equal values, edits kept."""

import json
import shutil
from pathlib import Path

import nbformat
import pytest

from workbench import catalog
from workbench.core import ParameterError
from workbench.ui.lab.copies import copy_notebook

ROOT = Path(__file__).parents[2]


@pytest.fixture
def study(tmp_path, monkeypatch):
    """A study whose notebooks may be written to."""
    shutil.copytree(ROOT / "notebooks", tmp_path / "notebooks",
                    ignore=shutil.ignore_patterns("copies"))
    monkeypatch.setenv("WORKBENCH_ROOT", str(tmp_path))
    return catalog.study("opinion_trends")


def names(values):
    """What a cell of assignments assigns."""
    scope = {}
    exec(values, scope)
    return {name: value for name, value in scope.items() if not name.startswith("__")}


def test_identity_without_values_the_cells_are_those_of_the_notebook(study, tmp_path):
    copy = tmp_path / copy_notebook(study)
    made, original = (nbformat.read(path, 4) for path in (
        copy, tmp_path / "notebooks" / "opinion_trends.ipynb"))
    assert [(cell.id, cell.source) for cell in made.cells] == [
        (cell.id, cell.source) for cell in original.cells]
    assert made.metadata == original.metadata
    assert copy_notebook(study, study.Params.defaults()) == copy.relative_to(tmp_path)


def test_matches_values_that_were_given(study, tmp_path):
    path = copy_notebook(study, {"level": 0.5, "question": 'Is it "so"?\n{level}', "seed": 0})
    assert path.parts[:2] == ("notebooks", "copies")
    assert path.stem.startswith("opinion_trends-")
    assert len(path.stem.rpartition("-")[2]) == 8
    book = nbformat.read(tmp_path / path, 4)
    nbformat.validate(book)
    tags = [cell.metadata.get("tags", []) for cell in book.cells]
    given = tags.index(["injected-parameters"])
    assert tags[given - 1] == ["parameters"]
    assert names(book.cells[given].source) == {"level": 0.5, "question": 'Is it "so"?\n{level}'}
    assert not any(cell.get("outputs") for cell in book.cells)


def test_identity_an_edited_copy_is_opened_again(study, tmp_path):
    path = tmp_path / copy_notebook(study, {"level": 0.5})
    book = json.loads(path.read_text(encoding="utf-8"))
    book["cells"][0]["source"] = "# Mine"
    path.write_text(json.dumps(book), encoding="utf-8")
    assert tmp_path / copy_notebook(study, {"level": 0.5}) == path
    assert json.loads(path.read_text(encoding="utf-8"))["cells"][0]["source"] == "# Mine"
    assert copy_notebook(study, {"level": 0.6}) != path.relative_to(tmp_path)
    assert [each.name for each in path.parent.glob(".*")] == []


def test_rejects_values_that_the_study_refuses(study, tmp_path):
    with pytest.raises(ParameterError, match="level must be a number"):
        copy_notebook(study, {"level": 2})
    assert not (tmp_path / "notebooks" / "copies").exists()


def test_rejects_study_without_a_notebook(study, tmp_path):
    (tmp_path / "notebooks" / "opinion_trends.ipynb").unlink()
    with pytest.raises(ValueError, match="notebook must be an existing file"):
        copy_notebook(study)
