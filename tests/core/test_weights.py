"""Oracles: closed forms, brute force on small simplices, the definitions of the quantities."""

import math

import numpy as np
import pytest

from workbench.core.weights import (
    clip,
    divergence,
    effective_size,
    normalise,
    smooth,
    tilt,
    uniform,
)


@pytest.fixture
def scores():
    return np.random.default_rng(0).normal(size=7)


def test_identity_infinite_temperature_is_uniform(scores):
    np.testing.assert_allclose(tilt(scores, math.inf), uniform(7))


def test_identity_smooth_and_clip_do_nothing_at_their_neutral_setting(scores):
    weights = tilt(scores, 0.7)
    np.testing.assert_array_equal(smooth(weights, 0), weights)
    np.testing.assert_allclose(clip(weights, 1.0), weights, rtol=1e-15)


@pytest.mark.parametrize("weigh", [
    lambda s: tilt(s, 0.5), lambda s: tilt(s, 1e-6), lambda s: normalise(np.abs(s)),
    lambda s: smooth(tilt(s, 0.5), 0.3), lambda s: clip(tilt(s, 0.2), 0.3),
])
def test_range_and_relabelling(weigh, scores):
    weights = weigh(scores)
    order = np.random.default_rng(1).permutation(7)
    assert weights.min() >= 0
    assert abs(weights.sum() - 1) < 1e-12
    np.testing.assert_allclose(weigh(scores[order]), weights[order], rtol=1e-12)


def test_matches_the_maximiser_on_a_grid_of_the_simplex():
    scores, temperature = np.array([0.3, 1.0, -0.4]), 0.8
    grid = np.array([(a, b, 1000 - a - b) for a in range(1, 999)
                     for b in range(1, 1000 - a)]) / 1000
    penalty = (grid * np.log(3 * grid)).sum(axis=1)
    best = grid[np.argmax(grid @ scores - temperature * penalty)]
    np.testing.assert_allclose(tilt(scores, temperature), best, atol=1.5e-3)


def test_matches_normalise_of_huge_amounts():
    np.testing.assert_allclose(normalise(np.array([1e308, 1e308])), [0.5, 0.5])


def test_matches_clip_by_hand():
    np.testing.assert_allclose(clip(np.array([0.7, 0.2, 0.1]), 0.5), [0.5, 1 / 3, 1 / 6])
    np.testing.assert_allclose(clip(np.array([0.6, 0.4, 0.0]), 0.4), [0.4, 0.4, 0.2])


def test_price_runs_from_one_to_n():
    assert effective_size(uniform(9)) == pytest.approx(9)
    assert effective_size(np.eye(9)[3]) == 1


def test_matches_divergence_of_two_coins():
    expected = 0.75 * math.log(0.75 / 0.5) + 0.25 * math.log(0.25 / 0.5)
    assert divergence(np.array([0.75, 0.25]), uniform(2)) == pytest.approx(expected)
    assert divergence(uniform(2), np.array([1.0, 0.0])) == math.inf


@pytest.mark.parametrize(("call", "words"), [
    (lambda: tilt(np.ones(2), 0), "temperature must be positive, got 0"),
    (lambda: tilt(np.ones(2), math.nan), "temperature must be positive, got nan"),
    (lambda: normalise(np.array([1.0, -1.0])), "smallest -1 "),
    (lambda: normalise(np.array([1.0, math.nan])), "nan"),
    (lambda: normalise(np.zeros(3)), "not all zero"),
    (lambda: normalise(np.array([])), "not all zero"),
    (lambda: smooth(uniform(2), 1.5), "share must lie in"),
    (lambda: clip(uniform(4), 0.2), "largest must be at least 1 / n"),
    (lambda: uniform(0), "n must be positive"),
])
def test_rejects_what_is_no_weight(call, words):
    with pytest.raises(ValueError, match=words):
        call()
