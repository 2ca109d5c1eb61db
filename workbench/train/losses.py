"""Losses of single rows, in float32 whatever the precision of the network.

Each function takes what the network gave and the targets, and returns one loss per row: the loop
weighs them. A network's answer may be a tensor or an object with `logits`, as those of Hugging
Face have.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from workbench.core import check

__all__ = ["IGNORED", "RowLoss", "causal_lm", "classification", "counter_of", "logits_of",
           "regression", "token_counts"]

IGNORED = -100      # label of a token that counts nothing, as in PyTorch and Hugging Face
NOTHING = -2 ** 31  # label that no data have
RowLoss = Callable[[Any, Tensor], Tensor]


def logits_of(outputs: Any) -> Tensor:
    """The tensor that a network answered with: itself, its `logits`, or the first of a tuple."""
    found = getattr(outputs, "logits", outputs)
    found = found[0] if isinstance(found, tuple | list) and found else found
    if not isinstance(found, Tensor):
        raise TypeError("outputs must be a tensor or have logits, got "
                        f"{type(outputs).__name__}. Pass loss= a function of what your network "
                        "returns.")
    return found


def classification(outputs: Any, y: Tensor) -> Tensor:
    """Cross-entropy of each row, ``-log softmax(logits)[y]`` [nats].

    Parameters
    ----------
    outputs : tensor, shape (n, c), or an object with such `logits`
    y : tensor of whole numbers, shape (n,)
        Classes 0 to c - 1.

    Returns
    -------
    losses : tensor of float32, shape (n,)
        float64 for logits of float64.

    Raises
    ------
    ValueError
        If shapes disagree or, on the CPU, if a label is out of range.

    Examples
    --------
    >>> losses = classification(torch.zeros(2, 4), torch.tensor([0, 3]))
    >>> [round(loss, 4) for loss in losses.tolist()]                         # log 4
    [1.3863, 1.3863]
    """
    logits, y = logits_of(outputs), _given(y)
    if logits.ndim != 2 or y.shape != logits.shape[:1]:
        raise ValueError("classification must have logits (n, c) and labels (n,), got shapes "
                         f"{tuple(logits.shape)} and {tuple(y.shape)}. Pass class numbers, or "
                         "another loss.")
    if y.is_floating_point() or y.is_complex() or y.dtype == torch.bool:
        raise ValueError(f"labels must be whole class numbers, got {y.dtype}. Convert them with "
                         ".long().")
    try:
        return functional.cross_entropy(_wide(logits), y.long(), reduction="none",
                                        ignore_index=NOTHING)
    except IndexError:
        labels_in_range(y, logits.shape[1])
        raise


def labels_in_range(y: Tensor, classes: int) -> None:
    """Refuse labels outside 0 to `classes` - 1; this waits for a graphics card."""
    if not len(y):
        return
    low, high = (int(end) for end in torch.aminmax(y))
    if low < 0 or high >= classes:
        raise ValueError(f"labels must lie in 0 to {classes - 1} for {classes} outputs, got "
                         f"{low if low < 0 else high}. Give the network more outputs, or number "
                         "the classes from zero.")


def regression(outputs: Any, y: Tensor) -> Tensor:
    """Squared error of each row, mean over its outputs [unit of y, squared].

    Parameters
    ----------
    outputs : tensor, shape (n,) or (n, ...), or an object with such `logits`
    y : tensor, shape of `outputs`, or (n,) where that is (n, 1)

    Returns
    -------
    losses : tensor, shape (n,)

    Raises
    ------
    ValueError
        If shapes disagree, instead of spreading one over the other.

    Examples
    --------
    >>> regression(torch.tensor([[1.0], [4.0]]), torch.tensor([1.0, 2.0])).tolist()
    [0.0, 4.0]
    """
    predicted, y = logits_of(outputs), _given(y)
    if predicted.ndim == 2 and predicted.shape[1] == 1 and y.ndim == 1:
        predicted = predicted[:, 0]
    if predicted.shape != y.shape or not predicted.ndim:
        raise ValueError(f"outputs must have the shape of y, got {tuple(predicted.shape)} and "
                         f"{tuple(y.shape)}. Reshape y, or give the network as many outputs.")
    return (_wide(predicted) - y).square().flatten(1).mean(1) if y.ndim > 1 \
        else (_wide(predicted) - y).square()


def causal_lm(outputs: Any, labels: Tensor, *, ignored: int = IGNORED,
              chunk_tokens: int = 8192) -> Tensor:
    """Mean cross-entropy of the next token in each row [nats per token].

    Parameters
    ----------
    outputs : tensor, shape (n, t, v), or an object with such `logits`
    labels : tensor of int64, shape (n, t)
        The tokens that were read; the function shifts them by one.
    ignored : int
        Label that counts nothing; a row of nothing else has loss 0.
    chunk_tokens : int > 0
        Tokens whose logits are widened to float32 at a time; more are done in pieces that are
        computed again for the gradient, so that memory stays bounded.

    Returns
    -------
    losses : tensor of float32, shape (n,)

    Raises
    ------
    ValueError
        If shapes disagree.

    Examples
    --------
    >>> losses = causal_lm(torch.zeros(1, 3, 8), torch.tensor([[1, 2, 3]]))
    >>> round(losses.item() / 3, 4)                      # log 8 = 3 log 2
    0.6931
    """
    check.positive(chunk_tokens=chunk_tokens)
    logits, labels = logits_of(outputs), _given(labels)
    if logits.ndim != 3 or labels.shape != logits.shape[:2] or labels.shape[1] < 2:
        raise ValueError("causal_lm must have logits (n, t, v) and labels (n, t) with t > 1, got "
                         f"shapes {tuple(logits.shape)} and {tuple(labels.shape)}. Pass the "
                         "tokens themselves as labels.")
    n, t, v = logits.shape
    shifted = labels[:, 1:].reshape(-1)
    flat = logits[:, :-1].reshape(-1, v)
    pieces = [_tokens(flat[at:at + chunk_tokens], shifted[at:at + chunk_tokens], ignored,
                      again=len(flat) > chunk_tokens and flat.requires_grad)
              for at in range(0, len(flat), chunk_tokens)]
    total = torch.cat(pieces).view(n, t - 1).sum(1)
    return total / token_counts(labels, ignored=ignored).clamp(min=1)


def token_counts(labels: Tensor, *, ignored: int = IGNORED) -> Tensor:
    """Tokens of each row that a causal language model is judged by, shape (n,)."""
    return (labels[:, 1:] != ignored).sum(1)


def counter_of(loss: RowLoss) -> Callable[[Tensor], Tensor] | None:
    """How the tokens of a loss are counted: for `causal_lm` and a partial of it; else nothing."""
    inner, told = (loss.func, loss.keywords) if isinstance(loss, partial) else (loss, {})
    return partial(token_counts, ignored=told.get("ignored", IGNORED)) if (
        inner is causal_lm) else None


def _tokens(logits: Tensor, labels: Tensor, ignored: int, *, again: bool) -> Tensor:
    if again:
        return checkpoint(_tokens, logits, labels, ignored, again=False, use_reentrant=False,
                          preserve_rng_state=False)
    try:
        return functional.cross_entropy(_wide(logits), labels, ignore_index=ignored,
                                        reduction="none")
    except IndexError:
        labels_in_range(labels[labels != ignored], logits.shape[1])
        raise


def _given(y: Any) -> Tensor:
    if not isinstance(y, Tensor):
        raise TypeError(f"y must be a tensor of targets, got {type(y).__name__}. In a mapping "
                        "name them 'labels' or 'y'.")
    return y


def _wide(numbers: Tensor) -> Tensor:
    return numbers if numbers.dtype == torch.float64 else numbers.float()
