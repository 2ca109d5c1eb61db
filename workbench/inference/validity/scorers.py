"""A scorer with a budget for scikit-learn's search loops.

``GridSearchCV(model, grid, scoring=scorer, cv=split)`` fits on training rows and is told what
Thresholdout answers. Copies, clones and processes draw on one account, so that no loop, however
parallel, gets more readings than the budget holds.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, InitVar, dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from workbench.core import check, generator
from workbench.inference.adaptive_queries import Thresholdout
from workbench.inference.validity.accounts import Account
from workbench.inference.validity.answers import Answer, BudgetExhaustedError
from workbench.inference.validity.certificates import Certificate
from workbench.inference.validity.splits import Rows, length

__all__ = ["ReusableHoldoutScorer", "accuracy_by_row", "brier_by_row"]


def accuracy_by_row(estimator: Any, X: Any, y: Any) -> np.ndarray:
    """1 where the prediction is the outcome, shape (n,): accuracy by row."""
    return np.asarray(np.asarray(estimator.predict(X)) == _column(y), dtype=float)


def brier_by_row(estimator: Any, X: Any, y: Any) -> np.ndarray:
    """One minus half the squared distance of probabilities from the outcome, shape (n,)."""
    hit = _column(y)[:, None] == np.asarray(estimator.classes_)[None, :]
    return 1 - ((estimator.predict_proba(X) - hit) ** 2).sum(axis=1) / 2


@dataclass(eq=False)
class ReusableHoldoutScorer:
    """A scorer of scikit-learn that answers from a reusable holdout.

    Parameters
    ----------
    train, holdout : (X, y)
        Rows that estimators are scored on, whatever rows a search hands over.
    values : function of estimator, X and y
        Score of each row, such as :func:`accuracy_by_row`. Measures that are no mean over rows,
        such as the area under a curve, cannot be protected so.
    threshold, sigma, budget, value_range
        As of :class:`~workbench.inference.adaptive_queries.Thresholdout`.
    on_exhausted : {"raise", "refuse"}
        Whether a refusal is an error, or NaN, which a search ranks last.
    seed : int >= 0
        Of the noise. With several processes the order of answers depends on them.
    account : str
        Path of the file that keeps the budget; it goes on where it stopped, in another session
        too. Empty makes a temporary one.

    Raises
    ------
    ValueError
        If an account of another holdout is named, or other rows are scored.

    Notes
    -----
    A search with ``refit=True`` fits its best model on all rows it was given, the holdout
    included; scores of that model on this holdout are not valid. Pass ``refit=False``, or give
    the search training rows only with ``cv=HoldoutSplit(0)``.

    The rows and the state of the noise lie in the scorer and its file, so that it protects a
    careful analyst from chance, not a holdout from a thief.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> rng = np.random.default_rng(0)
    >>> X, y = rng.normal(size=(400, 3)), rng.integers(0, 2, 400)
    >>> from workbench.inference import HoldoutSplit
    >>> train, holdout = HoldoutSplit(0.5).parts(X, y)
    >>> scorer = ReusableHoldoutScorer(train, holdout, threshold=0.2, sigma=0.01, budget=5)
    >>> model = LogisticRegression().fit(*train)
    >>> 0.4 < scorer(model) < 0.7, scorer.asked
    (True, 1)
    """

    train: InitVar[Rows]
    holdout: InitVar[Rows]
    values: Callable[[Any, Any, Any], Any] = accuracy_by_row
    threshold: float = 0.04
    sigma: float = 0.01
    budget: int | None = 50
    value_range: Sequence[float] = (0.0, 1.0)
    on_exhausted: str = "refuse"
    seed: int = 0
    _: KW_ONLY
    account: str = ""
    _parts: tuple[Rows, Rows] = field(init=False, repr=False)

    def __post_init__(self, train: Rows, holdout: Rows) -> None:
        if not callable(self.values):
            raise ValueError("values must be a function of estimator, X and y that scores each "
                             f"row, got {self.values!r}. Pass accuracy_by_row for accuracy.")
        check.one_of(("raise", "refuse"), on_exhausted=self.on_exhausted)
        for name, part in {"train": train, "holdout": holdout}.items():
            if not (isinstance(part, tuple | list) and len(part) == 2):
                raise ValueError(f"{name} must be a pair (X, y), got a {type(part).__name__}. "
                                 "Pass both, as HoldoutSplit.parts() gives them.")
            check.same_length(**{f"X of {name}": range(length(part[0])),
                                 f"y of {name}": range(length(part[1]))})
        self._parts = (train, holdout)
        self._prints = [_print(*part) for part in self._parts]
        if self._prints[0] == self._prints[1]:
            raise ValueError("holdout must be other rows than train, got the same, which would "
                             "protect nothing. Divide them with HoldoutSplit.")
        fresh = self._asked()
        self.budget = fresh.budget
        identity = {"holdout": self._prints[1], "train": self._prints[0],
                    "threshold": self.threshold, "sigma": self.sigma, "budget": self.budget,
                    "value_range": [float(end) for end in self.value_range],
                    "values": getattr(self.values, "__name__", type(self.values).__name__)}
        self._account = Account(self.account, identity, fresh.state())
        self.account = self._account.path

    def __call__(self, estimator: Any, X: Any = None, y: Any = None) -> float:
        """Score a fitted estimator.

        Parameters
        ----------
        estimator : fitted on the training rows
        X, y : optional
            What a search hands over: the holdout or no rows, for the protected answer; the
            training rows, for their plain mean, which costs nothing.
        """
        scored = self._which(X, y)
        means = [np.asarray(self.values(estimator, *part), dtype=float) for part in self._parts]
        if scored == "train":
            return float(means[0].mean())
        value, why = self._account.change(lambda state: self._answered(state, means))
        if why and self.on_exhausted == "raise":
            raise BudgetExhaustedError(why)
        return value

    @property
    def asked(self) -> int:
        """Queries of all copies and processes so far."""
        return int(self._account.state()["ledger"]["asked"])

    @property
    def remaining(self) -> int | None:
        """Readings that are left, or None where they have no end."""
        if self.budget is None:
            return None
        return max(0, self.budget - int(self._account.state()["ledger"]["readings"]))

    def ledger(self) -> pd.DataFrame:
        """Every answer so far, in order, with what was left after it."""
        return self._account.table()

    def certify(self, tau: float, *, beta: float = 0.05,
                queries: int | None = None) -> Certificate:
        """Whether answers are certified to lie within `tau` of the population."""
        return self._asked().certify(tau, beta=beta, queries=queries or max(1, self.asked))

    def _asked(self) -> Thresholdout:
        """The mechanism, as it is before the first answer."""
        return Thresholdout(
            length(self._parts[0][1]), length(self._parts[1][1]), self.threshold, self.sigma,
            self.budget, self.value_range, "refuse", rng=generator(self.seed))

    def _answered(self, state: dict[str, Any], values: list[np.ndarray]
                  ) -> tuple[tuple[float, str], dict[str, Any], list[Any]]:
        asked = self._asked()
        asked.restore(state)
        answer: Answer = asked.answer(values, "values")
        why = asked.ledger.reasons[-1] if answer.flag == "refused" else ""
        rows = [tuple(row) for row in asked.ledger.table().itertuples(index=False)]
        return (answer.value, why), asked.state(), rows

    def _which(self, X: Any, y: Any) -> str:
        """Whether a search hands over the training rows, or those for a protected answer."""
        if X is None or length(X) == 0:
            return "holdout"
        if y is None:
            raise ValueError("y must be given with X, got none. Pass both, or neither for the "
                             "protected answer.")
        found = _print(X, y)
        if found not in self._prints:
            raise ValueError(f"X must be the training rows or the holdout of this scorer, got "
                             f"{length(X)} other rows. Pass cv= the split that the scorer was "
                             "made with, and the same X and y.")
        return "train" if found == self._prints[0] else "holdout"


def _column(y: Any) -> np.ndarray:
    """Outcomes of shape (n,), which tables hold as a column."""
    held = np.asarray(y)
    return held[:, 0] if held.ndim == 2 and held.shape[1] == 1 else held


def _print(X: Any, y: Any) -> str:
    """Fingerprint of rows, whatever their container."""
    digest = hashlib.sha256()
    for part in (X, y):
        if hasattr(part, "tocsr"):
            held = part.tocsr()
            for piece in (held.data, held.indices, held.indptr):
                digest.update(np.ascontiguousarray(piece).tobytes())
            continue
        held = part if hasattr(part, "iloc") else np.asarray(part)
        frame = pd.DataFrame(held if held.ndim <= 2 else held.reshape(len(held), -1))
        digest.update(pd.util.hash_pandas_object(frame, index=False).to_numpy().tobytes())
    return digest.hexdigest()[:32]
