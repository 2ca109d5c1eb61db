"""Every card and every study has its siblings, all of one name; documents agree with the code."""

import re
from pathlib import Path

import pytest

from workbench import catalog

ROOT = Path(__file__).parents[1]
STUDIES, CARDS = sorted(catalog.studies()), sorted(catalog.cards())


@pytest.mark.parametrize("name", STUDIES)
def test_a_study_has_notebook_page_paper_and_benchmark(name):
    for sibling in (f"notebooks/{name}.ipynb", f"dashboards/{name}.py", f"benchmarks/{name}.py",
                    f"docs/papers/{name}.md", f"tests/studies/test_{name}.py"):
        assert (ROOT / sibling).is_file(), f"{name} misses {sibling}"


@pytest.mark.parametrize("name", STUDIES)
def test_a_study_is_whole(name):
    study = catalog.study(name)
    assert study.TITLE
    assert set(study.SMOKE) <= set(study.Params.declared())
    assert study.Params(**study.SMOKE)
    assert callable(study.run)
    assert callable(study.figures)
    for key, declared in study.Params.declared().items():
        assert declared.doc, f"{name}.{key} has no doc"


@pytest.mark.parametrize("name", STUDIES)
def test_presets_of_a_study_are_taken_and_differ(name):
    study = catalog.study(name)
    presets = {label: values for label, values in getattr(study, "PRESETS", {}).items() if values}
    taken = [study.Params(**values).key() for values in presets.values()]
    assert len({study.Params().key(), *taken}) == len(taken) + 1


@pytest.mark.parametrize("name", CARDS)
def test_a_card_has_a_test(name):
    assert list((ROOT / "tests").rglob(f"test_{name}.py")), f"{name} has no test"


def test_readme_lists_every_card():
    table = (ROOT / "README.md").read_text(encoding="utf-8")
    for name, card in catalog.cards().items():
        assert f"| `{name}` | {card.weighs} | {card.baseline} |" in table


def test_papers_are_short():
    for page in (ROOT / "docs/papers").glob("*.md"):
        assert len(page.read_text(encoding="utf-8").splitlines()) <= 60, page.name


def test_decisions_are_numbered_and_short():
    pages = sorted((ROOT / "docs/decisions").glob("*.md"))
    assert pages
    for number, page in enumerate(pages, start=1):
        assert page.name.startswith(f"{number:04}-"), page.name
        assert len(page.read_text(encoding="utf-8").splitlines()) <= 40, page.name


def test_links_of_the_documents_lead_somewhere():
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
