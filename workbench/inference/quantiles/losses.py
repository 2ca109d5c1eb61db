"""Losses of networks that predict quantiles: pinball, its smooth form, a penalty on crossings.

``loss = weights @ losses`` over rows, ``psi_tau(u) = max(tau * u, (tau - 1) * u)`` with
``u = y - quantile``, and over all pairs of levels ``l < k`` the penalty
``relu(quantile_l - quantile_k + margin_lk)``.

Source: section 3.2 of R. Fakoor et al., JMLR 24 (2023). The penalty in ``O(q log q)`` is ours: for
``margin_lk = offset_k - offset_l`` and ``r = quantile - offset``, the sum over all pairs is
``sum_l l * (sorted(r)_l - r_l)``, since the rank of ``r_l`` less its position counts the pairs
that it crosses, with their sign.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from workbench.core import check
from workbench.inference.quantiles.resolution import MARGINS

__all__ = ["Margin", "crossing_penalty", "huber_pinball_loss", "margin_for", "pinball_loss"]


@dataclass(frozen=True)
class Margin:
    """Least distances that the penalty asks of pairs: ``gap + offset_k - offset_l`` for l < k.

    Parameters
    ----------
    offsets : tensor, shape (q,)
        Not decreasing.
    gap : float >= 0
        The same for all pairs.
    """

    offsets: Tensor
    gap: float = 0.0

    def to(self, like: Tensor) -> "Margin":
        """The same margins beside another tensor, with its type."""
        return replace(self, offsets=self.offsets.to(like))


def pinball_loss(y: Tensor, quantiles: Tensor, quantile_levels: Tensor, *,
                 sample_weight: Tensor | None = None) -> Tensor:
    """Mean over rows and levels of ``max(tau * u, (tau - 1) * u)``, ``u = y - quantile``.

    Parameters
    ----------
    y : tensor, shape (n,)
    quantiles : tensor, shape (n, q)
    quantile_levels : tensor, shape (q,)
        Or, shape (n, q), levels of each entry.
    sample_weight : tensor, shape (n,), optional
        Multiplies the loss of each row; amounts with mean one keep the scale of the loss.

    Returns
    -------
    loss : tensor, shape ()
        In the unit of `y`.
    """
    missed = y.unsqueeze(-1) - quantiles
    losses = torch.maximum(quantile_levels * missed, (quantile_levels - 1) * missed)
    return _mean(losses.mean(-1), sample_weight)


def huber_pinball_loss(y: Tensor, quantiles: Tensor, quantile_levels: Tensor, *, alpha: float,
                       sample_weight: Tensor | None = None) -> Tensor:
    """Pinball loss, a parabola where ``abs(u) < alpha``; ``alpha = 0`` is `pinball_loss`.

    Notes
    -----
    ``rho = u**2 / (2 * alpha)`` inside and ``abs(u) - alpha / 2`` outside, times ``tau`` where
    ``u >= 0`` and ``1 - tau`` elsewhere.
    """
    if not alpha >= 0:
        raise ValueError(f"alpha must be >= 0, got {alpha!r}. Pass 0 for the plain pinball loss.")
    if alpha == 0:
        return pinball_loss(y, quantiles, quantile_levels, sample_weight=sample_weight)
    missed = y.unsqueeze(-1) - quantiles
    size = missed.abs()
    rho = torch.where(size < alpha, missed ** 2 / (2 * alpha), size - alpha / 2)
    share = torch.where(missed >= 0, quantile_levels, 1 - quantile_levels)
    return _mean((share * rho).mean(-1), sample_weight)


def crossing_penalty(quantiles: Tensor, margin: Margin | None = None, *,
                     sample_weight: Tensor | None = None) -> Tensor:
    """Mean over rows and all pairs l < k of ``relu(quantile_l - quantile_k + margin_lk)``.

    Parameters
    ----------
    quantiles : tensor, shape (n, q)
    margin : Margin, optional
        None takes margins of zero.
    sample_weight : tensor, shape (n,), optional

    Returns
    -------
    penalty : tensor, shape ()
        In the unit of `quantiles`; zero for a single level.
    """
    q = quantiles.shape[-1]
    if q == 1:
        return quantiles.sum() * 0
    shifted = quantiles if margin is None else quantiles - margin.to(quantiles).offsets
    if margin is not None and margin.gap > 0:
        sums = _PairsWithin.apply(shifted, margin.gap)
    else:
        ordered = torch.sort(shifted, dim=-1, stable=True).values
        sums = (ordered - shifted) @ torch.arange(q, dtype=shifted.dtype, device=shifted.device)
    return _mean(sums / (q * (q - 1) / 2), sample_weight)


def margin_for(kind: str, scale: float, quantile_levels: Any, *, residuals: Any = None,
               sample_weight: Any = None) -> Margin | None:
    """Margins by name.

    Parameters
    ----------
    kind : {"single", "vec", "adaptive", "none"}
        The same for all pairs; in proportion to the distance of the levels; in proportion to the
        distance of the quantiles of the residuals; none, for which the answer is None.
    scale : float >= 0
        The margin of ``single``; the factor of the other two.
    quantile_levels : array, shape (q,)
    residuals : array, shape (n,), optional
        For ``adaptive``: what the base models' middle missed on the training rows.
    sample_weight : array, shape (n,), optional
        Amounts by which the residuals count.
    """
    check.one_of(MARGINS, margin=kind)
    if not scale >= 0:
        raise ValueError(f"margin_scale must be >= 0, got {scale!r}. Pass 0 for margins of zero.")
    levels = np.asarray(quantile_levels, dtype=float)
    if kind == "none":
        return None
    if kind == "single":
        return Margin(torch.zeros(len(levels), dtype=torch.float64), float(scale))
    if kind == "vec":
        return Margin(torch.tensor(scale * levels))
    if residuals is None:
        raise ValueError("residuals must come with margin='adaptive', got none. Pass "
                         "margin='vec' without them.")
    spread = np.quantile(np.asarray(residuals, dtype=float), levels, method="inverted_cdf",
                         weights=sample_weight)
    return Margin(torch.tensor(scale * spread))


class _PairsWithin(torch.autograd.Function):
    """Sum over l < k of ``relu(q_l - q_k + gap)``, one distance ``k - l`` at a time."""

    @staticmethod
    def forward(ctx: Any, quantiles: Tensor, gap: float) -> Tensor:
        sums = quantiles.new_zeros(quantiles.shape[:-1])
        slopes = torch.zeros_like(quantiles)
        for distance in range(1, quantiles.shape[-1]):
            short = (quantiles[..., :-distance] - quantiles[..., distance:] + gap).clamp_(min=0)
            sums += short.sum(-1)
            crossed = (short > 0).to(quantiles)
            slopes[..., :-distance] += crossed
            slopes[..., distance:] -= crossed
        ctx.save_for_backward(slopes)
        return sums

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        slopes, = ctx.saved_tensors
        return grads[0].unsqueeze(-1) * slopes, None


def _mean(losses: Tensor, sample_weight: Tensor | None) -> Tensor:
    return losses.mean() if sample_weight is None else sample_weight @ losses / len(losses)
