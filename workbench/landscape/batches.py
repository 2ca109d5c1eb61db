"""One network, its loss and its data as an objective of stacked parameters, checked at the door.

The network is called by ``torch.func.functional_call`` with the parameters it is given, in
evaluation mode; its own parameters, buffers and modes stay as they are.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from workbench.landscape.objective import Objective

__all__ = ["Batch", "Loss", "answered", "batches_of", "checked_losses", "evaluation_mode",
           "loss_of", "missed_classes", "objective_of", "stacked_parameters"]

Loss = Callable[[Any, Any], Tensor]
IGNORED = -100      # label that PyTorch's and Hugging Face's losses skip
FEW_ROWS = 4        # on which it is tried whether the loss is a mean


@dataclass(frozen=True)
class Batch:
    """One batch on the device of the network.

    Parameters
    ----------
    x : tensor, or mapping handed over by name
    y : tensor, or None where labels are among the named ones
    """

    x: Any
    y: Tensor | None

    @property
    def rows(self) -> int:
        first = next(iter(self.x.values())) if isinstance(self.x, Mapping) else self.x
        return len(first)

    @property
    def labels(self) -> Any:
        return self.x.get("labels") if self.y is None else self.y

    @property
    def size(self) -> float:
        """What the mean is taken over: rows, or the tokens that a language model predicts."""
        labels = self.labels
        if self.y is None and labels is not None and labels.ndim == 2:
            return float((labels[:, 1:] != IGNORED).sum())
        return float(self.rows)

    def at(self, rows: Tensor) -> "Batch":
        """Some of the rows, by position."""
        return self._mapped(lambda value: value[rows])

    def repeated(self, times: int) -> "Batch":
        """The first few rows, one set after another."""
        return self._mapped(lambda value: torch.cat([value[:FEW_ROWS]] * times))

    def _mapped(self, change: Callable[[Tensor], Tensor]) -> "Batch":
        x = {name: change(value) if isinstance(value, Tensor) else value
             for name, value in self.x.items()} if isinstance(self.x, Mapping) else change(self.x)
        return Batch(x, None if self.y is None else change(self.y))


def batches_of(data: Any, device: torch.device) -> list[Batch]:
    """Batches of a pair, a mapping, or an iterable of these such as a DataLoader.

    Raises
    ------
    ValueError
        If there is no batch, if one has no rows, or if inputs and labels differ in length.
    """
    each = [data] if isinstance(data, Mapping) or _is_pair(data) else data
    if not isinstance(each, Iterable):
        raise TypeError("data must be (x, y), a mapping of named tensors, or an iterable of "
                        f"either, got {type(data).__name__}. Pass a DataLoader or a list.")
    found = [_batch(one, device) for one in each]
    if not found:
        raise ValueError("data must hold at least one batch, got none. Check the length of the "
                         "data set, and that drop_last drops not all of it.")
    for position, batch in enumerate(found):
        if not batch.rows or (batch.y is not None and len(batch.y) != batch.rows):
            labels = "none" if batch.y is None else len(batch.y)
            raise ValueError(f"data must have as many labels as rows and some of both, got "
                             f"{batch.rows} rows and {labels} labels in batch {position}. "
                             "Pass (x, y) with one label per row.")
    return found


def objective_of(model: nn.Module, loss: Loss | None, batch: Batch) -> Objective:
    """The loss of one network on one batch, shape (1,), as a function of stacked parameters."""
    def mean_loss(params: Mapping[str, Tensor], buffers: Any, x: Any, y: Any = None) -> Tensor:
        own = {name: tensor[0] for name, tensor in params.items()}
        answer = answered(model, {**own, **buffers}, x)
        return loss_of(answer, loss, Batch(x, y))[None]
    held = dict(model.named_buffers()) | {name: param.detach() for name, param
                                          in model.named_parameters() if not param.requires_grad}
    shared = {"buffers": held, "x": batch.x}
    return Objective(mean_loss, shared=shared | ({} if batch.y is None else {"y": batch.y}),
                     size=batch.size)


def answered(model: nn.Module, state: Mapping[str, Tensor], x: Any) -> Any:
    """What the network answers with other parameters than its own."""
    if isinstance(x, Mapping):
        return functional_call(model, dict(state), (), dict(x))
    return functional_call(model, dict(state), (x,))


def loss_of(answer: Any, loss: Loss | None, batch: Batch) -> Tensor:
    """The loss of an answer: what the function says, or what the answer brings along."""
    if loss is not None:
        return loss(answer, batch.x if batch.y is None else batch.y)
    found = getattr(answer, "loss", None)
    if found is None:
        raise ValueError("loss must be given for a model whose answer has none, got None. Pass "
                         "nn.CrossEntropyLoss(), or put labels among the named inputs.")
    return found


def missed_classes(answer: Any, batch: Batch) -> Tensor | None:
    """Whether each row has another class than its label; None where there are no classes."""
    y = batch.y
    if not isinstance(answer, Tensor) or y is None or y.is_floating_point() or (
            answer.ndim != y.ndim + 1):
        return None
    return (answer.argmax(1) != y).flatten()


def stacked_parameters(model: nn.Module) -> dict[str, Tensor]:
    """Parameters that are trained, with a first axis of one network.

    Raises
    ------
    ValueError
        If there is none.
    """
    found = {name: param.detach()[None] for name, param in model.named_parameters()
             if param.requires_grad}
    if not found:
        raise ValueError("model must have parameters that are trained, got none with "
                         "requires_grad. Unfreeze those that you want to measure.")
    return found


@contextmanager
def evaluation_mode(model: nn.Module) -> Iterator[None]:
    """Put every module into evaluation mode inside; afterwards each has the mode it had."""
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        yield
    finally:
        for module, mode in modes.items():
            module.training = mode


def checked_losses(model: nn.Module, loss: Loss | None,
                   batches: list[Batch]) -> list[Tensor | None]:
    """Which classes are missed in each batch, once all losses are found to be finite means.

    None where there are no classes.

    Raises
    ------
    ValueError
        If the network does not take the inputs, if labels are out of range, if a loss is no mean,
        or if it is not finite.
    """
    missed = []
    with torch.no_grad():
        for position, batch in enumerate(batches):
            try:
                answer = answered(model, {}, batch.x)
            except (RuntimeError, TypeError, IndexError) as error:
                raise ValueError(
                    f"data must hold inputs that the model takes, got {_shapes(batch.x)} in batch "
                    f"{position}: {error}. Compare with the inputs it was trained on.") from error
            _refuse_labels(answer, batch, position)
            value = loss_of(answer, loss, batch)
            if value.ndim:
                raise ValueError(f"loss must be one mean over rows, got shape "
                                 f"{tuple(value.shape)}. Use reduction='mean'.")
            if not bool(value.isfinite()):
                raise ValueError(f"loss must be finite, got {float(value)} in batch {position}. "
                                 "A network that diverged has no landscape; check its training.")
            missed.append(missed_classes(answer, batch))
        _refuse_sums(model, loss, batches[0])
    return missed


def _refuse_sums(model: nn.Module, loss: Loss | None, batch: Batch) -> None:
    once, twice = (float(loss_of(answered(model, {}, few.x), loss, few))
                   for few in (batch.repeated(1), batch.repeated(2)))
    if not abs(twice - once) <= 1e-3 * max(abs(once), abs(twice), 1e-12):
        raise ValueError("loss must be a mean over rows, but the same rows counted twice change "
                         f"it from {once:.4g} to {twice:.4g}. Use reduction='mean', and no layer "
                         "that mixes rows.")


def _refuse_labels(answer: Any, batch: Batch, position: int) -> None:
    """Refuse class labels that no output belongs to."""
    outputs, y = getattr(answer, "logits", answer), batch.labels
    if not isinstance(outputs, Tensor) or y is None or y.is_floating_point() or (
            outputs.ndim != y.ndim + 1):
        return
    classes = outputs.shape[-1 if batch.y is None else 1]
    held = y[y != IGNORED]
    if held.numel() and not (held.min() >= 0 and held.max() < classes):
        raise ValueError(f"labels must lie in 0 to {classes - 1}, one of the model's outputs, got "
                         f"{int(held.min())} to {int(held.max())} in batch {position}. Count "
                         "classes from 0.")


def _batch(one: Any, device: torch.device) -> Batch:
    if isinstance(one, Mapping):
        return Batch({name: value.to(device) if isinstance(value, Tensor) else value
                      for name, value in one.items()}, None)
    if not _is_pair(one):
        raise TypeError("data must hold batches (x, y) or mappings of named tensors, got "
                        f"{type(one).__name__}. Pass tensors, not arrays or single inputs.")
    return Batch(one[0].to(device), one[1].to(device))


def _is_pair(data: Any) -> bool:
    return isinstance(data, tuple | list) and len(data) == 2 and all(
        isinstance(part, Tensor) for part in data)


def _shapes(x: Any) -> str:
    if isinstance(x, Mapping):
        return ", ".join(f"{name} {tuple(value.shape)}" for name, value in x.items()
                         if isinstance(value, Tensor))
    return f"shape {tuple(x.shape)} of {x.dtype}"
