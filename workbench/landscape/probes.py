"""Random vectors of K models, each model from a generator of its own.

Numbers of a model do not depend on which other models are measured beside it, in which order, or
how many fit into memory at once.
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

__all__ = ["generators", "normals", "sign_blocks"]

BLOCK = 2 ** 18      # numbers of one model drawn ahead


def generators(rng: torch.Generator, models: int,
               device: torch.device | str = "cpu") -> list[torch.Generator]:
    """One generator per model, seeded by `rng`.

    Raises
    ------
    TypeError
        If `rng` is not a torch.Generator.
    """
    if not isinstance(rng, torch.Generator):
        raise TypeError(f"rng must be a torch.Generator, got {rng!r}. Pass "
                        "torch.Generator().manual_seed(0).")
    seeds = torch.randint(2 ** 62, (models,), generator=rng, device=rng.device).tolist()
    return [torch.Generator(device).manual_seed(seed) for seed in seeds]


def sign_blocks(drawn: Sequence[torch.Generator], probes: int, length: int,
                like: Tensor) -> Iterator[Tensor]:
    """Blocks of probes with entries -1 and 1 (Rademacher), each of shape (block, K, length)."""
    block = max(1, min(probes, BLOCK // max(1, length)))
    for first in range(0, probes, block):
        shape = (min(block, probes - first), length)
        found = like.new_empty((shape[0], len(drawn), length))
        for model, generator in enumerate(drawn):
            found[:, model] = torch.randint(0, 2, shape, generator=generator, dtype=like.dtype,
                                            device=like.device)
        yield found.mul_(2).sub_(1)


def normals(drawn: Sequence[torch.Generator], length: int, like: Tensor) -> Tensor:
    """One standard normal vector per model, shape (K, length)."""
    return torch.stack([torch.randn(length, generator=generator, dtype=like.dtype,
                                    device=like.device) for generator in drawn])
