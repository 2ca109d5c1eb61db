"""Pull the features of each class together and apart from those of others.

Source: P. Khosla, P. Teterwak, C. Wang, A. Sarna, Y. Tian, P. Isola, A. Maschinot, C. Liu,
D. Krishnan, "Supervised Contrastive Learning", NeurIPS (2020).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workbench.core import check

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["FeatureSeparation", "supcon_loss"]

TINY = 1e-12


def supcon_loss(features: "Tensor", labels: "Tensor", temperature: float = 0.1,
                reduction: str = "mean") -> "Tensor":
    """Supervised contrastive loss of rows whose features have length one [nats].

    Parameters
    ----------
    features : tensor, shape (n, d)
        n >= 2; divided by their lengths here. A row of zeros has no direction: it stays zero,
        without a gradient. Half precision is widened.
    labels : tensor of whole numbers, shape (n,)
    temperature : float > 0
    reduction : {"mean", "none"}
        "mean": over the rows that share their class with another; 0 without any. "none": one
        loss for each row, 0 for a row alone in its class.

    Returns
    -------
    loss : tensor, shape () or (n,)

    Raises
    ------
    ValueError
        If shapes disagree, there is one row only, or the temperature is not positive.

    Examples
    --------
    >>> import torch
    >>> supcon_loss(torch.eye(2).repeat(2, 1), torch.tensor([0, 1, 0, 1]), 1.0).round(decimals=4)
    tensor(0.5514)
    """
    import torch

    check.positive(temperature=temperature)
    check.one_of(("mean", "none"), reduction=reduction)
    if features.ndim != 2 or labels.shape != features.shape[:1] or len(labels) < 2:
        raise ValueError("features must have shape (n, d) and labels (n,), with n >= 2, got "
                         f"{tuple(features.shape)} and {tuple(labels.shape)}. Flatten features, "
                         "and pass at least two rows.")
    unit = _directions(features)
    alike = unit @ unit.T / temperature
    own = torch.eye(len(labels), dtype=torch.bool, device=features.device)
    alike = alike - alike.detach().amax(1, keepdim=True)
    logs = alike - alike.masked_fill(own, -torch.inf).logsumexp(1, keepdim=True)
    mates = ((labels[:, None] == labels[None]) & ~own).to(logs)
    count = mates.sum(1)
    rows = -(logs * mates).sum(1) / count.clamp(min=1)
    return rows if reduction == "none" else rows.sum() / (count > 0).sum().clamp(min=1)


def _directions(features: "Tensor") -> "Tensor":
    """Features of length one, in 32 bits at least."""
    import torch

    wide = features.float() if features.dtype.itemsize < torch.float32.itemsize else features
    length = torch.linalg.vector_norm(wide, dim=1, keepdim=True)
    known = length > TINY
    unit = wide / torch.where(known, length, 1.0)
    return torch.where(known, unit, 0.0)


@dataclass(frozen=True)
class FeatureSeparation:
    """Penalty that separates the features of classes, for ``fit(penalty=...)``.

    Features are the inputs of the last linear layer for the rows that the network saw, under
    attack where inputs are perturbed. Rows are compared within their micro-batch, so that several
    small ones are another penalty than one large one.

    Parameters
    ----------
    strength : float >= 0
        Times the loss; 0 adds nothing.
    temperature : float > 0
    layer : str, optional
        Dotted name of another layer, whose inputs are the features.

    Raises
    ------
    ValueError
        If a number is out of range; at work, if a micro-batch has one row only.
    """

    strength: float = 1.0
    temperature: float = 0.1
    layer: str | None = None

    def __post_init__(self) -> None:
        check.positive(temperature=self.temperature)
        if not check.holds(lambda number: 0 <= number < float("inf"), self.strength):
            raise ValueError(f"strength must be >= 0, got {self.strength!r}. Pass 0 for no "
                             "separation, 1 for as much as the loss.")

    @property
    def needs(self) -> frozenset[str]:
        """Features, unless nothing is to be added."""
        return frozenset({"features"} if self.strength else ())

    def __call__(self, moment: Any) -> "Tensor":
        """The number to add."""
        if not self.strength:
            zero: Tensor = moment.losses.new_zeros(())
            return zero
        return self.strength * supcon_loss(moment.features, moment.micro.y, self.temperature)
