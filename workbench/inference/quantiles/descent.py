"""Gradient descent with early stopping.

Steps of Adam (AMSGrad) on batches drawn without replacement; every `check_every` steps a score
is taken on rows held out, and the parameters of the best score are kept. With ``max_steps=0`` the
network stays as it began.

Source: section 3.4 of the training protocol of R. Fakoor et al., JMLR 24 (2023).
"""

import math
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from workbench.core import check
from workbench.train.threads import one_thread

__all__ = ["Descended", "Descent", "descend"]

SMALL = 1_000_000      # parameters of a network below which threads would only wait


@dataclass(frozen=True)
class Descent:
    """How to descend.

    Parameters
    ----------
    learning_rate : float > 0
    weight_decay : float >= 0
        Times the parameters, added to their gradient.
    batch_size : int > 0 or None
        Rows of a step; None takes ``2 ** (3 + floor(log10 n))``.
    max_steps : int >= 0
    patience : int > 0
        Steps without a better score after which descent ends.
    check_every : int > 0
        Steps between scores.
    """

    learning_rate: float = 1e-3
    weight_decay: float = 1e-7
    batch_size: int | None = None
    max_steps: int = 20_000
    patience: int = 500
    check_every: int = 100

    def __post_init__(self) -> None:
        check.positive(learning_rate=self.learning_rate, patience=self.patience,
                       check_every=self.check_every)
        if self.batch_size is not None:
            check.positive(batch_size=self.batch_size)
        for name in ("weight_decay", "max_steps"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} must be >= 0, got {getattr(self, name)!r}. Pass 0 for "
                                 "none.")

    def rows_of_a_step(self, n: int) -> int:
        """Rows of one step, of `n`."""
        return min(n, self.batch_size or 2 ** (3 + math.floor(math.log10(n))))


@dataclass(frozen=True)
class Descended:
    """Where descent ended.

    Parameters
    ----------
    steps : int
        Steps behind the parameters that were kept.
    score : float
        Their score; NaN without a score.
    history : tuple of (int, float)
        Steps and score of each check.
    """

    steps: int
    score: float
    history: tuple[tuple[int, float], ...] = ()


def descend(network: nn.Module, batch_loss: Callable[[Tensor], Tensor], n: int,
            validate: Callable[[], float] | None, how: Descent, *,
            generator: torch.Generator) -> Descended:
    """Fit the parameters of a network and leave the best ones in it.

    Parameters
    ----------
    network : torch.nn.Module
    batch_loss : function of positions, shape (batch,), giving a scalar tensor
        Mean loss of these rows.
    n : int > 0
        Rows to draw from.
    validate : function giving a float, or None
        Score to make small, called without gradients while the network is in evaluation mode;
        None runs `how.max_steps` steps.
    how : Descent
    generator : torch.Generator
        Orders the rows, on the CPU.

    Raises
    ------
    FloatingPointError
        If the loss or the score is not finite.
    """
    check.positive(n=n)
    device = next((param.device for param in network.parameters()), torch.device("cpu"))
    batches = _batches(n, how.rows_of_a_step(n), device, generator)
    optimiser = torch.optim.Adam(network.parameters(), lr=how.learning_rate, fused=True,
                                 weight_decay=how.weight_decay, amsgrad=True)
    best = _Best(network, validate, how.patience)
    step = 0
    with one_thread() if _is_small(network) else nullcontext():
        while best.is_open(step) and step < how.max_steps:
            loss = torch.zeros(())
            for _ in range(min(how.check_every, how.max_steps - step)):
                optimiser.zero_grad()
                loss = batch_loss(next(batches))
                loss.backward()
                optimiser.step()
                step += 1
            _refuse_overflow(loss.item(), "loss", step)
            best.look(step)
    return best.restored(step)


class _Best:
    """Parameters of the best score so far."""

    def __init__(self, network: nn.Module, validate: Callable[[], float] | None, patience: int):
        self.network, self.validate, self.patience = network, validate, patience
        self.step, self.score, self.history = 0, math.inf, list[tuple[int, float]]()
        self.kept: list[Tensor] = []
        self.look(0)

    def is_open(self, step: int) -> bool:
        return self.validate is None or step - self.step < self.patience

    def look(self, step: int) -> None:
        if self.validate is None:
            return
        training = self.network.training
        self.network.eval()
        with torch.no_grad():
            score = float(self.validate())
        self.network.train(training)
        _refuse_overflow(score, "validation score", step)
        self.history.append((step, score))
        if score < self.score:
            self.step, self.score = step, score
            self.kept = [param.detach().clone() for param in self.network.parameters()]

    def restored(self, step: int) -> Descended:
        if self.validate is None:
            return Descended(step, math.nan)
        with torch.no_grad():
            for param, kept in zip(self.network.parameters(), self.kept, strict=True):
                param.copy_(kept)
        return Descended(self.step, self.score, tuple(self.history))


def _batches(n: int, size: int, device: torch.device,
             generator: torch.Generator) -> Iterator[Tensor]:
    """Positions of one batch after another; each epoch visits each row once."""
    while True:
        yield from torch.randperm(n, generator=generator).to(device).split(size)


def _is_small(network: nn.Module) -> bool:
    return sum(param.numel() for param in network.parameters()) < SMALL


def _refuse_overflow(number: float, what: str, step: int) -> None:
    if not math.isfinite(number):
        raise FloatingPointError(f"{what} must stay finite, got {number} at step {step}. Lower "
                                 "the learning rate, or standardise the inputs.")
