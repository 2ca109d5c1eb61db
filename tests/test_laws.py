"""Laws of every method: a known source, a neutral setting that exists, an identity test.

Those of weighters at work are in `tests/reweighting/test_laws_of_weighters.py`.
"""

import ast
import importlib
import inspect
import re
from pathlib import Path

import pytest

from workbench import catalog

ROOT = Path(__file__).resolve().parents[1]
CARDS = catalog.cards()
PAGES = {"bayesian_trend": "opinion_trends",     # a paper whose study has another name
         "conformal": "quantile_aggregation",
         "phases": "loss_landscape_phases"}


def room_of(name):
    return next((ROOT / "workbench").glob(f"*/{name}.py")).parent.name


def test_matches_the_methods_on_disk():
    declared = {path.stem for path in (ROOT / "workbench").glob("*/*.py")
                if re.search(r"^CARD = ", path.read_text(encoding="utf-8"), re.MULTILINE)}
    assert set(CARDS) == declared
    assert "bayesian_trend" in declared


@pytest.mark.parametrize("name", CARDS)
def test_identity_source_is_known(name):
    text = (ROOT / "docs" / "references.bib").read_text(encoding="utf-8")
    assert CARDS[name].source in re.findall(r"^@\w+\{([\w-]+),", text, re.MULTILINE)


@pytest.mark.parametrize("name", CARDS)
def test_identity_neutral_setting_is_an_option(name):
    module = importlib.import_module(f"workbench.{room_of(name)}.{name}")
    public = [getattr(module, word) for word in module.__all__ if word != "CARD"]
    methods = [thing for thing in public if callable(thing) and not (
        isinstance(thing, type) and issubclass(thing, Exception))]
    options = {option for thing in methods
               for option in inspect.signature(thing).parameters}
    assert set(CARDS[name].neutral) <= options


@pytest.mark.parametrize("name", CARDS)
def test_identity_has_a_test(name):
    path = ROOT / "tests" / room_of(name) / f"test_{name}.py"
    tests = [node.name for node in ast.parse(path.read_text(encoding="utf-8")).body
             if isinstance(node, ast.FunctionDef)]
    assert any(test.startswith("test_identity_") for test in tests)


def test_identity_references_have_one_entry_per_key():
    text = (ROOT / "docs" / "references.bib").read_text(encoding="utf-8")
    keys = re.findall(r"^@\w+\{([\w-]+),", text, re.MULTILINE)
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize("name", CARDS)
def test_matches_a_paper_page(name):
    page = ROOT / "docs" / "papers" / f"{PAGES.get(name, name)}.md"
    assert page.is_file()
    assert len(page.read_text(encoding="utf-8").splitlines()) <= 60


def test_rejects_an_unknown_study_and_suggests_the_nearest():
    known = sorted(path.stem for path in (ROOT / "workbench" / "studies").glob("[!_]*.py"))
    if not known:
        pytest.skip("no study yet")
    with pytest.raises(ValueError, match=f"Did you mean '{known[0]}'"):
        catalog.study(known[0][:-1])
