"""The look of all pages: both themes, both widths, the keyboard, and what axe-core finds."""

import re
from importlib.resources import files
from itertools import pairwise

import pytest

from tests.ui.browser.conftest import Visited
from tests.ui.serving import PASSWORD, served
from workbench import catalog, runs
from workbench.plots.theme import PAPERS
from workbench.ui.serving import passwords

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
# Rules of WCAG 2.0, 2.1 and 2.2, levels A and AA; without any exception.
FOUND = """async () => {
  const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
  const {violations} = await axe.run(document, {resultTypes: ["violations"],
                                                runOnly: {type: "tag", values: tags}});
  return violations.flatMap(({id, nodes}) => nodes.map(({target, html}) =>
    `${id}: ${target.flat().at(-1)}: ${html.slice(0, 120)}`));
}"""
UNFOLDED = "() => { for (const one of document.querySelectorAll('details')) one.open = true; }"
# What reaches beyond the screen without a region of its own that scrolls.
BEYOND = """() => {
  const found = [];
  const walk = (node, scrolls) => {
    for (const child of node.children) {
      const {right, width, height} = child.getBoundingClientRect();
      const own = scrolls || /auto|scroll|hidden|clip/.test(getComputedStyle(child).overflowX);
      if (right > innerWidth + 1 && width && height && !scrolls) found.push(child.className);
      walk(child, own);
      if (child.shadowRoot) walk(child.shadowRoot, own);
    }
  };
  walk(document.body, false);
  return found;
}"""
HEADINGS = """() => {
  const told = [];
  const walk = (node) => {
    for (const child of node.children) {
      if (/^H[1-6]$/.test(child.tagName) && child.checkVisibility()) told.push(+child.tagName[1]);
      if (child.shadowRoot) walk(child.shadowRoot);
      walk(child);
    }
  };
  walk(document.body);
  return told;
}"""
# Where the keyboard is: its element, and what it is called.
FOCUS = """() => {
  let at = document.activeElement;
  while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
  if (!at || at === document.body) return null;
  const said = (node) => node?.textContent?.replace(/\\s+/g, " ").trim() ?? "";
  const label = at.getAttribute("aria-label") || said(at.closest("label")) ||
    (at.id && said(at.getRootNode().querySelector(`label[for="${at.id}"]`))) || said(at) ||
    at.value || at.title || "";
  const ring = [at, at.getRootNode().host, at.closest("li.tile")].some((one) => {
    if (!one) return false;
    const {outlineStyle, outlineWidth, boxShadow} = getComputedStyle(one);
    return outlineStyle !== "none" && parseFloat(outlineWidth) >= 1 || boxShadow !== "none";
  }) || getComputedStyle(at, "::after").outlineStyle !== "none";
  return {name: label.slice(0, 80), tag: at.tagName.toLowerCase(),
          role: at.getAttribute("role"), ring, inside: !!at.closest("aside") ||
          !!at.getRootNode().host};
}"""
COLOURS = """() => Bokeh.documents.flatMap((page) => [...page.all_models]
  .filter((model) => model.type === "Figure").map((model) => model.background_fill_color))"""
NAMES = """() => Bokeh.documents.flatMap((page) => [...page.all_models]
  .filter((model) => model.type === "Figure")
  .map((model) => [model.title.text, model.html_attributes["aria-label"]]))"""
SWEPT = "/sweep?study=opinion_trends&x=level&y=seed"
TITLES = {"/": "Workbench", "/compare": "Compare runs", SWEPT: "Sweeps",
          **{f"/{name}": study.TITLE for name, study in catalog.studies().items()}}


def faults(shown):
    """What axe-core finds on an open page."""
    shown.page.evaluate(AXE)
    return shown.page.evaluate(FOUND)


@pytest.mark.parametrize("path", TITLES)
def test_matches_accessible_page(visit, path):
    """As it opens on a small dark screen, and after that on a large light one."""
    shown = visit(path, color_scheme="dark", viewport={"width": 390, "height": 844})
    page = shown.page
    assert re.findall(r"<title>(.*?)</title>", shown.answer.text()) == [TITLES[path]]
    assert page.title() == TITLES[path]
    if page.locator("#side").count():
        assert page.locator("#side").evaluate("side => side.open") is False
    page.evaluate(UNFOLDED)
    shown.settle()
    assert_accessible(shown)
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 1280, "height": 844})
    page.wait_for_function(f"({COLOURS})().every(colour => [null, '{PAPERS['light']}']"
                           ".includes(colour))")
    shown.settle()
    assert paper(page) == PAPERS["light"]
    assert_accessible(shown)
    assert shown.faults == []


def assert_accessible(shown):
    """What axe-core knows, nothing cut off, headings in order, one main part."""
    page = shown.page
    assert faults(shown) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate(BEYOND) == []
    headings = page.evaluate(HEADINGS)
    assert headings.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(headings)), headings
    assert page.locator("html").get_attribute("lang") == "en"
    assert page.locator("main").count() == 1


def test_rejects_planted_faults(visit):
    shown = visit("/opinion_trends")
    shown.page.evaluate("""() => {
      const host = document.querySelector("main").appendChild(document.createElement("div"));
      host.attachShadow({mode: "open"}).innerHTML = '<button style="width:9px"></button>' +
        '<p style="color:#bbb">pale</p>';
    }""")
    assert {fault.partition(":")[0] for fault in faults(shown)} >= {"button-name",
                                                                  "color-contrast"}


def test_matches_titles_that_tell_pages_apart():
    """That pages have these, from the server on, is seen where each is visited."""
    assert len(set(TITLES.values())) == len(TITLES)


@pytest.mark.parametrize(("theme", "width"), [("dark", 1280), ("light", 390)])
def test_matches_accessible_comparison(visit, store, theme, width):
    found = runs.list_runs("opinion_trends", store=store)[:3]
    shown = visit("/compare?" + "&".join(f"run={run.id}" for run in found), color_scheme=theme,
                  viewport={"width": width, "height": 844})
    shown.page.wait_for_function(f"({COLOURS})().length > 2")
    shown.page.evaluate(UNFOLDED)
    shown.settle()
    assert faults(shown) == []
    assert shown.page.evaluate(BEYOND) == []
    assert shown.faults == []


def test_matches_names_of_figures_to_the_run_that_is_chosen(visit):
    shown = visit("/opinion_trends")
    before = shown.page.evaluate(NAMES)
    shown.page.get_by_role("radio").nth(2).click()
    shown.page.wait_for_function(f"(before) => String(({NAMES})()) !== String(before)", arg=before)
    shown.settle()
    names = shown.page.evaluate(NAMES)
    assert len(names) >= 4
    assert all(name == " ".join(title.split()) for title, name in names)


@pytest.mark.parametrize("path", ["/opinion_trends?run=gone&level=7", "/nothing"])
def test_matches_accessible_refusal(visit, path):
    shown = visit("/", color_scheme="dark", viewport={"width": 390, "height": 844})
    shown.page.goto(shown.site + path, wait_until="networkidle")
    assert faults(shown) == []
    assert "Traceback" not in shown.text


def test_matches_accessible_door_and_empty_store(browser, tmp_path):
    passwords.add_user(tmp_path / "users.json", "ada", PASSWORD)
    with served(tmp_path, "auth='basic'") as site:
        context = browser.new_context(color_scheme="dark", viewport={"width": 390, "height": 844})
        shown = Visited(context.new_page(), site)
        page = shown.page
        page.goto(f"{site}/login")
        assert faults(shown) == []
        page.get_by_label("Name").fill("ada")
        page.get_by_label("Password").fill("wrong")
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("alert").wait_for()
        assert faults(shown) == []
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        for path, words in (("/", "No run"), ("/tiny", "No run is shown yet"),
                            ("/compare", "run")):
            shown.go(path)
            page.evaluate(UNFOLDED)
            assert words in shown.text
            assert faults(shown) == []
        context.close()


def test_matches_theme_over_pages(visit):
    shown = visit("/opinion_trends", color_scheme="light")
    page = shown.page
    assert set(page.evaluate(COLOURS)) <= {PAPERS["light"], None}
    page.get_by_role("button", name="Dark", exact=True).click()
    assert page.locator("html").get_attribute("data-theme") == "dark"
    page.wait_for_function(f"({COLOURS})().every(colour => colour === '{PAPERS['dark']}')")
    shown.go("/quantile_aggregation")
    assert set(page.evaluate(COLOURS)) == {PAPERS["dark"]}
    assert paper(page) == PAPERS["dark"]
    page.reload()
    assert paper(page) == PAPERS["dark"]            # before anything is drawn
    shown.settle()
    page.get_by_role("button", name="Auto", exact=True).click()
    assert paper(page) == PAPERS["light"]
    page.emulate_media(color_scheme="dark")
    assert paper(page) == PAPERS["dark"]
    page.wait_for_function(f"({COLOURS})().every(colour => colour === '{PAPERS['dark']}')")
    page.emulate_media(color_scheme="dark", media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert paper(page) == PAPERS["light"]
    assert PAPERS["dark"] not in page.evaluate(COLOURS)
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("html").get_attribute("data-theme") is None
    assert shown.faults == []


def paper(page):
    """Colour of the page itself."""
    rgb = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return "#" + "".join(f"{int(part):02x}" for part in rgb[4:-1].split(","))


def test_matches_walk_with_the_keyboard(visit):
    shown = visit("/opinion_trends")
    page, walked = shown.page, []
    for _ in range(300):
        page.keyboard.press("Tab")
        stop = page.evaluate(FOCUS)
        if stop is None or (walked and stop == walked[0]):
            break
        walked.append(stop)
    names = [stop["name"] for stop in walked]
    assert names[0] == "Skip to the content"
    assert [name for name in ("Studies", "Compare") if name not in names[:8]] == []
    declared = list(catalog.study("opinion_trends").Params.declared())
    wanted = [*declared, "Run", "Compute here", "Pan", "Save", "Open the report"]
    missing = [name for name in wanted if not any(told.startswith(name) for told in names)]
    assert missing == []
    order = [next(at for at, told in enumerate(names) if told.startswith(name))
             for name in declared]
    assert order == sorted(order)
    assert [stop for stop in walked if not stop["name"]] == []
    assert [stop for stop in walked if not stop["ring"]] == []
    page.get_by_role("link", name="Skip to the content").focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"
