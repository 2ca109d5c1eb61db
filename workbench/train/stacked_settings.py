"""How a grid of models is trained: settings for all, or one per model."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from workbench.core import check
from workbench.train.schedules import Schedule, constant

__all__ = ["StackedTraining"]

WHOLE = ("batch_size", "order_seed", "epochs", "average_last", "patience", "check_every",
         "workers", "budget")
EACH = ("learning_rate", "weight_decay", "momentum", "batch_size", "order_seed")


@dataclass(frozen=True)
class StackedTraining:
    """Settings of :func:`~workbench.train.stacked.train_stacked`.

    The first five may be a sequence with one entry per model.

    Parameters
    ----------
    learning_rate : float > 0
    weight_decay : float >= 0
        Added to the gradient times the parameters by SGD; decoupled in AdamW.
    momentum : float in [0, 1)
        Of SGD.
    batch_size : int > 0
    order_seed : int >= 0
        Orders the rows; models of one seed and number of rows see the same order.
    epochs : int > 0
    optimiser : {"sgd", "adamw"}
    betas : (float, float)
        Of AdamW.
    schedule : function of the share of the training that is done, in [0, 1)
        Gives the factor of the rate; see :mod:`workbench.train.schedules`.
    clip : float > 0 or None
        Largest norm of the gradient of a model.
    drop_last : bool
        Leave out rows that fill no batch in an epoch.
    keep : {"last", "lowest"}
        Parameters to return: the last, or those after the epoch of lowest loss, on the validation
        rows where there are any.
    average_last : int >= 0
        Epochs at the end whose parameters are also averaged; 0 for no average.
    patience : int > 0 or None
        Epochs without a lower validation loss after which a model stops.
    check_every : int > 0
        Epochs between validations.
    merge : bool
        Let batch sizes share a stack by micro-steps where that is exact.
    form : {"auto", "fastest", "closed", "stacked", "vmap", "loop"}
        How gradients are taken: "auto" decides by a rule, "fastest" by a race on the first batch.
        All give the same numbers but for rounding.
    graph : bool
        Record the step as a CUDA graph and replay it; not with `merge`.
    budget : int > 0 or None
        Bytes of one stack; None takes half of the free memory of a graphics card and what a
        processor's caches hold.
    workers : int > 0
        Stacks trained at a time, on the processor.
    device : {"auto", "cpu", "cuda"}

    Raises
    ------
    ValueError
        If a setting is out of range.
    """

    learning_rate: float | Sequence[float] = 0.05
    weight_decay: float | Sequence[float] = 5e-4
    momentum: float | Sequence[float] = 0.9
    batch_size: int | Sequence[int] = 32
    order_seed: int | Sequence[int] = 0
    epochs: int = 100
    optimiser: str = "sgd"
    betas: tuple[float, float] = (0.9, 0.999)
    schedule: Schedule = constant
    clip: float | None = None
    drop_last: bool = True
    keep: str = "last"
    average_last: int = 0
    patience: int | None = None
    check_every: int = 1
    merge: bool = False
    form: str = "auto"
    graph: bool = False
    budget: int | None = None
    workers: int = 1
    device: str = "auto"

    def __post_init__(self) -> None:
        check.one_of(("sgd", "adamw"), optimiser=self.optimiser)
        check.one_of(("last", "lowest"), keep=self.keep)
        check.one_of(("auto", "fastest", "closed", "stacked", "vmap", "loop"), form=self.form)
        for name in ("clip", "patience", "budget"):
            if getattr(self, name) is not None:
                check.positive(**{name: getattr(self, name)})
        check.positive(epochs=self.epochs, check_every=self.check_every, workers=self.workers)
        if not callable(self.schedule):
            raise TypeError(f"schedule must be a function, got {self.schedule!r}. Pass cosine().")
        for name in WHOLE:
            _refuse_fractions(name, getattr(self, name))
        for name in ("learning_rate", "batch_size"):
            for value in _entries(getattr(self, name)):
                check.positive(**{name: value})
        _refuse_outside(math.inf, weight_decay=self.weight_decay)
        _refuse_outside(self.epochs + 1, average_last=self.average_last)
        _refuse_outside(1.0, momentum=self.momentum, betas=self.betas)

    def of_each(self, name: str, k: int) -> list[Any]:
        """Setting of each of `k` models."""
        value = _plain(getattr(self, name))
        if not isinstance(value, Sequence):
            return [value] * k
        if len(value) != k:
            raise ValueError(f"{name} must be one number or have one entry per model, got "
                             f"{len(value)} entries for {k} models. Repeat or drop entries.")
        return list(value)


def _plain(value: Any) -> Any:
    """Numbers of Python in place of those of an array or tensor."""
    return value.tolist() if hasattr(value, "tolist") else value


def _entries(value: Any) -> Sequence[Any]:
    found = _plain(value)
    return found if isinstance(found, Sequence) else [found]


def _refuse_fractions(name: str, values: Any) -> None:
    for value in _entries(values):
        if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
            raise ValueError(f"{name} must be a whole number, got {value!r}. Pass 1 or more.")


def _refuse_outside(end: float, **named: Any) -> None:
    for name, values in named.items():
        for value in _entries(values):
            if not 0 <= value < end:
                raise ValueError(f"{name} must lie in [0, {end}), got {value!r}. Pass 0 for "
                                 "none.")
