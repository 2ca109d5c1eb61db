"""Scores on rows that training does not see."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from workbench.train.autodiff import apply
from workbench.train.batches import Arrays, Items, Shares, Source, source_of
from workbench.train.losses import RowLoss
from workbench.train.micro import Micro

__all__ = ["Validation", "evaluating", "mean_loss"]

ROWS = 256          # of one pass


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """The network in evaluation mode and without gradients inside; each layer's mode returns."""
    modes = [(part, part.training) for part in model.modules()]
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for part, mode in modes:
            part.training = mode


def mean_loss(model: nn.Module, data: Any, loss: RowLoss) -> float:
    """Mean loss over the rows of some data, on the network's own device.

    Parameters
    ----------
    model : torch.nn.Module
    data : (x, y), Dataset or iterable of batches
    loss : function of outputs and targets that gives one loss per row

    Examples
    --------
    >>> from workbench.train.losses import regression
    >>> model = nn.Linear(1, 1)
    >>> _ = model.requires_grad_(False), model.weight.fill_(1.0), model.bias.fill_(0.0)
    >>> mean_loss(model, (torch.tensor([[0.0], [3.0]]), torch.zeros(2)), regression)
    4.5
    """
    first = next(model.parameters())
    return Validation(model, data, loss, first.device, first.dtype).score()


class Validation:
    """A score to make small: the mean loss of some data, or a function of the network."""

    def __init__(self, model: nn.Module, data: Any, loss: RowLoss,
                 device: torch.device, dtype: torch.dtype,
                 autocast: Callable[[], AbstractContextManager[Any]] | None = None):
        self.model, self.data, self.loss = model, data, loss
        self.device, self.dtype, self.autocast = device, dtype, autocast
        self.source: Source | None = None
        if not _is_function(data):
            self.source = source_of(data, Shares(1), 0, name="validation")

    @classmethod
    def of(cls, job: Any, device: torch.device, dtype: torch.dtype,
           autocast: Callable[[], AbstractContextManager[Any]]) -> "Validation | None":
        """The validation of a job, if it has one."""
        if job.validation is None:
            return None
        return cls(job.model, job.validation, job.loss, device, dtype, autocast)

    def score(self) -> float:
        """The score of the present parameters."""
        with evaluating(self.model):
            if self.source is None:
                return float(self.data(self.model))
            total, rows = torch.zeros((), dtype=torch.float64, device=self.device), 0
            for micro in self._micros(self.source):
                losses = self._losses(micro.to(self.device, self.dtype))
                total, rows = total + losses.double().sum(), rows + len(losses)
        return float(total) / rows

    def _losses(self, micro: Micro) -> Tensor:
        if self.autocast is None:
            return self.loss(apply(self.model, micro.x), micro.y)
        with self.autocast():
            outputs = apply(self.model, micro.x)
        return self.loss(outputs, micro.y)

    def _micros(self, source: Source) -> Iterator[Micro]:
        if isinstance(source, Arrays):
            for rows in torch.arange(source.rows).split(ROWS):
                yield source.at(rows)
        elif isinstance(source, Items):
            yield from source.in_order(ROWS)
        else:
            for micros in source.epoch(0, 0):
                yield from micros


def _is_function(data: Any) -> bool:
    return callable(data) and not hasattr(data, "__getitem__") and not hasattr(data, "__iter__")
