"""Pooling of adjacent violators for torch tensors, differentiable with its pattern held constant.

On the CPU the pattern and the means are compiled; elsewhere, and in half precision, all violating
neighbours are pooled at once, pass by pass, which needs few passes and no loop over rows. Loaded
only by its first use.
"""

from typing import Any

import numpy as np
import torch

from workbench.inference.quantiles import pooling

__all__ = ["pooled"]


def pooled(quantiles: torch.Tensor) -> torch.Tensor:
    """Nearest increasing rows in least squares, shape (..., q)."""
    if not quantiles.is_floating_point():
        quantiles = quantiles.double()
    if quantiles.device.type == "cpu" and quantiles.dtype in (torch.float32, torch.float64):
        return _Pooled.apply(quantiles)
    return pooled_by_passes(quantiles)


def pooled_by_passes(quantiles: torch.Tensor) -> torch.Tensor:
    """The same on any device, by passes that pool every run of decreasing block means."""
    block = torch.arange(quantiles.shape[-1], device=quantiles.device).expand(quantiles.shape)
    exact = quantiles.detach().double()
    while True:
        means = _spread_means(exact, block)
        falls = means[..., 1:] < means[..., :-1]
        if not falls.any():
            return _spread_means(quantiles, block)
        opens = (block[..., 1:] != block[..., :-1]) & ~falls
        block = torch.cat([torch.zeros_like(block[..., :1]), opens.cumsum(-1)], dim=-1)


def _spread_means(values: torch.Tensor, block: torch.Tensor) -> torch.Tensor:
    """Mean of each entry's block; sums in double precision."""
    exact = values.double()
    sums = torch.zeros_like(exact).scatter_add(-1, block, exact)
    sizes = torch.zeros_like(exact).scatter_add(-1, block, torch.ones_like(exact))
    return (sums / sizes.clamp(min=1)).gather(-1, block).to(values.dtype)


class _Pooled(torch.autograd.Function):
    """Rows replaced by the means of their blocks; gradients are averaged over the same blocks."""

    @staticmethod
    def forward(context: Any, values: torch.Tensor) -> torch.Tensor:
        rows = values.detach().numpy()
        context.first = pooling.starts(rows)
        return torch.from_numpy(pooling.block_means(rows, context.first, ordered=True))

    @staticmethod
    def backward(context: Any, *gradients: torch.Tensor) -> torch.Tensor:
        return _BlockMeans.apply(gradients[0], context.first)


class _BlockMeans(torch.autograd.Function):
    """Average over given blocks: linear and symmetric, hence its own gradient."""

    @staticmethod
    def forward(context: Any, values: torch.Tensor, first: np.ndarray) -> torch.Tensor:
        context.first = first
        return torch.from_numpy(pooling.block_means(values.detach().numpy(), first))

    @staticmethod
    def backward(context: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None]:
        return _BlockMeans.apply(gradients[0], context.first), None
