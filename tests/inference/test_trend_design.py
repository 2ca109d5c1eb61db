"""Oracles: the squared-exponential kernel, exact Gaussian-process regression, differences."""

import numpy as np
import pandas as pd
import pytest

from workbench.core import generator
from workbench.inference import BayesianTrend, Prior
from workbench.inference.trend.design import BEND, TrendDesign, root_density, to_days

START = np.datetime64("2024-01-01")
EPOCH = (START - np.datetime64("1970-01-01")) / np.timedelta64(1, "D")


def design_of(**options):
    return TrendDesign(EPOCH, EPOCH + 300.0, 30.0, **options)


@pytest.mark.parametrize(("length", "inside", "ends"), [
    (0.1, 1e-3, 1e-3), (0.2, 1e-3, 0.05), (0.3, 0.02, 0.26)])
def test_matches_the_squared_exponential_kernel(length, inside, ends):
    """Lengths are shares of the window; at its ends long ones feel the end of the sine basis."""
    design = design_of(basis=30)
    days = np.arange(0, 301, 5)
    Z = design.matrix(START + days.astype("timedelta64[D]"))[:, design.kinds == BEND]
    eta, scale = 1.7, length * design.span
    implied = Z * eta ** 2 * root_density(scale, design.frequencies) ** 2 @ Z.T
    t = days / 30
    kernel = eta ** 2 * np.exp(-0.5 * ((t[:, None] - t) / scale) ** 2)
    gap = np.abs(implied - kernel) / eta ** 2
    middle = slice(len(t) // 4, -len(t) // 4)
    assert gap[middle, middle].max() < inside
    assert gap.max() < ends


def test_matches_exact_gaussian_process_regression():
    design = design_of(basis=30)
    rng = generator(0)
    days = np.sort(rng.integers(0, 301, 80))
    t, grid = days / 30, np.arange(0, 301, 10)
    y = np.sin(t) + 0.3 * rng.normal(size=80)
    eta, scale, sigma = 1.0, 0.15 * design.span, 0.3

    def kernel(a, b):
        return eta ** 2 * np.exp(-0.5 * ((a[:, None] - b) / scale) ** 2)

    exact = kernel(grid / 30, t) @ np.linalg.solve(kernel(t, t) + sigma ** 2 * np.eye(80), y)
    bends = design.kinds == BEND
    Z, G = (design.matrix(START + days_.astype("timedelta64[D]"))[:, bends]
            * eta * root_density(scale, design.frequencies) for days_ in (days, grid))
    reduced = G @ np.linalg.solve(Z.T @ Z + sigma ** 2 * np.eye(30), Z.T @ y)
    np.testing.assert_allclose(reduced, exact, atol=0.01)


def test_matches_finite_differences_of_the_columns():
    design = design_of(basis=9, changepoints=2, sources=("a", "b"))
    dates = START + np.array([20, 70, 130, 260]).astype("timedelta64[D]")
    hour = np.timedelta64(1, "h")
    slopes = ((design.matrix(dates + hour) - design.matrix(dates - hour))
              / (2 / 24 / design.time_scale))
    np.testing.assert_allclose(design.slope_matrix(dates), slopes, atol=1e-5)


def test_identity_kinks_do_nothing_before_their_day():
    design = design_of(changepoints=2)
    X = design.matrix(START + np.array([0, 99, 101, 300]).astype("timedelta64[D]"))
    np.testing.assert_allclose(X[:, 2:].sum(axis=1), [0, 0, 1 / 30, 300 / 30], atol=1e-12)


@pytest.mark.parametrize("dates", [
    pd.Series(pd.to_datetime(["2024-03-10 23:00", "2024-03-11 01:00"]).tz_localize("US/Eastern")),
    pd.DatetimeIndex(["2024-03-11 03:00", "2024-03-11 05:00"]),
    ["2024-03-11T03:00", "2024-03-11T05:00"],
    np.array(["2024-03-11T03:00", "2024-03-11T05:00"], dtype="datetime64[ns]"),
])
def test_identity_time_zones_become_utc(dates):
    days = to_days(dates)
    np.testing.assert_allclose(days - 19793.0, [3 / 24, 5 / 24], atol=1e-9)


def test_matches_the_prior_band_by_simulation():
    """Prior draws by the class against draws written out here."""
    prior, design = Prior.for_scale((0.0, 10.0), 10.0), design_of(changepoints=1)
    drawn = prior.sample(design, 40_000, generator(1))
    expected = [5.0, 2.0, np.sqrt(2) * 0.5]
    np.testing.assert_allclose(drawn.std(axis=0), expected, rtol=0.03)
    assert abs(drawn[:, 0].mean() - 5) < 4 * 5 / np.sqrt(40_000)


def test_recovers_a_bent_curve():
    rng = generator(2)
    days = np.sort(rng.integers(0, 361, 200))
    truth = 5 + 1.5 * np.sin(days / 50)
    fit = BayesianTrend(trend="smooth", scale=(0, 10), draws=500).fit(
        START + days.astype("timedelta64[D]"), truth + 0.4 * rng.standard_t(4, 200), rng=rng)
    band = fit.trend(START + days.astype("timedelta64[D]"))
    inside = (band["low"] <= truth) & (truth <= band["high"])
    assert np.sqrt(np.mean((band["mean"] - truth) ** 2)) < 0.15
    assert inside.mean() > 0.7
