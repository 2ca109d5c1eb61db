"""Meta weighters own the whole optimiser step: they learn their weights while the network learns.

``state = weighter.prepare(step)`` is called once and ``state, result = weighter.step(state,
step)`` for each step of the optimiser. A state may hold tensors, numbers, networks, optimisers and
generators, nested in dictionaries, sequences and dataclasses: checkpoints keep them.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.optim import Optimizer

from workbench.train.autodiff import apply
from workbench.train.losses import RowLoss
from workbench.train.micro import Micro

__all__ = ["MetaStep", "MetaWeighter", "StepResult"]


@dataclass(frozen=True, eq=False)
class StepResult:
    """What a step did.

    Parameters
    ----------
    loss : tensor of no axes
        Weighted loss.
    losses, weights : tensors, shape (n,)
        Detached.
    metrics : mapping of name to number or tensor
        More columns of the history.
    """

    loss: Tensor
    losses: Tensor
    weights: Tensor
    metrics: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class MetaStep:
    """What a meta weighter works with.

    Parameters
    ----------
    model : torch.nn.Module
        The network itself, outside any wrapper, so that gradients of gradients reach it.
    optimiser : torch.optim.Optimizer
        Of the network; its rate follows the schedule.
    loss : function of outputs and targets that gives one loss per row
    micros : sequence of Micro
        Rows of this step on this process.
    next_batch : function of "train" or "meta" that gives a Micro
        More rows, from `meta` data where the run was given some.
    all_reduce : function of a tensor
        Mean over processes; gradients taken here are not shared by themselves.
    autocast : function that gives a context
        The precision of the run.
    step, total_steps, epoch : int
        Counted from zero.
    generator : torch.Generator
        For the weighter's own draws.
    """

    model: nn.Module
    optimiser: Optimizer
    loss: RowLoss
    micros: Sequence[Micro]
    next_batch: Callable[[str], Micro]
    all_reduce: Callable[[Tensor], Tensor]
    autocast: Callable[[], AbstractContextManager[Any]]
    step: int
    total_steps: int
    epoch: int
    generator: torch.Generator

    @property
    def params(self) -> dict[str, nn.Parameter]:
        """The parameters that are trained, by name."""
        return {name: param for name, param in self.model.named_parameters()
                if param.requires_grad}

    def losses(self, params: Mapping[str, Tensor], micro: Micro) -> Tensor:
        """Losses of rows under other parameters, shape (n,); differentiable in them."""
        with self.autocast():
            outputs = apply(lambda *given, **named: functional_call(
                self.model, dict(params), given, named), micro.x)
        return self.loss(outputs, micro.y)


class MetaWeighter(Protocol):
    """A weighter that owns the step."""

    def prepare(self, step: MetaStep) -> Any:
        """The first state; `step.micros` is empty."""

    def step(self, state: Any, step: MetaStep) -> tuple[Any, StepResult]:
        """Train the network by one step."""
