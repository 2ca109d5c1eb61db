"""Gradients of many models at once: in closed form for perceptrons, by autograd for the rest.

The loss of model `k` is ``weights[k] @ losses[k]``; the sum over models has a gradient in which no
model sees another. A way of taking gradients is a function of parameters, buffers and a batch that
writes into given tensors and returns the losses of the models.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from workbench.train.losses import RowLoss, classification
from workbench.train.models import ACTIVATIONS, MLP
from workbench.train.stack import Stack
from workbench.train.stacked_layers import (
    Forward,
    Tensors,
    linear,
    one_after_another,
    vectorised,
)

__all__ = ["FORMS", "Batch", "Gradient", "gradient_by", "row_losses"]

aten = torch.ops.aten
# Gradient through an activation, from what went in or what came out.
FROM_OUTPUT: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "relu": lambda grad, after: aten.threshold_backward(grad, after, 0),
    "tanh": aten.tanh_backward,
    "sigmoid": aten.sigmoid_backward,
    "elu": lambda grad, after: aten.elu_backward(grad, 1.0, 1.0, 1.0, True, after)}  # noqa: FBT003 - positional in ATen
FROM_INPUT: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "gelu": aten.gelu_backward, "silu": aten.silu_backward}
FORMS = ("closed", "stacked", "vmap", "loop")


@dataclass(frozen=True, eq=False)
class Batch:
    """Rows of one step.

    Parameters
    ----------
    x : tensor, shape (k, b, ...) or (1, b, ...)
    y : tensor, shape (k, b, ...)
    weights : tensor, shape (k, b)
        Of the rows in the loss of each model; one per model over the rows of its whole batch.
    """

    x: Tensor
    y: Tensor
    weights: Tensor


@dataclass(frozen=True, eq=False)
class Gradient:
    """One way of taking the gradients of a stack.

    Parameters
    ----------
    form : {"closed", "stacked", "vmap", "loop"}
    losses : function of params, buffers, batch and tensors for the gradients
        Returns the losses, shape (k,), and the buffers after the step.
    without_tape : context manager
        Inside which steps run.
    """

    form: str
    losses: Callable[[Tensors, Tensors, Batch, Tensors], tuple[Tensor, Tensors]]
    without_tape: Callable[[], AbstractContextManager[Any]]


def gradient_by(form: str, stack: Stack, loss: RowLoss) -> Gradient:
    """The way of a form: closed (perceptrons), stacked by hand, by vmap, or one after another."""
    if form == "closed":
        return Gradient(form, _Closed(stack.widest, loss), torch.inference_mode)
    forwards = {"stacked": stack.form, "vmap": vectorised, "loop": one_after_another}
    return Gradient(form, _Taped(stack, forwards[form], loss), torch.no_grad)


def row_losses(loss: RowLoss, outputs: Tensor, y: Tensor) -> Tensor:
    """Losses, shape (k, n), of outputs, shape (k, n, ...)."""
    if loss is classification:             # labels were checked before training
        found = functional.cross_entropy(outputs.flatten(0, 1), y.flatten(), reduction="none")
    else:
        found = loss(outputs.flatten(0, 1), y.flatten(0, 1))
        if found.numel() != outputs.shape[0] * outputs.shape[1]:
            raise ValueError("loss must return one number per row, got shape "
                             f"{tuple(found.shape)} for {outputs.shape[0] * outputs.shape[1]} "
                             "rows. Return losses before their mean is taken.")
    return found.view(len(outputs), -1)


class _Closed:
    """Backward pass of perceptrons written out: half the operations of a tape."""

    def __init__(self, model: MLP, loss: RowLoss):
        self.depth, self.loss = model.depth, loss
        self.act = ACTIVATIONS[model.activation]
        self.is_from_input = model.activation in FROM_INPUT
        self.back = (FROM_INPUT if self.is_from_input else FROM_OUTPUT)[model.activation]

    def __call__(self, params: Tensors, buffers: Tensors, batch: Batch,
                 into: Tensors) -> tuple[Tensor, Tensors]:
        before: list[Tensor] = []
        after = [batch.x.flatten(2)]
        for layer in range(self.depth + 1):
            before.append(linear(after[-1], params[f"layers.{layer}.weight"],
                                 params[f"layers.{layer}.bias"]))
            if layer < self.depth:
                after.append(self.act(before[-1]))
        losses, grad = self._top(before[-1], batch)
        for layer in range(self.depth, -1, -1):
            ahead = after[layer].expand(len(grad), -1, -1)
            _product(grad.mT, ahead, into[f"layers.{layer}.weight"])
            torch.sum(grad, 1, out=into[f"layers.{layer}.bias"])
            if layer:
                grad = torch.bmm(grad, params[f"layers.{layer}.weight"])
                known = before[layer - 1] if self.is_from_input else after[layer]
                grad = self.back(grad, known)
        return losses, buffers

    def _top(self, outputs: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
        """Losses of the models and the gradient of their sum at the outputs."""
        if self.loss is classification:
            log_shares, at = torch.log_softmax(outputs, -1), batch.y.unsqueeze(-1)
            losses = _weigh(-log_shares.gather(-1, at).squeeze(-1), batch.weights)
            minus = outputs.new_full((1, 1, 1), -1.0).expand(at.shape)
            grad = log_shares.exp_().scatter_add_(-1, at, minus)
            return losses, grad.mul_(batch.weights.unsqueeze(-1))
        with torch.inference_mode(mode=False), torch.enable_grad():
            top = outputs.clone().requires_grad_()
            losses = _weigh(row_losses(self.loss, top, batch.y.clone()), batch.weights.clone())
            grad, = torch.autograd.grad(losses.sum(), top)
        return losses.detach(), grad


class _Taped:
    """Backward pass by autograd through one of the forward passes."""

    def __init__(self, stack: Stack, forward: Forward, loss: RowLoss):
        self.model, self.forward, self.loss = stack.widest, forward, loss

    def __call__(self, params: Tensors, buffers: Tensors, batch: Batch,
                 into: Tensors) -> tuple[Tensor, Tensors]:
        leaves = {name: one.detach().requires_grad_() for name, one in params.items()}
        with torch.enable_grad():
            outputs, after = self.forward(self.model, leaves, buffers, batch.x, True)  # noqa: FBT003 - one of Forward
            losses = _weigh(row_losses(self.loss, outputs, batch.y), batch.weights)
            found = torch.autograd.grad(losses.sum(), list(leaves.values()))
        for one, whole in zip(found, into.values(), strict=True):
            whole.copy_(one)
        return losses.detach(), {name: one.detach() for name, one in after.items()}


def _product(left: Tensor, right: Tensor, into: Tensor) -> None:
    """Batched product into a given tensor; one whose models lie apart takes a copy."""
    if into.is_contiguous():
        torch.bmm(left, right, out=into)
    else:
        into.copy_(torch.bmm(left, right))


def _weigh(losses: Tensor, weights: Tensor) -> Tensor:
    """The loss of each model, ``weights @ losses``, shape (k,)."""
    return torch.linalg.vecdot(weights.expand_as(losses), losses)
