"""Pages render whatever the store holds."""

import asyncio
import json

import pytest
from bokeh.document import Document

from workbench import runs
from workbench.ui import HomePage, Site, StudyPage


def rendered(page):
    """Texts of all models of a page, and of what stands in its own HTML."""
    document = page.template().server_doc(doc=Document())
    own = map(str, document.template_variables.values())
    return " ".join([json.dumps(document.to_json(deferred=False)), *own])


def plots(text):
    # A figure without listeners on the server is a text within the page's.
    return text.replace('\\"', '"').count('"name":"Figure"')


def save(study, **values):
    params = study.Params(**values)
    return runs.save(study, params, study.run(params))


def test_matches_newest_run(tiny):
    save(tiny, n=4)
    save(tiny, n=9)
    text = rendered(StudyPage(tiny))
    assert plots(text) == 2
    assert "n=4" in text
    assert "[8.5, 10], 90 % interval" in text


def test_matches_empty_store(tiny):
    text = rendered(StudyPage(tiny))
    assert "python3 -m workbench report tiny" in text
    assert plots(text) == 0
    assert "No run has been saved yet" in rendered(HomePage(Site({"tiny": tiny})))


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"id": 3}'])
def test_matches_damaged_runs(tiny, content):
    good, bad = save(tiny, n=4), save(tiny, n=5)
    (bad.folder / "manifest.json").write_text(content)
    (good.folder.parent / "foreign").mkdir()
    assert plots(rendered(StudyPage(tiny))) == 2
    assert "[3.5, 5], 90 % interval" in rendered(HomePage(Site({"tiny": tiny}, "reports")))


def test_matches_home_to_the_newest_run(tiny):
    save(tiny, n=4)
    save(tiny, n=9)
    text = rendered(HomePage(Site({"tiny": tiny}, "reports")))
    assert "[8.5, 10], 90 % interval" in text
    assert "data:image/svg+xml;base64," in text
    assert "./reports/index.html" in text
    assert "<b>study" not in text.replace("&lt;b&gt;", "")


def test_matches_run_of_older_parameters(tiny):
    run = save(tiny, n=4)
    record = json.loads((run.folder / "manifest.json").read_text())
    record["params"]["gone"] = 1
    (run.folder / "manifest.json").write_text(json.dumps(record))
    page = StudyPage(tiny)
    assert plots(rendered(page)) == 2
    assert page.visit.values.values() == tiny.Params().values()


def test_matches_study_that_knows_what_is_quick(tiny, monkeypatch):
    page = StudyPage(tiny)
    assert not page.visit.is_quick()              # nothing was timed yet
    monkeypatch.setattr(tiny, "is_quick", lambda params: params.n == 3, raising=False)
    assert page.visit.is_quick()
    page.visit.values.n = 4
    assert not page.visit.is_quick()


def test_matches_an_address_of_which_a_part_is_used(tiny, monkeypatch):
    begun = []
    monkeypatch.setattr("workbench.ui.visit.pn.state.onload", begun.append)
    monkeypatch.setattr("workbench.ui.visit.search", lambda: "?n=7&m=3")
    page = StudyPage(tiny)
    asyncio.run(begun[0]())
    text = rendered(page)
    assert page.visit.values.n == 7
    assert plots(text) == 2
    assert "unknown parameter 'm'" in page.visit.problems[0]
    assert "this page does not have" in text
