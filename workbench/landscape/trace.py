"""The trace of the Hessian by random probes, of K models at once, with its standard error.

Hutchinson: probes v with independent signs have ``E[v' H v] = tr H`` and a variance of
``2 sum_{i != j} H_ij^2``; the share of each parameter tensor comes along. Hutch++ takes the trace
exactly on the range that a third of the products finds, and probes only what is left.

Source: M. F. Hutchinson, Communications in Statistics B 19 (1990); R. A. Meyer, C. Musco,
C. Musco, D. P. Woodruff, Hutch++, SOSA 2021.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from workbench.core import Measure
from workbench.landscape.hessian import Hessian
from workbench.landscape.objective import Tensors, on_few_threads
from workbench.landscape.probes import generators, sign_blocks

__all__ = ["UNIT", "Trace", "hessian_trace", "hutch_plus_plus", "moments"]

UNIT = "loss / parameter²"


@dataclass(frozen=True)
class Trace:
    """Traces of K Hessians.

    Parameters
    ----------
    mean, stderr : array, shape (K,)
        NaN where the loss is not finite.
    probes : int
        Random vectors behind each standard error.
    products : int
        Hessian-vector products spent.
    tensors : mapping of parameter names to (mean, stderr), each of shape (K,)
        Traces of the blocks of single tensors; empty for Hutch++.
    """

    mean: np.ndarray
    stderr: np.ndarray
    probes: int
    products: int
    tensors: Mapping[str, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)

    def measure(self, model: int = 0) -> Measure:
        """The trace of one model."""
        return Measure(float(self.mean[model]), float(self.stderr[model]), UNIT)

    def table(self) -> pd.DataFrame:
        """One row per model and tensor, the whole network under the name ``all``."""
        rows = {"all": (self.mean, self.stderr), **self.tensors}
        return pd.concat([pd.DataFrame({"model": np.arange(len(mean)), "tensor": name,
                                        "trace": mean, "stderr": stderr})
                          for name, (mean, stderr) in rows.items()], ignore_index=True)


@on_few_threads
def hessian_trace(losses: Any, params: Tensors, *, rng: torch.Generator, probes: int = 100,
                  masks: Tensors | None = None, dtype: torch.dtype | None = None) -> Trace:
    """Traces of the Hessians of K models by Hutchinson's estimator.

    Parameters
    ----------
    losses : function, Objective, or a list with one per batch
        Mean loss of each model, shape (K,).
    params : mapping of names to tensors, first axis K
    rng : torch.Generator
        Seeds one generator per model.
    probes : int >= 2
        Their number is fixed: stopping when the running mean rests would stop at chance.
    masks : mapping of names to tensors, optional
        0 where an entry only pads a narrower model.
    dtype : torch.dtype, optional

    Raises
    ------
    ValueError
        If `probes` is below 2 or if shapes disagree.

    Examples
    --------
    >>> found = hessian_trace(lambda params: (params["w"] ** 2).sum(1), {"w": torch.ones(2, 3)},
    ...                       rng=torch.Generator().manual_seed(0), probes=4)
    >>> print(found.measure(1))
    Measure(value=6.0, stderr=0.0, unit='loss / parameter²')
    """
    _refuse_few(probes, 2)
    hessian = Hessian(losses, params, masks=masks, dtype=dtype)
    drawn = generators(rng, hessian.models, hessian.like.device)
    values = torch.cat([hessian.curvatures(block) for block in sign_blocks(
        drawn, probes, hessian.length, hessian.like)]).double()     # (probes, K, tensors)
    values[:, ~hessian.losses.isfinite()] = torch.nan
    mean, stderr = moments(values.sum(2))
    each, errors = moments(values)
    return Trace(mean, stderr, probes, probes,
                 {name: (each[:, position], errors[:, position])
                  for position, name in enumerate(hessian.names)})


@on_few_threads
def hutch_plus_plus(losses: Any, params: Tensors, *, rng: torch.Generator, products: int = 99,
                    masks: Tensors | None = None, dtype: torch.dtype | None = None) -> Trace:
    """Traces of the Hessians of K models by Hutch++.

    Takes the arguments of :func:`hessian_trace`, with a number of `products` (>= 6) instead of
    probes: one third finds a range, one third takes the trace on it, the rest probe what is left.
    Where few eigenvalues hold the trace the standard error falls far below Hutchinson's.

    Examples
    --------
    >>> found = hutch_plus_plus(lambda params: params["w"].sum(1) ** 2, {"w": torch.ones(1, 3)},
    ...                         rng=torch.Generator().manual_seed(0), products=9)
    >>> round(found.measure().value, 4), round(found.measure().stderr, 4)
    (6.0, 0.0)
    """
    _refuse_few(products, 6)
    hessian = Hessian(losses, params, masks=masks, dtype=dtype)
    drawn = generators(rng, hessian.models, hessian.like.device)
    range_size = min(products // 3, int(hessian.lengths.min()))
    probes = products - 2 * range_size
    broken = ~hessian.losses.isfinite()
    basis = _range(hessian, _signs(drawn, range_size, hessian), broken)
    inside = torch.stack([torch.linalg.vecdot(column, hessian.product(column))
                          for column in basis]).double().sum(0)
    left = []
    for vectors in _signs(drawn, probes, hessian):
        rest = _outside(basis, hessian.masked(vectors))
        left.append(torch.linalg.vecdot(rest, hessian.product(rest)).double())
    values = inside + torch.stack(left)
    values[:, broken] = torch.nan
    mean, stderr = moments(values)
    return Trace(mean, stderr, probes, 2 * range_size + probes)


def _signs(drawn: list[torch.Generator], number: int, hessian: Hessian) -> list[Tensor]:
    return [vectors for block in sign_blocks(drawn, number, hessian.length, hessian.like)
            for vectors in block]


def _range(hessian: Hessian, probes: list[Tensor], broken: Tensor) -> Tensor:
    """Orthonormal columns of the range that the probes find, shape (columns, K, length)."""
    images = torch.stack([hessian.product(hessian.masked(one)) for one in probes])
    images[:, broken] = 0
    columns, triangle = torch.linalg.qr(images.permute(1, 2, 0))
    size = triangle.diagonal(dim1=1, dim2=2).abs()
    real = size > 1e-6 * size.amax(1, keepdim=True)     # where H is of low rank, QR invents rest
    return (columns * real[:, None]).permute(2, 0, 1)


def _outside(basis: Tensor, vectors: Tensor) -> Tensor:
    share = torch.einsum("ckd,kd->ck", basis, vectors)
    return vectors - torch.einsum("ckd,ck->kd", basis, share)


def moments(values: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard error over the first axis."""
    stderr = values.std(0, correction=1) / len(values) ** 0.5
    return values.mean(0).cpu().numpy(), stderr.cpu().numpy()


def _refuse_few(number: int, least: int) -> None:
    if not number >= least:
        name = "probes" if least == 2 else "products"
        raise ValueError(f"{name} must be at least {least}, so that there is a standard error, "
                         f"got {number!r}. Pass 100.")
