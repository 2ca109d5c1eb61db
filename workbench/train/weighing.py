"""Ask a weighter for weights and hold it to its promise: one for each row, on the simplex."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from workbench.train.autodiff import apply, per_sample_gradient_norms
from workbench.train.distributed import Team
from workbench.train.forwarding import Forward
from workbench.train.losses import RowLoss, counter_of, logits_of
from workbench.train.packing import placed
from workbench.train.randomness import unmoved_buffers
from workbench.train.weighters import Batch, Uniform, checked_needs, refuse_no_weighter

__all__ = ["Clock", "Weighing"]

SLACK = 1e-4        # of a sum of float32 weights
NEVER = 2 ** 40     # a step that no run reaches; exact in float64


@dataclass(frozen=True)
class Clock:
    """Where a run is, counted from zero."""

    step: int
    total: int
    epoch: int
    offset: int


@dataclass
class Weighing:
    """A weighter at work.

    Parameters
    ----------
    weighter : weighter or None
        None is uniform.
    model : torch.nn.Module
    loss : function of outputs and targets
    team : Team
    generator : torch.Generator
        For the weighter's draws.
    rows : int
        Of the data, for the first state of a weighter with memory.
    immediate : bool
        Whether to look at each weight at once, which waits for a graphics card.
    """

    weighter: Any
    model: nn.Module
    loss: RowLoss
    team: Team
    generator: torch.Generator
    rows: int
    immediate: bool
    state: Any = None
    fault: Tensor | None = None
    hollow: Tensor | None = None
    needs: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.weighter = Uniform() if self.weighter is None else self.weighter
        self.name = getattr(self.weighter, "__name__", type(self.weighter).__name__)
        self.needs = checked_needs(self.weighter)
        self.asks_more = bool(set(self.needs) - {"losses"})
        self.scope = getattr(self.weighter, "scope", "batch")
        if self.scope not in ("batch", "step"):
            raise ValueError(f"scope of {self.name} must be 'batch' or 'step', got "
                             f"{self.scope!r}. Remove it, or pick one.")
        self.is_free = bool(getattr(self.weighter, "free_sum", False))
        self.is_meta = hasattr(self.weighter, "prepare") and hasattr(self.weighter, "step")
        self.counts = counter_of(self.loss) if (
            getattr(self.weighter, "refuses_empty", False)) else None
        self.remembers = hasattr(self.weighter, "init") and hasattr(self.weighter, "update")
        refuse_no_weighter(self.weighter)
        if self.remembers and self.state is None:
            self.state = placed(self.weighter.init(self.rows), self.team.fabric.device)

    def __call__(self, forwards: Sequence[Forward], clock: Clock) -> Tensor:
        """Weights of this process's rows, in the order of the micro-batches.

        With scope "step" they sum to one over all processes.
        """
        if type(self.weighter) is Uniform:
            return self.weighter(forwards[0].losses.detach())
        with torch.no_grad():
            self._refuse_empty(forwards, clock.step)
            losses = self._joined([forward.losses.detach().clone() for forward in forwards])
            asked = self._told(forwards, clock, losses) if self.asks_more else losses
            if self.remembers:
                self.state, weights = self.weighter.update(self.state, asked)
            else:
                weights = self.weighter(asked)
            weights = self._checked(weights, losses, clock.step)
        return self.team.local(weights) if self.scope == "step" else weights

    def look(self) -> None:
        """Raise what was put off while the device was busy."""
        if self.fault is not None and int(self.fault) < NEVER:
            raise self._wrong("weights that are negative, or with a sum that is not allowed",
                              int(self.fault))
        if self.counts is not None and not self.immediate:
            own = NEVER if self.hollow is None else int(self.hollow)
            first = NEVER - self.team.largest(float(NEVER - own))
            if first < NEVER:
                raise self._empty("a row has", int(first))

    def metrics(self) -> dict[str, Any]:
        """What the weighter tells of itself."""
        told = getattr(self.weighter, "metrics", None)
        if told is None:
            return {}
        return dict(told(self.state) if self.state is not None else told())

    def _told(self, forwards: Sequence[Forward], clock: Clock, losses: Tensor) -> Batch:
        parts: dict[str, list[Any]] = {
            "index": [forward.micro.index for forward in forwards],
            "group": [forward.micro.group for forward in forwards]}
        for name, found in (("targets", lambda f: f.micro.y), ("inputs", lambda f: f.micro.x),
                            ("logits", lambda f: logits_of(f.outputs).detach()),
                            ("gradient_norms", self._norms), ("passes", self._passes)):
            if name in self.needs:
                parts[name] = [found(forward) for forward in forwards]
        told = {name: self._joined(found) for name, found in parts.items()}
        for name in set(self.needs) - {"step", "losses"}:
            if told.get(name) is None:
                raise ValueError(f"data must tell the {name} of each row, which {self.name} "
                                 "needs. Pass (x, y, group), or a Dataset instead of a loader "
                                 "for the index.")
        if told.get("passes") is not None:
            told["passes"] = told["passes"].T
        return Batch(losses, **told, step=clock.step, total_steps=clock.total, epoch=clock.epoch,
                     rank=self.team.rank, world_size=self.team.size, generator=self.generator,
                     gather=self.team.gather, local=self.team.local)

    def _joined(self, parts: list[Any]) -> Any:
        if any(part is None for part in parts):
            return None
        if not isinstance(parts[0], Tensor):
            keys = parts[0] if isinstance(parts[0], dict) else range(len(parts[0]))
            joined = {key: self._joined([part[key] for part in parts]) for key in keys}
            return joined if isinstance(parts[0], dict) else tuple(joined.values())
        whole = parts[0] if len(parts) == 1 else torch.cat(parts)
        return self.team.gather(whole) if self.scope == "step" else whole

    def _norms(self, forward: Forward) -> Tensor:
        with torch.enable_grad():
            return per_sample_gradient_norms(self.model, self.loss, forward.micro.x,
                                             forward.micro.y)

    def _passes(self, forward: Forward) -> Tensor:
        micro = forward.micro
        with unmoved_buffers(self.model), self.team.fabric.autocast():
            found = [apply(self.model, micro.x) for _ in range(self.needs["passes"])]
        return torch.stack([self.loss(outputs, micro.y).detach() for outputs in found], dim=1)

    def _checked(self, weights: Any, losses: Tensor, step: int) -> Tensor:
        try:
            weights = torch.as_tensor(weights).to(losses)
        except (TypeError, ValueError, RuntimeError):
            raise self._wrong(f"{type(weights).__name__} instead of a tensor", step) from None
        if weights.shape != losses.shape:
            raise self._wrong(f"shape {tuple(weights.shape)} for {len(losses)} rows", step)
        total, least = weights.sum(), weights.min()
        low, high = (0.0, math.inf) if self.is_free else (1 - SLACK, 1 + SLACK)
        if not self.immediate:
            good = (least >= 0) & (total > low) & (total < high)
            self.fault = _first(self.fault, ~good, step)
        elif not (float(least) >= 0 and low < float(total) < high):
            raise self._wrong(f"smallest {float(least):.3g} and sum {float(total):.6g}", step)
        return weights

    def _refuse_empty(self, forwards: Sequence[Forward], step: int) -> None:
        """Refuse rows without a token, at once unless that waits for a graphics card."""
        if self.counts is None:
            return
        for forward in forwards:
            counts = self.counts(forward.micro.y)
            if not self.immediate:
                self.hollow = _first(self.hollow, counts.min() == 0, step)
            elif not int(counts.min()):
                place, index = int((counts == 0).nonzero()[0]), forward.micro.index
                raise self._empty(f"row {place} of the micro-batch has" if index is None else
                                  f"row {int(index[place])} of the data has", step)

    def _empty(self, who: str, step: int) -> ValueError:
        return ValueError(f"rows must have a token that counts, but {who} none at step {step}, "
                          f"and {self.name} would give it weight. Drop such rows, or let the "
                          "weighter skip them, as LossWeighter(skip_empty=True) does.")

    def _wrong(self, what: str, step: int) -> ValueError:
        rule = "finite and not all zero" if self.is_free else "all summing to 1"
        return ValueError(f"{self.name} must give each row one weight >= 0, {rule}, got "
                          f"{what} at step {step}. Divide by the sum with normalise(), and check "
                          "what it does to extreme losses.")


def _first(before: Tensor | None, bad: Tensor, step: int) -> Tensor:
    """The first step with a fault, without waiting for a graphics card."""
    kept = torch.full((), NEVER, device=bad.device) if before is None else before
    return torch.where(bad, kept.clamp(max=step), kept)
