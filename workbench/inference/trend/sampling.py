"""Draws from a trend's posterior: whitened NUTS, or Laplace with importance weights.

Both start from the mode ``m`` and the inverse Hessian there, ``L @ L.T``. NUTS (Hoffman and
Gelman, JMLR 15, 2014, in nutpie) runs on ``u`` with ``x = m + L @ u``, where the posterior is
close to a unit Gaussian: an exact change of variables that saves steps. Laplace draws ``u`` from
Student-t distributions and resamples by Pareto-smoothed importance weights (Vehtari et al.,
JMLR 25, 2024), whose shape parameter k says whether the draws can be trusted.
"""

import math
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np

from workbench.core import libraries
from workbench.core.rng import seed_from
from workbench.core.weights import normalise
from workbench.inference.trend.density import Terms, density_of, unpack
from workbench.inference.trend.design import CHANGE, FIXED
from workbench.inference.trend.kernel import Whitening, c_model
from workbench.inference.trend.likelihood import pointwise

__all__ = ["Draws", "laplace", "nuts", "whiten"]

COEFFICIENT_NU, SCALE_NU = 30.0, 5.0      # tails of the Laplace proposal
LARGE = 5000         # rows above which threads are worth starting
STATISTICS = ("diverging", "logp", "step_size", "n_steps", "depth")


@dataclass(frozen=True)
class Draws:
    """Posterior draws and how they were made.

    `coefficients` has shape (chains, draws, k); `hyper` and `stats` hold arrays (chains, draws).
    """

    coefficients: np.ndarray
    hyper: dict[str, np.ndarray]
    sampler: str
    stats: dict[str, np.ndarray] = field(default_factory=dict)
    pareto_k: float = math.nan


def whiten(terms: Terms) -> tuple[Terms, Whitening]:
    """Coordinates in which the posterior is close to a unit Gaussian.

    Returns the terms with the coordinates of the coefficients tuned to the scores, the mode in
    them, and the factor of the inverse Hessian there.
    """
    start = np.zeros(terms.size)
    start[len(terms.kind)] = math.log(max(float(np.std(terms.y)), 1e-6 * terms.sigma_sd))
    if terms.bend_sd > 0:
        at = len(terms.kind) + 1 + (terms.source_sd > 0)
        start[at:at + 2] = math.log(terms.bend_sd / 2), terms.log_length
    if terms.student and terms.nu == 0:
        start[-1] = math.log(4.0)
    if terms.source_sd > 0 or terms.bend_sd > 0:
        # In these coordinates the mode is that of the scales alone. In plain ones it would lie
        # where the bends pass through every score and the noise vanishes.
        terms = _informed(start, terms)
        start = _climb(start, terms)
        terms = _informed(start, terms)
        start[:len(terms.kind)] = 0.0
    best = _climb(start, terms)
    factor = _inverse_factor(_hessian(best, terms))
    return terms, Whitening(_polished(best, factor, terms), factor)


def _climb(start: np.ndarray, terms: Terms) -> np.ndarray:
    from scipy.optimize import minimize

    log_density = density_of(terms)

    def descent(x: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = log_density(x, terms)
        finite = math.isfinite(value)
        return (-value, -gradient) if finite else (1e300, np.zeros_like(gradient))

    return np.asarray(minimize(descent, start, jac=True, method="L-BFGS-B",
                               bounds=[(-60.0, 60.0)] * terms.size,
                               options={"maxiter": 2000}).x)


def _polished(x: np.ndarray, factor: np.ndarray, terms: Terms) -> np.ndarray:
    """Newton steps: the climb stops at a relative gain, coarse beside a million scores."""
    log_density = density_of(terms)
    value, gradient = log_density(x, terms)
    for _ in range(3):
        moved = x + factor @ (factor.T @ gradient)
        higher, slope = log_density(moved, terms)
        if not higher > value:
            break
        x, value, gradient = moved, higher, slope
    return x


def _informed(x: np.ndarray, terms: Terms) -> Terms:
    """Approximate the likelihood at `x` by a Gaussian in the coefficients."""
    c, hyper = unpack(x, terms)
    k = len(terms.kind)
    X = terms.X.reshape(len(terms.y), k)
    nu = hyper.get("nu", np.array(0.0))
    _, precision = pointwise((terms.y - X @ c)[None], (hyper["sigma"][None], nu[None]),
                             terms.error, terms.student)
    weight = terms.weight * precision[0]
    if terms.student:
        weight *= (nu + 1) / (nu + 3)      # Fisher information over the mean precision
    weighted = X * weight[:, None]
    return terms._replace(log_sigma=math.log(hyper["sigma"]), A=(weighted.T @ X).ravel(),
                          b=weighted.T @ (terms.y - X @ terms.location))


def nuts(terms: Terms, *, draws: int, tune: int, chains: int,
         rng: np.random.Generator) -> Draws:
    """Sample by NUTS on whitened coordinates."""
    import nutpie

    terms, whitening = whiten(terms)
    try:
        trace = nutpie.sample(c_model(terms, whitening), draws=draws, tune=tune, chains=chains,
                              cores=min(chains, os.cpu_count() or 1), seed=seed_from(rng),
                              target_accept=0.9, progress_bar=False)
    except RuntimeError as error:
        raise RuntimeError("the sampler found no place to start from: these scores do not "
                           "determine this trend. Use a straight line, the normal likelihood, "
                           "or more scores.") from error
    kept = {name: trace.sample_stats[name].to_numpy() for name in STATISTICS}
    return Draws(*unpack(whitening(trace.posterior["u"].to_numpy()), terms), "nuts", kept)


def laplace(terms: Terms, *, draws: int, chains: int, rng: np.random.Generator) -> Draws:
    """Sample around the mode and resample by Pareto-smoothed importance weights.

    A pilot of half the size first moves and widens the proposal of the scales, whose posterior
    is skewed; given them, the coefficients are close to Gaussian.
    """
    arviz = libraries.arviz()

    terms, whitening = whiten(terms)
    k, total = len(terms.kind), draws * chains
    factor = _scales_first(whitening.factor, k)
    proposal = _Proposal(np.zeros(terms.size - k), np.eye(terms.size - k))
    for size in (total // 2, total):
        u, log_q = proposal.sample(size, k, rng)
        x = whitening.centre + u @ factor.T
        target = np.array([value for value, _ in _densities(x, terms)])
        ratio = np.where(np.isfinite(target), target - log_q, -np.inf)
        logs, pareto_k = arviz.psislw(ratio - ratio.max())
        weights = normalise(np.exp(logs - logs.max()))
        proposal = _Proposal.around(u[:, k:], weights)
    kept = rng.choice(total, size=total, p=weights)
    drawn = x[kept].reshape(chains, draws, terms.size)
    return Draws(*unpack(drawn, terms), "laplace", pareto_k=float(pareto_k))


@dataclass(frozen=True)
class _Proposal:
    """Student-t around `mean` for the scales, a standard one for the coefficients."""

    mean: np.ndarray
    root: np.ndarray

    def sample(self, size: int, k: int,
               rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Points, the coefficients first, shape (size, k + h), and their log density (size,)."""
        c, log_c = _student(size, k, COEFFICIENT_NU, rng)
        h, log_h = _student(size, len(self.mean), SCALE_NU, rng)
        return np.column_stack([c, self.mean + h @ self.root.T]), log_c + log_h

    @classmethod
    def around(cls, points: np.ndarray, weights: np.ndarray) -> "_Proposal":
        """The proposal with mean and covariance of weighted points, shape (n, h)."""
        mean = weights @ points
        spread = (weights[:, None] * (points - mean)).T @ (points - mean)
        return cls(mean, np.linalg.cholesky(spread + 1e-6 * np.eye(len(mean))))


def _student(size: int, d: int, nu: float,
             rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    u = rng.normal(size=(size, d)) / np.sqrt(rng.chisquare(nu, size=(size, 1)) / nu)
    return u, -0.5 * (nu + d) * np.log1p((u ** 2).sum(axis=1) / nu)


def _scales_first(factor: np.ndarray, k: int) -> np.ndarray:
    """Another factor of the same covariance, in which the scales move on their own."""
    order = np.roll(np.arange(len(factor)), -k)
    covariance = factor @ factor.T
    made = np.zeros_like(factor)
    made[np.ix_(order, order)] = np.linalg.cholesky(covariance[np.ix_(order, order)])
    return made


def _densities(points: np.ndarray, terms: Terms) -> list[tuple[float, np.ndarray]]:
    """Log density and gradient at each point, in threads where that pays."""
    log_density = density_of(terms)
    if len(terms.y) < LARGE:
        return [log_density(point, terms) for point in points]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(lambda point: log_density(point, terms), points))


def _hessian(x: np.ndarray, terms: Terms) -> np.ndarray:
    step = 1e-4
    # A kink of the Laplace prior at the mode would pass for a huge curvature.
    rounded = terms._replace(kind=np.where(terms.kind == CHANGE, FIXED, terms.kind))
    moves = np.concatenate([step * np.eye(len(x)), -step * np.eye(len(x))])
    slopes = np.array([gradient for _, gradient in _densities(x + moves, rounded)])
    curvature = (slopes[len(x):] - slopes[:len(x)]) / (2 * step)
    return (curvature + curvature.T) / 2


def _inverse_factor(curvature: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(curvature)
    # The prior gives most directions a curvature near one; a flat or upward one gets 0.05.
    return vectors / np.sqrt(np.maximum(values, 0.05))
