"""Oracles: coverage counted over many samples, scipy's own quantiles."""

import math

import numpy as np
import pytest
from scipy import stats

from workbench.inference.validity.findings import root_mean_square


@pytest.mark.parametrize("bias", [0.0, 1.0, 5.0])
def test_recovers_the_root_mean_square_as_often_as_promised(bias):
    rng, truth, trials = np.random.default_rng(0), math.hypot(bias, 1.0), 1500
    found = [root_mean_square(bias + rng.standard_normal(10)) for _ in range(trials)]
    covered = np.mean([low <= truth <= high for _, low, high in found])
    assert abs(covered - 0.9) < 4 * math.sqrt(0.9 * 0.1 / trials)


def test_matches_errors_without_bias_to_a_chi_square_law_and_those_of_bias_alone_to_t():
    errors = np.array([1.0, -1.0, 2.0, -2.0])
    rms, low, high = root_mean_square(errors)
    assert rms == pytest.approx(math.sqrt(2.5))
    assert low == pytest.approx(math.sqrt(10 / stats.chi2.ppf(0.95, 4)))
    assert high == pytest.approx(math.sqrt(10 / stats.chi2.ppf(0.05, 4)))
    errors = 100 + 0.01 * errors
    rms, low, high = root_mean_square(errors)
    half = stats.t.ppf(0.95, 3) * errors.std(ddof=1) / 2
    assert (low, high) == (pytest.approx(rms - half, abs=0.1 * half),
                           pytest.approx(rms + half, abs=0.1 * half))


def test_identity_errors_that_are_all_zero_have_no_interval_but_zero():
    assert root_mean_square(np.zeros(5)) == (0.0, 0.0, 0.0)
