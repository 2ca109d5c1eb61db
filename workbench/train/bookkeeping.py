"""What comes after a step: rows of the history, scores, checkpoints, and whether to go on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from workbench.train.progress import Progress
from workbench.train.run import Run

__all__ = ["Seen", "ending", "is_due", "note", "tell"]


@dataclass(eq=False)
class Seen:
    """What a step saw of its rows, detached."""

    losses: list[Tensor] = field(default_factory=list)
    weights: list[Tensor] = field(default_factory=list)
    loss: Any = 0.0
    norm: Tensor | None = None
    metrics: Mapping[str, Any] = field(default_factory=dict)

    def add(self, losses: Tensor, weights: Tensor, loss: Tensor) -> None:
        """One more micro-batch, and its share of what the step makes small."""
        self.losses.append(losses)
        self.weights.append(weights)
        self.loss = self.loss + loss


def note(run: Run, seen: Seen, shown: Progress) -> None:
    """Add a row to the history; numbers come off the device here."""
    run.look()
    losses, weights = torch.cat(seen.losses), torch.cat(seen.weights)
    mean, total = run.team.mean(losses.mean()), run.team.mean(seen.loss)
    every = run.team.gather(weights)
    penalty = {} if run.job.penalty is None else {
        "penalty": run.team.mean(torch.stack(run.penalties).mean())}
    row = run.history.note({
        "step": run.clock.step, "epoch": run.clock.epoch, "loss": mean, "weighted_loss": total,
        "gradient_norm": seen.norm, "rate": run.optimiser.param_groups[0]["lr"],
        "effective_size": every.sum() ** 2 / (every @ every), **penalty,
        **seen.metrics, **run.weighing.metrics()})
    tell(run, shown, row)


def tell(run: Run, shown: Progress, row: Mapping[str, Any]) -> None:
    """Show a row and hand it to the callbacks."""
    shown.show(row)
    for callback in run.job.callbacks if not run.team.rank else ():
        callback(row)


def is_due(run: Run, every: int | None) -> bool:
    """Whether something that comes every so many steps, or each epoch, comes now."""
    if run.clock.step == run.total:
        return True
    return run.clock.step % every == 0 if every else run.clock.offset == run.source.steps


def ending(run: Run, *, look: bool) -> str:
    """Why training ends after this step, or nothing."""
    if run.clock.step == run.total:
        return "finished"
    if run.is_worn_out():
        return "early"
    wanted = float(run.job.stop is not None and run.job.stop.is_set())
    if (look or run.team.size == 1) and run.team.largest(wanted):
        return "stopped"
    return ""
