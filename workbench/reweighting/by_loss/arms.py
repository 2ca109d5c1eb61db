"""Weights of several trainings at once, of any weighter, where only losses and time are known."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from workbench.core import check
from workbench.reweighting.loss_based import LossWeighter
from workbench.reweighting.strategies import strategy_weights

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Arm", "arms_of"]

KNOWN = {"losses", "step", "index"}
SLACK = 1e-4


class Arm:
    """A weighter at work on `k` trainings, step by step.

    Parameters
    ----------
    name : str
    weighter : weighter
        Of losses, or with memory; it may need the step and the index of rows, nothing else.
    total, rows : int
        Steps, and rows of the data.

    Raises
    ------
    ValueError
        If it needs more.
    """

    def __init__(self, name: str, weighter: Any, *, total: int, rows: int):
        self.name, self.weighter, self.total, self.rows = name, weighter, total, rows
        more = {str(word).partition(":")[0] for word in getattr(weighter, "needs", ())} - KNOWN
        if more or hasattr(weighter, "prepare"):
            told = ", ".join(sorted(more)) or "the optimiser's step"
            raise ValueError("weighter must need losses, step and index alone in this "
                             f"experiment, but {name!r} needs {told}. Compare it on data that "
                             "have it, with compare_weighters.")
        self.states: list[Any] = []

    def __call__(self, losses: "Tensor", index: "Tensor", step: int) -> "Tensor":
        """Weights, shape (k, n), of losses, shape (k, n)."""
        w = self.weighter
        if isinstance(w, LossWeighter):
            return strategy_weights(losses, w.strategy, w.temperature_at(step, self.total),
                                    w.delta, w.alpha)
        import torch

        each = [self._one(at, losses[at], index[at], step) for at in range(len(losses))]
        return torch.stack(each)

    def _one(self, at: int, losses: "Tensor", index: "Tensor", step: int) -> "Tensor":
        import torch

        asked = self._batch(losses, index, step) if set(
            getattr(self.weighter, "needs", ())) - {"losses"} else losses
        if hasattr(self.weighter, "init"):
            if at == len(self.states):
                self.states.append(self.weighter.init(self.rows))
            self.states[at], weights = self.weighter.update(self.states[at], asked)
        else:
            weights = self.weighter(asked)
        try:
            weights = torch.as_tensor(weights).to(losses)
        except (TypeError, ValueError, RuntimeError):
            raise ValueError(f"{self.name} must give a tensor of weights, got "
                             f"{type(weights).__name__} at step {step}. Return one weight for "
                             "each row.") from None
        good = weights.shape == losses.shape and bool(
            (weights.min() >= 0) & ((weights.sum() - 1).abs() <= SLACK))
        if not good:
            raise ValueError(f"{self.name} must give each row one weight >= 0, all summing to 1, "
                             f"got {weights.tolist()[:4]} ... for {len(losses)} rows at step "
                             f"{step}. Divide by the sum with normalise().")
        return weights

    def _batch(self, losses: "Tensor", index: "Tensor", step: int) -> Any:
        import torch

        from workbench.train import Batch

        return Batch(losses=losses, step=step, total_steps=self.total, epoch=0, rank=0,
                     world_size=1, generator=torch.Generator().manual_seed(step), index=index,
                     gather=lambda rows: rows, local=lambda rows: rows)


def arms_of(weighters: Mapping[str, Any], *, total: int, rows: int) -> list[Arm]:
    """An arm for each weighter."""
    check.positive(total=total, rows=rows)
    return [Arm(name, weighter, total=total, rows=rows) for name, weighter in weighters.items()]
