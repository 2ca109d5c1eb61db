"""Quadratic Bezier curves through parameter space, many pairs of networks at once.

``c(t) = (1 - t)^2 a + 2 t (1 - t) m + t^2 b`` has fixed ends a and b; the bend m begins at their
midpoint and descends on the loss, plus weight decay, of one random point of the curve per step.
The learning rate is a function of the epoch alone: full until half of the epochs, then falling
linearly to a hundredth at nine tenths.

Source: T. Garipov, P. Izmailov, D. Podoprikhin, D. Vetrov, A. G. Wilson, NeurIPS 2018.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from workbench.core import check
from workbench.landscape.objective import Tensors, count_models, few_threads
from workbench.landscape.probes import generators

__all__ = ["CurveTraining", "bezier", "curve_rate", "midpoint", "speeds", "train_curves"]


@dataclass(frozen=True)
class CurveTraining:
    """How the bends of curves are trained.

    Parameters
    ----------
    epochs : int >= 0
        0 leaves the bend at the midpoint, so that the curve is the straight line.
    batch_size : int > 0
    learning_rate : float > 0
    momentum : float in [0, 1)
    weight_decay : float >= 0
        Times half the squared length of the point of the curve, added to its loss.
    """

    epochs: int = 50
    batch_size: int = 128
    learning_rate: float = 0.01
    momentum: float = 0.9
    weight_decay: float = 5e-4

    def __post_init__(self) -> None:
        check.positive(batch_size=self.batch_size, learning_rate=self.learning_rate)
        for name in ("epochs", "weight_decay"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} must be >= 0, got {getattr(self, name)!r}. Pass 0 for "
                                 "none.")
        if not 0 <= self.momentum < 1:
            raise ValueError(f"momentum must lie in [0, 1), got {self.momentum!r}. Pass 0.9.")


def curve_rate(epoch: int, epochs: int) -> float:
    """Factor on the learning rate in an epoch, counted from 1.

    Examples
    --------
    >>> [round(curve_rate(epoch, 10), 4) for epoch in (1, 5, 7, 9, 10)]
    [1.0, 1.0, 0.505, 0.01, 0.01]
    """
    passed = epoch / epochs
    return 1.0 - 0.99 * min(max(passed - 0.5, 0.0) / 0.4, 1.0)


def midpoint(start: Tensors, end: Tensors) -> dict[str, Tensor]:
    """The bend that makes a curve the straight line."""
    return {name: (tensor + end[name]) / 2 for name, tensor in start.items()}


def bezier(start: Tensors, bend: Tensors, end: Tensors, t: float | Tensor) -> dict[str, Tensor]:
    """Points of the curves; at 0 and 1 the ends bit for bit.

    Parameters
    ----------
    start, bend, end : mapping of names to tensors, first axis K
    t : float in [0, 1] or tensor, shape (K,)
        Place on every curve, or on each.

    Examples
    --------
    >>> a, m, b = ({"w": torch.tensor([[value]])} for value in (0.0, 1.0, 0.0))
    >>> bezier(a, m, b, 0.5)["w"].item()
    0.5
    """
    place = t if isinstance(t, Tensor) else torch.tensor(t, dtype=torch.float64)
    if not bool(((place >= 0) & (place <= 1)).all()):
        raise ValueError(f"t must lie in [0, 1], got {t!r}. 0 is the start, 1 the end.")
    found = {}
    for name, a in start.items():
        at = place.to(a).view(-1, *[1] * (a.ndim - 1)) if place.ndim else place.to(a)
        point = (1 - at) ** 2 * a + 2 * at * (1 - at) * bend[name] + at ** 2 * end[name]
        found[name] = torch.where(at == 0, a, torch.where(at == 1, end[name], point))
    return found


def speeds(start: Tensors, bend: Tensors, end: Tensors, t: float) -> Tensor:
    """Lengths of the derivatives of the curves by t, shape (K,)."""
    squares = [((2 * (1 - t) * (bend[name] - a) + 2 * t * (end[name] - bend[name])) ** 2)
               .flatten(1).sum(1) for name, a in start.items()]
    return torch.stack(squares).sum(0).sqrt()


def train_curves(losses: Callable[[Tensors, Tensor], Tensor], start: Tensors,
                 end: Tensors, rows: int, how: CurveTraining | None = None, *,
                 rng: torch.Generator) -> dict[str, Tensor]:
    """Train the bends of the curves between K pairs of networks.

    Parameters
    ----------
    losses : function of (params, positions) giving a tensor, shape (K,)
        Mean loss of each network on these training rows, shape (batch,); with batch normalisation
        in training mode if the networks have any.
    start, end : mapping of names to tensors, first axis K
        The two networks of each pair.
    rows : int > 0
        Training rows; the incomplete last batch of an epoch is dropped.
    how : CurveTraining
    rng : torch.Generator
        Orders the rows, the same for all pairs, and seeds one generator of places per pair.

    Returns
    -------
    bend : dict of names to tensors, first axis K
        Not finite for a pair whose descent diverged; the others are not touched by it.
    """
    how = how or CurveTraining()
    check.positive(rows=rows)
    shared, = generators(rng, 1)
    drawn = generators(rng, count_models(start))
    a, b = _flat(start), _flat(end)
    bend = (a + b) / 2
    momenta = torch.zeros_like(bend)
    batch = min(rows, how.batch_size)
    with few_threads(start):
        for epoch in range(1, how.epochs + 1):
            rate = how.learning_rate * curve_rate(epoch, how.epochs)
            order = torch.randperm(rows, generator=shared).to(a.device)
            steps = rows // batch
            places = torch.stack([torch.rand(steps, generator=one) for one in drawn]).to(a)
            for step in range(steps):
                t = places[:, step, None]
                share = 2 * t * (1 - t)                  # a point moves by it when its bend does
                point = (1 - t) ** 2 * a + share * bend + t ** 2 * b
                pull = _gradient(losses, point, start, order[step * batch:(step + 1) * batch])
                momenta.mul_(how.momentum).add_(share * pull.add_(point, alpha=how.weight_decay))
                bend.sub_(momenta, alpha=rate)
    return {name: tensor.contiguous() for name, tensor in _named(bend, start).items()}


def _flat(params: Tensors) -> Tensor:
    return torch.cat([tensor.detach().flatten(1) for tensor in params.values()], 1)


def _named(flat: Tensor, like: Tensors) -> dict[str, Tensor]:
    parts = flat.split([tensor[0].numel() for tensor in like.values()], 1)
    return {name: part.view(tensor.shape)
            for part, (name, tensor) in zip(parts, like.items(), strict=True)}


def _gradient(losses: Callable[[Tensors, Tensor], Tensor], point: Tensor, like: Tensors,
              rows: Tensor) -> Tensor:
    leaf = point.detach().requires_grad_()
    with torch.enable_grad():
        total = losses(_named(leaf, like), rows).sum()
        found: Tensor = torch.autograd.grad(total, leaf)[0]
    return found
