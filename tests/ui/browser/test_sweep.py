"""The sweep page in a real browser: figures drawn, points that open runs, limits by keyboard."""

FIGURES = """() => Bokeh.documents.flatMap((page) => [...page.all_models])
  .filter((model) => model.type === "Figure").map((figure) => figure.title.text)"""
# Where a place of a figure lies on the screen; the figure has a title that begins so.
PLACE = """([title, x, y]) => {
  const root = [...Bokeh.index.roots].find(({model}) => model.type === "Figure" &&
                                           model.title.text.startsWith(title));
  const {left, top} = root.canvas_view.el.getBoundingClientRect();
  return [left + root.frame.x_scale.compute(x), top + root.frame.y_scale.compute(y)];
}"""
WIDER = "document.documentElement.scrollWidth - innerWidth"
DRAWN = f"({FIGURES})().length >= 2"


def opened(visit, path="/sweep?study=opinion_trends&x=level&y=seed", **options):
    visited = visit(path, **options)
    visited.page.wait_for_function(DRAWN)
    visited.settle()
    return visited


def test_matches_a_click_on_a_cell_opens_its_run(visit):
    visited = opened(visit)
    page = visited.page
    titles = page.evaluate(FIGURES)
    assert any("runs" in title for title in titles)
    assert "level: 0.8, 0.9, 0.95" in visited.text.replace(" :", ":")
    page.get_by_role("heading", name="Response").scroll_into_view_if_needed()
    x, y = page.evaluate(PLACE, ["One run per value", 0.0, 1.3])
    page.mouse.click(x, y)
    page.wait_for_url("**/opinion_trends?run=*")
    visited.settle()
    assert visited.faults == []


def test_matches_limits_and_links_by_the_keyboard(visit):
    visited = opened(visit)
    page = visited.page
    page.get_by_label("Limit axis").select_option("level")
    page.get_by_label("to", exact=True).select_option("0.8")
    page.get_by_role("button", name="Limit", exact=True).focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Remove limit: level is 0.8").wait_for()
    page.wait_for_function("location.search.includes('brush.level=0.8..0.8')")
    visited.settle()
    link = page.get_by_role("rowheader").get_by_role("link").first
    link.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/opinion_trends?run=*")
    assert visited.faults == []


def test_matches_a_phone_without_sideways_scrolling(visit):
    visited = opened(visit, viewport={"width": 390, "height": 844})
    assert visited.page.evaluate(WIDER) <= 0
    assert visited.faults == []
