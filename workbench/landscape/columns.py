"""Stacked perceptrons with rows of data as columns: every product reads memory in order.

With hidden numbers of shape (K, width, n) all first layers are one product of matrices, and the
double backward pass of small networks takes about half the time that it takes on (K, n, width).
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from workbench.landscape.objective import Objective, Tensors, cross_entropy
from workbench.train.models import ACTIVATIONS, MLP

__all__ = ["stack_objective", "stack_outputs"]


def stack_objective(stack: Any, x: Tensor, y: Tensor, *,
                    loss: Callable[[Tensor, Tensor], Tensor] = cross_entropy) -> Objective:
    """The objective of a :class:`~workbench.train.stack.Stack`, in evaluation mode.

    Parameters
    ----------
    stack : Stack
        Its parameters are left to the caller: pass ``stack.params`` beside the objective.
    x : tensor, shape (n, ...)
        Inputs that all models see.
    y : tensor, shape (n,) or (K, n)
        Targets of all models, or of each.
    loss : function of outputs, shape (K, n, c), and targets that gives K means

    Raises
    ------
    ValueError
        If there are no rows, or another number of targets.
    """
    if not len(x) or y.shape[-1] != len(x):
        raise ValueError(f"x and y must have the same rows and some, got {len(x)} and "
                         f"{y.shape[-1]}. Pass one target per row.")
    forward = _forward(stack)
    if loss is cross_entropy:
        def losses(params: Tensors, buffers: Tensors, x: Tensor, y: Tensor) -> Tensor:
            found = forward(params, buffers, x)
            return functional.cross_entropy(found, y.expand(len(found), -1),
                                            reduction="none").mean(1)
    else:
        def losses(params: Tensors, buffers: Tensors, x: Tensor, y: Tensor) -> Tensor:
            return loss(forward(params, buffers, x).mT, y)
    own = y.ndim > 1
    return Objective(losses, stacked={"buffers": dict(stack.buffers)} | ({"y": y} if own else {}),
                     shared={"x": _columns(stack, x)} | ({} if own else {"y": y}), size=len(x))


def stack_outputs(stack: Any, x: Tensor) -> Objective:
    """Outputs of a stack, shape (K, n, c), as a function of its parameters."""
    forward = _forward(stack)
    return Objective(lambda params, buffers, x: forward(params, buffers, x).mT,
                     stacked={"buffers": dict(stack.buffers)},
                     shared={"x": _columns(stack, x)}, size=len(x))


def _columns(stack: Any, x: Tensor) -> Tensor:
    """Rows as columns for a perceptron, as they are for other networks."""
    return x.flatten(1).T.contiguous() if isinstance(stack.widest, MLP) else x


def _forward(stack: Any) -> Callable[[Tensors, Tensors, Tensor], Tensor]:
    """Function of params, buffers and x giving outputs of shape (K, c, n)."""
    model = stack.widest
    if not isinstance(model, MLP):
        return lambda params, buffers, x: stack.forward(params, buffers, x[None])[0].mT
    act, depth = ACTIVATIONS[model.activation], model.depth

    def perceptron(params: Tensors, buffers: Tensors, x: Tensor) -> Tensor:
        del buffers
        weight, bias = params["layers.0.weight"], params["layers.0.bias"]
        hidden = torch.addmm(bias.reshape(-1, 1), weight.flatten(0, 1), x)
        hidden = hidden.view(*weight.shape[:2], -1)
        for layer in range(1, depth + 1):
            hidden = torch.baddbmm(params[f"layers.{layer}.bias"][..., None],
                                   params[f"layers.{layer}.weight"], act(hidden))
        return hidden
    return perceptron
