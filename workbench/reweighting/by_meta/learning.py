"""One step of a network and of its rescaler: ahead, a look at other rows, and the way back.

The rescaler lowers ``meta = sum_j w_j l_j(ahead)`` with ``ahead = params - step(g)`` and
``g = grad sum_i w_i l_i``. On the way back through `ahead` a scale w_i matters by
``-<grad l_i, v>`` alone, where ``v`` is the slope of meta in `ahead` times that of the step in g.
One pass in forward mode along v gives this number for every row, so that the network is not
differentiated twice.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from workbench.reweighting.by_meta.memory import described, empty_memory
from workbench.reweighting.by_meta.passes import looked_at, repeated, slopes_along
from workbench.reweighting.by_meta.rescaler import cut
from workbench.train.meta import MetaStep, StepResult
from workbench.train.micro import Micro
from workbench.train.process_wide import math_attention
from workbench.train.randomness import Randomness

__all__ = ["NEAR_ZERO", "carried_out", "step_of_sign"]

NEAR_ZERO = 1e-8 / (1 - 0.999) ** 0.5     # slack of Adam, added before its first correction


@dataclass(frozen=True, eq=False)
class _Rows:
    """A micro-batch that was looked at."""

    micro: Micro
    losses: Tensor
    scales: Tensor
    states: Mapping[str, Tensor]


def step_of_sign(slopes: Tensor, rate: float) -> tuple[Tensor, Tensor]:
    """First step of a fresh Adam, ``rate g / (|g| + 3.2e-7)``, and its derivative in g."""
    size = slopes.abs() + NEAR_ZERO
    return rate * slopes / size, rate * NEAR_ZERO / size.square()


def carried_out(options: Any, state: dict[str, Any], step: MetaStep
                ) -> tuple[dict[str, Any], StepResult]:
    """Train network and rescaler by one step.

    Parameters
    ----------
    options : Storm
    state : mapping
        Of its `prepare`, or of the step before.
    step : MetaStep
    """
    with math_attention():          # attention that knows both kinds of derivative
        return _carried_out(options, _begun(state, step), step)


def _carried_out(options: Any, state: dict[str, Any], step: MetaStep
                 ) -> tuple[dict[str, Any], StepResult]:
    params = step.params
    randomness = Randomness(step.model, next(iter(params.values())).device, step.generator)
    inner, slopes = _inner(options, state, step, randomness)
    moves = {name: _moved(options, step, name, slope) for name, slope in slopes.items()}
    ahead = {name: (param.detach() - moves[name][0]).requires_grad_()
             for name, param in params.items()}
    outer, meta, ahead_slopes = _outer(options, state, step, ahead)
    direction = {name: moves[name][1] * ahead_slopes[name] for name in params}
    aim = outer
    for rows in inner if options.strength else ():
        with repeated(randomness, rows.states):
            found, state["forward_mode"] = slopes_along(
                step, rows.micro, direction, forward_mode=state["forward_mode"])
        aim = aim - options.strength * (found.to(rows.scales) @ rows.scales)
    result = _told(options, inner, meta)
    if not result.losses.is_cpu or bool(torch.isfinite(result.loss) & torch.isfinite(meta)):
        _teach(state, step, aim)
        _go(options, step, slopes, ahead, len(result.losses))
    _note(state, inner)
    return state, result


def _begun(state: dict[str, Any], step: MetaStep) -> dict[str, Any]:
    """The state at the start of a step; memories are empty at the start of an epoch."""
    if state["epoch"] == step.epoch:
        return dict(state)
    fresh = {name: {key: torch.zeros_like(part) for key, part in state[name].items()}
             for name in ("inner", "meta")}
    history = state["history"]
    page = history.new_full((1, history.shape[1]), torch.nan)
    return {**state, **fresh, "epoch": step.epoch, "history": torch.cat([history, page])}


def _inner(options: Any, state: dict[str, Any], step: MetaStep, randomness: Randomness
           ) -> tuple[list[_Rows], dict[str, Tensor]]:
    """Rows of the step with their scales, and slopes of their weighted loss, a sum."""
    params = step.params
    total = {name: torch.zeros_like(param) for name, param in params.items()}
    inner = []
    for micro in step.micros:
        states = randomness.state()
        losses, statistics = looked_at(step, {}, micro, options.passes,
                                       dropout=options.input_dropout, moves=True)
        scales = _scales(options, state, "inner", statistics, micro.y.long(), losses)
        applied = _applied(options, scales.detach())
        _add(total, torch.autograd.grad(applied @ losses, list(params.values()),
                                        allow_unused=True))
        inner.append(_Rows(micro, losses.detach(), scales, states))
    return inner, {name: step.all_reduce(slope) for name, slope in total.items()}


def _outer(options: Any, state: dict[str, Any], step: MetaStep, ahead: Mapping[str, Tensor]
           ) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
    """Meta loss that knows the rescaler, its mean over rows, and its slopes in the parameters."""
    total = {name: torch.zeros_like(param) for name, param in ahead.items()}
    outer, mean = torch.zeros(()), torch.zeros(())
    for _ in step.micros:
        micro = step.next_batch(state["source"])
        losses, statistics = looked_at(step, ahead, micro, options.passes,
                                       dropout=options.input_dropout, moves=False)
        scales = _scales(options, state, "meta", statistics, micro.y.long(), losses)
        if not options.rescales_meta:
            scales = torch.ones_like(scales)
        _add(total, torch.autograd.grad(scales.detach() @ losses, list(ahead.values()),
                                        allow_unused=True))
        outer = outer.to(losses) + scales @ losses.detach()
        mean = mean.to(losses) + scales.detach() @ losses.detach() / len(losses)
    return outer, mean / len(step.micros), {
        name: step.all_reduce(slope) for name, slope in total.items()}


def _scales(options: Any, state: dict[str, Any], name: str, statistics: Tensor, y: Tensor,
            losses: Tensor) -> Tensor:
    """Scales of rows by what the memory of this name says of them."""
    memory = state[name]
    classes, size = memory["rows"].shape[:2]
    if options.window * len(y) > size:                # a loader whose batches grow
        memory = empty_memory(classes, options.window * len(y), y.device)
    if options.features == "loss":
        features = torch.stack([losses.detach().double(), statistics[:, -1]], dim=1)
    else:
        state[name], features = described(memory, statistics, y if options.per_class
                                          else torch.zeros_like(y))
    scales: Tensor = state["rescaler"](features, y)
    if options.binary_threshold is not None:
        scales = cut(scales, options.binary_threshold)
    return scales.to(losses.dtype)


def _applied(options: Any, scales: Tensor) -> Tensor:
    """What multiplies the losses: the scales, as far as they are to count."""
    return 1 - options.strength + options.strength * scales


def _moved(options: Any, step: MetaStep, name: str, slope: Tensor) -> tuple[Tensor, Any]:
    """How far a parameter goes down its slope, and the derivative of that."""
    rate = options.inner_rate
    if rate is None:
        param = step.params[name]
        rate = next(group["lr"] for group in step.optimiser.param_groups
                    if any(one is param for one in group["params"]))
    return step_of_sign(slope, rate) if options.inner == "sign" else (rate * slope, rate)


def _teach(state: dict[str, Any], step: MetaStep, aim: Tensor) -> None:
    """One step of the rescaler."""
    params = list(state["rescaler"].parameters())
    if not aim.requires_grad:
        return
    found = torch.autograd.grad(aim, params)
    for param, slope in zip(params, found, strict=True):
        param.grad = step.all_reduce(slope)
    state["optimiser"].step()


def _go(options: Any, step: MetaStep, slopes: Mapping[str, Tensor], ahead: Mapping[str, Tensor],
        rows: int) -> None:
    """Move the network: to where it looked from, or by the optimiser of the run."""
    for name, param in step.params.items():
        param.grad = slopes[name] / rows              # of a mean, as the loop's other gradients
    if options.inner == "sgd":
        step.optimiser.step()
        return
    with torch.no_grad():
        for name, param in step.params.items():
            param.copy_(ahead[name])


def _told(options: Any, inner: list[_Rows], meta: Tensor) -> StepResult:
    losses = torch.cat([rows.losses for rows in inner])
    scales = torch.cat([rows.scales.detach() for rows in inner])
    weights = _applied(options, scales)
    total = weights.sum()                       # zero where every row was cut: nothing moves
    weights = torch.where(total > 0, weights / total, torch.full_like(weights, 1 / len(weights)))
    return StepResult(weights @ losses, losses, weights,
                      {"scale": scales.mean(), "meta_loss": meta})


def _note(state: dict[str, Any], inner: list[_Rows]) -> None:
    """Write down the scale of each row in this epoch, where rows are numbered."""
    history = state["history"]
    for rows in inner if history.shape[1] else ():
        if rows.micro.index is None:
            raise ValueError("data must number their rows where scales are recorded, got a "
                             "loader. Pass arrays or a Dataset, or rows=0.")
        history[-1, rows.micro.index] = rows.scales.detach().to(history)


def _add(total: dict[str, Tensor], found: Any) -> None:
    for name, slope in zip(total, found, strict=True):
        if slope is not None:
            total[name] += slope
