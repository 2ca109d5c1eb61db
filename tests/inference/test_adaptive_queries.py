"""Oracles: the published schedule written out draw by draw, laws of noise, hand counts."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from workbench.inference import BudgetExhaustedError, Thresholdout, thresholdout_batch
from workbench.inference.adaptive_queries import CARD, NoisyThresholdWarning


@pytest.fixture
def rng():
    return np.random.default_rng(0)


class Spy:
    """A generator that hands out given numbers and remembers the scales it was asked for."""

    def __init__(self, draws):
        self.draws, self.scales = list(draws), []

    def spawn(self, count):
        return [self] * count

    def laplace(self, loc, scale):
        assert loc == 0.0
        self.scales.append(scale)
        return self.draws.pop(0)


def rows(mean, n=1000):
    """A column of 0 and 1 with this mean."""
    return (np.arange(n) < round(mean * n)).astype(float)


def asked_of(train, holdout, **settings):
    return Thresholdout(len(train), len(holdout), **settings).answer((train, holdout), "values")


@pytest.mark.parametrize(("train", "holdout"), [(0.5, 0.6), (0.6, 0.5), (0.5, 0.5), (0.5, 0.501)])
def test_identity_neutral_setting_is_the_plain_holdout(train, holdout, rng):
    answer = asked_of(rows(train), rows(holdout), **CARD.neutral, allow_noiseless=True, rng=rng)
    assert answer.value == pytest.approx(holdout)


@pytest.mark.parametrize(("holdout", "told", "used"), [
    (0.53, 0.5, False), (0.47, 0.5, False), (0.55, 0.55, True), (0.45, 0.45, True)])
def test_matches_the_deterministic_rule_without_noise(holdout, told, used, rng):
    answer = asked_of(rows(0.5), rows(holdout), threshold=0.04, sigma=0.0, allow_noiseless=True,
                      rng=rng)
    assert (answer.value, answer.used_holdout) == (pytest.approx(told), used)


def test_matches_the_published_schedule_draw_by_draw():
    spy = Spy([0.01, 0.0, 0.02, -0.01, 0.03, 0.0, 0.0])
    asked = Thresholdout(1000, 1000, threshold=0.04, sigma=0.01, budget=2, rng=spy)
    assert spy.scales == [0.02]                                   # gamma
    first = asked.answer((rows(0.5), rows(0.54)), "values")       # 0.04 <= 0.05 + 0
    assert (first.value, first.used_holdout) == (0.5, False)
    assert asked.ledger.remaining == 2
    second = asked.answer((rows(0.5), rows(0.58)), "values")      # 0.08 > 0.05 + 0.02
    assert second.value == pytest.approx(0.57)                    # 0.58 - 0.01
    assert spy.scales == [0.02, 0.04, 0.04, 0.01, 0.02]           # eta, eta, xi, gamma
    assert asked.ledger.remaining == 1
    third = asked.answer((rows(0.5), rows(0.565)), "values")      # 0.065 <= 0.04 + 0.03
    assert third.used_holdout is False


def test_matches_the_budget_to_readings_and_refuses_afterwards(rng):
    asked = Thresholdout(1000, 1000, threshold=0.1, sigma=0.001, budget=3, rng=rng)
    for _ in range(20):
        assert not asked.answer((rows(0.5), rows(0.5)), "values").used_holdout
    for left in (2, 1, 0):
        assert asked.answer((rows(0.9), rows(0.5)), "values").used_holdout
        assert asked.ledger.remaining == left
    with pytest.raises(BudgetExhaustedError, match="All 3 readings of the budget are spent"):
        asked.answer((rows(0.5), rows(0.5)), "values")
    assert (asked.ledger.asked, asked.ledger.answered, asked.ledger.refused) == (24, 23, 1)
    assert asked.ledger.reasons == ["All 3 readings of the budget are spent, after 23 answers. "
                                    "Take a fresh holdout."]


def test_matches_a_refusal_to_an_answer_where_that_is_wanted(rng):
    asked = Thresholdout(1000, 1000, 0.1, 0.001, 1, on_exhausted="refuse", rng=rng)
    told = [asked.answer((rows(0.9), rows(0.5)), "values") for _ in range(3)]
    assert [answer.flag for answer in told] == ["", "refused", "refused"]
    assert np.isnan(told[1].value)
    assert asked.ledger.table()["flag"].tolist() == ["", "refused", "refused"]


def test_matches_noise_of_answers_to_laplace_with_scale_sigma():
    asked = Thresholdout(2, 2, threshold=0.04, sigma=0.01, rng=np.random.default_rng(3))
    answers = asked.answer_batch(np.ones((100_000, 2)), np.full((100_000, 2), 0.5))
    told = np.array([answer.value for answer in answers])
    assert stats.kstest(told - 0.5, stats.laplace(scale=0.01).cdf).pvalue > 1e-3
    assert stats.kstest(told - 0.5, stats.laplace(scale=0.01 / np.sqrt(2)).cdf).pvalue < 1e-6


def test_recovers_how_often_the_holdout_is_read():
    """Read with probability P(gap > T + Lap(2 sigma) + Lap(4 sigma)), by numbers drawn apart."""
    rng, other = np.random.default_rng(4), np.random.default_rng(5)
    read = [asked_of(rows(0.5), rows(0.53), threshold=0.04, sigma=0.01, rng=rng).used_holdout
            for _ in range(6000)]
    gamma, eta = other.laplace(scale=0.02, size=10**6), other.laplace(scale=0.04, size=10**6)
    drawn = 0.04 + gamma + eta < 0.03
    error = np.sqrt(drawn.mean() * (1 - drawn.mean()) / len(read))
    assert abs(np.mean(read) - drawn.mean()) < 4 * error


def test_matches_a_batch_to_single_answers_in_distribution():
    values = np.stack([rows(mean) for mean in (0.5, 0.62, 0.38)])
    train = np.stack([rows(0.5)] * 3)
    one, other = [], []
    for seed in range(1500):
        asked = Thresholdout(1000, 1000, 0.1, 0.02, rng=np.random.default_rng(seed))
        one.append([answer.value for answer in asked.answer_batch(train, values)])
        asked = Thresholdout(1000, 1000, 0.1, 0.02, rng=np.random.default_rng(10_000 + seed))
        other.append([asked.answer(pair, "values").value
                      for pair in zip(train, values, strict=True)])
    for at in range(3):
        assert stats.ks_2samp(np.array(one)[:, at], np.array(other)[:, at]).pvalue > 1e-3


def test_identity_a_seed_gives_the_same_answers():
    told = [[asked.answer((rows(0.9), rows(0.5)), "values").value for _ in range(5)]
            for asked in (Thresholdout(1000, 1000, rng=np.random.default_rng(7))
                          for _ in range(2))]
    assert told[0] == told[1]


def test_matches_functions_of_rows_in_their_own_range(rng):
    train, holdout = (np.ones(50), np.arange(50)), (np.ones(60), np.arange(60))
    asked = Thresholdout(train, holdout, sigma=0.0, allow_noiseless=True, value_range=(-10, 10),
                         rng=rng)
    assert asked.answer(lambda x, y: x - 5.0 + 0 * y).value == pytest.approx(-4.0)


def test_matches_the_batch_variant_by_hand():
    class Normal:
        def __init__(self):
            self.draws = [np.array([0.0, 0.0, -3.0]), np.array([1.0, 2.0, 3.0])]

        def standard_normal(self, size):
            assert size == 3
            return self.draws.pop(0)

    told = thresholdout_batch(np.array([0.1, 0.1, 0.1]), np.array([0.12, 0.2, 0.12]),
                              threshold=0.04, sigma=0.01, rng=Normal())
    np.testing.assert_allclose(told, [0.1, 0.22, 0.15])           # 0.02 > 0.04 - 0.03: read


@pytest.mark.parametrize(("settings", "words"), [
    ({"threshold": 1.5}, r"threshold must lie in \[0, 1\], got 1.5"),
    ({"sigma": 0.0}, "sigma must be positive and at most 1, got 0.0. Without noise nothing is"),
    ({"sigma": float("nan")}, "sigma must be positive and at most 1, got nan"),
    ({"sigma": float("inf")}, "sigma must be positive and at most 1, got inf"),
    ({"sigma": "0.01"}, "sigma must be positive and at most 1, got '0.01'"),
    ({"threshold": None}, r"threshold must lie in \[0, 1\], got None"),
    ({"budget": 0}, "budget must be a whole number of at least 1, got 0. Pass 50, at most 1,000"),
    ({"budget": 2.5}, "budget must be a whole number"),
    ({"budget": 1_000_001}, "budget must be at most 1,000,000, got 1000001"),
    ({"value_range": ("a", "b")}, "value_range must be two finite numbers, the lower first"),
    ({"value_range": 5}, "value_range must be two finite numbers, the lower first, got 5"),
    ({"value_range": (1, 0)}, "value_range must be two finite numbers, the lower first"),
    ({"on_exhausted": "stop"}, "on_exhausted must be 'raise' or 'refuse', got 'stop'")])
def test_rejects_settings(settings, words, rng):
    with pytest.raises(ValueError, match=words):
        Thresholdout(10, 10, **settings, rng=rng)


@pytest.mark.parametrize(("train", "rng", "words"), [
    (None, np.random.default_rng(0), "train must be rows, or their number, got None"),
    (5.0, np.random.default_rng(0), "train must be rows, or their number, got 5.0"),
    (10, 0, r"rng must be a numpy.random.Generator, got 0. Pass numpy.random.default_rng\(0\)")])
def test_rejects_rows_and_generators_that_are_none(train, rng, words):
    with pytest.raises(ValueError, match=words):
        Thresholdout(train, 10, rng=rng)


@pytest.mark.parametrize(("arguments", "words"), [
    ({"queries": 0}, "queries must be a whole number of at least 1, got 0"),
    ({"queries": -1}, "queries must be a whole number of at least 1, got -1"),
    ({"beta": 0}, "beta must lie strictly between 0 and 1, got 0"),
    ({"beta": 1}, "beta must lie strictly between 0 and 1, got 1"),
    ({"tau": float("nan")}, "tau must be positive, got nan")])
def test_rejects_certificates_without_meaning(arguments, words, rng):
    with pytest.raises(ValueError, match=words):
        Thresholdout(10, 10, budget=5, rng=rng).certify(**{"tau": 0.1, **arguments})


@pytest.mark.parametrize("values", [
    (rows(0.5).astype(object), rows(0.5).astype(np.float32)),
    ([True] * 500 + [False] * 500, pd.Series(rows(0.5), index=range(5000, 6000)).astype("Int64"))])
def test_identity_the_container_of_values_does_not_matter(values, rng):
    asked = Thresholdout(np.int64(1000), 1000, budget=np.int64(5), rng=rng)
    assert asked.answer(values, "values").value == 0.5
    assert asked.ledger.remaining == 5


def test_matches_the_certified_error_in_the_ledger(rng):
    asked = Thresholdout(10**7, 10**7, 0.02, 1e-4, budget=5, rng=rng)
    assert asked.ledger.tau() == asked.certify(0.1, queries=1).tau < 0.1
    assert Thresholdout(10, 10, sigma=0.0, allow_noiseless=True, rng=rng).ledger.tau() == np.inf


@pytest.mark.parametrize(("query", "kind", "words"), [
    ((rows(0.5), 2 * rows(0.5)), "values", r"values in \[0, 1\], got 500 outside on holdout"),
    ((rows(0.5), rows(0.5, 999)), "values", "one value for each of the 1000 rows of holdout"),
    ((rows(0.5), np.full(1000, np.nan)), "values", "got 1000 outside on holdout"),
    ((rows(0.5), np.full(1000, "a")), "values", "query must give numbers"),
    (rows(0.5), "values", "query must be a pair of arrays"),
    (([[1, 2], [3]], rows(0.5)), "values", "query must give numbers, got rows of different len"),
    (lambda each: each, "rows", "kind must be 'values' where train only counts rows"),
    ((rows(0.5), rows(0.5)), "value", "kind must be one of 'rows', 'values'")])
def test_rejects_queries(query, kind, words, rng):
    asked = Thresholdout(1000, 1000, rng=rng)
    with pytest.raises(ValueError, match=words):
        asked.answer(query, kind)
    assert asked.ledger.asked == 0


@pytest.mark.parametrize(("more", "words"), [
    ({"trained": [np.nan]}, "trained must be finite, got 1 NaN"),
    ({"sigma": -1.0}, "sigma must be 0 or more and finite, got -1.0"),
    ({"threshold": float("nan")}, "threshold must be 0 or more and finite, got nan")])
def test_rejects_a_batch_without_meaning(more, words, rng):
    with pytest.raises(ValueError, match=words):
        thresholdout_batch(**{"trained": [0.1], "held": [0.2], "threshold": 0.1, "sigma": 0.1,
                              **more}, rng=rng)


def test_rejects_a_threshold_that_is_mostly_noise(rng):
    with pytest.warns(NoisyThresholdWarning, match="below 4 sigma = 0.08"):
        Thresholdout(10, 10, threshold=0.04, sigma=0.02, rng=rng)
