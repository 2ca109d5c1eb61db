"""Strategies that turn the losses of a step into weights: places, scores, softmax.

``h = delta (2 (l - low) - (high - low)) / (high - low)``, then ``weights = softmax(f(h) / r)``;
the source is that of `workbench.reweighting.loss_based`.
"""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from workbench.core import check

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["STRATEGIES", "checked_losses", "checked_sizes", "largest_weight", "loss_weights",
           "normalise_losses", "place_weights", "score_range", "strategy_score",
           "strategy_weights"]

FLOOR = 1e-6          # of the range of the losses
COLDEST = 1e-30       # a temperature at which all weight is on the highest scores already
LARGEST_EXPONENT = 700
SCORES: dict[str, Callable[[Any, float, float], Any]] = {
    "linupper": lambda h, delta, alpha: (h + delta).clamp(max=alpha * delta),
    "quadratic": lambda h, delta, alpha: alpha * (1 - (h / delta).square()),
    "extremes": lambda h, _, alpha: alpha * h.abs(),
    "linear": lambda h, delta, alpha: alpha * (h + delta) / 2,
    "uniform": lambda h, _delta, _alpha: h * 0.0,
}
STRATEGIES = tuple(SCORES)


def normalise_losses(losses: "Tensor", *, delta: float = 1.0) -> "Tensor":
    """Places of losses between the lowest, ``-delta``, and the highest, ``delta``.

    ``h = delta * (2 (l - low) - (high - low)) / max(high - low, 1e-6)``, detached and in float32
    or wider. Equal losses all stand at zero.

    Parameters
    ----------
    losses : tensor, shape (..., n)
        Each row of the last axis is a step of its own.
    delta : float > 0

    Returns
    -------
    places : tensor, shape (..., n)
    """
    checked_sizes(delta=delta)
    return _places(checked_losses(losses), delta)


def strategy_score(places: "Tensor", strategy: str, *, delta: float = 1.0,
                   alpha: float = 1.0) -> "Tensor":
    """What earns weight at each place: the function ``f`` of the module's formula.

    Parameters
    ----------
    places : tensor, any shape
        In [-delta, delta], from :func:`normalise_losses`.
    strategy : {"linupper", "quadratic", "extremes", "linear", "uniform"}
        ``min(h + delta, alpha delta)``; ``alpha (1 - h^2 / delta^2)``; ``alpha |h|``; ``alpha (h +
        delta) / 2``, whose weights are those of distributionally robust optimisation under a
        Kullback-Leibler penalty; nothing.
    delta, alpha : float > 0
        Half the range of places; the cap, or the size, of the score.

    Raises
    ------
    ValueError
        If the strategy is unknown, or a number not positive.

    Examples
    --------
    >>> import torch
    >>> strategy_score(torch.tensor([-1.0, 0.0, 1.0]), "linupper").tolist()
    [0.0, 1.0, 1.0]
    """
    check.one_of(STRATEGIES, strategy=strategy)
    checked_sizes(delta=delta, alpha=alpha)
    return SCORES[strategy](places, delta, alpha)


def loss_weights(losses: "Tensor", strategy: str = "linupper", *, temperature: float = 1.0,
                 delta: float = 1.0, alpha: float = 1.0) -> "Tensor":
    """Weights of the rows of a step: ``softmax(f(h) / temperature)``.

    Parameters
    ----------
    losses : tensor, shape (..., n)
        Each row of the last axis is a step of its own.
    strategy : {"linupper", "quadratic", "extremes", "linear", "uniform"}
    temperature : float > 0
        Infinity gives equal weights.
    delta, alpha : float > 0
        See :func:`strategy_score`.

    Returns
    -------
    weights : tensor of float32 or float64, shape (..., n)
        On the simplex; no gradient flows through them.

    Raises
    ------
    ValueError
        If there are no losses or one is not finite, for an unknown strategy, or for a number
        that is not positive.

    Notes
    -----
    ``weights(a * losses + c) = weights(losses)`` for ``a > 0``: losses that differ by 0.0001 are
    told apart as sharply as those that differ by 4.

    Examples
    --------
    >>> import torch
    >>> loss_weights(torch.tensor([0.0, 2.0]), "linupper", temperature=1.0)
    tensor([0.2689, 0.7311])
    """
    check.one_of(STRATEGIES, strategy=strategy)
    check.positive(temperature=temperature)
    checked_sizes(delta=delta, alpha=alpha)
    losses = checked_losses(losses)
    finite = losses.isfinite()
    if not bool(finite.all()):
        place = int((~finite).flatten().nonzero()[0])
        raise ValueError(f"losses must be finite, got {float(losses.flatten()[place])} at "
                         f"position {place}. Lower the learning rate, or drop the row.")
    return strategy_weights(losses, strategy, temperature, delta, alpha)


def score_range(strategy: str, *, delta: float = 1.0, alpha: float = 1.0) -> float:
    """How far scores of a strategy can be apart; one for those of the published code.

    Examples
    --------
    >>> score_range("linupper", alpha=0.5), score_range("uniform")
    (0.5, 0.0)
    """
    check.one_of(STRATEGIES, strategy=strategy)
    checked_sizes(delta=delta, alpha=alpha)
    return {"linupper": min(2.0, alpha) * delta, "quadratic": alpha, "uniform": 0.0}.get(
        strategy, alpha * delta)


def largest_weight(temperature: float, n: int | None = None) -> float:
    """The most that a row of n can count, times uniform, for scores in [0, 1].

    For scores in a wider range divide the temperature by it, see :func:`score_range`.

    ``n / (1 + (n - 1) exp(-1 / temperature))``, which stays below ``exp(1 / temperature)``, the
    answer without `n`. It is at most 2 from a temperature of ``1 / log 2 = 1.443`` on.

    Examples
    --------
    >>> round(largest_weight(1.0), 4), round(largest_weight(1.0, 2), 4)
    (2.7183, 1.4621)
    """
    check.positive(temperature=temperature)
    if n is None:
        return math.exp(1 / temperature) if 1 / temperature < LARGEST_EXPONENT else math.inf
    check.whole(1, n=n)
    return n / (1 + (n - 1) * math.exp(-1 / temperature))


def checked_losses(losses: "Tensor") -> "Tensor":
    """Losses, detached and in float32 or wider, if there are some."""
    import torch

    if not isinstance(losses, torch.Tensor):
        raise TypeError(f"losses must be a tensor, got {type(losses).__name__}. Pass "
                        "torch.as_tensor(losses).")
    if not losses.ndim or not losses.shape[-1]:
        raise ValueError(f"losses must be one number per row, got shape {tuple(losses.shape)}. "
                         "Pass losses that are not averaged yet.")
    losses = losses.detach()
    is_wide = losses.is_floating_point() and losses.element_size() == 8
    return losses if is_wide else losses.float()


def strategy_weights(losses: "Tensor", strategy: str, temperature: float, delta: float,
                     alpha: float) -> "Tensor":
    """Weights of checked losses; no number is looked at, so that a device is not waited for."""
    is_equal = strategy == "uniform" or math.isinf(temperature)
    places = losses if is_equal else _places(losses, delta)
    return place_weights(places, strategy, temperature, delta, alpha)


def place_weights(places: "Tensor", strategy: str, temperature: float, delta: float,
                  alpha: float) -> "Tensor":
    """Weights of places, equal at an infinite temperature."""
    if strategy == "uniform" or math.isinf(temperature):
        return places.new_full(places.shape, 1 / places.shape[-1])
    return (SCORES[strategy](places, delta, alpha) / max(temperature, COLDEST)).softmax(-1)


def _places(losses: "Tensor", delta: float) -> "Tensor":
    low, high = losses.aminmax(dim=-1, keepdim=True)
    width = high - low
    reach = width.clamp(min=FLOOR)
    places = 2 * ((losses - low) / reach) - width / reach      # never overflows
    return places if delta == 1 else delta * places


def checked_sizes(*, delta: float = 1.0, alpha: float = 1.0) -> None:
    """Refuse sizes that are not above zero and finite."""
    check.positive(delta=delta, alpha=alpha)
    for name, value in (("delta", delta), ("alpha", alpha)):
        if math.isinf(value):
            raise ValueError(f"{name} must be finite, got {value!r}. Pass 1.0.")
