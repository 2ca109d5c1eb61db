"""What the loop tells a weighter, made up for tests."""

import torch

from workbench.train import Batch

__all__ = ["told"]


def told(losses, **more):
    """A batch of one process whose rows are those of the data in order."""
    given = {"step": 0, "total_steps": 10, "epoch": 0, "index": torch.arange(len(losses)),
             "generator": torch.Generator().manual_seed(0)}
    return Batch(losses=losses, rank=0, world_size=1, gather=lambda rows: rows,
                 local=lambda rows: rows, **given | more)
