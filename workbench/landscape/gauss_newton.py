"""The trace of cross-entropy's curvature from the side of the outputs, one gradient per probe.

With J the derivatives of the logits and ``P = diag(p) - p p' = S S'`` per row, the Gauss-Newton
part of the Hessian is ``G = J' P J / n``. For independent signs u, ``E |J' S u|^2 / n = tr G``, so
a probe costs one plain backward pass, a third of a product with the Hessian. What G leaves out is
``sum (p - y) d2 logits``, whose diagonal is zero where the logits are piecewise linear in each
parameter tensor: for ReLU, max pooling, convolutions and batch normalisation in evaluation mode,
``tr G`` is the trace of the Hessian, tensor by tensor.

Source: N. N. Schraudolph, Neural Computation 14 (2002), for the matrix.
"""

from typing import Any

import torch
from torch import Tensor

from workbench.landscape.objective import Tensors, as_objectives, count_models, on_few_threads
from workbench.landscape.probes import generators, sign_blocks
from workbench.landscape.trace import Trace, moments

__all__ = ["gauss_newton_trace"]


@on_few_threads
def gauss_newton_trace(outputs: Any, params: Tensors, *, rng: torch.Generator, probes: int = 100,
                       masks: Tensors | None = None) -> Trace:
    """Traces of the Gauss-Newton matrices of mean cross-entropy, of K models at once.

    Parameters
    ----------
    outputs : function of params, Objective, or a list with one per batch
        Logits of each model, shape (K, n, c), for instance of
        :func:`~workbench.landscape.columns.stack_outputs`.
    params : mapping of names to tensors, first axis K
    rng : torch.Generator
        Seeds one generator per model.
    probes : int >= 2
    masks : mapping of names to tensors, optional
        0 where an entry only pads a narrower model.

    Raises
    ------
    ValueError
        If `probes` is below 2 or if outputs have another shape.

    Examples
    --------
    >>> found = gauss_newton_trace(lambda params: params["w"][:, None], {"w": torch.zeros(1, 2)},
    ...                            rng=torch.Generator().manual_seed(0), probes=50)
    >>> abs(found.measure().value - 0.5) < 4 * found.measure().stderr
    True
    """
    if not probes >= 2:
        raise ValueError(f"probes must be at least 2, got {probes!r}. Pass 100.")
    batches, models = as_objectives(outputs), count_models(params)
    leaves = {name: tensor.detach().clone().requires_grad_() for name, tensor in params.items()}
    drawn = generators(rng, models, next(iter(leaves.values())).device)
    total = sum(one.size for one in batches)
    values: Any = 0.0
    broken = torch.zeros(models, dtype=torch.bool)
    for one in batches:
        with torch.enable_grad():
            logits = one(leaves)
        if logits.ndim != 3 or len(logits) != models:
            raise ValueError(f"outputs must have shape (K, n, c) with K = {models}, got "
                             f"{tuple(logits.shape)}. Return the logits of every model.")
        broken |= ~logits.isfinite().flatten(1).all(1).cpu()
        values = values + one.size / total * _squares(logits, leaves, drawn, probes, masks)
    found = values.double().cpu()
    found[:, broken] = torch.nan
    mean, stderr = moments(found.sum(2))
    each, errors = moments(found)
    return Trace(mean, stderr, probes, probes,
                 {name: (each[:, position], errors[:, position])
                  for position, name in enumerate(leaves)})


def _squares(logits: Tensor, leaves: Tensors, drawn: list[torch.Generator], probes: int,
             masks: Tensors | None) -> Tensor:
    """Squared lengths ``|J' S u|^2 / n`` of each tensor, shape (probes, K, tensors)."""
    models, rows, classes = logits.shape
    share = logits.detach().softmax(-1)
    root = share.sqrt()
    found = []
    for block in sign_blocks(drawn, probes, rows * classes, share):
        for signs in block:
            rooted = root * signs.view(logits.shape)
            pushed = (rooted - share * rooted.sum(-1, keepdim=True)) / rows ** 0.5
            gradients = torch.autograd.grad(logits, list(leaves.values()), pushed,
                                            retain_graph=True, allow_unused=True)
            found.append(torch.stack([
                _square(gradient, None if masks is None else masks[name], models).to(share)
                for name, gradient in zip(leaves, gradients, strict=True)], 1))
    return torch.stack(found)


def _square(gradient: Any, mask: Tensor | None, models: int) -> Tensor:
    if gradient is None:
        return torch.zeros(models)
    flat = (gradient if mask is None else gradient * mask).flatten(1)
    return torch.linalg.vecdot(flat, flat)
