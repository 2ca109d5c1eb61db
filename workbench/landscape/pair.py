"""Two networks of one shape compared in one call: how far apart, how alike, how well connected."""

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from workbench.core import Measure
from workbench.landscape.averaging import reestimate_moments
from workbench.landscape.batches import (
    Batch,
    Loss,
    answered,
    batches_of,
    checked_losses,
    evaluation_mode,
    loss_of,
    missed_classes,
    stacked_parameters,
)
from workbench.landscape.connectivity import Connectivity, curve_connectivity, line_profile
from workbench.landscape.curves import CurveTraining
from workbench.landscape.features import features_of
from workbench.landscape.norms import agreement, distances
from workbench.landscape.objective import Tensors
from workbench.landscape.similarity import cka

__all__ = ["Comparison", "compare"]


@dataclass(frozen=True)
class Comparison:
    """What was found between two networks.

    Parameters
    ----------
    measures : mapping of names to Measure
        NaN where there is no error to tell.
    line : Connectivity
        Loss, and error where there are classes, along the straight line.
    curve : Connectivity or None
        Along the trained curve.
    """

    measures: Mapping[str, Measure]
    line: Connectivity
    curve: Connectivity | None

    def __getitem__(self, name: str) -> Measure:
        return self.measures[name]

    def table(self) -> pd.DataFrame:
        """One row per measure."""
        return pd.DataFrame([{"measure": name, "value": one.value, "stderr": one.stderr,
                              "unit": one.unit} for name, one in self.measures.items()])


def compare(first: nn.Module, second: nn.Module, loss: Loss | None, data: Any, *,  # noqa: PLR0913 - options
            rng: torch.Generator, curve: CurveTraining | None = None,
            layer: str = "softmax") -> Comparison:
    """Distance, agreement, CKA and connectivity of two networks, in evaluation mode.

    Parameters
    ----------
    first, second : torch.nn.Module
        Of one architecture; left as they are.
    loss, data
        As in :func:`~workbench.landscape.network.measure`. Statistics of batch normalisation are
        estimated anew on these inputs at every place between the networks, the ends included.
    rng : torch.Generator
    curve : CurveTraining, optional
        Train a curve between the networks on these data; left out if not given.
    layer : str
        Whose features are compared by CKA; each token of a sequence counts as a row.

    Raises
    ------
    ValueError
        If parameters differ in name or shape, or for the reasons of `measure`.

    Examples
    --------
    >>> a = nn.Linear(2, 3)
    >>> b = copy.deepcopy(a)
    >>> data = torch.eye(2), torch.tensor([0, 1])
    >>> rng = torch.Generator().manual_seed(0)
    >>> found = compare(a, b, nn.CrossEntropyLoss(), data, rng=rng)
    >>> found["distance"].value, found["agreement"].value
    (0.0, 1.0)
    """
    start, end = stacked_parameters(first), stacked_parameters(second)
    _refuse_other_shapes(start, end)
    batches = batches_of(data, next(iter(start.values())).device)
    for model in (first, second):
        with evaluation_mode(model):
            missed = checked_losses(model, loss, batches)
    scratch = copy.deepcopy(first).eval()
    evaluate = _evaluation(scratch, loss, batches,
                           classes=not any(one is None for one in missed))
    line = line_profile(evaluate, start, end)
    bent = None if curve is None else curve_connectivity(
        _batch_loss(scratch, loss, batches), evaluate, start, end,
        sum(batch.rows for batch in batches), curve, rng=rng)
    apart = distances({name: torch.cat([start[name], end[name]]) for name in start})[0, 1]
    found = {"distance": Measure(float(apart), 0.0, "parameter"),
             **_alike((first, second), batches, layer)}
    for name in line.values:
        unit = "percentage points" if name == "error" else "loss"
        found[f"barrier of {name}"] = Measure(float(line.barrier(name)[0]), np.nan, unit)
        if bent is not None:
            found[f"connectivity of {name}"] = Measure(float(bent.mc(name)[0]), np.nan, unit)
    return Comparison(found, line, bent)


def _alike(models: tuple[nn.Module, nn.Module], batches: list[Batch],
           layer: str) -> dict[str, Measure]:
    """CKA, plain and debiased, and agreement of classes."""
    each = [torch.stack([_rows(features_of(model, batch.x, layer=layer)) for model in models])
            for batch in batches]
    logits = torch.cat([torch.stack([_rows(features_of(model, batch.x)) for model in models])
                        for batch in batches], 1)
    found = {"CKA": cka(each).measure()}
    if min(one.shape[1] for one in each) >= 4:
        found["CKA, debiased"] = cka(each, debiased=True).measure()
    return found | {"agreement": agreement(logits).measure()}


def _rows(features: Tensor) -> Tensor:
    return features.flatten(0, -2) if features.ndim > 1 else features[:, None]


def _evaluation(scratch: nn.Module, loss: Loss | None, batches: list[Batch], *,
                classes: bool) -> Callable[[Tensors], dict[str, Tensor]]:
    """Loss and error of a network with other parameters, its moments estimated anew."""
    def evaluate(params: Tensors) -> dict[str, Tensor]:
        with torch.no_grad():
            for name, param in scratch.named_parameters():
                if name in params:
                    param.copy_(params[name][0])
        if not any(isinstance(batch.x, Mapping) for batch in batches):
            reestimate_moments(scratch, [batch.x for batch in batches])
        total = sum(batch.size for batch in batches)
        mean, wrong, rows = 0.0, 0.0, 0
        with torch.no_grad():
            for batch in batches:
                answer = answered(scratch, {}, batch.x)
                mean += float(loss_of(answer, loss, batch)) * batch.size / total
                missed = missed_classes(answer, batch)
                if missed is not None:
                    wrong, rows = wrong + float(missed.sum()), rows + len(missed)
        found = {"loss": torch.tensor([mean])}
        return found | ({"error": torch.tensor([100 * wrong / rows])} if classes else {})
    return evaluate


def _batch_loss(scratch: nn.Module, loss: Loss | None,
                batches: list[Batch]) -> Callable[[Tensors, Tensor], Tensor]:
    """Loss of rows by position, batch normalisation by the moments of these rows."""
    whole = _joined(batches)

    def losses(params: Tensors, rows: Tensor) -> Tensor:
        batch = whole.at(rows)
        moments = {name: tensor.clone() for name, tensor in scratch.named_buffers()}
        layers = [layer for layer in scratch.modules() if isinstance(layer, _BatchNorm)]
        for layer in layers:
            layer.train()
        state = {name: tensor[0] for name, tensor in params.items()} | moments
        found = loss_of(answered(scratch, state, batch.x), loss, batch)
        for layer in layers:
            layer.eval()
        return found[None]
    return losses


def _joined(batches: list[Batch]) -> Batch:
    """All batches as one."""
    labels = [batch.y for batch in batches if batch.y is not None]
    y = torch.cat(labels) if labels else None
    if isinstance(batches[0].x, Mapping):
        return Batch({name: torch.cat([batch.x[name] for batch in batches])
                      for name, value in batches[0].x.items() if isinstance(value, Tensor)}, y)
    return Batch(torch.cat([batch.x for batch in batches]), y)


def _refuse_other_shapes(start: Tensors, end: Tensors) -> None:
    shapes = [{name: tuple(tensor.shape[1:]) for name, tensor in one.items()}
              for one in (start, end)]
    if shapes[0] != shapes[1]:
        odd = sorted(name for name in {*shapes[0], *shapes[1]}
                     if shapes[0].get(name) != shapes[1].get(name))
        raise ValueError("second must have the parameters of first, in name and shape, got "
                         f"other ones for {', '.join(odd[:3])}. Compare networks of one "
                         "architecture.")
