"""Answers that stay valid although each question depends on earlier answers: a reusable holdout.

Who asks the same holdout again and again fits it. Thresholdout answers from the training rows as
long as these agree with the holdout, ``|mean(holdout) - mean(training)| <= T + noise``, and reads
the holdout, with noise, only where they do not: only queries that overfit spend its budget.
``answer = weights @ (training mean, holdout mean)`` with all weight on one of the two.

Source: C. Dwork, V. Feldman, M. Hardt, T. Pitassi, O. Reingold, A. Roth, "Preserving Statistical
Validity in Adaptive Data Analysis", STOC 2015; the algorithm is that of their "Generalization in
Adaptive Data Analysis and Holdout Reuse", NeurIPS 2015, the batch variant that of "The reusable
holdout", Science 349 (2015).
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, InitVar, dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from workbench.core import check
from workbench.core.card import Card
from workbench.inference.validity.answers import Answer, GuardedRows
from workbench.inference.validity.certificates import (
    Certificate,
    certified_thresholdout,
    uncertified,
)
from workbench.inference.validity.checks import beta_in, fraction, number, own_generator
from workbench.inference.validity.ledger import Desk, ValidityLedger

__all__ = ["CARD", "NoisyThresholdWarning", "Thresholdout", "thresholdout_batch"]

CARD = Card(
    source="dwork2015preserving",
    weighs="answers of a holdout against those of the training rows, points of a universe",
    range="simplex",
    neutral={"threshold": 0.0, "sigma": 0.0}, baseline="the plain holdout",
)
LARGEST_BUDGET = 1_000_000


class NoisyThresholdWarning(UserWarning):
    """The comparison of a query with the threshold is mostly noise."""

    def __init__(self, sentence: str):
        super().__init__(sentence)


@dataclass(eq=False)
class Thresholdout:
    """A holdout that may be asked again and again.

    Parameters
    ----------
    train, holdout : DataFrame, array, tuple of arrays, or int
        Rows that queries are called with; a number only counts rows, whose values are then handed
        over. A tuple, such as (X, y), is handed over as several arguments.
    threshold : float in [0, 1]
        How far the two means may lie apart before the holdout is read; 4 / sqrt(n) is a start.
    sigma : float > 0
        Scale of the Laplace noise on values in [0, 1]; 1 / sqrt(n) is a start.
    budget : int in 1 to 1,000,000, optional
        Readings of the holdout; None is without end, and certifies little.
    value_range : (float, float)
        Of the values of queries, mapped to [0, 1]; unbounded losses must be clipped first.
    on_exhausted : {"raise", "refuse"}
        Whether a refusal is an error or an answer that is NaN.
    allow_noiseless : bool
        Let `sigma` be zero, which protects nothing: for tests.
    rng : numpy.random.Generator
        The mechanism draws from a generator spawned from it, which nobody else has.

    Attributes
    ----------
    ledger : ValidityLedger
        Queries, readings, what is left, privacy spent.

    Raises
    ------
    ValueError
        If a setting is out of range, or values of a query are.
    BudgetExhaustedError
        By :meth:`answer`, when nothing is left.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> train, holdout = rng.random((2, 10_000))
    >>> asked = Thresholdout(train, holdout, budget=10, rng=rng)
    >>> asked.answer(lambda rows: rows > 0.5).used_holdout, asked.ledger.remaining
    (False, 10)
    """

    train: InitVar[Any]
    holdout: InitVar[Any]
    threshold: float = 0.04
    sigma: float = 0.01
    budget: int | None = None
    value_range: Sequence[float] = (0.0, 1.0)
    on_exhausted: str = "raise"
    allow_noiseless: bool = False
    _: KW_ONLY
    rng: InitVar[np.random.Generator]

    def __post_init__(self, train: Any, holdout: Any, rng: np.random.Generator) -> None:
        self._checked()
        self._train = GuardedRows(train, "train", self.value_range)
        self._holdout = GuardedRows(holdout, "holdout", self.value_range)
        self.ledger = ValidityLedger(self._holdout.n, self.budget, "readings")
        self.ledger.bind(self.certify)
        self._desk = Desk(self.ledger, self.on_exhausted, self.value_range)
        self._rng = own_generator(rng)
        self._limit = self.threshold + self._rng.laplace(0.0, 2 * self.sigma)

    def answer(self, query: Any, kind: str = "rows") -> Answer:
        """Answer a query.

        Parameters
        ----------
        query : function of the rows, or a pair of arrays
            One value per row; with ``kind="values"`` those of the training rows, shape (n,), and
            of the holdout, shape (m,).
        """
        refused = self._desk.refusal()
        if refused is not None:
            return refused
        first, second = (query, query) if kind != "values" else self._pair(query)
        return self._compared(self._train.mean(first, kind), self._holdout.mean(second, kind))

    def answer_batch(self, train_values: np.ndarray, holdout_values: np.ndarray) -> list[Answer]:
        """Answer queries that do not depend on each other, values of shapes (q, n) and (q, m)."""
        rows = [each.batch(values) for each, values in (
            (self._train, train_values), (self._holdout, holdout_values))]
        check.same_length(train_values=rows[0], holdout_values=rows[1])
        return [self._desk.refusal() or self._compared(one, other)
                for one, other in zip(*rows, strict=True)]

    def certify(self, tau: float, *, beta: float = 0.05,
                queries: int | None = None) -> Certificate:
        """Whether answers are certified to lie within `tau` of the population.

        Parameters
        ----------
        tau : float
            On values in [0, 1].
        beta : float in (0, 1)
            Chance that it may fail.
        queries : int, optional
            How many are certified together; None takes those asked so far.
        """
        beta_in(beta)
        if self.sigma == 0:
            return uncertified("answers without noise certify nothing", beta)
        asked = max(1, self.ledger.asked) if queries is None else queries
        most = self.budget if self.budget is not None else asked
        return replace(certified_thresholdout(self._holdout.n, asked, most, self.threshold,
                                              self.sigma, beta=beta), asked=tau)

    def reveal(self) -> pd.DataFrame:
        """Answers beside exact means of the holdout; afterwards everything is refused."""
        return self._desk.reveal()

    def state(self) -> dict[str, Any]:
        """What must be kept so that another object can go on, JSON-ready; not for the analyst."""
        counted = {name: getattr(self.ledger, name) for name in (
            "asked", "answered", "refused", "readings", "epsilon")}
        return {"limit": self._limit, "ledger": counted,
                "rng": self._rng.bit_generator.state}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on where another object stopped."""
        self._limit = state["limit"]
        vars(self.ledger).update(state["ledger"])
        self._rng.bit_generator.state = state["rng"]

    def _compared(self, trained: float, held: float) -> Answer:
        gap = abs(held - trained)
        if not gap > self._limit + self._rng.laplace(0.0, 4 * self.sigma):
            self._pay(self.ledger.readings)
            return self._desk.give(trained, held, used_holdout=False)
        told = float(np.clip(held + self._rng.laplace(0.0, self.sigma), 0.0, 1.0))
        self._limit = self.threshold + self._rng.laplace(0.0, 2 * self.sigma)
        self._pay(self.ledger.readings + 1)
        return self._desk.give(told, held, used_holdout=True)

    def _pay(self, readings: int) -> None:
        """A reading costs ``2 / (sigma n)``, and so does, by half, the search for the next."""
        searching = self.budget is None or readings < self.budget
        if self.sigma:
            self.ledger.epsilon = (2 * readings + searching) / (self.sigma * self._holdout.n)
        else:
            self.ledger.epsilon = float("inf")

    def _pair(self, query: Any) -> tuple[Any, Any]:
        if not (isinstance(query, list | tuple) and len(query) == 2):
            raise ValueError("query must be a pair of arrays with kind='values', the values of "
                             f"training rows and of the holdout, got a {type(query).__name__}.")
        return query[0], query[1]

    def _checked(self) -> None:
        fraction("Pass 0.04.", closed=True, threshold=self.threshold)
        number(self.sigma, "sigma", lambda x: 0 < x <= 1 or (x == 0 and self.allow_noiseless),
               "be positive and at most 1", "Without noise nothing is protected; pass "
               "allow_noiseless=True to try it.")
        if self.budget is not None:
            remedy = f"Pass 50, at most {LARGEST_BUDGET:,}, or None."
            check.whole(1, budget=self.budget, hint=remedy)
            number(self.budget, "budget", lambda x: x <= LARGEST_BUDGET,
                   f"be at most {LARGEST_BUDGET:,}", remedy)
            self.budget = int(self.budget)
        if self.sigma and not self.threshold >= 4 * self.sigma:
            warnings.warn(f"threshold {self.threshold:g} is below 4 sigma = {4 * self.sigma:g}, "
                          "so that comparisons are mostly noise. Lower sigma or raise the "
                          "threshold.", NoisyThresholdWarning, stacklevel=4)


def thresholdout_batch(trained: np.ndarray, held: np.ndarray, *, threshold: float, sigma: float,
                       rng: np.random.Generator) -> np.ndarray:
    """Answers to many queries at once, as in the experiment of the Science paper.

    Parameters
    ----------
    trained, held : array, shape (q,)
        Means on the training rows and on the holdout, on any scale.
    threshold, sigma : float
        On the same scale. The noise is normal and the threshold is not renewed, so that there is
        no budget and no certificate.
    rng : numpy.random.Generator

    Returns
    -------
    answers : array, shape (q,)
    """
    trained, held = (np.atleast_1d(np.asarray(each, dtype=float)) for each in (trained, held))
    check.same_length(trained=trained, held=held)
    check.finite(trained=trained, held=held)
    for name, value in {"threshold": threshold, "sigma": sigma}.items():
        number(value, name, lambda x: 0 <= x < np.inf, "be 0 or more and finite", "Pass 0.04.")
    read = np.abs(held - trained) > threshold + sigma * rng.standard_normal(len(trained))
    return np.where(read, held + sigma * rng.standard_normal(len(trained)), trained)
