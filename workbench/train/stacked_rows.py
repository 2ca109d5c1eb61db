"""Parameters of many models as the rows of one matrix.

A step then updates all tensors of all models by a few operations on one matrix, with a rate,
decay and momentum per row; models that are due at a micro-step are its first rows.
"""

from dataclasses import dataclass
from typing import Protocol, TypeAlias

import torch
from torch import Tensor

from workbench.train.stack import Stack

__all__ = ["AdamW", "Rows", "Sgd", "Update", "clip_rows"]

Factor: TypeAlias = float | Tensor    # of the rate: one for all models or a column, shape (m, 1)


class Update(Protocol):
    """One step of the first models of a stack."""

    def __call__(self, params: Tensor, grad: Tensor, factor: Factor, count: Factor) -> None:
        """Update parameters, shape (m, d), in place; `grad` may be used up."""

    def forget(self, models: Tensor) -> None:
        """Move these models, a mask of shape (k,), no more."""

    def memory(self) -> list[Tensor]:
        """What is carried from step to step."""


@dataclass(frozen=True)
class Rows:
    """Which columns hold which tensor.

    Parameters
    ----------
    shapes : mapping of name to torch.Size
        Shape of a tensor of one model.
    """

    shapes: dict[str, torch.Size]

    @classmethod
    def of(cls, stack: Stack) -> "Rows":
        """Layout of a stack."""
        return cls({name: one.shape[1:] for name, one in stack.params.items()})

    def matrix(self, stack: Stack) -> Tensor:
        """Parameters of a stack, shape (k, d), as a copy."""
        return torch.cat([one.detach().flatten(1) for one in stack.params.values()], dim=1)

    def views(self, matrix: Tensor) -> dict[str, Tensor]:
        """Tensors by name, shape (k, ...), that share the memory of the matrix."""
        parts = matrix.split([shape.numel() for shape in self.shapes.values()], dim=1)
        return {name: part.view(len(matrix), *shape)
                for (name, shape), part in zip(self.shapes.items(), parts, strict=True)}


class Sgd:
    """Gradient descent with momentum: ``V = m V + g + d P``, ``P = P - r V``.

    Parameters
    ----------
    rate, decay, momentum : tensor, shape (k, 1)
        Of each model; the decay is added to the gradient.
    width : int
        Parameters of a model.
    """

    def __init__(self, rate: Tensor, decay: Tensor, momentum: Tensor, width: int):
        self.rate, self.decay = _one_or_each(rate), _one_or_each(decay)
        self.momentum = _one_or_each(momentum)
        self.velocity = rate.new_zeros((len(rate), width))

    def __call__(self, params: Tensor, grad: Tensor, factor: Factor, count: Factor) -> None:
        """Update the first ``m`` models, whose gradients are given; `grad` is used up."""
        del count
        m = len(params)
        velocity = self.velocity[:m]
        if isinstance(self.momentum, Tensor):
            velocity.mul_(self.momentum[:m]).add_(grad)
        else:                           # one pass over memory instead of two
            torch.add(grad, velocity, alpha=self.momentum, out=velocity)
        _plus(velocity, params, _of(self.decay, m))
        _plus(params, velocity, _of(self.rate, m), -1.0 * factor)

    def forget(self, models: Tensor) -> None:
        """Move these models, a mask of shape (k,), no more."""
        rate = self.velocity.new_tensor(self.rate) if isinstance(self.rate, float) else self.rate
        self.rate = rate.expand(len(models), 1).masked_fill(models[:, None], 0.0)
        self.velocity[models] = 0

    def memory(self) -> list[Tensor]:
        """What is carried from step to step."""
        return [self.velocity]


class AdamW:
    """Adam with decoupled weight decay.

    Parameters
    ----------
    rate, decay : tensor, shape (k, 1)
        Of each model.
    betas : (float, float)
        Memory of the mean gradient and of the mean square.
    width : int
        Parameters of a model.
    """

    def __init__(self, rate: Tensor, decay: Tensor, betas: tuple[float, float], width: int):
        self.rate, self.decay, self.betas = rate, decay, betas
        self.mean = rate.new_zeros((len(rate), width))
        self.square = torch.zeros_like(self.mean)

    def __call__(self, params: Tensor, grad: Tensor, factor: Factor, count: Factor) -> None:
        """Update the first ``m`` models, whose gradients are given, after `count` steps."""
        m, (slow, slower) = len(params), self.betas
        rate = self.rate[:m] * factor
        params.mul_(1 - rate * self.decay[:m])
        mean = self.mean[:m].lerp_(grad, 1 - slow)
        square = self.square[:m].mul_(slower).addcmul_(grad, grad, value=1 - slower)
        root = square.sqrt().div_((1 - slower ** count) ** 0.5).add_(1e-8)
        params.sub_(mean / root * (rate / (1 - slow ** count)))

    def forget(self, models: Tensor) -> None:
        """Move these models, a mask of shape (k,), no more."""
        self.rate = self.rate.masked_fill(models[:, None], 0.0)
        self.mean[models], self.square[models] = 0, 0

    def memory(self) -> list[Tensor]:
        """What is carried from step to step."""
        return [self.mean, self.square]


def clip_rows(grad: Tensor, limit: float) -> None:
    """Shrink each row whose norm exceeds the limit; each model has its own norm."""
    norm = torch.linalg.vector_norm(grad, dim=1, keepdim=True)
    grad.mul_((limit / (norm + 1e-6)).clamp_(max=1.0))


def _one_or_each(column: Tensor) -> float | Tensor:
    """A number where all models share it, which spares reading a column."""
    same = bool((column == column[0]).all())
    return float(column[0]) if same else column


def _of(value: float | Tensor, m: int) -> float | Tensor:
    return value[:m] if isinstance(value, Tensor) else value


def _plus(whole: Tensor, part: Tensor, scale: float | Tensor, factor: Factor = 1.0) -> Tensor:
    """Add ``factor * scale * part`` in place."""
    if isinstance(factor, Tensor):
        return whole.addcmul_(part, scale * factor)
    if isinstance(scale, Tensor):
        return whole.addcmul_(part, scale, value=factor)
    return whole.add_(part, alpha=scale * factor)
