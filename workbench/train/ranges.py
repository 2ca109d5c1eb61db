"""What inputs must be to be attacked: floating, and within the range that is told."""

import math

from torch import Tensor

from workbench.core import check

__all__ = ["Clip", "checked_clip", "checked_eps", "checked_inputs"]

SLACK = 1e-5            # outside `clip`, for inputs that were scaled in float32
Clip = tuple[float, float] | None


def checked_inputs(x: Tensor, clip: Clip) -> None:
    """Refuse inputs that no attack can move, or that are out of range already."""
    if not isinstance(x, Tensor) or not x.is_floating_point():
        kind = x.dtype if isinstance(x, Tensor) else type(x).__name__
        remedy = ("Convert them with .float(), scaled to the range that clip names"
                  if isinstance(x, Tensor) else
                  "Pass rows as one tensor: (x, y) instead of a mapping")
        raise ValueError(f"inputs must be a floating tensor to be attacked, got {kind}. {remedy}.")
    if not x.numel():
        return
    least, most = (float(end) for end in x.detach().aminmax())
    if not math.isfinite(least + most):
        raise ValueError("inputs must be finite to be attacked, got NaN or infinity. Drop or fill "
                         "such rows first.")
    if clip is None:
        return
    low, high = checked_clip(clip)
    if least < low - SLACK or most > high + SLACK:
        raise ValueError(f"inputs must lie within clip ({low:g}, {high:g}), got {least:.4g} to "
                         f"{most:.4g}. Scale them before the attack and put normalisation into "
                         "the network, or pass clip=None.")


def checked_eps(eps: float) -> float:
    """A largest change."""
    if not check.holds(lambda one: 0 <= one < float("inf"), eps):
        raise ValueError(f"eps must be a number >= 0, got {eps!r}. Pass it in the unit of the "
                         "inputs, such as 8 / 255.")
    return float(eps)


def checked_clip(clip: tuple[float, float]) -> tuple[float, float]:
    """Ends of a range."""
    if not check.holds(lambda ends: len(ends) == 2 and ends[0] < ends[1], clip):
        raise ValueError(f"clip must be two rising numbers or None, got {clip!r}. Pass (0, 1).")
    return float(clip[0]), float(clip[1])
