"""Small networks whose first numbers come from a generator, not from a global one.

Grids of networks are made of these two families: a perceptron and a convolutional network whose
`width` is the number of hidden units or of channels. Many of one family are trained at once by
:mod:`workbench.train.stacked`; narrow ones ride in the corner of wide ones where zeros stay zero.
"""

import itertools
import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from workbench.core import check

__all__ = ["ACTIVATIONS", "MLP", "ZERO_KEEPING", "ConvNet"]

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": torch.relu, "tanh": torch.tanh, "elu": functional.elu, "gelu": functional.gelu,
    "silu": functional.silu, "sigmoid": torch.sigmoid}
ZERO_KEEPING = frozenset({"relu", "tanh", "elu", "gelu", "silu"})    # act(0) == 0
NORMS = ("batch", "group", "none")


class MLP(nn.Module):
    """Perceptron ``Linear, act, ..., Linear`` with `depth` hidden layers of equal width.

    Parameters
    ----------
    inputs, width, outputs : int > 0
        Numbers of an input (flattened), hidden units of a layer, outputs.
    depth : int > 0
        Hidden layers.
    activation : {"relu", "tanh", "elu", "gelu", "silu", "sigmoid"}
    generator : torch.Generator
        Draws weights and biases by PyTorch's default scheme, ``U(-b, b)`` with
        ``b = 1 / sqrt(inputs of the layer)``, on the CPU.

    Raises
    ------
    ValueError
        If a size is not positive or the activation is unknown.

    Examples
    --------
    >>> model = MLP(4, 8, 3, generator=torch.Generator().manual_seed(0))
    >>> model(torch.zeros(5, 2, 2)).shape
    torch.Size([5, 3])
    """

    def __init__(self, inputs: int, width: int, outputs: int, *, depth: int = 2,
                 activation: str = "relu", generator: torch.Generator):
        check.positive(inputs=inputs, width=width, outputs=outputs, depth=depth)
        check.one_of(ACTIVATIONS, activation=activation)
        super().__init__()
        self.width, self.depth, self.activation = width, depth, activation
        sizes = [inputs, *[width] * depth, outputs]
        self.layers = nn.ModuleList(
            _drawn(nn.utils.skip_init(nn.Linear, before, after), generator)
            for before, after in itertools.pairwise(sizes))

    def extra_repr(self) -> str:
        return f"activation={self.activation!r}"

    def forward(self, x: Tensor) -> Tensor:
        """Outputs, shape (n, outputs), of inputs, shape (n, ...)."""
        act = ACTIVATIONS[self.activation]
        x = x.flatten(1)
        for layer in self.layers[:-1]:
            x = act(layer(x))
        return self.layers[-1](x)


class ConvNet(nn.Module):
    """Stages ``Conv 3x3, norm, max-pool 2x2, ReLU``, then the mean over pixels and a linear head.

    Parameters
    ----------
    channels, width, outputs : int > 0
        Channels of an image, channels of a stage, outputs.
    stages : int > 0
        The last stage does not pool.
    norm : {"batch", "group", "none"}
        "group" is one group, that is layer normalisation of the image.
    generator : torch.Generator
        Draws weights and biases by PyTorch's default scheme, ``U(-b, b)`` with
        ``b = 1 / sqrt(inputs of the layer)``, on the CPU.

    Raises
    ------
    ValueError
        If a size is not positive or the norm is unknown.

    Examples
    --------
    >>> model = ConvNet(1, 4, 10, generator=torch.Generator().manual_seed(0))
    >>> model(torch.zeros(5, 1, 8, 8)).shape
    torch.Size([5, 10])
    """

    def __init__(self, channels: int, width: int, outputs: int, *, stages: int = 2,
                 norm: str = "batch", generator: torch.Generator):
        check.positive(channels=channels, width=width, outputs=outputs, stages=stages)
        check.one_of(NORMS, norm=norm)
        super().__init__()
        self.width, self.stages, self.norm = width, stages, norm
        self.convs = nn.ModuleList(
            _drawn(nn.utils.skip_init(nn.Conv2d, channels if stage == 0 else width, width, 3,
                                      padding=1, bias=norm == "none"), generator)
            for stage in range(stages))
        self.norms = nn.ModuleList(_norm(norm, width) for _ in range(stages))
        self.head = _drawn(nn.utils.skip_init(nn.Linear, width, outputs), generator)

    def forward(self, x: Tensor) -> Tensor:
        """Outputs, shape (n, outputs), of images, shape (n, channels, height, width)."""
        for stage, (conv, norm) in enumerate(zip(self.convs, self.norms, strict=True)):
            x = norm(conv(x))
            if stage < self.stages - 1:
                x = functional.max_pool2d(x, 2)      # before ReLU: the same numbers, fewer of them
            x = torch.relu(x)
        return self.head(x.mean((-2, -1)))


def _norm(name: str, width: int) -> nn.Module:
    if name == "batch":
        return nn.BatchNorm2d(width)
    return nn.GroupNorm(1, width) if name == "group" else nn.Identity()


def _drawn(layer: nn.Module, generator: torch.Generator) -> nn.Module:
    """The layer with weights and bias drawn by PyTorch's default scheme."""
    bound = 1 / math.sqrt(layer.weight[0].numel())
    with torch.no_grad():
        for param in layer.parameters():
            param.uniform_(-bound, bound, generator=generator)
    return layer
