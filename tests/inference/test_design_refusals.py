"""Each misuse gets one message that names the argument, the rule and the remedy."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from tests.inference.design_worlds import world
from workbench.core import generator
from workbench.inference import DesignWarning, aggregate_units, suggest_sampling
from workbench.inference.design_based import DSLRegression

Y = {"predicted": ["y"], "surrogate": ["y_llm"], "g": "surrogate"}


@pytest.mark.parametrize(("options", "told"), [
    ({"model": "probit"}, "model must be one of 'ols', 'logit', 'mean', 'fe'"),
    ({"predicted": "y"}, r"predicted must be a list of columns, got the text 'y'"),
    ({"g": "lineer"}, "Did you mean 'linear'"),
    ({"g": 3}, "g must be one of"),
    ({"cross_fit": 1}, "cross_fit must be a whole number of at least 2, got 1"),
    ({"cross_fit": 2.5}, "cross_fit must be a whole number of at least 2, got 2.5"),
    ({"n_splits": 0}, "n_splits must be a whole number of at least 1, got 0"),
    ({"n_splits": True}, "n_splits must be a whole number of at least 1, got True"),
    ({"n_splits": np.nan}, "n_splits must be a whole number of at least 1, got nan"),
    ({"model": "fe"}, "fixed_effects must be given for model='fe'"),
    ({"fixed_effects": ["part"]}, "fixed_effects must be given for model='fe' and for no other"),
])
def test_rejects_models_that_cannot_be(options, told):
    with pytest.raises(ValueError, match=told):
        DSLRegression(**{**Y, **options})




@pytest.mark.parametrize(("change", "formula", "options", "told"), [
    ({}, "y ~ xx", {}, "formula must name columns of the data, got 'xx'. Did you mean 'x'"),
    ({}, "z ~ x", {}, r"predicted must name variables of the formula, got 'y'"),
    ({}, "y ~ x", {"surrogate": ["y_lm"]}, "surrogate must name columns.*Did you mean 'y_llm'"),
    ({}, "y ~ x", {"surrogate": []}, "surrogate must name one column for each of predicted"),
    ({}, "y ~ x", {"surrogate": ["y"]}, "predicted must name each column once and no surrogate"),
    ({"x": (3, np.nan)}, "y ~ x", {}, "formula must be known for every row, but 'x' is missing"),
    ({"y_llm": (3, np.nan)}, "y ~ x", {}, "surrogate must be known for every row"),
    ({"part": (3, None)}, "y ~ x", {"cluster": "part"}, "cluster must be known for every row"),
    ({}, "part ~ x", {"predicted": ["part"], "surrogate": ["y_llm"]},
     "predicted must hold numbers, but 'part' has 400 other cells, the first"),
    ({}, "y ~ x", {"sample_prob": "pi"}, "sample_prob must name columns of the data, got 'pi'"),
    ({}, "y ~ x", {"sample_prob": 0.0}, "sample_prob must lie above 0 and at most at 1, got 400"),
    ({}, "y ~ x", {"sample_prob": 1.5}, "sample_prob must lie above 0 and at most at 1"),
    ({}, "y ~ x", {"sample_prob": 1.0}, "sample_prob must be below 1 for rows that may have no"),
    ({"y": (slice(None), np.nan)}, "y ~ x", {}, "y are missing in all 400. Label a random sample"),
    ({}, "y ~ x + I(2 * x)", {}, "condition number .*Drop a column"),
    ({}, "y ~ x", {"model": "logit"}, "the outcome must be 0 or 1 for model='logit'"),
    ({}, "w ~ y + log(y)", {}, "formula must give finite numbers with predictions too"),
    ({}, "part ~ y", {"model": "mean"}, "formula must group by columns that are known"),
    ({}, "part ~ y", {}, "formula must have one outcome of numbers, but 'part' holds categories"),
    ({"y": (slice(9, None), np.nan)}, "y ~ x", {"g": "linear"},
     "predicted must be labelled in at least 15 rows.*got"),
])
@pytest.mark.filterwarnings("ignore::workbench.inference.DesignWarning")
@pytest.mark.filterwarnings("ignore:invalid value encountered in log:RuntimeWarning")
@pytest.mark.filterwarnings("ignore:divide by zero encountered in log:RuntimeWarning")
def test_rejects_tables_that_cannot_be_fitted(change, formula, options, told):
    table = world()
    for column, (rows, value) in change.items():
        table.loc[rows, column] = value
    with pytest.raises(ValueError, match=told):
        DSLRegression(**{**Y, **options}).fit(formula, table)


def test_rejects_rows_that_are_labelled_in_part():
    table = world()
    table["v"], table["v_llm"] = table["y"], table["y_llm"]
    table.loc[table["v"].notna().idxmax(), "v"] = np.nan
    with pytest.raises(ValueError, match="predicted must be labelled together, but 1 rows"):
        DSLRegression(predicted=["y", "v"], surrogate=["y_llm", "v_llm"]).fit("y ~ v", table)


@pytest.mark.parametrize(("change", "told"), [
    ({"R": np.full(400, 0.5)}, "R must be 0 or 1 in each row, got 0.5"),
    ({"R": np.zeros(400)}, "R must be 1 in some rows"),
    ({"R": np.ones(400)}, "y_gold must be finite.*Label those rows, or set R to 0"),
    ({"pi": 0.0}, "sample_prob must lie above 0"),
    ({"y_gold": np.arange(400.0)}, "y_gold must hold no gold labels where R is 0"),
    ({"y_pred": np.full(400, np.nan)}, "y_pred must be finite"),
    ({"X_pred": np.ones((400, 1))}, r"X_gold and X_pred must have one shape"),
    ({"R": np.ones(3)}, "R has 3"),
])
def test_rejects_arrays_that_do_not_fit_their_design(change, told):
    table = world()
    X = np.column_stack([np.ones(400), table["x"]])
    given = {"X_gold": X, "X_pred": X, "y_gold": table["y"].to_numpy(),
             "y_pred": table["y_llm"].to_numpy(), "R": table["y"].notna().to_numpy(float),
             "pi": 0.4} | change
    with pytest.raises(ValueError, match=told):
        DSLRegression().fit_arrays(**given)


def test_rejects_a_logit_without_a_finite_answer():
    table = world(binary=True).assign(sure=lambda rows: rows["truth"])
    with pytest.raises((RuntimeError, ValueError), match=r"mean moment has length|condition"):
        DSLRegression("logit", **Y).fit("y ~ sure", table.assign(y_llm=table["truth"]))


def rare():
    """Four rows that hardly could be drawn, and were not."""
    table = world()
    few = table.index[table["y"].isna()][:4]
    return table.assign(pi=np.where(table.index.isin(few), 0.005, 0.4))


@pytest.mark.parametrize(("options", "table", "told"), [
    ({}, world(labelled=40), "Only 40 rows are labelled"),
    ({"sample_prob": "pi"}, rare(),
     "smallest probability of a label is 0.005"),
    ({"sample_prob": "pi"}, world().assign(pi=0.8), "the mean of R / pi is 0.500"),
])
def test_rejects_with_a_warning_what_makes_intervals_doubtful(options, table, told):
    with pytest.warns(DesignWarning, match=told):
        DSLRegression(**Y, **options).fit("y ~ x", table)


def test_rejects_plans_without_room():
    fit = DSLRegression(**Y).fit("y ~ x", world())
    for budget in (0, 1, 241):
        with pytest.raises(ValueError, match=f"budget must lie between 3 and the 240.*{budget}"):
            suggest_sampling(fit, budget, rng=generator(0))
    with pytest.raises(ValueError, match="term must be one of 'Intercept', 'x', got 'q'"):
        suggest_sampling(fit, 50, term="q", rng=generator(0))
    with pytest.raises(ValueError, match="sizes must lie between 1 and the 400 rows"):
        fit.power([401])
    with pytest.raises(ValueError, match=r"se must be at least .* with all 400 rows labelled"):
        fit.labels_needed(1e-6, "x")
    with pytest.raises(ValueError, match="alpha must lie strictly between 0 and 1"):
        fit.conf_int(1.0)


def test_rejects_units_whose_parts_were_drawn_differently():
    table = world().assign(pi=np.linspace(0.1, 0.9, 400))
    with pytest.raises(ValueError, match="sample_prob must be equal within each unit"):
        aggregate_units(table, "unit", predicted=["y"], surrogate=["y_llm"], sample_prob="pi")


def test_identity_importing_the_room_loads_neither_formulaic_nor_scikit_learn():
    code = ("import sys; import workbench.inference.design_based; "
            "assert not {'formulaic', 'sklearn', 'statsmodels'} & set(sys.modules)")
    subprocess.run([sys.executable, "-c", code], check=True)


def test_rejects_two_columns_of_one_name():
    table = pd.concat([world(), world()[["x"]]], axis=1)
    with pytest.raises(ValueError, match="data must have one column of each name"):
        DSLRegression(g="surrogate").fit("y ~ x", table)
