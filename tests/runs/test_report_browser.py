"""A real browser opens the report from disk: figures are drawn, nothing is fetched."""

import shutil
from pathlib import Path

import pytest

from workbench.runs import execute, save, write_index, write_report

FIGURES = """from bokeh.embed import components
from bokeh.plotting import figure
from IPython.display import HTML
plot = figure(width=400, height=200, output_backend="webgl")
plot.line([1, 2], [3, 4])
script, div = components(plot)
HTML(div + script)"""
REMOTE = ("from IPython.display import HTML\n"
          "HTML('<img src=\"http://example.org/x.png\" alt=\"\">')")


@pytest.fixture
def visit(browser):
    """Open a file and tell the page, its requests beyond the disk and its errors."""
    contexts = []

    def opened(path: Path, **options):
        context = browser.new_context(**options)
        contexts.append(context)
        page, requests, errors = context.new_page(), [], []
        context.route(lambda url: not url.startswith(("file:", "data:", "blob:")),
                      lambda route: (requests.append(route.request.url), route.abort()))
        page.on("console", lambda told: errors.append(told.text) if told.type == "error" else 0)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(path.resolve().as_uri())
        return page, requests, errors

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture
def run(study, tmp_path, make_notebook):
    notebook = make_notebook(tmp_path / "figures.ipynb", ("one", FIGURES), ("two", FIGURES))
    return execute(study, study.Params(), notebook=notebook)


@pytest.mark.parametrize("single_file", [False, True], ids=["linked", "inlined"])
@pytest.mark.parametrize("width", [375, 1000])
def test_matches_report_opened_from_disk(run, visit, tmp_path, single_file, width):
    path = write_report(run, single_file=single_file)
    if single_file:
        path = Path(shutil.copy(path, tmp_path / "alone {x} é.html"))
    page, requests, errors = visit(path, viewport={"width": width, "height": 800})
    page.wait_for_function("Bokeh.documents.length === 2 && Bokeh.documents.every(d => d.is_idle)")
    assert page.locator("canvas").count() >= 2
    assert (requests, errors) == ([], [])
    code = page.locator("#cell-run pre")
    assert not code.is_visible()
    page.get_by_role("button", name="Show code").click()
    assert code.is_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_rejects_what_an_output_would_fetch(study, visit, tmp_path, make_notebook):
    notebook = make_notebook(tmp_path / "remote.ipynb", ("remote", REMOTE))
    page, requests, errors = visit(execute(study, study.Params(), notebook=notebook).report)
    page.wait_for_load_state("load")
    assert "example.org" in page.content()
    assert requests == []
    assert "Content Security Policy" in errors[0]


def test_matches_index_filter(study, visit):
    for number in (1, 2, 3):
        save(study, study.Params(n=number, word=f"word{number}"), study.run(study.Params()))
    page, requests, errors = visit(write_index())
    assert page.locator("li.run:visible").count() == 3
    page.get_by_label("Search").fill("WORD2 tiny")
    assert page.locator("li.run:visible").count() == 1
    assert page.locator("#count").text_content() == "1 of 3 runs"
    page.get_by_label("Search").fill("")
    page.get_by_label("Study").select_option("tiny")
    assert page.locator("li.run:visible").count() == 3
    assert page.locator("li.run time").first.text_content() == "just now"
    assert (requests, errors) == ([], [])
