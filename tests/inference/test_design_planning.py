"""Oracles: closed forms, labels that are really drawn, and formulas worked by hand."""

import numpy as np
import pandas as pd
import pytest

from tests.inference.design_worlds import hc0, world
from workbench.core import generator
from workbench.inference import aggregate_units, draw, suggest_sampling
from workbench.inference.design.learning import folds_of
from workbench.inference.design.planning import _expected_error, _filled, planned_errors
from workbench.inference.design_based import DSLRegression
from workbench.studies.views.label_words import _proportional

Y = {"predicted": ["y"], "surrogate": ["y_llm"], "g": "surrogate"}


@pytest.fixture(scope="module")
def pilot():
    return DSLRegression(**Y).fit("y ~ x + z", world(n=2000, labelled=400))


def test_identity_the_power_at_the_present_size_is_the_present_error(pilot):
    now = pilot.power([pilot.n_labeled]).iloc[0]
    np.testing.assert_allclose(now, pilot.bse, rtol=1e-12)
    np.testing.assert_allclose(planned_errors(pilot, np.full(2000, 0.2)), pilot.bse, rtol=1e-12)
    np.testing.assert_allclose(planned_errors(pilot, np.full(2000, 0.6)),
                               pilot.power([1200]).iloc[0], rtol=1e-12)


def test_matches_the_power_of_a_mean_by_its_closed_form():
    """Variance of a mean by design: that of y over N, and (1/pi - 1) E[(y - y_llm)^2] / N."""
    table = world(n=2000, labelled=400)
    fit = DSLRegression("mean", **Y).fit("y ~ 1", table)
    held = table["y"].notna().to_numpy()
    gap, theta = (table["y"] - table["y_llm"])[held], fit.params["mean"]
    total = (np.where(held, 5.0, 0) * (table["y"].fillna(0) - table["y_llm"])
             + table["y_llm"] - theta)
    for size in (100, 400, 1500):
        labels = 5.0 * (gap ** 2).sum() / 2000 * 5
        variance = ((total ** 2).mean() - labels + 400 / size * labels) / 2000
        assert fit.power([size])["mean"].iloc[0] == pytest.approx(variance ** 0.5, rel=1e-10)


def test_recovers_the_error_that_more_labels_bring(pilot):
    """Labels that are really drawn; a variance from 400 labels is known to some 10 %."""
    for size in (800, 1600):
        told = pilot.power([size]).iloc[0]
        found = DSLRegression(**Y).fit("y ~ x + z", relabelled(size)).bse
        np.testing.assert_allclose(told, found, rtol=0.15)
    everything = world(n=2000)["truth"], world(n=2000)[["x", "z"]]
    right = hc0(everything[0], np.column_stack([np.ones(2000), everything[1]]))
    np.testing.assert_allclose(pilot.power([2000]).iloc[0], right.bse, rtol=0.15)


def relabelled(size):
    table = world(n=2000, labelled=400)
    drawn = np.random.default_rng(9).choice(2000, size, replace=False)
    return table.assign(y=table["truth"].where(np.isin(np.arange(2000), drawn)))


def test_matches_the_fewest_labels_to_the_power(pilot):
    wanted = 1.0001 * float(pilot.power([700])["x"].iloc[0])
    assert pilot.labels_needed(wanted, "x") == 700


def uneven(seed, n=4000, labelled=400):
    """Surrogates that err in a fifth of the documents only, which a feature tells."""
    rng = np.random.default_rng(seed)
    x, hard = rng.normal(size=n), rng.random(n) < 0.2
    y = 1 + x + rng.normal(size=n)
    table = pd.DataFrame({"x": x, "hard": hard.astype(float), "truth": y,
                          "y_llm": y + np.where(hard, 3.0, 0.1) * rng.normal(size=n)})
    drawn = rng.choice(n, labelled, replace=False)
    return table.assign(y=table["truth"].where(np.isin(np.arange(n), drawn)))


def test_matches_plans_to_their_budget_and_to_neyman():
    fit = DSLRegression(**Y, features=["hard"]).fit("y ~ x", uneven(0))
    plan = suggest_sampling(fit, 600, rng=generator(0))
    table = uneven(0)
    assert plan["next"].sum() == pytest.approx(600)
    assert (plan.loc[plan["labelled"], "next"] == 0).all()
    free = plan[~plan["labelled"]]
    assert free["next"].between(0.01, 1).all()
    np.testing.assert_allclose(free["sample_prob"], 1 - 0.9 * (1 - free["next"]))
    hard = table.loc[free.index, "hard"] == 1
    assert free.loc[hard, "next"].mean() > 5 * free.loc[~hard, "next"].mean()
    drawn = draw(plan, rng=generator(1))
    assert abs(len(drawn) - 600) < 4 * 600 ** 0.5
    assert not drawn["labelled"].any()


@pytest.mark.parametrize("seed", range(4))
def test_matches_power_that_never_rises_with_labels(seed):
    """Surrogates that are noise: what labels do not pay for is then estimated as negative."""
    table = world(labelled=60, seed=seed)
    table["y_llm"] = 5 * np.random.default_rng(seed).normal(size=400)
    fit = DSLRegression(**Y).fit("y ~ x + z", table)
    one = fit.solutions[0]
    assert (np.diag(one.influence @ (one.meat - one.label_meat) @ one.influence.T) < 0).any()
    power = fit.power(np.arange(1, 401))
    assert (power.diff().iloc[1:] <= 0).all(axis=None)
    assert (power > 0).all(axis=None)
    np.testing.assert_allclose(power.loc[60], fit.bse, rtol=1e-12)
    np.testing.assert_allclose(planned_errors(fit, np.full(400, 0.6)), power.loc[240], rtol=1e-12)
    for wanted in np.quantile(power["x"], [0.1, 0.5, 0.9]):
        assert fit.labels_needed(wanted, "x") == power.index[power["x"] <= wanted].min()


def test_matches_a_plan_to_its_budget_where_no_label_errs():
    found = _filled(np.zeros(400), np.ones(400, dtype=bool), 50.0, 0.01)
    np.testing.assert_allclose(found, 50 / 400)


def test_matches_plans_of_scaled_probabilities_to_at_most_1():
    table = world(labelled=400)
    chance = np.where(table["x"] > 1, 1.0, 0.3)
    drawn = np.random.default_rng(1).random(400) < np.where(table["x"] > 1, 1.0, 0.34)
    table = table.assign(pi=chance, y=table["y"].where(drawn))
    fit = DSLRegression(sample_prob="pi", **Y).fit("y ~ x", table)
    assert fit.sample_prob.max() > 1
    plan = suggest_sampling(fit, 50, rng=generator(0))
    assert plan["sample_prob"].between(0, 1).all()
    planned_errors(fit, plan["sample_prob"])
    assert _proportional(fit, 50, as_before=True)["sample_prob"].between(0, 1).all()


def test_matches_no_label_to_its_own_probability():
    """Two documents that look alike, one with an odd label: that label moves the other only."""
    table = world()
    odd, twin = (table.index[table["y"].notna() == held][0] for held in (True, False))
    table.loc[twin, ["x", "y_llm"]] = table.loc[odd, ["x", "y_llm"]]
    table.loc[odd, "y"] += 100.0
    size = _expected_error(DSLRegression(**Y).fit("y ~ x", table), "x", generator(0))
    assert size[odd] < 0.5 * size[twin]


@pytest.mark.slow
def test_recovers_the_truth_after_a_second_round_with_smaller_errors():
    """Two rounds, the second planned or uniform; 24 worlds."""
    found = {"planned": [], "uniform": []}
    for seed in range(24):
        table, rng = uneven(seed), generator(seed)
        pilot = DSLRegression(**Y, features=["hard"]).fit("y ~ x", table)
        plan = suggest_sampling(pilot, 600, term="x", rng=rng)
        even = plan.assign(next=np.where(plan["labelled"], 0, 1 / 6), sample_prob=0.25)
        for name, one in (("planned", plan), ("uniform", even)):
            chosen = draw(one, rng=rng).index
            both = table.assign(pi=one["sample_prob"], y=table["truth"].where(
                one["labelled"] | one.index.isin(chosen)))
            fit = DSLRegression(**Y, sample_prob="pi", rescale_prob=False).fit("y ~ x", both)
            found[name].append((fit.params["x"] - 1, fit.bse["x"]))
    planned, uniform = (np.array(found[name]) for name in ("planned", "uniform"))
    assert planned[:, 1].mean() < 0.8 * uniform[:, 1].mean()
    for errors in (planned, uniform):
        assert abs(errors[:, 0].mean()) < 4 * errors[:, 0].std() / 24 ** 0.5
        assert (np.abs(errors[:, 0]) < 1.96 * errors[:, 1]).mean() > 0.95 - 4 * (
            0.05 * 0.95 / 24) ** 0.5


def test_matches_units_by_hand():
    table = pd.DataFrame({"unit": ["a", "a", "b", "b", "b"], "pi": [0.5, 0.5, 0.2, 0.2, 0.2],
                          "y": [1.0, np.nan, np.nan, np.nan, np.nan],
                          "y_llm": [1.0, 0.0, 1.0, 1.0, 0.0]})
    units = aggregate_units(table, "unit", predicted=["y"], surrogate=["y_llm"], sample_prob="pi")
    assert units["unit"].tolist() == ["a", "b"]
    np.testing.assert_allclose(units["pi"], [0.75, 1 - 0.8 ** 3])
    np.testing.assert_allclose(units["y_llm"], [0.5, 2 / 3])
    assert units["y"].isna().tolist() == [False, True]


def test_rejects_means_of_sub_units_that_are_no_outcome():
    table = world(n=1600, labelled=640).assign(pi=0.4)
    units = aggregate_units(table, "unit", predicted=["y"], surrogate=["y_llm"], sample_prob="pi")
    units["v"] = np.random.default_rng(0).normal(size=400)
    model = DSLRegression(sample_prob="pi", **Y)
    assert np.isfinite(model.fit("y ~ v", units).bse).all()
    for formula in ("v ~ y", "np.exp(y) ~ v"):
        with pytest.raises(ValueError, match="means of labelled sub-units as the outcome only"):
            model.fit(formula, units)


def test_matches_folds_of_equal_size_with_whole_clusters():
    rng = generator(0)
    assert sorted(np.bincount(folds_of(23, 5, rng))) == [4, 4, 5, 5, 5]
    cluster = np.repeat(np.arange(11), 3)
    fold = folds_of(33, 4, rng, cluster)
    assert all(len(set(fold[cluster == one])) == 1 for one in range(11))
    assert sorted(np.bincount(fold[::3])) == [2, 3, 3, 3]
    with pytest.raises(ValueError, match="cross_fit must be at most the number"):
        folds_of(3, 4, rng)
