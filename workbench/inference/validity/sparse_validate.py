"""Claims that are checked on a holdout, exactly, until too many have failed.

The failures that were revealed are all that later claims can depend on, so that the chance of a
wrong claim grows with the number of their sequences alone (NeurIPS 2015, SparseValidate).
"""

from collections.abc import Callable
from dataclasses import InitVar, dataclass
from typing import Any

import numpy as np

from workbench.core import check
from workbench.inference.validity.answers import Answer, GuardedRows
from workbench.inference.validity.bounds import claims_bound
from workbench.inference.validity.checks import beta_in
from workbench.inference.validity.ledger import Desk, ValidityLedger

__all__ = ["SparseValidate"]


@dataclass(eq=False)
class SparseValidate:
    """Whether claims fail on a holdout, until `budget` failures have been revealed.

    Parameters
    ----------
    holdout : DataFrame, array, or tuple of arrays
        Rows that claims are called with.
    budget : int > 0
        Failures that may be revealed.
    on_exhausted : {"raise", "refuse"}
        Whether a refusal is an error or an answer that is NaN.

    Attributes
    ----------
    ledger : ValidityLedger

    Examples
    --------
    >>> asked = SparseValidate(np.zeros(50), budget=1)
    >>> asked.answer(lambda rows: bool(rows.mean() > 0.1)).value, asked.ledger.remaining
    (0.0, 1)
    """

    holdout: InitVar[Any]
    budget: int
    on_exhausted: str = "raise"

    def __post_init__(self, holdout: Any) -> None:
        check.whole(1, budget=self.budget)
        self.__data = holdout
        self.ledger = ValidityLedger(GuardedRows(holdout, "holdout").n, self.budget, "failures")
        self._desk = Desk(self.ledger, self.on_exhausted)

    def answer(self, claim: Callable[..., Any]) -> Answer:
        """1 where the claim fails on the holdout, 0 where it stands.

        Parameters
        ----------
        claim : function of the rows
            True where what is claimed FAILS, decided by all rows together.
        """
        refused = self._desk.refusal()
        if refused is not None:
            return refused
        if not callable(claim):
            raise ValueError(f"claim must be a function of the rows, got {claim!r}. Pass one that "
                             "is true where the claim fails.")
        told = claim(*self.__data) if isinstance(self.__data, tuple) else claim(self.__data)
        if not (np.ndim(told) == 0 and told in (0, 1)):
            raise ValueError(f"claim must give true or false, got {told!r}. Compare with a number "
                             "inside it.")
        return self._desk.give(float(told), float(told), used_holdout=bool(told))

    def chance(self, beta: float) -> float:
        """Chance that the next claim fails wrongly, where each fixed one has chance `beta`."""
        beta_in(beta)
        return min(1.0, beta * claims_bound(self.ledger.asked + 1, self.budget))
