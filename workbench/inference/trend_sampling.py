"""Draws from a trend's posterior: whitened NUTS, or Laplace with importance weights.

Both start from the mode ``m`` and the inverse Hessian there, ``L @ L.T``. NUTS (Hoffman and
Gelman, JMLR 15, 2014, in nutpie) runs on ``u`` with ``x = m + L @ u``, where the posterior is
close to a unit Gaussian: an exact change of variables that saves steps. Laplace draws ``u`` from
a multivariate Student-t and resamples by Pareto-smoothed importance weights (Vehtari et al.,
JMLR 25, 2024), whose shape parameter k says whether the draws can be trusted.
"""

import math
import os
from dataclasses import dataclass, field

import numpy as np

from workbench.core.rng import seed_from
from workbench.inference.trend_density import Terms, log_density
from workbench.inference.trend_kernel import Whitening, c_model

__all__ = ["Draws", "laplace", "nuts", "whiten"]

PROPOSAL_NU = 5.0
STATISTICS = ("diverging", "logp", "step_size", "n_steps", "depth")


@dataclass(frozen=True)
class Draws:
    """Posterior draws of the unconstrained vector and how they were made.

    `x` has shape (chains, draws, d); `stats` holds arrays of shape (chains, draws).
    """

    x: np.ndarray
    sampler: str
    stats: dict[str, np.ndarray] = field(default_factory=dict)
    pareto_k: float = math.nan


def whiten(terms: Terms) -> Whitening:
    """Posterior mode and the factor of the inverse Hessian there, in d dimensions."""
    from scipy.optimize import minimize

    start = np.zeros(terms.size)
    start[len(terms.kind)] = math.log(max(float(np.std(terms.y)), 1e-6 * terms.sigma_sd))
    if terms.bend_sd > 0:
        at = len(terms.kind) + 1 + (terms.source_sd > 0)
        start[at:at + 2] = math.log(terms.bend_sd / 2), terms.log_length
    if terms.student and terms.nu == 0:
        start[-1] = math.log(4.0)

    def descent(x: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = log_density(x, terms)
        finite = math.isfinite(value)
        return (-value, -gradient) if finite else (1e300, np.zeros_like(gradient))

    best = minimize(descent, start, jac=True, method="L-BFGS-B",
                    bounds=[(-60.0, 60.0)] * terms.size, options={"maxiter": 2000}).x
    return Whitening(best, _inverse_factor(_hessian(best, terms)))


def nuts(terms: Terms, *, draws: int, tune: int, chains: int,
         rng: np.random.Generator) -> Draws:
    """Sample by NUTS on whitened coordinates."""
    import nutpie

    whitening = whiten(terms)
    trace = nutpie.sample(c_model(terms, whitening), draws=draws, tune=tune, chains=chains,
                          cores=min(chains, os.cpu_count() or 1), seed=seed_from(rng),
                          target_accept=0.9, progress_bar=False)
    kept = {name: trace.sample_stats[name].to_numpy() for name in STATISTICS}
    return Draws(whitening(trace.posterior["u"].to_numpy()), "nuts", kept)


def laplace(terms: Terms, *, draws: int, chains: int, rng: np.random.Generator) -> Draws:
    """Sample around the mode and resample by Pareto-smoothed importance weights."""
    import arviz

    whitening = whiten(terms)
    size, total = terms.size, draws * chains
    u = rng.normal(size=(total, size))
    u /= np.sqrt(rng.chisquare(PROPOSAL_NU, size=(total, 1)) / PROPOSAL_NU)
    x = whitening(u)
    target = np.array([log_density(row, terms)[0] for row in x])
    proposal = -0.5 * (PROPOSAL_NU + size) * np.log1p((u ** 2).sum(axis=1) / PROPOSAL_NU)
    ratio = np.where(np.isfinite(target), target - proposal, -np.inf)
    logs, pareto_k = arviz.psislw(ratio - ratio.max())
    weights = np.exp(logs - logs.max())
    kept = rng.choice(total, size=total, p=weights / weights.sum())
    return Draws(x[kept].reshape(chains, draws, size), "laplace", pareto_k=float(pareto_k))


def _hessian(x: np.ndarray, terms: Terms) -> np.ndarray:
    step = 1e-4
    moves = step * np.eye(len(x))
    rows = [(log_density(x + move, terms)[1] - log_density(x - move, terms)[1]) / (2 * step)
            for move in moves]
    curvature = -np.array(rows)
    return (curvature + curvature.T) / 2


def _inverse_factor(curvature: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(curvature)
    # The prior gives most directions a curvature near one; a flat or upward one gets 0.05.
    return vectors / np.sqrt(np.maximum(values, 0.05))
