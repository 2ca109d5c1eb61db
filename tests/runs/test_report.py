"""Reports and the index: nothing is fetched, everything of a user is escaped."""

import re
import shutil

import pytest

from workbench.core import ParameterError
from workbench.runs import execute, list_runs, report, save, write_index, write_report

FETCHES = re.compile(r"""
    (?:src|srcset|poster|data)\s*=\s*["']?\s*(?:https?:)?//
    | <link[^>]+href=["']?(?:https?:)?//
    | url\(\s*["']?(?:https?:)?//
    | @import | \bimport\s*\(""", re.VERBOSE | re.IGNORECASE)
PLACES = "## One\n\n[a link](https://example.org)\n\n## Two\n\n## Three\n\n## Four"
FIGURE = """from bokeh.embed import components
from bokeh.plotting import figure
from IPython.display import HTML
plot = figure(width=400, height=200)
plot.line([1, 2], [3, 4])
script, div = components(plot)
HTML(div + script)"""


@pytest.fixture
def run(study, tmp_path, make_notebook):
    notebook = make_notebook(
        tmp_path / "shown.ipynb", ("figure", FIGURE), ("headline", "result.summary"),
        ("places-text", PLACES),
        ("text", "import sys\nprint('<b>out</b>')\nprint('err', file=sys.stderr)\n'<i>plain</i>'"))
    return execute(study, study.Params(n=7, word="<img src=x onerror=alert(1)>"),
                   notebook=notebook)


def test_matches_parts_of_the_report(run):
    page = run.report.read_text(encoding="utf-8")
    assert len(page) < 60 * 1024
    assert "What does a run of <em>nothing</em> cost?" in page
    assert page.count("[6.5, 8], 90 % interval") == 1
    assert "it is a definition" in page
    assert "changed from 3" in page
    assert run.key in page
    assert f"numpy&nbsp;{run.versions['numpy']}" in page
    assert '<details class="code">' in page
    assert page.count("<details") == page.count('<details class="code">')
    assert [f'href="#{name}"' in page for name in ("One", "Two", "Three", "Four")] == [True] * 4


def test_identity_linked_and_inlined_report_hold_the_same(run):
    linked = run.report.read_text(encoding="utf-8")
    for name in re.findall(r'(?:src|href)="\.\./(_assets/[^"]+)"', linked):
        assert (run.folder.parent / name).stat().st_size > 1000
    assert len(re.findall(r'<script src="\.\./_assets/bokeh[^"]*\.min\.js">', linked)) == 1
    alone = write_report(run, single_file=True).read_text(encoding="utf-8")
    assert "_assets" not in alone
    assert alone[alone.rindex("<nav class"):] == linked[linked.rindex("<nav class"):]


def test_rejects_markup_of_users(run):
    page = run.report.read_text(encoding="utf-8") + write_index().read_text(encoding="utf-8")
    for markup in ("<b>study", "<script>alert", "<img src=x", "exact <i>", "<b>out", "<i>plain"):
        assert markup not in page
    assert "Tiny &lt;b&gt;study&lt;/b&gt; &amp; co" in page
    assert "&lt;img src=x onerror" in page


def test_rejects_the_network(run):
    linked = run.report.read_text(encoding="utf-8")
    index = write_index().read_text(encoding="utf-8")
    style = next((run.folder.parent / "_assets").glob("*.css")).read_text(encoding="utf-8")
    assert FETCHES.search('<script src="https://x">')
    assert [FETCHES.search(text) for text in (linked, index, style)] == [None] * 3
    assert set(re.findall(r"https?://[^\s\"'<)]+", linked)) == {"https://example.org"}
    assert "default-src 'none'" in linked


def test_identity_report_of_a_result_saved_by_hand(study):
    run = save(study, study.Params(), study.run(study.Params()))
    page = write_report(run).read_text(encoding="utf-8")
    assert "not measured" in page
    assert "[2.5, 4], 90 % interval" in page


def test_rejects_a_damaged_run(study):
    run = save(study, study.Params(), study.run(study.Params()))
    (run.folder / "manifest.json").unlink()
    with pytest.raises(ValueError, match=r"run must be readable.*manifest\.json is missing"):
        write_report(list_runs()[0])
    page = write_index().read_text(encoding="utf-8")
    assert run.id in page
    assert "manifest.json is missing" in page


def test_matches_index_of_none_one_and_many(study, store):
    page = write_index().read_text(encoding="utf-8")
    assert "No run has been saved yet" in page
    assert "python3 -m workbench report" in page
    assert page.count("<li class") == 0
    first = save(study, study.Params(word="<u>"), study.run(study.Params()))
    page = write_index().read_text(encoding="utf-8")
    assert page.count("<li class") == 1
    assert "<form" not in page
    assert "word = &lt;u&gt;" in page
    for number in range(20):
        shutil.copytree(first.folder, store / f"20260101T000000Z-tiny-01234567-{number:06x}")
    page = write_index().read_text(encoding="utf-8")
    assert page.count("<li class") == 21
    assert page.count("manifest.json cannot be used") == 20
    assert "<form" in page


def test_matches_report_of_several_studies(study, store):
    cells, done = [], []
    runs = report([study, study], {"n": 2}, on_cell=lambda *told: cells.append(told),
                  on_done=done.append)
    assert [run.params["n"] for run in runs] == [2, 2]
    assert done == runs
    assert cells[0] == (study, 1, 4, "imports")
    assert all(run.id in (store / "index.html").read_text() for run in runs)


def test_rejects_values_before_anything_runs(study, store):
    with pytest.raises(ParameterError, match=r"unknown parameter 'm'"):
        report([study], {"m": 2})
    assert not store.exists()
