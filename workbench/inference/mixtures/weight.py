"""The prior weight of the hypotheses near the source, by enumeration, quadrature or chance.

Laplace's approximations turn curvature into weight. With the Fisher matrix F (per sample) around
an optimum and independent normal priors of variance s^2: the ball of divergence eps has about
``log prior + (d/2) log(2 pi eps) - lgamma(d/2 + 1) - (1/2) logdet F``, for eigenvalues far above
``eps / s^2``; the soft weight has ``-(1/2) sum [log(1 + n s^2 l_j) + a_j^2 n l_j / (1 + n s^2
l_j)]`` for any: a flat direction, l_j = 0, costs nothing.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from scipy.special import gammaln, logsumexp

from workbench.core import check
from workbench.inference.mixtures.given import (
    checked_divergences,
    checked_prior,
    checked_samples,
)

__all__ = ["WeightEstimator", "WeightResult", "ball_weight", "exact_weight", "laplace_ball_weight",
           "laplace_soft_weight", "prior_weight"]

FEWEST = 20              # hits from which a share of draws is worth telling
FAR_ABOVE = 10.0         # how far eigenvalues must lie above eps / s^2


@dataclass(frozen=True, eq=False)
class WeightResult:
    """Log weight of a ball for each eps, shape (m,), with the standard error of that logarithm.

    The error is 0 where the weight is exact and NaN where it is an approximation.
    """

    eps: np.ndarray
    log_weight: np.ndarray
    stderr: np.ndarray


def exact_weight(eps: Any, kl: Any, log_prior: Any) -> WeightResult:
    """Weights of balls by enumeration.

    Parameters
    ----------
    eps : array, shape (m,)
    kl : array, shape (k,)
        Divergence of each hypothesis [nats per sample].
    log_prior : array, shape (k,)
        Of the hypotheses, or of the cells of a grid.

    Examples
    --------
    >>> np.exp(exact_weight([0.0, 1.0], [0.0, 0.5], np.log([0.25, 0.75])).log_weight)
    array([0.25, 1.  ])
    """
    radii, far = checked_divergences("eps", eps), checked_divergences("kl", kl)
    prior = checked_prior(log_prior)
    check.same_length(kl=far, log_prior=prior)
    order = np.argsort(far, kind="stable")
    with np.errstate(divide="ignore"):
        sums = np.concatenate([[-math.inf], np.logaddexp.accumulate(prior[order])])
    inside = np.searchsorted(far[order], radii, side="right")
    return WeightResult(radii, np.minimum(sums[inside], 0.0), np.zeros(len(radii)))


def prior_weight(eps: Any, kl: Any) -> WeightResult:
    """Weights of balls by the share of draws from the prior that fall into them.

    Parameters
    ----------
    eps : array, shape (m,)
    kl : array, shape (draws,)
        Divergence of each draw [nats per sample].

    Raises
    ------
    ValueError
        If fewer than 20 draws fall into the smallest ball: the share would be a guess.
    """
    radii, far = checked_divergences("eps", eps), np.sort(checked_divergences("kl", kl))
    hits = np.searchsorted(far, radii, side="right")
    if not (len(hits) and hits.min() >= FEWEST):
        least = far[FEWEST - 1] if len(far) >= FEWEST else math.inf
        raise ValueError(f"eps must hold at least {FEWEST} of the draws each, but "
                         f"{radii.min():.3g} holds {hits.min() if len(hits) else 0} of {len(far)}."
                         f" Draw more, or pass eps of {least:.3g} or more.")
    share = hits / len(far)
    return WeightResult(radii, np.log(share), np.sqrt((1 - share) / (share * len(far))))


def laplace_ball_weight(eps: Any, eigenvalues: Any, log_prior_at: float, *,
                        prior_std: float = math.inf) -> np.ndarray:
    """Log volume of ``{KL <= eps}`` times the prior density at the optimum, shape (m,).

    Parameters
    ----------
    eps : array, shape (m,)
    eigenvalues : array, shape (d,)
        Of the Fisher matrix per sample, all above zero.
    log_prior_at : float
        Logarithm of the prior density at the optimum.
    prior_std : float > 0
        Of the prior, to refuse balls that it does not see as flat.

    Raises
    ------
    ValueError
        If an eigenvalue is not far above ``eps / prior_std**2``; the soft weight takes any.
    """
    radii, curvature = checked_divergences("eps", eps), check.floats(eigenvalues=eigenvalues)
    least = FAR_ABOVE * radii.max() / prior_std ** 2
    if not (len(curvature) and curvature.min() > 0 and curvature.min() >= least):
        raise ValueError("eigenvalues must lie far above eps / prior_std**2, got a smallest of "
                         f"{curvature.min() if len(curvature) else math.nan:.3g} for "
                         f"{radii.max() / prior_std ** 2:.3g}. Pass a smaller eps, or use "
                         "laplace_soft_weight, which takes flat directions.")
    d = len(curvature)
    return (log_prior_at + d / 2 * np.log(2 * np.pi * radii) - gammaln(d / 2 + 1)
            - 0.5 * np.log(curvature).sum())


def laplace_soft_weight(eigenvalues: Any, along: Any, n: float, *, prior_std: float = 1.0
                        ) -> float:
    """Log soft weight of a quadratic divergence under a normal prior; exact for linear models.

    Parameters
    ----------
    eigenvalues : array, shape (d,)
        Of the Fisher matrix per sample, >= 0; those left out count as flat.
    along : array, shape (d,)
        The optimum in the directions of the eigenvectors.
    n : float >= 0
        Samples.
    prior_std : float > 0
    """
    curvature, at = check.floats(eigenvalues=eigenvalues), check.floats(along=along)
    check.same_length(eigenvalues=curvature, along=at)
    check.finite(along=at, hint="Find the optimum first.")
    checked_samples(n)
    check.positive(prior_std=prior_std)
    if not (curvature >= -1e-10 * max(1.0, np.abs(curvature).max(initial=0.0))).all():
        raise ValueError("eigenvalues must be >= 0, got a smallest of "
                         f"{curvature.min():.3g}. Pass those of a Fisher matrix.")
    steep = n * np.maximum(curvature, 0.0)
    damped = 1 + steep * prior_std ** 2
    return float(-0.5 * (np.log(damped) + at ** 2 * steep / damped).sum())


@dataclass(frozen=True, eq=False)
class WeightEstimator:
    """Weight of a ball by one of several ways.

    Parameters
    ----------
    method : {"exact", "grid", "prior_mc", "laplace"}
        Enumeration of `hypotheses`; quadrature on them as a grid; draws from the prior;
        Laplace's approximation.
    kl_fn : function of hypotheses, shape (m, ...), that gives divergences, shape (m,)
        Or, for Laplace, of nothing that gives eigenvalues and the log prior at the optimum.
    hypotheses : array, shape (m, ...), optional
    log_prior : array, shape (m,), optional
        Log weights of the hypotheses, or log densities on the grid.
    prior_sampler : function of a number and a generator that gives hypotheses, optional
    n_samples : int > 0
        Draws.
    prior_std : float > 0
        For Laplace.
    """

    method: Literal["exact", "grid", "prior_mc", "laplace"]
    kl_fn: Callable[..., Any]
    hypotheses: Any = None
    log_prior: Any = None
    prior_sampler: Callable[[int, np.random.Generator], Any] | None = None
    n_samples: int = 100_000
    prior_std: float = math.inf

    def __post_init__(self) -> None:
        check.one_of(("exact", "grid", "prior_mc", "laplace"), method=self.method)
        check.whole(1, n_samples=self.n_samples)
        check.positive(prior_std=self.prior_std)
        needed = {"exact": ("hypotheses", "log_prior"), "grid": ("hypotheses", "log_prior"),
                  "prior_mc": ("prior_sampler",), "laplace": ()}[self.method]
        missing = [name for name in needed if getattr(self, name) is None]
        if missing:
            raise ValueError(f"{missing[0]} must be given where method={self.method!r}, got none. "
                             f"Pass {missing[0]}=.")

    def weight(self, eps: Any, *, rng: np.random.Generator | None = None) -> WeightResult:
        """Log weight for each eps, with its standard error.

        Parameters
        ----------
        eps : array, shape (m,)
        rng : numpy.random.Generator, optional
            Needed to draw from the prior.
        """
        if self.method == "laplace":
            eigenvalues, at = self.kl_fn()
            radii = np.atleast_1d(np.asarray(eps, float))
            found = laplace_ball_weight(radii, eigenvalues, at, prior_std=self.prior_std)
            return WeightResult(radii, found, np.full(len(radii), math.nan))
        if self.method == "prior_mc":
            if rng is None or self.prior_sampler is None:
                raise ValueError("rng must be given where hypotheses are drawn, got none. Pass a "
                                 "generator.")
            return prior_weight(eps, self.kl_fn(self.prior_sampler(self.n_samples, rng)))
        prior = check.floats(log_prior=self.log_prior)
        return exact_weight(eps, self.kl_fn(self.hypotheses), prior - (
            logsumexp(prior) if self.method == "grid" else 0.0))


def ball_weight(eps: Any, kl: Any, log_prior: Any) -> np.ndarray:
    """Log weights of balls by enumeration, shape (m,)."""
    return exact_weight(eps, kl, log_prior).log_weight
