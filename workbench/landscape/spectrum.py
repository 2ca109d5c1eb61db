"""The density of all eigenvalues of K Hessians by stochastic Lanczos quadrature.

Each random start v gives, after m Lanczos steps, nodes (eigenvalues of T) and weights (squares of
the first entries of its eigenvectors) with ``sum_i w_i f(node_i)`` close to ``v' f(H) v / v' v``,
whose mean over v is the average of f over all eigenvalues. A Gaussian around each node makes a
density of them; the spread over starts is its Monte-Carlo error.

Source: L. Lin, Y. Saad, C. Yang, SIAM Review 58 (2016); B. Ghorbani, S. Krishnan, Y. Xiao,
ICML 2019.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch

from workbench.core import Measure, check
from workbench.landscape.hessian import Hessian
from workbench.landscape.krylov import Krylov
from workbench.landscape.objective import Tensors, on_few_threads
from workbench.landscape.probes import generators, sign_blocks

__all__ = ["Spectrum", "spectral_density"]

ZERO = 1e-4      # of the largest magnitude: eigenvalues nearer to zero have no sign


@dataclass(frozen=True)
class Spectrum:
    """Densities of eigenvalues of K models.

    Parameters
    ----------
    nodes, weights : array, shape (K, probes, steps)
        Quadrature of each start; weights sum to one over steps.
    grid : array, shape (K, points)
        Eigenvalues at which the density is told.
    density, stderr : array, shape (K, points)
        Share of eigenvalues per unit of curvature, mean and standard error over probes.
    width : array, shape (K,)
        Standard deviation of the Gaussian around each node.
    """

    nodes: np.ndarray
    weights: np.ndarray
    grid: np.ndarray
    density: np.ndarray
    stderr: np.ndarray
    width: np.ndarray

    def average(self, function: Any, model: int = 0, unit: str = "") -> Measure:
        """The mean of a function over the eigenvalues of one model, with its standard error."""
        each = (self.weights[model] * function(self.nodes[model])).sum(-1)
        return Measure(float(each.mean()), float(each.std(ddof=1) / len(each) ** 0.5), unit)

    def negative_share(self, model: int = 0) -> Measure:
        """Share of eigenvalues below zero, by more than rounding."""
        edge = -ZERO * np.abs(self.nodes[model]).max()
        return self.average(lambda nodes: (nodes < edge).astype(float), model, "1")

    def table(self) -> pd.DataFrame:
        """One row per model and point of the grid."""
        models, points = self.grid.shape
        return pd.DataFrame({"model": np.repeat(np.arange(models), points),
                             "eigenvalue": self.grid.ravel(), "density": self.density.ravel(),
                             "stderr": self.stderr.ravel()})


@on_few_threads
def spectral_density(losses: Any, params: Tensors, *, rng: torch.Generator,  # noqa: PLR0913 - options
                     probes: int = 8, steps: int = 40, points: int = 200, width: float = 0.01,
                     masks: Tensors | None = None, dtype: torch.dtype | None = None) -> Spectrum:
    """Densities of the eigenvalues of K Hessians.

    Parameters
    ----------
    losses : function, Objective, or a list with one per batch
        Mean loss of each model, shape (K,).
    params : mapping of names to tensors, first axis K
    rng : torch.Generator
        Seeds one generator per model.
    probes : int >= 2
        Random starts; their spread gives the standard error.
    steps : int > 0
        Lanczos steps of each start: moments up to ``2 steps - 1`` are exact for that start.
    points : int > 1
        Of the grid.
    width : float > 0
        Of the Gaussian around each node, as a share of the range of the nodes.
    masks, dtype
        As in :class:`~workbench.landscape.hessian.Hessian`.

    Examples
    --------
    >>> bowl = lambda params: (torch.tensor([1.0, 1.0, -1.0, 1.0]) * params["w"] ** 2).sum(1)
    >>> found = spectral_density(bowl, {"w": torch.ones(1, 4)}, probes=4,
    ...                          rng=torch.Generator().manual_seed(0))
    >>> round(found.negative_share().value, 3)
    0.25
    """
    check.positive(steps=steps, width=width)
    for name, value in {"probes": probes, "points": points}.items():
        if not value >= 2:
            raise ValueError(f"{name} must be at least 2, got {value!r}. Pass 8 probes, "
                             "200 points.")
    hessian = Hessian(losses, params, masks=masks, dtype=dtype)
    drawn = generators(rng, hessian.models, hessian.like.device)
    steps = min(steps, int(hessian.lengths.max()))
    nodes = np.zeros((hessian.models, probes, steps))
    weights = np.zeros_like(nodes)
    starts = (one for block in sign_blocks(drawn, probes, hessian.length, hessian.like)
              for one in block)
    for probe, start in enumerate(starts):
        krylov = Krylov(hessian, start, drawn)
        for _ in range(steps):
            krylov.extend()
        values, rotation = torch.linalg.eigh(krylov.tridiagonal())
        nodes[:, probe], weights[:, probe] = values, rotation[:, 0] ** 2
    nodes[~hessian.losses.isfinite().cpu().numpy()] = np.nan
    return Spectrum(nodes, weights, *_smooth(nodes, weights, points, width))


def _smooth(nodes: np.ndarray, weights: np.ndarray, points: int,
            share: float) -> tuple[np.ndarray, ...]:
    """Grid, density, its standard error, and the width of the Gaussians."""
    held = np.where(weights > 1e-12, nodes, np.nan)
    with np.errstate(invalid="ignore"):
        low, high = (end(np.where(np.isnan(held), empty, held), axis=(1, 2)) for end, empty in
                     ((np.min, np.inf), (np.max, -np.inf)))
    broken = ~np.isfinite(high - low)
    low, high = np.where(broken, np.nan, low), np.where(broken, np.nan, high)
    spread = np.maximum(high - low, np.maximum(np.abs(high), 1e-12) * 1e-3)
    width = share * spread
    grid = np.linspace(low - 4 * width, high + 4 * width, points, axis=1)
    each = np.zeros((nodes.shape[1], *grid.shape))
    for step in range(nodes.shape[2]):
        z = (grid[:, None] - nodes[:, :, step, None]) / width[:, None, None]
        each += (weights[:, :, step, None] * np.exp(-z ** 2 / 2)).swapaxes(0, 1)
    each /= width[:, None] * math.sqrt(2 * math.pi)
    return grid, each.mean(0), each.std(0, ddof=1) / len(each) ** 0.5, width
