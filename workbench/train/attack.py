"""Inputs moved against a network: projected gradient ascent of its loss, inside a small ball.

``x <- project(x + step_size * sign(d loss / d x))`` for the largest change of any input ("linf"),
or along the gradient over its norm ("l2"); `project` goes back into the ball around the clean
input and into `clip`. The network is in evaluation mode meanwhile, so that running statistics
stand still, and nothing is left in its gradients. What survives such attacks is told by
:mod:`workbench.train.robustness`.

Source: A. Madry, A. Makelov, L. Schmidt, D. Tsipras, A. Vladu, "Towards Deep Learning Models
Resistant to Adversarial Attacks", ICLR (2018), arXiv:1706.06083.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from workbench.core import check
from workbench.train.losses import RowLoss, classification, logits_of
from workbench.train.micro import Micro
from workbench.train.ranges import Clip, checked_clip, checked_eps, checked_inputs

__all__ = ["Pgd", "attacking", "box", "input_gradient", "pgd"]

NORMS = ("linf", "l2")


def box(x: Tensor, eps: float, clip: Clip = (0.0, 1.0)) -> tuple[Tensor, Tensor]:
    """Lowest and highest change of each input, such that no change is larger than `eps`.

    Parameters
    ----------
    x : tensor, shape (n, ...)
    eps : float >= 0
        In the unit of `x`.
    clip : (float, float) or None
        Range that inputs stay in; None for inputs without one, such as standardised features.

    Returns
    -------
    low, high : tensors like x
        ``low <= 0 <= high``.

    Examples
    --------
    >>> low, high = box(torch.tensor([0.0, 0.5]), 0.25)
    >>> low.tolist(), high.tolist()
    ([0.0, -0.25], [0.25, 0.25])
    """
    eps = checked_eps(eps)
    if clip is None:
        return torch.full_like(x, -eps), torch.full_like(x, eps)
    low, high = checked_clip(clip)
    return (low - x).clamp(min=-eps, max=0.0), (high - x).clamp(max=eps, min=0.0)


@dataclass(frozen=True)
class Pgd:
    """Projected gradient ascent, as a `perturb` of :func:`workbench.train.fit` and on its own.

    Parameters
    ----------
    eps : float >= 0
        Largest change, in the unit of the inputs.
    steps : int > 0
    step_size : float > 0 or None
        None is a quarter of `eps`.
    norm : {"linf", "l2"}
    random_start : bool
        Begin anywhere in the ball, or at the clean input.
    restarts : int > 0
        Of each row that which fools the network is kept, or else that with the highest loss.
    clip : (float, float) or None
        Range that inputs stay in.
    loss : function of outputs and targets that gives one loss per row

    Raises
    ------
    ValueError
        If a number is out of range; at work, for inputs that are not floating or leave `clip`.

    Examples
    --------
    >>> from workbench.train.models import MLP
    >>> model = MLP(4, 8, 3, generator=torch.Generator().manual_seed(0))
    >>> moved = Pgd(eps=0.1, steps=3).attacked(model, torch.full((2, 4), 0.5),
    ...                                        torch.tensor([0, 1]))
    >>> bool(((moved - 0.5).abs() <= 0.1 + 1e-6).all())
    True
    """

    eps: float = 8 / 255
    steps: int = 10
    step_size: float | None = None
    norm: str = "linf"
    random_start: bool = True
    restarts: int = 1
    clip: Clip = (0.0, 1.0)
    loss: RowLoss = classification

    def __post_init__(self) -> None:
        checked_eps(self.eps)
        check.whole(1, steps=self.steps, restarts=self.restarts)
        check.one_of(NORMS, norm=self.norm)
        if self.step_size is not None:
            check.positive(step_size=self.step_size)
        if self.clip is not None:
            checked_clip(self.clip)

    def __call__(self, model: nn.Module, micro: Micro,
                 generator: torch.Generator | None = None) -> Micro:
        """The micro-batch with its inputs under attack."""
        return replace(micro, x=self.attacked(model, micro.x, micro.y, generator=generator))

    def attacked(self, model: nn.Module, x: Tensor, y: Tensor, *,
                 generator: torch.Generator | None = None) -> Tensor:
        """Inputs under attack, like x; where the gradient is NaN they stay where they are."""
        checked_inputs(x, self.clip)
        with attacking(model):
            best = self._one(model, x, y, generator)
            if self.restarts == 1:
                return best
            most = _badness(model, self.loss, best, y)
            for _ in range(self.restarts - 1):
                found = self._one(model, x, y, generator)
                bad = _badness(model, self.loss, found, y)
                worse = (bad > most).reshape(-1, *[1] * (x.ndim - 1))
                best, most = torch.where(worse, found, best), bad.maximum(most)
        return best

    def begin(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Where an attack on `x` begins."""
        if not self.random_start:
            return x.detach().clone()
        draws = torch.empty(x.shape, dtype=x.dtype)
        if self.norm == "linf":
            start = draws.uniform_(-self.eps, self.eps, generator=generator)
        else:
            start = draws.normal_(generator=generator)
            radius = torch.rand(len(x), generator=generator, dtype=x.dtype)
            radius = self.eps * radius ** (1 / max(1, math.prod(x.shape[1:])))
            start = _unit(start) * radius.reshape(-1, *[1] * (x.ndim - 1))
        return self.project(x.detach() + start.to(x.device), x)

    def ascend(self, at: Tensor, x: Tensor, gradient: Tensor) -> Tensor:
        """One step from `at`, up the gradient and back into the ball around `x`."""
        size = self.eps / 4 if self.step_size is None else self.step_size
        along = gradient.sign() if self.norm == "linf" else _unit(gradient)
        return self.project(at + size * along, x)

    def project(self, at: Tensor, x: Tensor) -> Tensor:
        """The nearest point of the ball around `x`, then of `clip`."""
        change = at - x
        if self.norm == "linf":
            change = change.clamp(-self.eps, self.eps)
        else:
            norms = _norms(change)
            change = change * (self.eps / norms.clamp(min=1e-12)).clamp(max=1.0)
        return x + change if self.clip is None else (x + change).clamp(*self.clip)

    def _one(self, model: nn.Module, x: Tensor, y: Tensor,
             generator: torch.Generator | None) -> Tensor:
        at = self.begin(x, generator)
        for _ in range(self.steps if self.eps else 0):
            at = self.ascend(at, x, input_gradient(model, self.loss, at, y)[0])
        return at


def pgd(model: nn.Module, x: Tensor, y: Tensor, *, eps: float,  # noqa: PLR0913 - options
        steps: int = 20, step_size: float | None = None, norm: str = "linf",
        random_start: bool = True, restarts: int = 1, clip: Clip = (0.0, 1.0),
        generator: torch.Generator | None = None, loss: RowLoss = classification) -> Tensor:
    """Inputs under attack, shape of x; see :class:`Pgd`.

    Raises
    ------
    ValueError
        As `Pgd`, and if the network's losses are not finite.
    """
    how = Pgd(eps, steps, step_size, norm, random_start, restarts, clip, loss)
    found = how.attacked(model, x, y, generator=generator)
    with attacking(model):
        losses = _badness(model, loss, found, y)
    if not bool(torch.isfinite(losses).all()):
        raise ValueError("losses must be finite to be attacked, got NaN or infinity. Train with "
                         "a smaller rate, or look at the network's outputs.")
    return found


@contextmanager
def attacking(model: nn.Module) -> Iterator[None]:
    """Evaluation mode inside, and gradients of inputs alone; all is restored, layer by layer."""
    before = [(part, part.training) for part in model.modules()]
    asking = [param for param in model.parameters() if param.requires_grad]
    model.eval()
    for param in asking:
        param.requires_grad_(requires_grad=False)         # for a smaller graph
    try:
        with torch.enable_grad():
            yield
    finally:
        for part, was in before:
            part.training = was
        for param in asking:
            param.requires_grad_()


def input_gradient(model: nn.Module, loss: RowLoss, at: Tensor,
                   y: Tensor) -> tuple[Tensor, Tensor]:
    """Gradient of each row's loss by its own input, and the logits, both detached."""
    at = at.detach().requires_grad_()
    outputs = model(at)
    gradient, = torch.autograd.grad(loss(outputs, y).sum(), at)
    return gradient, logits_of(outputs).detach()


def _badness(model: nn.Module, loss: RowLoss, x: Tensor, y: Tensor) -> Tensor:
    """How far rows are gone: fooled ones first, then by their loss."""
    with torch.no_grad():
        outputs = model(x)
        logits = logits_of(outputs)
        losses = loss(outputs, y).double()
    if logits.ndim != 2 or y.is_floating_point():
        return losses
    return losses + 1e6 * (logits.argmax(1) != y)


def _norms(change: Tensor) -> Tensor:
    return change.flatten(1).norm(dim=1).reshape(-1, *[1] * (change.ndim - 1))


def _unit(direction: Tensor) -> Tensor:
    """Directions of length one; zero where they are not finite."""
    return (direction / _norms(direction).clamp(min=1e-12)).nan_to_num(nan=0.0)
