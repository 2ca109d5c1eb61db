"""Private multiplicative weights: a distribution over all possible rows that learns from queries.

Queries that the distribution answers well cost nothing; one that it does not, moves it:
``h <- h * exp(-eta * r)``, normalised, where r is the query or one minus it. Only then the
sample is read, with noise.

M. Hardt, G. Rothblum, FOCS 2010; constants of C. Dwork, A. Roth, The Algorithmic Foundations of
Differential Privacy (2014), sections 3.5 to 4.2.
"""

import math
import warnings
from dataclasses import KW_ONLY, InitVar, dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from workbench.core import check
from workbench.inference.validity.answers import Answer, GuardedRows
from workbench.inference.validity.bounds import transfer
from workbench.inference.validity.certificates import (
    Certificate,
    threshold_noise,
    uncertified,
)
from workbench.inference.validity.checks import (
    amount,
    beta_in,
    fraction,
    number,
    own_generator,
)
from workbench.inference.validity.composition import advanced_epsilon, per_query_epsilon
from workbench.inference.validity.ledger import REVEALED, Desk, ValidityLedger
from workbench.inference.validity.universe import codes_of

__all__ = ["IdleWeightsWarning", "PrivateMultiplicativeWeights", "update_budget"]

LEAST_ALPHA = 1e-6


class IdleWeightsWarning(UserWarning):
    """A threshold so high that the sample is never read."""

    def __init__(self, sentence: str):
        super().__init__(sentence)


@dataclass(eq=False)
class PrivateMultiplicativeWeights:
    """Answers from a distribution over a finite universe, moved where the sample contradicts.

    Parameters
    ----------
    rows : array of int, shape (n,), or array, shape (n, p)
        Codes of the sample's rows, or the rows themselves.
    universe : int, or array, shape (N, p)
        Number of points, or the points: every row that could be. At most 2 ** 24.
    alpha : float in (0, 1)
        Accuracy on the sample.
    epsilon, delta : float
        Privacy of all answers together, delta above 0; used in theory mode.
    beta : float in (0, 1)
        Chance that a threshold fails; used in theory mode.
    max_queries : int > 0
        One more is an error.
    mode : {"theory", "practical"}
        Published constants, far too large for thousands of rows, or those given here, with which
        nothing is certified.
    threshold, sigma, eta : float, optional
        Of practical mode, in [0, 1]: when to read, scale of Laplace noise, step.
    on_exhausted : {"raise", "refuse"}
        What comes when all updates are spent: an error, or the distribution's own estimates,
        flagged ``outdated``. The sample is not compared with these any more, since each
        comparison that tells of a contradiction would cost as much as an update.
    rng : numpy.random.Generator

    Attributes
    ----------
    ledger : ValidityLedger
        Its budget counts readings, that is updates.

    Notes
    -----
    Practical mode takes ``threshold = alpha / 2`` and ``eta = alpha / 2`` where they are not
    given. Theory mode takes the published threshold or, where that is lower, one so far above
    ``3 / 4 alpha`` that the updates suffice with noise, too.

    At most ``ln N / (eta T - eta**2 / 2)`` updates can happen without noise, T the
    threshold, since each lowers the divergence of the sample from the weights by that much.
    """

    rows: InitVar[Any]
    universe: InitVar[Any]
    alpha: float = 0.1
    epsilon: float = 1.0
    delta: float = 1e-6
    beta: float = 0.05
    max_queries: int = 1000
    mode: str = "practical"
    threshold: float | None = None
    sigma: float | None = None
    eta: float | None = None
    on_exhausted: str = "refuse"
    _: KW_ONLY
    rng: InitVar[np.random.Generator]

    def __post_init__(self, rows: Any, universe: Any, rng: np.random.Generator) -> None:
        check.one_of(("theory", "practical"), mode=self.mode)
        check.one_of(("raise", "refuse"), on_exhausted=self.on_exhausted)
        number(self.alpha, "alpha", lambda x: LEAST_ALPHA <= x < 1,
               f"lie strictly between 0 and 1, from {LEAST_ALPHA:g} on", "Pass 0.1.")
        amount(epsilon=self.epsilon)
        check.whole(1, max_queries=self.max_queries)
        code, self.size, self.__points = codes_of(rows, universe)
        self.__sample = np.bincount(code, minlength=self.size) / len(code)
        self.n = len(code)
        self._settle()
        self._log = np.full(self.size, -math.log(self.size))
        self._rng = own_generator(rng)
        self.ledger = ValidityLedger(self.n, update_budget(self.size, self.alpha), "readings")
        self.ledger.bind(self.certify)
        self._desk = Desk(self.ledger, "raise")
        self._limit = self._threshold + self._rng.laplace(0.0, 2 * self._sigma)

    @property
    def weights(self) -> np.ndarray:
        """The distribution, shape (N,), which may be shown: it was made of answers only."""
        raised = np.exp(self._log - self._log.max())
        return raised / raised.sum()

    def answer(self, query: Any, kind: str = "rows") -> Answer:
        """Answer a query: a function of the universe's points, or its N values in [0, 1]."""
        if self._desk.is_closed:
            return self._desk.refuse(REVEALED)
        if self.ledger.answered >= self.max_queries:
            return self._desk.refuse(f"All {self.max_queries} queries were asked. Take a fresh "
                                     "sample.")
        values = self._values(query, kind)
        told, truth = float(values @ self.weights), float(values @ self.__sample)
        if self.ledger.remaining == 0:
            if self.on_exhausted == "raise":
                return self._desk.refuse(f"All {self.ledger.budget} updates are spent. Raise "
                                         "alpha, or take a larger sample.")
            return self._desk.give(told, truth, used_holdout=False, flag="outdated")
        if abs(truth - told) + self._rng.laplace(0.0, 4 * self._sigma) <= self._limit:
            self._pay(self.ledger.readings)
            return self._desk.give(told, truth, used_holdout=False)
        noisy = float(np.clip(truth + self._rng.laplace(0.0, self._sigma), 0.0, 1.0))
        self._limit = self._threshold + self._rng.laplace(0.0, 2 * self._sigma)
        moved = self._log - self._eta * (values if noisy < told else 1 - values)
        self._log = moved - moved.max()
        self._pay(self.ledger.readings + 1)
        return self._desk.give(noisy, truth)

    def answer_batch(self, values: np.ndarray) -> list[Answer]:
        """Answer queries that do not depend on each other, values of shape (q, N)."""
        return [self.answer(each, "values") for each in np.atleast_2d(values)]

    def certify(self, tau: float, *, beta: float = 0.05) -> Certificate:
        """Bound on the error of all queries; practical settings have none."""
        beta_in(beta)
        if self.mode == "practical":
            return uncertified("practical settings of multiplicative weights certify nothing",
                               beta)
        if beta < self.beta:
            return uncertified(f"the threshold was set for a beta of {self.beta:g}", beta)
        found = transfer(self.n, self.epsilon, self.delta, beta=beta / 2,
                         queries=self.max_queries)
        most, part = update_budget(self.size, self.alpha), beta / 6
        noise = max(self._threshold + threshold_noise(self.max_queries, most, self._sigma, part),
                    self._sigma * math.log(most / part))
        return replace(Certificate(found.tau + noise, found.theorem, found.tau, noise, beta),
                       asked=tau)

    def reveal(self) -> pd.DataFrame:
        """Answers beside exact means of the sample; afterwards everything is refused."""
        return self._desk.reveal()

    def _values(self, query: Any, kind: str) -> np.ndarray:
        points = self.__points if self.__points is not None else np.arange(self.size)
        return GuardedRows(points, "universe").values(query, kind)

    def _pay(self, updates: int) -> None:
        """An update costs ``2 / (sigma n)``, and so does, by half, the search for the next."""
        searching = updates < (self.ledger.budget or 0)
        cost = 1 / (self._sigma * self.n) if self._sigma else math.inf
        self.ledger.epsilon = (2 * updates + searching) * cost
        if self.mode == "theory":
            self.ledger.delta = self.delta
            self.ledger.epsilon = min(self.ledger.epsilon, advanced_epsilon(
                2 * cost, updates + searching, self.delta))

    def _settle(self) -> None:
        """Threshold, noise and step, of theory or as given."""
        if self.mode == "practical":
            self._threshold = self.alpha / 2 if self.threshold is None else self.threshold
            self._sigma = self.alpha / 20 if self.sigma is None else self.sigma
            self._eta = self.alpha / 2 if self.eta is None else self.eta
            fraction("Pass 0.06.", closed=True, threshold=self._threshold)
            fraction("Pass 0.005.", closed=True, sigma=self._sigma)
            number(self._eta, "eta", lambda x: 0 < x <= 1, "be positive and at most 1",
                   "Pass 0.1.")
            return
        fraction("Pass 0.05.", beta=self.beta)
        fraction("Pass 1e-6.", delta=self.delta)
        most = update_budget(self.size, self.alpha)
        self._sigma = 2 / (self.n * per_query_epsilon(self.epsilon, most, self.delta))
        published = (2 + 32 * math.sqrt(2)) * math.sqrt(
            most * math.log(2 / self.delta)) * (math.log(self.max_queries) + math.log(
                4 * most / self.beta)) / (self.epsilon * self.n)
        self._threshold = max(published, 0.75 * self.alpha + threshold_noise(
            self.max_queries, most, self._sigma, self.beta / 6) + self._sigma * math.log(
                6 * most / self.beta))
        self._eta = self.alpha / 2
        if self._threshold >= 1:
            warnings.warn(f"The threshold of theory is {self._threshold:.3g}, so that the sample "
                          "is never read. Give more rows, or mode='practical'.",
                          IdleWeightsWarning, stacklevel=4)


def update_budget(size: int, alpha: float) -> int:
    """Updates that are enough for accuracy `alpha` on a universe: ``ceil(4 ln N / alpha**2)``."""
    return math.ceil(4 * math.log(size) / alpha**2)
