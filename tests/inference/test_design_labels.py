"""Levels, outcomes and clusters of which labels say nothing are refused, or warned of."""

import numpy as np
import pytest

from tests.inference.design_worlds import world
from workbench.inference import DesignWarning, ppi
from workbench.inference.design.moments import Rows
from workbench.inference.design.rivals import rivals_table
from workbench.inference.design.solution import solve
from workbench.inference.design_based import DSLRegression

Y = {"predicted": ["y"], "surrogate": ["y_llm"], "g": "surrogate"}
W = {"predicted": ["w"], "surrogate": ["w_llm"], "g": "surrogate"}


def without(part, **options):
    table = world(**options)
    return table.assign(y=table["y"].where(table["part"] != part))


@pytest.mark.parametrize(("options", "formula", "part", "told"), [
    ({}, "y ~ x + C(part)", "c", r"vary among labelled rows, but 'C\(part\)\[T.c\]' do not"),
    ({}, "y ~ x + C(part)", "a", "perhaps the first level of a category has no label"),
    ({}, "y ~ x + I(part == 'b')", "b", "vary among labelled rows, but .I"),
    ({"model": "mean"}, "y ~ part", "b", "vary among labelled rows, but 'b' do not"),
    ({"model": "fe", "fixed_effects": ["part"]}, "y ~ x", "b",
     "fixed_effects must have labels in every group, but 'part' has none in 'b'"),
    ({"g": "linear"}, "y ~ x + C(part)", "c", "vary among labelled rows"),
])
def test_rejects_levels_without_a_label(options, formula, part, told):
    with pytest.raises(ValueError, match=told):
        DSLRegression(**{**Y, **options}).fit(formula, without(part))


def test_rejects_arrays_with_a_level_without_a_label():
    table = without("c")
    X = np.column_stack([np.ones(400), table["part"] == "c"]).astype(float)
    with pytest.raises(ValueError, match="vary among labelled rows, but 'x1' do not"):
        DSLRegression().fit_arrays(X, X, table["y"], table["y_llm"], table["y"].notna(), 0.3)


def test_rejects_with_a_warning_levels_with_few_labels():
    table = world()
    few = table.index[(table["part"] == "c") & table["y"].notna()][9:]
    table.loc[few, "y"] = np.nan
    with pytest.warns(DesignWarning, match=r"Few labels tell levels apart: 'C.part..T.c.' \(9\)"):
        DSLRegression(**Y).fit("y ~ x + C(part)", table)
    with pytest.warns(DesignWarning, match="Few labels in 1 of 3 groups of 'part'"):
        DSLRegression("fe", fixed_effects=["part"], **Y).fit("y ~ x", table)


def test_rejects_and_tells_a_rival_without_an_answer():
    table = without("c")
    X = np.column_stack([np.ones(400), table["part"] == "c"]).astype(float)
    held = table["y"].notna().to_numpy()
    gold = np.where(held, table["y"], 0.0)
    with pytest.raises(ValueError, match="X must have columns that the labelled rows determine"):
        ppi(X, gold, table["y_llm"].to_numpy(), held)
    rows = Rows(np.where(held[:, None], X, 0.0), X, gold, table["y_llm"].to_numpy(), held / 0.3)
    with pytest.warns(DesignWarning) as caught:
        found = rivals_table(rows, ("one", "c"), logit=False)
    assert set(found["method"]) == {"surrogate only"}
    assert [str(one.message).split("'")[1] for one in caught] == ["gold only", "PPI++"]


@pytest.mark.parametrize("g", ["surrogate", "linear"])
def test_rejects_a_logit_of_one_class(g):
    table = world(binary=True)
    ones = table.assign(y=table["y"].where(table["y"] != 0))
    with pytest.raises(ValueError, match=r"0 in some labelled rows .* got 1 in all"):
        DSLRegression("logit", **{**Y, "g": g}).fit("y ~ x", ones)
    X, held = np.column_stack([np.ones(400), table["x"]]), ones["y"].notna()
    with pytest.raises(ValueError, match="0 in some labelled rows and 1 in others"):
        DSLRegression("logit").fit_arrays(X, X, ones["y"], table["y_llm"], held, 0.3)


def test_rejects_a_logit_that_is_sure_of_every_row():
    one = np.ones((60, 1))
    with pytest.raises(RuntimeError, match="must leave some outcome uncertain"):
        solve(Rows(one, one, np.ones(60), np.ones(60), np.ones(60)), logit=True)


@pytest.mark.parametrize("value", [2.0, 0.5])
def test_rejects_outcomes_that_are_neither_0_nor_1_in_any_row_used(value):
    table = world(covariate=True, binary=True)
    table.loc[table.index[table["w"].isna()][0], "y"] = value
    with pytest.raises(ValueError, match=f"must be 0 or 1 for model='logit', .*such as {value:g}"):
        DSLRegression("logit", **W).fit("y ~ w + x", table)
    X, guess = (np.column_stack([np.ones(400), table[name]]) for name in ("w", "w_llm"))
    with pytest.raises(ValueError, match="must be 0 or 1 for model='logit'"):
        DSLRegression("logit").fit_arrays(
            X, guess, table["y"], table["y"], table["w"].notna(), 0.4)


def test_rejects_arrays_with_fewer_labels_than_coefficients():
    table = world(labelled=2)
    X = np.column_stack([np.ones(400), table["x"]])
    with pytest.warns(DesignWarning), pytest.raises(ValueError, match="labelled in at least 3"):
        DSLRegression().fit_arrays(X, X, table["y"], table["y_llm"], table["y"].notna(), 0.4)


def test_rejects_few_clusters():
    table = world()
    with pytest.raises(ValueError, match="more groups than the 3 coefficients, got 3"):
        DSLRegression(cluster="part", **Y).fit("y ~ x + z", table)
    with pytest.warns(DesignWarning, match="Only 20 clusters"):
        DSLRegression(cluster="many", **Y).fit("y ~ x", table.assign(many=np.arange(400) % 20))


def test_rejects_certain_rows_without_a_label():
    table = world().assign(pi=0.4)
    table.loc[table.index[table["y"].isna()][:3], "pi"] = 1.0
    with pytest.raises(ValueError, match="3 rows have probability 1 and none"):
        DSLRegression(sample_prob="pi", **Y).fit("y ~ x", table)
