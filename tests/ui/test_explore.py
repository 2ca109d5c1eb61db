"""A study's page in a notebook: found from the study, live, apart from the window's address."""

import asyncio
import importlib
import sys

import panel as pn
import pytest

from workbench import catalog, ui
from workbench.core import ParameterError


def explored(study, values, *moves):
    """An exploration once it shows the values, and then each of the moves, as in a notebook."""
    async def within():
        shown = study.explore(**values)
        visit = shown.visit
        assert not visit.is_fresh()              # what is computed too early would not be seen
        for _ in range(2):                       # a notebook says it again until it is heard
            shown.panel[0][1]._handle_msg("here")
        for move in moves:
            await arrived(visit)
            visit.values.param.update(**move)
        if values or moves:
            await arrived(visit)
        return shown

    async def arrived(visit):
        while visit.busy or not visit.is_fresh():
            await asyncio.sleep(0.01)

    return asyncio.run(within())


@pytest.mark.parametrize("name", sorted(catalog.studies()))
def test_every_study_has_it(name):
    study = catalog.study(name)
    assert "explore" not in study.__all__
    assert study.explore.__doc__.startswith("Show controls, numbers and figures")


def test_matches_the_parts_of_the_page(tiny):
    shown = explored(tiny, {})
    assert shown.visit.shown is None                 # nothing is saved, and nobody knows how long
    page = ui.StudyPage(tiny)
    for column, wanted in zip(shown.panel, (page.side, page.main), strict=True):
        assert [type(part) for part in column[0].select()] == [
            type(part) for part in wanted.select()]


def test_matches_values_that_are_given_and_moved(tiny):
    shown = explored(tiny, {"n": 7}, {"n": 9, "word": 'a "b" & c'})
    assert shown.visit.shown.result.summary["rows"].value == 9
    assert shown.visit.shown.values["word"] == 'a "b" & c'
    told = "".join(str(pane.object) for pane in shown.panel.select(pn.pane.HTML))
    assert "-p n=9" in told
    [slider] = [each for each in shown.panel.select(pn.widgets.EditableIntSlider)
                if each.label == "n"]
    assert slider.value == 9


def test_rejects_what_the_study_refuses(tiny):
    with pytest.raises(ParameterError, match="n must be a whole number >= 1 and <= 100, got 0"):
        tiny.explore(n=0)
    with pytest.raises(ParameterError, match="unknown parameter 'm'"):
        ui.explore(tiny, m=1)


def test_identity_the_address_of_the_window_is_left_alone(tiny):
    pn.state._location = None
    explored(tiny, {"n": 7}, {"n": 9})
    assert pn.state.location is None


def test_identity_a_report_holds_a_sentence(tiny, monkeypatch, tmp_path):
    shown = explored(tiny, {})
    monkeypatch.setenv("WORKBENCH_RUN_FOLDER", str(tmp_path))
    assert shown._repr_mimebundle_() == {
        "text/plain": "Tiny <b>study</b>: widgets and figures, which a notebook shows."}


def test_identity_a_study_keeps_its_own(tiny, tmp_path, monkeypatch):
    text = "def explore():\n    return 'mine'\n\n" + (tmp_path / "modules" / "tiny.py").read_text()
    (tmp_path / "modules" / "own_way.py").write_text(text, encoding="utf-8")
    monkeypatch.delitem(sys.modules, "own_way", raising=False)
    assert importlib.import_module("own_way").explore() == "mine"
    monkeypatch.delitem(sys.modules, "own_way")


def test_overview_links_each_study_and_escapes_its_words(tiny):
    html = ui.overview({"tiny": tiny})._repr_html_()
    assert '<a href="#workbench:tiny">Tiny &lt;b&gt;study&lt;/b&gt;</a>' in html
    assert repr(ui.overview({"tiny": tiny})) == "tiny: How little can a page show?"
