"""How alike two normal distributions are: divergence and overlap, for whole tensors at once."""

import math

import torch
from torch import Tensor

__all__ = ["gaussian_kl", "gaussian_overlap"]

FLOOR = 1e-8             # of a standard deviation
LARGEST = 1e12           # of a divergence; squares stay finite in float32


def gaussian_kl(mean: Tensor, std: Tensor, other_mean: Tensor, other_std: Tensor) -> Tensor:
    """Divergence KL(N(mean, std) || N(other_mean, other_std)) [nats].

    Parameters
    ----------
    mean, std, other_mean, other_std : tensors of one shape
        Standard deviations >= 0; where one of the two is zero the divergence counts as zero.

    Returns
    -------
    divergence : tensor
        In [0, 1e12].

    Examples
    --------
    >>> one, two = torch.tensor(1.0), torch.tensor(2.0)
    >>> round(gaussian_kl(one, one, two, one).item(), 4)
    0.5
    """
    known = (std > 0) & (other_std > 0)
    ours, theirs = std.where(known, torch.ones_like(std)), other_std.where(
        known, torch.ones_like(std))
    ratio = ours / theirs
    gap = (mean - other_mean) / theirs
    # log(1 + x) <= x, so that no rounding makes the sum negative
    found = (ratio - 1) - ratio.log() + 0.5 * (ratio - 1).square() + 0.5 * gap.square()
    return found.where(known, torch.zeros_like(found)).clamp(0, LARGEST)


def gaussian_overlap(mean: Tensor, std: Tensor, other_mean: Tensor, other_std: Tensor) -> Tensor:
    """Area under the lower one of two normal densities, in [0, 1].

    Parameters
    ----------
    mean, std, other_mean, other_std : tensors of float64, of one shape
        Standard deviations below 1e-8 count as 1e-8.

    Notes
    -----
    In units of the first, with m the gap of means and s the ratio of deviations, densities cross
    where ``(s^2 - 1) x^2 + 2 m x = m^2 + 2 s^2 log s``. The root near both means comes from the
    product of the roots, so that nothing cancels as s nears one, where the other root leaves for
    infinity and takes no area with it.

    Examples
    --------
    >>> zero, one = torch.tensor([0.0, 1.0], dtype=torch.float64)
    >>> round(gaussian_overlap(zero, one, zero + 2, one).item(), 4)      # 2 Phi(-1)
    0.3173
    """
    std, other_std = std.clamp(min=FLOOR), other_std.clamp(min=FLOOR)
    gap = ((other_mean - mean) / std).abs()
    excess = (other_std - std) / std
    ratio, log = 1 + excess, excess.log1p()
    width = excess * (2 + excess)                        # s^2 - 1
    root = ratio * (gap.square() + 2 * width * log).clamp(min=0).sqrt()
    sum_ = -(gap + root)
    near = -(gap.square() + 2 * ratio.square() * log) / sum_
    far = sum_ / width
    taken = sum(_apart(crossing, gap, ratio) for crossing in (near, far))
    same = (gap == 0) & (excess == 0)
    return (1 - taken).where(~same, torch.ones_like(gap)).clamp(0, 1)


def _apart(crossing: Tensor, gap: Tensor, ratio: Tensor) -> Tensor:
    """How far both distribution functions are apart at a crossing; nothing at infinity."""
    moved = (crossing - gap) / ratio
    there = (_below(crossing) - _below(moved)).abs()
    return there.where(torch.isfinite(crossing), torch.zeros_like(there))


def _below(x: Tensor) -> Tensor:
    return 0.5 * torch.special.erfc(-x / math.sqrt(2))
