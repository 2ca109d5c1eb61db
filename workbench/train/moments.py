"""What else may shape a step: inputs moved before the forward pass, and a penalty beside the loss.

Both are functions that :func:`workbench.train.fit` is given. ``perturb(model, micro, generator)``
returns the micro-batch to train on, for instance with adversarial inputs; the loop keeps what the
data gave as its `clean`. ``penalty(moment)`` is called after the forward pass and returns one of

- a tensor of shape (n,): rows that the weights meet as they meet the losses, ``weights @ rows``;
- a single number: what the micro-batch adds on its own, averaged over micro-batches and processes.

Its attribute ``needs`` may be ``{"features"}``: inputs of the last linear layer of the network, or
of the one that its attribute ``layer`` names.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from workbench.core import check
from workbench.train.forwarding import Forward
from workbench.train.losses import RowLoss
from workbench.train.micro import Micro, tensors_of

__all__ = ["Moment", "Perturbation", "Tap", "checked", "moment_of", "moved",
           "refuse_strangers"]

NEEDS = ("features",)
Perturbation = Callable[[nn.Module, Micro, torch.Generator], Micro]


@dataclass(frozen=True, eq=False)
class Moment:
    """A micro-batch between its forward pass and the gradient.

    Parameters
    ----------
    model : torch.nn.Module
        The network itself, outside any wrapper.
    loss : function of outputs and targets that gives one loss per row
    micro : Micro
        What the network saw; `micro.clean` is what the data gave, where inputs were perturbed.
    outputs : whatever the network answered
    losses : tensor, shape (n,)
        Differentiable, also by inputs that ask for a gradient.
    weights : tensor, shape (n,)
        Detached.
    features : tensor, shape (n, p), or None
        Where `needs` names them.
    step, total_steps, epoch : int
        Counted from zero.
    generator : torch.Generator
        On the CPU, for draws of the penalty's own; the same on each rank.
    """

    model: nn.Module
    loss: RowLoss
    micro: Micro
    outputs: Any
    losses: Tensor
    weights: Tensor
    features: Tensor | None
    step: int
    total_steps: int
    epoch: int
    generator: torch.Generator


class Tap:
    """Keep what a layer of a network is given, for as long as a run lasts.

    Parameters
    ----------
    model : torch.nn.Module
    layer : str, optional
        Dotted name; without one, the last linear layer.

    Raises
    ------
    ValueError
        If the network has no such layer.
    """

    def __init__(self, model: nn.Module, layer: str | None = None):
        parts = dict(model.named_modules())
        linear = [name for name, part in parts.items() if isinstance(part, nn.Linear)]
        chosen = layer if layer is not None else (linear or [None])[-1]
        if chosen not in parts:
            known = ", ".join(repr(name) for name in linear[-4:]) or "none"
            raise ValueError(f"layer must name a layer of the network, got {chosen!r}. Linear "
                             f"layers: {known}.")
        self.kept: Tensor | None = None
        self.handle = parts[chosen].register_forward_pre_hook(self._keep)

    def take(self) -> Tensor:
        """The features of the last forward pass, shape (n, p)."""
        if self.kept is None:
            raise ValueError("layer must take part in the forward pass, got one that was not "
                             "called. Name another layer.")
        kept, self.kept = self.kept, None
        return kept.flatten(1)

    def forget(self) -> None:
        """Drop what another pass through the network left, such as that of an attack."""
        self.kept = None

    def close(self) -> None:
        """Leave the network as it was."""
        self.forget()
        self.handle.remove()

    def _keep(self, _: nn.Module, given: tuple[Any, ...]) -> None:
        self.kept = given[0]


def moved(perturb: Perturbation | None, model: nn.Module, micros: Sequence[Micro],
          generator: torch.Generator) -> list[Micro]:
    """Micro-batches as the network is to see them.

    Raises
    ------
    TypeError, ValueError
        If `perturb` does not return a micro-batch of as many rows.
    """
    if perturb is None:
        return list(micros)
    found = []
    for micro in micros:
        other = perturb(model, micro, generator)
        if not isinstance(other, Micro):
            raise TypeError(f"perturb must return a micro-batch, got {type(other).__name__}. "
                            "Return dataclasses.replace(micro, x=...).")
        rows = [len(tensors_of(one.x)[0]) for one in (micro, other)]
        if rows[0] != rows[1]:
            raise ValueError(f"perturb must keep the rows, got {rows[1]} of {rows[0]}. Change "
                             "their inputs only.")
        found.append(replace(other, clean=micro))
    return found


def refuse_strangers(perturb: Any, penalty: Any, *, owns_step: bool) -> None:
    """Refuse what cannot be called or told, and a penalty where a weighter owns the step."""
    for name, thing in (("perturb", perturb), ("penalty", penalty)):
        if thing is not None and (not callable(thing) or isinstance(thing, type)):
            raise TypeError(f"{name} must be a function, got {thing!r}. Pass something that can "
                            "be called, or None.")
    for word in sorted(getattr(penalty, "needs", ())):
        check.one_of(NEEDS, needs=word)
    if penalty is not None and owns_step:
        raise ValueError("penalty must come with a weighter of losses, got one that owns the "
                         "step. Leave one of the two out.")


def checked(penalty: Any, moment: Moment) -> Tensor:
    """A penalty: one number for each row, or one for all.

    Raises
    ------
    TypeError, ValueError
        If it is neither.
    """
    told = penalty(moment)
    if not isinstance(told, Tensor):
        raise TypeError(f"penalty must return a tensor, got {type(told).__name__}. Return one "
                        "number, or one for each row.")
    if told.ndim and told.shape != moment.losses.shape:
        raise ValueError(f"penalty must be one number or one for each of {len(moment.losses)} "
                         f"rows, got shape {tuple(told.shape)}. Sum it over the other axes.")
    return told


def moment_of(run: Any, forward: Forward, weights: Tensor) -> Moment:
    """What a penalty is told."""
    return Moment(run.job.model, run.job.loss, forward.micro, forward.outputs, forward.losses,
                  weights, run.tap.take() if run.tap else None, run.clock.step, run.total,
                  run.clock.epoch, run.randomness.generator)
