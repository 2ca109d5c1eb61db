"""The loss that source weights multiply, and their gradient under the penalty.

With ``p = softmax(logits)`` a row of source ``j`` weighs ``p_j / n_j``, where ``n_j`` counts the
rows of the source in the whole step. The penalty objective
``L1(w) + alpha * (L2(logits, w) - L2(logits, u))`` is linear in ``p``: with
``g_j = alpha * (mean loss of w on j - mean loss of u on j)`` its gradient in the logits is
``p_j * (g_j - p @ g)``. A source that is not in the step says nothing, so that it is left out of
the mean and its logit stays.
"""

import math
from typing import TYPE_CHECKING

from workbench.core import check

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["penalty_hypergradient", "row_weights", "slope", "source_softmax_loss", "source_sums"]


def source_softmax_loss(losses: "Tensor", source: "Tensor", logits: "Tensor",
                        counts: "Tensor") -> "Tensor":
    """Sum over rows of ``p_s(i) * losses_i / counts_s(i)``; differentiable in all but `source`.

    Parameters
    ----------
    losses : tensor, shape (n,)
    source : tensor of whole numbers, shape (n,)
        From 0 to K - 1.
    logits : tensor, shape (K,)
    counts : tensor, shape (K,)
        Rows of each source in the whole step, over micro-batches and processes.

    Returns
    -------
    loss : tensor of no axes

    Raises
    ------
    ValueError
        If shapes disagree, a source is unknown, or one with rows has a count below one.

    Examples
    --------
    >>> import torch
    >>> source = torch.tensor([0, 0, 1])
    >>> source_softmax_loss(torch.tensor([1.0, 3.0, 6.0]), source, torch.zeros(2),
    ...                     torch.tensor([2, 1])).item()               # (2 + 6) / 2
    4.0
    """
    _refuse(losses, source, logits, counts)
    return row_weights(source, logits, counts) @ losses


def row_weights(source: "Tensor", logits: "Tensor", counts: "Tensor") -> "Tensor":
    """Weight of each row, ``p_s(i) / counts_s(i)``, shape (n,); one in all if no source misses."""
    return (logits.softmax(0) / counts.to(logits).clamp(min=1e-12))[source]


def source_sums(values: "Tensor", source: "Tensor", k: int) -> "Tensor":
    """Sum of the values of each source, shape (k,)."""
    return values.new_zeros(k).index_add(0, source, values)


def penalty_hypergradient(loss_w_by_source: "Tensor", loss_u_by_source: "Tensor",
                          logits: "Tensor", alpha: float,
                          present: "Tensor | None" = None) -> "Tensor":
    """Gradient of the penalty objective in the logits, shape (K,); its entries sum to zero.

    Parameters
    ----------
    loss_w_by_source, loss_u_by_source : tensor, shape (K,)
        Mean loss on each source of the network that also sees validation rows, and of its twin
        that does not.
    logits : tensor, shape (K,)
    alpha : float > 0
    present : tensor of bool, shape (K,), optional
        Sources with rows in the step; all, without.

    Raises
    ------
    ValueError
        If shapes disagree, alpha is not positive, or a loss is not finite.

    Examples
    --------
    >>> import torch
    >>> found = penalty_hypergradient(torch.tensor([2.0, 1.0]), torch.ones(2), torch.zeros(2), 10)
    >>> found.tolist()             # the first source is fitted worse with validation: down
    [2.5, -2.5]
    """
    check.positive(alpha=alpha)
    if not loss_w_by_source.shape == loss_u_by_source.shape == logits.shape or logits.ndim != 1:
        raise ValueError("penalty_hypergradient must have one loss of each network for each "
                         f"logit, got shapes {tuple(loss_w_by_source.shape)}, "
                         f"{tuple(loss_u_by_source.shape)} and {tuple(logits.shape)}. Pass "
                         "means by source.")
    gaps = loss_w_by_source - loss_u_by_source
    gaps = gaps if present is None else gaps.where(present, 0.0)
    if not bool(gaps.isfinite().all()):
        raise ValueError(f"gaps between the networks must be finite, got {gaps.tolist()}. "
                         "Lower the learning rates.")
    return slope(alpha * gaps, logits, present)


def slope(gaps: "Tensor", logits: "Tensor", present: "Tensor | None" = None) -> "Tensor":
    """``p_j * (gaps_j - mean under p of the gaps that are present)``, zero where absent."""
    p = logits.softmax(0)
    if present is not None:
        p = p * present
        gaps = gaps.where(present, 0.0)
    total = p.sum().clamp(min=1e-30)
    return p * (gaps - (p @ gaps) / total)


def _refuse(losses: "Tensor", source: "Tensor", logits: "Tensor", counts: "Tensor") -> None:
    if losses.ndim != 1 or source.shape != losses.shape or logits.ndim != 1 or (
            counts.shape != logits.shape):
        raise ValueError("source_softmax_loss must have losses and sources (n,), logits and "
                         f"counts (K,), got shapes {tuple(losses.shape)}, {tuple(source.shape)}, "
                         f"{tuple(logits.shape)} and {tuple(counts.shape)}. Pass means by row.")
    if source.is_floating_point() or source.dtype == bool:
        raise ValueError(f"source must be whole numbers, got {source.dtype}. Pass .long().")
    if not len(source):
        return
    low, high = int(source.min()), int(source.max())
    if low < 0 or high >= len(logits):
        raise ValueError(f"source must lie in 0 to {len(logits) - 1}, got "
                         f"{low if low < 0 else high}. Number the sources from zero.")
    least = float(counts[source].min())
    if not (math.isfinite(least) and least >= 1):
        raise ValueError(f"counts must be at least 1 for a source with rows, got {least:g}. "
                         "Count the rows of the whole step.")
