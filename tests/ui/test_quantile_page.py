"""The page of the quantile study in a real browser: live at once, and told which models count."""

import re

import pytest

from tests.ui.browsing import IDLE, TEXT, serving_studies
from workbench import catalog
from workbench.ui import address

# Where the fan chart drew its first row, on the screen.
ROW = """() => {
  const find = (views) => { for (const view of views) {
    const glyph = view.model.type === "GlyphRenderer" && view.model.data_source.data.low_end
      && view.glyph;
    if (glyph && glyph.sleft) return [view.parent, (glyph.sleft[0] + glyph.sright[0]) / 2,
      (glyph.stop[0] + glyph.sbottom[0]) / 2];
    const found = find(view.children ? [...view.children()] : []);
    if (found) return found;
  } };
  const row = find(Object.values(Bokeh.index));
  if (!row) return null;
  const [plot, x, y] = row;
  plot.el.scrollIntoView({block: "center"});
  const box = plot.canvas_view.el.getBoundingClientRect();
  return [box.x + x, box.y + y];
}"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Address of a server of its own process, with an empty store."""
    with serving_studies(tmp_path_factory.mktemp("store")) as address:
        yield address


def test_matches_live_figures_and_the_models_of_a_row(browser, site):
    page, errors = browser.new_page(viewport={"width": 1280, "height": 900}), []
    page.on("pageerror", lambda error: errors.append(str(error)))
    study = catalog.study("quantile_aggregation")
    page.goto(f"{site}/quantile_aggregation{address.query(study.Params(**study.SMOKE))}")
    page.get_by_text("Computed in").wait_for(timeout=60_000)
    alpha = page.locator("input[value='0.2']")
    alpha.fill("0.4")
    alpha.press("Enter")
    told = f"({TEXT})().includes('TOLD')"
    # Nobody presses Compute.
    page.wait_for_function(told.replace("TOLD", "coverage of the 60 % intervals, calibrated"))
    page.get_by_label("resolution", exact=True).select_option("coarse")
    for _ in range(200):     # where the last aggregate took long, the next one is made on request
        text = page.evaluate(TEXT)
        if "-p resolution=coarse" in text and "Computed in" in text:
            break
        if "The parameters have changed" in text:
            page.get_by_role("button", name="Compute here", exact=True).click()
        page.wait_for_timeout(300)
    else:
        pytest.fail(f"Another resolution was not shown: {text[-600:]}")
    page.wait_for_function(IDLE)
    for _ in range(100):     # figures may still be drawn, or move to their places
        page.mouse.move(0, 0)
        if row := page.evaluate(ROW):
            page.mouse.move(*row)
        page.wait_for_timeout(200)
        if re.search(r"low end ?(qrf|linear) \d+ %", page.evaluate(TEXT)):
            break
    else:
        pytest.fail(f"Hovering a row told no models: {page.evaluate(TEXT)[-600:]}")
    assert errors == []
