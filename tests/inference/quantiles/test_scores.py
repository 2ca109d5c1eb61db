"""Scores against their definitions, written out, and against scikit-learn."""

import numpy as np
import pytest
from scipy import integrate, stats
from sklearn.metrics import mean_pinball_loss

from workbench.core import generator
from workbench.inference.quantiles.levels import even_levels, pairs
from workbench.inference.quantiles.scores import (
    crps,
    crps_losses,
    interval_losses,
    interval_score,
    pinball,
    pinball_losses,
    wis,
    wis_losses,
)


def crossing_rows(n=40, q=9, seed=0):
    rng = generator(seed)
    return rng.normal(size=n), rng.normal(size=(n, q)), even_levels(q)


def test_matches_scikit_learn_level_by_level():
    y, quantiles, levels = crossing_rows()
    weight = generator(1).uniform(0, 2, len(y))
    losses = pinball_losses(y, quantiles, levels)
    for column, level in enumerate(levels):
        assert losses[:, column].mean() == pytest.approx(
            mean_pinball_loss(y, quantiles[:, column], alpha=level), rel=1e-12)
    expected = np.mean([mean_pinball_loss(y, quantiles[:, column], alpha=level,
                                          sample_weight=weight)
                        for column, level in enumerate(levels)])
    assert pinball(y, quantiles, levels, sample_weight=weight) == pytest.approx(expected)


@pytest.mark.parametrize("q", [1, 3, 9, 19])
def test_identity_wis_of_its_definition_with_crossing_quantiles(q):
    y, quantiles, levels = crossing_rows(q=q)
    total = 0.5 * np.abs(y - quantiles[:, q // 2])
    for low, high, alpha in pairs(levels):
        total += alpha / 2 * interval_losses(y, quantiles[:, low], quantiles[:, high], alpha=alpha)
    np.testing.assert_allclose(wis_losses(y, quantiles, levels), total / (q // 2 + 0.5),
                               rtol=0, atol=1e-12)


def test_identity_wis_without_a_median_is_the_mean_over_its_intervals():
    y, quantiles, levels = crossing_rows(q=4)
    scores = [alpha / 2 * interval_score(y, quantiles[:, low], quantiles[:, high], alpha=alpha)
              for low, high, alpha in pairs(levels)]
    assert wis(y, quantiles, levels, allow_even=True) == pytest.approx(np.mean(scores), abs=1e-12)


def test_identity_one_level_of_crps_is_the_absolute_error():
    y, quantiles, _ = crossing_rows(q=1)
    np.testing.assert_allclose(crps_losses(y, quantiles, [0.5]), np.abs(y - quantiles[:, 0]),
                               rtol=1e-12)
    np.testing.assert_allclose(crps_losses(y, quantiles, [0.2]), np.abs(y - quantiles[:, 0]),
                               rtol=1e-12)


def test_matches_the_integral_of_squared_distance_between_distributions():
    levels = np.array([0.1, 0.35, 0.5, 0.8])
    quantiles = np.array([-1.0, 0.2, 0.5, 2.0])
    for y in (-2.0, 0.3, 0.5, 5.0):
        def gap(x, y=y):
            below = np.interp(x, quantiles, levels, left=0.0, right=1.0)
            return (below - (x >= y)) ** 2
        points = sorted({*quantiles, y})
        exact = integrate.quad(gap, -3, 6, points=points, limit=200)[0]
        assert crps([y], [quantiles], levels) == pytest.approx(exact, abs=1e-6)


def test_recovers_the_crps_of_a_normal_with_many_levels():
    levels = even_levels(999)
    y = np.array([-1.0, 0.0, 2.5])
    quantiles = np.tile(stats.norm.ppf(levels), (3, 1))
    exact = y * (2 * stats.norm.cdf(y) - 1) + 2 * stats.norm.pdf(y) - 1 / np.sqrt(np.pi)
    np.testing.assert_allclose(crps_losses(y, quantiles, levels), exact, atol=1e-3)


def test_identity_integer_weights_are_repeated_rows():
    y, quantiles, levels = crossing_rows()
    counts = generator(2).integers(0, 4, len(y))
    for score in (pinball, wis, crps):
        assert score(y, quantiles, levels, sample_weight=counts) == pytest.approx(
            score(y.repeat(counts), quantiles.repeat(counts, axis=0), levels), rel=1e-12)
    assert interval_score(y, -1.0, 1.0, alpha=0.2, sample_weight=counts) == pytest.approx(
        interval_score(y.repeat(counts), -1.0, 1.0, alpha=0.2), rel=1e-12)


@pytest.mark.parametrize("scale", [1e-200, 1e-12, 1e12, 1e200])
def test_identity_scores_are_in_the_unit_of_y(scale):
    y, quantiles, levels = crossing_rows()
    for score in (pinball, wis, crps):
        assert score(y * scale, quantiles * scale, levels) / scale == pytest.approx(
            score(y, quantiles, levels), rel=1e-12)


def test_identity_a_constant_added_to_both_changes_no_score():
    y, quantiles, levels = crossing_rows()
    for score in (pinball, wis, crps):
        assert score(y + 3, quantiles + 3, levels) == pytest.approx(score(y, quantiles, levels))


def test_matches_infinite_ends_cost_infinitely_much_unless_they_do_not_count():
    y, levels = np.zeros(2), [0.1, 0.5, 0.9]
    quantiles = np.array([[-np.inf, 0.0, np.inf], [-1.0, 0.0, 1.0]])
    for score in (pinball, wis, crps):
        assert score(y, quantiles, levels) == np.inf
        assert score(y, quantiles, levels, sample_weight=[0, 1]) < 1


@pytest.mark.parametrize(("levels", "remedy"), [
    ([0.1, 0.5, 0.8], "symmetric"), ([0.1, 0.9], "allow_even=True"), ([0.5, 0.1, 0.9], "increase"),
    ([0.1, 0.1, 0.9], "increase"), ([0.0, 0.5, 1.0], "between 0 and 1")])
def test_rejects_levels_that_wis_cannot_use(levels, remedy):
    y, quantiles, _ = crossing_rows(q=len(levels))
    with pytest.raises(ValueError, match=remedy):
        wis(y, quantiles, levels)


def test_rejects_rows_that_disagree():
    y, quantiles, levels = crossing_rows()
    with pytest.raises(ValueError, match="y has 39, quantiles has 40"):
        pinball(y[1:], quantiles, levels)
    with pytest.raises(ValueError, match="one column for each of the 9 levels"):
        pinball(y, quantiles[:, 1:], levels)
    with pytest.raises(ValueError, match="quantiles must be numbers, got 1 NaN"):
        pinball(y, np.where(np.arange(360).reshape(40, 9) == 7, np.nan, quantiles), levels)
    with pytest.raises(ValueError, match="y must be finite"):
        pinball(np.where(y == y[0], np.nan, y), quantiles, levels)
    with pytest.raises(ValueError, match="sample_weight must be >= 0 and not all zero"):
        pinball(y, quantiles, levels, sample_weight=np.zeros(40))
    with pytest.raises(ValueError, match="alpha must lie strictly between"):
        interval_score(y, 0.0, 1.0, alpha=1.0)
