"""Losses that favour rare classes in other ways: shifted logits, margins, and focus.

Sources: J. Ren et al., "Balanced Meta-Softmax for Long-Tailed Visual Recognition", NeurIPS
(2020), under attack in X. Yue, N. Mou, Q. Wang, L. Zhao, "Revisiting Adversarial Training under
Long-Tailed Distributions", CVPR (2024); K. Cao et al., "Learning Imbalanced Datasets with
Label-Distribution-Aware Margin Loss", NeurIPS (2019); T.-Y. Lin et al., "Focal Loss for Dense
Object Detection", ICCV (2017).
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from workbench.core import check
from workbench.reweighting.by_class.class_weights import checked_counts
from workbench.train import classification
from workbench.train.losses import logits_of

__all__ = ["BalancedSoftmax", "CosineLinear", "Focal", "Ldam", "balanced_softmax_logits",
           "focal_loss", "ldam_logits"]


def balanced_softmax_logits(logits: Tensor, counts: Any, tau: float = 1.0) -> Tensor:
    """Logits plus ``tau log counts``: what a network must give where classes are unequal.

    Parameters
    ----------
    logits : tensor, shape (n, c)
    counts : array of int >= 1, shape (c,)
    tau : float >= 0
        0 leaves them as they are.

    Examples
    --------
    >>> balanced_softmax_logits(torch.zeros(1, 2), [9, 1]).softmax(1).round(decimals=3).tolist()
    [[0.8999999761581421, 0.10000000149011612]]
    """
    if not check.holds(lambda number: 0 <= number < float("inf"), tau):
        raise ValueError(f"tau must be >= 0, got {tau!r}. Pass 1 for the counts as they are.")
    return logits + tau * _like(logits, counts).log()


def ldam_logits(logits: Tensor, y: Tensor, counts: Any, *, largest: float = 0.5,
                scale: float = 30.0) -> Tensor:
    """Logits whose own class is lowered by a margin, largest for the rarest class.

    Parameters
    ----------
    logits : tensor, shape (n, c)
        Cosines, as `CosineLinear` gives.
    y : tensor of int, shape (n,)
    counts : array of int >= 1, shape (c,)
    largest : float >= 0
        Margin of the rarest class; others have ``largest (n_min / n_c)^(1/4)``.
    scale : float > 0
        Times the result.

    Examples
    --------
    >>> ldam_logits(torch.zeros(1, 2), torch.tensor([0]), [16, 1], scale=2.0).tolist()
    [[-0.5, 0.0]]
    """
    check.positive(scale=scale)
    if not check.holds(lambda number: 0 <= number < float("inf"), largest):
        raise ValueError(f"largest must be >= 0, got {largest!r}. Pass 0.5, or 0 for no margin.")
    n = _like(logits, counts)
    margins = largest * (n.min() / n) ** 0.25
    own = functional.one_hot(y.long(), logits.shape[1]).to(logits)
    return scale * (logits - own * margins)


def focal_loss(outputs: Any, y: Tensor, gamma: float = 1.0) -> Tensor:
    """Cross-entropy times ``(1 - p)^gamma``, shape (n,) [nats]; `gamma` 0 is cross-entropy.

    Examples
    --------
    >>> round(focal_loss(torch.zeros(1, 2), torch.tensor([0]), 2.0).item(), 4)    # log 2 / 4
    0.1733
    """
    if not check.holds(lambda number: 0 <= number < float("inf"), gamma):
        raise ValueError(f"gamma must be >= 0, got {gamma!r}. Pass 1, or 0 for cross-entropy.")
    losses = classification(outputs, y)
    return losses if gamma == 0 else losses * (-torch.expm1(-losses)).clamp(min=1e-12) ** gamma


@dataclass(frozen=True)
class BalancedSoftmax:
    """Cross-entropy of logits plus ``tau log counts``, for ``fit(loss=...)``.

    Parameters
    ----------
    counts : sequence of int >= 1
    tau : float >= 0
    """

    counts: tuple[int, ...]
    tau: float = 1.0

    def __post_init__(self) -> None:
        checked_counts(self.counts)

    def __call__(self, outputs: Any, y: Tensor) -> Tensor:
        return classification(balanced_softmax_logits(logits_of(outputs), self.counts, self.tau),
                              y)


@dataclass(frozen=True)
class Ldam:
    """Cross-entropy with margins, for ``fit(loss=...)`` and a network that ends in cosines.

    Parameters
    ----------
    counts : sequence of int >= 1
    largest, scale : float
        See `ldam_logits`.
    """

    counts: tuple[int, ...]
    largest: float = 0.5
    scale: float = 30.0

    def __post_init__(self) -> None:
        checked_counts(self.counts)

    def __call__(self, outputs: Any, y: Tensor) -> Tensor:
        return classification(ldam_logits(logits_of(outputs), y, self.counts,
                                          largest=self.largest, scale=self.scale), y)


@dataclass(frozen=True)
class Focal:
    """Focal loss, for ``fit(loss=...)``.

    Parameters
    ----------
    gamma : float >= 0
    """

    gamma: float = 1.0

    def __call__(self, outputs: Any, y: Tensor) -> Tensor:
        return focal_loss(outputs, y, self.gamma)


class CosineLinear(nn.Linear):
    """A last layer that gives cosines between features and classes, which `Ldam` needs."""

    def forward(self, features: Tensor) -> Tensor:
        """Cosines, shape (n, c), of features, shape (n, p)."""
        return functional.linear(functional.normalize(features, dim=1),
                                 functional.normalize(self.weight, dim=1))


def _like(logits: Tensor, counts: Any) -> Tensor:
    n = checked_counts(counts)
    if logits.ndim != 2 or logits.shape[1] != len(n):
        raise ValueError(f"counts must have a number for each of the classes of logits (n, c), "
                         f"got {len(n)} for shape {tuple(logits.shape)}. Count all classes.")
    return torch.as_tensor(n, dtype=logits.dtype, device=logits.device)
