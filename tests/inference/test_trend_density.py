"""Oracles: PyMC's density and gradient, finite differences, the change of variables by hand."""

import math

import numpy as np
import pytest

from workbench.core import generator
from workbench.inference.trend.density import line_density, log_density, terms_for, unpack
from workbench.inference.trend.design import BEND, CHANGE, SOURCE, Prior, TrendDesign
from workbench.inference.trend.fit import Observed

CASES = {
    "line": ({}, True, 4.0),
    "normal": ({}, False, 4.0),
    "learned nu": ({}, True, None),
    "everything": ({"sources": ("a", "b", "c"), "changepoints": 2, "basis": 7}, True, None),
}


def world(*, sources=(), changepoints=0, basis=0, n=40):
    rng = generator(3)
    day = np.append(0.0, np.sort(rng.uniform(0, 300, n - 1)))
    source = rng.choice(sources, n) if sources else None
    observed = Observed(day, rng.normal(5, 2, n), rng.uniform(0, 2, n), np.zeros(n), source)
    design = TrendDesign(day.min(), day.max(), 30.0, sources, changepoints, basis, 20.0)
    return observed, design, Prior.for_scale((0.0, 10.0), design.span)


def terms_of(observed, design, prior, student, nu, error=None):
    rows = (observed.score, observed.weight, observed.error if error is None else error)
    X = design.matrix(observed.dates, observed.source)
    return terms_for(design, prior, X, rows, student=student, nu=nu)


def as_pymc(x, kinds, model):
    """Cut the unconstrained vector into PyMC's value variables."""
    k = len(kinds)
    z, scales = x[:k], iter(x[k:])
    point = {"line": z[:2]}
    parts = (("source", SOURCE), ("change", CHANGE), ("bend", BEND))
    point |= {name: z[kinds == kind] for name, kind in parts if (kinds == kind).any()}
    names = [variable.name for variable in model.value_vars]
    order = ("sigma_log__", "tau_log__", "eta_log__", "length_log__", "above_log__")
    return point | {name: np.array(next(scales)) for name in order if name in names}


def information(k, rng):
    root = rng.normal(size=(k, k))
    return root @ root.T / k, rng.normal(size=k)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_matches_pymc_density_and_gradient(case):
    from workbench.inference.trend.pymc import pymc_model

    options, student, nu = CASES[case]
    observed, design, prior = world(**options)
    terms = terms_of(observed, design, prior, student, nu)
    model = pymc_model(observed, design, prior, student=student, nu=nu)
    logp, slope = model.compile_logp(), model.compile_dlogp()
    points = 0.7 * generator(1).normal(size=(6, terms.size))
    order = [variable.name for variable in model.value_vars]
    gaps = []
    for x in points:
        value, gradient = log_density(x, terms)
        point = as_pymc(x, design.kinds, model)
        gaps.append(value - float(logp(point)))
        ours = as_pymc(gradient, design.kinds, model)
        flat = np.concatenate([np.ravel(ours[name]) for name in order])
        np.testing.assert_allclose(flat, slope(point), rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(gaps, gaps[0], rtol=1e-9, atol=1e-8)


@pytest.mark.parametrize("error", [0.0, 0.7])
@pytest.mark.parametrize("case", CASES)
def test_matches_finite_differences(case, error):
    options, student, nu = CASES[case]
    observed, design, prior = world(**options)
    terms = terms_of(observed, design, prior, student, nu, np.full(40, error))
    rng = generator(2)
    A, b = information(len(design.kinds), rng)
    terms = terms._replace(A=A.ravel(), b=b, log_sigma=-0.4)
    x, step = 0.7 * rng.normal(size=terms.size), 1e-5
    moves = step * np.eye(terms.size)
    slopes = [(log_density(x + move, terms)[0] - log_density(x - move, terms)[0]) / (2 * step)
              for move in moves]
    np.testing.assert_allclose(log_density(x, terms)[1], slopes, rtol=1e-6, atol=1e-5)


def test_matches_the_change_of_variables():
    """z = m + inv(L') x by NumPy, at the scales of the vector."""
    options, student, nu = CASES["everything"]
    observed, design, prior = world(**options)
    plain = terms_of(observed, design, prior, student, nu)
    k, rng = len(design.kinds), generator(5)
    A, b = information(k, rng)
    moved = plain._replace(A=A.ravel(), b=b, log_sigma=0.3)
    for x in 0.7 * rng.normal(size=(5, plain.size)):
        spread = unpack(np.append(np.ones(k), x[k:]), plain)[0] - plain.location
        louder = math.exp(0.3 - x[k])       # A and b go with 1 / sigma**2
        L = np.linalg.cholesky(np.eye(k) + spread[:, None] * A * spread * louder ** 2)
        z = np.linalg.solve(L.T, np.linalg.solve(L, spread * b * louder ** 2) + x[:k])
        c, hyper = unpack(x, moved)
        np.testing.assert_allclose(c, plain.location + spread * z, rtol=1e-9, atol=1e-12)
        assert float(hyper["tau"]) == math.exp(x[k + 1])
        standard = log_density(np.append(z, x[k:]), plain)[0]
        assert math.isclose(log_density(x, moved)[0], standard - np.log(np.diag(L)).sum(),
                            rel_tol=1e-10)


def test_identity_a_weight_of_two_is_a_copy():
    observed, design, prior = world()
    whole = Observed(observed.day, observed.score, 2 * np.ones(40), observed.error)
    twice = Observed(np.tile(observed.day, 2), np.tile(observed.score, 2), np.ones(80),
                     np.zeros(80))
    once, copied = (terms_of(rows, design, prior, student=True, nu=4.0) for rows in (whole, twice))
    x = np.array([0.2, -0.4, 0.3])
    for weighted, duplicated in zip(log_density(x, once), log_density(x, copied), strict=True):
        np.testing.assert_allclose(weighted, duplicated, rtol=1e-12)


def test_identity_infinite_nu_is_the_normal_likelihood():
    observed, design, prior = world()
    normal, large, huge = (terms_of(observed, design, prior, student, nu) for student, nu in
                           ((False, 4.0), (True, 1e6), (True, 1e12)))
    x = np.array([0.1, -0.2, 0.5])
    value, gradient = log_density(x, normal)
    assert math.isclose(log_density(x, huge)[0], value, rel_tol=1e-12)
    assert math.isclose(log_density(x, large)[0], value, rel_tol=1e-5)
    np.testing.assert_allclose(log_density(x, large)[1], gradient, rtol=1e-3)


@pytest.mark.parametrize("case", ["line", "normal", "learned nu"])
def test_identity_the_line_needs_no_coordinates(case):
    options, student, nu = CASES[case]
    observed, design, prior = world(**options, changepoints=2)
    terms = terms_of(observed, design, prior, student, nu)
    for x in generator(7).normal(size=(4, terms.size)):
        for line, general in zip(line_density(x, terms), log_density(x, terms), strict=True):
            np.testing.assert_allclose(line, general, rtol=1e-12)
