"""Optimisers as settings: a frozen description that makes one for given parameters."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch.optim import Optimizer

from workbench.core import check

__all__ = ["AdamW", "Sgd"]


@dataclass(frozen=True)
class Sgd:
    """Stochastic gradient descent with momentum.

    Parameters
    ----------
    learning_rate : float > 0
    momentum : float in [0, 1)
    weight_decay : float >= 0
        Times the parameters, added to their gradient.
    nesterov : bool
    """

    learning_rate: float = 0.1
    momentum: float = 0.9
    weight_decay: float = 0.0
    nesterov: bool = False

    def __post_init__(self) -> None:
        check.positive(learning_rate=self.learning_rate)
        _checked_decay(self.weight_decay)
        if not 0 <= self.momentum < 1:
            raise ValueError(f"momentum must lie in [0, 1), got {self.momentum!r}. Pass 0.9.")

    def __call__(self, params: Iterable[Any]) -> Optimizer:
        """The optimiser of `params`."""
        return torch.optim.SGD(params, lr=self.learning_rate, momentum=self.momentum,
                               weight_decay=self.weight_decay, nesterov=self.nesterov)


@dataclass(frozen=True)
class AdamW:
    """Adam whose weight decay does not pass through the moments.

    Parameters
    ----------
    learning_rate : float > 0
    betas : tuple of two floats in [0, 1)
    weight_decay : float >= 0
        Times the rate, taken off the parameters.
    """

    learning_rate: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)
    weight_decay: float = 0.01

    def __post_init__(self) -> None:
        check.positive(learning_rate=self.learning_rate)
        _checked_decay(self.weight_decay)

    def __call__(self, params: Iterable[Any]) -> Optimizer:
        """The optimiser of `params`."""
        return torch.optim.AdamW(params, lr=self.learning_rate, betas=self.betas,
                                 weight_decay=self.weight_decay, fused=True)


def _checked_decay(decay: float) -> None:
    if not decay >= 0:
        raise ValueError(f"weight_decay must be >= 0, got {decay!r}. Pass 0 for none.")
