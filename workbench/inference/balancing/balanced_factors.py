"""The paper's recommender: a factorisation whose weights are learnt to balance kernels."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from workbench.core import check
from workbench.inference.balancing.alternating import MatrixFactorisation
from workbench.inference.balancing.choosing import SELECTIONS
from workbench.inference.balancing.kernels import KERNELS
from workbench.inference.balancing.learnt_weights import Balancing
from workbench.inference.balancing.propensities import naive_bayes_propensity
from workbench.inference.balancing.rating_inputs import checked_amounts, checked_ratings
from workbench.train import one_thread

__all__ = ["KernelBalancedMF"]

COMPATS = ("fixed", "author")
BEFORE: dict[str, Any] = {             # of the factorisation that gives features
    "weight_decay": 1e-4, "learning_rate": 5e-2, "epochs": 30}


class KernelBalancedMF:
    """Ratings of 0 and 1 by ``sigmoid(<user, item>)``, with weights that balance kernels of pairs.

    Parameters
    ----------
    n_users, n_items : int > 0
    balance : {"random", "adaptive", "worst"}
        Which kernels a batch balances.
    compat : {"fixed", "author"}
        Repaired, or as the authors' code does it: the excess of summed imbalances, features
        scaled by batch, a fixed kernel width, coefficients of slots.
    robust : bool
        KBDR in place of KBIPS.
    weight_decay : float >= 0, or a sequence of them
        Of the prediction; one model for each.
    how : Balancing, optional
        Everything else about the weights.
    random_state : int or generator
    **more
        Options of `MatrixFactorisation`.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> users, items = rng.integers(20, size=300), rng.integers(15, size=300)
    >>> model = KernelBalancedMF(20, 15, epochs=2).fit(users, items, (users + items) % 2)
    >>> model.predict(users, items).shape
    (300,)
    """

    def __init__(self, n_users: int, n_items: int, *, balance: str = "random",  # noqa: PLR0913
                 compat: str = "fixed", robust: bool = False,
                 weight_decay: float | Sequence[float] = 1e-3, how: Balancing | None = None,
                 random_state: Any = 0, **more: Any):
        check.one_of(SELECTIONS, balance=balance)
        check.one_of(COMPATS, compat=compat)
        self.how = replace(how or Balancing(), balance=balance, compat=compat, robust=robust)
        check.one_of(KERNELS, kernel=self.how.kernel)
        check.whole(1, functions=self.how.functions, candidates=self.how.candidates)
        check.positive(strength=self.how.strength)
        self.compat, self.random_state = compat, random_state
        self.model_ = MatrixFactorisation(
            n_users, n_items, weight_decay=weight_decay, robust=robust,
            dr_unweighted=more.pop("dr_unweighted", compat == "author"),
            random_state=random_state, **more)

    def fit(self, users: Any, items: Any, ratings: Any, *, random_ratings: Any = None,
            features: tuple[Any, Any] | None = None) -> "KernelBalancedMF":
        """Train weights and prediction in turns.

        Parameters
        ----------
        users, items : array of int, shape (n,)
        ratings : array of 0 and 1, shape (n,)
        random_ratings : array of 0 and 1, optional
            Of a random slice: inverse naive-Bayes propensities are then the base weights.
        features : (array, array), optional
            Of users, shape (n_users, p), and of items, shape (n_items, q); None takes the
            embeddings of a factorisation that is trained before.
        """
        model = self.model_
        rows = checked_ratings(users, items, ratings, model.n_users, model.n_items)
        base = np.ones(len(rows[2]))
        if random_ratings is not None:
            count = model.n_users * model.n_items
            if self.compat == "author":             # of the largest numbers, not of the counts
                count = int(rows[0].max()) * int(rows[1].max())
            base = 1 / naive_bayes_propensity(rows[2], random_ratings, len(rows[2]), count)
        if features is None:
            features = self._before(rows)
        else:
            check.same_length(user_features=features[0], users=range(model.n_users))
            check.same_length(item_features=features[1], items=range(model.n_items))
            check.finite(user_features=features[0])
            check.finite(item_features=features[1])
        with one_thread():
            model._train(rows, checked_amounts(base, len(base)), (self.how, features))
        return self

    def predict(self, users: Any, items: Any) -> np.ndarray:
        """Probabilities of a rating of 1; see `MatrixFactorisation`."""
        return self.model_.predict(users, items)

    def _before(self, rows: tuple[np.ndarray, ...]) -> tuple[np.ndarray, np.ndarray]:
        """Embeddings of an unweighted factorisation."""
        first = MatrixFactorisation(
            self.model_.n_users, self.model_.n_items, size=self.model_.size,
            random_state=self.random_state, device=self.model_.device, **BEFORE).fit(*rows)
        return (first.prediction_.users[0].detach().cpu().numpy(),
                first.prediction_.items[0].detach().cpu().numpy())
