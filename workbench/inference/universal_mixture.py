"""Why do huge classes generalise? A mixture pays for the weight of good hypotheses, not for size.

``predictive_t = weights_t @ probabilities_t``: each hypothesis counts by its prior weight times
the probability it gave to all that was seen, ``weights_t ~ prior * exp(log likelihood /
temperature)``. Against hypothesis h the mixture loses at most ``temperature * log(1 / prior_h)``
[nats] in all, for every sequence, however many hypotheses there are (temperature >= 1).

Source: M. Feder, R. Urbanke, Y. Fogel, "The Universality Lens: Why Even Highly Over-Parametrized
Models Learn Well", arXiv:2506.07661 (2025).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from workbench.core import check
from workbench.core.card import Card
from workbench.inference.mixtures.given import (
    checked_likelihood,
    checked_prior,
    checked_seen,
    checked_temperature,
    refuse_impossible,
)
from workbench.inference.mixtures.paths import MixturePath, log_sum, tempered

__all__ = ["CARD", "FiniteMixture"]

CARD = Card(
    source="feder2025universality",
    weighs="hypotheses, by prior weight times the likelihood of all that was seen",
    range="simplex",
    neutral={"temperature": math.inf}, baseline="prior average of the hypotheses",
)


@dataclass(frozen=True, eq=False)
class FiniteMixture:
    """The Bayesian mixture of finitely many hypotheses, and what it has seen.

    Parameters
    ----------
    log_prior : array, shape (k,)
        Logarithms of the prior weights, which sum to one; minus infinity leaves a hypothesis out.
    temperature : float > 0
        1 is Bayes' rule; infinity keeps the prior weights. Below 1 no bound is known.
    is_density : bool
        Whether likelihoods are densities, whose logarithms may be positive.
    log_likelihood : array, shape (k,), optional
        Sum over the steps seen; for a hypothesis that slept, the mixture's own in these steps.
    total : float
        Log-likelihood of the mixture itself [nats].
    steps : int
        Steps seen.

    Raises
    ------
    ValueError
        If the prior does not sum to one or the temperature is not positive.

    Examples
    --------
    >>> mixture = FiniteMixture(np.log([0.5, 0.5]))
    >>> seen = mixture.update(np.log([0.9, 0.1])).update(np.log([0.9, 0.1]))
    >>> seen.weights.round(3)
    array([0.988, 0.012])
    >>> bool(seen.regret()[0] <= seen.bound[0])
    True
    """

    log_prior: Any
    temperature: float = 1.0
    is_density: bool = False
    log_likelihood: Any = None
    total: float = 0.0
    steps: int = 0

    def __post_init__(self) -> None:
        prior = checked_prior(self.log_prior)
        checked_temperature(self.temperature)
        seen = checked_seen(self.log_likelihood, len(prior))
        check.finite(total=self.total, hint="Leave it out to begin anew.")
        object.__setattr__(self, "log_prior", prior)
        object.__setattr__(self, "log_likelihood", seen)

    @classmethod
    def uniform(cls, k: int, **options: Any) -> "FiniteMixture":
        """A mixture that counts `k` hypotheses the same at first."""
        check.whole(1, k=k)
        return cls(np.full(k, -math.log(k)), **options)

    @property
    def log_posterior(self) -> np.ndarray:
        """Logarithms of the weights now, shape (k,)."""
        joint = self.log_prior + tempered(self.log_likelihood, self.temperature)
        return np.asarray(joint - log_sum(joint))

    @property
    def weights(self) -> np.ndarray:
        """The weights now, on the simplex, shape (k,)."""
        return np.exp(self.log_posterior)

    @property
    def bound(self) -> np.ndarray:
        """The most that the mixture can ever lose to each hypothesis [nats], shape (k,)."""
        return bound_of(self.log_prior, self.temperature)

    def log_predictive(self, loglik: Any) -> float:
        """Log-probability of the next outcome under the mixture.

        Parameters
        ----------
        loglik : array, shape (k,)
            Log-probability of that outcome under each hypothesis; NaN for one that says nothing.
        """
        return self._predictive(self._row(loglik))

    def update(self, loglik: Any) -> "FiniteMixture":
        """The mixture after one more outcome; this one stays as it is.

        A hypothesis that said nothing is credited with the mixture's own probability.
        """
        row = self._row(loglik)
        gained = self._predictive(row)
        credited = np.where(np.isnan(row), gained, row)
        return replace(self, log_likelihood=self.log_likelihood + credited,
                       total=self.total + gained, steps=self.steps + 1)

    def regret(self) -> np.ndarray:
        """What the mixture has lost to each hypothesis so far [nats], shape (k,)."""
        return self.log_likelihood - self.total

    def follow(self, loglik: Any) -> MixturePath:
        """Weights, predictions and regret over a whole sequence, from what was seen until now.

        Parameters
        ----------
        loglik : array, shape (t, k)
            Log-probability of each outcome under each hypothesis; NaN where one said nothing.

        Raises
        ------
        ValueError
            If a number is no log-probability, or if no hypothesis deems an outcome possible.
        """
        rows = checked_likelihood(loglik, len(self.log_prior), is_density=self.is_density)
        if not np.isnan(rows).any():
            return self._awake(rows)
        return self._sleeping(rows)

    def _row(self, loglik: Any) -> np.ndarray:
        return checked_likelihood(check.floats(loglik=loglik)[None], len(self.log_prior),
                                  is_density=self.is_density)[0]

    def _predictive(self, row: np.ndarray) -> float:
        """``log(weights @ exp(row))`` over the hypotheses that say something."""
        awake = ~np.isnan(row)
        weights = self.log_posterior[awake]
        mixed = float(log_sum(weights + row[awake]))
        refuse_impossible(np.array([mixed]), first=self.steps)
        return mixed - float(log_sum(weights))

    def _awake(self, rows: np.ndarray) -> MixturePath:
        """All steps at once, where every hypothesis always speaks."""
        before = np.vstack([np.zeros(rows.shape[1]), np.cumsum(rows, axis=0)])
        joint = self.log_prior + tempered(before + self.log_likelihood, self.temperature)
        with np.errstate(invalid="ignore"):       # where nothing is possible, refused below
            weights = joint - log_sum(joint)[:, None]
            mixed = log_sum(weights[:-1] + rows)
        refuse_impossible(mixed, first=self.steps)
        return MixturePath(weights, mixed, rows, self.bound, self.temperature)

    def _sleeping(self, rows: np.ndarray) -> MixturePath:
        now, weights, mixed = self, [self.log_posterior], []
        for row in rows:
            after = now.update(row)
            mixed.append(after.total - now.total)
            weights.append(after.log_posterior)
            now = after
        told = np.array(mixed)
        credited = np.where(np.isnan(rows), told[:, None], rows)
        return MixturePath(np.array(weights), told, credited, self.bound, self.temperature)


def bound_of(log_prior: np.ndarray, temperature: float) -> np.ndarray:
    """``temperature * log(1 / prior)``, infinite below temperature 1, where none is known."""
    if temperature < 1:
        return np.full(len(log_prior), math.inf)
    with np.errstate(invalid="ignore"):
        found = -temperature * np.asarray(log_prior)
    return np.where(np.asarray(log_prior) == 0, 0.0, found)


def follow(log_prior: Sequence[float] | np.ndarray, loglik: Any, **options: Any) -> MixturePath:
    """The mixture of hypotheses over one sequence; see :class:`FiniteMixture`."""
    return FiniteMixture(log_prior, **options).follow(loglik)
