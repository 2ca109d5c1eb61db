"""Measures of many networks a few at a time, so that graphs fit into memory."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import numpy as np
import torch

from workbench.core import check
from workbench.landscape.objective import Tensors, as_objectives, count_models, take

__all__ = ["in_chunks"]

Found = TypeVar("Found")


def in_chunks(measure: Callable[..., Found], losses: Any, params: Tensors, *, models: int,
              masks: Tensors | None = None, **options: Any) -> Found:
    """Measure K networks, some at a time; the numbers are those of all at once.

    Parameters
    ----------
    measure : function
        ``hessian_trace``, ``hutch_plus_plus``, ``gauss_newton_trace``, ``hessian_eigenvalues``,
        ``spectral_density``, ``power_iteration`` or ``sharpness``: one whose results have the
        networks as their first axis.
    losses : Objective, or a list with one per batch
        A plain function may hold what belongs to all K networks and cannot be divided.
    params : mapping of names to tensors, first axis K
    models : int > 0
        Networks at a time; memory grows with it.
    masks : mapping of names to tensors, optional
    **options
        Of the measure; each network keeps the generator that `rng` gives it among all.

    Raises
    ------
    ValueError
        If a loss is a plain function.

    Examples
    --------
    >>> from workbench.landscape.objective import Objective
    >>> from workbench.landscape.trace import hessian_trace
    >>> bowls = Objective(lambda params: (params["w"] ** 2).sum(1))
    >>> in_chunks(hessian_trace, bowls, {"w": torch.ones(5, 3)}, models=2, probes=2,
    ...           rng=torch.Generator().manual_seed(0)).mean
    array([6., 6., 6., 6., 6.])
    """
    check.positive(models=models)
    batches = as_objectives(losses)
    if any(one.fixed for one in batches):
        raise ValueError("losses must be objectives to be divided, got a plain function. Wrap it "
                         "in Objective(function, stacked=..., shared=...).")
    found = []
    for few in torch.arange(count_models(params)).split(models):
        own = options if masks is None else {**options, "masks": take(masks, few)}
        found.append(measure([one.take(few) for one in batches], take(params, few), **own))
    return _joined(found)


def _joined(parts: list[Any]) -> Any:
    """Arrays joined along their first axis, inside mappings, tuples and results too."""
    first = parts[0]
    if isinstance(first, np.ndarray):
        return np.concatenate(parts)
    if isinstance(first, Mapping):
        return {name: _joined([part[name] for part in parts]) for name in first}
    if isinstance(first, tuple):
        return tuple(_joined(list(each)) for each in zip(*parts, strict=True))
    if dataclasses.is_dataclass(first) and not isinstance(first, type):
        return dataclasses.replace(first, **{
            field.name: _joined([getattr(part, field.name) for part in parts])
            for field in dataclasses.fields(first)})
    return first
