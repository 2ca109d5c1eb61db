"""Comparisons: what differs is told, what only passes is not."""

import math

import pytest

from workbench.core import Estimate, Interval
from workbench.runs.keys.fingerprint import KEY_SCHEMA
from workbench.runs.reports.compare import NO_TEST, compare
from workbench.runs.reports.comparison import write_comparison

FIGURE = ('<div data-root-id="p{0}" id="1b2c3d4e-0000-4000-8000-00000000{0}"></div>'
          "<script>1</script>")


def numbers(**told):
    return {name: Estimate(value, ends and Interval(*ends), "points", "" if ends else "counted")
            .record() for name, (value, ends) in told.items()}


def parts(count, cell, code):
    return {"schema": KEY_SCHEMA, "cells": [["say", cell], ["same", "bb"]], "python": "3.11.1",
            "code": {"tiny": code, "other": "2"}, "params": {"n": count}}


@pytest.fixture
def pair(made, nb):
    """Two runs that differ in n, in two numbers, in one source and in two outputs."""
    def cells(word, count):
        return [nb.text("# Tiny\n\nA question."),
                nb.cell(f"n = {count}", name=f"x{count}", tags=["injected-parameters"]),
                nb.cell("same", nb.printed("same"), name="same"),
                nb.cell(f"say({word!r})", nb.printed(f"first\n{word}\nlast"), name="say"),
                nb.cell("draw", nb.shown(text_html=FIGURE.format(1000 + count)), name="draw"),
                nb.cell("show", nb.shown(text_plain=f"<thing at 0x7f00000{count}> {word}"),
                        name="show"),
                nb.cell("fig", nb.shown(text_html="<table><tr><td>1</td></tr></table>"),
                        name="fig")]

    first = made(*cells("hello", 3), params={"n": 3, "seed": 0}, key="a1" * 32, seconds=1.0,
                 summary=numbers(slope=(1.0, (0.5, 1.5)), size=(3.0, None), shared=(2.0, (1, 3))),
                 key_parts=parts(3, "aa", "1"))
    second = made(*cells("world", 7), params={"n": 7, "seed": 0}, key="b2" * 32, seconds=2.0,
                  summary=numbers(slope=(2.0, (1.6, 2.4)), size=(7.0, None), shared=(2.0, (1, 3))),
                  key_parts=parts(7, "cc", "9"))
    return first, second


def test_matches_what_differs(pair):
    comparison = compare(*pair)
    assert comparison.params.rows == (("n", "3", "7"),)
    assert comparison.numbers.rows == (
        ("slope", "1 points [0.5, 1.5], 90 % interval", "2 points [1.6, 2.4], 90 % interval",
         "+1, intervals apart"),
        ("size", "3 points (counted)", "7 points (counted)", "+4"))
    assert comparison.numbers.note == NO_TEST
    assert dict(comparison.cells) == {"say": "source and outputs", "show": "outputs"}
    assert comparison.key.rows == (("A to B", "cell say changed"),
                                   ("A to B", "source tiny changed"))


def test_identity_a_run_does_not_differ_from_itself(pair):
    comparison = compare(pair[0], pair[0])
    assert [table.title for table in comparison.tables] == ["Runs"]
    assert str(comparison).startswith("Nothing differs.")


def test_matches_texts_of_a_comparison(pair):
    comparison = compare(*pair)
    text = str(comparison)
    titles = [table.title for table in comparison.tables]
    assert [text.index(title) for title in titles] == sorted(map(text.index, titles))
    assert titles[:2] == ["Parameters that differ", "Numbers that differ"]
    assert "  n          3  7" in text
    assert "+1, intervals apart" in text
    assert max(map(len, text.splitlines())) < 120
    assert "<td>+1, intervals apart</td>" in comparison._repr_html_()


def test_matches_overlap_units_and_several_runs(made):
    def one(value, ends, unit, key):
        told = Estimate(value, Interval(*ends), unit).record()
        return made(key=key * 32, summary={"slope": told}, state="failed", error="x")

    runs = [one(1.0, (0, 2), "m", "a1"), one(3.0, (2, 4), "m", "b2"), one(3.0, (2, 4), "s", "c3"),
            one(math.nan, (5, 6), "m", "d4")]
    assert compare(*runs).numbers.rows[0][-1] == (
        "B: +2, intervals overlap; D: not finite, intervals apart")
    assert compare(*runs).labels == ("A", "B", "C", "D")


def test_matches_cells_that_only_some_have(made, nb):
    runs = [made(nb.cell("1", name="one"), nb.cell("2", name="two")),
            made(nb.cell("1", name="one"), key="b2" * 32),
            made(nb.cell("3", name="three"), key="c3" * 32), made(key="d4" * 32)]
    assert dict(compare(*runs).cells) == {"one": "only in A, B", "two": "only in A",
                                          "three": "only in C"}


def test_matches_runs_by_name_and_key(pair, store):
    assert compare(pair[0].id, pair[1].key[:6], store=store).runs == compare(*pair).runs


def test_rejects_too_few_unknown_and_damaged_runs(pair, store):
    with pytest.raises(ValueError, match=r"at least two, got 1\. Name another"):
        compare(pair[0])
    with pytest.raises(ValueError, match="nowhere"):
        compare(pair[0], "nowhere", store=store)
    (pair[1].folder / "manifest.json").unlink()
    with pytest.raises(ValueError, match="must be readable"):
        compare(pair[0], store.read(pair[1].id))


def test_matches_the_page_of_a_comparison(pair, tmp_path, visit):
    path = write_comparison(compare(*pair), tmp_path / "new" / "page.html")
    page, requests, errors = visit(path, viewport={"width": 1280, "height": 900})
    titles = page.locator("h2").all_inner_texts()
    assert titles == ["Parameters that differ", "Numbers that differ",
                      "What else went in differently", "Cells that differ", "Runs",
                      "Cell by cell"]
    assert page.locator(".compared.differs h3 code").all_inner_texts() == ["say", "show"]
    columns = page.locator(".compared.differs").first.locator(".columns > div")
    assert [text.split("\n")[2] for text in columns.all_inner_texts()] == ["hello", "world"]
    boxes = [column.bounding_box() for column in columns.all()]
    assert boxes[0]["y"] == boxes[1]["y"]
    assert boxes[0]["x"] < boxes[1]["x"]
    gone = page.locator(".diff .gone").all_text_contents()
    assert gone == ["-say('hello')", "-hello", "-<thing at 0x7f000003> hello"]
    assert page.locator(".compared:not(.differs) .output:has(iframe)").count() == 1
    assert (requests, errors) == ([], [])
    page.set_viewport_size({"width": 390, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_rejects_attacks_in_a_comparison(made, nb, tmp_path, visit):
    evil = "</script><img src=x onerror=\"top.pwned=1\"><script>top.pwned=1</script>"
    runs = [made(nb.cell(evil + key, nb.shown(text_html=evil + key), nb.printed(evil + key),
                         name=evil), title=evil, error=evil, state="failed", params={evil: key},
                 key=key * 32, summary=numbers(**{evil: (float(key[1]), None)}))
            for key in ("a1", "b2")]
    page, requests, _ = visit(write_comparison(compare(*runs), tmp_path / "page.html"))
    assert page.evaluate("window.pwned") is None
    assert page.locator("main img, main script, main [onerror]").count() == 0
    assert page.locator("iframe[sandbox='allow-scripts']").count() == 2
    assert requests == []


def test_matches_a_run_without_a_notebook(pair, made, nb, tmp_path, visit):
    lost = made(state="lost", seconds=None, cells={}, error="gone", key="c3" * 32)
    (odd := made(nb.cell("1"), key="d4" * 32)).notebook.write_text(
        '{"cells": [{"outputs": null}, {"outputs": [null, "x"]}]}')
    assert list(compare(pair[0], odd).cells.values())[-1] == "only in B"
    alone = compare(pair[0], lost)
    assert alone.cells == {}
    assert "Cells that differ" not in str(alone)
    assert ("cells", "7 of 7", "") in alone.tables[-1].rows
    assert dict(compare(pair[0], lost, pair[1]).cells) == {
        "say": "source and outputs", "show": "outputs"}
    page, _, errors = visit(write_comparison(compare(pair[0], lost, pair[1]), tmp_path / "a.html"))
    assert "No executed notebook was kept of B." in page.locator("main").inner_text()
    labels = page.locator(".compared.differs .columns .label").all_inner_texts()
    assert labels == ["A", "C"] * 2
    assert page.locator("summary", has_text="A to C").count() == 2
    assert errors == []
