"""Power iteration on K Hessians, as published tables were made.

``w = H v, value = v' w, v = w / |w|`` until the value changes by less than `tol` of itself; found
vectors are projected out before each step. It seeks eigenvalues of largest magnitude and keeps
their signs. The change between steps says little about the error, so these numbers carry none;
:func:`~workbench.landscape.eigenvalues.hessian_eigenvalues` gives bounds and takes fewer products.

Source: the stopping rule of Z. Yao, A. Gholami, K. Keutzer, M. W. Mahoney, PyHessian (2020).
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from workbench.core import check
from workbench.landscape.hessian import Hessian
from workbench.landscape.objective import Tensors, on_few_threads
from workbench.landscape.probes import generators, normals

__all__ = ["power_iteration"]

TINY = 1e-6      # added to the former value, as published


@on_few_threads
def power_iteration(losses: Any, params: Tensors, *, rng: torch.Generator,  # noqa: PLR0913 - options
                    n: int = 1, tol: float = 1e-3, max_steps: int = 100,
                    masks: Tensors | None = None, dtype: torch.dtype | None = None) -> np.ndarray:
    """Eigenvalues of largest magnitude of K Hessians, shape (K, n), in the order found.

    Parameters
    ----------
    losses : function, Objective, or a list with one per batch
        Mean loss of each model, shape (K,). Ready models are dropped from objectives only.
    params : mapping of names to tensors, first axis K
    rng : torch.Generator
        Seeds one generator per model.
    n : int > 0
    tol : float > 0
        Relative change of the value below which a model stops.
    max_steps : int > 0
        Products per eigenvalue.
    masks, dtype
        As in :class:`~workbench.landscape.hessian.Hessian`.

    Examples
    --------
    >>> bowl = lambda params: (torch.tensor([1.0, 2.0, -4.0]) * params["w"] ** 2).sum(1)
    >>> power_iteration(bowl, {"w": torch.ones(1, 3)}, rng=torch.Generator().manual_seed(0),
    ...                 tol=1e-6).round(2)
    array([[-8.]])
    """
    check.positive(n=n, tol=tol, max_steps=max_steps)
    hessian = Hessian(losses, params, masks=masks, dtype=dtype)
    drawn = generators(rng, hessian.models, hessian.like.device)
    found = np.full((hessian.models, n), np.nan)
    vectors = hessian.like.new_zeros(hessian.models, n, hessian.length)
    for rank in range(n):
        start = normals(drawn, hessian.length, hessian.like)
        found[:, rank], vectors[:, rank] = _one(hessian, start, vectors[:, :rank], tol, max_steps)
    found[~hessian.losses.isfinite().cpu().numpy()] = np.nan
    return found


def _one(hessian: Hessian, v: Tensor, former: Tensor, tol: float,
         max_steps: int) -> tuple[np.ndarray, Tensor]:
    """The next value and vector of each model; ready models leave the batch."""
    models, final = torch.arange(hessian.models), torch.zeros_like(v)
    values = torch.full((hessian.models,), torch.nan, dtype=torch.float64)
    last, going = values.clone(), torch.ones(hessian.models, dtype=torch.bool)
    v = _unit(hessian.masked(v))
    for _ in range(max_steps):
        v = _unit(_without(v, former))
        image = hessian.product(v)
        value = torch.linalg.vecdot(image, v).double().cpu()
        v = _unit(image)
        ready = (value - last).abs() / (last.abs() + TINY) < tol
        value = torch.where(ready, last, value)
        values[models[going]], final[models[going]] = value[going], v[going.to(v.device)]
        going = going & ~ready & value.isfinite()
        last = value
        if not going.any():
            break
        if hessian.can_take and going.double().mean() < 0.5:
            kept = going.nonzero()[:, 0]
            hessian, models, last = hessian.take(kept), models[kept], last[kept]
            going = going[kept]
            v, former = v[kept.to(v.device)], former[kept.to(v.device)]
    return values.numpy(), final


def _unit(vectors: Tensor) -> Tensor:
    size = vectors.norm(dim=1, keepdim=True)
    return vectors / torch.where(size > 0, size, 1)


def _without(vectors: Tensor, former: Tensor) -> Tensor:
    return vectors - ((former @ vectors[..., None]) * former).sum(1)
