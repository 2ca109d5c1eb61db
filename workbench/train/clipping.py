"""Norms of gradients, and gradients no longer than they may be."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

__all__ = ["clip_gradients", "gradient_norm"]


def gradient_norm(params: Iterable[nn.Parameter]) -> Tensor:
    """Euclidean norm of all gradients together, a tensor of no axes; zero without gradients."""
    gradients = [param.grad.detach() for param in params if param.grad is not None]
    if not gradients:
        return torch.zeros(())
    return torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients)))


def clip_gradients(params: Iterable[nn.Parameter], largest: float) -> Tensor:
    """Shrink all gradients together to the norm `largest`; the norm they had.

    Gradients that are shorter stay as they are, bit for bit.
    """
    held = [param for param in params if param.grad is not None]
    norm = gradient_norm(held)
    factor = (largest / norm).clamp(max=1.0)
    gradients = [param.grad.detach() for param in held if param.grad is not None]
    if gradients:
        torch._foreach_mul_(gradients, factor)
    return norm
