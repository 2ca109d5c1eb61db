"""Perceptrons whose initial numbers and dropout come from one generator, not from a global one."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from workbench.core import check

__all__ = ["Dropout", "Shape", "perceptron"]

ACTIVATIONS = {"elu": nn.ELU, "relu": nn.ReLU, "tanh": nn.Tanh}


@dataclass(frozen=True)
class Shape:
    """Form of a perceptron.

    Parameters
    ----------
    hidden : int > 0
        Width of each hidden layer.
    layers : int > 0
        Hidden layers.
    activation : {"elu", "relu", "tanh"}
    dropout : float in [0, 1)
        Share of hidden numbers dropped between layers while training.
    """

    hidden: int = 64
    layers: int = 2
    activation: str = "elu"
    dropout: float = 0.0

    def __post_init__(self) -> None:
        check.positive(hidden=self.hidden, layers=self.layers)
        check.one_of(ACTIVATIONS, activation=self.activation)
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout must lie in [0, 1), got {self.dropout!r}. Pass 0 for none.")


def perceptron(inputs: int, outputs: int, shape: Shape, *,
               generator: torch.Generator) -> nn.Sequential:
    """Network ``Linear, act, (Dropout, Linear, act) x (layers - 1), Linear``, numbers drawn.

    Parameters
    ----------
    inputs, outputs : int > 0
    shape : Shape
    generator : torch.Generator
        Draws weights and biases by PyTorch's default scheme, ``U(-b, b)`` with
        ``b = 1 / sqrt(inputs of the layer)``, and seeds the dropout.
    """
    check.positive(inputs=inputs, outputs=outputs)
    hidden, act = shape.hidden, ACTIVATIONS[shape.activation]
    found: list[nn.Module] = [_linear(inputs, hidden, generator), act()]
    for _ in range(shape.layers - 1):
        if shape.dropout:
            found.append(Dropout(shape.dropout, generator=generator))
        found += [_linear(hidden, hidden, generator), act()]
    return nn.Sequential(*found, _linear(hidden, outputs, generator))


class Dropout(nn.Module):
    """Dropout whose draws come from its own generator, not from PyTorch's global one."""

    def __init__(self, share: float, *, generator: torch.Generator):
        super().__init__()
        self.share = share
        self.seed = _draw_seed(generator)
        self.drawn: torch.Generator | None = None

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or not self.share:
            return x
        if self.drawn is None or self.drawn.device != x.device:
            self.drawn = torch.Generator(x.device).manual_seed(self.seed)
        kept = torch.rand(x.shape, generator=self.drawn, device=x.device) >= self.share
        return x * kept / (1 - self.share)


def _linear(inputs: int, outputs: int, generator: torch.Generator) -> nn.Linear:
    layer = nn.utils.skip_init(nn.Linear, inputs, outputs)
    bound = 1 / math.sqrt(inputs)
    with torch.no_grad():
        for param in (layer.weight, layer.bias):
            param.uniform_(-bound, bound, generator=generator)
    return layer


def _draw_seed(generator: torch.Generator) -> int:
    return int(torch.randint(2 ** 31, (), generator=generator))
