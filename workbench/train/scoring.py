"""Losses and errors of stacked models on rows, in evaluation mode; moments of normalisation."""

import math
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from workbench.train.losses import RowLoss, classification
from workbench.train.stack import Stack
from workbench.train.stacked_batches import Sample
from workbench.train.stacked_gradients import row_losses

__all__ = ["normalise_again", "score"]

MOMENTS = ("running_mean", "running_var")
NUMBERS = 2 ** 19        # of inputs and outputs of all models that are looked at together


def score(stack: Stack, sample: Sample, *, models: Sequence[int] | None = None,
          loss: RowLoss = classification) -> tuple[Tensor, Tensor]:
    """Mean loss and share of wrong classes of each model, in evaluation mode.

    Parameters
    ----------
    stack : Stack
    sample : Sample
        Weighted rows count by their amounts.
    models : sequence of int, or None
        Positions of the stack's models in the sample; None for one after another.
    loss : function of outputs and targets
        Per row; see :mod:`workbench.train.losses`.

    Returns
    -------
    losses : tensor, shape (k,)
        In the unit of the loss.
    errors : tensor, shape (k,)
        In [0, 1]; NaN where targets are no class numbers.
    """
    at = torch.tensor(range(len(stack)) if models is None else list(models))
    found: list[Tensor] = []
    with torch.no_grad():
        for x, y, amounts in _parts(sample, at):
            outputs, _ = stack.forward(stack.params, stack.buffers, x)
            y = y.expand(len(stack), *y.shape[1:])
            amounts = amounts.to(outputs.dtype).expand(len(stack), -1)
            numbers = row_losses(loss, outputs, y), _is_wrong(outputs, y), torch.ones_like(amounts)
            found.append(torch.stack([(one * amounts).sum(1) for one in numbers]))
    losses, errors, mass = torch.stack(found).sum(0)
    return losses / mass, errors / mass


def _parts(sample: Sample, at: Tensor) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Inputs, targets and amounts, shape (k or 1, m, ...), of some rows after others."""
    many = sample.rows is not None
    index = (torch.stack([sample.rows[int(k)].cpu() for k in at]) if sample.rows is not None
             else torch.arange(len(sample.x))[None]).to(sample.x.device)
    k = at[:, None].to(sample.x.device)
    length = max(64, NUMBERS // max(1, len(at) * sample.x[0].numel()))
    for rows in index.split(length, dim=1):
        x = sample.x[rows] if many else sample.x[rows[0]][None]
        y = sample.y[k, rows] if sample.is_own else sample.y[rows]
        if sample.weight is None:
            amounts = torch.ones(1, rows.shape[1], device=x.device)
        else:
            amounts = sample.weight[rows] if sample.weight.ndim == 1 else sample.weight[k, rows]
        yield x, y, amounts


def _is_wrong(outputs: Tensor, y: Tensor) -> Tensor:
    """1 where the largest output, shape (k, m, c), is not that of the class, shape (k, m)."""
    if outputs.ndim != 3 or y.ndim != 2 or y.is_floating_point():
        return torch.full(outputs.shape[:2], math.nan, device=outputs.device, dtype=outputs.dtype)
    wrong = (outputs.argmax(-1) != y).to(outputs.dtype)
    return wrong.masked_fill(outputs.isnan().any(-1), math.nan)


def normalise_again(stack: Stack, x: Tensor, *, batch_size: int = 128) -> Stack:
    """Stack whose running moments are the means over batches of `x`; parameters stay.

    Parameters
    ----------
    stack : Stack
        Without running moments it comes back as it is.
    x : tensor, shape (1, n, ...) or (k, n, ...)
        Rows that all models see, or each its own.
    batch_size : int > 1
        A last batch of another size is left out, so that all count the same.
    """
    moments = [name for name in stack.buffers if name.rsplit(".", 1)[-1] in MOMENTS]
    if not moments:
        return stack
    size = min(batch_size, x.shape[1])
    batches = [rows for rows in x.split(size, dim=1) if rows.shape[1] == size]
    # From zero, one update leaves `momentum` times the moments of the batch.
    zero = {name: torch.zeros_like(one) for name, one in stack.buffers.items()}
    total = {name: zero[name].clone() for name in moments}
    with torch.no_grad():
        for rows in batches:
            _, after = stack.forward(stack.params, {**stack.buffers, **zero}, rows, training=True)
            for name in moments:
                total[name] += after[name] / _momentum(stack, name) / len(batches)
    return stack.replace(stack.params, {**stack.buffers, **total})


def _momentum(stack: Stack, name: str) -> float:
    """Share of a batch in a running moment that is at its first update."""
    found = getattr(stack.widest.get_submodule(name.rpartition(".")[0]), "momentum", None)
    return 1.0 if found is None else float(found)
