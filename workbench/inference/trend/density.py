"""Log posterior density of a trend and its gradient, compiled by numba.

Row i adds ``weight_i * log p(y_i | mu_i)`` with ``mu = X @ c`` and the likelihood of
``trend.likelihood``. The unconstrained vector is ``(x, log sigma[, log tau][, log eta, log
length][, log(nu - 2)])``; coefficients follow as ``c = location + spread * z`` with the
standardised z of ``trend.coordinates``.
The same model in PyMC, which shares no code with this one, is in ``trend.pymc``.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from workbench.inference.trend.coordinates import along_spreads, conditional, standardised
from workbench.inference.trend.design import BEND, CHANGE, SOURCE, Prior, TrendDesign, root_density
from workbench.inference.trend.likelihood import compiled, noise_of, row

__all__ = ["Terms", "density_of", "line_density", "log_density", "terms_for", "unpack"]


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
    A: np.ndarray             # information on the coefficients, row after row; zero at first
    b: np.ndarray
    log_sigma: float          # noise scale at which A and b hold; they go with 1 / sigma**2
    sigma_floor: float        # resolution of the scores, below which the noise cannot fall
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
    k = len(kind)
    return Terms(np.ascontiguousarray(X).ravel(), y, weight, error, kind.astype(float), location,
                 spread, frequency, np.zeros(k * k), np.zeros(k), 0.0, prior.sigma_floor, student,
                 float(nu or 0.0), prior.sigma_sd, prior.source_sd if design.sources else 0.0,
                 prior.bend_sd if design.basis else 0.0,
                 math.log(prior.length_median), prior.length_sd)


def unpack(x: np.ndarray, terms: Terms) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Coefficients, shape (..., k), and named scales, each (...), of vectors (..., d)."""
    k = len(terms.kind)
    rest = list(np.moveaxis(np.exp(x[..., k:]), -1, 0))
    hyper = {"sigma": terms.sigma_floor + rest.pop(0)}
    if terms.source_sd > 0:
        hyper["tau"] = rest.pop(0)
    if terms.bend_sd > 0:
        hyper |= {"eta": rest.pop(0), "length": rest.pop(0)}
    if terms.student:
        hyper["nu"] = (2 + rest.pop(0) if terms.nu == 0
                       else np.full(x.shape[:-1], terms.nu))
    spread = np.broadcast_to(terms.spread, (*x.shape[:-1], k)).copy()
    if "tau" in hyper:
        spread[..., terms.kind == SOURCE] = hyper["tau"][..., None]
    if "eta" in hyper:
        bends = terms.kind == BEND
        root = root_density(hyper["length"][..., None], terms.frequency[bends])
        spread[..., bends] = hyper["eta"][..., None] * root
    louder = math.exp(terms.log_sigma) / hyper["sigma"][..., None]
    return terms.location + spread * _standardised(x[..., :k], spread, louder, terms), hyper


def _standardised(x: np.ndarray, spread: np.ndarray, louder: np.ndarray,
                  terms: Terms) -> np.ndarray:
    """What ``trend.coordinates.standardised`` does, for many draws at once."""
    if not (terms.A.any() or terms.b.any()):
        return x
    k = x.shape[-1]
    spread = spread * louder
    P = np.eye(k) + spread[..., :, None] * terms.A.reshape(k, k) * spread[..., None, :]
    L = np.linalg.cholesky(P)
    inner = np.linalg.solve(L, (spread * louder * terms.b)[..., None]) + x[..., None]
    return np.asarray(np.linalg.solve(np.swapaxes(L, -1, -2), inner)[..., 0])


@compiled
def log_density(x, terms):  # type: ignore[no-untyped-def]
    """Log posterior density, up to a constant, and its gradient, at `x` of shape (d,)."""
    gradient = np.zeros(len(x))
    value, tau, eta, length, nu = _scales(x, gradient, terms)
    k = len(terms.kind)
    spread = _spreads(terms, tau, eta, length)
    free = math.exp(x[k])
    sigma = terms.sigma_floor + free
    louder = math.exp(terms.log_sigma) / sigma     # the scores say more when the noise is less
    place = conditional(spread * louder, terms.A, terms.b * louder)
    z, logs = standardised(x, place[0], place[2])
    rows, by_z, outright = _conditioned(x, z, spread, nu, gradient, terms)
    by_x, along = along_spreads(x, by_z, place)
    for j in range(k):
        gradient[j] = by_x[j]
        gradient[k] -= (along[j] + by_z[j] * place[0][j]) * free / sigma
        slope = along[j] + outright[j]
        if terms.kind[j] == SOURCE:
            gradient[k + 1] += slope
        elif terms.kind[j] == BEND:
            at = k + 2 if terms.source_sd > 0 else k + 1
            gradient[at] += slope
            phase = length * terms.frequency[j]
            gradient[at + 1] += slope * (0.5 - phase * phase / 2)
    return value + logs + rows, gradient


@compiled
def line_density(x, terms):  # type: ignore[no-untyped-def]
    """``log_density`` of a trend without sources and bends; half the time to compile."""
    gradient = np.zeros(len(x))
    value, _, _, _, nu = _scales(x, gradient, terms)
    rows, by_z, _ = _conditioned(x, x, terms.spread, nu, gradient, terms)
    for j in range(len(by_z)):
        gradient[j] = by_z[j]
    return value + rows, gradient


def density_of(terms: Terms) -> Any:
    """The compiled density that suits the trend."""
    return log_density if terms.source_sd > 0 or terms.bend_sd > 0 else line_density


@compiled
def _conditioned(x, z, spread, nu, gradient, terms):  # type: ignore[no-untyped-def]
    """Prior of z and likelihood; slopes along z, and along log spreads with z held."""
    k = len(spread)
    by_z, outright = np.zeros(k), np.empty(k)
    value = _standard_prior(z, by_z, terms.kind)
    sigma = terms.sigma_floor + math.exp(x[k])
    noise = noise_of(sigma, nu, terms.student)
    rows, by_coefficient, by_log_sigma, by_nu = _likelihood(z, spread, noise, terms)
    gradient[k] += by_log_sigma * math.exp(x[k]) / sigma
    if terms.student and terms.nu == 0:
        gradient[-1] += by_nu * (nu - 2)
    for j in range(k):
        by_z[j] += by_coefficient[j] * spread[j]
        outright[j] = by_coefficient[j] * spread[j] * z[j]
    return value + rows, by_z, outright


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
    ratio = math.exp(2 * x[at]) / (sd * sd)
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
            phase = length * terms.frequency[j]
            spread[j] = eta * root * math.exp(-phase * phase / 4)
    return spread


@compiled
def _standard_prior(z, gradient, kind):  # type: ignore[no-untyped-def]
    value = 0.0
    for j in range(len(kind)):
        if kind[j] == CHANGE:
            value -= abs(z[j])
            gradient[j] -= 1.0 if z[j] > 0 else -1.0 if z[j] < 0 else 0.0
        else:
            value -= 0.5 * z[j] * z[j]
            gradient[j] -= z[j]
    return value


@compiled
def _likelihood(z, spread, noise, terms):  # type: ignore[no-untyped-def]
    k = len(spread)
    c, by_c = np.empty(k), np.zeros(k)
    for j in range(k):
        c[j] = terms.location[j] + spread[j] * z[j]
    total, by_log_sigma, by_nu = 0.0, 0.0, 0.0
    for i in range(len(terms.y)):
        residual = terms.y[i]
        for j in range(k):
            residual -= terms.X[i * k + j] * c[j]
        value, precision, d_sigma, d_nu = row(residual, terms.error[i], noise)
        weight = terms.weight[i]
        total += weight * value
        by_log_sigma += weight * d_sigma
        by_nu += weight * d_nu
        pull = weight * precision * residual
        for j in range(k):
            by_c[j] += terms.X[i * k + j] * pull
    return total, by_c, by_log_sigma, by_nu
