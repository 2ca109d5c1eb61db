"""How to train, and what training gave."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
from torch import Tensor
from torch.optim import Optimizer

from workbench.core import check
from workbench.train.averages import Ema, Swa
from workbench.train.optimisers import AdamW
from workbench.train.schedules import Schedule, constant

__all__ = ["Trained", "Training"]

PRECISIONS = ("32", "bf16-mixed")
ADAM = AdamW()


@dataclass(frozen=True)
class Training:
    """How to train.

    Parameters
    ----------
    optimiser : function of parameters that gives an optimiser
        For instance ``AdamW(1e-3)`` or ``Sgd(0.1)``.
    epochs : int > 0
        Passes over the rows.
    max_steps : int > 0 or None
        Steps in place of `epochs`.
    batch_size : int > 0
        Rows of one micro-batch on one device; a loader brings its own. Rows that do not fill a
        step wait for another epoch.
    accumulate : int > 0
        Micro-batches of one step.
    schedule : function of the share of the training that is done, giving a factor of the rate
    clip : float > 0 or None
        Largest norm of a step's gradient.
    average : Ema, Swa or None
        Average of the parameters along the way, beside the parameters themselves.
    patience : int > 0 or None
        Checks without a better validation score after which training ends.
    check_every, save_every : int > 0 or None
        Steps between validation scores and between checkpoints; None is an epoch.
    log_every : int > 0
        Steps between rows of the history: a graphics card is waited for at these only.
    keep : int > 0
        Checkpoints that are kept.
    seed : int >= 0
        Of the order of rows, of dropout and of the weighter's draws; not of the network's start.
    device : {"auto", "cpu", "cuda"}
    devices : int > 0
        Processes that share each step.
    precision : {"32", "bf16-mixed"}
        "32" leaves the network's own numbers as they are.
    compile : {"auto", "never", "always"}
        "auto" compiles where it pays: on a graphics card, for a thousand steps or more.
    deterministic : bool
        The same numbers each time on the same device.
    """

    optimiser: Callable[[Any], Optimizer] = ADAM
    epochs: int = 10
    max_steps: int | None = None
    batch_size: int = 32
    accumulate: int = 1
    schedule: Schedule = constant
    clip: float | None = None
    average: Ema | Swa | None = None
    patience: int | None = None
    check_every: int | None = None
    save_every: int | None = None
    log_every: int = 10
    keep: int = 2
    seed: int = 0
    device: str = "auto"
    devices: int = 1
    precision: str = "32"
    compile: str = "auto"
    deterministic: bool = True

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "accumulate", "log_every", "keep", "devices"):
            _checked_count(name, getattr(self, name))
        for name in ("max_steps", "patience", "check_every", "save_every"):
            if getattr(self, name) is not None:
                _checked_count(name, getattr(self, name))
        check.positive(clip=1.0 if self.clip is None else self.clip)
        if isinstance(self.seed, bool) or not isinstance(self.seed, int) or self.seed < 0:
            raise ValueError(f"seed must be a whole number >= 0, got {self.seed!r}. Pass 0.")
        _checked_functions(optimiser=self.optimiser, schedule=self.schedule)
        if self.precision in ("16", "16-mixed", "fp16"):
            raise ValueError(f"precision must not be half, got {self.precision!r}: its small "
                             "range needs a scale of the loss. Pass 'bf16-mixed'.")
        check.one_of(PRECISIONS, precision=self.precision)
        check.one_of(("auto", "cpu", "cuda"), device=self.device)
        check.one_of(("auto", "never", "always"), compile=self.compile)


@dataclass(frozen=True, eq=False)
class Trained:
    """What training gave; the network itself was trained in place.

    Parameters
    ----------
    status : {"finished", "early", "stopped", "diverged"}
        "early" ran out of patience, "stopped" was asked to; "diverged" met a loss that is not
        finite.
    step : int
        Steps that were taken; for "diverged" the step that failed.
    kept_step : int
        Steps behind the parameters in the network: those of the best score, where there is one.
    score : float
        Best validation score; NaN without one, or without a finite one.
    history : DataFrame
        One row per `log_every` steps: step, epoch, loss (mean over rows), weighted_loss,
        gradient_norm, rate, effective_size, samples_per_second, seconds.
    checks : DataFrame
        Validation scores: step, score.
    average : mapping of name to tensor, or None
        Averaged parameters and floating buffers.
    weighter_state : any
        The last state of a weighter with memory.
    """

    status: str
    step: int
    kept_step: int
    score: float
    history: pd.DataFrame
    checks: pd.DataFrame
    average: Mapping[str, Tensor] | None = None
    weighter_state: Any = None


def _checked_functions(**named: Any) -> None:
    for name, value in named.items():
        if not callable(value):
            raise TypeError(f"{name} must be a function, got {value!r}. Pass "
                            "optimiser=AdamW(1e-3), schedule=cosine().")


def _checked_count(name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"{name} must be a whole number > 0, got {value!r}. Pass 1 or more.")
