"""Reports: everything of a notebook and of a user is shown, and nothing of it is believed."""

import base64
import io
import json
import os
import re
from pathlib import Path

import pytest
from PIL import Image

from workbench.runs import write_report
from workbench.runs.reports.page import ALARMS, sentence
from workbench.runs.storage.folder import rebuilt

FETCHES = re.compile(r"""
    (?:src|srcset|poster|data)\s*=\s*["']?\s*(?:https?:)?//
    | <link[^>]+href=["']?(?:https?:)?//
    | url\(\s*["']?(?:https?:)?//
    | @import | \bimport\s*\(""", re.VERBOSE | re.IGNORECASE)
TITLE = "# Tiny\n\nWhat does a run of *nothing* cost?"
PLACES = ("## One\n\n[a link](https://example.org)\n\n## Two\n\n## Three\n\n"
          "## Four & <b>five</b>")


def read(run, **options):
    return write_report(run, **options).read_text(encoding="utf-8")


def test_matches_parts_of_the_report(made, nb):
    run = made(nb.text(TITLE), nb.cell("n = 3", name="parameters"),
               nb.cell("n = 7", name="x", tags=["injected-parameters"]), nb.text(PLACES),
               nb.cell("1", nb.shown(text_html="<table>again</table>"), name="headline"),
               notes=["It was \"short\"."])
    page = read(run)
    assert len(page) < 60 * 1024
    assert "What does a run of <em>nothing</em> cost?" in page
    assert page.count("[6.5, 8], 90 % interval") == 1
    assert "again" not in page
    assert "changed from 3" in page
    assert run.key in page
    assert "python&nbsp;3.11.9" in page
    assert page.count("<details") == page.count('<details class="code">') == 3
    assert "<summary>parameters given</summary>" in page
    assert [f'href="#at-{name}"' in page for name in ("One", "Two", "Three", "Four-&amp;-five")]
    assert re.search(r'<ul class="about".*succeeded in 2\.5 s.*5 of 5 cells.*warm kernel.*300 MiB'
                     r'.*href="notebook\.ipynb".*href="log\.txt"', page, re.DOTALL)
    assert 'role="alert"' not in page


@pytest.mark.parametrize("state", ["failed", "timed-out", "killed", "interrupted", "lost"])
def test_matches_alarm_of_each_state(made, nb, state):
    run = made(nb.cell("1", nb.printed("so far"), name="first"),
               nb.cell("x", nb.raised("KeyError", "'x'", "KeyError: 'x'"), name="se<c"),
               nb.cell("2", name="third"), state=state, error="KeyError: 'x'",
               cells={"done": 1, "total": 3})
    page = read(run)
    alarm = page[page.index('role="alert"'):page.index("</aside>")]
    assert f"<strong>{ALARMS[state]}</strong> KeyError: &#39;x&#39;." in alarm
    assert 'href="#cell-se&lt;c">Go to the cell' in alarm
    assert 'id="cell-se&lt;c"' in page
    assert "What was shown up to there is below." in alarm
    assert "1 of 3 cells" in page
    assert f'class="state {state}"' in page
    assert len({ALARMS[name] for name in ALARMS}) == len(ALARMS)


def test_matches_a_run_that_left_no_notebook(made):
    page = read(made(state="lost", error="the host went away!", kernel="", peak_memory=None,
                     cells={}, seconds=None, summary={}))
    assert "The host went away!\n" in page
    assert "No executed notebook was kept." in page
    assert "Show code" not in page
    assert "not measured" in page


@pytest.mark.parametrize(("cause", "told"), [
    ("the run took 4 s", "The run took 4 s."), ("'x' is gone!", "'x' is gone!"), ("", ""),
    ("manifest.json is cut", "manifest.json is cut."), ("Killed by 9.", "Killed by 9."),
])
def test_matches_causes_as_sentences(cause, told):
    assert sentence(cause) == told


def test_identity_each_file_of_the_report_is_there_for_its_readers(store):
    with store.staged("tiny", "a1" * 32) as stage:
        (stage.folder / "notebook.ipynb").write_text('{"cells": []}')
        (stage.folder / "secret").symlink_to("/etc/passwd")
        record = {"study": "tiny", "title": "Tiny", "state": "succeeded", "error": "",
                  "params": {}, "defaults": {}, "key": "a1" * 32, "key_parts": {},
                  "versions": {}, "started": "", "seconds": 1.0, "summary": {}, "notes": []}
        page = write_report(rebuilt(stage.folder, record | {"id": stage.id}))
        run = store.publish(stage, record)
    foot = (run.folder / page.name).read_text("utf-8").split("<dt>Files")[1]
    listed = re.findall(r'href="([\w.]+)"', foot)
    assert listed == ["manifest.json", "notebook.ipynb"]
    assert all((run.folder / name).is_file() for name in listed)


@pytest.mark.parametrize("content", ["", '{"cells": [', "[]", '{"cells": [{"cell_type"', "\x00"])
@pytest.mark.parametrize("state", ["lost", "succeeded"])
def test_matches_a_run_whose_notebook_is_broken(made, nb, state, content):
    run = made(nb.cell("1"), state=state)
    run.notebook.write_text(content)
    page = read(run)
    alarm = page[page.index('role="alert"'):page.index("</aside>")]
    assert "The notebook that was kept cannot be read." in alarm
    assert run.key in page


@pytest.mark.parametrize("wrong", [
    {"outputs": None}, {"source": None}, {"outputs": [None]}, {"outputs": ["text"]},
    {"outputs": [{"output_type": "display_data", "data": None}]},
    {"outputs": [{"output_type": "display_data", "data": {"text/html": 5}}]},
    {"outputs": [{"output_type": "error", "traceback": [1]}]},
    {"cell_type": "markdown", "attachments": {"x": 5}},
], ids=repr)
def test_recovers_a_report_from_one_malformed_cell(made, nb, wrong):
    page = read(made(nb.cell("1", nb.printed("before"), name="a"),
                     nb.cell("2", name="b") | wrong, nb.cell("3", nb.printed("after"), name="c")))
    assert page.count('<p class="quiet">This cell cannot be read.</p>') == 1
    assert page.index("before") < page.index('id="cell-b"') < page.index("after")


@pytest.mark.parametrize("metadata", [{"language_info": None}, {"kernelspec": None}])
def test_recovers_a_report_without_a_language(made, nb, metadata):
    run = made(nb.cell("x = 1", name="a"))
    run.notebook.write_text(json.dumps({"cells": [nb.cell("x = 1", name="a")],
                                        "metadata": metadata}))
    assert "cannot be read" not in read(run)


def test_recovers_texts_and_names_that_are_no_text(made, nb):
    run = made(nb.text("# T"), nb.text("half \ud800"), nb.cell("1", nb.shown(text_html="\udfff")))
    Path(os.fsdecode(os.fsencode(run.folder) + b"/\xff.txt")).touch()
    page = read(run)
    assert "half ?" in page
    assert 'href="%FF.txt">?.txt</a>' in page


def test_identity_linked_and_inlined_report_hold_the_same(made, nb):
    run = made(nb.text(TITLE), nb.cell("plot", nb.figure()))
    linked = read(run)
    names = re.findall(r'(?:src|href)="\.\./(_assets/[^"]+)"', linked)
    assert len(names) == 3
    for name in names:
        assert (run.folder.parent / name).stat().st_size > 1000
    alone = read(run, single_file=True)
    assert "_assets" not in alone
    parts = [page[page.index("<nav class"):page.index("</main>")] for page in (linked, alone)]
    assert parts[0] == parts[1]


def test_identity_assets_are_written_once(made, nb):
    runs = [made(nb.cell("plot", nb.figure(number)), key=f"{number}" * 64) for number in (1, 2)]
    read(runs[0])
    assets = runs[0].folder.parent / "_assets"
    before = {path.name: path.stat().st_mtime_ns for path in assets.iterdir()}
    assert sum(name.startswith("bokeh-") for name in before) == 1
    assert len(read(runs[1])) < 60 * 1024
    assert {path.name: path.stat().st_mtime_ns for path in assets.iterdir()} == before


def test_matches_libraries_that_outputs_need(made, nb):
    panel = "<div data-root-id=p1></div><script>if (Bokeh.Panel) embed()</script>"
    linked = [re.findall(r"_assets/(bokeh[a-z-]*|panel)-\d", read(made(*cells, key=key * 32)))
              for key, cells in (("a1", [nb.cell("1", nb.printed("Bokeh"))]),
                                 ("b2", [nb.cell("1", nb.figure())]),
                                 ("c3", [nb.cell("1", nb.shown(text_html=panel))]))]
    assert linked == [[], ["bokeh"], ["bokeh", "bokeh-widgets", "bokeh-tables", "panel"]]


def test_rejects_a_heading_that_ends_in_an_attribute(made, nb):
    evil = '<a title="<img src=x onerror=alert(1) </h2>">x</a>'
    page = read(made(nb.cell("1"), *(nb.text(f"## H{n} {evil}") for n in range(5))))
    contents = re.search(r'<nav class="contents".*?</nav>', page, re.DOTALL)[0]
    assert contents.count("<li>") == 5
    assert not re.search(r"<(?!/?(?:li|a|ol|nav)\b)", contents)
    assert "onerror" not in re.sub(r'(?:href="[^"]*")', "", contents)


def test_rejects_markup_of_users(made, nb):
    evil = "</script><img src=x onerror=alert(1)>"
    run = made(nb.text(f"# T\n\n{evil}"),
               nb.cell(evil, nb.printed(evil), nb.raised(evil, evil, evil)),
               title=evil, error=evil, state="failed", notes=[evil], params={"n": evil},
               summary={evil: {"value": 1.0, "low": None, "high": None, "level": None,
                               "unit": evil, "why": evil}}, versions={"python": evil})
    page = read(run)
    own = page[page.index("<body>"):page.index("<script")]
    assert "<script" not in own
    assert not re.search(r"<[^>]*\son\w+\s*=", own)
    assert page.count("&lt;img src=x onerror") + page.count("onerror=alert(1)&gt;") > 10
    assert "default-src 'none'" in page
    assert "unsafe" not in re.search(r"script-src[^;]*", page)[0]


def test_rejects_the_network(made, nb):
    run = made(nb.text(PLACES), nb.cell("plot", nb.figure()))
    page = read(run)
    assert FETCHES.search('<script src="https://x">')
    before = page[:page.index('<script type="application/json"')]
    style = next((run.folder.parent / "_assets").glob("*.css")).read_text(encoding="utf-8")
    assert [FETCHES.search(content) for content in (before, style)] == [None, None]
    assert set(re.findall(r"https?://[^\s\"'<)]+", before)) == {"https://example.org"}


def test_rejects_a_break_out_of_the_data_of_frames(made, nb):
    markup = "<script>1</script></iframe></body><!--<script>\u2028 &amp;"
    page = read(made(nb.cell("x", nb.shown(text_html=markup))))
    block = re.search(r'<script type="application/json" id="frames">(.*?)</script>', page)[1]
    assert json.loads(block)["outputs"] == [{"markup": markup, "uses": False}]
    assert not set("<>&\u2028") & set(block)


def test_identity_pixels_of_a_picture_survive_and_weigh_less(made, nb):
    picture = Image.radial_gradient("L").convert("RGB")
    saved = io.BytesIO()
    picture.save(saved, "PNG")
    encoded = base64.encodebytes(saved.getvalue()).decode()
    run = made(nb.cell("plot", nb.shown(image_png=encoded)))
    page = read(run)
    found = re.search(r'<img alt="Figure" width="256" height="256" src="data:image/webp;base64,'
                      r'([^"]+)"', page)
    packed = base64.b64decode(found[1])
    assert len(packed) < 0.8 * len(saved.getvalue())
    assert Image.open(io.BytesIO(packed)).convert("RGB").tobytes() == picture.tobytes()
    assert encoded in json.loads(run.notebook.read_text())["cells"][0]["outputs"][0]["data"][
        "image/png"]


@pytest.mark.parametrize("content", ["no base64!", "AAAA", "", "iVBORw0KGgo="])
def test_rejects_no_report_for_a_broken_picture(made, nb, content):
    assert "<main>" in read(made(nb.cell("plot", nb.shown(image_png=content))))


def test_matches_what_is_shown_of_an_output(made, nb):
    page = read(made(
        nb.cell("a", nb.shown(text_html="<style scoped>x</style><table class='dataframe'><tr>"
                                  "<td>1</td></tr></table>", text_plain="not shown")),
        nb.cell("b", nb.shown(text_html="<made-up>", text_plain="shown instead")),
        nb.cell("c", nb.shown(text_latex="$\\alpha<b>$")),
        nb.cell("d", nb.printed("10%\r100%\nnext \x1b[31mred\x1b[0m\x1b[2K")),
        nb.cell("e", nb.shown(**{"image_svg+xml": "<svg onload='alert(1)'/>"}))))
    assert '<table class="dataframe"><tbody><tr><td>1</td></tr></tbody></table>' in page
    assert "not shown" not in page
    assert "shown instead" in page
    assert "$\\alpha&lt;b&gt;$" in page
    assert '<pre class="output stdout">100%\nnext <span class="ansi-red-fg">red</span></pre>' \
        in page
    assert '<img alt="Figure" src="data:image/svg+xml;base64,' in page
    assert "<iframe" not in page


def test_rejects_a_damaged_run(made, store):
    run = made()
    (run.folder / "manifest.json").unlink()
    with pytest.raises(ValueError, match=r"run must be readable.*manifest\.json is missing"):
        write_report(store.runs()[0])
