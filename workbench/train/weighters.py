"""Sample weighters: what they are told, what they may ask for, and the neutral one.

A weighter is a pure function ``weights = weighter(losses)``. One with memory has ``init(n)``,
which gives a state, and ``update(state, losses)``, which gives the next state and the weights.
Tensors of the first state are put on the device of the run. An optional ``metrics()``, of the
state where there is one, gives more columns of the history. Four attributes say more:

``needs``, a set of words in `NEEDS` (`passes:3` for three more forward passes)
    The weighter is then given a :class:`Batch` in place of the losses; "losses" alone, as without
    `needs`, gives it the losses. "step" asks for nothing but the batch, which knows the time.
``scope``, "batch" or "step"
    "batch" weighs each micro-batch on its own; "step" weighs all rows of an optimiser step at
    once, over micro-batches and devices, at the price of a second forward pass where a step has
    several micro-batches.
``free_sum``, a bool
    Whether weights may sum to another number than one, which then scales the step: weights of
    classes, for instance, say 2 / n for each row of a batch that holds nothing but a rare class.
``refuses_empty``, a bool
    Whether the loop is to refuse rows of text without a token where the loss is `causal_lm`.

A weighter that owns the optimiser step has ``prepare`` and ``step``, see `workbench.train.meta`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from workbench.core import check
from workbench.train.losses import token_counts

__all__ = ["NEEDS", "Batch", "ByTokens", "MemoryWeighter", "SampleWeighter", "Uniform"]

NEEDS = ("losses", "step", "index", "group", "targets", "inputs", "logits", "gradient_norms",
         "passes")


@dataclass(frozen=True, eq=False)
class Batch:
    """What a weighter is told about the rows that it weighs.

    Parameters
    ----------
    losses : tensor, shape (n,)
        Detached.
    step, total_steps, epoch : int
        Counted from zero.
    rank, world_size : int
        Of the processes that share a step.
    generator : torch.Generator
        On the CPU, for the weighter's own draws; the same on each rank.
    index : tensor of int64, shape (n,), or None
        Rows in the data.
    group : tensor, shape (n,), or None
        Their source, domain or class, as the data says.
    targets, inputs, logits : tensor or mapping of tensors, n rows, or None
        Only where `needs` names them.
    gradient_norms : tensor, shape (n,), or None
        Norm of each row's own gradient, only where `needs` names it.
    passes : tensor, shape (g, n), or None
        Losses of g more forward passes, other in the dropout, only where `needs` asks.
    gather, local : functions of a tensor whose first axis is rows
        All ranks' rows, and this rank's rows of all.
    """

    losses: Tensor
    step: int
    total_steps: int
    epoch: int
    rank: int
    world_size: int
    generator: torch.Generator
    gather: Callable[[Tensor], Tensor]
    local: Callable[[Tensor], Tensor]
    index: Tensor | None = None
    group: Tensor | None = None
    targets: Any = None
    inputs: Any = None
    logits: Any = None
    gradient_norms: Tensor | None = None
    passes: Tensor | None = None


class SampleWeighter(Protocol):
    """A pure function of losses."""

    def __call__(self, losses: Any, /) -> Any:
        """Weights on the simplex, shape (n,); of a `Batch` where the weighter has `needs`."""


class MemoryWeighter(Protocol):
    """A weighter with a state that is passed in and out."""

    def init(self, n: int) -> Any:
        """The first state, for data of n rows; 0 where the number is not known."""

    def update(self, state: Any, losses: Any, /) -> tuple[Any, Any]:
        """The next state and the weights."""


@dataclass(frozen=True)
class Uniform:
    """Equal weights, the neutral weighter: parameters as without weights, bit for bit.

    The gradient of ``weights @ losses`` is 1 / n for each loss, as that of their mean; the two
    values themselves may differ by rounding.

    Examples
    --------
    >>> Uniform()(torch.tensor([3.0, 1.0])).tolist()
    [0.5, 0.5]
    """

    def __call__(self, losses: Tensor) -> Tensor:
        return torch.full_like(losses, 1 / len(losses))


@dataclass(frozen=True)
class ByTokens:
    """Weight by the tokens that each row is judged by: the mean over tokens, not over rows.

    Parameters
    ----------
    ignored : int
        Label that counts nothing.
    """

    ignored: int = -100
    needs: frozenset[str] = frozenset({"targets"})
    scope: str = "step"

    def __call__(self, batch: Batch) -> Tensor:
        counts = token_counts(batch.targets, ignored=self.ignored)
        counts = counts + (counts.sum() == 0)          # nothing to judge: every loss is zero
        return counts.to(batch.losses.dtype) / counts.sum()


def refuse_no_weighter(weighter: Any) -> None:
    """Refuse a class in place of its object, and what gives no weights."""
    works = callable(weighter) or any(all(hasattr(weighter, name) for name in names) for names in (
        ("init", "update"), ("prepare", "step")))
    if isinstance(weighter, type) or not works:
        name = getattr(weighter, "__name__", type(weighter).__name__)
        kind = "the class " if isinstance(weighter, type) else ""
        raise TypeError("weighter must be a function of losses, or have init and update, or "
                        f"prepare and step, got {kind}{name}. Pass an object, or None for equal "
                        "weights.")


def checked_needs(weighter: Any) -> dict[str, int]:
    """What a weighter asks for, with how many of it."""
    asked: dict[str, int] = {}
    for word in getattr(weighter, "needs", ()):
        name, _, count = str(word).partition(":")
        check.one_of(NEEDS, needs=name)
        asked[name] = int(count) if count.isdigit() else 1
    return asked
