"""A smooth attack, and how it will react: what adversarial training leaves out.

The attack solves ``d* = argmin_d -loss(x + d) + lam |d|^2 - c sum log(high - d) + log(d - low)``
over the box of allowed changes. The logarithms keep d strictly inside, so that d* moves smoothly
when parameters do. With the curvature of the loss in d dropped, as for a network that is linear
within the box, ``v = grad_d loss / (2 lam + c / (high - d)^2 + c / (d - low)^2)``, and the
gradient of the loss at d* is ``grad loss(d) + grad <grad_d loss(d), v>`` with d and v held fixed.

:class:`Barrier` is a `perturb` of :func:`workbench.train.fit` and :class:`ImplicitGradient` its
`penalty`: rows ``<grad_d loss, v>`` meet the weights as losses do, by their gradient.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from workbench.core import check
from workbench.train.attack import attacking, box, input_gradient
from workbench.train.losses import RowLoss, classification
from workbench.train.micro import Micro
from workbench.train.ranges import Clip, checked_clip, checked_inputs

__all__ = ["Barrier", "ImplicitGradient", "barrier_attack", "implicit_cross_term"]

MODES = ("sign", "gd", "adam")
START, EDGE = 0.9, 0.01     # share of the half width where it starts; of the width never entered
FLOOR = 1e-6                # of a distance to the edge
UNKNOWN = ("NotImplemented", "torch::autograd::NotImplemented")    # gradients without a gradient
BETAS, TINY = (0.9, 0.999), 1e-8


@dataclass(frozen=True)
class Barrier:
    """The smooth attack.

    Parameters
    ----------
    eps : float > 0
        Half the width of the box, in the unit of the inputs.
    steps : int > 0
    step_size : float > 0 or None
        None is a quarter of `eps`.
    lam : float >= 0
        Price of the squared change; large ones weaken the attack.
    c : float > 0
        Price of the edges.
    mode : {"sign", "gd", "adam"}
        How it descends: by the sign of the gradient, the gradient, or Adam.
    random_start : bool
        Begin anywhere in nine tenths of the box, or in its centre.
    clip : (float, float) or None
        Range of inputs, which cuts the box.
    loss : function of outputs and targets that gives one loss per row

    Raises
    ------
    ValueError
        If a number is out of range; at work, for inputs that are not floating or leave `clip`.

    Examples
    --------
    >>> attack = Barrier(eps=0.1, steps=20, lam=0.0, c=1e-6)
    >>> linear = nn.Linear(1, 2)
    >>> with torch.no_grad():
    ...     _ = linear.weight.copy_(torch.tensor([[1.0], [-1.0]])), linear.bias.zero_()
    >>> moved = attack.attacked(linear, torch.full((1, 1), 0.5), torch.tensor([0]))
    >>> round(float(moved), 3)                              # just above 0.4, the edge of the box
    0.402
    """

    eps: float = 8 / 255
    steps: int = 10
    step_size: float | None = None
    lam: float = 1.0
    c: float = 1e-3
    mode: str = "sign"
    random_start: bool = True
    clip: Clip = (0.0, 1.0)
    loss: RowLoss = classification

    def __post_init__(self) -> None:
        check.positive(eps=self.eps, c=self.c)
        check.whole(1, steps=self.steps)
        check.one_of(MODES, mode=self.mode)
        if self.step_size is not None:
            check.positive(step_size=self.step_size)
        if self.clip is not None:
            checked_clip(self.clip)
        for name in ("eps", "lam", "c"):
            value = getattr(self, name)
            if not check.holds(lambda one: 0 <= one < float("inf"), value):
                raise ValueError(f"{name} must be a finite number >= 0, got {value!r}. Pass 1.0 "
                                 "for lam, 1e-3 for c.")

    def __call__(self, model: nn.Module, micro: Micro,
                 generator: torch.Generator | None = None) -> Micro:
        """The micro-batch under attack, its inputs asking for a gradient."""
        moved = self.attacked(model, micro.x, micro.y, generator=generator)
        return replace(micro, x=moved.requires_grad_())

    def attacked(self, model: nn.Module, x: Tensor, y: Tensor, *,
                 generator: torch.Generator | None = None) -> Tensor:
        """Inputs under attack, like x."""
        with attacking(model):
            for at in self._steps(model, x, y, generator):
                last = at
        return last

    def path(self, model: nn.Module, x: Tensor, y: Tensor, *,
             generator: torch.Generator | None = None) -> list[Tensor]:
        """Inputs before and after each step, `steps + 1` of them; all strictly inside the box."""
        with attacking(model):
            return list(self._steps(model, x, y, generator))

    def curvature(self, d: Tensor, low: Tensor, high: Tensor) -> Tensor:
        """Second derivative of the objective in each input, that of the loss left out."""
        up, down = (high - d).clamp(min=FLOOR), (d - low).clamp(min=FLOOR)
        return 2 * self.lam + self.c / up.square() + self.c / down.square()

    def _steps(self, model: nn.Module, x: Tensor, y: Tensor,
               generator: torch.Generator | None) -> Iterator[Tensor]:
        checked_inputs(x, self.clip)
        x = x.detach()
        low, high = box(x, self.eps, self.clip)
        inner = low + EDGE * (high - low), high - EDGE * (high - low)
        d = self._start(low, high, generator)
        size = self.eps / 4 if self.step_size is None else self.step_size
        moments = torch.zeros_like(d), torch.zeros_like(d)
        yield x + d
        for step in range(1, self.steps + 1):
            gradient, _ = input_gradient(model, self.loss, x + d, y)
            slope = 2 * self.lam * d - gradient + self.c * (1 / (high - d) - 1 / (d - low))
            along, moments = self._along(slope, moments, step)
            d = torch.clamp(d - size * along, *inner)
            yield x + d

    def _start(self, low: Tensor, high: Tensor, generator: torch.Generator | None) -> Tensor:
        centre, half = (low + high) / 2, (high - low) / 2
        if not self.random_start:
            return centre
        draws = torch.empty(low.shape, dtype=low.dtype).uniform_(-1, 1, generator=generator)
        return centre + START * half * draws.to(low.device)

    def _along(self, slope: Tensor, moments: tuple[Tensor, Tensor],
               step: int) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        if self.mode == "sign":
            return slope.sign(), moments
        if self.mode == "gd":
            return slope, moments
        first = BETAS[0] * moments[0] + (1 - BETAS[0]) * slope
        second = BETAS[1] * moments[1] + (1 - BETAS[1]) * slope.square()
        along = first / (1 - BETAS[0] ** step)
        return along / ((second / (1 - BETAS[1] ** step)).sqrt() + TINY), (first, second)


@dataclass(frozen=True)
class ImplicitGradient:
    """How the attack reacts to parameters, as a `penalty` of :func:`workbench.train.fit`.

    Parameters
    ----------
    attack : Barrier
        The `perturb` of the same training.

    Raises
    ------
    ValueError
        At work, if inputs were not moved by a :class:`Barrier`.
    """

    attack: Barrier

    def __call__(self, moment: Any) -> Tensor:
        """Rows that are zero and have the gradient of ``<grad_d loss, v>``, shape (n,).

        Their value is left out, so that the loss that a history tells is that of the rows.
        """
        micro = moment.micro
        if micro.clean is None or not getattr(micro.x, "requires_grad", False):
            raise ValueError("penalty must come with the attack that it is of, got inputs that "
                             "ask for no gradient. Pass perturb=attack, the same Barrier.")
        rows = implicit_cross_term(moment.losses, micro.x, micro.clean.x, self.attack)
        if not moment.step:
            _refuse_kernels(rows)
        return rows - rows.detach()


def implicit_cross_term(losses: Tensor, x: Tensor, clean: Tensor, attack: Barrier) -> Tensor:
    """Rows ``<grad_x losses, v>``, differentiable in the parameters, with x and v held fixed.

    Parameters
    ----------
    losses : tensor, shape (n,)
        At `x`, with their graph.
    x : tensor, shape (n, ...)
        Inputs under attack, asking for a gradient.
    clean : tensor, shape (n, ...)
    attack : Barrier

    Returns
    -------
    rows : tensor, shape (n,)

    Notes
    -----
    Layers that mix rows, such as batch normalisation in training mode, let a row's loss depend on
    the inputs of others; those parts of the gradient are then counted to the others.
    """
    gradient, = torch.autograd.grad(losses.sum(), x, create_graph=True)
    with torch.no_grad():
        low, high = box(clean, attack.eps, attack.clip)
        reaction = gradient / attack.curvature(x - clean, low, high)
    return (gradient * reaction).flatten(1).sum(1)


def _refuse_kernels(rows: Tensor) -> None:
    """Refuse a network with a part whose gradient has no gradient, as fast attention."""
    seen, ahead = set[Any](), [rows.grad_fn]
    while ahead:
        node = ahead.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if node.name() in UNKNOWN:
            raise ValueError(
                "network must be differentiable twice where the attack's reaction is followed, "
                "but a fast kernel, as of attention, is not. Load a network of Hugging Face with "
                "attn_implementation='eager', or train inside torch.nn.attention.sdpa_kernel("
                "SDPBackend.MATH).")
        ahead += [other for other, _ in node.next_functions]


def barrier_attack(model: nn.Module, x: Tensor, y: Tensor, *,
                   generator: torch.Generator | None = None, **options: Any) -> Tensor:
    """Inputs under the smooth attack, like x; `options` are those of :class:`Barrier`.

    Examples
    --------
    >>> x = torch.full((2, 3), 0.5)
    >>> moved = barrier_attack(nn.Linear(3, 2), x, torch.tensor([0, 1]), eps=0.1, steps=3)
    >>> bool(((moved - x).abs() < 0.1).all())
    True
    """
    return Barrier(**options).attacked(model, x, y, generator=generator)
