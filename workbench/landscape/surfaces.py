"""The loss along random directions, each filter of which is as long as the network's own.

Networks with rescaled layers compute the same function, so plain directions would show one as
sharp and the other as flat. With ``d_f <- d_f |w_f| / |d_f|`` for each filter f (the inputs of one
unit), pictures of different networks can be compared. Biases and scales, which are no filters,
stay where they are unless asked for.

Source: H. Li, Z. Xu, G. Taylor, C. Studer, T. Goldstein, NeurIPS 2018.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from workbench.core import Measure
from workbench.landscape.objective import (
    Tensors,
    as_objectives,
    count_models,
    on_few_threads,
)
from workbench.landscape.probes import generators

__all__ = ["Surface", "filter_direction", "loss_line", "loss_plane", "moved", "weighted_losses"]

STEPS = tuple(np.linspace(-1, 1, 21))


@dataclass(frozen=True)
class Surface:
    """Losses of K networks around their parameters.

    Parameters
    ----------
    steps : array, shape (S,)
        In units of the filters' lengths.
    values : array, shape (K, S) along a line, (K, S, S) on a plane
        Mean over directions; the first step axis belongs to the first direction.
    stderr : array, shape (K, S), or None
        Standard error over directions of a line; NaN for one direction.
    """

    steps: np.ndarray
    values: np.ndarray
    stderr: np.ndarray | None = None

    def measure(self, model: int, step: int) -> Measure:
        """Mean loss over directions at one step of a line."""
        if self.stderr is None:
            raise ValueError("stderr must exist for a measure, got a plane, which has two "
                             "directions only. Use loss_line with several directions.")
        return Measure(float(self.values[model, step]), float(self.stderr[model, step]), "loss")

    def table(self) -> pd.DataFrame:
        """One row per model and place."""
        models = np.arange(len(self.values))
        if self.stderr is None:
            index = pd.MultiIndex.from_product([models, self.steps, self.steps],
                                               names=["model", "first", "second"])
            return pd.DataFrame({"loss": self.values.ravel()}, index).reset_index()
        index = pd.MultiIndex.from_product([models, self.steps], names=["model", "step"])
        return pd.DataFrame({"loss": self.values.ravel(), "stderr": self.stderr.ravel()},
                            index).reset_index()


def filter_direction(params: Tensors, drawn: Sequence[torch.Generator], *,
                     with_vectors: bool = False) -> dict[str, Tensor]:
    """One random direction per network with the lengths of its filters.

    Parameters
    ----------
    params : mapping of names to tensors, first axis K
        A filter is what lies behind the second axis of a tensor of three axes or more.
    drawn : sequence of torch.Generator
        One per model.
    with_vectors : bool
        Whether biases and scales move too, each as one filter; otherwise their direction is zero.
    """
    found = {}
    for name, tensor in params.items():
        if tensor.ndim < 3 and not with_vectors:
            found[name] = torch.zeros_like(tensor)
            continue
        random = torch.stack([torch.randn(tensor.shape[1:], generator=one, device=tensor.device)
                              for one in drawn]).to(tensor.dtype)
        random = random * (tensor != 0)              # neither padding nor pruned entries move
        axes = tuple(range(2, tensor.ndim)) or (1,)
        own, other = (torch.linalg.vector_norm(one, dim=axes, keepdim=True)
                      for one in (tensor, random))
        found[name] = random * own / torch.where(other > 0, other, 1)
    return found


@on_few_threads
def loss_line(losses: Any, params: Tensors, *, rng: torch.Generator, directions: int = 5,
              steps: Sequence[float] = STEPS, with_vectors: bool = False) -> Surface:
    """Losses of K networks along random lines through them.

    Parameters
    ----------
    losses : function, Objective, or a list with one per batch
        Mean loss of each model, shape (K,).
    params : mapping of names to tensors, first axis K
    rng : torch.Generator
        Seeds one generator per model.
    directions : int > 0
        The loss is averaged over them, with its standard error.
    steps : sequence of float
        0 is the network itself.
    with_vectors : bool
        Whether biases and scales move too.

    Examples
    --------
    >>> bowl = lambda params: (params["w"] ** 2).sum((1, 2))
    >>> found = loss_line(bowl, {"w": torch.ones(1, 2, 3)}, steps=(0.0, 1.0),
    ...                   rng=torch.Generator().manual_seed(0))
    >>> found.values[0, 0].item()
    6.0
    """
    drawn = _start(params, rng, directions, steps)
    each = []
    for _ in range(directions):
        direction = filter_direction(params, drawn, with_vectors=with_vectors)
        each.append(torch.stack([weighted_losses(losses, moved(params, (direction, step)))
                                 for step in steps], 1))
    found = torch.stack(each).double()
    error = found.std(0, correction=1) / directions ** 0.5 if directions > 1 else (
        torch.full_like(found[0], torch.nan))
    return Surface(np.asarray(steps), found.mean(0).cpu().numpy(), error.cpu().numpy())


@on_few_threads
def loss_plane(losses: Any, params: Tensors, *, rng: torch.Generator,
               steps: Sequence[float] = STEPS, with_vectors: bool = False) -> Surface:
    """Losses of K networks on a plane of two random directions; arguments of :func:`loss_line`."""
    drawn = _start(params, rng, 1, steps)
    first, second = (filter_direction(params, drawn, with_vectors=with_vectors)
                     for _ in range(2))
    rows = [torch.stack([weighted_losses(losses, moved(params, (first, a), (second, b)))
                         for b in steps], 1) for a in steps]
    return Surface(np.asarray(steps), torch.stack(rows, 1).double().cpu().numpy())


def moved(params: Tensors, *moves: tuple[Tensors, float]) -> dict[str, Tensor]:
    """Parameters plus multiples of directions."""
    found = dict(params)
    for direction, step in moves:
        found = {name: tensor + step * direction[name] for name, tensor in found.items()}
    return found


def weighted_losses(losses: Any, params: Tensors) -> Tensor:
    """Losses without gradients, averaged over batches by their sizes, shape (K,)."""
    objectives = as_objectives(losses)
    total = sum(one.size for one in objectives)
    with torch.no_grad():
        return torch.stack([one(params) * (one.size / total) for one in objectives]).sum(0)


def _start(params: Tensors, rng: torch.Generator, directions: int,
           steps: Sequence[float]) -> list[torch.Generator]:
    if not directions >= 1 or not len(steps):
        raise ValueError("directions and steps must be one at least, got "
                         f"{directions!r} and {len(steps)}. Leave them out for the defaults.")
    return generators(rng, count_models(params), next(iter(params.values())).device)
