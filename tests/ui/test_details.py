"""What is chosen on a figure: by click, brush, list and address, on the tiny study."""

import html
import json

import numpy as np
import pandas as pd
import param
import pytest
from bokeh.document import Document

from workbench import runs
from workbench.ui import StudyPage, address
from workbench.ui.parts.drawing import Still

MORE = '''
from workbench.core.details import Brush, Choice, Pick

class VIEW(Base):
    redraws = ("main",)
    twice = param.Boolean(False, doc="Weights twice as high.")

SELECT = {
    "row": Pick("cloud", "name", "row", "Click a point to read its name."),
    "also": Choice("cloud", "other row", lambda result, picks: [
        name for name in NAMES if name != picks["row"]] if "row" in picks else []),
    "part": Brush("cloud", "part of the axis", "Brush a part to count its points."),
}
NAMES = ["first <b>", "second", "third"]

def cloud(result):
    import holoviews as hv
    return hv.Overlay([hv.Scatter(([0.0, 5.0, 10.0], [0.0, 1.0, 0.0], NAMES), "x",
                                  ["y", "name"])])

def figures(result, view=None):
    factor = 2 if view is not None and view.twice else 1
    height = factor * result.tables["rows"]["weight"].to_numpy()
    return {"main": plots.weight_profile(height / height.sum()), "cloud": cloud(result)}

def details(result, chosen):
    told = {"rows of the result": f"The result has {len(result.tables['rows'])} rows."}
    if chosen.get("row") == "third":
        raise ValueError("row must be another one, got 'third'. Choose the first.")
    if chosen.get("row"):
        told["name"] = f"This is {chosen.get('row')}, beside {chosen.get('also')}."
    if chosen.get("part"):
        low, high = chosen.get("part")
        told["part"] = pd.DataFrame({"low": [low], "high": [high]})
    return told

def downloads(result, params):
    return {"rows.txt": lambda: str(len(result.tables["rows"])).encode()}
'''


@pytest.fixture
def told(tiny):
    """The tiny study with choices."""
    exec(compile(MORE, "tiny", "exec"), vars(tiny))
    return tiny


@pytest.fixture
def page(told, monkeypatch):
    """Its page, whose asynchronous work is done at once."""
    import asyncio

    monkeypatch.setattr("workbench.ui.parts.details.pn.state.execute",
                        lambda work, **_: asyncio.run(work()))
    params = told.Params(n=4)
    runs.save(told, params, told.run(params))

    def opened(search=""):
        for place in ("visit", "parts.result_figures"):
            monkeypatch.setattr(f"workbench.ui.{place}.search", lambda: search)
        return StudyPage(told)

    return opened


def text(page):
    document = page.template().server_doc(doc=Document())
    return html.unescape(json.dumps(document.to_json(deferred=False)))


def widget(page, label):
    return next(one for one in page.main.select() if getattr(one, "label", "") == label)


def test_identity_no_choice_says_what_to_click(page):
    shown = text(page())
    assert "Click a point to read its name. Brush a part to count its points." in shown
    assert "The result has" not in shown


def test_identity_a_study_without_choices_has_no_details(tiny):
    params = tiny.Params()
    runs.save(tiny, params, tiny.run(params))
    page = StudyPage(tiny)
    assert "details" not in [name for one in page.main.select()
                             for name in getattr(one, "css_classes", [])]


def test_matches_a_choice_from_the_list(page):
    opened = page()
    assert widget(opened, "row").options == ["none", "first <b>", "second", "third"]
    assert not widget(opened, "other row").visible
    widget(opened, "row").value = "first <b>"
    assert widget(opened, "other row").options == ["none", "second", "third"]
    widget(opened, "other row").value = "second"
    shown = text(opened)
    assert "This is first &lt;b&gt;, beside second." in shown
    assert "The result has 4 rows." in shown
    widget(opened, "row").value = "none"
    assert "The result has" not in text(opened)


def test_matches_the_choice_of_an_address(page):
    opened = page("?n=4&pick.row=second&pick.part=2..6&view.twice=true&pick.gone=1")
    shown = text(opened)
    assert "This is second, beside None." in shown
    assert widget(opened, "part of the axis").value == (2.0, 6.0)
    assert widget(opened, "twice").value is True
    assert opened.visit.problems == []
    assert opened.visit.values.n == 4


def test_rejects_a_choice_that_the_study_refuses(page):
    opened = page()
    widget(opened, "row").value = "third"
    assert "row must be another one, got 'third'. Choose the first." in html.unescape(
        text(opened))


def test_rejects_choices_of_an_address_that_do_not_exist(page):
    opened = page("?pick.row=fourth&pick.part=a..b&view.twice=perhaps&view.gone=1")
    assert widget(opened, "row").value == "none"
    assert widget(opened, "twice").value is False


def test_matches_an_address_with_its_choices(told):
    search = "?n=9&pick.row=second&view.twice=true"
    assert address.read(told, search).problems == ()
    assert address.chosen(search) == {"pick.row": "second", "view.twice": "true"}
    assert address.keep("?n=2", address.chosen(search)) == "?n=2&pick.row=second&view.twice=true"
    assert address.keep(search, {}) == "?n=9"


def test_matches_the_view_to_the_figures(page, monkeypatch):
    import asyncio

    monkeypatch.setattr("workbench.ui.parts.result_figures.pn.state.execute",
                        lambda work: asyncio.run(work()))
    opened = page()
    stills = [one for one in opened.main.select() if isinstance(one, Still)]
    before = [still.drawn for still in stills]
    widget(opened, "twice").value = True
    assert [still.drawn != old for still, old in zip(stills, before, strict=True)] == [
        "main" in still.file for still in stills]
    assert len(stills) == 2
    widget(opened, "twice").value = False        # drawn before, so it is the same again
    assert [still.drawn for still in stills] == before


def test_matches_a_file_made_on_demand(page):
    shelf = next(one for one in page().main.select() if hasattr(one, "offer"))
    assert shelf.offer["more"] == ["rows.txt"]
    assert shelf._asked({"kind": "file", "name": "rows.txt"}) == {"data": b"4"}


def test_matches_the_mark_at_a_place(told):
    from workbench.plots.selection import Brushed, Picked, marks, stretch

    figure, seen = told.cloud(None), []
    found = Picked(figure, "name", seen.append)
    assert found.values == told.NAMES
    assert found.at(4.8, 1.0, (10.0, 1.0)) == "second"
    assert found.at(3.0, 1.0, (10.0, 1.0)) is None
    assert stretch(figure) == (0.0, 10.0)
    assert marks(figure, "other").empty
    Brushed(figure, lambda *ends: seen.append(ends)).show((1.0, 2.0))
    assert seen == []


def test_matches_cells_to_what_lies_in_them():
    from workbench import plots
    from workbench.plots.selection import marks

    cells = pd.DataFrame({"width": [2, 4, 2, 4], "batch_size": [8, 8, 16, 16],
                          "phase": ["I", "II", "I", None], "cell": list("abcd")})
    figure = plots.phase_map(cells, name="cell")
    found = marks(figure, "cell").set_index("value").loc[list("abcd")]
    np.testing.assert_array_equal(found[["left", "bottom"]], [[-0.5, -0.5], [0.5, -0.5],
                                                              [-0.5, 0.5], [0.5, 0.5]])


def test_matches_a_stretch_of_a_few_days_to_the_minute():
    from workbench.ui.choosing import spelled
    from workbench.ui.parts.choosers import Stretcher

    seen, day = [], pd.Timestamp("2024-03-01 06:30")
    short = Stretcher("time", (day, day + pd.Timedelta(days=2)), seen.append)
    short.drawn(*(1e3 * (day + pd.Timedelta(hours=hours)).timestamp() for hours in (-5, 7.001)))
    long = Stretcher("time", (day, day + pd.Timedelta(days=900)), seen.append)
    long.drawn(*(1e3 * (day + pd.Timedelta(days=days)).timestamp() for days in (-5, 7.001)))
    assert seen == [(day, pd.Timestamp("2024-03-01 13:30")), (day, pd.Timestamp("2024-03-08"))]
    assert spelled(seen[0]) == "2024-03-01T06:30..2024-03-01T13:30"
    assert spelled(seen[1]) == "2024-03-01T06:30..2024-03-08"


def test_matches_figures_of_details_drawn_once_for_all_visitors(told, page, monkeypatch):
    """Boxes have rows and columns too, and are no table; tickers belong to one drawing alone."""
    from bokeh.models import FixedTicker

    def boxes(*_):
        import holoviews as hv
        return {"boxes": hv.Rectangles([(0, 0, 1, 1, 2.0)], vdims="height").opts(
            color="height", colorbar=True, colorbar_opts={"ticker": FixedTicker(ticks=[2])})}

    monkeypatch.setattr(told, "details", boxes)
    drawings = [[one.drawn for one in page("?n=4&pick.row=second").main.select(Still)
                 if one.file.endswith("-boxes")] for _ in range(2)]
    assert len(drawings[0]) == 1
    assert "FixedTicker" in drawings[0][0]
    assert drawings[0] == drawings[1]


def test_identity_no_strip_where_a_result_offers_nothing(told, page):
    told.VIEW = type("VIEW", (told.Base,), {
        "redraws": ("main",), "along": param.String("", doc="A column."),
        "offers": {"along": lambda result: [name for name in result.tables if name == "more"]},
        "__module__": "tiny"})
    opened = page()
    strip = next(one for one in opened.main.select() if one.css_classes == ["view"])
    assert opened.visit.shown.figures
    assert not strip.visible


@pytest.mark.parametrize("work", ["_draw_again", "_draw_soon"])
def test_identity_of_figures_when_a_drawing_fails_that_nobody_waits_for(page, monkeypatch, work):
    import asyncio

    from workbench.ui.parts import result_figures

    figures = result_figures.ResultFigures(page().visit, lambda: None)
    shown = figures._visit.shown
    figures.show(shown)
    before = list(figures.panel.objects)

    def failing(*_):
        figures._asked += asks       # something else is asked for while it draws
        raise ValueError("twice must be another one.")

    monkeypatch.setattr(result_figures, "_as_seen", failing)
    given = (figures._asked,) if work == "_draw_again" else (shown, figures._asked)
    asks = 1
    asyncio.run(getattr(figures, work)(*given))
    assert (figures.panel.objects, figures.wrong) == (before, "")
    asks, given = 0, (*given[:-1], figures._asked)
    asyncio.run(getattr(figures, work)(*given))
    assert figures.wrong == "twice must be another one."
