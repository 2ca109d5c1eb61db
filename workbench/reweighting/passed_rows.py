"""How many rows pass forward through a network: what a weighter costs, the same in every run."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

    from workbench.train import Training

__all__ = ["PassedRows", "counted_rows"]


class PassedRows:
    """A count that follows the calls of a network, and of its copies.

    Parameters
    ----------
    rows : float
        Rows so far; NaN where nobody can count them.
    """

    def __init__(self, rows: float = 0.0):
        self.rows = rows

    def __call__(self, _: Any, given: Any, named: Any) -> None:
        from workbench.train.micro import tensors_of

        tensors = tensors_of((given, named))
        self.rows += _rows(tensors[0]) if tensors else 1

    def __deepcopy__(self, memo: Any) -> "PassedRows":
        """The same count: a twin of a network counts with it."""
        return self


@contextmanager
def counted_rows(model: Any, how: "Training") -> Iterator[PassedRows]:
    """Count while inside; several devices and TorchScript are not counted and give NaN."""
    import torch

    if how.devices != 1 or isinstance(model, torch.jit.ScriptModule):
        yield PassedRows(math.nan)
        return
    count = PassedRows()
    hook = model.register_forward_pre_hook(count, with_kwargs=True)
    try:
        yield count
    finally:
        hook.remove()


def _rows(tensor: "Tensor") -> int:
    """Rows of a batch, also of one that ``vmap`` shows row by row."""
    from torch._C import _functorch as functorch

    rows = len(tensor) if tensor.ndim else 1
    while functorch.is_functorch_wrapped_tensor(tensor):
        inner = functorch.get_unwrapped(tensor)
        if functorch.is_batchedtensor(tensor):
            rows *= inner.shape[functorch.maybe_get_bdim(tensor)]
        tensor = inner
    return rows
