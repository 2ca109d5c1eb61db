"""The claim in simulated worlds, and one sample by every way."""

import numpy as np
import pytest

from workbench.core import generator
from workbench.datasets import selected_pairs, simulated_ratings
from workbench.inference.balancing.cases import Case, Options
from workbench.inference.balancing.comparison import KERNEL_WAYS, WAYS, balancer_for, compare
from workbench.inference.balancing.findings import (
    balance_table,
    feature_map,
    path_by_functions,
    path_by_slack,
    weight_table,
)
from workbench.inference.balancing.pairs import embeddings, pair_sample
from workbench.inference.balancing.trials import (
    bias_by_functions,
    bias_trials,
    case_of,
    tuned,
)

SMALL = Options(n_functions=20)


@pytest.fixture(scope="module")
def case():
    return case_of(selected_pairs(1200, rng=generator(0)), generator(1))


def test_recovers_the_claim_about_bias():
    """Fewer, random functions leave more bias; those that explain the loss leave least."""
    table = bias_trials(4, Options(), rng=generator(0)).set_index("way")
    bias = table["bias"]
    assert bias["naive"] > 0.9
    assert bias["SNIPS"] > 0.9                      # a propensity of too few terms does nothing
    assert 0.1 < bias["random kernels"] < 0.5
    assert bias["adaptive kernels"] < bias["random kernels"] / 1.5
    assert bias["worst kernels"] < bias["random kernels"] / 1.5
    assert bias["random kernels, robust"] < bias["random kernels"] / 2
    assert abs(bias["random slice"]) < 4 * table.loc["random slice", "bias_error"] + 0.1
    assert table.loc["random kernels", "share"] < 0.7
    assert table.loc["naive", "share"] == pytest.approx(1)


def test_matches_less_bias_with_more_random_functions():
    table = bias_by_functions(3, [5, 80], Options(), rng=generator(0)).set_index(
        ["selection", "functions"])
    assert table.loc[("random", 80), "bias"] < table.loc[("random", 5), "bias"] - 0.2
    assert table.loc[("random", 80), "share"] < table.loc[("random", 5), "share"]


def test_matches_tuning_to_other_worlds():
    chosen = tuned(2, SMALL, n=800, rng=generator(0))
    assert chosen["SNIPS"] >= 2                     # products of features help the propensity
    assert set(chosen) == {way for way in WAYS if way not in ("naive", "random slice")}
    with pytest.raises(ValueError, match="worlds must be a whole number of at least 2, got 1"):
        bias_trials(1, SMALL, rng=generator(0))


def test_identity_the_same_seed_gives_the_same_numbers(case):
    first, second = (compare(case, SMALL, rng=generator(0)) for _ in range(2))
    assert first == second
    assert set(first) == set(WAYS)
    assert all(np.isfinite(found.se) for found in first.values())


def test_matches_what_a_case_lacks(case):
    bare = Case(case.X, case.observed, case.outcome)
    found = compare(bare, SMALL, rng=generator(0))
    assert not {"random slice", "naive-Bayes IPS"} & set(found)
    tight = Options(n_functions=400, slack=0.0, gamma=3.0)
    assert not set(KERNEL_WAYS) & set(compare(bare, tight, rng=generator(0)))


def test_matches_naive_bayes_to_the_slice(case):
    """Its weights hand on how common each cell is, and so do errors of the slice."""
    found = compare(case, SMALL, {"naive-Bayes IPS": 3}, rng=generator(0))
    one, slice_ = found["naive-Bayes IPS"], found["random slice"]
    assert abs(one.value - slice_.value) < 0.15
    assert 0.8 * slice_.se < one.se < 1.3 * slice_.se


def test_matches_tables_of_one_sample(case):
    balancer = balancer_for(SMALL, "adaptive", 1.0, case, generator(0))
    balance = balance_table(balancer, rng=generator(0))
    assert balance["kind"].value_counts().to_dict() == {"held out": 50, "balanced": 21}
    points = feature_map(balancer, rng=generator(0))
    assert (points["kind"] == "centre").sum() == 20
    assert np.average(weight_table(balancer, case.outcome)["value"], weights=weight_table(
        balancer, case.outcome)["weight"]) == pytest.approx(balancer.estimate(case.outcome).value)
    slacks = path_by_slack(balancer, case, [0.01, 0.1, 10.0], level=0.95).set_index("slack")
    assert slacks.loc[0.01, "value"] == pytest.approx(balancer.estimate(case.outcome).value)
    assert slacks.loc[10.0, "value"] == pytest.approx(case.outcome.mean())
    assert slacks["share"].is_monotonic_increasing
    assert slacks["active"].is_monotonic_decreasing
    paths = path_by_functions(case, SMALL, [5, 10], level=0.9, rng=generator(0))
    assert len(paths) == 6
    assert (paths["low"] < paths["high"]).all()


def test_recovers_tastes_in_features_of_pairs():
    rng = generator(0)
    users, items = np.nonzero(rng.random((60, 50)) < 0.4)
    tastes = rng.normal(size=(60, 2)) @ rng.normal(size=(2, 50))
    first, second = embeddings((users, items, tastes[users, items]), (60, 50), ridge=0.1, rng=rng)
    guess = first[:, :4] @ second[:, :4].T + first[:, 4:5] + second[:, 4:5].T
    assert np.corrcoef(guess.ravel(), tastes.ravel())[0, 1] > 0.9
    np.testing.assert_allclose(np.expm1(first[:, 5]), np.bincount(users, minlength=60))


def test_identity_drawn_pairs_stand_for_all_of_them():
    table = simulated_ratings(80, 60, rng=generator(0))
    own = table[table["random"] == 0]
    given = tuple(own[name].to_numpy() for name in ("user", "item", "rating"))
    whole, some = (pair_sample((*given[:2], given[2].astype(float)), (80, 60), None,
                               rng=generator(2), most=most) for most in (10_000, 2_000))
    assert whole.case.sample_weight is None
    assert len(whole.case.X) == 4800
    assert some.case.sample_weight.sum() == pytest.approx(4800)
    assert len(np.unique(some.users * 60 + some.items)) == len(some.users)
    found = [compare(each.case, SMALL, rng=generator(0), ways=("random kernels",))[
        "random kernels"] for each in (whole, some)]
    assert abs(found[0].value - found[1].value) < 3 * found[0].se
