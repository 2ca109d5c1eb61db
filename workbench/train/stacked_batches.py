"""Which rows each model of a stack sees at each step.

The order of a model depends on its seed and its number of rows alone, never on the models beside
it. Models of different batch size share a stack by micro-steps: every model sees batches of the
smallest size and is due, that is updated, once it has seen a batch of its own.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from workbench.core import generator
from workbench.train.device import torch_generator
from workbench.train.stacked_gradients import Batch

__all__ = ["Batches", "Sample"]


@dataclass(frozen=True, eq=False)
class Sample:
    """Data of all models.

    Parameters
    ----------
    x : tensor, shape (n, ...)
    y : tensor, shape (n, ...) or (k, n, ...)
        Targets, the same for all models or of each model.
    is_own : bool
        Whether `y` has a leading axis for the models.
    weight : tensor, shape (n,) or (k, n), or None
        Amounts of the rows, >= 0.
    rows : sequence of k tensors of int64, or None
        Rows of each model; None gives all rows to all.
    """

    x: Tensor
    y: Tensor
    is_own: bool = False
    weight: Tensor | None = None
    rows: Sequence[Tensor] | None = None

    def count(self, k: int) -> int:
        """Rows of a model."""
        return len(self.x) if self.rows is None else len(self.rows[k])

    def to(self, device: torch.device) -> "Sample":
        """The same data on a device."""
        weight = None if self.weight is None else self.weight.to(device)
        return Sample(self.x.to(device), self.y.to(device), self.is_own, weight, self.rows)


class Batches:
    """Batches of some models that have equal numbers of rows, epoch after epoch.

    Parameters
    ----------
    sample : Sample
        On the device of training.
    models : sequence of int
        Positions of the models in the sample.
    seeds : sequence of int
        Of the order of each model.
    sizes : sequence of int
        Batch size of each model, ascending, each a multiple of the one before.
    drop_last : bool
        Whether rows that fill no batch are left out of an epoch.
    dtype : torch.dtype
        Of the weights.
    """

    def __init__(self, sample: Sample, models: Sequence[int], seeds: Sequence[int],
                 sizes: Sequence[int], *, drop_last: bool, dtype: torch.dtype):
        self.sample, self.models, self.dtype = sample, list(models), dtype
        self.n, self.micro = sample.count(models[0]), sizes[0]
        self.device = sample.x.device
        self.at = torch.tensor(self.models, device=self.device).unsqueeze(1)
        self.seeds = list(dict.fromkeys(seeds))
        self.draws = [torch_generator(generator(seed)) for seed in self.seeds]
        self.order_of = [self.seeds.index(seed) for seed in seeds]
        self.accumulated = [size // self.micro for size in sizes]
        used = self.n // self.micro * self.micro if drop_last else self.n
        self.micro_steps = -(-used // self.micro)
        self.steps = [-(-used // size) if not drop_last else self.n // size for size in sizes]

    @property
    def is_alike(self) -> bool:
        """Whether all models see the same rows."""
        return self.sample.rows is None and len(self.seeds) == 1

    def due(self, micro_step: int) -> int:
        """How many models, from the first, are updated after a micro-step of an epoch."""
        done = micro_step + 1
        found = 0
        for accumulated, steps in zip(self.accumulated, self.steps, strict=True):
            if done % accumulated or done > accumulated * steps:
                break
            found += 1
        return found

    def epoch(self) -> Iterator[Batch]:
        """Batches of the next epoch."""
        for rows, weights in self.rows():
            yield self.batch(rows, weights)

    def rows(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Positions, shape (k, b), or (1, b) if alike, and weights of the next epoch's batches."""
        orders = torch.stack([torch.randperm(self.n, generator=draw) for draw in self.draws])
        order = self._global(orders).to(self.device)
        weights = self._weights(order)
        for step in range(self.micro_steps):
            rows = slice(step * self.micro, (step + 1) * self.micro)
            yield order[:, rows], weights[:, rows]

    def _global(self, orders: Tensor) -> Tensor:
        """Rows of the sample in the order of each model; one row of them if all are alike."""
        if self.sample.rows is not None:
            return torch.stack([self.sample.rows[k].cpu()[orders[order]]
                                for k, order in zip(self.models, self.order_of, strict=True)])
        return orders if self.is_alike else orders[self.order_of]

    def _weights(self, order: Tensor) -> Tensor:
        """Weights that sum to one over each batch of a model, shape (k, n)."""
        k = len(self.models)
        if self.sample.weight is None:
            amounts = torch.ones(k, self.n, dtype=self.dtype, device=self.device)
        elif self.sample.weight.ndim == 1:
            amounts = self.sample.weight[order].to(self.dtype).expand(k, -1).clone()
        else:
            amounts = self.sample.weight[self.at, order].to(self.dtype)
        for first, last, size in self._equal_sizes():
            whole = self.n // size * size
            _share(amounts[first:last, :whole].unflatten(1, (-1, size)))
            _share(amounts[first:last, whole:])
        return amounts

    def _equal_sizes(self) -> Iterator[tuple[int, int, int]]:
        """First and last model of each batch size, and the size."""
        for accumulated in sorted(set(self.accumulated)):
            first = self.accumulated.index(accumulated)
            last = first + self.accumulated.count(accumulated)
            yield first, last, accumulated * self.micro

    def batch(self, rows: Tensor, weights: Tensor) -> Batch:
        """Rows at these positions."""
        found = self.sample.x.index_select(0, rows.reshape(-1))
        x = found.view(*rows.shape, *self.sample.x.shape[1:])
        if self.sample.is_own:
            y = self.sample.y[self.at, rows]
        else:
            y = self.sample.y[rows].expand(len(self.models), -1, *self.sample.y.shape[1:])
        return Batch(x, y, weights)


def _share(amounts: Tensor) -> None:
    """Divide by the sum over the last axis; a batch without amount stays without."""
    if amounts.shape[-1]:
        tiny = torch.finfo(amounts.dtype).tiny
        amounts.div_(amounts.sum(-1, keepdim=True).clamp_min(tiny))
