"""Oracles: the divergence argument of multiplicative weights, a naive update, exact means."""

import math

import numpy as np
import pytest

from workbench.inference import BudgetExhaustedError, PrivateMultiplicativeWeights
from workbench.inference.validity.bit_worlds import bit_queries, crossing, draw_world
from workbench.inference.validity.multiplicative import IdleWeightsWarning, update_budget
from workbench.inference.validity.universe import binary_points

NOISELESS = {"threshold": 0.06, "sigma": 0.0, "eta": 0.06}


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def world(rng):
    return draw_world(2000, rng=rng)


def noiseless(world, rng, **more):
    return PrivateMultiplicativeWeights(world.codes, world.points, alpha=0.05, max_queries=5000,
                                        **{**NOISELESS, **more}, rng=rng)


def sample_of(world):
    return np.bincount(world.codes, minlength=256) / len(world.codes)


def divergence(p, q):
    held = p > 0
    return float((p[held] * np.log(p[held] / q[held])).sum())


def test_identity_uniform_weights_before_the_first_update(world, rng):
    np.testing.assert_allclose(noiseless(world, rng).weights, 1 / 256)


def test_matches_answers_to_the_sample_within_the_threshold(world, rng):
    asked, values = noiseless(world, rng), bit_queries(world.points, 3000, rng=rng)
    told = np.array([answer.value for answer in asked.answer_batch(values)])
    assert np.abs(told - values @ sample_of(world)).max() <= 0.06 + 1e-12
    assert asked.weights.sum() == pytest.approx(1.0)
    assert (asked.weights >= 0).all()


@pytest.mark.parametrize("eta", [0.02, 0.06, 0.1])
def test_matches_the_number_of_updates_to_its_bound(world, eta):
    rng = np.random.default_rng(1)
    asked = noiseless(world, rng, eta=eta)
    asked.answer_batch(bit_queries(world.points, 3000, rng=rng))
    assert 0 < asked.ledger.readings <= math.log(256) / (eta * 0.06 - eta**2 / 2)


def test_matches_a_divergence_that_never_grows_at_an_update(world, rng):
    asked, sample = noiseless(world, rng), sample_of(world)
    before = divergence(sample, asked.weights)
    for values in bit_queries(world.points, 800, rng=rng):
        moved = asked.answer(values, "values").used_holdout
        after = divergence(sample, asked.weights)
        assert after <= before - (0.06**2 / 2) * moved + 1e-9
        before = after


def test_matches_updates_to_a_naive_computation(rng):
    codes, weights = np.array([0, 0, 0, 1]), np.full(2, 0.5)
    asked = PrivateMultiplicativeWeights(codes, 2, alpha=0.1, **{**NOISELESS, "eta": 0.1},
                                         rng=rng)
    for values in ([1.0, 0.0], [0.0, 1.0], [1.0, 0.0]):
        told, truth = np.dot(values, weights), np.dot(values, [0.75, 0.25])
        answer = asked.answer(np.array(values), "values")
        if abs(truth - told) > 0.06:
            loss = np.array(values) if truth < told else 1 - np.array(values)
            weights = weights * np.exp(-0.1 * loss)
            weights /= weights.sum()
            told = truth
        assert answer.value == pytest.approx(told)
        np.testing.assert_allclose(asked.weights, weights)


def test_identity_constant_queries_never_update(world, rng):
    asked = noiseless(world, rng)
    for value in (0.0, 0.3, 1.0):
        answer = asked.answer(np.full(256, value), "values")
        assert answer.value == pytest.approx(value)
    assert asked.ledger.readings == 0


def test_matches_functions_of_points_and_rows_of_points(rng):
    points = binary_points(3)
    asked = PrivateMultiplicativeWeights(points[[1, 1, 5]], points, **NOISELESS, rng=rng)
    assert asked.answer(lambda x: x[:, 2]).value == pytest.approx(1 / 3)


def test_recovers_the_crossing_with_noise_that_grows():
    """Weights err as much after 20,000 queries as after 200; noise for all errs more and more."""
    rows = []
    for seed in range(2):
        rng = np.random.default_rng(seed)
        rows.append(crossing(draw_world(2000, rng=rng), [200, 2000, 20_000], rng=rng)[0])
    weights, noise = (np.mean([table[name] for table in rows], axis=0)
                      for name in ("weights", "noise"))
    assert noise[0] < weights[0]
    assert noise[2] > 1.5 * weights[2]
    assert weights.max() < 0.13
    assert noise[2] == pytest.approx(0.217, abs=0.05)


def test_matches_the_end_of_updates_to_a_flag_or_an_error(world, rng):
    few = PrivateMultiplicativeWeights(world.codes, 256, alpha=0.99, threshold=0.0, sigma=0.0,
                                       eta=0.01, rng=rng)
    assert few.ledger.budget == update_budget(256, 0.99) == 23
    flags = [few.answer(values, "values").flag for values in np.tile(np.eye(256)[:30], (1, 1))]
    assert flags == [""] * 23 + ["outdated"] * 7
    stops = PrivateMultiplicativeWeights(world.codes, 256, alpha=0.99, threshold=0.0, sigma=0.0,
                                         eta=0.01, on_exhausted="raise", rng=rng)
    with pytest.raises(BudgetExhaustedError, match="All 23 updates are spent"):
        stops.answer_batch(np.eye(256)[:30])
    assert (stops.ledger.refused, stops.ledger.asked) == (1, 24)


def test_identity_the_sample_says_nothing_any_more_when_updates_are_spent():
    """Two samples whose updates agree are told the same for ever after, noise or not."""
    told = []
    for codes in ([0, 0, 2, 2], [0, 0, 3, 3]):
        asked = PrivateMultiplicativeWeights(np.array(codes), 4, alpha=0.99, sigma=0.0, eta=0.5,
                                             threshold=0.001, rng=np.random.default_rng(0))
        assert asked.ledger.budget == 6
        for _ in range(6):
            asked.answer(np.array([1.0, 0.0, 0.0, 0.0]), "values")
        assert asked.ledger.remaining == 0
        told.append([(each.value, each.flag) for each in asked.answer_batch(0.004 * np.eye(4))])
    assert told[0] == told[1]
    assert {flag for _, flag in told[0]} == {"outdated"}


def test_matches_the_privacy_of_updates_and_of_the_search_between(world, rng):
    asked = PrivateMultiplicativeWeights(world.codes, world.points, sigma=0.01, rng=rng)
    asked.answer(np.full(256, 0.5), "values")                    # only compared
    assert asked.ledger.epsilon == pytest.approx(1 / (0.01 * 2000))
    asked.answer_batch(bit_queries(world.points, 300, rng=rng))
    assert asked.ledger.epsilon == pytest.approx((2 * asked.ledger.readings + 1) / (0.01 * 2000))


def test_recovers_that_updates_of_theory_suffice():
    """Rows so many that the published threshold would be far below what updates can bear."""
    rng = np.random.default_rng(3)
    codes = np.zeros(4_000_000, dtype=int)
    asked = PrivateMultiplicativeWeights(codes, 16, alpha=0.5, epsilon=50.0, mode="theory",
                                         max_queries=400, rng=rng)
    values = rng.random((400, 16))
    answers = asked.answer_batch(values)
    assert not any(answer.flag for answer in answers)
    assert asked.ledger.readings > 0
    errors = np.abs(np.array([answer.value for answer in answers]) - values[:, 0])
    assert errors.max() <= asked.certify(0.5).noise
    assert asked.ledger.epsilon <= 50.0
    assert asked.certify(0.5, beta=0.01).tau == np.inf           # thresholds were set for 0.05


def test_matches_theory_to_its_constants(rng):
    with pytest.warns(IdleWeightsWarning, match="the sample is never read"):
        asked = PrivateMultiplicativeWeights(np.array([0, 1]), 256, mode="theory", rng=rng)
    answer = asked.answer(np.eye(256)[0], "values")
    assert (answer.value, answer.used_holdout) == (pytest.approx(1 / 256), False)
    assert asked.certify(0.1).theorem == "T2"
    assert not asked.certify(0.1).holds
    codes = rng.integers(0, 4, 3_000_000)
    large = PrivateMultiplicativeWeights(codes, 4, alpha=0.5, mode="theory", epsilon=5.0,
                                         max_queries=100, rng=rng)
    told = large.answer_batch(np.tile([1.0, 0.0, 0.0, 0.0], (100, 1)))
    assert max(abs(answer.value - 0.25) for answer in told) < large.certify(0.5).noise
    with pytest.raises(BudgetExhaustedError, match="All 100 queries were asked"):
        large.answer(np.zeros(4), "values")
    assert noiseless_certificate(rng) == np.inf


def noiseless_certificate(rng):
    return PrivateMultiplicativeWeights(np.array([0, 1]), 2, rng=rng).certify(0.1).tau


@pytest.mark.parametrize(("rows", "universe", "more", "words"), [
    ([0, 4], 4, {}, "rows must be codes from 0 to 3"), ([0.5], 4, {}, "rows must be codes"),
    ([[2, 0, 0]], binary_points(3), {}, r"universe must hold every row, but row 0, \[2, 0, 0\]"),
    ([0], 2**24 + 1, {}, r"universe must have 2 to 2\*\*24 points"), ([], 4, {}, "one row, got n"),
    ([0], 4, {"mode": "fast"}, "mode must be one of 'theory', 'practical'"),
    ([0], 4, {"alpha": 0.0}, "alpha must lie strictly between 0 and 1"),
    ([0], 4, {"eta": 0.0}, "eta must be positive and at most 1, got 0.0"),
    ([0], 4, {"alpha": 1e-300}, "alpha must lie strictly between 0 and 1, from 1e-06 on"),
    ([0], 4, {"sigma": float("inf")}, r"sigma must lie in \[0, 1\], got inf"),
    ([0], 4, {"mode": "theory", "delta": 0.0}, "delta must lie strictly between 0 and 1, got 0"),
    ([0], 4, {"on_exhausted": "stop"}, "on_exhausted must be one of 'raise', 'refuse'"),
    ([[0]], [[0], [0]], {}, "universe must hold each point once, got 1 of 2 twice")])
def test_rejects_what_cannot_be_weighed(rows, universe, more, words, rng):
    with pytest.raises(ValueError, match=words):
        PrivateMultiplicativeWeights(np.array(rows), universe, **more, rng=rng)
