"""Oracles: scikit-learn's naive Bayes, nominal levels, binomial limits."""

import numpy as np
import pytest
from sklearn.naive_bayes import GaussianNB

from workbench.core import generator
from workbench.inference.comparison.coverage import INTERVAL_LABELS
from workbench.inference.comparison.worlds import correctness, draw_worlds, random_counts
from workbench.inference.model_comparison import (
    SIMULATED,
    error_rates,
    miss_rates,
    peeking,
    power,
    type_one_error,
)

SOUND = ("5x2f", "5x2t", "kfold_corrected", "resampled_corrected", "mcnemar", "mcnemar_midp",
         "cochran_q", "f_test", "bayes_t", "pairs_holm", "permutation", "wilcoxon")


@pytest.mark.parametrize("kind", ["holdouts", "folds", "halves", "bags"])
def test_matches_naive_bayes_of_scikit_learn(kind):
    world = draw_worlds(2, 80, 0.1, rng=generator(0))
    counts = random_counts(80, kind, splits=4, rng=generator(1))
    right = correctness(world, counts)
    for model in range(3):
        for each in range(len(counts)):
            rows = np.repeat(np.arange(80), counts[each])
            X = world.X[1][:, 2 * model:2 * model + 2]
            said = GaussianNB().fit(X[rows], world.y[rows]).predict(X)
            np.testing.assert_array_equal(right[model, 1, each], said == world.y)


def test_matches_parts_of_each_kind_of_split():
    folds = random_counts(100, "folds", rng=generator(0))
    assert (folds.sum(axis=0) == 9).all()
    assert (folds.sum(axis=1) == 90).all()
    halves = random_counts(100, "halves", rng=generator(0))
    np.testing.assert_array_equal(halves[::2] + halves[1::2], np.ones((5, 100)))
    assert (halves[:, :50].sum(axis=1) == 25).all()
    bags = random_counts(100, "bags", splits=7, rng=generator(0))
    assert (bags.sum(axis=1) == 100).all()


def test_recovers_levels_of_sound_tests_and_what_is_wrong_with_the_others():
    """Of 150 equal worlds; sound tests may be cautious, never bolder than chance allows."""
    rates = error_rates(replications=150, rng=generator(0)).set_index("test")
    slack = 4 * np.sqrt(0.05 * 0.95 / 150)
    for test in SOUND:
        assert rates.loc[test, "rate"] <= 0.05 + slack, test
    assert rates.loc["resampled_t", "rate"] > 0.4
    assert rates.loc["pairs_none", "rate"] >= rates.loc["pairs_holm", "rate"]
    assert set(rates.index) == set(SIMULATED)
    assert ((rates["low"] <= rates["rate"]) & (rates["rate"] <= rates["high"])).all()


def test_recovers_power_that_grows_with_the_effect():
    small, large = (power("5x2f", effect, replications=150, rng=generator(0)).value
                    for effect in (0.02, 0.2))
    assert small < 0.3 < 0.9 < large


def test_identity_no_effect_is_a_type_one_error():
    here = type_one_error("mcnemar", replications=100, rng=generator(3))
    rates = error_rates(["mcnemar"], replications=100, rng=generator(3))
    assert here.value == rates["rate"].iloc[0]
    assert here.stderr == pytest.approx(np.sqrt(here.value * (1 - here.value) / 100))


def test_recovers_promises_of_intervals():
    rates = miss_rates(replications=150, rng=generator(0)).set_index("interval")
    slack = 4 * np.sqrt(0.05 * 0.95 / 150)
    for name in ("holdout_wilson", "holdout_clopper_pearson", "kfold_corrected",
                 "resampled_corrected", "bootstrap_delta"):
        assert rates.loc[name, "rate"] <= 0.05 + slack, name
    assert rates.loc["resampled_t", "rate"] > 0.4
    assert set(rates.index) == set(INTERVAL_LABELS)


def test_recovers_what_peeking_costs():
    rates = peeking((1, 10), replications=4000, rng=generator(0)).pivot(
        index="looks", columns="habit", values="rate")
    slack = 4 * np.sqrt(0.05 * 0.95 / 4000)
    assert rates.loc[1].max() <= 0.05 + slack
    assert rates.loc[10, "look"] > 0.15
    assert rates.loc[10, "try"] > 0.2
    assert rates.loc[10, "look_bonferroni"] <= 0.05 + slack


@pytest.mark.parametrize(("call", "words"), [
    (lambda: type_one_error("5x2", rng=generator(0)), "test must be one of .* Did you mean '5x2"),
    (lambda: power("5x2f", 0.4, rng=generator(0)), r"effect must lie in \[0, 0.25\]"),
    (lambda: type_one_error("5x2f", n=10, rng=generator(0)), "n must be at least 20"),
    (lambda: error_rates(alpha=0, rng=generator(0)), "alpha must lie strictly"),
    (lambda: error_rates(replications=0, rng=generator(0)), "replications must be a whole number"),
    (lambda: error_rates(n=40.5, rng=generator(0)), "n must be a whole number"),
    (lambda: peeking((1.5,), rng=generator(0)), "looks must be whole numbers above zero"),
    (lambda: miss_rates(["wilson"], rng=generator(0)), "interval must be one of"),
    (lambda: peeking((), rng=generator(0)), "looks must be whole numbers above zero"),
    (lambda: random_counts(50, "fold", rng=generator(0)), "kind must be one of")])
def test_rejects_with_one_sentence(call, words):
    with pytest.raises(ValueError, match=words):
        call()
