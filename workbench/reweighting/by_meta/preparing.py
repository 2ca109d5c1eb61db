"""The first state of a meta weighter, made from one look at its data."""

from typing import Any

import torch

from workbench.reweighting.by_meta.memory import FEATURES, empty_memory
from workbench.reweighting.by_meta.rescaler import Rescaler
from workbench.train.autodiff import apply
from workbench.train.losses import logits_of
from workbench.train.meta import MetaStep
from workbench.train.randomness import Randomness, unmoved_buffers

__all__ = ["prepared"]


def prepared(options: Any, step: MetaStep) -> dict[str, Any]:
    """A rescaler of as many classes as the network has outputs, and what belongs to it.

    Parameters
    ----------
    options : Storm
    step : MetaStep
        Without rows of its own.
    """
    param = next(iter(step.params.values()))
    source, micro = _looked_for(step)
    randomness = Randomness(step.model, param.device, step.generator)
    states = randomness.state()
    with torch.no_grad(), unmoved_buffers(step.model), step.autocast():
        logits = logits_of(apply(step.model, micro.x))
    randomness.restore(states)
    if logits.ndim != 2 or logits.shape[1] < 2:
        raise ValueError("the network of Storm must give one logit per class, shape (n, k) with "
                         f"k > 1, got {tuple(logits.shape)}. Train a classifier.")
    rescaler = Rescaler(logits.shape[1], FEATURES[options.features], per_class=options.per_class,
                        generator=step.generator)
    rescaler = rescaler.to(param.device, torch.promote_types(param.dtype, torch.float32))
    size = options.window * len(logits)
    return {"rescaler": rescaler, "epoch": -1, "source": source,
            "optimiser": torch.optim.Adam(rescaler.parameters(), lr=options.rate),
            "forward_mode": options.forward_mode,
            **{name: empty_memory(len(rescaler.first), size, param.device)
               for name in ("inner", "meta")},
            "history": torch.zeros(0, options.rows, device=param.device)}


def _looked_for(step: MetaStep) -> tuple[str, Any]:
    """Where rows to look at come from, and some of them."""
    try:
        return "meta", step.next_batch("meta")
    except ValueError as none:
        if "next_batch" not in str(none):
            raise
        return "train", step.next_batch("train")
