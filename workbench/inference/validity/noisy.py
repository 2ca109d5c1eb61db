"""Mechanisms that add noise to every answer, and so pay for every answer.

``answer = mean(query(rows)) + noise``, clipped to the range of the query.
"""

from collections.abc import Sequence
from dataclasses import KW_ONLY, InitVar, dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from workbench.inference.validity.answers import Answer, GuardedRows
from workbench.inference.validity.certificates import (
    Certificate,
    certified_gaussian,
    certified_laplace,
)
from workbench.inference.validity.checks import amount, own_generator
from workbench.inference.validity.composition import (
    advanced_epsilon,
    checked_delta,
    per_query_epsilon,
    zcdp_epsilon,
)
from workbench.inference.validity.ledger import Desk, counting_answers

__all__ = ["GaussianMechanism", "LaplaceMechanism"]


@dataclass(eq=False)
class LaplaceMechanism:
    """Laplace noise whose scale lets all queries together cost `epsilon`.

    Parameters
    ----------
    holdout, value_range, on_exhausted
        As of :class:`EmpiricalMechanism`.
    queries : int > 0
        How many are answered.
    epsilon : float > 0
        Privacy of all answers together [nats].
    delta : float in [0, 1)
        0 composes by adding up; above, by the advanced theorem where that is better.
    rng : numpy.random.Generator

    Notes
    -----
    Scale ``b = 1 / (n e)`` on values in [0, 1], with ``e`` of
    :func:`~workbench.inference.validity.composition.per_query_epsilon`; its standard deviation is
    ``b sqrt(2)``.
    """

    holdout: InitVar[Any]
    queries: int
    epsilon: float = 1.0
    delta: float = 0.0
    value_range: Sequence[float] = (0.0, 1.0)
    on_exhausted: str = "raise"
    _: KW_ONLY
    rng: InitVar[np.random.Generator]

    def __post_init__(self, holdout: Any, rng: np.random.Generator) -> None:
        self._rows = GuardedRows(holdout, "holdout", self.value_range)
        self._each = per_query_epsilon(self.epsilon, self.queries, self.delta)
        self.scale = 1 / (self._rows.n * self._each)
        self._rng = own_generator(rng)
        self.ledger = counting_answers(self._rows.n, self.queries)
        self.ledger.bind(self.certify)
        self._desk = Desk(self.ledger, self.on_exhausted, self.value_range)

    def answer(self, query: Any, kind: str = "rows") -> Answer:
        """Answer a query: a function of the rows, or its values with ``kind="values"``."""
        return self._desk.refusal() or self._tell(self._rows.mean(query, kind))

    def _tell(self, exact: float) -> Answer:
        told = float(np.clip(exact + self._rng.laplace(0.0, self.scale), 0.0, 1.0))
        self._pay()
        return self._desk.give(told, exact)

    def answer_batch(self, values: np.ndarray) -> list[Answer]:
        """Answer queries that do not depend on each other, values of shape (q, n)."""
        return [self._desk.refusal() or self._tell(each) for each in self._rows.batch(values)]

    def _pay(self) -> None:
        asked, self.ledger.delta = self.ledger.answered + 1, self.delta
        self.ledger.epsilon = asked * self._each
        if self.delta:
            self.ledger.epsilon = min(self.ledger.epsilon,
                                      advanced_epsilon(self._each, asked, self.delta))

    def certify(self, tau: float, *, beta: float = 0.05) -> Certificate:
        """Bound on the error of all queries that may be asked."""
        return replace(certified_laplace(self._rows.n, self.queries, self.epsilon, self.delta,
                                         beta=beta), asked=tau)

    def reveal(self) -> pd.DataFrame:
        """Answers beside exact means; afterwards everything is refused."""
        return self._desk.reveal()


@dataclass(eq=False)
class GaussianMechanism:
    """Normal noise, whose concentrated costs ``rho = 1 / (2 n**2 sigma**2)`` add up.

    Parameters
    ----------
    holdout, value_range, on_exhausted
        As of :class:`EmpiricalMechanism`.
    sigma : float > 0
        Standard deviation on values in [0, 1].
    queries : int, optional
        How many are answered; None is without end.
    delta : float in [0, 1)
        Chance for which the ledger tells epsilon, ``rho + 2 sqrt(rho ln(1 / delta))``; infinite
        for 0.
    rng : numpy.random.Generator
    """

    holdout: InitVar[Any]
    sigma: float = 0.01
    queries: int | None = None
    value_range: Sequence[float] = (0.0, 1.0)
    on_exhausted: str = "raise"
    _: KW_ONLY
    delta: float = 1e-6
    rng: InitVar[np.random.Generator]

    def __post_init__(self, holdout: Any, rng: np.random.Generator) -> None:
        amount("Use EmpiricalMechanism for answers without noise.", sigma=self.sigma)
        checked_delta(self.delta)
        self._rows = GuardedRows(holdout, "holdout", self.value_range)
        self._rng = own_generator(rng)
        self.ledger = counting_answers(self._rows.n, self.queries)
        self.ledger.bind(self.certify)
        self._desk = Desk(self.ledger, self.on_exhausted, self.value_range)

    def answer(self, query: Any, kind: str = "rows") -> Answer:
        """Answer a query: a function of the rows, or its values with ``kind="values"``."""
        return self._desk.refusal() or self._tell(self._rows.mean(query, kind))

    def _tell(self, exact: float) -> Answer:
        told = float(np.clip(exact + self._rng.normal(0.0, self.sigma), 0.0, 1.0))
        self.ledger.rho += 1 / (2 * self._rows.n**2 * self.sigma**2)
        self.ledger.delta = self.delta
        self.ledger.epsilon = zcdp_epsilon(self.ledger.rho, self.delta) if self.delta else np.inf
        return self._desk.give(told, exact)

    def answer_batch(self, values: np.ndarray) -> list[Answer]:
        """Answer queries that do not depend on each other, values of shape (q, n)."""
        return [self._desk.refusal() or self._tell(each) for each in self._rows.batch(values)]

    def certify(self, tau: float, *, beta: float = 0.05) -> Certificate:
        """Bound on the error of all queries that may be asked, or of those asked so far."""
        asked = self.queries or max(1, self.ledger.answered)
        return replace(certified_gaussian(self._rows.n, asked, self.sigma, beta=beta), asked=tau)

    def reveal(self) -> pd.DataFrame:
        """Answers beside exact means; afterwards everything is refused."""
        return self._desk.reveal()
