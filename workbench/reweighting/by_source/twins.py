"""Parts of a step of two networks: losses, gradients over processes, one optimiser step."""

import copy
import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from workbench.reweighting.by_source.stratified import checked_counts

if TYPE_CHECKING:
    from torch import Tensor, nn
    from torch.optim import Optimizer

    from workbench.train.meta import MetaStep, StepResult
    from workbench.train.micro import Micro

__all__ = ["counted_sources", "descend", "gradients", "refuse_adapters", "row_losses",
           "sources_of", "told", "twin_of"]

MOST = 4096              # sources that are found by themselves
LOOKED = 64              # batches that are looked at where rows have no places


def twin_of(model: "nn.Module", optimiser: "Optimizer") -> "tuple[nn.Module, Optimizer]":
    """A network and its optimiser once more, from the same numbers."""
    return copy.deepcopy((model, optimiser))


def row_losses(step: "MetaStep", model: "nn.Module", micro: "Micro") -> "Tensor":
    """Losses of rows under a network, shape (n,).

    Raises
    ------
    ValueError
        If the loss does not give one number for each row.
    """
    from workbench.train.autodiff import apply
    from workbench.train.micro import tensors_of

    with step.autocast():
        outputs = apply(model, micro.x)
    losses = step.loss(outputs, micro.y)
    rows = len(tensors_of(micro.x)[0])
    if getattr(losses, "shape", None) != (rows,):
        raise ValueError(f"loss must give one number for each row, shape ({rows},), got "
                         f"{tuple(getattr(losses, 'shape', ()))} at step {step.step}. Give "
                         "reduction='none', and the mean over all axes but the first.")
    return losses


def gradients(loss: "Tensor", params: "Sequence[nn.Parameter]",
              before: "Sequence[Tensor | None] | None") -> "list[Tensor | None]":
    """Gradients of a loss, added to those of micro-batches before it."""
    import torch

    found = torch.autograd.grad(loss, params, allow_unused=True)
    if before is None:
        return list(found)
    return [one if two is None else two if one is None else one + two
            for one, two in zip(before, found, strict=True)]


def descend(step: "MetaStep", optimiser: "Optimizer", params: "Sequence[nn.Parameter]",
            found: "Sequence[Tensor | None]", largest: float) -> None:
    """One step of an optimiser down gradients, their mean over processes, clipped."""
    from workbench.train.clipping import clip_gradients

    for group in optimiser.param_groups:       # those that are frozen now, too
        for param in group["params"]:
            param.grad = None
    for param, gradient in zip(params, found, strict=True):
        param.grad = None if gradient is None else step.all_reduce(gradient)
    clip_gradients(params, largest)
    optimiser.step()


def sources_of(step: "MetaStep", micro: "Micro", k: int) -> "Tensor":
    """The source of each row; on a graphics card, sources are looked at in the first epoch.

    Raises
    ------
    ValueError
        If there is none, or one is outside 0 to k - 1.
    """
    group = micro.group
    if group is None:
        raise _untold()
    if group.is_floating_point():
        raise ValueError(f"sources must be whole numbers, got {group.dtype} at step {step.step}. "
                         "Pass group.long().")
    if group.device.type == "cpu" or not step.epoch:
        low, high = int(group.min()), int(group.max())
        if low < 0 or high >= k:
            raise ValueError(f"sources must lie in 0 to {k - 1}, got {low if low < 0 else high} "
                             f"at step {step.step}. Number them from zero, or pass n_sources=.")
    return group.long()


def counted_sources(step: "MetaStep") -> int:
    """How many sources the training data have, over all processes.

    One pass over data whose rows have places; else the first batches of a loader.

    Raises
    ------
    ValueError
        If there are fewer than two, or one has no rows.
    """
    import torch

    seen, counts = set[int](), torch.zeros(MOST)
    for batches in itertools.count(1):
        micro = step.next_batch("train")
        if micro.group is None:
            raise _untold()
        group = micro.group.long().cpu()
        if int(group.min()) < 0 or int(group.max()) >= MOST:
            raise ValueError(f"sources must lie in 0 to {MOST - 1}, got "
                             f"{int(group.min())} to {int(group.max())}. Number them from zero.")
        counts += torch.bincount(group, minlength=MOST)
        if _is_done(micro, seen, batches):
            break
    counts = step.all_reduce(counts.to(next(step.model.parameters()).device)).cpu()
    known = torch.nonzero(counts).flatten()
    return len(checked_counts(counts[:int(known.max()) + 1]))


def _is_done(micro: "Micro", seen: set[int], batches: int) -> bool:
    """Whether a row came again, or enough batches of rows without places."""
    if micro.index is None:
        return batches >= LOOKED
    rows: Any = micro.index.tolist()
    if seen.intersection(rows):
        return True
    seen.update(rows)
    return False


def _untold() -> ValueError:
    return ValueError("data must tell the source of each row, got none. Pass (x, y, group), or a "
                      "mapping with 'group'.")


def told(losses: "list[Tensor]", weights: "list[Tensor]", p: "Tensor",
          found: "tuple[Tensor, Tensor, Tensor]") -> "StepResult":
    """What the step did; losses are not finite where those of the twin are not."""
    import torch

    from workbench.train import StepResult

    (means, gaps, ahead), rows = found, torch.cat(losses)
    every = torch.cat(weights).to(rows)
    metrics = {"validation_loss": ahead, "twin_loss": p @ means[1]}
    for kind, values in (("weight", p), ("gap", gaps)):
        metrics |= {f"{kind}_{at}": one for at, one in enumerate(values.unbind())}
    return StepResult(every @ rows, rows.where(gaps.isfinite().all(), torch.nan), every,
                      metrics)


def refuse_adapters(model: "nn.Module") -> None:
    """Refuse a network with low-rank adapters, whose blocks are frozen already."""
    if any("lora_" in name for name, _ in model.named_parameters()):
        raise ValueError("lisa must be None for a network with low-rank adapters, got LISA. "
                         "Train the adapters, or all of a few blocks, not both.")
