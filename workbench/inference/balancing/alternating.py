"""Factorisations trained on weighted losses: given weights, or weights that are learnt beside.

One step of each model per batch: of the weights where they are learnt, of the prediction on
``mean(w * loss)`` or on the doubly robust loss, and then of the imputation.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from sklearn.exceptions import NotFittedError
from torch import Tensor

from workbench.core import check
from workbench.inference.balancing.factors import Factors, StackAdam, Stop, row_losses
from workbench.inference.balancing.learnt_weights import Balancing, LearntWeights
from workbench.inference.balancing.rating_inputs import (
    checked_amounts,
    checked_codes,
    checked_ratings,
)
from workbench.train import device_for, one_thread, torch_generator

__all__ = ["MatrixFactorisation"]

MOST_PAIRS = 5_000_000   # of all pairs, that are shuffled in an epoch; of more some are drawn
AVERAGED = 20_000        # pairs over which functions are averaged


class MatrixFactorisation:
    """Ratings of 0 and 1 by ``sigmoid(<user, item>)``, trained on weighted losses.

    Parameters
    ----------
    n_users, n_items : int > 0
    weight_decay : float >= 0, or a sequence of them
        One model for each, trained side by side.
    robust : bool
        Train on the doubly robust loss, with an imputation learnt beside.
    dr_unweighted : bool
        Leave the imputed losses of observed ratings without weights, as the authors' code does.
    size, batch, epochs, others : int > 0
        Numbers of an embedding; ratings of a batch; most epochs; pairs per rating that stand for
        all pairs.
    learning_rate, imputation_rate, tol : float > 0
        Rates of Adam; relative fall of an epoch's loss below which it counts towards the end.
    device : {"auto", "cpu", "cuda"}
    random_state : int or generator

    Attributes
    ----------
    epochs_ : array of int
        Of each model.
    """

    def __init__(self, n_users: int, n_items: int, *,  # noqa: PLR0913 - options
                 weight_decay: float | Sequence[float] = 1e-3, robust: bool = False,
                 dr_unweighted: bool = False, size: int = 4, batch: int = 128, epochs: int = 1000,
                 others: int = 5, learning_rate: float = 1e-2,
                 imputation_rate: float | None = None, tol: float = 1e-5, device: str = "auto",
                 random_state: Any = 0):
        check.whole(1, n_users=n_users, n_items=n_items, size=size, batch=batch, epochs=epochs,
                    others=others)
        imputing = learning_rate if imputation_rate is None else imputation_rate
        check.positive(learning_rate=learning_rate, imputation_rate=imputing, tol=tol)
        self.decays = np.atleast_1d(check.floats(weight_decay=weight_decay))
        if not (self.decays >= 0).all() or not len(self.decays):
            raise ValueError(f"weight_decay must be at least 0, got {weight_decay!r}. Pass 0.001.")
        self.n_users, self.n_items, self.size = n_users, n_items, size
        self.robust, self.dr_unweighted = robust, dr_unweighted
        self.batch, self.epochs, self.others = batch, epochs, others
        self.learning_rate, self.tol, self.device = learning_rate, tol, device
        self.imputation_rate = imputing
        self.random_state = random_state

    def fit(self, users: Any, items: Any, ratings: Any,
            amounts: Any = None) -> "MatrixFactorisation":
        """Train.

        Parameters
        ----------
        users, items : array of int, shape (n,)
            From 0.
        ratings : array of 0 and 1, shape (n,)
        amounts : array, shape (n,) or (models, n), optional
            How much each loss counts, above zero: inverse propensities, or n times weights on
            the simplex; None counts all the same. Their scale is that of the loss beside the
            weight decay.
        """
        rows = checked_ratings(users, items, ratings, self.n_users, self.n_items)
        counts = checked_amounts(amounts, len(rows[0]), len(self.decays))
        with one_thread():
            return self._train(rows, counts, None)

    def predict(self, users: Any, items: Any) -> np.ndarray:
        """Probabilities of a rating of 1, shape (models, n); (n,) for a single weight decay."""
        if not hasattr(self, "prediction_"):
            raise NotFittedError("fit must be called before predict. Pass it ratings.")
        check.same_length(users=users, items=items)
        with torch.no_grad():
            device = self.prediction_.users.device
            found = torch.sigmoid(self.prediction_(
                torch.tensor(checked_codes("users", users, self.n_users), device=device),
                torch.tensor(checked_codes("items", items, self.n_items), device=device))
                ).cpu().numpy()
        return found if len(self.decays) > 1 else found[0]

    def _train(self, rows: tuple[np.ndarray, ...], counts: np.ndarray,
               balancing: tuple[Balancing, tuple[np.ndarray, np.ndarray]] | None
               ) -> "MatrixFactorisation":
        draws, device = torch_generator(self.random_state), device_for(self.device)
        models = len(self.decays)

        def made() -> Factors:
            return Factors(models, self.n_users, self.n_items, self.size,
                           generator=draws).to(device)

        self.prediction_, self.imputation_ = made(), made()
        users, items = (torch.as_tensor(each, device=device) for each in rows[:2])
        ratings, base = (torch.as_tensor(each, dtype=torch.float32, device=device)
                         for each in (rows[2], counts))
        weigher = None if balancing is None else self._weigher(made(), balancing, draws)
        optimisers = [StackAdam(each.parameters(), rate, torch.as_tensor(self.decays))
                      for each, rate in ((self.prediction_, self.learning_rate),
                                         (self.imputation_, self.imputation_rate))]
        stop, batch = Stop(models, self.tol), min(self.batch, len(ratings))
        best = [param.detach().clone() for param in self.prediction_.parameters()]
        for _ in range(self.epochs):
            order = torch.randperm(len(ratings), generator=draws).to(device)
            free = self._all_pairs(len(ratings), draws).to(device)
            if weigher is not None:
                with torch.no_grad():
                    errors = row_losses(self.prediction_(users, items), ratings)
                weigher.begin((users, items), base, errors)
            total = torch.zeros(models, device=device)
            for at in range(len(ratings) // batch):
                own = order[at * batch:(at + 1) * batch]
                some = free[at * batch * self.others:(at + 1) * batch * self.others]
                total += self._step((users[own], items[own], ratings[own], base[..., own]),
                                    (some // self.n_items, some % self.n_items), weigher,
                                    optimisers)
            if not bool(total[torch.as_tensor(~stop.ended)].isfinite().all()):
                raise FloatingPointError(
                    f"losses are not finite after {int(stop.epochs.max()) + 1} epochs. Pass a "
                    f"smaller learning_rate than {self.learning_rate:g}, or smaller amounts.")
            ended = torch.as_tensor(stop(total.cpu().numpy()), device=device)
            for kept, param in zip(best, self.prediction_.parameters(), strict=True):
                kept[ended] = param.detach()[ended]
            if stop.ended.all():
                break
        self._settle(best, stop)
        return self

    def _step(self, rows: tuple[Tensor, ...], others: tuple[Tensor, Tensor],
              weigher: LearntWeights | None, optimisers: list[StackAdam]) -> Tensor:
        """One step on a batch; its loss by model."""
        users, items, ratings, base = rows
        if weigher is None:
            weights = base.expand(len(self.decays), -1)
        else:
            with torch.no_grad():
                errors = row_losses(self.prediction_(users, items), ratings)
                if self.robust:
                    errors = errors - self._imputed(users, items)
            weights = weigher((users, items), others, base, errors)
        losses = row_losses(self.prediction_(users, items), ratings)
        told = (weights * losses).mean(dim=1)
        loss = told
        if self.robust:
            loss = loss + self._correction((users, items), others, weights)
        optimisers[0].descend(loss)
        if self.robust:
            with torch.no_grad():
                scores = self.prediction_(users, items)
                errors = row_losses(scores, ratings)
            guess = row_losses(self.imputation_(users, items), torch.sigmoid(scores))
            optimisers[1].descend((weights * (errors - guess) ** 2).sum(dim=1))
            return (weights * losses).sum(dim=1).detach()
        return told.detach()

    def _correction(self, rows: tuple[Tensor, Tensor], others: tuple[Tensor, Tensor],
                    weights: Tensor) -> Tensor:
        """Imputed losses of all pairs minus weighted ones of the observed."""
        with torch.no_grad():
            own, free = (torch.sigmoid(self.imputation_(*each)) for each in (rows, others))
        seen = row_losses(self.prediction_(*rows), own)
        whole = row_losses(self.prediction_(*others), free).mean(dim=1)
        return whole - (seen if self.dr_unweighted else weights * seen).mean(dim=1)

    def _imputed(self, users: Tensor, items: Tensor) -> Tensor:
        return row_losses(self.imputation_(users, items),
                          torch.sigmoid(self.prediction_(users, items)))

    def _all_pairs(self, n: int, draws: torch.Generator) -> Tensor:
        """Numbers of pairs in random order, as many as an epoch needs."""
        count, needed = self.n_users * self.n_items, n * self.others
        if count <= MOST_PAIRS and needed <= count:
            return torch.randperm(count, generator=draws)[:needed]
        return torch.randint(count, (needed,), generator=draws)

    def _settle(self, best: list[Tensor], stop: Stop) -> None:
        """Give back the parameters that each model ended with."""
        running = torch.as_tensor(~stop.ended, device=best[0].device)
        with torch.no_grad():
            for kept, param in zip(best, self.prediction_.parameters(), strict=True):
                param.copy_(torch.where(running[:, None, None], param, kept))
        self.epochs_ = stop.epochs

    def _weigher(self, factors: Factors, balancing: tuple[Balancing, Any],
                 draws: torch.Generator) -> LearntWeights:
        how, features = balancing
        count = self.n_users * self.n_items
        some = (torch.randperm(count, generator=draws) if count <= MOST_PAIRS else
                torch.randint(count, (AVERAGED,), generator=draws))[:AVERAGED].numpy()
        pairs = np.column_stack([some // self.n_items, some % self.n_items])
        device = factors.users.device
        given = [torch.as_tensor(np.asarray(each), dtype=torch.float32, device=device)
                 for each in features]
        return LearntWeights(how, factors, (given[0], given[1]), pairs, self.batch * self.others,
                             draws)
