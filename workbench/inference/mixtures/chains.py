"""Many chains as one matrix, their gradients, and the draws that they leave."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from workbench.core import check
from workbench.inference.mixtures.mixing import split_rhat
from workbench.inference.mixtures.step_sizes import Plan
from workbench.train.losses import RowLoss, classification, labels_in_range
from workbench.train.micro import as_tensor
from workbench.train.models import MLP
from workbench.train.stack import Stack
from workbench.train.stacked_gradients import FORMS, Batch, gradient_by
from workbench.train.stacked_rows import Rows

__all__ = ["Chains", "Draws", "Sampled", "checked_models"]

NOISY = (nn.modules.batchnorm._BatchNorm, nn.modules.dropout._DropoutNd)


class Chains:
    """Parameters of k chains, shape (k, d), and the gradient of their loss over all n rows."""

    def __init__(self, one: Stack, x: Tensor, y: Tensor, *, loss: RowLoss, form: str,
                 is_own: bool):
        chosen = form
        if form == "auto":
            chosen = "closed" if type(one.widest) is MLP else "stacked"
        check.one_of(FORMS, form=chosen)
        self.stack, self.layout = one, Rows.of(one)
        self.params = self.layout.matrix(one)
        self.grad = torch.zeros_like(self.params)
        self.x, self.y, self.is_own = (x, y, True) if is_own else (x[None], y[None], False)
        self.gradient = gradient_by(chosen, one, loss)
        self.views, self.into = self.layout.views(self.params), self.layout.views(self.grad)
        self.n = self.x.shape[1]
        self.whole = self._whole()

    def losses(self, batch: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """``n / batch`` times the losses of a batch, shape (k,), and their gradient, (k, d)."""
        rows = self.whole if batch >= self.n else self._drawn(batch, generator)
        losses, _ = self.gradient.losses(self.views, self.stack.buffers, rows, self.into)
        return losses, self.grad

    def _whole(self) -> Batch:
        k = len(self.params)
        weights = self.params.new_ones((k, self.n))
        y = self.y if self.is_own else self.y.expand(k, *self.y.shape[1:])
        return Batch(self.x, y, weights)

    def _drawn(self, batch: int, generator: torch.Generator) -> Batch:
        """Rows of a batch for each chain, drawn with replacement."""
        k, device = len(self.params), self.params.device
        at = torch.randint(self.n, (k, batch), generator=generator, device=device)
        if self.is_own:
            chain = torch.arange(k, device=device)[:, None]
            x, y = self.x[chain, at], self.y[chain, at]
        else:
            x, y = self.x[0][at], self.y[0][at]
        return Batch(x, y, self.params.new_full((k, batch), self.n / batch))


@dataclass(frozen=True, eq=False)
class Draws:
    """Parameters that were kept.

    Parameters
    ----------
    stack : Stack
        The chains, for their shapes and their forward pass.
    layout : Rows
        Which columns hold which tensor.
    params : tensor, shape (s, k, d)
        Draws of each chain.
    weights : tensor, shape (s,)
        How much each draw of a chain counts, on the simplex.
    """

    stack: Stack
    layout: Rows
    params: Tensor
    weights: Tensor

    @property
    def chains(self) -> int:
        """Number of chains."""
        return int(self.params.shape[1])

    def tensors(self, draw: int) -> dict[str, Tensor]:
        """Parameters of all chains at one draw by name, each shape (k, ...)."""
        return self.layout.views(self.params[draw])

    def outputs(self, x: Tensor, draw: int) -> Tensor:
        """What the networks of one draw answer to x, shape (m, ...); shape (k, m, ...)."""
        with torch.no_grad():
            found, _ = self.stack.forward(self.tensors(draw), self.stack.buffers, x[None])
        return found


@dataclass(frozen=True, eq=False)
class Sampled:
    """Draws, and how the chains came to them.

    Parameters
    ----------
    draws : Draws
    steps : array, shape (m,)
        Steps at which losses were noted.
    losses : array, shape (m, k)
        Mean loss per row of each chain there, of the batch [nats].
    plan : Plan
    n : int
        Training rows.
    """

    draws: Draws
    steps: np.ndarray
    losses: np.ndarray
    plan: Plan
    n: int

    def rhat(self, groups: int = 1) -> float:
        """Split R-hat of the losses after the burn-in: far above 1, chains disagree.

        With several groups of neighbouring chains, which have data of their own, the largest.
        """
        later = self.losses[self.steps >= self.plan.burn_in].T
        return max(split_rhat(part) for part in np.split(later, groups))


def checked_models(models: Sequence[nn.Module], data: tuple[Any, Any], *, is_own: bool,
                   loss: RowLoss) -> tuple[Tensor, Tensor]:
    """Data as tensors of the networks' type.

    Raises
    ------
    ValueError
        If there are none, if a layer mixes rows or draws noise, or if shapes disagree.
    """
    if not models:
        raise ValueError("models must hold at least one network, got none. Pass a module.")
    _refuse_noise(models[0])
    sizes = [[one.shape for one in model.parameters()] for model in models]
    if any(one != sizes[0] for one in sizes):
        raise ValueError("models must all have one shape, got several. Sample each on its own.")
    x, y = (as_tensor(one) for one in data)
    dtype = next(models[0].parameters()).dtype
    x = x.to(dtype) if x.is_floating_point() else x
    lead = 1 + is_own
    if x.shape[:lead] != y.shape[:lead] or not x.numel() or (is_own and len(x) != len(models)):
        raise ValueError(f"data must have one target per row{' of each network' * is_own}, got x "
                         f"{tuple(x.shape)} and y {tuple(y.shape)}. Pass n > 0 rows of both.")
    if not bool(x.isfinite().all()):
        raise ValueError("x must be finite, got NaN or infinite entries. Fill or drop them.")
    outputs = _outputs(models[0], x[0, :1] if is_own else x[:1])
    if loss is classification:
        if not bool((y == y.round()).all()):
            raise ValueError("y must hold whole numbers of classes from zero, got "
                             f"{y[y != y.round()][0].item():g}. Number the classes.")
        labels_in_range(y, outputs)
        return x, y.long()
    return x, y.to(dtype) if y.is_floating_point() else y


def _outputs(model: nn.Module, x: Tensor) -> int:
    try:
        with torch.no_grad():
            return int(model(x.to(next(model.parameters()).device)).shape[-1])
    except RuntimeError as trouble:
        raise ValueError("x must be rows that the network takes, but one of shape "
                         f"{tuple(x.shape[1:])} fails: {trouble}. Check its first "
                         "layer.") from None


def _refuse_noise(model: nn.Module) -> None:
    for name, part in model.named_modules():
        if isinstance(part, NOISY):
            raise ValueError(f"model must treat rows one by one and draw nothing itself, got "
                             f"{type(part).__name__} in {name!r}, whose noise is none of the "
                             "posterior's. Leave it out, or use group normalisation.")
