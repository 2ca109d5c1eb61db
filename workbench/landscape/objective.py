"""The losses of K models as one function of their stacked parameters.

Stacked parameters are a mapping of names to tensors whose first axis counts the models. The sum of
the models' own mean losses has a gradient and a Hessian of one block per model, so one backward
pass serves all of them. What belongs to one model (its labels, its buffers) is `stacked`, so that
models whose measure is ready can be dropped; what all models see is `shared`.
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any, ParamSpec, TypeVar

import torch
from torch import Tensor
from torch.nn import functional

from workbench.train.threads import one_thread

__all__ = ["Objective", "Tensors", "as_objectives", "count_models", "cross_entropy", "few_threads",
           "on_few_threads", "take"]

SMALL = 1_000_000     # parameters in all, below which threads would only wait for each other

Tensors = Mapping[str, Tensor]
Options = ParamSpec("Options")
Found = TypeVar("Found")


@dataclass(frozen=True)
class Objective:
    """Mean loss of each of K models on one batch.

    Parameters
    ----------
    function : function of (params, **stacked, **shared) giving a tensor, shape (K,)
        Mean loss of each model; it must work for any number of models.
    stacked : mapping of names to tensors or mappings of tensors, first axis K
        Arguments of which each model has its own.
    shared : mapping
        Arguments that all models share, inputs above all.
    size : float > 0
        Rows behind the mean: the weight of this batch among several.
    fixed : bool
        Whether the function works for all K models only, so that none can be dropped.

    Examples
    --------
    >>> bowl = Objective(lambda params, scale: (scale * params["w"] ** 2).sum(1),
    ...                  stacked={"scale": torch.tensor([[1.0], [3.0]])})
    >>> bowl({"w": torch.ones(2, 4)})
    tensor([ 4., 12.])
    >>> bowl.take(torch.tensor([1]))({"w": torch.ones(1, 4)})
    tensor([12.])
    """

    function: Callable[..., Tensor]
    stacked: Mapping[str, Any] = field(default_factory=dict)
    shared: Mapping[str, Any] = field(default_factory=dict)
    size: float = 1.0
    fixed: bool = False

    def __post_init__(self) -> None:
        if not self.size > 0:
            raise ValueError(f"size must be positive, got {self.size!r}. Pass the rows of the "
                             "batch.")

    def __call__(self, params: Tensors) -> Tensor:
        return self.function(params, **self.stacked, **self.shared)

    def take(self, models: Tensor) -> "Objective":
        """The objective of these models, by position."""
        return replace(self, stacked=take(self.stacked, models))

    def to(self, dtype: torch.dtype) -> "Objective":
        """The same objective with its floating tensors in `dtype`."""
        def cast(tensor: Tensor) -> Tensor:
            return tensor.to(dtype) if tensor.is_floating_point() else tensor
        return replace(self, stacked=_mapped(self.stacked, cast),
                       shared=_mapped(self.shared, cast))


def as_objectives(losses: Any) -> tuple[Objective, ...]:
    """One objective per batch, from a function, an objective or a sequence of either.

    Raises
    ------
    ValueError
        If there is no batch.
    """
    several = losses if isinstance(losses, Sequence) else (losses,)
    if not several:
        raise ValueError("losses must hold at least one batch, got none. Pass a function of the "
                         "stacked parameters, or a list with one Objective per batch.")
    return tuple(one if isinstance(one, Objective) else Objective(one, fixed=True)
                 for one in several)


def count_models(params: Tensors) -> int:
    """K, the length of the first axis of every tensor.

    Raises
    ------
    ValueError
        If there is no tensor, or if first axes differ.
    """
    lengths = {name: len(tensor) if tensor.ndim else 0 for name, tensor in params.items()}
    if not lengths or len(set(lengths.values())) > 1 or 0 in lengths.values():
        raise ValueError("params must hold tensors whose first axis counts the models, got first "
                         f"axes {lengths}. Stack the models; for one model add an axis of 1.")
    return next(iter(lengths.values()))


def cross_entropy(outputs: Tensor, y: Tensor) -> Tensor:
    """Mean cross-entropy of each model [nats], shape (K,).

    Parameters
    ----------
    outputs : tensor, shape (K, n, c)
        Logits.
    y : integer tensor, shape (n,) or (K, n)

    Examples
    --------
    >>> cross_entropy(torch.zeros(3, 5, 2), torch.ones(5, dtype=torch.long)).shape
    torch.Size([3])
    """
    models, rows = outputs.shape[:2]
    losses = functional.cross_entropy(outputs.flatten(0, 1), y.expand(models, rows).flatten(),
                                      reduction="none")
    return losses.view(models, rows).mean(1)


def few_threads(params: Tensors) -> AbstractContextManager[None]:
    """One thread inside where the models are small in all."""
    small = sum(tensor.numel() for tensor in params.values()) < SMALL
    return one_thread() if small else nullcontext()


def on_few_threads(measure: Callable[Options, Found]) -> Callable[Options, Found]:
    """Let a function of (losses, params) run under :func:`few_threads`."""
    @functools.wraps(measure)
    def quiet(*args: Options.args, **options: Options.kwargs) -> Found:
        with few_threads(args[1] if len(args) > 1 else options["params"]):  # type: ignore[arg-type]
            return measure(*args, **options)
    return quiet


def take(stacked: Any, models: Tensor) -> Any:
    """Rows `models` of the first axis of every tensor in a mapping, nested or not."""
    return _mapped(stacked, lambda tensor: tensor.index_select(0, models.to(tensor.device)))


def _mapped(values: Any, change: Callable[[Tensor], Tensor]) -> Any:
    if isinstance(values, Mapping):
        return {name: _mapped(value, change) for name, value in values.items()}
    return change(values) if isinstance(values, Tensor) else values
