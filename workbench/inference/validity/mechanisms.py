"""Mechanisms to compare with: exact means, and fresh rows for each query."""

from collections.abc import Sequence
from dataclasses import InitVar, dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from workbench.core import check
from workbench.inference.validity.answers import Answer, GuardedRows
from workbench.inference.validity.certificates import Certificate, certified_split, uncertified
from workbench.inference.validity.ledger import Desk, counting_answers

__all__ = ["EmpiricalMechanism", "SplitMechanism"]


@dataclass(eq=False)
class EmpiricalMechanism:
    """The plain holdout: every query is answered by its exact mean.

    Parameters
    ----------
    holdout : DataFrame, array, tuple of arrays, or int
        Rows; a number only counts them.
    queries : int, optional
        How many are answered; None is without end.
    value_range : (float, float)
        Of the values of queries.
    on_exhausted : {"raise", "refuse"}
        Whether a refusal is an error or an answer that is NaN.
    """

    holdout: InitVar[Any]
    queries: int | None = None
    value_range: Sequence[float] = (0.0, 1.0)
    on_exhausted: str = "raise"

    def __post_init__(self, holdout: Any) -> None:
        self._rows = GuardedRows(holdout, "holdout", self.value_range)
        self.ledger = counting_answers(self._rows.n, self.queries)
        self.ledger.bind(self.certify)
        self._desk = Desk(self.ledger, self.on_exhausted, self.value_range)

    def answer(self, query: Any, kind: str = "rows") -> Answer:
        """Answer a query: a function of the rows, or its values with ``kind="values"``."""
        return self._desk.refusal() or self._tell(self._rows.mean(query, kind))

    def _tell(self, exact: float) -> Answer:
        self.ledger.epsilon = float("inf")
        return self._desk.give(exact, exact)

    def answer_batch(self, values: np.ndarray) -> list[Answer]:
        """Answer queries that do not depend on each other, values of shape (q, n)."""
        return [self._desk.refusal() or self._tell(each) for each in self._rows.batch(values)]

    def certify(self, tau: float, *, beta: float = 0.05) -> Certificate:
        """No certificate, unless all but one query were chosen before the rows were seen."""
        del tau
        return uncertified("exact means certify nothing for queries that depend on earlier ones",
                           beta)

    def reveal(self) -> pd.DataFrame:
        """Answers beside exact means; afterwards everything is refused."""
        return self._desk.reveal()


@dataclass(eq=False)
class SplitMechanism:
    """Fresh rows for each query: the rows are cut into as many parts.

    Parameters
    ----------
    holdout, value_range, on_exhausted
        As of :class:`EmpiricalMechanism`.
    queries : int > 0
        Parts, of at least one row.
    """

    holdout: InitVar[Any]
    queries: int
    value_range: Sequence[float] = (0.0, 1.0)
    on_exhausted: str = "raise"

    def __post_init__(self, holdout: Any) -> None:
        self._rows = GuardedRows(holdout, "holdout", self.value_range)
        check.whole(1, queries=self.queries)
        if self.queries > self._rows.n:
            raise ValueError(f"queries must lie between 1 and the {self._rows.n} rows, got "
                             f"{self.queries!r}. Ask fewer queries.")
        self.ledger = counting_answers(self._rows.n, self.queries)
        self.ledger.bind(self.certify)
        self._desk = Desk(self.ledger, self.on_exhausted, self.value_range)

    def answer(self, query: Any, kind: str = "rows") -> Answer:
        """Answer a query on the next part: values are those of all rows, the others unused."""
        refused = self._desk.refusal()
        if refused is not None:
            return refused
        size = self._rows.n // self.queries
        start = self.ledger.answered * size
        values = self._rows.values(query, kind)
        part = float(values[start:start + size].mean(dtype=float))
        self.ledger.epsilon = float("inf")
        return self._desk.give(part, float(values.mean(dtype=float)))

    def answer_batch(self, values: np.ndarray) -> list[Answer]:
        """Answer queries that do not depend on each other, values of shape (q, n)."""
        return [self.answer(each, "values") for each in np.atleast_2d(values)]

    def certify(self, tau: float, *, beta: float = 0.05) -> Certificate:
        """Hoeffding's bound on the rows of one part, for all queries together."""
        return replace(certified_split(self._rows.n, self.queries, beta=beta), asked=tau)

    def reveal(self) -> pd.DataFrame:
        """Answers beside exact means of all rows; afterwards everything is refused."""
        return self._desk.reveal()
