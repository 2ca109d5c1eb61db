"""What pages send and draw stays small, however many points, visitors and clicks there are."""

import pytest

from tests.ui.browser.crowded import Answers, Page, served

MANY = 1_000_000
# Ends of the first figure's axes, and those that it came with.
ENDS = """() => [watch.models().find((one) => one.type === "Figure")].flatMap(
  ({x_range, y_range}) => [x_range.start, x_range.reset_start, y_range.start, y_range.reset_start])
"""
COUNTED = """() => watch.models().find((one) => one.name === "crowd").data.image[0]
  .reduce((sum, one) => sum + (one || 0), 0)"""


@pytest.fixture(scope="module")
def crowd(tmp_path_factory):
    """Address of a page of ten thousand points, and of a million."""
    with served(tmp_path_factory.mktemp("crowded"), saved=(MANY, 10_000)) as (site, _):
        yield site


@pytest.fixture
def page(browser, crowd):
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    yield Page(context, crowd)
    context.close()


def test_identity_million_points_stay_on_the_server(page):
    page.load(f"/crowded?n={MANY}")
    assert page.received < 2e6
    assert page.page.evaluate(COUNTED) == MANY           # each point is counted once
    before = page.received
    page.turn_on_the_wheel()
    page.page.mouse.move(*page.spot())
    page.redraw("count", lambda: page.page.mouse.wheel(0, -300), "wheel")
    assert page.received - before < 1e6
    assert 0 < page.page.evaluate(COUNTED) < MANY


def test_identity_the_server_answers_while_it_counts(page, crowd):
    page.load(f"/crowded?n={MANY}")
    page.turn_on_the_wheel()
    page.page.mouse.move(*page.spot())
    with Answers(crowd) as answers:
        page.redraw("count", lambda: page.page.mouse.wheel(0, -300), "wheel")
    assert len(answers.waits) > 1


def test_identity_moving_a_figure_asks_nothing_of_the_server(page):
    page.load("/crowded?n=10000")
    page.still()
    before = page.received, page.sent
    page.turn_on_the_wheel()
    page.page.mouse.move(*page.spot())
    page.redraw("range", lambda: page.page.mouse.wheel(0, -300), "wheel")
    assert (page.received, page.sent) == before


def test_identity_a_brush_redraws_nothing_but_its_shade(page):
    page.load("/crowded?n=10000")
    page.redraw("figure", page.page.get_by_label("uniform").click, "click")
    page.still()
    figures = page.page.evaluate("() => watch.signs.figure()")
    before, page.sent = page.received, 0

    def brush():
        page.page.mouse.move(*page.spot(0.4))
        page.page.mouse.down()
        page.page.mouse.move(*page.spot(0.6), steps=3)
        page.page.mouse.up()

    page.redraw("brush", brush, "pointerup")
    page.page.get_by_text("scores lie in the stretch").wait_for()
    assert page.page.evaluate("() => watch.signs.figure()") == figures
    # Ten thousand points are three hundred thousand characters, either way.
    assert page.received - before < 30_000
    assert page.sent < 5_000


def test_matches_what_is_asked_while_figures_are_drawn(page):
    page.load("/crowded?n=10000")
    bend = page.page.locator("input[value='0.25']").first.element_handle()
    for value in ("0.9", "-0.9"):
        bend.fill(value)
        bend.press("Enter")
        page.page.wait_for_timeout(60)           # computed, and its figures not drawn yet
    page.page.get_by_label("uniform").click()
    page.page.wait_for_function("""() => {
      const last = watch.models().find((one) => one.name === "trend")?.data_source.data;
      return last && last.score[last.score.length - 1] < 45
        && watch.models().some((one) => one.name === "uniform weights");
    }""")
    page.page.wait_for_function("/bend=-0.9/.test(location.search)"
                                " && /view.uniform=true/.test(location.search)")
    assert page.page.locator(".pn-loading").count() == 0


@pytest.mark.parametrize("many", [10_000, MANY])
def test_identity_of_what_is_zoomed_into_when_a_view_changes(page, many):
    page.load(f"/crowded?n={many}")
    page.turn_on_the_wheel()
    page.page.mouse.move(*page.spot())
    page.redraw("range", lambda: page.page.mouse.wheel(0, -300), "wheel")
    page.still()
    zoomed = page.page.evaluate("() => watch.signs.range()")
    page.redraw("figure", page.page.get_by_label("uniform").click, "click")
    assert page.page.evaluate("() => watch.signs.range()") == zoomed
    assert len(set(page.page.evaluate(ENDS))) == 4       # both axes
    if many == MANY:                             # counted in the cells of what is shown
        page.page.wait_for_function("(start) => watch.signs.count() === start", arg=zoomed)


def test_matches_both_axes_to_other_numbers(page):
    page.load("/crowded?n=10000")
    page.turn_on_the_wheel()
    page.page.mouse.move(*page.spot())
    page.redraw("range", lambda: page.page.mouse.wheel(0, -300), "wheel")
    page.still()
    bend = page.page.locator("input[value='0.25']").first.element_handle()
    bend.fill("0.9")
    page.redraw("figure", lambda: bend.press("Enter"), "keydown")
    across, whole, up, high = page.page.evaluate(ENDS)
    assert (across, up) == (whole, high)         # what was zoomed into is nowhere any more


def test_identity_models_of_a_visitor_whatever_is_drawn(page):
    page.load(f"/crowded?n={MANY}")
    models = "() => Bokeh.documents[0].all_models.size"
    many = page.page.evaluate(models)
    page.load("/crowded?n=10000")
    assert page.page.evaluate(models) == many < 200


@pytest.mark.parametrize("path", ["/opinion_trends", "/quantile_aggregation",
                                  "/loss_landscape_phases"])
def test_identity_second_visit_loads_no_library_again(browser, site, path):
    context = browser.new_context()
    page = Page(context, site)
    page.load(path)
    page.load(path)
    loaded = page.page.evaluate("""() => performance.getEntriesByType("resource").filter(
      (one) => /\\.(js|css)(\\?|$)/.test(one.name) && one.transferSize > 0)
      .map((one) => one.name)""")
    assert loaded == []
    assert page.received < 2e6
    context.close()
