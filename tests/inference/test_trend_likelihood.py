"""Oracles: SciPy's densities and adaptive quadrature of the Student-t and normal convolution."""

import itertools

import numpy as np
import pytest
from scipy import integrate, stats

from workbench.inference.trend.likelihood import noise_of, row

GRID = [(residual, sigma, error, nu)
        for residual in (0.0, 0.8, 6.0, 50.0)
        for sigma, error in ((1.0, 0.3), (1.0, 1.0), (1.0, 30.0), (0.02, 1.0))
        for nu in (2.05, 4.0, 30.0, 400.0)]


def convolved(residual, sigma, error, nu):
    """Log density of Student-t noise plus a normal error, by adaptive quadrature."""
    def logs(truth):
        return (stats.t.logpdf(truth, nu, 0, sigma)
                + stats.norm.logpdf(residual - truth, 0, error))

    joints = np.unique([place + side * width for place, width in ((0.0, sigma), (residual, error))
                        for side in (-40, -8, -3, -1, 0, 1, 3, 8, 40)])
    top = logs(np.linspace(joints[0], joints[-1], 20001)).max()
    parts = [integrate.quad(lambda truth: np.exp(logs(truth) - top), low, high, epsabs=0,
                            epsrel=1e-10, limit=200)[0]
             for low, high in itertools.pairwise(joints)]
    return top + np.log(sum(parts))


@pytest.mark.parametrize(("residual", "sigma", "error", "nu"), GRID)
def test_matches_quadrature_of_the_convolution(residual, sigma, error, nu):
    ours = row(residual, error, noise_of(sigma, nu, student=True))[0]
    assert abs(ours - convolved(residual, sigma, error, nu)) < 1e-8


@pytest.mark.parametrize("error", [0.0, 0.3, 20.0])
@pytest.mark.parametrize("residual", [0.01, 2.0, 50.0])
@pytest.mark.parametrize("nu", [2.05, 4.0, 60.0])
def test_matches_finite_differences(residual, error, nu):
    def value(r=residual, log_sigma=0.2, degrees=nu):
        return row(r, error, noise_of(np.exp(log_sigma), degrees, student=True))[0]

    step = 1e-4
    noise = noise_of(np.exp(0.2), nu, student=True)
    _, precision, by_log_sigma, by_nu = row(residual, error, noise)
    by_residual = (value(r=residual + step) - value(r=residual - step)) / (2 * step)
    assert precision * residual == pytest.approx(-by_residual, rel=1e-5, abs=1e-8)
    assert by_log_sigma == pytest.approx(
        (value(log_sigma=0.2 + step) - value(log_sigma=0.2 - step)) / (2 * step),
        rel=1e-5, abs=1e-8)
    assert by_nu == pytest.approx(
        (value(degrees=nu + step) - value(degrees=nu - step)) / (2 * step), rel=1e-4, abs=1e-7)


@pytest.mark.parametrize("nu", [2.5, 4.0, 50.0, 1e4])
def test_matches_scipy_student(nu):
    for residual in (0.0, 1.0, 40.0):
        ours = row(residual, 0.0, noise_of(0.7, nu, student=True))[0]
        assert ours == pytest.approx(stats.t.logpdf(residual, nu, 0, 0.7), rel=1e-9)


def test_identity_vanishing_error_is_the_plain_student():
    for residual in (0.0, 3.0, 50.0):
        noise = noise_of(1.0, 4.0, student=True)
        np.testing.assert_allclose(row(residual, 1e-6, noise), row(residual, 0.0, noise),
                                   rtol=1e-6, atol=1e-7)


def test_matches_the_sum_of_two_normals():
    ours = row(1.3, 0.6, noise_of(0.9, 4.0, student=False))[0]
    assert ours == pytest.approx(stats.norm.logpdf(1.3, 0, np.hypot(0.9, 0.6)), rel=1e-12)
    many = row(1.3, 0.6, noise_of(0.9, 1e6, student=True))[0]
    assert many == pytest.approx(ours, abs=1e-5)
