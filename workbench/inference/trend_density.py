"""Log posterior density of a trend and its gradient, compiled by numba.

Row i adds ``weight_i * log p(y_i | mu_i)`` with ``mu = X @ c`` and

- normal: ``y ~ Normal(mu, sqrt(sigma**2 + error**2))``;
- Student-t: ``y ~ StudentT(nu, mu, sigma)``; with a measurement error the scale mixture
  ``y ~ Normal(mu, sqrt(sigma**2 / lam + error**2)), lam ~ Gamma(nu / 2, nu / 2)`` is integrated
  over ``log(lam)`` by the trapezoid rule, which converges geometrically here.

The unconstrained vector is ``(z, log sigma[, log tau][, log eta, log length][, log(nu - 2)])``;
coefficients follow as ``c = location + spread * z``, so that no part of the prior is a funnel.
The same model in PyMC, which shares no code with this one, is in ``trend_pymc``.
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from workbench.inference.trend_design import BEND, CHANGE, SOURCE, Prior, TrendDesign

__all__ = ["Terms", "compiled", "log_density", "pointwise", "terms_for", "unpack"]

compiled = njit(cache=True, nogil=True, error_model="numpy")
STEP, LOWEST, HIGHEST = 0.5, -24.0, 5.0     # trapezoid over log(lam)


class Terms(NamedTuple):
    """Data and prior of one fit, as the compiled density reads them."""

    X: np.ndarray             # rows one after the other: a reshape alone takes 2 s to compile
    y: np.ndarray
    weight: np.ndarray
    error: np.ndarray
    kind: np.ndarray
    location: np.ndarray
    spread: np.ndarray
    frequency: np.ndarray     # per column, zero outside the bends
    student: bool
    nu: float                 # fixed degrees of freedom; zero when they are learned
    sigma_sd: float
    source_sd: float          # zero without sources
    bend_sd: float            # zero without bends
    log_length: float
    length_sd: float

    @property
    def size(self) -> int:
        """Number of unconstrained parameters."""
        learned = self.student and self.nu == 0
        return (len(self.kind) + 1 + (self.source_sd > 0) + 2 * (self.bend_sd > 0)
                + learned)


def terms_for(design: TrendDesign, prior: Prior, X: np.ndarray, rows: tuple[np.ndarray, ...], *,
              student: bool, nu: float | None) -> Terms:
    """Pack a design, a prior and the rows ``(y, weight, error)`` for the compiled density."""
    kind = design.kinds
    fixed = np.array([prior.level_sd, prior.slope_sd])
    spread = np.ones(len(kind))
    spread[:2] = fixed
    spread[kind == CHANGE] = prior.change_scale
    location = np.zeros(len(kind))
    location[0] = prior.level_mean
    frequency = np.zeros(len(kind))
    frequency[kind == BEND] = design.frequencies
    y, weight, error = (np.ascontiguousarray(row, dtype=float) for row in rows)
    return Terms(np.ascontiguousarray(X).ravel(), y, weight, error, kind.astype(float), location,
                 spread, frequency, student, float(nu or 0.0), prior.sigma_sd,
                 prior.source_sd if design.sources else 0.0,
                 prior.bend_sd if design.basis else 0.0,
                 math.log(prior.length_median), prior.length_sd)


def unpack(x: np.ndarray, terms: Terms) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Coefficients, shape (draws, k), and named scales, each (draws,), of draws (draws, d)."""
    k = len(terms.kind)
    rest = list(np.exp(x[:, k:]).T)
    hyper = {"sigma": rest.pop(0)}
    spread = np.tile(terms.spread, (len(x), 1))
    if terms.source_sd > 0:
        hyper["tau"] = rest.pop(0)
        spread[:, terms.kind == SOURCE] = hyper["tau"][:, None]
    if terms.bend_sd > 0:
        hyper |= {"eta": rest.pop(0), "length": rest.pop(0)}
        bends = terms.kind == BEND
        root = _root_density(hyper["length"][:, None], terms.frequency[bends])
        spread[:, bends] = hyper["eta"][:, None] * root
    if terms.student:
        hyper["nu"] = 2 + rest.pop(0) if terms.nu == 0 else np.full(len(x), terms.nu)
    return terms.location + spread * x[:, :k], hyper


def _root_density(length: np.ndarray, frequency: np.ndarray) -> np.ndarray:
    return np.sqrt(np.sqrt(2 * np.pi) * length) * np.exp(-((length * frequency) ** 2) / 4)


@compiled
def log_density(x, terms):  # type: ignore[no-untyped-def]
    """Log posterior density, up to a constant, and its gradient, at `x` of shape (d,)."""
    gradient = np.zeros(len(x))
    value, tau, eta, length, nu = _scales(x, gradient, terms)
    k = len(terms.kind)
    spread = _spreads(terms, tau, eta, length)
    value += _coefficient_prior(x, gradient, terms.kind)
    rows, by_coefficient, by_log_sigma, by_nu = _likelihood(x, terms, spread, nu)
    gradient[k] += by_log_sigma
    if terms.student and terms.nu == 0:
        gradient[-1] += by_nu * (nu - 2)
    for j in range(k):
        gradient[j] += by_coefficient[j] * spread[j]
        along = by_coefficient[j] * spread[j] * x[j]
        if terms.kind[j] == SOURCE:
            gradient[k + 1] += along
        elif terms.kind[j] == BEND:
            at = k + 2 if terms.source_sd > 0 else k + 1
            gradient[at] += along
            gradient[at + 1] += along * (0.5 - (length * terms.frequency[j]) ** 2 / 2)
    return value + rows, gradient


@compiled
def _scales(x, gradient, terms):  # type: ignore[no-untyped-def]
    """Add the priors of the scales and their gradient; return their values."""
    at = len(terms.kind)
    value = _half_normal(x, gradient, at, terms.sigma_sd)
    tau, eta, length, nu = 0.0, 0.0, 0.0, terms.nu
    if terms.source_sd > 0:
        at += 1
        tau = math.exp(x[at])
        value += _half_normal(x, gradient, at, terms.source_sd)
    if terms.bend_sd > 0:
        eta, length = math.exp(x[at + 1]), math.exp(x[at + 2])
        value += _half_normal(x, gradient, at + 1, terms.bend_sd)
        away = (x[at + 2] - terms.log_length) / terms.length_sd
        value -= 0.5 * away * away
        gradient[at + 2] -= away / terms.length_sd
        at += 2
    if terms.student and terms.nu == 0:
        above = math.exp(x[at + 1])
        nu = 2 + above
        value += 2 * x[at + 1] - 0.1 * above       # Gamma(2, 0.1) and the Jacobian
        gradient[at + 1] += 2 - 0.1 * above
    return value, tau, eta, length, nu


@compiled
def _half_normal(x, gradient, at, sd):  # type: ignore[no-untyped-def]
    ratio = (math.exp(x[at]) / sd) ** 2
    gradient[at] += 1 - ratio
    return x[at] - 0.5 * ratio


@compiled
def _spreads(terms, tau, eta, length):  # type: ignore[no-untyped-def]
    spread = terms.spread.copy()
    for j in range(len(spread)):
        if terms.kind[j] == SOURCE:
            spread[j] = tau
        elif terms.kind[j] == BEND:
            root = math.sqrt(math.sqrt(2 * math.pi) * length)
            spread[j] = eta * root * math.exp(-((length * terms.frequency[j]) ** 2) / 4)
    return spread


@compiled
def _coefficient_prior(x, gradient, kind):  # type: ignore[no-untyped-def]
    value = 0.0
    for j in range(len(kind)):
        if kind[j] == CHANGE:
            value -= abs(x[j])
            gradient[j] -= np.sign(x[j])
        else:
            value -= 0.5 * x[j] * x[j]
            gradient[j] -= x[j]
    return value


@compiled
def _likelihood(x, terms, spread, nu):  # type: ignore[no-untyped-def]
    k = len(spread)
    c = terms.location + spread * x[:k]
    by_c = np.zeros(k)
    total, by_log_sigma, by_nu = 0.0, 0.0, 0.0
    sigma = math.exp(x[k])
    for i in range(len(terms.y)):
        residual = terms.y[i]
        for j in range(k):
            residual -= terms.X[i * k + j] * c[j]
        value, precision, d_sigma, d_nu = _row(residual, sigma, nu, terms.error[i], terms.student)
        weight = terms.weight[i]
        total += weight * value
        by_log_sigma += weight * d_sigma
        by_nu += weight * d_nu
        pull = weight * precision * residual
        for j in range(k):
            by_c[j] += terms.X[i * k + j] * pull
    return total, by_c, by_log_sigma, by_nu


@compiled
def _row(residual, sigma, nu, error, student):  # type: ignore[no-untyped-def]
    """Log likelihood of one row, its precision ``-d log p / d(residual) / residual``, slopes."""
    if not student:
        variance = sigma * sigma + error * error
        z2 = residual * residual / variance
        value = -0.5 * (math.log(2 * math.pi * variance) + z2)
        return value, 1 / variance, (z2 - 1) * sigma * sigma / variance, 0.0
    if error > 0:
        return _mixture_row(residual, sigma, nu, error)
    z2 = (residual / sigma) ** 2
    value = (math.lgamma((nu + 1) / 2) - math.lgamma(nu / 2) - 0.5 * math.log(nu * math.pi)
             - math.log(sigma) - 0.5 * (nu + 1) * math.log1p(z2 / nu))
    precision = (nu + 1) / (nu + z2)
    d_nu = 0.5 * (_digamma((nu + 1) / 2) - _digamma(nu / 2) - 1 / nu
                  - math.log1p(z2 / nu) + precision * z2 / nu)
    return value, precision / (sigma * sigma), precision * z2 - 1, d_nu


@compiled
def _mixture_row(residual, sigma, nu, error):  # type: ignore[no-untyped-def]
    half = nu / 2
    constant = half * math.log(half) - math.lgamma(half) - 0.5 * math.log(2 * math.pi)
    count = int((HIGHEST - LOWEST) / STEP) + 1
    logs, top = np.empty(count), -np.inf
    for q in range(count):
        u = LOWEST + STEP * q
        variance = sigma * sigma * math.exp(-u) + error * error
        logs[q] = (constant + half * (u - math.exp(u))
                   - 0.5 * (math.log(variance) + residual * residual / variance))
        top = max(top, logs[q])
    total, precision, d_sigma, d_nu = 0.0, 0.0, 0.0, 0.0
    fixed = 0.5 * (math.log(half) + 1 - _digamma(half))
    for q in range(count):
        u = LOWEST + STEP * q
        mass = math.exp(logs[q] - top)
        own = sigma * sigma * math.exp(-u)
        variance = own + error * error
        total += mass
        precision += mass / variance
        d_sigma += mass * (residual * residual / variance - 1) * own / variance
        d_nu += mass * (fixed + 0.5 * (u - math.exp(u)))
    return (top + math.log(STEP * total), precision / total, d_sigma / total, d_nu / total)


@compiled
def _digamma(v):  # type: ignore[no-untyped-def]
    shift = 0.0
    while v < 6:
        shift -= 1 / v
        v += 1
    r = 1 / (v * v)
    return shift + math.log(v) - 0.5 / v - r * (1 / 12 - r * (1 / 120 - r * (1 / 252 - r / 240)))


@compiled
def pointwise(residuals, scales, error, student):  # type: ignore[no-untyped-def]
    """Log likelihood and precision of each row and draw, two arrays of shape (draws, n).

    `residuals` has shape (draws, n); `scales` is the pair sigma, nu, each of shape (draws,).
    """
    sigma, nu = scales
    value, precision = np.empty_like(residuals), np.empty_like(residuals)
    for s in range(residuals.shape[0]):
        for i in range(residuals.shape[1]):
            row = _row(residuals[s, i], sigma[s], nu[s], error[i], student)
            value[s, i], precision[s, i] = row[0], row[1]
    return value, precision
