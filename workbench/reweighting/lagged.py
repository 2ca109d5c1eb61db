"""Weights by loss without a second forward pass: the range is that of the step before."""

from dataclasses import dataclass, field
from typing import Any

from workbench.reweighting.loss_based import LossWeighter
from workbench.reweighting.strategies import FLOOR, checked_losses, place_weights

__all__ = ["Lagged"]


@dataclass(frozen=True)
class Lagged:
    """A `LossWeighter` whose lowest and highest loss are those of the whole step before.

    Parameters
    ----------
    weighter : LossWeighter
        Its scope is not used: each micro-batch is weighed as it comes, and sums to one alone.

    Raises
    ------
    ValueError
        If the weighter counts lengths.

    Notes
    -----
    Losses beyond the range stand at its ends. The first step takes what it has seen of its own.

    Examples
    --------
    >>> Lagged(LossWeighter("quadratic")).scope
    'batch'
    """

    weighter: LossWeighter = field(default_factory=LossWeighter)
    needs = frozenset({"step"})
    scope = "batch"

    def __post_init__(self) -> None:
        if not isinstance(self.weighter, LossWeighter) or "targets" in self.weighter.needs:
            raise ValueError("weighter must be a LossWeighter that counts no lengths, got "
                             f"{self.weighter!r}. Leave length_norm and skip_empty alone.")

    @property
    def refuses_empty(self) -> bool:
        """That of the one inside."""
        return self.weighter.refuses_empty

    def init(self, n: int) -> dict[str, Any]:
        """No step yet; the lowest loss and the negative of the highest, of two steps."""
        del n
        import torch

        none = torch.full((2,), torch.inf, dtype=torch.float64)
        return {"step": torch.tensor(-1), "now": none, "before": none.clone()}

    def update(self, state: dict[str, Any], batch: Any) -> tuple[dict[str, Any], Any]:
        """The next state, and weights of this micro-batch."""
        import torch

        w = self.weighter
        losses = checked_losses(batch.losses)
        everyone = batch.gather(losses).double()
        ends, is_new = torch.stack([everyone.amin(), -everyone.amax()]), (
            state["step"] != batch.step)
        before = torch.where(is_new, state["now"], state["before"])
        now = torch.where(is_new, ends, torch.minimum(state["now"], ends))
        low, high = (torch.where(before.isfinite(), before, now)
                     * before.new_tensor([1.0, -1.0])).to(losses)
        places = ((2 * (losses - low) - (high - low)) / (high - low).clamp(min=FLOOR)).clamp(-1, 1)
        weights = place_weights(w.delta * places, w.strategy, w.temperature_at(
            batch.step, batch.total_steps), w.delta, w.alpha)
        return {"step": torch.full_like(state["step"], batch.step), "now": now,
                "before": before}, weights
