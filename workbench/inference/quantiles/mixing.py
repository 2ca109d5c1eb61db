"""Weights from a last layer and their mix of base quantiles, one tile of output levels at a time.

``quantile_k = weights_k @ inputs`` with ``weights_k = softmax(head_k @ hidden + bias_k)`` over all
inputs, for each output level k. A plain network holds all logits of a batch, their softmax and
both gradients: 59 thousand numbers a row for 99 levels and 6 models. Here each tile of levels is
weighed, mixed and differentiated while it is in the processor's cache. The gradient with respect
to the logits is ``weights * (inputs - quantile) * gradient``.

Source: aggregator (3) of R. Fakoor et al., JMLR 24 (2023); tiles and gradient are ours.
"""

from typing import Any

import torch
from torch import Tensor

__all__ = ["last_layer_weights", "mix"]

TILE = {"cpu": 500_000, "cuda": 2 ** 26}     # logits of a tile: each thread's cache; the card
KEPT = 2 ** 26                               # weights kept for the gradient; more are made again


def mix(hidden: Tensor, head: Tensor, bias: Tensor, inputs: Tensor, *,
        normalise: bool = True) -> Tensor:
    """Quantiles mixed by the weights that a last layer gives each row.

    Parameters
    ----------
    hidden : tensor, shape (n, h)
        What enters the last layer.
    head : tensor, shape (q, i, h)
        For each output level, one row for each of the i = k * q inputs.
    bias : tensor, shape (q, i)
    inputs : tensor, shape (n, i)
        Base quantiles, model by model; no gradient goes there.
    normalise : bool
        Softmax over the inputs; otherwise weights are ``1 / i + logits``.

    Returns
    -------
    quantiles : tensor, shape (n, q)
    """
    if not torch.is_grad_enabled():       # autograd would not say so inside, and weights be kept
        hidden, head, bias = hidden.detach(), head.detach(), bias.detach()
    return _Mix.apply(hidden, head, bias, inputs, normalise)


def last_layer_weights(hidden: Tensor, head: Tensor, bias: Tensor, *,
                       normalise: bool = True) -> Tensor:
    """The weights themselves, shape (n, q, i); over inputs they sum to one if normalised."""
    n, (q, i, h) = len(hidden), head.shape
    logits = torch.addmm(bias.reshape(-1), hidden, head.reshape(q * i, h).T).view(n, q, i)
    return torch.softmax(logits, -1) if normalise else logits + 1 / i


class _Mix(torch.autograd.Function):
    """Forward keeps the weights unless they are too many; backward frees each tile after use."""

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, head: Tensor, bias: Tensor, inputs: Tensor,
                normalise: bool) -> Tensor:  # noqa: FBT001 - autograd passes by position
        n, (q, i, _) = len(hidden), head.shape
        mixed = hidden.new_empty(n, q)
        keeps = any(ctx.needs_input_grad) and n * q * i <= KEPT
        ctx.normalise, ctx.kept, ctx.tiles = normalise, [], _tiles(q, n * i, hidden.device.type)
        for tile in ctx.tiles:
            weights = last_layer_weights(hidden, head[tile], bias[tile], normalise=normalise)
            torch.sum(weights * inputs.unsqueeze(1), -1, out=mixed[:, tile])
            if keeps:
                ctx.kept.append(weights)
        ctx.save_for_backward(hidden, head, bias, inputs, mixed)
        return mixed

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        hidden, head, bias, inputs, mixed = ctx.saved_tensors
        n, h = hidden.shape
        slopes = [torch.zeros_like(hidden), torch.empty_like(head), torch.empty_like(bias)]
        kept = iter(ctx.kept)
        for tile in ctx.tiles:
            grad = grads[0][:, tile].unsqueeze(-1)
            if ctx.normalise:
                weights = next(kept, None)
                if weights is None:
                    weights = last_layer_weights(hidden, head[tile], bias[tile])
                of_logits = inputs.unsqueeze(1) - mixed[:, tile].unsqueeze(-1)
                of_logits.mul_(grad).mul_(weights)
            else:
                of_logits = inputs.unsqueeze(1) * grad
            flat = of_logits.view(n, -1)
            torch.mm(flat.T, hidden, out=slopes[1][tile].view(-1, h))
            torch.sum(flat, 0, out=slopes[2][tile].view(-1))
            slopes[0].addmm_(flat, head[tile].reshape(-1, h))
        return *slopes, None, None


def _tiles(q: int, numbers: int, device: str) -> list[slice]:
    """Slices of the output levels, each with about as many logits as a tile holds."""
    logits = TILE["cuda"] if device == "cuda" else TILE["cpu"] * torch.get_num_threads()
    size = max(1, logits // max(1, numbers))
    return [slice(start, min(q, start + size)) for start in range(0, q, size)]
