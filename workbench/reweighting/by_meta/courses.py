"""One training on noisy labels, epoch by epoch: judged on clean rows, with the scale of each row.

The network is linear, or a perceptron. Plain and rescaled trainings start alike, see rows in the
same order, and move by the same kind of step.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from workbench.core import check
from workbench.reweighting.by_meta.learning import NEAR_ZERO
from workbench.reweighting.by_meta.worlds import World, quality
from workbench.reweighting.meta_rescaling import Storm
from workbench.train import MLP, AdamW, Training, fit, torch_generator

__all__ = ["Course", "SignDescent", "auroc", "network", "train_course"]


@dataclass(frozen=True)
class SignDescent:
    """Every parameter moves by the rate down its slope: a fresh first step of Adam each time.

    Parameters
    ----------
    learning_rate : float > 0
    rows : int > 0
        Of a step, whose mean loss is descended; slopes of the sum below 3.2e-7 count less.
    """

    learning_rate: float = 0.05
    rows: int = 1

    def __post_init__(self) -> None:
        check.positive(learning_rate=self.learning_rate, rows=self.rows)

    def __call__(self, params: Iterable[Any]) -> Optimizer:
        """The optimiser of `params`."""
        return torch.optim.RMSprop(params, lr=self.learning_rate, alpha=0.0,
                                   eps=NEAR_ZERO / self.rows)


@dataclass(frozen=True, eq=False)
class Course:
    """One training.

    Parameters
    ----------
    scores : DataFrame
        Columns epoch, valid, test [percent]; valid is NaN without such rows.
    scales : array, shape (epochs, train)
        Scale of each training row, NaN where an epoch left it out; None without a rescaler.
    probabilities : array, shape (n, k)
        Of all rows of the world, by the network of the last epoch.
    status : str
    model : torch.nn.Module
        That network.
    """

    scores: pd.DataFrame
    scales: np.ndarray | None
    probabilities: np.ndarray
    status: str
    model: nn.Module

    @property
    def best(self) -> float:
        """Test score of the epoch with the best validation score, the last one without any."""
        valid = self.scores["valid"].to_numpy(float)
        at = int(np.nanargmax(valid)) if np.isfinite(valid).any() else len(valid) - 1
        return float(self.scores["test"].iloc[at])

    @property
    def last(self) -> float:
        """Test score of the last epoch."""
        return float(self.scores["test"].iloc[-1])


@dataclass(eq=False)
class _Judge:
    """Scores of each epoch; called by the loop at the end of each."""

    world: World
    rows: list[dict[str, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.x = {part: torch.as_tensor(self.world.x[getattr(self.world, part)])
                  for part in ("valid", "test")}
        self.score = quality(self.world)

    def __call__(self, model: nn.Module) -> float:
        told = {part: self.score(self.world.truth[getattr(self.world, part)],
                                 model(x).argmax(1).numpy()) if len(x) else np.nan
                for part, x in self.x.items()}
        self.rows.append({"epoch": float(len(self.rows)), **told})
        return -self.rows[-1]["epoch"]              # the last epoch's network is kept


def network(inputs: int, classes: int, width: int, seed: int) -> nn.Module:
    """A linear network that starts near zero, or a perceptron of one hidden layer."""
    draws = torch_generator(seed)
    if width:
        return MLP(inputs, width, classes, depth=1, generator=draws)
    model = nn.utils.skip_init(nn.Linear, inputs, classes)
    with torch.no_grad():
        model.weight.normal_(0.0, 0.02, generator=draws)
        model.bias.zero_()
    return model


def train_course(world: World, weighter: Any, *, rate: float = 0.05,  # noqa: PLR0913 - settings
                 epochs: int = 10, batch_size: int = 32, width: int = 0, seed: int = 0,
                 inner: str = "", meta: Any = None) -> Course:
    """Train on the given labels of a world.

    Parameters
    ----------
    world : World
    weighter : Storm, other weighter or None
        None is uniform weights.
    rate : float > 0
        Of the network.
    epochs, batch_size : int > 0
    width : int >= 0
        Hidden units; 0 is a linear network.
    seed : int >= 0
        Of the network and of the order of rows.
    inner : {"", "sign", "sgd"}
        Steps of sign, or Adam; empty is that of the weighter, "sign" where it has none.
    meta : as of :func:`workbench.train.fit`, optional
    """
    batch_size = min(batch_size, len(world.train))
    signs = (inner or getattr(weighter, "inner", "sign")) == "sign"
    optimiser: Callable[..., Optimizer] = SignDescent(rate, batch_size) if signs else AdamW(
        rate, weight_decay=0.0)
    judge = _Judge(world)
    model = network(world.x.shape[1], len(world.classes), width, seed)
    steps = len(world.train) // batch_size
    x = torch.as_tensor(world.x)
    done = fit(model, (x[torch.as_tensor(world.train)], world.given[world.train]),
               Training(optimiser, epochs=epochs, batch_size=batch_size, seed=seed,
                        log_every=steps, device="cpu"),
               weighter=weighter, validation=judge, meta=meta, progress="nowhere")
    record = isinstance(weighter, Storm) and weighter.rows
    with torch.no_grad():
        found = model(x).softmax(1).numpy()
    return Course(pd.DataFrame(judge.rows[-epochs:]), _record(done.weighter_state, record),
                  found, done.status, model)


def auroc(scores: np.ndarray, wrong: np.ndarray) -> float:
    """Chance that a wrong row has a higher score than a right one; NaN where one kind misses.

    Examples
    --------
    >>> auroc(np.array([0.9, 0.1, 0.5]), np.array([True, False, False]))
    1.0
    """
    from scipy.stats import rankdata

    known = np.isfinite(scores)
    ranks, wrong = rankdata(scores[known]), wrong[known].astype(bool)
    many = int(wrong.sum())
    if not 0 < many < len(wrong):
        return float("nan")
    return float((ranks[wrong].sum() - many * (many + 1) / 2) / (many * (len(wrong) - many)))


def _record(state: Any, record: Any) -> np.ndarray | None:
    if not record:
        return None
    history: Tensor = state["history"]
    return history.numpy(force=True)
