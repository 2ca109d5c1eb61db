"""What was asked of a holdout, what it cost, what is left, and why something was refused."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from workbench.core import check
from workbench.inference.validity.answers import Answer, BudgetExhaustedError, checked_range

__all__ = ["Desk", "ValidityLedger", "counting_answers"]

REVEALED = ("The exact means were revealed, so that no answer would be valid any more. Take a "
            "fresh holdout.")
COLUMNS = ("query", "answer", "used_holdout", "flag", "remaining", "epsilon")


class ValidityLedger:
    """The visible budget of one mechanism.

    Parameters
    ----------
    n : int
        Rows of the holdout.
    budget : int or None
        What may be spent, of `counts`; None is without end.
    counts : {"answers", "readings", "failures"}
        What the budget counts: all answers, those for which the holdout was read, or failures.

    Attributes
    ----------
    asked, answered, refused, readings : int
    epsilon, delta, rho : float
        Privacy that was spent; infinite where there is none.
    reasons : list of str
        Why something was refused.
    """

    def __init__(self, n: int, budget: int | None, counts: str):
        self.n, self.budget, self.counts = n, budget, counts
        self.asked = self.answered = self.refused = self.readings = 0
        self.epsilon, self.delta, self.rho = 0.0, 0.0, 0.0
        self.reasons: list[str] = []
        self._rows: list[tuple[Any, ...]] = []
        self._certify: Callable[..., Any] | None = None

    @property
    def spent(self) -> int:
        """What was spent of the budget."""
        return self.answered if self.counts == "answers" else self.readings

    @property
    def remaining(self) -> int | None:
        """What is left of the budget, or None where it has no end."""
        return None if self.budget is None else max(0, self.budget - self.spent)

    def table(self) -> pd.DataFrame:
        """One row per query, in order: what was told and what was left afterwards."""
        return pd.DataFrame(self._rows, columns=list(COLUMNS))

    def bind(self, certify: Callable[..., Any]) -> None:
        """Take the mechanism's certificate."""
        self._certify = certify

    def tau(self, *, beta: float = 0.05) -> float:
        """Certified error of the answers, values in [0, 1]; from 1/2 on it says nothing.

        By the theorem of the mechanism's ``certify``, for a chance `beta` that it fails; infinite
        where nothing is certified.
        """
        return float("inf") if self._certify is None else float(
            self._certify(1.0, beta=beta).tau)

    def note(self, answer: Answer, why: str = "") -> None:
        """Enter an answer, or a refusal and its reason, and what is left."""
        self.asked += 1
        if answer.flag == "refused":
            self.refused += 1
            if why not in self.reasons:
                self.reasons.append(why)
        else:
            self.answered += 1
            self.readings += answer.used_holdout
        left = self.remaining
        self._rows.append((self.asked, answer.value, answer.used_holdout, answer.flag,
                           np.nan if left is None else left, self.epsilon))

    def __repr__(self) -> str:
        left = "without end" if self.remaining is None else f"{self.remaining} of {self.budget}"
        return (f"ValidityLedger: {self.asked} asked, {self.answered} answered, {self.refused} "
                f"refused, holdout of {self.n} rows read {self.readings} times; {self.counts} "
                f"left: {left}; epsilon spent {self.epsilon:.4g}")


class Desk:
    """Where a mechanism gives its answers out: it refuses, keeps the ledger, reveals at the end.

    Parameters
    ----------
    ledger : ValidityLedger
        Privacy is entered before the answer that costs it.
    on_exhausted : {"raise", "refuse"}
        Whether a refusal is an error or an answer that is NaN.
    value_range : (float, float)
        Of the answers.
    """

    def __init__(self, ledger: ValidityLedger, on_exhausted: str,
                 value_range: Sequence[float] = (0.0, 1.0)):
        if on_exhausted not in ("raise", "refuse"):
            raise ValueError(f"on_exhausted must be 'raise' or 'refuse', got {on_exhausted!r}. "
                             "Pick one.")
        self.ledger, self._raises = ledger, on_exhausted == "raise"
        self._low, self._high = checked_range(value_range)
        self.__exact: list[float] = []
        self._revealed = False

    @property
    def is_closed(self) -> bool:
        """Whether exact means were revealed."""
        return self._revealed

    def refusal(self) -> Answer | None:
        """A refusal where nothing is left, else nothing."""
        if self._revealed:
            return self.refuse(REVEALED)
        if self.ledger.remaining == 0:
            return self.refuse(f"All {self.ledger.budget} {self.ledger.counts} of the budget are "
                               f"spent, after {self.ledger.answered} answers. Take a fresh "
                               "holdout.")
        return None

    def refuse(self, why: str) -> Answer:
        """A refusal, or an error, that the ledger keeps."""
        answer = Answer(float("nan"), used_holdout=False, flag="refused")
        self.ledger.note(answer, why)
        self.__exact.append(float("nan"))
        if self._raises:
            raise BudgetExhaustedError(why)
        return answer

    def give(self, unit: float, exact: float, *, used_holdout: bool = True,
             flag: str = "") -> Answer:
        """An answer on the scale of the query; the exact one is kept for the end."""
        value = self._low + (self._high - self._low) * unit
        answer = Answer(float(value), used_holdout, flag)
        self.ledger.note(answer)
        self.__exact.append(self._low + (self._high - self._low) * exact)
        return answer

    def reveal(self) -> pd.DataFrame:
        """Answers beside exact means of the holdout; afterwards everything is refused."""
        self._revealed = True
        return self.ledger.table().assign(exact=self.__exact)


def counting_answers(n: int, queries: int | None) -> ValidityLedger:
    """A ledger whose budget is a number of answers, or none."""
    if queries is not None:
        check.whole(1, queries=queries)
    return ValidityLedger(n, queries, "answers")
