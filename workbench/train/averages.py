"""Averages of parameters along a run: one line, ``average = weights @ params``, step by step.

Sources: B. T. Polyak and A. B. Juditsky (1992) for averaging; P. Izmailov et al., Averaging
weights leads to wider optima (2018) for the equal average of the last part of a run and for its
batch-normalisation statistics.
"""

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["Ema", "Swa", "floating", "recalibrate", "with_params"]


@dataclass(frozen=True)
class Ema:
    """Exponential average: each step counts `decay` times the one after it.

    Parameters
    ----------
    decay : float in [0, 1)
        Smaller in the first steps, ``min(decay, (1 + s) / (10 + s))``. Zero is the last step
        alone.
    """

    decay: float = 0.999

    def __post_init__(self) -> None:
        if not 0 <= self.decay < 1:
            raise ValueError(f"decay must lie in [0, 1), got {self.decay!r}. Pass 0.999.")

    def share(self, t: float, count: int) -> float | None:
        """What the newest parameters count, after `count` others."""
        del t
        return 1 - min(self.decay, (1 + count) / (10 + count)) if self.decay else 1.0


@dataclass(frozen=True)
class Swa:
    """Equal average of every step after the share `start` of the training."""

    start: float = 0.75

    def __post_init__(self) -> None:
        if not 0 <= self.start < 1:
            raise ValueError(f"start must lie in [0, 1), got {self.start!r}. Pass 0.75.")

    def share(self, t: float, count: int) -> float | None:
        """What the newest parameters count, after `count` others; None before the start."""
        return None if t < self.start else 1 / (count + 1)


class Average:
    """Running average of the floating parameters and buffers of a network."""

    def __init__(self, how: Ema | Swa, model: nn.Module):
        self.how, self.count = how, 0
        self.live = floating(model)
        self.kept = {name: tensor.detach().clone() for name, tensor in self.live.items()}

    def look(self, t: float) -> None:
        """Count the present parameters in; `t` is the share of the training that is done."""
        share = self.how.share(t, self.count)
        if share is None:
            return
        kept, live = list(self.kept.values()), list(self.live.values())
        with torch.no_grad():
            if self.count == 0 or share == 1.0:
                torch._foreach_copy_(kept, live)
            else:
                torch._foreach_lerp_(kept, live, share)
        self.count += 1

    def load(self, kept: Mapping[str, Tensor], count: int) -> None:
        """Go on from a checkpoint."""
        self.count = count
        for name, tensor in self.kept.items():
            tensor.copy_(kept[name])


def floating(model: nn.Module) -> dict[str, Tensor]:
    """Parameters and buffers of floating numbers by name; tied ones once."""
    named = [*model.named_parameters(), *model.named_buffers()]
    return {name: tensor for name, tensor in named if tensor.is_floating_point()}


def with_params(model: nn.Module, params: Mapping[str, Tensor]) -> nn.Module:
    """A copy of a network with other parameters and buffers; names that lack keep theirs.

    Raises
    ------
    ValueError
        If a name is not one of the network's.

    Examples
    --------
    >>> model = nn.Linear(1, 1)
    >>> with_params(model, {"bias": torch.tensor([7.0])}).bias.item()
    7.0
    """
    made = copy.deepcopy(model)
    own = dict([*made.named_parameters(), *made.named_buffers()])
    lost = sorted(set(params) - set(own))
    if lost:
        raise ValueError(f"params must be named like the network's, got {', '.join(lost)}. Pass "
                         "the network that they were taken from.")
    with torch.no_grad():
        for name, tensor in params.items():
            own[name].copy_(tensor)
    return made


def recalibrate(model: nn.Module, batches: Iterable[Any]) -> None:
    """Estimate the batch-normalisation statistics of a network anew, in place.

    Parameters
    ----------
    model : torch.nn.Module
        For instance one with averaged parameters.
    batches : iterable of inputs
        Each counts the same; about a hundred are enough.
    """
    norms = [part for part in model.modules()
             if isinstance(part, nn.modules.batchnorm._BatchNorm) and part.track_running_stats]
    momenta, modes = [norm.momentum for norm in norms], {part: part.training
                                                         for part in model.modules()}
    model.eval()
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None
        norm.train()
    with torch.no_grad():
        for batch in batches if norms else ():
            model(batch)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    for part, mode in modes.items():
        part.training = mode
