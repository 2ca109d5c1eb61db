"""Error and loss of many networks on named sets of rows, batch normalisation estimated anew."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from workbench.landscape.objective import Tensors, cross_entropy

__all__ = ["evaluation_on"]

Forward = Callable[[Tensors, Tensors, Tensor], tuple[Tensor, Tensors]]


def evaluation_on(forward: Forward, sets: Mapping[str, tuple[Tensor, Tensor]], *,
               buffers: Tensors | None = None,
               recalibrate: Callable[[Tensors], Tensors] | None = None,
               loss: Callable[[Tensor, Tensor], Tensor] = cross_entropy,
               ) -> Callable[[Tensors], dict[str, Tensor]]:
    """Function of stacked parameters that gives error [percent] and loss of each set.

    Parameters
    ----------
    forward : function of (params, buffers, x) giving (outputs, buffers)
        For instance the ``forward`` of a stack; outputs of shape (K, n, c).
    sets : mapping of names to (x, y)
        x of shape (1, n, ...) or (K, n, ...), labels y of shape (n,) or (K, n).
    buffers : mapping of names to tensors, first axis K, optional
        Of networks whose buffers do not follow from their parameters.
    recalibrate : function of params giving buffers, optional
        Estimates the statistics of batch normalisation anew for the parameters given.
    loss : function of outputs and labels giving K means

    Returns
    -------
    evaluate : function of params
        Mapping with ``<set>_error`` and ``<set>_loss``, each of shape (K,).

    Raises
    ------
    ValueError
        If there is no set, or an empty one.
    """
    if not sets or any(not y.shape[-1] for _, y in sets.values()):
        raise ValueError("sets must name at least one set and none without rows, got "
                         f"{ {name: tuple(y.shape) for name, (_, y) in sets.items()} }. Pass "
                         "{'train': (x, y)}.")

    def evaluate(params: Tensors) -> dict[str, Tensor]:
        held: Any = recalibrate(params) if recalibrate else buffers or {}
        found = {}
        with torch.no_grad():
            for name, (x, y) in sets.items():
                outputs, _ = forward(params, held, x)
                wrong = (outputs.argmax(-1) != y).double().mean(1)
                broken = ~outputs.isfinite().flatten(1).all(1)
                found[f"{name}_error"] = torch.where(broken, torch.nan, 100 * wrong)
                found[f"{name}_loss"] = loss(outputs, y)
        return found
    return evaluate
