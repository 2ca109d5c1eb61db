"""Notebooks keep one form, agree with their study, and run, in cold and warm kernels alike."""

import ast
import json
import re
from functools import cache
from pathlib import Path

import nbformat
import pytest

from workbench import catalog
from workbench.core import Result
from workbench.runs import Settings, carry_out_all
from workbench.runs.execution.libraries import libraries
from workbench.runs.inputs.task import Task

ROOT = Path(__file__).parents[1]
WELCOME = ROOT / "notebooks" / "welcome.ipynb"         # of no study: tests/test_lab.py runs it
NOTEBOOKS = sorted(set((ROOT / "notebooks").glob("*.ipynb")) - {WELCOME})
HEAD = ["title", "imports", "parameters", "run", "headline"]
BANNED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.For, ast.While, ast.If,
          ast.With, ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.Try)
# What differs between any two executions: names of runs, times, and Bokeh's random identifiers.
PASSING = re.compile(r"\d{8}T\d{6}Z-\w+-\w+-\w+|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f-]+"
                     r"|\"p?\d{4,}\"|0x[0-9a-f]+|/tmp/\S+|\b\w*\d{4,}\b")
KERNELS = ("cold", "warm")
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


@pytest.fixture(scope="module")
def carried_out(request, tmp_path_factory):
    """Runs of the notebooks that are asked for, with small parameters, by kernel; each once."""
    wanted = sorted({item.callspec.params["path"].stem for item in request.session.items
                     if "carried_out" in getattr(item, "fixturenames", ())})

    @cache
    def by(kernel):
        studies = [catalog.study(name) for name in wanted]
        tasks = [Task.of_study(study, study.Params(**study.SMOKE)) for study in studies]
        how = Settings(cold=True) if kernel == "cold" else Settings(warm=libraries(tasks))
        done = carry_out_all(tasks, tmp_path_factory.mktemp(kernel), how)
        return dict(zip(wanted, done, strict=True))
    return by


@named
def test_runs_with_small_parameters(path, carried_out):
    study, run = catalog.study(path.stem), carried_out("cold")[path.stem]
    assert run.state == "succeeded", run.error
    assert run.report.is_file()
    figures = study.figures(Result(run.summary, run.tables()))
    always = set(figures) - getattr(study, "OCCASIONAL", frozenset())
    assert set(code_of(path)) == {*HEAD[1:], *always, "save"}
    assert run.report.read_text(encoding="utf-8").count("<iframe sandbox=") == len(always)


def bundles(run):
    """Each output by cell: type, MIME types, and the text that does not pass."""
    told = []
    for cell in json.loads(run.notebook.read_text("utf-8"))["cells"]:
        for output in cell.get("outputs", []):
            data = output.get("data") or {output["output_type"]: output.get("text")
                                          or output.get("evalue")}
            told.append((cell["id"], output["output_type"], {
                kind: PASSING.sub("", json.dumps(content)) for kind, content in data.items()}))
    return told


@pytest.mark.slow
@named
def test_matches_bundles_of_a_cold_kernel(path, carried_out):
    cold, warm = (carried_out(kernel)[path.stem] for kernel in KERNELS)
    assert (cold.state, warm.state) == ("succeeded", "succeeded")
    assert (cold.kernel, warm.kernel) == ("cold", "warm")
    assert {kind for _, _, data in bundles(cold) for kind in data} >= {"text/html", "text/plain"}
    assert bundles(warm) == bundles(cold)
    assert dict(warm.summary) == dict(cold.summary)
    assert Path(warm.folder / "thumbnail.svg").exists()
