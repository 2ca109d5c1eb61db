"""The home page in a real browser: searched, filtered, and told what runs while it is open."""

import re

from workbench import catalog
from workbench.runs import Store
from workbench.ui.parts import gallery


def shown(page):
    return page.locator("li.tile:visible h2").all_inner_texts()


def test_matches_the_search_to_the_address(visit):
    home = visit("/?q=OPINION")
    page = home.page
    assert shown(page) == ["Opinion trends"]
    assert page.locator("#found").inner_text() == f"1 of {len(catalog.studies())} studies"
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "search"
    page.keyboard.press("Escape")
    assert len(shown(page)) == len(catalog.studies())
    assert "q=" not in page.url
    page.keyboard.type("degrees of freedom")
    assert shown(page) == ["Opinion trends"]
    assert page.get_by_text("Found in its parameter nu").is_visible()
    assert "q=degrees+of+freedom" in page.url
    home.go("/" + page.url.partition("/?")[2].join(["?", ""]))
    assert page.locator("#search").input_value() == "degrees of freedom"
    page.locator("#search").press("Enter")
    page.wait_for_url("**/opinion_trends")
    assert home.faults == []


def test_matches_the_filter_by_what_is_weighed(visit):
    home = visit("/?weighs=landscape&q=nothing-like-this")
    page = home.page
    assert shown(page) == []
    assert page.locator("#nothing").inner_text() == (
        "No study fits “nothing-like-this” and weighs trained networks. Use fewer or other "
        "words, or show all studies.")
    page.get_by_role("button", name="show all studies").click()
    assert len(shown(page)) == len(catalog.studies())
    assert page.url.endswith("/")
    kind = page.get_by_role("button", name="observations and models")
    kind.focus()
    page.keyboard.press("Enter")
    assert shown(page) == sorted(study.TITLE for study in catalog.studies().values()
                                 if gallery.room(study) == "inference")
    assert kind.get_attribute("aria-pressed") == "true"
    assert page.url.endswith("/?weighs=inference")
    assert home.faults == []


def test_matches_recent_runs_and_where_they_lead(visit):
    home = visit("/")
    page = home.page
    first = page.locator("table.recent tbody tr").first
    assert re.search(r"succeeded", first.inner_text())
    opened = first.locator("th a").get_attribute("href")
    home.go("/" + opened.removeprefix("./"))
    assert page.locator("input[type=radio]:checked").count() == 1
    assert home.faults == []


def test_matches_a_run_of_another_program_while_it_goes_on(visit, store):
    home = visit("/", viewport={"width": 390, "height": 844})
    page = home.page
    assert page.get_by_role("progressbar").count() == 0
    about = {"study": "opinion_trends", "title": "Opinion trends", "params": {"seed": 99},
             "defaults": {"seed": 0}}
    with Store(store).staged("opinion_trends", "ab" * 32, about):
        bar = page.get_by_role("progressbar", name="Opinion trends, seed=99")
        bar.wait_for()
        assert "started by another program" in bar.get_attribute("aria-valuetext")
        assert page.get_by_role("button", name="Cancel").count() == 0
    bar.wait_for(state="detached")
    assert "the run has ended" in home.text
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= 390
    assert home.faults == []
