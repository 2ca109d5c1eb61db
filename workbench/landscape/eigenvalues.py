"""The ends of the spectrum of K Hessians, with error bounds, each as soon as it is exact enough.

Lanczos: each eigenvalue of T after j steps lies within its residual ``r_i = |beta_j s_ji|`` of an
eigenvalue of H, where s are the eigenvectors of T. A model stops when the residuals of its wanted
values are below `tol` times its largest value in magnitude, and when many have stopped they are
dropped from the batch. Where a gap g separates a value from the next, its error is about
``r_i^2 / g``, far below the bound. The start is a random vector plus the gradient, both of unit
length: trained networks' gradients lean towards the top eigenvectors, so that the largest
eigenvalue is rarely passed over, and a step or two are saved.

Source: B. N. Parlett, The Symmetric Eigenvalue Problem (1980), chapters 11 and 13; on gradients,
G. Gur-Ari, D. A. Roberts, E. Dyer, arXiv 1812.04754 (2018).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from workbench.core import Measure, check
from workbench.landscape.hessian import Hessian
from workbench.landscape.krylov import Krylov
from workbench.landscape.objective import Tensors, on_few_threads
from workbench.landscape.probes import generators, normals
from workbench.landscape.trace import UNIT

__all__ = ["Eigenvalues", "hessian_eigenvalues"]

FIRST_LOOK, LOOK_EVERY = 4, 2
LARGE = 2000             # entries of a model from which a look is cheap beside a product
DROP_SHARE = 0.25        # of the batch that must be ready before it is made smaller


@dataclass(frozen=True)
class Eigenvalues:
    """Ends of the spectra of K Hessians.

    Parameters
    ----------
    largest : array, shape (K, n)
        In descending order, with their signs; NaN where the loss is not finite.
    largest_bounds : array, shape (K, n)
        Residuals: an eigenvalue lies within this distance.
    smallest : array, shape (K, m)
        In ascending order, most negative first.
    smallest_bounds : array, shape (K, m)
    steps : integer array, shape (K,)
        Products of a Hessian and a vector spent on each model.
    converged : boolean array, shape (K,)
        Whether the wanted eigenvalues met the tolerance.
    vectors : array, shape (K, n, length), or None
        Eigenvectors of `largest`.
    """

    largest: np.ndarray
    largest_bounds: np.ndarray
    smallest: np.ndarray
    smallest_bounds: np.ndarray
    steps: np.ndarray
    converged: np.ndarray
    vectors: np.ndarray | None = None

    @property
    def dominant(self) -> np.ndarray:
        """The end of larger magnitude with its sign, shape (K,); what power iteration seeks."""
        high, low = self.largest[:, 0], self.smallest[:, 0]
        return np.where(np.abs(low) > np.abs(high), low, high)

    def measure(self, model: int = 0) -> Measure:
        """The largest eigenvalue of one model; its bound stands in place of a standard error."""
        return Measure(float(self.largest[model, 0]), float(self.largest_bounds[model, 0]), UNIT)

    def table(self) -> pd.DataFrame:
        """One row per model, end and rank."""
        ends = {"largest": (self.largest, self.largest_bounds),
                "smallest": (self.smallest, self.smallest_bounds)}
        return pd.DataFrame([
            {"model": model, "end": end, "rank": rank, "eigenvalue": values[model, rank],
             "bound": bounds[model, rank], "steps": self.steps[model],
             "converged": self.converged[model]}
            for end, (values, bounds) in ends.items()
            for model in range(len(values)) for rank in range(values.shape[1])])


@on_few_threads
def hessian_eigenvalues(losses: Any, params: Tensors, *, rng: torch.Generator,  # noqa: PLR0913 - options
                        largest: int = 1, smallest: int = 0, tol: float = 1e-3,
                        max_steps: int = 100, masks: Tensors | None = None,
                        dtype: torch.dtype | None = None,
                        with_vectors: bool = False) -> Eigenvalues:
    """Largest and smallest eigenvalues of K Hessians by Lanczos iteration.

    Parameters
    ----------
    losses : function, Objective, or a list with one per batch
        Mean loss of each model, shape (K,). Ready models are dropped from objectives only, since
        a plain function may hold what belongs to all K models.
    params : mapping of names to tensors, first axis K
    rng : torch.Generator
        Seeds one generator per model.
    largest, smallest : int >= 0
        How many eigenvalues of each end must converge. The first of each end is always told, with
        its bound.
    tol : float > 0
        Largest residual, as a share of the eigenvalue of largest magnitude. Errors are far below:
        of the largest eigenvalue they are about the square of it.
    max_steps : int > 0
        Products after which a model stops without having converged.
    masks, dtype
        As in :class:`~workbench.landscape.hessian.Hessian`.
    with_vectors : bool
        Whether to return the eigenvectors of the largest.

    Notes
    -----
    An eigenvalue that repeats is found once as long as the basis is not exhausted; one whose
    vector the start hardly holds can be passed over: the looser `tol`, the more often, and the
    third one more often than the first.

    Examples
    --------
    >>> bowl = lambda params: (torch.tensor([1.0, 2.0, -4.0]) * params["w"] ** 2).sum(1)
    >>> found = hessian_eigenvalues(bowl, {"w": torch.ones(1, 3)}, smallest=1,
    ...                             rng=torch.Generator().manual_seed(0))
    >>> found.largest.round(3), found.dominant.round(3)
    (array([[4.]]), array([-8.]))
    """
    check.positive(tol=tol, max_steps=max_steps)
    if min(largest, smallest) < 0 or not largest + smallest:
        raise ValueError("largest and smallest must be >= 0 and not both 0, got "
                         f"{largest!r} and {smallest!r}. Pass largest=1.")
    hessian = Hessian(losses, params, masks=masks, dtype=dtype)
    drawn = generators(rng, hessian.models, hessian.like.device)
    random = hessian.masked(normals(drawn, hessian.length, hessian.like))
    krylov = Krylov(hessian, _unit(random) + _unit(hessian.gradient), drawn)
    search = _Search(hessian, (largest, smallest), with_vectors=with_vectors)
    limit = min(max_steps, int(hessian.lengths.max()))
    ends = {limit, *hessian.lengths.int().tolist()}     # past its end a basis gains false zeros
    while len(search.active):
        krylov.extend()
        if krylov.steps in ends or _is_a_look(krylov.steps, hessian.length):
            search.look(krylov, tol, last=krylov.steps == limit)
    return search.found()


def _is_a_look(steps: int, length: int) -> bool:
    return steps >= FIRST_LOOK and (length > LARGE or (steps - FIRST_LOOK) % LOOK_EVERY == 0)


def _unit(vectors: Tensor) -> Tensor:
    size = vectors.norm(dim=1, keepdim=True)
    return vectors / torch.where(size > 0, size, 1)


class _Search:
    """Ritz values of all models, kept from the last look at each."""

    def __init__(self, hessian: Hessian, wanted: tuple[int, int], *, with_vectors: bool):
        models = hessian.models
        self.wanted = wanted
        self.active = torch.arange(models)
        self.lengths = hessian.lengths.cpu()
        self.broken = ~hessian.losses.isfinite().cpu()
        self.ready = self.broken.clone()
        self.steps = np.zeros(models, dtype=int)
        self.ends = [np.full((models, max(1, one), 2), np.nan) for one in wanted]
        shape = (models, max(1, wanted[0]), hessian.length)
        self.vectors = np.full(shape, np.nan, np.float32) if with_vectors else None
        self.open = np.ones(models, dtype=bool)

    def look(self, krylov: Krylov, tol: float, *, last: bool) -> None:
        """Read the Ritz values, mark models that are ready, and drop them when they are many."""
        values, rotation = torch.linalg.eigh(krylov.tridiagonal())
        residuals = krylov.residual.cpu().nan_to_num()[:, None] * rotation[:, -1].abs()
        good = residuals <= tol * values.abs().amax(1, keepdim=True)
        high, low = (min(one, values.shape[1]) for one in self.wanted)
        enough = good[:, values.shape[1] - high:].all(1) & good[:, :low].all(1)
        enough &= values.shape[1] >= sum(self.wanted)
        exhausted = krylov.steps >= self.lengths[self.active]
        fresh = self.open[self.active.numpy()]
        self._write(krylov, values, residuals, rotation, torch.from_numpy(fresh))
        done = enough | exhausted | self.broken[self.active]
        self.ready[self.active[done]] = True
        self.open[self.active[done].numpy()] = False
        if last or done.all():
            self.active = self.active[:0]
        elif krylov.hessian.can_take and done.double().mean() > DROP_SHARE:
            kept = (~done).nonzero()[:, 0]
            krylov.take(kept)
            self.active = self.active[kept]

    def _write(self, krylov: Krylov, values: Tensor, residuals: Tensor, rotation: Tensor,
               fresh: Tensor) -> None:
        models = self.active[fresh].numpy()
        self.steps[models] = krylov.steps
        both = torch.stack([values, residuals], 2)[fresh]
        for end, ordered in zip(self.ends, (both.flip(1), both), strict=True):
            count = min(end.shape[1], ordered.shape[1])
            end[models, :count] = ordered[:, :count].numpy()
        if self.vectors is not None:
            found = krylov.vectors(rotation.flip(2)[:, :, :self.vectors.shape[1]])[fresh]
            self.vectors[models, :found.shape[1]] = found.cpu().numpy()

    def found(self) -> Eigenvalues:
        broken = self.broken.numpy()
        for end in self.ends:
            end[broken] = np.nan
        (high, low) = self.ends
        return Eigenvalues(high[..., 0], high[..., 1], low[..., 0], low[..., 1], self.steps,
                           self.ready.numpy() & ~broken, self.vectors)
