"""Send rows through a network in the precision of a run, and judge each of them."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from workbench.train.autodiff import apply
from workbench.train.distributed import Team
from workbench.train.losses import (
    RowLoss,
    causal_lm,
    classification,
    labels_in_range,
    logits_of,
    regression,
)
from workbench.train.micro import Micro, tensors_of
from workbench.train.training import Training

__all__ = ["Forward", "Forwarding"]

PAYS = 1000         # steps from which compiling a network pays
WIDENING = (classification, regression, causal_lm)       # losses that widen numbers by themselves


@dataclass(frozen=True, eq=False)
class Forward:
    """A micro-batch that went through the network: its outputs, if kept, and its losses."""

    micro: Micro
    outputs: Any
    losses: Tensor


class Forwarding:
    """A network in what compilation, precision and processes need, and its loss.

    Parameters
    ----------
    model : torch.nn.Module
    loss : function of outputs and targets that gives one loss per row
    how : Training
    team : Team
    compiles : bool
        Whether "auto" may compile.
    whole : Micro, optional
        All rows, whose labels are looked at once.
    """

    def __init__(self, model: nn.Module, loss: RowLoss, how: Training, team: Team, *,
                 compiles: bool, whole: Micro | None = None):
        self.loss, self.team, fabric = loss, team, team.fabric
        wanted = how.compile == "always" or (how.compile == "auto" and compiles
                                             and fabric.device.type == "cuda")
        inner = torch.compile(model) if wanted else model
        self.model = fabric.setup_module(inner) if team.size > 1 else inner.to(fabric.device)
        self.is_mixed = how.precision != "32" and team.size == 1
        self.widens = getattr(loss, "func", loss) in WIDENING
        self.whole = whole
        self.classes = -1                        # not known yet; 0 where there are none

    def __call__(self, micro: Micro, step: int) -> Forward:
        """Losses of the rows.

        Raises
        ------
        ValueError
            If the loss does not give one number for each row.
        """
        try:
            outputs = self.outputs(micro, self.model)
        except (RuntimeError, IndexError) as wrong:
            shapes = ", ".join(str(tuple(part.shape)) for part in tensors_of(micro.x))
            wrong.add_note(f"The network could not take inputs of shape {shapes} at step {step}. "
                           "Check them against its first layer.")
            raise
        if self.classes < 0:
            self._learn_classes(outputs, micro)
        losses = self.loss(outputs, micro.y)
        rows = len(tensors_of(micro.x)[0])
        if not isinstance(losses, Tensor) or losses.shape != (rows,):
            shape = tuple(losses.shape) if isinstance(losses, Tensor) else type(losses).__name__
            raise ValueError(f"loss must give one number for each row, shape ({rows},), got "
                             f"{shape} at step {step}. Give reduction='none', and the mean over "
                             "all axes but the first.")
        return Forward(micro, outputs, losses)

    def check_labels(self, micro: Micro) -> None:
        """Refuse labels that would stop a graphics card, where they can still be looked at."""
        if self.classes > 0 and isinstance(micro.y, Tensor):
            labels_in_range(micro.y, self.classes)

    def _learn_classes(self, outputs: Any, micro: Micro) -> None:
        logits = logits_of(outputs) if self.loss is classification else None
        self.classes = logits.shape[1] if logits is not None and logits.ndim == 2 else 0
        self.check_labels(self.whole or micro)
        self.whole = None

    def unsynchronised(self, *, wanted: bool) -> AbstractContextManager[Any]:
        """Leave the sharing of gradients to a later micro-batch."""
        if not wanted or self.team.size == 1:
            return nullcontext()
        return self.team.fabric.no_backward_sync(self.model)

    def outputs(self, micro: Micro, model: nn.Module) -> Any:
        """What the network, wrapped or bare, gives in the precision of the run."""
        if not self.is_mixed:
            return apply(model, micro.x)
        with self.team.fabric.autocast():
            outputs = apply(model, micro.x)
        return outputs if self.widens else self.team.fabric.strategy.precision.convert_output(
            outputs)
