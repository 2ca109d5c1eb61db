"""Notebooks keep one form, agree with their study, and run."""

import ast
import json
import re
from pathlib import Path

import nbformat
import pytest

from workbench import catalog, runs
from workbench.core import Result

ROOT = Path(__file__).parents[1]
WELCOME = ROOT / "notebooks" / "welcome.ipynb"         # of no study: tests/test_lab.py runs it
NOTEBOOKS = sorted(set((ROOT / "notebooks").glob("*.ipynb")) - {WELCOME})
HEAD = ["title", "imports", "parameters", "run", "headline"]
BANNED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.For, ast.While, ast.If,
          ast.With, ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.Try)
FACES = {"studies", "runs", "plots", "ui", "catalog"}
named = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def cells_of(path):
    book = nbformat.read(path, as_version=4)
    nbformat.validate(book)
    return {cell.id: cell for cell in book.cells}


def code_of(path):
    return {name: cell.source for name, cell in cells_of(path).items()
            if cell.cell_type == "code"}


def test_every_study_has_a_notebook():
    assert [path.stem for path in NOTEBOOKS] == sorted(catalog.studies())


@named
def test_cells_have_words_in_order(path):
    names = list(cells_of(path))
    figures = names[len(HEAD):-2]
    assert names[:len(HEAD)] == HEAD
    assert names[-2:] == ["limits", "save"]
    assert len(names) <= 17
    assert figures[::2] == [f"{name}-text" for name in figures[1::2]]
    assert 1 <= len(figures) // 2 <= 5       # docs/decisions/0014: the rule is three


@pytest.mark.parametrize("path", [*NOTEBOOKS, WELCOME], ids=lambda path: path.stem)
def test_no_outputs_are_committed(path):
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None


@named
def test_no_logic_lives_in_cells(path):
    code = code_of(path)
    lines = {name: len(source.splitlines()) for name, source in code.items()}
    assert sum(lines.values()) - lines["parameters"] <= 25       # docs/decisions/0014
    for name, source in code.items():
        for node in ast.walk(ast.parse(source)):  # a magic would not parse
            assert not isinstance(node, BANNED), f"cell {name} holds {type(node).__name__}"
            if isinstance(node, ast.ImportFrom):
                parts = f"{node.module}.{node.names[0].name}".split(".")
                assert parts[0] == "workbench"
                assert parts[1] in FACES


def test_welcome_links_lead_to_studies_and_pages():
    text = "".join(cell.source for cell in cells_of(WELCOME).values())
    assert set(re.findall(r"#workbench:(\w+)", text)) <= {"pages", *catalog.studies()}
    assert all(node.names[0].name in {*FACES, *catalog.studies()}
               for source in code_of(WELCOME).values() for node in ast.parse(source).body
               if isinstance(node, ast.ImportFrom))


@named
def test_parameters_are_those_of_the_study(path):
    cell = cells_of(path)["parameters"]
    assert cell.metadata.tags == ["parameters"]
    given = {}
    for statement in ast.parse(cell.source).body:
        assert isinstance(statement, ast.Assign)
        given[statement.targets[0].id] = ast.literal_eval(statement.value)
    defaults = catalog.study(path.stem).Params.defaults()
    assert given == defaults
    assert list(given) == list(defaults)
    assert [type(value) for value in given.values()] == [type(v) for v in defaults.values()]


@named
def test_run_passes_every_parameter(path):
    call = ast.parse(code_of(path)["run"]).body[0].value
    assert [keyword.arg for keyword in call.keywords] == list(
        catalog.study(path.stem).Params.declared())


@named
def test_runs_with_small_parameters(path, tmp_path):
    study = catalog.study(path.stem)
    run = runs.execute(study, study.Params(**study.SMOKE), store=tmp_path)
    assert run.state == "succeeded", run.error
    assert run.report.is_file()
    figures = study.figures(Result(run.summary, run.tables()))
    always = set(figures) - getattr(study, "OCCASIONAL", frozenset())
    assert set(code_of(path)) == {*HEAD[1:], *always, "save"}
    assert run.report.read_text(encoding="utf-8").count("<iframe sandbox=") == len(always)
