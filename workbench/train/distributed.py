"""Processes that share a step: Lightning Fabric carries devices, precision and gradients."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from workbench.train.device import device_for
from workbench.train.training import Training

__all__ = ["Team", "fabric_for", "is_launched"]


def is_launched() -> bool:
    """Whether a launcher such as torchrun has started this process among others."""
    return bool(torch.distributed.is_torchelastic_launched())


def fabric_for(how: Training) -> Any:
    """Fabric for settings: one device, processes that it starts, or those of a launcher."""
    from lightning_fabric import Fabric
    from lightning_fabric.plugins.precision import MixedPrecision

    kind = "cuda" if device_for(how.device).type == "cuda" else "cpu"
    strategy = "auto" if how.devices == 1 else "ddp" if is_launched() else "ddp_spawn"
    mixed = MixedPrecision("bf16-mixed", kind) if how.precision == "bf16-mixed" else None
    return Fabric(accelerator=kind, devices=how.devices, strategy=strategy, plugins=mixed)


@dataclass(frozen=True)
class Team:
    """The processes that share a step, seen from one of them."""

    fabric: Any

    @property
    def rank(self) -> int:
        """The number of this process, over all machines."""
        return int(self.fabric.global_rank)

    @property
    def size(self) -> int:
        """How many they are."""
        return int(self.fabric.world_size)

    def gather(self, rows: Tensor) -> Tensor:
        """Rows of all, one process after another; each must bring as many."""
        if self.size == 1:
            return rows
        return self.fabric.all_gather(rows.contiguous()).flatten(0, 1)

    def local(self, rows: Tensor) -> Tensor:
        """The rows of this process out of those of all."""
        return rows.chunk(self.size)[self.rank]

    def mean(self, tensor: Tensor) -> Tensor:
        """Mean over all."""
        return tensor if self.size == 1 else self.fabric.all_reduce(tensor, reduce_op="mean")

    def largest(self, number: float) -> float:
        """The largest number that one of them has."""
        if self.size == 1:
            return number
        told = torch.tensor([number], dtype=torch.float64, device=self.fabric.device)
        return float(self.gather(told).max())

    def first(self, number: float) -> float:
        """The number of the first process."""
        if self.size == 1:
            return number
        told = torch.tensor([number], dtype=torch.float64, device=self.fabric.device)
        return float(self.gather(told)[0])

    def barrier(self) -> None:
        """Wait for all."""
        if self.size > 1:
            self.fabric.barrier()

    def each_alone(self, task: Callable[[], None]) -> None:
        """Do a task on the first process while the others wait."""
        if self.rank == 0:
            task()
        self.barrier()
