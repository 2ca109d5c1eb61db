"""What is kept of each model of a stack: its last parameters or those of its lowest loss."""

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from workbench.train.stacked_run import Run

__all__ = ["Kept"]


class Kept:
    """Parameters and buffers to return, and the lowest loss of each model so far."""

    def __init__(self, run: "Run", keep: str):
        self.keeps_lowest = keep == "lowest"
        self.params = run.params.clone()
        self.buffers = {name: one.clone() for name, one in run.buffers.items()}
        self.lowest = run.params.new_full((len(run.params),), math.inf)
        self.lowest_at = torch.full_like(run.diverged, -1)
        self.epoch = torch.full_like(run.diverged, -1)

    def look(self, run: "Run", epoch: int, losses: Tensor) -> None:
        """Compare losses, shape (k,), NaN where there is none."""
        better = losses < self.lowest
        self.lowest = torch.where(better, losses, self.lowest)
        self.lowest_at = self.lowest_at.masked_fill(better, epoch)
        self.epoch = self.epoch.masked_fill(better if self.keeps_lowest else run.is_open, epoch)
        if self.keeps_lowest:
            self._store(run, better)

    def close(self, run: "Run", models: Tensor) -> None:
        """Remember the last parameters of models that go on no more."""
        if not self.keeps_lowest:
            self._store(run, models)

    def found(self, run: "Run") -> tuple[Tensor, dict[str, Tensor]]:
        """Copies of what is kept."""
        if not self.keeps_lowest:
            self._store(run, run.is_open)
        return self.params.clone(), {name: one.clone() for name, one in self.buffers.items()}

    def _store(self, run: "Run", models: Tensor) -> None:
        self.params = torch.where(models[:, None], run.params, self.params)
        for name, one in run.buffers.items():
            which = models.view(-1, *[1] * (one.ndim - 1))
            self.buffers[name] = torch.where(which, one, self.buffers[name])
