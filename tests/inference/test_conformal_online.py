"""Adaptive calibration against its recursion written out, and its bound on hostile streams."""

import math

import numpy as np
import pytest

from workbench.core import generator
from workbench.inference.conformal import calibrate
from workbench.inference.conformal_online import AdaptiveConformal

LEVELS = np.array([0.1, 0.3, 0.5, 0.7, 0.9])
ALPHAS = {"symmetric": np.array([0.2, 0.6]), "asymmetric": np.array([0.1, 0.3, 0.1, 0.3])}
STREAMS = {
    "jumps": lambda rng, n: rng.normal(size=n) * np.repeat([1.0, 20.0, 0.1, 5.0], n // 4),
    "drift": lambda rng, n: rng.normal(size=n) + np.linspace(0, 30, n),
    "grows": lambda _, n: np.arange(n) ** 2.0,           # each row beyond all before
    "constant": lambda _, n: np.zeros(n),
    "alternates": lambda _, n: np.where(np.arange(n) % 2, 1e6, 0.0),
}


def predicted(n, seed=1):
    return np.sort(generator(seed).normal(size=(n, 5)), axis=1)


@pytest.mark.parametrize("method", ["symmetric", "asymmetric"])
def test_matches_the_recursion_step_by_step(method):
    n, rate, window = 120, 0.1, 20
    y, quantiles = STREAMS["jumps"](generator(0), n), predicted(n)
    adaptive = AdaptiveConformal(rate=rate, window=window, method=method)
    found = adaptive.follow(adaptive.init(LEVELS), y, quantiles)
    below, above = quantiles[:, [0, 1]] - y[:, None], y[:, None] - quantiles[:, [4, 3]]
    scores = (np.maximum(below, above) if method == "symmetric"
              else np.concatenate([below, above], axis=1))
    share = ALPHAS[method].copy()
    for row in range(n):
        np.testing.assert_allclose(found.shares[row], share, atol=1e-12)
        past = np.sort(scores[max(0, row - window):row], axis=0)
        for side in range(len(share)):
            rank = math.ceil((1 - share[side]) * (len(past) + 1) - 1e-9)
            shift = (-np.inf if share[side] >= 1 else np.inf if share[side] <= 0
                     or rank > len(past) else past[max(rank, 1) - 1, side])
            missed = scores[row, side] > shift
            assert found.missed[row, side] == missed
            share[side] += rate * (ALPHAS[method][side] - missed)


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("method", ["symmetric", "asymmetric"])
@pytest.mark.parametrize("rate", [0.02, 0.5])
def test_recovers_the_long_run_share_whatever_comes(stream, method, rate):
    n = 2000
    y, quantiles = STREAMS[stream](generator(2), n), predicted(n)
    adaptive = AdaptiveConformal(rate=rate, window=100, method=method)
    found = adaptive.follow(adaptive.init(LEVELS), y, quantiles)
    for side, alpha in enumerate(ALPHAS[method]):
        missed = found.missed[:, side].mean()
        assert abs(missed - alpha) <= adaptive.bound(alpha, n)
    assert (found.shares >= -rate).all()
    assert (found.shares <= 1 + rate).all()


@pytest.mark.parametrize("stream", STREAMS)
def test_recovers_at_least_the_promise_of_the_nested_intervals(stream):
    n = 2000
    y, quantiles = STREAMS[stream](generator(3), n), predicted(n)
    adaptive = AdaptiveConformal(rate=0.05, window=100)
    found = adaptive.follow(adaptive.init(LEVELS), y, quantiles)
    assert not np.isnan(found.quantiles).any()
    assert (np.diff(found.quantiles[np.isfinite(found.quantiles).all(axis=1)]) >= 0).all()
    for side, (low, high) in enumerate([(0, 4), (1, 3)]):
        outside = (y < found.quantiles[:, low]) | (y > found.quantiles[:, high])
        assert not (outside & ~found.missed[:, side]).any()


def test_identity_a_rate_of_zero_is_split_calibration_on_the_window():
    y, quantiles = generator(4).normal(size=50), predicted(50)
    adaptive = AdaptiveConformal(rate=0.0, window=30)
    state = adaptive.init(LEVELS, y, quantiles)
    new = predicted(9, seed=5)
    expected = calibrate(y[-30:], quantiles[-30:], LEVELS).apply(new, nest="widen")
    found = adaptive.apply(state, new)
    inside = np.sort(expected, axis=1) == expected
    np.testing.assert_allclose(found[inside.all(axis=1)], expected[inside.all(axis=1)])
    np.testing.assert_array_equal(adaptive.follow(state, y[:1], new[:1]).quantiles, found[:1])


def test_identity_one_stream_in_parts():
    y, quantiles = generator(6).normal(size=300), predicted(300)
    adaptive = AdaptiveConformal(rate=0.05, window=40)
    whole = adaptive.follow(adaptive.init(LEVELS), y, quantiles)
    state, parts = adaptive.init(LEVELS), []
    for rows in (slice(0, 1), slice(1, 30), slice(30, 300)):
        done = adaptive.follow(state, y[rows], quantiles[rows])
        parts.append(done.quantiles)
        state = done.state
    np.testing.assert_array_equal(np.concatenate(parts), whole.quantiles)
    np.testing.assert_array_equal(state.shares, whole.state.shares)


def test_identity_a_state_of_a_longer_window_is_cut():
    y, quantiles = generator(7).normal(size=80), predicted(80)
    short = AdaptiveConformal(window=20)
    states = [AdaptiveConformal(window=window).init(LEVELS, y[:60], quantiles[:60])
              for window in (20, 50)]
    own, longer = (short.follow(state, y[60:], quantiles[60:]) for state in states)
    np.testing.assert_array_equal(longer.quantiles, own.quantiles)
    np.testing.assert_array_equal(longer.state.recent, own.state.recent)


def test_rejects_options_without_meaning():
    with pytest.raises(ValueError, match="rate must be finite and >= 0"):
        AdaptiveConformal(rate=-1.0)
    for window in (0, 2.5, math.inf):
        with pytest.raises(ValueError, match="window must be a whole number of rows above zero"):
            AdaptiveConformal(window=window)
    with pytest.raises(ValueError, match="must hold an interval"):
        AdaptiveConformal().init([0.5])
    with pytest.raises(ValueError, match="y must hold one outcome per row"):
        AdaptiveConformal().init(LEVELS, quantiles=predicted(9))
    state = AdaptiveConformal().init(LEVELS)
    with pytest.raises(ValueError, match="state must be that of method 'asymmetric', got"):
        AdaptiveConformal(method="asymmetric").apply(state, predicted(9))
    assert AdaptiveConformal(rate=0).bound(0.1, 10) == math.inf
