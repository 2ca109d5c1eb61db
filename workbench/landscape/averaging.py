"""Averages of networks: ``params = weights @ members``, and what the average gains.

Every floating tensor is averaged, biases and running moments too; after that, moments of batch
normalisation belong to no network and must be estimated again. Sources: P. Izmailov et al.,
Averaging weights leads to wider optima and better generalization, UAI 2018; K. Schürholt et al.,
arXiv:2504.18072, section on averaging over seeds and epochs.
"""

import copy
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm as BatchNorm

from workbench.core import Measure, check
from workbench.landscape.members import Members, Tensors, stacked_members

__all__ = ["average", "average_model", "gain", "reestimate_moments", "running_average"]


def average(members: Members, weights: Sequence[float] | np.ndarray | None = None
            ) -> dict[str, Tensor]:
    """Weighted average of all floating tensors.

    Parameters
    ----------
    members : stacked tensors, shape (k, ...), or sequence of modules or state dicts
    weights : array, shape (k,), optional
        On the simplex; None is uniform.

    Returns
    -------
    params : dict of name to tensor
        ``weights @ members`` in the type of the members, summed in at least 32 bits; of whole
        numbers, such as counts of batches, the largest.

    Raises
    ------
    ValueError
        If members differ in shape or weights do not lie on the simplex.

    Examples
    --------
    >>> average([{"w": torch.tensor([0.0])}, {"w": torch.tensor([4.0])}], [0.75, 0.25])
    {'w': tensor([1.])}
    """
    stacked = stacked_members(members)
    k = len(next(iter(stacked.values())))
    amounts = np.full(k, 1 / k) if weights is None else np.asarray(weights, dtype=float)
    check.same_length(weights=amounts, members=range(k))
    check.simplex(amounts)
    return {name: _mean(tensor, amounts) for name, tensor in stacked.items()}


def average_model(models: Sequence[nn.Module],
                  weights: Sequence[float] | np.ndarray | None = None, *,
                  recalibrate: Callable[[nn.Module], object] | None = None) -> nn.Module:
    """A copy of the first model that holds the average of all.

    Parameters
    ----------
    models : sequence of torch.nn.Module
        Of one architecture; they stay as they are.
    weights : array, shape (k,), optional
        On the simplex; None is uniform.
    recalibrate : function of the model, optional
        Called once on the average, for instance
        ``lambda model: reestimate_moments(model, batches)``.
    """
    state = average(models, weights)
    found = copy.deepcopy(models[0])
    found.load_state_dict(state)
    if recalibrate is not None:
        recalibrate(found)
    return found


def running_average(members: Iterable[nn.Module | Tensors]) -> tuple[dict[str, Tensor], int]:
    """Equal average of members that come one after another, in the memory of one.

    Parameters
    ----------
    members : iterable of modules or state dicts
        For instance the checkpoints of the last epochs.

    Returns
    -------
    params : dict of name to tensor
    count : int
        How many there were.

    Examples
    --------
    >>> epochs = ({"w": torch.tensor([float(epoch)])} for epoch in range(5))
    >>> running_average(epochs)
    ({'w': tensor([2.])}, 5)
    """
    mean, kinds, seen = dict[str, Tensor](), dict[str, torch.dtype](), 0
    for seen, member in enumerate(members, start=1):
        one = {name: tensor[0] for name, tensor in stacked_members([member]).items()}
        if seen == 1:
            kinds = {name: tensor.dtype for name, tensor in one.items()}
            mean = {name: _wide(tensor).clone() for name, tensor in one.items()}
        else:
            stacked_members([{name: tensor.to(kinds[name]) for name, tensor in mean.items()},
                             one])
            for name, tensor in one.items():
                if tensor.is_floating_point():
                    mean[name] += (_wide(tensor) - mean[name]) / seen
                else:
                    mean[name] = torch.maximum(mean[name], tensor)
    if not seen:
        raise ValueError("members must hold at least one network, got none. Save checkpoints "
                         "while training.")
    return {name: tensor.to(kinds[name]) for name, tensor in mean.items()}, seen


def reestimate_moments(model: nn.Module, batches: Iterable[Tensor]) -> int:
    """Replace the running moments of batch normalisation by their means over batches, in place.

    Parameters
    ----------
    model : torch.nn.Module
        Dropout and all else work as in evaluation; modes and momenta are restored.
    batches : iterable of tensor
        Training inputs; about 100 batches are enough.

    Returns
    -------
    count : int
        Batches that were used; 0 where the model has no batch normalisation.
    """
    layers = [layer for layer in model.modules()
              if isinstance(layer, BatchNorm) and layer.track_running_stats]
    if not layers:
        return 0
    seen = 0
    with _estimating(model, layers), torch.no_grad():
        for batch in batches:
            model(batch)
            seen += 1
    if not seen:
        raise ValueError("batches must hold at least one batch, got none. Pass training inputs.")
    return seen


def gain(correct_average: np.ndarray, correct_members: np.ndarray) -> Measure:
    """Accuracy of the average minus the mean accuracy of its members.

    Parameters
    ----------
    correct_average : array of bool, shape (n,)
        Which test rows the average classifies rightly.
    correct_members : array of bool, shape (k, n)
        Which of them each member does.

    Returns
    -------
    gain : Measure
        In percentage points, with the standard error of the mean of paired differences over rows.

    Examples
    --------
    >>> gain(np.array([True, True]), np.array([[True, False], [True, True]])).value
    25.0
    """
    found, members = np.asarray(correct_average, float), np.asarray(correct_members, float)
    if members.ndim != 2 or found.shape != members.shape[1:] or found.size < 2:
        raise ValueError("correct_members must have shape (k, n) and correct_average (n,), n > 1, "
                         f"got {members.shape} and {found.shape}. Predict the same test rows.")
    difference = 100 * (found - members.mean(0))
    return Measure(float(difference.mean()),
                   float(difference.std(ddof=1) / math.sqrt(len(difference))),
                   "percentage points")


def _mean(tensor: Tensor, weights: np.ndarray) -> Tensor:
    if not tensor.is_floating_point():
        return tensor.amax(0)
    wide = _wide(tensor)
    amounts = torch.from_numpy(weights).to(wide)
    return (amounts @ wide.flatten(1)).view(tensor.shape[1:]).to(tensor.dtype)


def _wide(tensor: Tensor) -> Tensor:
    narrow = tensor.is_floating_point() and tensor.dtype != torch.float64
    return tensor.float() if narrow else tensor


@contextmanager
def _estimating(model: nn.Module, layers: Sequence[BatchNorm]) -> Iterator[None]:
    """Evaluation mode but for batch normalisation, which takes cumulative means."""
    modes = {part: part.training for part in model.modules()}
    momenta = [layer.momentum for layer in layers]
    model.eval()
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None
        layer.train()
    try:
        yield
    finally:
        for layer, momentum in zip(layers, momenta, strict=True):
            layer.momentum = momentum
        for part, mode in modes.items():
            part.training = mode
