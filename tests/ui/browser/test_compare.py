"""The compare page in a real browser: runs chosen, what differs, figures over each other."""

import pytest

from workbench import runs

FIGURES = """() => Bokeh.documents.flatMap((page) => [...page.all_models])
  .filter((model) => model.type === "Figure").map((figure) => figure.title.text)"""
LEGENDS = """() => Bokeh.documents.flatMap((page) => [...page.all_models])
  .filter((model) => model.type === "LegendItem").map((item) => item.label.value)"""
WIDER = "document.documentElement.scrollWidth - innerWidth"


@pytest.fixture
def pair(store):
    """Two runs of the sweep that differ in their level."""
    found = {run.values["level"]: run for run in runs.list_runs("opinion_trends", store=store)
             if run.values["seed"] == 1}
    return found[0.8], found[0.95]


def address(found):
    return "/compare?" + "&".join(f"run={run.id}" for run in found)


def test_matches_what_differs_with_intervals_and_figures_over_each_other(visit, pair):
    visited = visit(address(pair))
    page = visited.page
    row = page.get_by_role("row").filter(has=page.get_by_role("rowheader", name="level"))
    assert row.first.inner_text().split() == ["level", "0.8", "\u2260", "differs:", "0.95"]
    assert "95 % interval" in visited.text
    page.wait_for_function(f"({FIGURES})().includes('Trend')")
    visited.settle()
    assert {"level=0.8", "level=0.95"} <= set(page.evaluate(LEGENDS))
    link = page.get_by_role("link", name="Page").first
    assert link.get_attribute("href") == f"./opinion_trends?run={pair[0].id}"
    assert visited.faults == []


def test_matches_runs_chosen_by_the_keyboard(visit):
    visited = visit("/compare")
    page = visited.page
    assert "Choose 2 to 8 runs" in visited.text
    for at in (0, 1):
        box = page.get_by_role("checkbox").nth(at)
        box.wait_for()
        box.focus()
        page.keyboard.press("Space")
        page.wait_for_function(f"location.search.split('run=').length === {at + 2}")
    page.get_by_role("heading", name="Parameters that differ").wait_for()
    assert page.get_by_role("checkbox", checked=True).count() == 2
    assert visited.faults == []


def test_matches_a_phone_without_sideways_scrolling(visit, pair):
    visited = visit(address(pair), viewport={"width": 390, "height": 844})
    visited.page.wait_for_function(f"({FIGURES})().includes('Trend')")
    visited.settle()
    assert visited.page.evaluate(WIDER) <= 0
    assert visited.faults == []
