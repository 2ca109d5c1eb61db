"""Products of Hessians and vectors, of K models at once.

With ``L = sum_k L_k(params_k)`` the Hessian of L is block diagonal, so the product with a stacked
vector v holds every ``H_k v_k``: gradients are taken once with their graph, and each product is
one backward pass through that graph (B. A. Pearlmutter, Neural Computation 6, 1994). Several
batches are averaged by their sizes. Entries that only pad a narrower model are masked.
"""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from workbench.landscape.objective import (
    SMALL,
    Objective,
    Tensors,
    as_objectives,
    count_models,
    take,
)
from workbench.train.process_wide import math_attention

__all__ = ["Hessian"]

FEW = 8           # batches whose graphs stay in memory
TOGETHER = 24     # models of one graph on a processor, whose cache holds no more


class Hessian:
    """The Hessians of K models, known by their products with vectors.

    Parameters
    ----------
    losses : function, Objective, or a list with one per batch
        Mean loss of each model as a function of the stacked parameters, shape (K,).
    params : mapping of names to tensors, first axis K
    masks : mapping of names to tensors, optional
        1 where an entry belongs to the model, 0 where it pads it.
    dtype : torch.dtype, optional
        Precision of the curvature; float64 suits small networks. A plain function must accept it.
    keep_graphs : bool, optional
        Whether graphs of all batches stay in memory between products; otherwise they are built
        again. If not given, those of one batch stay, and those of a few batches of small models.

    Attributes
    ----------
    losses : tensor, shape (K,)
        Mean losses, averaged over batches.
    gradient : tensor, shape (K, length)
        Their gradients.
    names : tuple of str
    length : int
        Entries of one model's parameters, padding included.
    mask : tensor, shape (K, length), or None

    Raises
    ------
    ValueError
        If first axes differ, or if the losses do not have shape (K,).

    Examples
    --------
    >>> bowl = Hessian(lambda params: (params["w"] ** 2).sum(1), {"w": torch.ones(2, 3)})
    >>> bowl.product(torch.ones(2, 3))
    tensor([[2., 2., 2.],
            [2., 2., 2.]])
    """

    def __init__(self, losses: Any, params: Tensors, *, masks: Tensors | None = None,
                 dtype: torch.dtype | None = None, keep_graphs: bool | None = None):
        self.models = count_models(params)
        self.names = tuple(params)
        dtype = dtype or next(iter(params.values())).dtype
        self._objectives = tuple(one if one.fixed else one.to(dtype)
                                 for one in as_objectives(losses))
        self._params = {name: tensor.detach().to(dtype) for name, tensor in params.items()}
        self._masks = masks
        self.mask = None if masks is None else torch.cat(
            [masks[name].to(dtype).expand_as(tensor).flatten(1)
             for name, tensor in self._params.items()], 1)
        self._sizes = [tensor[0].numel() for tensor in self._params.values()]
        self.length = sum(self._sizes)
        self._total = sum(one.size for one in self._objectives)
        if keep_graphs is None:
            keep_graphs = len(self._objectives) <= FEW and self.models * self.length < SMALL
        self._keep = keep_graphs or len(self._objectives) == 1
        self._parts = self._slices()
        self._graphs = [self._graph(one, part) for one in self._objectives
                        for part in self._parts] if self._keep else []
        self.losses, self.gradient = self._means()

    @property
    def like(self) -> Tensor:
        """A parameter tensor: precision and device of all vectors."""
        return next(iter(self._params.values()))

    @property
    def can_take(self) -> bool:
        """Whether models can be dropped."""
        return not any(one.fixed for one in self._objectives)

    @property
    def lengths(self) -> Tensor:
        """Entries of each model without its padding, shape (K,)."""
        full = torch.full((self.models,), float(self.length), device=self.like.device)
        return full if self.mask is None else self.mask.sum(1)

    def take(self, models: Tensor) -> "Hessian":
        """The Hessians of some of the models, by position."""
        return Hessian([one.take(models) for one in self._objectives],
                       take(self._params, models), dtype=self.like.dtype,
                       masks=None if self._masks is None else take(self._masks, models),
                       keep_graphs=self._keep)

    def product(self, vectors: Tensor) -> Tensor:
        """Products with one vector per model, both of shape (K, length).

        Vectors are masked before, products after.
        """
        masked = self.masked(vectors)
        split = self.split(masked)
        total = torch.zeros_like(masked)
        for share, part, graph in self._weighted():
            found = graph.product([one[part] for one in split])
            total[part].add_(torch.cat([one.flatten(1) for one in found], 1), alpha=share)
        return self.masked(total)

    def curvatures(self, vectors: Tensor) -> Tensor:
        """Per tensor ``v_j' (H v)_j`` of several vectors per model.

        Parameters
        ----------
        vectors : tensor, shape (B, K, length)

        Returns
        -------
        curvatures : tensor, shape (B, K, tensors)
            Their sums over tensors are ``v' H v``.
        """
        total = vectors.new_zeros(*vectors.shape[:2], len(self.names))
        for share, part, graph in self._weighted():
            for position, vector in enumerate(vectors):
                split = [one[part] for one in self.split(self.masked(vector))]
                each = [torch.linalg.vecdot(one.flatten(1), other.flatten(1))
                        for one, other in zip(split, graph.product(split), strict=True)]
                total[position, part].add_(torch.stack(each, 1), alpha=share)
        return total

    def split(self, vectors: Tensor) -> list[Tensor]:
        """Views of a vector per model, one for each parameter tensor."""
        parts = vectors.split(self._sizes, 1)
        return [part.view(tensor.shape)
                for part, tensor in zip(parts, self._params.values(), strict=True)]

    def masked(self, vectors: Tensor) -> Tensor:
        """The vectors without their padding."""
        return vectors if self.mask is None else vectors * self.mask

    def _slices(self) -> list[slice]:
        """Models that share a graph."""
        many = self.models if self.like.is_cuda or not self.can_take else TOGETHER
        return [slice(first, first + many) for first in range(0, self.models, many)]

    def _graph(self, objective: Objective, part: slice) -> "_Graph":
        if len(self._parts) == 1:
            return _Graph(objective, self._params)
        return _Graph(objective.take(torch.arange(self.models)[part]),
                      {name: tensor[part] for name, tensor in self._params.items()})

    def _weighted(self) -> Iterator[tuple[float, slice, "_Graph"]]:
        graphs = iter(self._graphs)
        for one in self._objectives:
            for part in self._parts:
                graph = next(graphs) if self._keep else self._graph(one, part)
                yield one.size / self._total, part, graph

    def _means(self) -> tuple[Tensor, Tensor]:
        losses = self.like.new_zeros(self.models)
        gradient = self.like.new_zeros(self.models, self.length)
        for share, part, graph in self._weighted():
            losses[part] += share * graph.losses
            for total, slope in zip(self.split(gradient), graph.gradients, strict=True):
                if slope is not None:
                    total[part].add_(slope.detach(), alpha=share)
        return losses, self.masked(gradient)


class _Graph:
    """Gradients of one batch with the graph that made them."""

    def __init__(self, objective: Objective, params: Tensors):
        self.leaves = [tensor.clone().requires_grad_() for tensor in params.values()]
        # fused attention has no second derivative
        with torch.enable_grad(), math_attention():
            losses = objective(dict(zip(params, self.leaves, strict=True)))
            models = len(self.leaves[0])
            if losses.shape != (models,):
                raise ValueError(f"losses must give one mean per model, shape ({models},), got "
                                 f"shape {tuple(losses.shape)}. Average each model over its own "
                                 "rows and do not sum over models.")
            self.gradients = torch.autograd.grad(losses.sum(), self.leaves, create_graph=True,
                                                 allow_unused=True)
        self.losses = losses.detach()
        self.curved = [position for position, gradient in enumerate(self.gradients)
                       if gradient is not None and gradient.requires_grad]

    def product(self, vectors: list[Tensor]) -> list[Tensor]:
        """H v, one tensor per parameter."""
        found: Any = [None] * len(self.leaves)
        if self.curved:
            found = torch.autograd.grad(
                [self.gradients[position] for position in self.curved], self.leaves,
                [vectors[position] for position in self.curved], retain_graph=True,
                allow_unused=True)
        return [torch.zeros_like(leaf) if part is None else part
                for part, leaf in zip(found, self.leaves, strict=True)]
