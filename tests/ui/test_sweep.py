"""The sweep page without a browser: what is looked at, its limits, and where it leads."""

import pandas as pd
import pytest

from workbench import runs
from workbench.plots.brushes import Brush, within
from workbench.ui.pages.sweep import SweepPage
from workbench.ui.parts.sweeping import NO_AXIS, Sweeping
from workbench.ui.parts.swept_controls import choices
from workbench.ui.parts.swept_figures import averaged, parallel, response
from workbench.ui.parts.swept_runs import SweptRuns, stated
from workbench.ui.site import Site


@pytest.fixture
def site(tiny):
    return Site({"tiny": tiny})


@pytest.fixture
def grid(tiny, site):
    """Two values of n and of share, each with two seeds."""
    for n in (2, 4):
        for share in (0.25, 0.75):
            for seed in (1, 2):
                params = tiny.Params(n=n, share=share, seed=seed)
                runs.save(tiny, params, tiny.run(params))
    return site


def addresses(figure):
    found = []
    for element in figure.traverse(lambda one: one):
        if "address" in [dimension.name for dimension in getattr(element, "vdims", [])]:
            found += list(element.dimension_values("address"))
    return found


def test_identity_the_address_brings_the_same_view_back(grid):
    state = Sweeping(grid, "?study=tiny")
    assert (state.view.x, state.view.y, state.view.number) == ("n", "share", "rows")
    state.change(x="share", y=NO_AXIS, number="number 2")
    state.limit(Brush("n", 2.0, 2.0))
    state.limit(Brush("n", 4.0, 4.0))                     # an axis has one limit
    again = Sweeping(grid, state.query())
    assert again.view == state.view
    assert again.problems == []
    assert again.points()["kept"].sum() == 4
    again.free("n")
    assert again.points()["kept"].all()


@pytest.mark.parametrize(("search", "sentence"), [
    ("?study=<b>", "study must be one of tiny, got '<b>'."),
    ("?study=tiny&number=rowz", "number must be one of rows, number 0"),
    ("?study=tiny&x=y", "x must be one of n, share, seed, got 'y'."),
    ("?study=tiny&group=7", "group must lie between 1 and 1, got '7'."),
    ("?study=tiny&brush.nix=1..2", "brush must be one of n, share, seed")])
def test_rejects_what_the_address_asks_in_vain(grid, search, sentence):
    state = Sweeping(grid, search)
    assert len(state.problems) == 1
    assert state.problems[0].startswith(sentence)
    assert state.view.x == "n"


def test_matches_links_to_runs_or_to_their_comparison(grid):
    state = Sweeping(grid, "?study=tiny")
    _, listeners = parallel(state)
    listeners[0].heard({"box": [-0.1, -0.1, 0.1, 0.2]})   # the lower end of the first axis
    assert state.view.brushes == (Brush("n", 2.0, 2.4),)
    assert state.points()["kept"].sum() == 4
    cells, _ = response(state)
    links = addresses(cells)
    assert len(links) == 2                                 # n is limited, so two cells are left
    assert all(link.startswith("./compare?run=") and link.count("run=") == 2 for link in links)
    state.limit(Brush("seed", 1.0, 1.0))
    assert all(link.startswith("./tiny?run=") for link in addresses(response(state)[0]))


def test_matches_what_values_are_means_of(grid):
    state = Sweeping(grid, "?study=tiny")
    assert "mean over seed (2 values)" in averaged(state)
    state.limit(Brush("seed", 1.0, 1.0))
    assert averaged(state) == "Each value is one run; a click opens it."


def test_matches_runs_that_differ_in_more_than_is_drawn(tiny, site):
    for n, share, seed in ((2, 0.25, 1), (2, 0.25, 2), (4, 0.75, 1)):
        params = tiny.Params(n=n, share=share, seed=seed)
        runs.save(tiny, params, tiny.run(params))
    state = Sweeping(site, f"?study=tiny&y={NO_AXIS}")
    assert "to the highest run; of a single run it is the interval." in averaged(state)
    state.limit(Brush("seed", 1.0, 1.0))
    assert averaged(state) == ("Each value is one run; share may differ from value to value, too. "
                               "A click opens the run.")


def test_identity_a_limit_of_a_number_holds_whichever_colours(grid):
    state = Sweeping(grid, "?study=tiny")
    last = [*state.group.numbers][-1]
    assert last not in state.numbers
    state.change(number=last)
    above = state.points()[last].max() + 1
    state.limit(Brush(last, above, above))
    assert not state.points()["kept"].any()
    state.change(number="rows")
    assert last in state.numbers
    assert not state.points()["kept"].any()


def test_identity_values_that_are_offered_as_ends_are_inside():
    values = pd.DataFrame({"x": [98.765451, 98.7654512, 99.2, 108.0]})
    told = choices(values["x"])
    assert len(told) == 4
    assert within(values, [Brush("x", told["98.765451"], told["108"])]).all()


def test_matches_a_table_of_runs_within_limits_that_sorts(grid):
    state = Sweeping(grid, "?study=tiny&brush.n=4..4")
    table = SweptRuns(state)
    table.show()
    panel = table.panel
    assert panel.told == "4 of 8 runs"
    assert {row["cells"][1] for row in panel.rows} == {"4"}
    assert panel.rows[0]["cells"][0]["href"].startswith("./tiny?run=")
    panel._handle_msg({"kind": "sort", "column": "share"})
    panel._handle_msg({"kind": "sort", "column": "share"})
    assert [row["cells"][2] for row in panel.rows] == ["0.75", "0.75", "0.25", "0.25"]
    panel._handle_msg({"kind": "sort", "column": "no such column"})
    assert panel.order == ["share", True]


def test_matches_what_varies_and_what_is_fixed(grid):
    told = stated(Sweeping(grid, "").group)
    assert "<b>share</b>: 0.25, 0.75" in told
    assert "5 parameters are fixed" in told


@pytest.mark.parametrize("count", [0, 1])
def test_matches_what_helps_when_there_is_no_sweep(tiny, site, count):
    for _ in range(count):
        runs.save(tiny, tiny.Params(), tiny.run(tiny.Params()))
    page = SweepPage(site)
    assert "No two saved runs of this study belong to one sweep yet." in page.main[0].object
    assert "python3 -m workbench sweep tiny -g" in page.main[0].object
    assert page.sweeping.view is None
