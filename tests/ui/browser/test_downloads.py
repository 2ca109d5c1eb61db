"""What the browser hands over: tables, pictures, the notebook, and a link that returns."""

import io
import re
import zipfile
from xml.etree import ElementTree

import nbformat
import pandas as pd
import pytest
from PIL import Image

from workbench import runs
from workbench.studies import opinion_trends

STUDY = "/opinion_trends"
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def newest(store, monkeypatch):
    """The run that the page shows first."""
    monkeypatch.setenv("WORKBENCH_RUNS", str(store))
    return next(run for run in runs.list_runs(opinion_trends) if run.state == "succeeded")


def handed(visited, name):
    """Name and content of the file that a button hands over."""
    with visited.page.expect_download() as download:
        visited.page.get_by_role("button", name=name, exact=True).click()
    return download.value.suggested_filename, download.value.path().read_bytes()


def words(drawn):
    """All that is written in an SVG."""
    return {"".join(each.itertext()) for each in drawn.iter(f"{SVG}text")}


def test_recovers_every_table(visit, newest):
    visited = visit(STUDY)
    tables = newest.tables()
    name, content = handed(visited, "Download opinion_trends-scores.parquet")
    assert name == "opinion_trends-scores.parquet"
    pd.testing.assert_frame_equal(pd.read_parquet(io.BytesIO(content)), tables["scores"])
    name, content = handed(visited, "Download opinion_trends-slope.csv")
    pd.testing.assert_frame_equal(pd.read_csv(io.BytesIO(content)), tables["slope"])
    _, content = handed(visited, "Download opinion_trends-tables-csv.zip")
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        assert set(packed.namelist()) == {f"opinion_trends-{each}.csv" for each in tables}
    assert visited.faults == []


def test_recovers_the_notebook(visit, newest):
    name, content = handed(visit(STUDY), "Download opinion_trends.ipynb")
    assert name == "opinion_trends.ipynb"
    book = nbformat.reads(content.decode(), 4)
    [given] = [cell.source for cell in book.cells
               if cell.metadata.get("tags") == ["injected-parameters"]]
    scope: dict = {}
    exec(given, scope)
    assert {key: scope[key] for key in newest.params} == newest.params


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_matches_pictures_whatever_the_page_wears(visit, theme):
    """Twice the pixels, text as text, and the colours of day."""
    visited = visit(STUDY, color_scheme=theme)
    name, content = handed(visited, "Download the figure opinion_trends-trend as PNG")
    assert name == "opinion_trends-trend.png"
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    picture = Image.open(io.BytesIO(content))
    name, content = handed(visited, "Download the figure opinion_trends-trend as SVG")
    drawn = ElementTree.fromstring(content)
    size = int(float(drawn.get("width"))), int(float(drawn.get("height")))
    assert (name, picture.size) == ("opinion_trends-trend.svg", (2 * size[0], 2 * size[1]))
    assert size[0] >= 600
    assert {"date", "trend", "uniform weights"} <= words(drawn)
    colours = picture.convert("RGB").getcolors(2**24)
    assert max(colours)[1] == (255, 255, 255)
    assert (0, 114, 178) in {colour for _, colour in colours}      # our method, by day
    assert visited.faults == []


def test_matches_what_was_zoomed(visit):
    """A picture shows the part that the page shows."""
    visited = visit(STUDY)
    label = "Download the figure opinion_trends-trend as SVG"
    _, whole = handed(visited, label)
    visited.page.evaluate("""() => {
      for (const page of Bokeh.documents) for (const one of page.all_models) {
        if (one.type === "Figure" && one.title?.text === "Score over time") {
          one.y_range.setv({start: 1000, end: 1010});
        }
      }
    }""")
    _, part = handed(visited, label)
    before, after = (words(ElementTree.fromstring(drawn)) for drawn in (whole, part))
    assert {"1000", "1010"} <= after - before


def test_recovers_the_page_from_a_copied_link(visit, newest):
    options = {"permissions": ["clipboard-read", "clipboard-write"]}
    visited = visit(STUDY, **options)
    visited.page.get_by_role("button", name="Copy link").click()
    visited.page.get_by_text("The link to this result was copied.").first.wait_for()
    link = visited.page.evaluate("navigator.clipboard.readText()")
    assert link == f"{visited.site}{STUDY}?run={newest.id}"
    again = visit(link.removeprefix(visited.site))
    assert newest.id in again.text
    assert again.faults == visited.faults == []


def test_recovers_the_link_without_a_clipboard(visit, newest):
    visited = visit(STUDY)
    visited.page.evaluate("""() => {
      navigator.clipboard.writeText = () => Promise.reject(new Error("denied"));
      document.execCommand = () => false;
    }""")
    visited.page.get_by_role("button", name="Copy link").press("Enter")
    visited.page.get_by_text(re.compile("copy it by hand")).first.wait_for()
    field = visited.page.get_by_label("Link to this result")
    assert field.input_value().endswith(f"?run={newest.id}")
    assert field.evaluate("one => one.selectionEnd - one.selectionStart === one.value.length")
