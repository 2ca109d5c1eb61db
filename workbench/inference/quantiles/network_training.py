"""Training of the base networks: standardised inside, stopped early by rows held out.

A network sees ``(x - centre) / scale`` and predicts ``(y - middle) / size``, so that its step
size fits any unit; the score that stops it is the pinball loss of its quantiles on held-out rows.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from workbench.inference.quantiles.descent import Descended, Descent, descend
from workbench.inference.quantiles.isotonic import isotonise
from workbench.inference.quantiles.losses import (
    crossing_penalty,
    huber_pinball_loss,
    margin_for,
    pinball_loss,
)
from workbench.inference.quantiles.perceptron import Shape, perceptron
from workbench.inference.quantiles.training_rows import Rows, location
from workbench.train.device import device_for, torch_generator

__all__ = ["GaussianHead", "JointHead", "RandomLevelHead", "Trained", "train"]

CHUNK = 65_536           # rows, or rows times levels, that a network predicts at a time
LEAST_VARIANCE = 1e-6    # of the Gaussian network, in units of the variance of y
FEWEST = 10              # rows below which all serve for training and for stopping
DRAWN = (0.001, 0.999)   # range of the levels drawn at random


@dataclass(frozen=True)
class GaussianHead:
    """Two outputs, mean and spread: ``quantile = mean + sd * Phi^-1(tau)``."""

    levels: Tensor

    @property
    def form(self) -> tuple[int, int]:
        """Inputs beside the features, and outputs."""
        return 0, 2

    def loss(self, network: Any, X: Tensor, y: Tensor, weight: Tensor,
             generator: torch.Generator) -> Tensor:  # noqa: ARG002 - the heads share one form
        """Gaussian negative log likelihood without its constant."""
        mean, variance = self._moments(network(X))
        return weight @ ((y - mean) ** 2 / (2 * variance) + variance.log() / 2) / len(y)

    def quantiles(self, network: Any, X: Tensor) -> Tensor:
        """Quantiles, shape (n, q)."""
        mean, variance = self._moments(network(X))
        return mean[:, None] + variance.sqrt()[:, None] * torch.special.ndtri(self.levels)

    @staticmethod
    def _moments(outputs: Tensor) -> tuple[Tensor, Tensor]:
        mean, spread = outputs.unbind(-1)
        return mean, torch.nn.functional.softplus(spread) + LEAST_VARIANCE


@dataclass(frozen=True)
class RandomLevelHead:
    """The level is an input, drawn anew for each row of each batch."""

    levels: Tensor
    huber: float

    @property
    def form(self) -> tuple[int, int]:
        """Inputs beside the features, and outputs."""
        return 1, 1

    def loss(self, network: Any, X: Tensor, y: Tensor, weight: Tensor,
             generator: torch.Generator) -> Tensor:
        """Pinball loss at levels drawn from U(0, 1)."""
        drawn = torch.rand(len(y), 1, generator=generator).clamp(*DRAWN).to(X)
        found = network(torch.cat([X, drawn - 0.5], dim=1))
        return huber_pinball_loss(y, found, drawn, alpha=self.huber, sample_weight=weight)

    def quantiles(self, network: Any, X: Tensor) -> Tensor:
        """Quantiles, shape (n, q)."""
        n, q = len(X), len(self.levels)
        inputs = torch.cat([X.repeat_interleave(q, dim=0),
                            (self.levels - 0.5).repeat(n)[:, None]], dim=1)
        return network(inputs).view(n, q)


@dataclass(frozen=True)
class JointHead:
    """One output per level, kept apart by a penalty, put in order when predicting."""

    levels: Tensor
    huber: float
    penalty: float
    margin_scale: float
    order: str

    @property
    def form(self) -> tuple[int, int]:
        """Inputs beside the features, and outputs."""
        return 0, len(self.levels)

    def loss(self, network: Any, X: Tensor, y: Tensor, weight: Tensor,
             generator: torch.Generator) -> Tensor:  # noqa: ARG002 - the heads share one form
        """Pinball loss and crossing penalty."""
        found = network(X)
        loss = huber_pinball_loss(y, found, self.levels, alpha=self.huber, sample_weight=weight)
        if not self.penalty:
            return loss
        margin = margin_for("vec", self.margin_scale, self.levels)
        return loss + self.penalty * crossing_penalty(found, margin, sample_weight=weight)

    def quantiles(self, network: Any, X: Tensor) -> Tensor:
        """Quantiles, shape (n, q)."""
        return isotonise(network(X), self.order)


@dataclass(frozen=True)
class Trained:
    """A network with the scales of its inputs and of its target."""

    network: Any
    head: Any
    columns: tuple[np.ndarray, np.ndarray]
    target: tuple[float, float]
    descended: Descended

    def quantiles(self, X: np.ndarray) -> np.ndarray:
        """Quantiles in the unit of y, shape (n, q)."""
        centre, scale = self.columns
        q = len(self.head.levels)
        step = max(1, CHUNK // (q if isinstance(self.head, RandomLevelHead) else 1))
        found = np.empty((len(X), q))
        for start in range(0, len(X), step):
            part = slice(start, start + step)
            scaled = torch.as_tensor((X[part] - centre) / scale).to(self.head.levels)
            with torch.no_grad():
                found[part] = self.head.quantiles(self.network, scaled).numpy()
        return self.target[0] + self.target[1] * found


def train(rows: Rows, make_head: Any, shape: Shape, how: Descent, *,
          options: tuple[float, str], rng: np.random.Generator) -> Trained:
    """Fit a network to rows.

    Parameters
    ----------
    rows : Rows
    make_head : function of a device, giving a head
    shape : Shape
    how : Descent
    options : (float, str)
        Share of the rows held out for early stopping, and the device.
    rng : numpy.random.Generator
        Draws the rows held out, the first parameters and the batches.
    """
    fitted, held = _parts(rows, options[0], rng)
    device = device_for(options[1])
    centre, scale = location(fitted.X, fitted.weight)
    middle, size = (float(one[0]) for one in location(fitted.y[:, None], fitted.weight))

    def tensors(part: Rows) -> tuple[Tensor, Tensor, Tensor]:
        return tuple(torch.as_tensor(one, dtype=torch.float32, device=device) for one in (
            (part.X - centre) / scale, (part.y - middle) / size,
            part.weight / part.weight.mean()))

    generator = torch_generator(rng)
    head = make_head(device)
    extra, outputs = head.form
    network = perceptron(rows.X.shape[1] + extra, outputs, shape, generator=generator).to(device)
    X, y, weight = tensors(fitted)
    X_held, y_held, held_weight = tensors(held)

    def batch_loss(chosen: Tensor) -> Tensor:
        return head.loss(network, X[chosen], y[chosen], weight[chosen], generator)

    def validate() -> float:
        found = head.quantiles(network, X_held)
        return float(pinball_loss(y_held, found, head.levels, sample_weight=held_weight))

    done = descend(network, batch_loss, len(fitted), validate, how, generator=generator)
    # Double precision: what a row gets must not depend on the rows predicted beside it.
    exact = replace(head, levels=head.levels.cpu().double())
    return Trained(network.eval().cpu().double(), exact, (centre, scale), (middle, size), done)


def _parts(rows: Rows, share: float, rng: np.random.Generator) -> tuple[Rows, Rows]:
    """Rows to fit and rows that tell when to stop."""
    if len(rows) < FEWEST:
        return rows, rows
    order = rng.permutation(len(rows))
    held = min(max(1, round(share * len(rows))), len(rows) - 1)
    return rows.take(order[held:]), rows.take(order[:held])
