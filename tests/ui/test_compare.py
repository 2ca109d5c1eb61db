"""The compare page without a browser: which runs, what differs, what is wrong."""

import re

import pytest

from workbench import runs
from workbench.core import Estimate, Interval
from workbench.runs.reports.compare import distance
from workbench.ui.comparison import compared_figures
from workbench.ui.computing import saved
from workbench.ui.pages.compare import ComparePage
from workbench.ui.parts import compared_facts
from workbench.ui.parts.compared_intervals import Row, ends, forest, place, rows_of
from workbench.ui.parts.comparing import Comparing, compared, labels
from workbench.ui.parts.run_table import RunTable
from workbench.ui.site import Site


@pytest.fixture
def site(tiny):
    return Site({"tiny": tiny}, reports="reports")


@pytest.fixture
def save(tiny):
    def kept(**values):
        params = tiny.Params(**values)
        return runs.save(tiny, params, tiny.run(params))

    return kept


def comparing(site, *found):
    address = compared([getattr(one, "id", one) for one in found])
    return Comparing(site, address.removeprefix("./compare"))


def test_identity_the_address_brings_the_same_runs_back_in_their_order(site, save):
    first, second = save(n=3), save(n=5)
    state = comparing(site, second, first, second)
    assert state.ids == [second.id, first.id]
    assert state.labels == ["n=5", "n=3"]
    state.choose(second.id, on=False)
    state.choose(second.id, on=True)
    assert state.ids == [first.id, second.id]
    assert comparing(site, first.key[:12]).ids == [first.id]


def test_rejects_unknown_runs_and_more_than_eight(site, save):
    found = [save(n=number) for number in range(2, 11)]
    state = comparing(site, "<b>nothing</b>", *found)
    assert len(state.runs) == 7
    assert [problem.split(",")[0] for problem in state.problems] == [
        "runs must be at most 8", "run_id must name a saved run"]
    state.choose(found[7].id, on=True)
    state.choose(found[8].id, on=True)
    assert len(state.runs) == 8
    assert "at most 8" in state.problems[0]


def test_matches_labels_by_what_differs_and_unique(save):
    first, again, other = save(n=3), save(n=3), save(n=3, word="x" * 90)
    told = labels([first, again, other])
    assert len(set(told)) == 3
    assert all(len(label) <= 44 for label in told)
    assert labels([first, other])[0] == "word=plain"


def test_matches_parameters_that_differ_marked_and_equal_ones_folded(save):
    found = [save(n=3, word="<i>a</i>"), save(n=5, word="<i>a</i>")]
    told = compared_facts.parameters(found, ["n=3", "n=5"])
    differing, equal = told.split("<details>")
    assert re.findall(r'scope="row">(\w+)<', differing) == ["n"]
    assert '<span class="unseen">differs: </span>5</td>' in differing
    assert differing.count("differs: ") == 1             # the first run is what others differ from
    assert "7 parameters are equal in both runs" in equal
    assert "&lt;i&gt;a&lt;/i&gt;" in equal
    assert "<i>" not in told


def test_matches_numbers_with_intervals_and_their_distance(save):
    told = compared_facts.numbers([save(n=3), save(n=9)], ["n=3", "n=9"])
    assert "<b>9 rows</b>" in told
    assert "[8.5, 10], 90 % interval" in told
    assert "+6, intervals apart" in told
    assert "no test of a difference" in told


def test_identity_intervals_of_differing_levels_are_not_set_against_each_other():
    first, far = Estimate(1.0, Interval(0.0, 2.0, 0.8)), Interval(3.0, 5.0, 0.95)
    assert distance(first, Estimate(4.0, far)) == (
        "+3, intervals of 80 % and 95 % do not compare")
    assert distance(first, Estimate(4.0, Interval(3.0, 5.0, 0.8))) == "+3, intervals apart"


def test_matches_marks_at_their_places_on_one_axis():
    rows = [Row("a", Estimate(2.0, Interval(0.0, 4.0)), Estimate(1.0, why="counted")),
            Row("b", Estimate(10.0, why="counted"))]
    assert ends(rows) == (0.0, 10.0)
    assert [place(value, 0.0, 10.0) for value in (0.0, 10.0)] == [4.0, 96.0]
    told = forest({("score <b>", "points"): rows})
    assert '<svg x="22.40%"' in told                      # 2 of 0 to 10, between 4 and 96
    assert 'x1="4.00%" x2="40.80%"' in told
    assert "score &lt;b&gt;" in told
    assert "intervals of" not in told
    wider = [*rows, Row("c", Estimate(2.0, Interval(-1.0, 5.0, 0.95)))]
    assert "(intervals of 90 % and 95 %)" in forest({("score", "points"): wider})
    assert "uniform weights: 1" in told


def test_matches_uniform_baselines_below_their_numbers_and_units_apart(save):
    one, other = save(n=3), save(n=4)
    summary = {"average slope": Estimate(1.0, why="none", unit="m"),
               "average slope if every score counts the same": Estimate(2.0, why="none", unit="m"),
               "share": Estimate(5.0, why="none", unit="%")}
    moved = {**summary, "share": Estimate(6.0, why="none", unit="points")}
    found = [type(one)(**{**vars(run), "summary": numbers})
             for run, numbers in ((one, summary), (other, moved))]
    told = rows_of(found, ["a", "b"])
    assert list(told) == [("average slope", "m"), ("share", "%"), ("share", "points")]
    assert [row.baseline.value for row in told[("average slope", "m")]] == [2.0, 2.0]


def test_matches_figures_over_each_other_and_left_as_they_were_saved(site, save):
    found = [save(n=3), save(n=5)]
    parts, problems = compared_figures(found, ["n=3", "n=5"], site)
    assert problems == []
    assert [(part.name, part.kind) for part in parts] == [("main", "over"), ("weights", "over")]
    assert [one.label for one in parts[0].figures[0]] == ["uniform", "n=3", "n=5"]
    assert compared_figures(found, ["n=3", "n=5"], site)[0] is parts
    for run in found:
        assert [one.label for one in saved(site.studies["tiny"], run).figures["main"]] == [
            "uniform", "this method"]


def test_matches_sentences_about_runs_without_a_result(site, save, tmp_path):
    good, broken = save(n=3), save(n=4)
    (broken.path / "manifest.json").write_text("{")
    state = comparing(site, good, broken)
    [told] = compared_facts.troubles(state.runs, state.labels)
    assert told.startswith(f"{broken.id} cannot be read: ")
    page = ComparePage(site)
    assert page.comparing.runs == []


@pytest.mark.parametrize(("count", "sentence"), [
    (0, "No run is saved yet, and a comparison takes two."),
    (1, "One run is saved yet, and a comparison takes two."),
    (2, "Choose 2 to 8 runs in the table to see what differs.")])
def test_matches_what_helps_when_nothing_is_chosen(site, save, count, sentence):
    for number in range(count):
        save(n=number + 1)
    told = ComparePage(site).main[0].object
    assert sentence in told
    assert "python3 -m workbench sweep tiny -g PARAMETER=VALUE,VALUE" in told


def test_matches_a_page_of_the_table_and_what_is_searched(site, save):
    found = [save(n=number + 1, word=f"w{number % 3}") for number in range(14)]
    chosen = []
    table = RunTable(site, lambda name, on: chosen.append((name, on)))
    table.show([found[-1].id])
    panel = table.panel
    assert (len(panel.rows), panel.pages, panel.told) == (12, 2, "14 saved runs")
    assert panel.rows[0]["marked"] is True
    panel._handle_msg({"kind": "page", "at": 99})
    assert (len(panel.rows), panel.at) == (2, 1)
    panel._handle_msg({"kind": "search", "text": "W2 succeeded n=6"})
    assert [row["cells"][2] for row in panel.rows] == ["n=6, word=w2"]
    panel._handle_msg({"kind": "search", "text": "<nothing>"})
    assert (panel.rows, panel.told) == ([], "0 of 14 saved runs")
    panel._handle_msg({"kind": "mark", "row": found[0].id, "on": True})
    assert chosen == [(found[0].id, True)]
