"""Lanczos bases of K Hessians, grown together and kept orthogonal.

After j steps ``H Q = Q T + beta q e'`` with T tridiagonal. Each new vector is made orthogonal to
all former ones, again where much of it was lost, so that T's eigenvalues are the Hessian's Ritz
values without ghosts. Where a basis is exhausted it goes on with a random orthogonal vector and
``beta = 0``.

Source: B. N. Parlett, The Symmetric Eigenvalue Problem (1980), chapter 13.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from workbench.landscape.hessian import Hessian
from workbench.landscape.probes import normals

__all__ = ["Krylov"]

ROOM = 8        # vectors for which there is room at once
LOST = 0.5      # share of a vector's length below which it is made orthogonal again


class Krylov:
    """Orthonormal bases and tridiagonal matrices of K Hessians.

    Parameters
    ----------
    hessian : Hessian
    start : tensor, shape (K, length)
        First vectors, of any length above zero.
    drawn : sequence of torch.Generator
        One per model, for the vectors after an exhausted basis.
    """

    def __init__(self, hessian: Hessian, start: Tensor, drawn: Sequence[torch.Generator]):
        self.hessian, self.drawn = hessian, list(drawn)
        self.steps = 0
        start = hessian.masked(start)
        self._vectors = start.new_empty(hessian.models, ROOM, hessian.length)
        self._vectors[:, 0] = start / start.norm(dim=1, keepdim=True)
        self._alpha: list[Tensor] = []
        self._beta: list[Tensor] = []
        self._scale = start.new_zeros(hessian.models)

    @property
    def residual(self) -> Tensor:
        """The last beta, shape (K,): zero where the basis is exhausted."""
        return self._beta[-1].double()

    def extend(self) -> None:
        """Add one step: one product per model."""
        basis = self._vectors[:, :self.steps + 1]
        image = self.hessian.product(basis[:, self.steps])
        self._alpha.append(torch.linalg.vecdot(image, basis[:, self.steps]))
        rest = image - self._alpha[-1][:, None] * basis[:, self.steps]
        if self.steps:
            rest = rest - self._beta[-1][:, None] * basis[:, self.steps - 1]
        rest = _orthogonal(rest, basis)
        self._scale = torch.maximum(self._scale, image.norm(dim=1))
        floor = 10 * torch.finfo(rest.dtype).eps * self._scale
        beta = rest.norm(dim=1)
        exhausted = ~(beta > floor)
        beta = torch.where(exhausted, 0, beta)
        following = rest / torch.where(exhausted, 1, beta)[:, None]
        if bool(exhausted.any()):
            following = torch.where(exhausted[:, None], self._fresh(basis), following)
        self._beta.append(beta)
        self.steps += 1
        self._append(following)

    def tridiagonal(self) -> Tensor:
        """The matrices T in double precision, on the processor, shape (K, steps, steps)."""
        found = torch.diag_embed(torch.stack(self._alpha, 1).double().cpu())
        if self.steps > 1:
            side = torch.stack(self._beta[:-1], 1).double().cpu()
            found += torch.diag_embed(side, 1) + torch.diag_embed(side, -1)
        return found.nan_to_num_(0, 0, 0)

    def vectors(self, coefficients: Tensor) -> Tensor:
        """Combinations of the basis, shape (K, n, length), of coefficients (K, steps, n)."""
        basis = self._vectors[:, :self.steps]
        return coefficients.to(basis).mT @ basis

    def take(self, models: Tensor) -> None:
        """Keep these models only, by position."""
        chosen = models.to(self._vectors.device)
        self.hessian = self.hessian.take(models)
        self.drawn = [self.drawn[position] for position in models.tolist()]
        self._vectors = self._vectors[:, :self.steps + 1].index_select(0, chosen)
        self._alpha = [one[chosen] for one in self._alpha]
        self._beta = [one[chosen] for one in self._beta]
        self._scale = self._scale[chosen]

    def _fresh(self, basis: Tensor) -> Tensor:
        """Random unit vectors orthogonal to the bases; zero where nothing is left."""
        random = self.hessian.masked(normals(self.drawn, self.hessian.length, basis))
        size = random.norm(dim=1, keepdim=True)
        rest = _orthogonal(random, basis)
        left = rest.norm(dim=1, keepdim=True)
        some = left > 1e-4 * size
        rest = torch.where(some, rest / torch.where(some, left, 1), 0)
        return _orthogonal(rest, basis)

    def _append(self, vectors: Tensor) -> None:
        if self.steps == self._vectors.shape[1]:
            more = max(ROOM, self.steps // 2)
            self._vectors = torch.cat([self._vectors, vectors.new_empty(
                len(vectors), more, vectors.shape[1])], 1)
        self._vectors[:, self.steps] = vectors


def _orthogonal(vectors: Tensor, basis: Tensor) -> Tensor:
    """What is left of vectors (K, d) outside orthonormal rows (K, j, d)."""
    for _ in range(2):
        before = vectors.norm(dim=1)
        share = basis @ vectors[..., None]
        vectors = torch.baddbmm(vectors[:, None], share.mT, basis, alpha=-1)[:, 0]
        if bool((vectors.norm(dim=1) >= LOST * before).all()):
            break
    return vectors
