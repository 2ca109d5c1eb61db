"""Which rows of a batch still teach? Each is weighed by its loss now, within the batch alone.

``loss = weights @ losses`` with ``weights ~ exp(f(h) / temperature)``, where ``h`` in [-1, 1] is
the place of a row's loss between the lowest and the highest one of the step, and ``f`` says which
places earn weight: LinUpper all above the middle alike, Quadratic the middle, Extremes both ends,
Linear the highest. No reference model and nothing remembered; as the temperature grows the
weights become equal, and "uniform" is equal at any.

Source: D. Sow, H. Woisetschläger, S. Bulusu, S. Wang, H.-A. Jacobsen, Y. Liang, "Dynamic
Loss-Based Sample Reweighting for Improved Large Language Model Pretraining", ICLR (2025),
arXiv:2502.06733.
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workbench.core import check
from workbench.core.card import Card
from workbench.reweighting.strategies import (
    STRATEGIES,
    checked_losses,
    checked_sizes,
    strategy_weights,
)
from workbench.reweighting.temperatures import Schedule

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["CARD", "LossWeighter"]

CARD = Card(
    source="sow2025dynamic",
    weighs="rows of a training step, by the place of their loss in the step",
    range="simplex",
    neutral={"temperature": math.inf}, baseline="mean loss of the step",
)

@dataclass(frozen=True)
class LossWeighter:
    """Weights of rows by their losses, for :func:`workbench.train.fit`.

    Parameters
    ----------
    strategy : {"linupper", "quadratic", "extremes", "linear", "uniform"}
    temperature : float > 0, or a schedule
        Infinity is equal weights. A schedule is a function of the share of the training that is
        done, see `annealed` and `piecewise`.
    burn_in : float in [0, 1)
        Share of the steps, the first ones, with equal weights.
    delta, alpha : float > 0
        See :func:`~workbench.reweighting.strategies.strategy_score`.
    scope : {"step", "batch"}
        Over what weights sum to one: all rows of a step, over micro-batches and processes; or
        each micro-batch on its own, as the published code does. "step" costs a second forward
        pass where a step has several micro-batches, which `Lagged` saves.
    length_norm : {"mean", "tokens"}
        "tokens" multiplies a row's weight by the tokens it is judged by, before all are divided
        by their sum: long texts count more. It needs targets of token numbers.
    skip_empty : bool
        Rows of text with no token to judge get no weight and do not count in the range. Without,
        the loop refuses them where the loss is `causal_lm`, unless lengths are weights.

    Raises
    ------
    ValueError
        For an unknown word, or a number out of range; at work, for a schedule that leaves it.

    Examples
    --------
    >>> import torch
    >>> LossWeighter("quadratic", burn_in=0.0)(torch.tensor([1.0, 2.0, 3.0])).round(decimals=3)
    tensor([0.2120, 0.5760, 0.2120])
    """

    strategy: str = "linupper"
    temperature: float | Schedule = 1.0
    burn_in: float = 0.05
    delta: float = 1.0
    alpha: float = 1.0
    scope: str = "step"
    length_norm: str = "mean"
    skip_empty: bool = False

    def __post_init__(self) -> None:
        check.one_of(STRATEGIES, strategy=self.strategy)
        check.one_of(("step", "batch"), scope=self.scope)
        check.one_of(("mean", "tokens"), length_norm=self.length_norm)
        checked_sizes(delta=self.delta, alpha=self.alpha)
        if not isinstance(self.skip_empty, bool):
            raise ValueError(f"skip_empty must be True or False, got {self.skip_empty!r}. Pass "
                             "one.")
        if not callable(self.temperature):
            check.positive(temperature=self.temperature)
        if not check.holds(lambda share: 0 <= share < 1, self.burn_in):
            raise ValueError(f"burn_in must lie in [0, 1), got {self.burn_in!r}. Pass the share "
                             "of the steps, such as 0.05.")

    @property
    def needs(self) -> frozenset[str]:
        """What the loop must tell: the time where it matters, targets where lengths do."""
        timed = {"step"} if callable(self.temperature) or self.burn_in else set()
        return frozenset(timed | ({"targets"} if self._counts_tokens else set()))

    @property
    def _counts_tokens(self) -> bool:
        return self.skip_empty or self.length_norm == "tokens"

    @property
    def refuses_empty(self) -> bool:
        """Whether the loop is to refuse rows without a token, which would get weight."""
        return not self.skip_empty and self.length_norm == "mean"

    def temperature_at(self, step: int, total: int) -> float:
        """Temperature of a step, counted from zero; infinity in the burn-in."""
        t = step / total if total else 1.0
        if t < self.burn_in:
            return math.inf
        if not callable(self.temperature):
            return float(self.temperature)
        found = self.temperature(t)
        check.positive(temperature=found, hint="Let the schedule give numbers above zero for all "
                       "shares of the training in [0, 1].")
        return float(found)

    def __call__(self, told: Any) -> "Tensor":
        """Weights, shape (n,), of losses, shape (n,), or of a `Batch`; losses are past training.

        Losses alone are weighed at the last temperature.
        """
        losses = getattr(told, "losses", told)
        at = self.temperature_at(told.step, told.total_steps) if losses is not told else (
            self.temperature_at(1, 1))
        losses = checked_losses(losses)
        if not self._counts_tokens:
            return strategy_weights(losses, self.strategy, at, self.delta, self.alpha)
        return self._by_length(losses, _token_counts(getattr(told, "targets", None)), at)

    def _by_length(self, losses: "Tensor", counts: "Tensor", temperature: float) -> "Tensor":
        """Weights without empty rows, times lengths where they count."""
        known = counts > 0
        filled = losses.where(known, losses.where(known, math.inf).amin())
        filled = filled.where(known.any(), 0.0)
        weights = strategy_weights(filled, self.strategy, temperature, self.delta, self.alpha)
        amounts = weights * (counts if self.length_norm == "tokens" else known)
        amounts = amounts.where(known.any(), 1.0)
        return amounts / amounts.sum()


def _token_counts(targets: Any) -> "Tensor":
    from workbench.train.losses import token_counts

    shape: tuple[int, ...] = tuple(getattr(targets, "shape", ()))
    if len(shape) != 2 or shape[1] < 2 or targets.is_floating_point():
        raise ValueError("targets must be token numbers (n, t) where lengths count, got "
                         f"{f'shape {shape}' if shape else type(targets).__name__}. Train "
                         "with causal_lm, or leave length_norm and skip_empty alone.")
    return token_counts(targets)
