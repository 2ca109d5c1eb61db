"""The page of the quantile study in a real browser: live at once, and told which models count."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from workbench import catalog
from workbench.ui import address

ROOT = Path(__file__).parents[2]
SERVE = """from workbench import catalog, ui
name = "quantile_aggregation"
ui.serve({name: catalog.study(name)}, on_ready=lambda url: print(url, flush=True))"""
IDLE = "window.Bokeh && Bokeh.documents.length > 0 && Bokeh.documents.every(d => d.is_idle)"
# Bokeh draws inside shadow roots, which the browser's own innerText leaves out.
TEXT = """() => {
  const read = (node) => node.nodeType === 3 ? node.data
    : /^(STYLE|SCRIPT)$/.test(node.tagName) ? ""
    : [...(node.shadowRoot?.childNodes ?? []), ...node.childNodes].map(read).join(" ");
  return read(document.body).replace(/\\s+/g, " ");
}"""
# Where the fan chart drew its first outcome, on the screen.
OUTCOME = """() => {
  const find = (views) => { for (const view of views) {
    const glyph = view.model.type === "GlyphRenderer" && view.model.data_source.data.low_end
      && view.glyph;
    if (glyph && glyph.sx) return [view.parent, glyph.sx[0], glyph.sy[0]];
    const found = find(view.children ? [...view.children()] : []);
    if (found) return found;
  } };
  const [plot, x, y] = find(Object.values(Bokeh.index));
  plot.el.scrollIntoView({block: "center"});
  const box = plot.canvas_view.el.getBoundingClientRect();
  return [box.x + x, box.y + y];
}"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Address of a server of its own process, with an empty store."""
    store = str(tmp_path_factory.mktemp("store"))
    with subprocess.Popen([sys.executable, "-c", SERVE], stdout=subprocess.PIPE, cwd=ROOT,
                          text=True, env=os.environ | {"WORKBENCH_RUNS": store}) as server:
        try:
            yield server.stdout.readline().strip().rstrip("/")
        finally:
            server.send_signal(signal.SIGINT)
            assert server.wait(20) == 0


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
    page.wait_for_function(told.replace("TOLD", "-p resolution=coarse"))
    page.get_by_text("Computed in").wait_for()
    page.wait_for_function(IDLE)
    for _ in range(40):      # figures may still move to their places
        page.mouse.move(0, 0)
        page.mouse.move(*page.evaluate(OUTCOME))
        page.wait_for_timeout(100)
        if re.search(r"low end ?(qrf|linear) \d+ %", page.evaluate(TEXT)):
            break
    else:
        pytest.fail(f"Hovering an outcome told no models: {page.evaluate(TEXT)[-600:]}")
    assert errors == []
