"""The network that turns what is seen of a row into a scale between 0 and 1, one for each class.

Both of its layers are normalised over the batch, so that the scales of a batch cannot all leave
for one end; each class picks its rows afterwards, so that classes may differ.
"""

import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.nn import functional

from workbench.core import check

__all__ = ["Rescaler", "cut"]

START = 0.02             # standard deviation of the first parameters
SLACK = 1e-5             # added to variances


class Rescaler(nn.Module):
    """Scales ``softmax(norm(L2 relu(norm(L1 f))))[1]`` of rows, by a network of their class.

    Parameters
    ----------
    classes : int > 0
    features : int > 0
    per_class : bool
        Whether each class has a network of its own.
    generator : torch.Generator
        Draws the first parameters, on the CPU.

    Notes
    -----
    Layers have no biases, since the normalisation that follows would take them away again.

    Examples
    --------
    >>> draws = torch.Generator().manual_seed(0)
    >>> rescaler = Rescaler(2, 19, generator=draws)
    >>> scales = rescaler(torch.randn(8, 19, generator=draws), torch.tensor([0, 1] * 4))
    >>> scales.shape, bool(((scales > 0) & (scales < 1)).all())
    (torch.Size([8]), True)
    """

    def __init__(self, classes: int, features: int, *, per_class: bool = True,
                 generator: torch.Generator):
        check.positive(classes=classes, features=features)
        super().__init__()
        self.per_class = per_class
        networks = classes if per_class else 1
        self.first, self.last = (
            nn.Parameter(START * torch.randn(networks, *shape, generator=generator))
            for shape in ((features, features), (features, 2)))

    def forward(self, features: Tensor, y: Tensor) -> Tensor:
        """Scales, shape (n,), of features, shape (n, p), and classes, shape (n,)."""
        apart = self.differences(features)
        chosen = y if self.per_class else torch.zeros_like(y)
        return apart.gather(0, chosen[None])[0].sigmoid()

    def differences(self, features: Tensor) -> Tensor:
        """Log odds of the scales by every network, shape (networks, n); zero on average.

        Raises
        ------
        ValueError
            For fewer than two rows, which have no variance to normalise by.
        """
        if len(features) < 2:
            raise ValueError(f"a batch must have at least 2 rows, got {len(features)}. Pass a "
                             "larger batch_size; leave incomplete batches out.")
        hidden = _normalised(features.to(self.first) @ self.first).relu()
        ends = _normalised(hidden @ self.last)
        return ends[..., 1] - ends[..., 0]


def cut(scales: Tensor, threshold: float) -> Tensor:
    """One for scales of at least `threshold` and zero below, as if it were the scale itself.

    The slope of a row passes through unchanged, but for what lies outside of -1 to 1.

    Examples
    --------
    >>> cut(torch.tensor([0.2, 0.7]), 0.5).tolist()
    [0.0, 1.0]
    """
    found: Tensor = _Cut.apply(scales, threshold)
    return found


class _Cut(Function):
    @staticmethod
    def forward(_: object, scales: Tensor, threshold: float) -> Tensor:
        return (scales >= threshold).to(scales)

    @staticmethod
    def backward(_: object, slopes: Tensor) -> tuple[Tensor, None]:
        return functional.hardtanh(slopes), None


def _normalised(values: Tensor) -> Tensor:
    """Values less their mean over rows, by their standard deviation, shape (networks, n, p)."""
    centred = values - values.mean(1, keepdim=True)
    return centred * (centred.square().mean(1, keepdim=True) + SLACK).rsqrt()
