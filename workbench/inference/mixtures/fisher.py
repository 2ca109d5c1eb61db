"""The Fisher matrix of a small classifier, and what its flat directions make of a mixture's price.

``F = (1/n) sum over rows and classes of p(y|x) g g'`` with g the gradient of ``log p(y|x)``. It
has rank n (c - 1) at most: its eigenpairs come from the inner products of these gradients, so that
the number of parameters does not matter. Coordinates are parameters in prior standard deviations.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from workbench.inference.mixtures.langevin import prior_stds
from workbench.inference.mixtures.weight import laplace_soft_weight
from workbench.train.autodiff import per_sample_gradients
from workbench.train.losses import classification
from workbench.train.micro import as_tensor
from workbench.train.stack import stack

__all__ = ["Curvature", "fisher", "soft_price"]

ROWS = 400               # that decide the matrix at most: inner products grow with their square


@dataclass(frozen=True, eq=False)
class Curvature:
    """Eigenvalues above zero, shape (r,), the optimum along them, shape (r,), and d in all."""

    eigenvalues: np.ndarray
    along: np.ndarray
    parameters: int

    def dimensions(self, n: int) -> float:
        """Directions that n rows decide: ``sum of n l / (1 + n l)``."""
        steep = n * self.eigenvalues
        return float((steep / (1 + steep)).sum())


def fisher(model: nn.Module, x: Any, *, prior_std: float = 1.0, fan_in: bool = False) -> Curvature:
    """Eigenvalues of the Fisher matrix of a classifier, in prior standard deviations.

    Parameters
    ----------
    model : torch.nn.Module
        Gives logits.
    x : array or tensor, shape (n, ...)
        The first 400 rows are used.
    prior_std, fan_in : see :class:`~workbench.inference.mixtures.langevin.SGLDSampler`
    """
    rows = as_tensor(x)[:ROWS].to(next(model.parameters()))
    with torch.no_grad():
        shares = model(rows).softmax(-1)
    stds = prior_stds(stack([model]), prior_std, fan_in=fan_in)
    parts = [_gradients(model, rows, y, shares[:, y]) * stds for y in range(shares.shape[1])]
    G = torch.cat(parts).double() / len(rows) ** 0.5
    values, vectors = torch.linalg.eigh(G @ G.T)
    kept = values > 1e-10 * values[-1].clamp_min(1e-300)
    values, vectors = values[kept], vectors[:, kept]
    at = torch.cat([one.detach().flatten() for one in model.parameters()]).double() / stds.double()
    along = (vectors.T @ (G @ at)) / values.sqrt()
    return Curvature(values.numpy(), along.numpy(), int(stds.numel()))


def soft_price(curvature: Curvature, n: int) -> float:
    """Laplace's ``-log W_n / n``, an estimate of what a mixture pays per row [nats]."""
    return -laplace_soft_weight(curvature.eigenvalues, curvature.along, n) / n


def _gradients(model: nn.Module, rows: Tensor, y: int, share: Tensor) -> Tensor:
    """``sqrt(p(y|x)) grad log p(y|x)`` of each row, shape (n, d)."""
    labels = torch.full((len(rows),), y, device=rows.device)
    found = per_sample_gradients(model, classification, rows, labels)
    return torch.cat([one.flatten(1) for one in found.values()], 1) * share.sqrt()[:, None]
