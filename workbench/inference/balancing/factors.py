"""Matrix factorisations of ratings of 0 and 1, many settings trained side by side.

``rating = sigmoid(<user, item>)`` with embeddings that begin uniform on (0, 1) and no biases. Each
model of a stack has its own embeddings and its own weight decay; all see the same batches.
"""

from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor, nn

__all__ = ["Factors", "StackAdam", "Stop", "row_losses"]


class Factors(nn.Module):
    """Embeddings of users and items for each model of a stack.

    Parameters
    ----------
    models, users, items, size : int > 0
    generator : torch.Generator
        Draws the embeddings, uniform on (0, 1); all models begin alike.
    """

    def __init__(self, models: int, users: int, items: int, size: int, *,
                 generator: torch.Generator):
        super().__init__()
        self.users = nn.Parameter(
            torch.rand(users, size, generator=generator).repeat(models, 1, 1))
        self.items = nn.Parameter(
            torch.rand(items, size, generator=generator).repeat(models, 1, 1))

    def forward(self, users: Tensor, items: Tensor) -> Tensor:
        """Inner products, shape (models, n)."""
        return (self.users[:, users] * self.items[:, items]).sum(dim=-1)


class Stop:
    """When each model of a stack has ended: its loss fell too little on seven epochs in all.

    Parameters
    ----------
    models : int
    tol : float
        Relative fall of the loss of an epoch below which it counts.
    patience : int
    """

    def __init__(self, models: int, tol: float, patience: int = 7):
        self.tol, self.patience = tol, patience
        self.last = np.full(models, 1e9)
        self.count = np.zeros(models, dtype=int)
        self.epochs = np.zeros(models, dtype=int)
        self.ended = np.zeros(models, dtype=bool)

    def __call__(self, losses: np.ndarray) -> np.ndarray:
        """Take the losses of an epoch, and tell which models have ended just now."""
        self.epochs += ~self.ended
        little = (self.last - losses) / (self.last + 1e-10) < self.tol
        self.count += little & ~self.ended
        before = self.ended.copy()
        self.ended = before | (self.count >= self.patience)
        self.last = losses
        return np.asarray(self.ended & ~before)


class StackAdam:
    """Adam with a weight decay for each model of a stack, in the gradients as Adam's own is.

    PyTorch's has one decay for all, and its import takes seconds.

    Parameters
    ----------
    params : sequence of Parameter
        Their first axis counts the models.
    rate : float
        Learning rate.
    decay : float or Tensor, shape (models,)
    """

    FIRST, SECOND, FLOOR = 0.9, 0.999, 1e-8

    def __init__(self, params: Iterable[nn.Parameter], rate: float, decay: "float | Tensor"):
        self.params, self.rate = list(params), rate
        device = self.params[0].device
        self.decay = torch.as_tensor(decay, dtype=torch.float32, device=device).reshape(-1)
        self.means = [torch.zeros_like(param) for param in self.params]
        self.squares = [torch.zeros_like(param) for param in self.params]
        self.steps = 0

    def descend(self, losses: Tensor) -> None:
        """One step of every model down its loss, shape (models,)."""
        grads = torch.autograd.grad(losses.sum(), self.params)
        self.steps += 1
        whole, root = 1 - self.FIRST ** self.steps, (1 - self.SECOND ** self.steps) ** 0.5
        with torch.no_grad():
            for param, grad, mean, square in zip(self.params, grads, self.means, self.squares,
                                                 strict=True):
                decay = self.decay.view(-1, *[1] * (param.dim() - 1))
                slope = grad + decay * param
                mean.lerp_(slope, 1 - self.FIRST)
                square.mul_(self.SECOND).addcmul_(slope, slope, value=1 - self.SECOND)
                size = square.sqrt().div_(root).add_(self.FLOOR)
                param.addcdiv_(mean, size, value=-self.rate / whole)


def row_losses(scores: Tensor, targets: Tensor) -> Tensor:
    """Cross-entropy of each rating [nats], from inner products and targets in [0, 1]."""
    return nn.functional.binary_cross_entropy_with_logits(
        scores, targets.expand_as(scores), reduction="none")
