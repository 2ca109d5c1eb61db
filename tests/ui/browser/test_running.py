"""A real run in a real browser: started, watched from two pages, shown, cancelled, refused."""

import pytest
from playwright.sync_api import expect

from tests.ui.browsing import serving_studies

FAST = "/opinion_trends?trend=line&draws=50&sampler=laplace"


@pytest.fixture(scope="module")
def shown(store):
    """Address of a server that only shows."""
    with serving_studies(store, "read_only=True") as address:
        yield address


def press(page, name):
    page.get_by_role("button", name=name, exact=True).click()


def stopped(study):
    """Stop what the address made the page compute; its parameters stay."""
    if study.page.get_by_role("button", name="Stop").is_visible():
        press(study.page, "Stop")
    study.page.get_by_role("button", name="Compute here").wait_for()
    return study


def test_matches_a_run_from_the_click_to_its_result(visit):
    study = stopped(visit(f"{FAST}&seed=5"))
    page, loads = study.page, []
    page.on("load", lambda _: loads.append(page.url))
    press(page, "Run")
    bar = page.get_by_role("progressbar", name="seed=5")
    bar.wait_for()
    assert page.get_by_role("button", name="Cancel the run of Opinion trends").is_visible()
    home = visit("/")
    home.page.get_by_role("progressbar", name="seed=5").wait_for()
    again = visit("/opinion_trends")             # whoever comes by sees it too
    again.page.get_by_role("progressbar", name="seed=5").wait_for()
    page.locator("details.log summary").click()
    page.get_by_label("Log of Opinion trends").get_by_text("Cell 1 of").wait_for()
    page.get_by_text("Done in").wait_for()
    page.wait_for_url("**/opinion_trends?run=*")
    study.settle()
    run = page.url.partition("run=")[2]
    checked = page.locator("input[type=radio]:checked")
    assert "seed=5" in checked.locator("..").inner_text()
    assert run in study.text
    assert page.get_by_role("link", name="Open the report").is_visible()
    assert bar.count() == 0
    assert loads == []
    home.page.locator(f"table.recent a[href$='{run}']").wait_for()
    again.page.get_by_text("seed=5").first.wait_for()
    assert study.faults + home.faults + again.faults == []


def test_matches_a_run_that_is_cancelled(visit):
    study = stopped(visit(f"{FAST}&seed=6"))
    page = study.page
    press(page, "Run")
    page.get_by_role("button", name="Cancel the run of Opinion trends").click()
    page.get_by_text("was cancelled").wait_for()
    assert page.get_by_role("progressbar").count() == 0
    assert page.get_by_role("button", name="Run", exact=True).is_enabled()
    assert study.faults == []


def test_matches_a_preset_to_the_widgets(visit):
    page = visit("/opinion_trends").page
    page.get_by_label("Preset").select_option("FOMC statements")
    page.wait_for_url("**data=fomc-statements**")
    expect(page.get_by_label("data", exact=True)).to_have_value("fomc-statements")
    page.get_by_text("The parameters have changed. Run saves their result").wait_for()


def test_rejects_runs_on_a_site_that_only_shows(visit, shown):
    study = visit(f"{FAST}&seed=7", at=shown)
    page = study.page
    study.page.get_by_text("nothing can be computed here").first.wait_for()
    for name in ("Run", "Compute here", "Stop"):
        assert page.get_by_role("button", name=name, exact=True).count() == 0
    assert page.get_by_label("data", exact=True).is_disabled()
    study.go("/opinion_trends")
    assert "average slope" in study.text
    assert study.faults == []
