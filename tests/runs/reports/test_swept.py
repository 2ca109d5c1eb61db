"""Runs as points of a sweep: grouping, repeats, means and their ends, against brute force."""

import itertools
import math
import random

import numpy as np
import pytest

from workbench import runs
from workbench.core import Estimate, Interval
from workbench.runs.reports.swept import Swept, sweeps, swept
from workbench.runs.storage.rows import Row

DEFAULTS = {"rate": 0.1, "size": 8, "kind": "plain", "seed": 0, "extra": None}


def row(at, summary=None, **values):
    """A run as a list shows it; later ones are newer."""
    numbers = summary or {"score": Estimate(float(at), Interval(at - 1.0, at + 1.0), "points")}
    facts = {"params": {**DEFAULTS, **values}, "defaults": DEFAULTS,
             "summary": {name: number.record() for name, number in numbers.items()}}
    return Row(f"run{at}", "tiny", "Tiny", "succeeded", f"{at:064d}",
               f"2026-03-04T05:{at // 60:02d}:{at % 60:02d}Z", 1.0, "", facts)


@pytest.fixture
def save(made):
    """Save a run of these parameters whose score is a number."""
    count = itertools.count()

    def saved(score, **values):
        at = next(count)
        return made(params={**DEFAULTS, **values}, defaults=DEFAULTS, key=f"{at:064x}",
                    started=f"2026-03-04T05:{at // 60:02d}:{at % 60:02d}Z",
                    summary={"score": Estimate(score, why="counted").record()})

    return saved


def test_matches_groups_of_runs_that_differ_in_few_parameters(store, save):
    grid = [save(rate * size, rate=rate, size=size).id for rate in (0.1, 0.2, 0.3)
            for size in (8, 16)]
    other = [save(1.0, kind="other", extra=value, rate=9.0 + value, size=3 + value, seed=7 + value,
                  **{f"odd{n}": value for n in range(4)}).id for value in (1, 2)]
    found = sweeps("tiny", store=store)
    assert {row.id for row in found[0].rows} == set(grid)
    assert found[0].varied == {"rate": [0.1, 0.2, 0.3], "size": [8, 16]}
    assert found[0].shared == {"kind": "plain", "seed": 0, "extra": None}
    assert not {row.id for group in found[1:] for row in group.rows} - set(other)
    assert sweeps("nothing", store=store) == []


def test_matches_the_newest_of_runs_with_equal_parameters(store, save):
    save(1.0, rate=0.2)
    newer = save(2.0, rate=0.2)
    save(3.0, rate=0.3)
    whole = swept("tiny", store=store)
    assert (len(whole.rows), whole.older) == (2, 1)
    assert [(len(group.rows), group.older) for group in sweeps("tiny", store=store)] == [(2, 1)]
    cells = whole.cells("score", "rate")
    assert dict(zip(cells["x"], cells["value"], strict=True)) == {0.2: 2.0, 0.3: 3.0}
    assert newer.id in {name for names in cells["runs"] for name in names}


def test_matches_means_and_ends_by_brute_force():
    rng = random.Random(11)
    rows = [row(at, {"score": Estimate(rng.gauss(0, 1), Interval(-9.0, 9.0), "points")},
                rate=rng.choice([0.1, 0.2]), kind=rng.choice(["a", "b"]), seed=at)
            for at in range(60)]
    cells = Swept(tuple(rows)).cells("score", "rate", "kind").set_index(["x", "y"])
    for rate, kind in itertools.product((0.1, 0.2), "ab"):
        there = [each for each in rows if each.values["rate"] == rate
                 and each.values["kind"] == kind]
        values = np.array([each.summary["score"].value for each in there])
        cell = cells.loc[(rate, kind)]
        assert cell["value"] == pytest.approx(values.mean(), abs=1e-12)
        assert (cell["low"], cell["high"]) == (values.min(), values.max())
        assert cell["count"] == len(there)
        assert sorted(cell["runs"]) == sorted(each.id for each in there)


def test_identity_a_single_run_keeps_its_interval():
    cells = Swept((row(3, rate=0.1), row(5, rate=0.2))).cells("score", "rate")
    assert cells[["value", "low", "high"]].to_numpy().tolist() == [[3.0, 2.0, 4.0],
                                                                   [5.0, 4.0, 6.0]]


def test_matches_columns_seeds_last_and_names_told_apart():
    clash = {"rate": Estimate(7.0, why="counted"), "bad": Estimate(math.nan, why="none")}
    group = Swept((row(1, clash, rate=0.1, seed=1), row(2, clash, rate=0.2, seed=2)))
    assert list(group.varied) == ["rate", "seed"]
    assert group.knobs == ["rate"]
    assert list(group.numbers) == ["rate"]           # a number that no run has is none
    table = group.table()
    assert list(table) == ["run", "started", "rate", "seed", "rate (result)", "rate (result) low",
                           "rate (result) high"]
    assert table["rate"].tolist() == [0.1, 0.2]
    assert table["rate (result)"].tolist() == [7.0, 7.0]


def test_rejects_numbers_in_another_unit():
    rows = [row(at, {"score": Estimate(float(at), why="counted", unit="m" if at < 3 else "km")},
                rate=float(at)) for at in range(5)]
    group = Swept(tuple(rows))
    assert (group.numbers, group.other_units) == ({"score": "m"}, {"score": 2})
    assert group.cells("score", "rate")["x"].tolist() == [0.0, 1.0, 2.0]
    assert group.table()["score"].isna().tolist() == [False] * 3 + [True] * 2


def test_matches_texts_unless_all_values_are_numbers():
    group = Swept((row(1, extra=None, rate=1.0), row(2, extra=3, rate=2.0),
                   row(3, extra=True, rate=3.0)))
    assert not group.is_numeric("extra")
    assert group.is_numeric("rate")
    assert group.cells("score", "extra")["x"].tolist() == ["none", "3", "true"]
    assert [one.id for one in group.fixed({"extra": "none"}).rows] == ["run1"]
    assert [one.id for one in group.only(["run3"]).rows] == ["run3"]


def test_matches_a_parameter_that_older_runs_do_not_have():
    older = row(1)
    del older.facts["params"]["extra"], older.facts["params"]["kind"]
    object.__setattr__(older, "facts", older.facts | {"defaults": {}})
    group = Swept((row(3, extra=3.0), row(2, extra=3.0), older))
    assert group.varied == {"kind": ["plain", "absent"], "extra": [3.0, "absent"]}
    assert group.knobs == ["kind", "extra"]
    assert "extra" not in group.shared
    np.testing.assert_array_equal(group.table()["extra"], [3.0, 3.0, math.nan])
    assert group.cells("score", "extra")[["x", "value", "count"]].to_numpy().tolist() == [
        [3.0, 2.5, 2]]
    assert group.cells("score", "kind")["x"].tolist() == ["plain", "absent"]
    assert [one.id for one in group.fixed({"kind": "absent"}).rows] == ["run1"]


def test_matches_thousands_of_runs_counted_each_once():
    rows = tuple(row(at, rate=float(at % 40), seed=at) for at in range(3000))
    cells = Swept(rows).cells("score", "rate")
    assert (len(cells), cells["count"].sum()) == (40, 3000)
    assert runs.Swept is Swept
