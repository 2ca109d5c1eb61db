"""Gradients of single rows."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap

from workbench.core import check
from workbench.train.losses import RowLoss
from workbench.train.micro import each
from workbench.train.process_wide import math_attention

__all__ = ["apply", "per_sample_gradient_norms", "per_sample_gradients"]


def apply(model: Any, x: Any) -> Any:
    """What a network answers to inputs: a tensor, several, or a mapping handed over by name."""
    if isinstance(x, Mapping):
        return model(**x)
    return model(*x) if isinstance(x, tuple) else model(x)


def per_sample_gradients(model: nn.Module, loss: RowLoss, x: Any, y: Tensor, *,
                         chunk_size: int | None = None) -> dict[str, Tensor]:
    """Gradient of each row's own loss.

    Parameters
    ----------
    model : torch.nn.Module
        Rows must not mix: batch normalisation must be in evaluation mode.
    loss : function of outputs and targets that gives one loss per row
    x : tensor or mapping of tensors, n rows
    y : tensor, n rows
    chunk_size : int > 0, optional
        Rows at a time, which bounds memory; None takes all.

    Returns
    -------
    gradients : mapping of name to tensor, shape (n, ...)
        Of the parameters that are trained.

    Raises
    ------
    ValueError
        If a layer normalises over the batch in training mode.

    Notes
    -----
    A network that looks at its values to decide what it does, as masks of Hugging Face do, cannot
    be mapped over rows; then they are taken one after another.

    Examples
    --------
    >>> from workbench.train.losses import regression
    >>> model = nn.Linear(1, 1, bias=False)
    >>> x, y = torch.tensor([[0.0], [2.0]]), torch.zeros(2)
    >>> found = per_sample_gradients(model, regression, x, y)["weight"]
    >>> bool(torch.isclose(found[1, 0, 0], 8 * model.weight[0, 0])), found.shape
    (True, torch.Size([2, 1, 1]))
    """
    if chunk_size is not None:
        check.positive(chunk_size=chunk_size)
    _refuse_mixing(model)
    params = {name: param.detach() for name, param in model.named_parameters()
              if param.requires_grad}
    others = {name: tensor.detach() for name, tensor in
              [*model.named_parameters(), *model.named_buffers()] if name not in params}

    def one(params: Mapping[str, Tensor], x: Any, y: Tensor) -> Tensor:
        row = each(lambda part: part[None], x)
        outputs = apply(lambda *given, **named: functional_call(
            model, {**params, **others}, given, named), row)
        return loss(outputs, y[None])[0]

    rows = vmap(grad(one), in_dims=(None, 0, 0), randomness="different", chunk_size=chunk_size)
    with math_attention():       # the one kernel of attention that knows vmap
        try:
            return rows(params, x, y)
        except RuntimeError as trouble:
            if "vmap" not in str(trouble):
                raise
        found = [grad(one)(params, each(lambda part, k=k: part[k], x), y[k])
                 for k in range(len(y))]
    return {name: torch.stack([row[name] for row in found]) for name in params}


def per_sample_gradient_norms(model: nn.Module, loss: RowLoss, x: Any, y: Tensor, *,
                              chunk_size: int | None = 64) -> Tensor:
    """Euclidean norm of each row's own gradient, shape (n,)."""
    found = per_sample_gradients(model, loss, x, y, chunk_size=chunk_size)
    return torch.stack([torch.linalg.vector_norm(part.flatten(1), dim=1)
                        for part in found.values()]).norm(dim=0)


def _refuse_mixing(model: nn.Module) -> None:
    for name, part in model.named_modules():
        if isinstance(part, nn.modules.batchnorm._BatchNorm) and part.training:
            raise ValueError(f"model must treat rows one by one, got {name!r} in training mode, "
                             "which normalises over the batch. Call model.eval(), or use group "
                             "normalisation.")
