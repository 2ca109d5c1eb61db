"""Hold a weighter that owns the step to what it must tell: one weight for each row, none wrong."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from workbench.train.meta import StepResult
from workbench.train.micro import Micro, tensors_of
from workbench.train.weighing import NEVER, Weighing

__all__ = ["checked_step"]


def checked_step(weighing: Weighing, told: Any, micros: Sequence[Micro],
                 step: int) -> tuple[Any, StepResult]:
    """The state and the result of a step, if they are what they must be.

    Parameters
    ----------
    weighing : Weighing
    told : any
        What the weighter's `step` gave.
    micros : sequence of Micro
        Rows of the step.
    step : int

    Returns
    -------
    state : any
    result : StepResult

    Raises
    ------
    TypeError
        If it is no state with a `StepResult` of tensors.
    ValueError
        If a weight is negative or not finite, if there is not one for each row of the step, or if
        all are zero on the one process. A step whose losses are not finite is let through: it
        diverged.

    Notes
    -----
    Their sum is the weighter's own business. Where looking waits for a graphics card, a fault is
    noted and raised with the next row of the history.
    """
    if not (isinstance(told, tuple) and len(told) == 2 and isinstance(told[1], StepResult)):
        raise TypeError(f"{weighing.name} must give a state and a StepResult, got "
                        f"{type(told).__name__} at step {step}. Return both from its step().")
    for name in ("loss", "losses", "weights"):
        if not isinstance(getattr(told[1], name), Tensor):
            raise TypeError(f"{weighing.name} must tell its {name} as a tensor, got "
                            f"{type(getattr(told[1], name)).__name__} at step {step}. Detach it, "
                            "and leave it a tensor.")
    losses, weights = told[1].losses.detach(), told[1].weights.detach()
    rows = sum(len(tensors_of(micro.x)[0]) for micro in micros)
    if weights.shape != (rows,) or losses.shape != (rows,):
        raise _wrong(weighing, f"shape {tuple(weights.shape)} for losses of shape "
                               f"{tuple(losses.shape)} and {rows} rows", step)
    good = torch.isfinite(weights).all() & (weights.min() >= 0)
    if weighing.team.size == 1:
        good = good & (weights.sum() > 0)
    bad = torch.isfinite(losses).all() & ~good
    if not weighing.immediate:
        before = torch.full((), NEVER, device=bad.device) if weighing.fault is None \
            else weighing.fault
        weighing.fault = torch.where(bad, before.clamp(max=step), before)
    elif bool(bad):
        raise _wrong(weighing, f"smallest {float(weights.min()):.3g} and sum "
                               f"{float(weights.sum()):.6g}", step)
    return told


def _wrong(weighing: Weighing, what: str, step: int) -> ValueError:
    return ValueError(f"{weighing.name} must tell one finite weight >= 0 for each row of its "
                      f"step, not all zero, got {what} at step {step}. Check what it does to "
                      "extreme losses, and tell the weights that multiplied them.")
