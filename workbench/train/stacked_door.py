"""Checks of models and data before many models are trained."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from workbench.train.buckets import Price, price
from workbench.train.losses import RowLoss, classification, labels_in_range
from workbench.train.micro import as_tensor
from workbench.train.stack import family
from workbench.train.stacked_batches import Sample

__all__ = ["checked"]


def checked(models: Sequence[nn.Module], sample: Sample | tuple[Tensor, Tensor], loss: RowLoss,
            device: torch.device, *, name: str) -> tuple[Sample, list[Price]]:
    """The sample on the device and the price of each model, or an error that names the remedy."""
    if not models:
        raise ValueError("models must hold at least one model, got none. Pass a list of modules.")
    dtype = _one_dtype(models)
    found = _sample(sample, dtype, name)
    _refuse_shapes(found, len(models), name)
    _refuse_numbers(found, name)
    prices = _prices(models, found.x, name)
    for k, model in enumerate(models):
        _refuse_dropout(model, k)
        _refuse_frozen(model, k)
    if loss is classification:
        _refuse_labels(found.y, prices)
    return found.to(device), prices


def _sample(given: Any, dtype: torch.dtype, name: str) -> Sample:
    """The sample, its arrays as tensors."""
    if isinstance(given, tuple | list) and len(given) == 2:
        given = Sample(*given)
    if not isinstance(given, Sample):
        raise TypeError(f"{name} must be (x, y) or a Sample, got {type(given).__name__}. Pass "
                        "Sample(x, y, weight=...) for more than inputs and targets.")
    x = as_tensor(given.x)
    x = x.to(dtype) if x.is_floating_point() else x
    rows = None if given.rows is None else [as_tensor(own) for own in given.rows]
    return Sample(x, as_tensor(given.y), given.is_own, as_tensor(given.weight), rows)


def _one_dtype(models: Sequence[nn.Module]) -> torch.dtype:
    kinds = {one.dtype for model in models for one in model.parameters()}
    if len(kinds) != 1:
        raise ValueError(f"models must have parameters of one type, got {sorted(map(str, kinds))}."
                         " Convert them with .float().")
    return kinds.pop()


def _refuse_shapes(sample: Sample, k: int, name: str) -> None:
    n = len(sample.x)
    if n == 0:
        raise ValueError(f"{name} must have rows, got none. Pass inputs of shape (n, ...).")
    lead = (k, n) if sample.is_own else (n,)
    if tuple(sample.y.shape[:len(lead)]) != lead:
        raise ValueError(f"{name}.y must have leading shape {lead} for {n} rows"
                         f"{f' and {k} models' if sample.is_own else ''}, got "
                         f"{tuple(sample.y.shape)}. Pass one target per row.")
    if sample.weight is not None and tuple(sample.weight.shape) not in {(n,), (k, n)}:
        raise ValueError(f"{name}.weight must have shape ({n},) or ({k}, {n}), got "
                         f"{tuple(sample.weight.shape)}. Pass one amount per row.")
    if sample.rows is not None:
        _refuse_rows(sample.rows, k, n, name)


def _refuse_rows(rows: Sequence[Tensor], k: int, n: int, name: str) -> None:
    if len(rows) != k:
        raise ValueError(f"{name}.rows must have one entry per model, got {len(rows)} for {k} "
                         "models. Repeat or drop entries.")
    for at, own in enumerate(rows):
        if not len(own) or int(own.min()) < 0 or int(own.max()) >= n:
            raise ValueError(f"{name}.rows must hold positions 0 to {n - 1}, got others or none "
                             f"for model {at}. Pass positions of rows.")


def _refuse_numbers(sample: Sample, name: str) -> None:
    if sample.x.is_floating_point() and not bool(torch.isfinite(sample.x).all()):
        raise ValueError(f"{name}.x must be finite, got NaN or infinite entries. Drop or fill "
                         "them first.")
    if sample.weight is not None and not bool((sample.weight >= 0).all()
                                              & torch.isfinite(sample.weight).all()):
        raise ValueError(f"{name}.weight must be >= 0 and finite, got other entries. Clip or "
                         "drop them.")


def _prices(models: Sequence[nn.Module], x: Tensor, name: str) -> list[Price]:
    """Prices, each shape of model looked at once."""
    known: dict[tuple[str, str], Price] = {}
    found = []
    for k, model in enumerate(models):
        key = family(model), str([one.shape for one in model.parameters()])
        if key not in known:
            try:
                known[key] = price(model, x)
            except (RuntimeError, IndexError) as error:
                raise ValueError(f"{name}.x must fit the models, got rows of shape "
                                 f"{tuple(x.shape[1:])} that model {k} refuses: {error}. Reshape "
                                 "the inputs.") from error
        found.append(known[key])
    return found


def _refuse_dropout(model: nn.Module, k: int) -> None:
    for where, part in model.named_modules():
        if "Dropout" in type(part).__name__ and getattr(part, "p", 1.0) > 0:
            raise ValueError(f"models must train without dropout, got {part!r} as {where!r} of "
                             f"model {k}: its draws would depend on the models beside it. Set "
                             "p=0, or train this model alone with fit().")


def _refuse_frozen(model: nn.Module, k: int) -> None:
    for where, param in model.named_parameters():
        if not param.requires_grad:
            raise ValueError(f"models must train all their parameters, got {where} of model {k}, "
                             "which is kept from gradients. Call requires_grad_(), or train this "
                             "model alone with fit().")


def _refuse_labels(y: Tensor, prices: Sequence[Price]) -> None:
    if y.dtype != torch.int64:
        raise ValueError(f"labels must be int64 class numbers, got {y.dtype}. Convert them with "
                         ".long(), or pass another loss.")
    labels_in_range(y.flatten(), min(one.outputs[-1] for one in prices))
