"""Weights that a second factorisation learns batch by batch, so that few kernels are balanced.

``w = v(user, item) * base`` with ``v`` a factorisation, trained on ``mean(w log w)`` plus what the
imbalance of J kernels exceeds the slack by. As the authors' code does it (`author`), or repaired
(`fixed`): the excess is taken of each function and not of their sum, functions are in standard
deviations of kernels on standardised features, candidates keep their coefficients, and weights
average 1.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from workbench.inference.balancing.factors import Factors, StackAdam
from workbench.inference.balancing.kernels import FLAT, moments, width

__all__ = ["Balancing", "LearntWeights", "author_features", "summed_excess"]

FLOOR = 1e-6
AUTHOR_GAMMA = 0.1


@dataclass(frozen=True)
class Balancing:
    """How weights are learnt.

    Parameters
    ----------
    balance : {"random", "adaptive", "worst"}
    kernel : {"gaussian", "laplace"}
    functions : int
        Kernels that a batch balances.
    slack, strength : float
        Imbalance that costs nothing, and the price of what exceeds it.
    learning_rate, weight_decay : float
        Of the factorisation that gives the weights.
    candidates : int
        Pairs whose kernels compete (`fixed`).
    ridge : float
        Of their coefficients (`fixed`).
    alpha_rate, alpha_decay : float
        Learning rate and weight decay of the coefficients (`author`).
    compat : {"fixed", "author"}
    robust : bool
        Whether the prediction is trained on the doubly robust loss.
    """

    balance: str = "random"
    kernel: str = "gaussian"
    functions: int = 3
    slack: float = 1e-2
    strength: float = 1.0
    learning_rate: float = 5e-3
    weight_decay: float = 5e-2
    candidates: int = 200
    ridge: float = 1e-3
    alpha_rate: float = 3e-3
    alpha_decay: float = 1e-3
    compat: str = "fixed"
    robust: bool = False


class LearntWeights:
    """Weights of the rows of each batch, for each model of a stack.

    Parameters
    ----------
    how : Balancing
    factors : Factors
        One per model of the stack.
    features : (Tensor, Tensor)
        Of users and of items.
    pairs : array of int, shape (m, 2)
        All pairs, or many of them, over which functions are averaged (`fixed`).
    slots : int
        Pairs of a batch that nobody rated (`author`).
    generator : torch.Generator
    """

    def __init__(self, how: Balancing, factors: Factors,
                 features: tuple[Tensor, Tensor], pairs: np.ndarray, slots: int,
                 generator: torch.Generator):
        self.how, self.factors, self.generator = how, factors, generator
        self.device = factors.users.device
        self.models = len(factors.users)
        self.features = features
        self.optimiser = StackAdam(factors.parameters(), how.learning_rate, how.weight_decay)
        if how.compat == "author":
            self.alpha = nn.Parameter(torch.rand(1, slots, generator=generator).repeat(
                self.models, 1).to(self.device))
            self.alpha_optimiser = StackAdam([self.alpha], how.alpha_rate, how.alpha_decay)
            self.last = torch.zeros(self.models, device=self.device)
        else:
            self._standardise(pairs)

    def __call__(self, rows: tuple[Tensor, Tensor], others: tuple[Tensor, Tensor], base: Tensor,
                 errors: Tensor) -> Tensor:
        """One step of the weights on a batch, then its weights, shape (models, n).

        Parameters
        ----------
        rows, others : (users, items)
            The batch, and pairs drawn from all.
        base : Tensor, shape (n,)
        errors : Tensor, shape (models, n)
            Losses that adaptive functions explain.
        """
        if self.how.compat == "author":
            held, whole = self._author_functions(rows, others, base, errors)
        else:
            held, whole = self._functions(rows)
        amounts = self.amounts(rows, base)
        gaps = whole - (amounts[:, :, None] * held).mean(dim=1)
        entropy = (amounts * amounts.log()).mean(dim=1)
        excess = (summed_excess(gaps, self.how.slack) if self.how.compat == "author"
                  else (gaps.abs() - self.how.slack).clamp_min(0).sum(dim=1))
        self.optimiser.descend(entropy + self.how.strength * excess)
        with torch.no_grad():
            return self.amounts(rows, base)

    def amounts(self, rows: tuple[Tensor, Tensor], base: Tensor) -> Tensor:
        """Weights of rows as they are now; not on the simplex: they average about 1."""
        scores = self.factors(*rows)
        if self.how.compat == "author":
            return torch.sigmoid(scores) * base
        raw = (nn.functional.softplus(scores) + FLOOR) * base
        return raw / raw.mean(dim=1, keepdim=True)

    def begin(self, rows: tuple[Tensor, Tensor], base: Tensor, errors: Tensor) -> None:
        """Choose functions for an epoch from losses of all rows (`fixed`)."""
        how = self.how
        if how.compat == "author" or how.balance == "random":
            return
        held = self._kernel(self._items(rows), self.centres)
        held = (held - self.mean) / self.spread
        share = (base / base.sum()).double()[:, None]
        errors = errors.double()
        if how.balance == "adaptive":
            middle = (held * share).sum(dim=0)
            centred = held - middle
            second = (centred * share).T @ centred
            first = centred.T @ (share * (errors - (errors * share.T).sum(dim=1, keepdim=True)).T)
        else:
            with torch.no_grad():
                amounts = self.amounts(rows, base).double()
            second = self.correlation
            first = held.T @ (amounts / amounts.sum(dim=1, keepdim=True)).T
        size = second.diagonal().mean()
        ridge = how.ridge * size * torch.eye(len(second), device=self.device, dtype=second.dtype)
        alpha = torch.linalg.solve(second + ridge, first).T
        self.taken = alpha.abs().topk(min(how.functions, alpha.shape[1]), dim=1).indices

    def _standardise(self, pairs: np.ndarray) -> None:
        """Features of mean 0 and standard deviation 1, candidates, and their moments: once."""
        users, items = (torch.as_tensor(each, device=self.device) for each in pairs.T)
        joined = torch.cat([self.features[0][users], self.features[1][items]], dim=1).double()
        self.centre, self.scale = joined.mean(dim=0), joined.std(dim=0, correction=0)
        self.scale = torch.where(self.scale > FLAT, self.scale, torch.inf)
        scaled = (joined - self.centre) / self.scale
        self.gamma = width("median", scaled.cpu().numpy(), self.how.kernel)
        drawn = torch.randperm(len(scaled), generator=self.generator)[:self.how.candidates]
        self.centres = scaled[drawn.to(self.device)]
        mean, second = moments(self.how.kernel, scaled.cpu().numpy(), self.centres.cpu().numpy(),
                               self.gamma)
        spread = np.sqrt(np.maximum(np.diag(second), 1e-20))
        self.mean, self.spread, self.correlation = (
            torch.as_tensor(each, device=self.device)
            for each in (mean, spread, second / np.outer(spread, spread)))
        self.taken = torch.zeros((self.models, 0), dtype=torch.long, device=self.device)

    def _functions(self, rows: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        """Functions on a batch, shape (models, n, J), and their targets, which are 0."""
        if self.how.balance == "random":
            drawn = torch.randperm(len(self.centres), generator=self.generator)
            taken = drawn[:self.how.functions].to(self.device).expand(self.models, -1)
        else:
            taken = self.taken
        held = (self._kernel(self._items(rows), self.centres) - self.mean) / self.spread
        chosen = held.T[taken].transpose(1, 2).float()
        return chosen, torch.zeros(chosen.shape[0], chosen.shape[2], device=self.device)

    def _items(self, rows: tuple[Tensor, Tensor]) -> Tensor:
        joined = torch.cat([self.features[0][rows[0]], self.features[1][rows[1]]], dim=1)
        return (joined.double() - self.centre) / self.scale

    def _kernel(self, items: Tensor, centres: Tensor) -> Tensor:
        return kernel_of(self.how.kernel, items, centres, self.gamma)

    def _author_functions(self, rows: Any, others: Any, base: Tensor,
                          errors: Tensor) -> tuple[Tensor, Tensor]:
        """Kernels at J of the other pairs of the batch, and their means over these pairs."""
        own, free = (author_features(self.features, each) for each in (rows, others))
        count = self.how.functions
        if self.how.balance == "random":
            taken = torch.randint(len(free), (count,), generator=self.generator)
            taken = taken.to(self.device).expand(self.models, -1)
        else:
            self._author_alpha(own, free, self.amounts(rows, base).detach(), base, errors)
            taken = self.alpha.detach()[:, :len(free)].abs().topk(count, dim=1).indices
        few, place = taken.unique(return_inverse=True)
        held, whole = (kernel_of(self.how.kernel, each, free[few], AUTHOR_GAMMA)
                       for each in (own, free))
        return held.T[place].transpose(1, 2), whole.mean(dim=0)[place]

    def _author_alpha(self, own: Tensor, free: Tensor, amounts: Tensor, base: Tensor,
                      errors: Tensor) -> None:
        """Up to three steps of the coefficients, which belong to slots and not to pairs."""
        across = kernel_of(self.how.kernel, free, own, AUTHOR_GAMMA)
        worst = self.how.balance == "worst"
        within = kernel_of(self.how.kernel, free, free, AUTHOR_GAMMA) if worst else across

        def loss() -> Tensor:
            fitted = self.alpha[:, :len(free)] @ across
            if not worst:
                return ((errors - fitted) ** 2 * base).sum(dim=1)
            gap = (amounts * fitted).sum(dim=1) - (self.alpha[:, :len(free)] @ within).sum(dim=1)
            return -gap ** 2 / fitted.sum(dim=1) ** 2

        now = loss()
        fell = (now - self.last) if worst else (self.last - now)
        enough = 0.5 if worst else 0.4 if self.how.robust else 0.2
        moves = fell / (self.last + 1e-10) < enough
        for _ in range(3 if bool(moves.any()) else 0):
            now = loss()
            self.alpha_optimiser.descend(now * moves)
        self.last = now.detach()


def summed_excess(gaps: Tensor, slack: float) -> Tensor:
    """The authors' hinge: signed gaps are summed first, so that opposite ones cancel."""
    total = gaps.sum(dim=1)
    return (total - slack).clamp_min(0) + (-total - slack).clamp_min(0)


def kernel_of(kernel: str, items: Tensor, centres: Tensor, gamma: float) -> Tensor:
    """Kernel between items and centres, shape (n, m)."""
    squares = ((items ** 2).sum(dim=1)[:, None] + (centres ** 2).sum(dim=1)
               - 2 * items @ centres.T).clamp_min(0)
    return torch.exp(-gamma * (squares if kernel == "gaussian" else squares.sqrt()))


def author_features(features: tuple[Tensor, Tensor], rows: tuple[Tensor, Tensor]) -> Tensor:
    """The authors' scaling: ``f - min / (max - min)``, by batch, over the number of features."""
    joined = torch.cat([features[0][rows[0]], features[1][rows[1]]], dim=1)
    low, high = joined.min(), joined.max()
    return (joined - low / (high - low)) / joined.shape[1]
