"""How much the loss rises nearby: at the worst place of a ball, and on average on its surface.

The worst place is sought by ascent from the centre: one step is the perturbation of
sharpness-aware minimisation, ``radius * g / |g|``; more steps climb further and stay inside the
ball. What is found is a lower bound of the true rise. Adaptive balls measure each entry in units
of its own size, ``radius * w^2 g / |w g|``, so that rescaled layers are equally sharp.

Source: P. Foret, A. Kleiner, H. Mobahi, B. Neyshabur, ICLR 2021; J. Kwon, J. Kim, H. Park,
I. K. Choi, ICML 2021.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from workbench.core import Measure, check
from workbench.landscape.objective import Tensors, as_objectives, count_models, on_few_threads
from workbench.landscape.probes import generators, normals
from workbench.landscape.surfaces import weighted_losses

__all__ = ["Sharpness", "sharpness"]


@dataclass(frozen=True)
class Sharpness:
    """Rises of the losses of K networks.

    Parameters
    ----------
    worst : array, shape (K,)
        Largest rise that was found inside the ball; a lower bound.
    mean, stderr : array, shape (K,)
        Average rise on the surface of the ball, and its standard error over random places.
    radius : float
    adaptive : bool
    """

    worst: np.ndarray
    mean: np.ndarray
    stderr: np.ndarray
    radius: float
    adaptive: bool

    def measure(self, model: int = 0) -> Measure:
        """Average rise of one model."""
        return Measure(float(self.mean[model]), float(self.stderr[model]), "loss")

    def table(self) -> pd.DataFrame:
        """One row per model."""
        return pd.DataFrame({"model": np.arange(len(self.worst)), "worst": self.worst,
                             "mean": self.mean, "stderr": self.stderr})


@on_few_threads
def sharpness(losses: Any, params: Tensors, *, rng: torch.Generator,  # noqa: PLR0913 - options
              radius: float = 0.05, steps: int = 1, adaptive: bool = False,
              probes: int = 20) -> Sharpness:
    """How much the losses of K networks rise within a radius.

    Parameters
    ----------
    losses : function, Objective, or a list with one per batch
        Mean loss of each model, shape (K,).
    params : mapping of names to tensors, first axis K
    rng : torch.Generator
        Seeds one generator per model.
    radius : float > 0
        In units of parameters, or of their own sizes if adaptive.
    steps : int > 0
        Of ascent; the best place of all is kept.
    adaptive : bool
    probes : int >= 2
        Random places of the average.

    Examples
    --------
    >>> bowl = lambda params: (params["w"] ** 2).sum(1)
    >>> found = sharpness(bowl, {"w": torch.tensor([[3.0, 4.0]])}, radius=0.1,
    ...                   rng=torch.Generator().manual_seed(0))
    >>> round(float(found.worst[0]), 3)                # (5 + 0.1)**2 - 5**2
    1.01
    """
    check.positive(radius=radius, steps=steps)
    if not probes >= 2:
        raise ValueError(f"probes must be at least 2, got {probes!r}. Pass 20.")
    ball = _Ball(params, radius, adaptive=adaptive)
    drawn = generators(rng, count_models(params), ball.centre.device)
    base = weighted_losses(losses, params)
    random = [normals(drawn, ball.centre.shape[1], ball.centre) for _ in range(probes)]
    rises = torch.stack([weighted_losses(losses, ball.at(ball.surface(one))) - base
                         for one in random]).double()
    place = torch.zeros_like(ball.centre)
    worst = torch.where(base.isfinite(), 0, base)
    for step in range(steps):
        up = ball.uphill(_gradient(losses, ball.at(place)), random[0])
        place = ball.inside(place + up * (1 if steps == 1 else 2 / steps))
        rise = weighted_losses(losses, ball.at(place)) - base
        worst = rise if step == 0 else torch.maximum(worst, rise)
    return Sharpness(worst.double().cpu().numpy(), rises.mean(0).cpu().numpy(),
                     (rises.std(0, correction=1) / probes ** 0.5).cpu().numpy(), radius, adaptive)


class _Ball:
    """Perturbations of flat parameters, measured in units of `scale`."""

    def __init__(self, params: Tensors, radius: float, *, adaptive: bool):
        self.shapes = {name: tensor.shape for name, tensor in params.items()}
        self.centre = torch.cat([tensor.detach().flatten(1) for tensor in params.values()], 1)
        self.radius = radius
        self.scale = self.centre.abs() if adaptive else torch.ones_like(self.centre)

    def at(self, place: Tensor) -> dict[str, Tensor]:
        parts = (self.centre + place).split([shape[1:].numel() for shape in self.shapes.values()],
                                            1)
        return {name: part.reshape(shape)
                for part, (name, shape) in zip(parts, self.shapes.items(), strict=True)}

    def surface(self, direction: Tensor) -> Tensor:
        """The place on the surface in this direction of scaled coordinates."""
        size = direction.norm(dim=1, keepdim=True)
        return self.radius * self.scale * direction / torch.where(size > 0, size, 1)

    def uphill(self, gradient: Tensor, instead: Tensor) -> Tensor:
        """The steepest place on the surface; a random one where the gradient is zero."""
        scaled = self.scale * gradient
        return self.surface(torch.where(scaled.any(1, keepdim=True), scaled, instead))

    def inside(self, place: Tensor) -> Tensor:
        unit = place / torch.where(self.scale > 0, self.scale, 1)
        size = unit.norm(dim=1, keepdim=True)
        return place * torch.where(size > self.radius, self.radius / size, 1)


def _gradient(losses: Any, params: Tensors) -> Tensor:
    leaves = {name: tensor.detach().requires_grad_() for name, tensor in params.items()}
    total = 0.0
    with torch.enable_grad():
        for one in as_objectives(losses):
            total = total + one.size * one(leaves).sum()
        found = torch.autograd.grad(total, list(leaves.values()), allow_unused=True)
    return torch.cat([torch.zeros_like(leaf).flatten(1) if part is None else part.flatten(1)
                      for part, leaf in zip(found, leaves.values(), strict=True)], 1)
