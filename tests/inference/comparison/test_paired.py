"""Oracles: scipy's t test and permutations, hand data, brute force."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from workbench.core import generator
from workbench.inference.model_comparison import cv5x2_f, cv5x2_t, paired_t, permutation_test

HALVES = np.array([[0.02, 0.0], [0.01, 0.03], [0.0, 0.01], [0.02, 0.02], [-0.01, 0.01]])
DIFFS = np.array([0.03, -0.01, 0.02, 0.04, 0.0, 0.01, 0.05, -0.02])


def test_identity_without_correction_equals_the_paired_t_test():
    told, right = paired_t(DIFFS), stats.ttest_1samp(DIFFS, 0)
    assert (told.statistic, told.pvalue) == pytest.approx((right.statistic, right.pvalue))
    assert told.df == 7


def test_matches_the_correction_by_hand():
    """Eight holdouts of a third: 1/8 + 1/2 instead of 1/8 under the root."""
    plain = paired_t(DIFFS)
    told = paired_t(DIFFS, "nadeau-bengio", test_frac=1 / 3)
    assert told.statistic == pytest.approx(plain.statistic * math.sqrt(0.125 / 0.625))
    assert told.pvalue == pytest.approx(2 * stats.t.sf(abs(told.statistic), 7))
    vanishing = paired_t(DIFFS, "nadeau-bengio", test_frac=1e-12)
    assert vanishing.statistic == pytest.approx(plain.statistic)


def test_matches_5x2_by_hand():
    """Variances .0002, .0002, .00005, 0, .0002; squares sum to .0025."""
    t, f = cv5x2_t(HALVES), cv5x2_f(HALVES)
    assert t.statistic == pytest.approx(0.02 / math.sqrt(0.00013))
    assert t.pvalue == pytest.approx(2 * stats.t.sf(t.statistic, 5))
    assert f.statistic == pytest.approx(0.0025 / 0.0013)
    assert f.pvalue == pytest.approx(stats.f.sf(f.statistic, 10, 5))
    assert f.df == (10, 5)


@pytest.mark.parametrize("test", [paired_t, lambda d: cv5x2_t(np.resize(d, (5, 2))),
                                  lambda d: paired_t(d, "nadeau-bengio", 0.2)])
def test_identity_negated_differences_flip_the_sign_and_keep_p(test):
    here, there = test(DIFFS), test(-DIFFS)
    assert here.statistic == pytest.approx(-there.statistic)
    assert here.pvalue == pytest.approx(there.pvalue)


@pytest.mark.parametrize(("value", "statistic", "pvalue"), [
    (0.1, math.inf, 0.0), (-0.1, -math.inf, 0.0), (0.0, 0.0, 1.0)])
def test_matches_differences_without_spread_with_a_warning(value, statistic, pvalue):
    for told in (paired_t(np.full(6, value)), cv5x2_t(np.full((5, 2), value))):
        assert (told.statistic, told.pvalue) == (statistic, pvalue)
        assert "no spread" in told.warnings[0]
    f = cv5x2_f(np.full((5, 2), value))
    assert (f.statistic, f.pvalue) == (abs(statistic), pvalue)


@pytest.mark.parametrize("k", [1, 2, 5, 8])
def test_matches_all_sign_flips_by_brute_force(k):
    diffs = generator(k).integers(-3, 4, k) / 10
    hits = [abs(np.dot(signs, diffs)) >= abs(diffs.sum()) - 1e-12
            for signs in itertools.product([-1, 1], repeat=k)]
    assert permutation_test(diffs).pvalue == pytest.approx(np.mean(hits))


def test_matches_scipy_and_sampling_to_all_flips():
    right = stats.permutation_test((DIFFS,), np.mean, permutation_type="samples",
                                   n_resamples=np.inf).pvalue
    assert permutation_test(DIFFS + 1, np.ones(8)).pvalue == pytest.approx(right)
    long = generator(0).normal(0.25, 1, 24)
    exact = stats.permutation_test((long,), np.mean, permutation_type="samples",
                                   n_resamples=200_000, rng=generator(1)).pvalue
    told = permutation_test(long, draws=40_000, rng=generator(2)).pvalue
    assert told == pytest.approx(exact, abs=4 * math.sqrt(0.25 / 40_000))


def test_identity_few_draws_are_never_certain():
    assert permutation_test(np.full(25, 1.0), draws=99, rng=generator(0)).pvalue == 0.01


@pytest.mark.parametrize(("call", "words"), [
    (lambda: paired_t([0.1]), "diffs must hold at least 2 differences, got 1"),
    (lambda: paired_t([0.1, np.nan]), "diffs must be finite"),
    (lambda: paired_t([[0.1], [0.2]]), "diffs must have one axis"),
    (lambda: paired_t(["a", "b"]), "diffs must hold numbers in rows of one length"),
    (lambda: paired_t([0.1, 0.2], "bonferoni"), "correction must be one of 'nadeau-bengio'"),
    (lambda: paired_t([0.1, 0.2], "nadeau-bengio"), "test_frac must lie strictly between 0 and 1"),
    (lambda: cv5x2_t(HALVES.T), r"diffs must have shape \(5, 2\), got \(2, 5\)"),
    (lambda: cv5x2_f(HALVES * np.nan), "diffs must be finite"),
    (lambda: permutation_test(np.arange(25.0)), "rng must be a generator for 25 pairs"),
    (lambda: permutation_test(np.arange(25.0), rng=0), "rng must be a generator for 25 pairs"),
    (lambda: permutation_test(np.arange(25.0), draws=9.5, rng=generator(0)), "draws must be a wh"),
    (lambda: paired_t([0.1, 0.2], "nadeau-bengio", "0.1"), "test_frac must lie strictly"),
    (lambda: permutation_test([1, 2], [1, 2, 3]), "must have one entry per row each")])
def test_rejects_with_one_sentence(call, words):
    with pytest.raises(ValueError, match=words):
        call()
