"""Scores of ordered probabilities beside scipy."""

import numpy as np
import pytest
from scipy.stats import binomtest, ttest_1samp

from workbench.inference.ordinal.scores import calibration_bins, mean_interval
from workbench.inference.ordinal.trials import ratio_interval


def test_matches_intervals_of_few_rows_and_groups():
    values = np.random.default_rng(2).exponential(size=8)
    told = ttest_1samp(values, 0).confidence_interval(0.9)
    found = mean_interval(values, None, None, 0.9)
    np.testing.assert_allclose(found, [values.mean(), told.low, told.high])
    grouped = mean_interval(values.repeat(5), np.ones(40), np.arange(8).repeat(5), 0.9)
    np.testing.assert_allclose(grouped, found)
    assert mean_interval(values, None, np.zeros(8), 0.9)[1:] == (-np.inf, np.inf)


def test_recovers_the_level_of_ratios_of_few_worlds():
    """Ten worlds a time: normal quantiles would miss in a seventh of them."""
    rng, hits = np.random.default_rng(4), []
    for _ in range(4000):
        both = rng.gamma(20.0, size=(2, 10)) * rng.gamma(20.0, size=10)
        _, low, high = ratio_interval(0.5 * both[0], both[1], 0.9)
        hits.append(low < 0.5 < high)
    assert abs(np.mean(hits) - 0.9) < 4 * np.sqrt(0.9 * 0.1 / 4000)


def test_matches_one_bin_where_all_predictions_are_the_same():
    """A penalty that leaves no column predicts every row alike."""
    hits = np.arange(40) % 8 == 0
    bins = calibration_bins(np.full(40, 0.0875), hits, None, 8, 0.9)
    assert list(bins["rows"]) == [40]
    assert bins["observed"][0] == hits.mean()
    expected = binomtest(5, 40).proportion_ci(0.9)
    assert (bins["low"][0], bins["high"][0]) == pytest.approx((expected.low, expected.high))


def test_matches_bins_of_equally_many_rows():
    rng = np.random.default_rng(1)
    rare = rng.random(800)
    bins = calibration_bins(rare, rng.random(800) < rare, None, 8, 0.9)
    assert list(bins["rows"]) == [100] * 8
    assert (np.diff(bins["predicted"]) > 0).all()
    np.testing.assert_allclose(bins["predicted"], np.sort(rare).reshape(8, 100).mean(axis=1))
