"""Log likelihood of one score around a trend, compiled by numba.

- normal: ``y ~ Normal(mu, sqrt(sigma**2 + error**2))``;
- Student-t: ``y ~ StudentT(nu, mu, sigma)``; with a measurement error the scale mixture
  ``y ~ Normal(mu, sqrt(sigma**2 / lam + error**2)), lam ~ Gamma(nu / 2, nu / 2)`` is integrated
  over ``log(lam)`` by the trapezoid rule, which converges geometrically here. Above 1e7 degrees
  of freedom the normal takes over: there log-gamma differences keep no digits.
"""

import hashlib
import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numba import njit

__all__ = ["cached", "compiled", "noise_of", "pointwise", "row", "versioned"]

SOURCES = ("likelihood.py", "coordinates.py", "density.py", "kernel.py")
VERSION = hashlib.sha256(b"".join(
    Path(__file__).with_name(name).read_bytes() for name in SOURCES)).hexdigest()[:12]
NORMAL = 1e7    # degrees of freedom
NATS = 27.0     # the integrand is dropped this far below its top


def versioned(function: Callable[..., Any]) -> Callable[..., Any]:
    """Name the function after the sources of all compiled code.

    numba's cache looks at a function's own file only: after a change in one of the other files
    it would run the old machine code, on the old layout of the data.
    """
    function.__qualname__ = f"{function.__qualname__}_{VERSION}"
    return function


def compiled(function: Callable[..., Any]) -> Any:
    """Compile by numba, without the Python lock, cached on disk."""
    return cached(partial(njit, nogil=True, error_model="numpy"), function)


def cached(decorator: Callable[..., Any], function: Callable[..., Any]) -> Any:
    """Apply a numba decorator with its cache on disk, or without one where none can be written."""
    named = versioned(function)
    try:
        return decorator(cache=True)(named)
    except RuntimeError:      # numba found no folder to write to: compile in each process
        return decorator()(named)


@compiled
def noise_of(sigma, nu, student):  # type: ignore[no-untyped-def]
    """What all rows of one evaluation share: sigma, nu, robust, log constant, its nu slope."""
    if not student or nu > NORMAL:
        return sigma, nu, False, 0.0, 0.0
    constant = (math.lgamma((nu + 1) / 2) - math.lgamma(nu / 2) - 0.5 * math.log(nu * math.pi)
                - math.log(sigma))
    by_nu = _digamma((nu + 1) / 2) - _digamma(nu / 2) - 1 / nu
    return sigma, nu, True, constant, by_nu


@compiled
def row(residual, error, noise):  # type: ignore[no-untyped-def]
    """Log likelihood, precision ``-d log p / d(residual) / residual``, log-sigma and nu slopes."""
    sigma, nu, student, constant, by_nu = noise
    if not student:
        variance = sigma * sigma + error * error
        z2 = residual * residual / variance
        value = -0.5 * (math.log(2 * math.pi * variance) + z2)
        return value, 1 / variance, (z2 - 1) * sigma * sigma / variance, 0.0
    if error > 0:
        return _mixture(residual, error, sigma, nu)
    z2 = residual * residual / (sigma * sigma)
    far = math.log1p(z2 / nu)
    precision = (nu + 1) / (nu + z2)
    return (constant - 0.5 * (nu + 1) * far, precision / (sigma * sigma), precision * z2 - 1,
            0.5 * (by_nu - far + precision * z2 / nu))


@compiled
def _mixture(residual, error, sigma, nu):  # type: ignore[no-untyped-def]
    half = nu / 2
    lowest, step, count = _nodes((residual / sigma) ** 2, half)
    logs, top = np.empty(count), -np.inf
    lam, growth = math.exp(lowest), math.exp(step)
    for q in range(count):
        variance = sigma * sigma / lam + error * error
        logs[q] = (half * (lowest + step * q - lam + 1)
                   - 0.5 * (math.log(variance) + residual * residual / variance))
        top = max(top, logs[q])
        lam *= growth
    total, precision, d_sigma, d_nu = 0.0, 0.0, 0.0, 0.0
    lam = math.exp(lowest)
    for q in range(count):
        mass = math.exp(logs[q] - top)
        own = sigma * sigma / lam
        variance = own + error * error
        total += mass
        precision += mass / variance
        d_sigma += mass * (residual * residual / variance - 1) * own / variance
        d_nu += mass * 0.5 * (lowest + step * q - lam)
        lam *= growth
    constant = half * (math.log(half) - 1) - math.lgamma(half) - 0.5 * math.log(2 * math.pi)
    by_nu = 0.5 * (math.log(half) + 1 - _digamma(half))
    return (constant + top + math.log(step * total), precision / total, d_sigma / total,
            by_nu + d_nu / total)


@compiled
def _nodes(z2, half):  # type: ignore[no-untyped-def]
    """First node over log(lam), step and number.

    The mass lies between the mode of lam without measurement error and that of its prior, and
    narrows as ``1 / sqrt(half)``; beyond, it falls at least as fast as ``lam ** half``.
    """
    width = math.sqrt(2 * NATS / half)
    z2 = min(z2, 1e300)
    lowest = math.log((half + 0.5) / (half + 0.5 * z2)) if z2 > 1 else 0.0
    lowest -= width + NATS / half
    step = min(0.4, 0.5 / math.sqrt(half))
    return lowest, step, int((min(width, 4.0) - lowest) / step) + 2


@compiled
def _digamma(v):  # type: ignore[no-untyped-def]
    shift = 0.0
    while v < 8:
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
        noise = noise_of(sigma[s], nu[s], student)
        for i in range(residuals.shape[1]):
            one = row(residuals[s, i], error[i], noise)
            value[s, i], precision[s, i] = one[0], one[1]
    return value, precision
