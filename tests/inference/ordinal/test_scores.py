"""Scores of ordered probabilities beside scipy."""

import numpy as np
import pytest
from scipy.stats import binomtest

from workbench.inference.ordinal.scores import calibration_bins


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
