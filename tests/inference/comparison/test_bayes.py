"""Oracles: scipy's t distribution, a published tutorial's probabilities, brute-force weights."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from workbench.core import generator
from workbench.datasets.raw import raw_file
from workbench.inference.model_comparison import bayesian_signed_rank, correlated_t, paired_t

DIFFS = np.array([0.03, -0.01, 0.02, 0.04, 0.0, 0.01, 0.05, -0.02, 0.01, 0.02])


@pytest.fixture(scope="module")
def sets():
    return pd.read_csv(raw_file("uci-accuracies/uci_classifiers.csv"))


def test_matches_statistics_by_hand():
    """Second minus first 1, 5, -3 in three folds: mean 1, variance 16 (1/3 + 1/2), df 2."""
    told = correlated_t([-1.0, -5.0, 3.0], rope=2.0, test_frac=1 / 3)
    right = stats.t(2, loc=-1, scale=np.sqrt(16 * (1 / 3 + 1 / 2)))
    assert (told.first, told.equal, told.second) == pytest.approx(
        (right.sf(2), right.cdf(2) - right.cdf(-2), right.cdf(-2)))
    assert (told.interval.low, told.interval.high) == pytest.approx(right.interval(0.95))
    assert told.difference == -1


def test_matches_published_probabilities_of_one_data_set():
    """Naive Bayes and AODE on ten runs of ten folds; the file has three decimals of a percent."""
    table = pd.read_csv(raw_file("uci-accuracies/anneal_folds.csv"))
    told = correlated_t((table["nbc"] - table["aode"]) / 100, rope=0.01, test_frac=0.1)
    assert told.second == pytest.approx(0.9542966, abs=2e-5)
    assert told.equal == pytest.approx(0.0457031, abs=2e-5)
    assert told.first == pytest.approx(3.04e-7, abs=4e-9)


def test_matches_published_probabilities_over_data_sets(sets):
    """Printed (0.23014, 0.00674, 0.76312) for a tree, and 0.122 to 0.123 equal for AODE."""
    told = bayesian_signed_rank(sets["nbc"] - sets["j48"], rope=1.0, draws=50_000,
                                rng=generator(0))
    slack = 4 * np.sqrt(2 * 0.25 / 50_000)
    assert (told.first, told.equal, told.second) == pytest.approx(
        (0.23014, 0.00674, 0.76312), abs=slack)
    assert told.error < 0.003
    aode = bayesian_signed_rank((sets["nbc"] - sets["aode"]) / 100, rope=0.01, draws=50_000,
                                rng=generator(1))
    assert (aode.first, aode.equal) == pytest.approx((0.0, 0.1225), abs=0.015)


def test_identity_without_rope_half_the_corrected_p_value():
    told = correlated_t(DIFFS, test_frac=0.1)
    corrected = paired_t(DIFFS, "nadeau-bengio", 0.1)
    assert min(told.first, told.second) == pytest.approx(corrected.pvalue / 2)
    assert told.equal == 0


def test_identity_swapped_models_swap_the_sides():
    here, there = (correlated_t(side * DIFFS, rope=0.01, test_frac=0.1) for side in (1, -1))
    assert (here.first, here.equal, here.second) == pytest.approx(
        (there.second, there.equal, there.first))


def test_matches_the_signed_rank_posterior_by_brute_force():
    """Weights as normalised gammas, regions by loops over all pairs."""
    diffs, rope, rng = np.array([0.5, -0.2, 0.9, 0.1]), 0.2, np.random.default_rng(7)
    values, wins = [0.0, *diffs], np.zeros(3)
    for _ in range(4000):
        gammas = rng.gamma([0.5, 1, 1, 1, 1])
        w = gammas / gammas.sum()
        mass = np.zeros(3)
        for a in range(5):
            for b in range(5):
                middle = (values[a] + values[b]) / 2
                mass[0 if middle > rope + 1e-12 else 2 if middle < -rope - 1e-12 else 1] += (
                    w[a] * w[b] * (0.5 if abs(abs(middle) - rope) < 1e-12 else 1))
                if abs(abs(middle) - rope) < 1e-12:
                    mass[0 if middle > 0 else 2] += w[a] * w[b] / 2
        wins[mass.argmax()] += 1
    told = bayesian_signed_rank(diffs, rope=rope, draws=40_000, rng=generator(0))
    assert (told.first, told.equal, told.second) == pytest.approx(
        tuple(wins / 4000), abs=4 * np.sqrt(0.25 / 4000))


@pytest.mark.parametrize(("value", "rope", "sides"), [
    (0.1, 0.01, (1, 0, 0)), (-0.1, 0.01, (0, 0, 1)), (0.005, 0.01, (0, 1, 0)),
    (0.0, 0.0, (0.5, 0, 0.5)), (0.1, 0.0, (1, 0, 0))])
def test_matches_differences_without_spread(value, rope, sides):
    told = correlated_t(np.full(5, value), rope=rope, test_frac=0.2)
    assert (told.first, told.equal, told.second) == sides
    assert "one point" in told.warnings[0]


def test_identity_equal_models_are_equal_or_tied():
    told = bayesian_signed_rank(np.zeros(8), rope=0.1, draws=200, rng=generator(0))
    assert (told.first, told.equal, told.second) == (0, 1, 0)
    assert told.decides() == "equal"
    tied = bayesian_signed_rank(np.zeros(8), draws=200, rng=generator(0))
    assert (tied.first, tied.equal, tied.second) == (0.5, 0, 0.5)
    assert tied.decides() == ""
    assert "P(equal) = 0" in tied.summary()


@pytest.mark.parametrize(("call", "words"), [
    (lambda: correlated_t([1.0], test_frac=0.1), "at least 2 differences"),
    (lambda: correlated_t([1.0, 2.0], test_frac=0.0), "test_frac must lie strictly"),
    (lambda: correlated_t([1.0, 2.0], rope=-1.0, test_frac=0.1), "rope must be finite and not"),
    (lambda: bayesian_signed_rank([], rng=generator(0)), "at least 1 differences"),
    (lambda: bayesian_signed_rank([1.0], prior=-1.0, rng=generator(0)), "prior must be finite"),
    (lambda: bayesian_signed_rank([1.0], rope=np.nan, rng=generator(0)), "rope must be finite"),
    (lambda: bayesian_signed_rank([1.0], draws=0, rng=generator(0)), "draws must be a whole"),
    (lambda: bayesian_signed_rank([1.0], draws=9.5, rng=generator(0)), "draws must be a whole"),
    (lambda: bayesian_signed_rank([1.0], rng=None), "rng must be a generator to draw weights"),
    (lambda: correlated_t([1.0, 2.0], rope="x", test_frac=0.1), "rope must be finite and not"),
    (lambda: correlated_t([1.0, 2.0], test_frac="x"), "test_frac must lie strictly"),
    (lambda: correlated_t([1.0, 2.0], test_frac=0.1, level=2), "level must lie strictly")])
def test_rejects_with_one_sentence(call, words):
    with pytest.raises(ValueError, match=words):
        call()
