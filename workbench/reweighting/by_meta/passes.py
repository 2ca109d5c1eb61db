"""Forward passes of a step: losses with a gradient, further passes without, and derivatives.

Everything is taken from the network under given parameters, outside any wrapper.
"""

import warnings
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import forward_ad
from torch.func import functional_call
from torch.nn import functional

from workbench.reweighting.by_meta.memory import row_statistics
from workbench.train.autodiff import apply
from workbench.train.losses import logits_of
from workbench.train.meta import MetaStep
from workbench.train.micro import Micro, each
from workbench.train.randomness import Randomness

__all__ = ["looked_at", "repeated", "slopes_along"]

SPARSE = 8               # entries for each that is not zero from which zeros are left alone


def looked_at(step: MetaStep, params: Mapping[str, Tensor], micro: Micro, passes: int, *,
              dropout: float, moves: bool) -> tuple[Tensor, Tensor]:
    """Losses of a micro-batch, differentiable in `params`, and statistics over `passes` passes.

    Parameters
    ----------
    step : MetaStep
    params : mapping of name to tensor
        Empty for those that the network has.
    micro : Micro
    passes : int > 0
    dropout : float in [0, 1)
        Share of the entries of floating inputs that each further pass drops.
    moves : bool
        Whether running statistics of the network follow the first pass.

    Returns
    -------
    losses, statistics : tensors, shapes (n,) and (n, 5)
    """
    losses, logits = _losses(step, params, micro, moves=moves)
    _refuse(losses, logits, micro.y)
    seen = [(losses.detach(), logits.detach())]
    thinned = _thinner(micro, dropout if passes > 1 else 0.0)
    with torch.no_grad():
        for _ in range(passes - 1):
            seen.append(_losses(step, params, thinned()))
    every, outputs = (torch.stack(part) for part in zip(*seen, strict=True))
    return losses, row_statistics(every, outputs, micro.y.long())


def slopes_along(step: MetaStep, micro: Micro, direction: Mapping[str, Tensor], *,
                 forward_mode: bool) -> tuple[Tensor, bool]:
    """Derivative of each row's loss along a direction of the parameters, shape (n,).

    One pass in forward mode; or, where an operator of the network knows none, by a gradient of
    a gradient.

    Returns
    -------
    slopes, forward_mode : tensor, bool
        The second says whether forward mode worked.
    """
    if forward_mode:
        try:
            return _forward(step, micro, direction), True
        except (NotImplementedError, RuntimeError) as trouble:
            if isinstance(trouble, torch.OutOfMemoryError):
                raise
    return _twice(step, micro, direction), False


class repeated:  # noqa: N801 - a context
    """Draw inside as the network drew at an earlier state, and go on afterwards as if not."""

    def __init__(self, randomness: Randomness, states: Mapping[str, Tensor]):
        self.randomness, self.states = randomness, states

    def __enter__(self) -> None:
        self.now = self.randomness.state()
        self.randomness.restore(self.states)

    def __exit__(self, *_: object) -> None:
        self.randomness.restore(self.now)


def _forward(step: MetaStep, micro: Micro, direction: Mapping[str, Tensor]) -> Tensor:
    _load_forward_mode()
    with torch.no_grad(), forward_ad.dual_level():
        params = {name: forward_ad.make_dual(param.detach(), direction[name])
                  for name, param in step.params.items()}
        losses, _ = _losses(step, params, micro)
        slopes = forward_ad.unpack_dual(losses).tangent
    return torch.zeros_like(losses) if slopes is None else slopes


@cache
def _load_forward_mode() -> None:
    """What PyTorch loads at the first dual number, without its note on a compiler of its own."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        with forward_ad.dual_level():
            forward_ad.make_dual(torch.zeros(1), torch.zeros(1))


def _twice(step: MetaStep, micro: Micro, direction: Mapping[str, Tensor]) -> Tensor:
    params = {name: param.detach().requires_grad_() for name, param in step.params.items()}
    losses, _ = _losses(step, params, micro)
    amounts = torch.ones_like(losses, requires_grad=True)
    found = torch.autograd.grad(amounts @ losses, list(params.values()), create_graph=True,
                                allow_unused=True)
    along = sum(((slope * direction[name]).sum() for name, slope in zip(params, found, strict=True)
                 if slope is not None), torch.zeros_like(losses.sum()))
    return torch.autograd.grad(along, amounts)[0]


def _losses(step: MetaStep, params: Mapping[str, Tensor], micro: Micro, *,
            moves: bool = False) -> tuple[Tensor, Tensor]:
    # Copies, since a graph may still need the running statistics as they are.
    kept = {} if moves else {name: part.clone() for name, part in step.model.named_buffers()}
    other = {**params, **kept}
    with step.autocast():
        outputs = apply(_Under(step.model, other) if other else step.model, micro.x)
    return step.loss(outputs, micro.y), logits_of(outputs)


class _Under:
    """A network under other parameters."""

    def __init__(self, model: nn.Module, params: Mapping[str, Tensor]):
        self.model, self.params = model, dict(params)

    def __call__(self, *given: Any, **named: Any) -> Any:
        return functional_call(self.model, self.params, given, named)


def _thinner(micro: Micro, share: float) -> Callable[[], Micro]:
    """A maker of the micro-batch with some entries of its floating inputs dropped, anew each time.

    Where few entries are not zero, dropout draws for these alone.
    """
    if not share:
        return lambda: micro
    makers = each(lambda part: _maker(part, share), micro.x)
    return lambda: Micro(each(lambda make: make(), makers), micro.y, micro.group, micro.index)


def _maker(part: Any, share: float) -> Callable[[], Any]:
    if not (isinstance(part, Tensor) and part.is_floating_point()):
        return lambda: part
    if part.is_cpu:
        flat = part.flatten()
        places = flat.nonzero()[:, 0]
        if SPARSE * len(places) < len(flat):
            held = flat[places]
            return lambda: torch.zeros_like(flat).index_put(
                (places,), functional.dropout(held, share)).view_as(part)
    return lambda: functional.dropout(part, share)


def _refuse(losses: Tensor, logits: Tensor, y: Any) -> None:
    if logits.ndim != 2 or losses.shape != logits.shape[:1] or not isinstance(y, Tensor) or (
            y.shape != losses.shape) or y.is_floating_point():
        raise ValueError("Storm must have logits (n, k), class numbers (n,) and a loss per row, "
                         f"got logits of shape {tuple(logits.shape)}, labels "
                         f"{tuple(getattr(y, 'shape', ()))} and losses {tuple(losses.shape)}. "
                         "Train a classifier with classification.")
    if y.device.type == "cpu" and not bool(((y >= 0) & (y < logits.shape[1])).all()):
        raise ValueError(f"labels must lie in 0 to {logits.shape[1] - 1}, got {int(y.min())} to "
                         f"{int(y.max())}. Number the classes from zero; Storm knows no label to "
                         "ignore.")
