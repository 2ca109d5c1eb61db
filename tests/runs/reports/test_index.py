"""The index: ten thousand runs in one page, drawn some at a time and never as markup."""

import json

import pytest
from playwright.sync_api import expect

from workbench.runs import write_index
from workbench.runs.storage.rows import Row

EVIL = "<img src=x onerror=alert(1)></script>"


def rows(number):
    states = ["succeeded"] * 8 + ["failed", "lost"]
    return [Row(f"run-{i:05d}", ("presto", "bone")[i % 2], f"Title {i % 3}", states[i % 10],
                f"{i:064x}", "2026-03-04T05:06:07Z", 1.5, "" if i % 10 < 8 else f"Error: {i}",
                {"params": {"n": i, "word": "w"}, "defaults": {"n": -1, "word": "w"},
                 "summary": {"slope": {"value": i / 7, "low": 0.0, "high": 2.0 * i, "level": 0.9,
                                       "unit": "points", "why": ""}}})
            for i in range(number)]


def test_matches_index_of_none_and_one(made, store):
    page = write_index(store).read_text(encoding="utf-8")
    assert "No run has been saved yet" in page
    assert "python3 -m workbench report" in page
    made(title=EVIL, params={"n": EVIL})
    page = write_index(store).read_text(encoding="utf-8")
    assert "<form" not in page
    assert page.count("<img") == 0
    made(key="b2" * 32)
    assert "<form" in write_index(store).read_text(encoding="utf-8")


def test_identity_index_shows_a_damaged_run(made, store, visit):
    run = made()
    (run.folder / "manifest.json").unlink()
    page, _, errors = visit(write_index(store))
    assert page.locator("li.run h2").inner_text() == run.id
    assert "manifest.json is missing" in page.locator("li.run .cause").inner_text()
    assert errors == []


def test_rejects_markup_of_users_in_the_index(made, store, visit):
    made(title=EVIL, params={"n": EVIL}, error=EVIL, state="failed", study="tiny")
    made(title=EVIL, key="c3" * 32)
    page, requests, errors = visit(write_index(store))
    assert page.locator("li.run h2").first.inner_text() == EVIL
    assert page.locator("img").count() == 0
    assert (requests, errors) == ([], [])


@pytest.fixture
def many(store, monkeypatch, visit):
    monkeypatch.setattr(type(store), "rows", lambda _: rows(10_000))
    return visit(write_index(store))


def test_matches_filters_among_ten_thousand(many):
    page, requests, errors = many
    items = page.locator("li.run")
    assert items.count() == 50
    assert page.locator("#count").inner_text() == "10000 runs"
    assert items.first.inner_text().splitlines()[0] == "Title 0"
    page.get_by_role("button", name="Show more").click()
    assert items.count() == 100
    page.get_by_label("Search").fill("n = 777 TITLE")
    wanted = [i for i in range(10_000) if str(i).startswith("777")]
    assert items.count() == len(wanted) == 11
    assert page.locator("#count").inner_text() == "11 of 10000 runs"
    assert not page.get_by_role("button", name="Show more").is_visible()
    page.get_by_label("State").select_option("lost")
    told = page.locator("li.run .cause").all_inner_texts()
    assert told == [f"Error: {i}" for i in wanted if i % 10 == 9]
    page.get_by_label("Search").fill("")
    page.get_by_label("Study").select_option("presto")
    assert items.count() == 0
    page.get_by_label("Study").select_option("bone")
    assert page.locator("#count").inner_text() == "1000 of 10000 runs"
    assert (requests, errors) == ([], [])


def test_identity_index_tells_numbers_as_the_report(many):
    page, *_ = many
    page.get_by_label("Search").fill("n = 1234")
    cells = page.locator("li.run td").all_inner_texts()
    assert cells == ["176.3 points", "[0, 2468], 90 % interval"]


def test_identity_thumbnails_wait_until_they_are_seen(made, store, visit):
    for number in range(40):
        run = made(key=f"{number:064x}")
        (run.folder / "thumbnail.svg").write_text(
            '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>')
    page, *_ = visit(write_index(store), viewport={"width": 800, "height": 400})
    loaded = page.evaluate("[...document.images].map((image) => image.complete)")
    assert len(loaded) == 40
    images = page.locator("li.run img")
    expect(images.first).to_have_js_property("naturalWidth", 9)
    assert page.evaluate("document.images[39].naturalWidth") == 0
    page.locator("li.run").last.scroll_into_view_if_needed()
    expect(images.last).to_have_js_property("naturalWidth", 9)


def test_matches_size_of_ten_thousand(store, monkeypatch):
    monkeypatch.setattr(type(store), "rows", lambda _: rows(10_000))
    page = write_index(store).read_text(encoding="utf-8")
    assert len(page) < 250 * 10_000
    block = page[page.index('id="runs">') + 10:]
    data = json.loads(block[:block.index("</script>")])
    assert len(data["runs"]) == 10_000
    assert data["words"].count("presto") == 1
