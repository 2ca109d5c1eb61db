"""Train one network per weighter and split, and score it on rows that the split holds out."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from workbench.core import check
from workbench.reweighting.league.splits import Split, Trouble, split_task
from workbench.reweighting.league.tasks import Task
from workbench.reweighting.registry import weighter_named
from workbench.reweighting.trials import Trials, compare_weighters, mean_of_known

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["class_scores", "train_league"]

RATE, WIDTH, CHANNELS = 3e-3, 32, 8
NOTHING = Trouble()


def train_league(task: Task, weighters: Mapping[str, Any], *,  # noqa: PLR0913 - sizes
                 trouble: Trouble = NOTHING, splits: int = 5, epochs: int = 20,
                 batch_size: int = 32, seed: int = 0,
                 on_trained: Callable[[int, int], None] | None = None
                 ) -> tuple[Trials, pd.DataFrame]:
    """Train every weighter on several splits; one that cannot be trained is told, not raised.

    Parameters
    ----------
    task : Task
    weighters : mapping of name to weighter
        Of any kind; in place of one, the name by which it is known: it is then made anew for
        each split, from the targets of its training rows where it asks for them.
    trouble : Trouble
        What is made wrong with training rows on purpose.
    splits, epochs, batch_size : int > 0
        Splits, each with its own rows to test on, network and order.
    seed : int >= 0
    on_trained : function of the numbers of trained and of all networks, optional

    Returns
    -------
    trials : Trials
        Scores have columns loss, and for classes accuracy and worst (lowest recall); `weights`
        has NaN for rows that no split trained on.
    marks : DataFrame, n rows
        wrong, outlier: in how many splits a row was spoilt on purpose; trained: in how many it
        was trained on.

    Notes
    -----
    Groups are the classes. The trusted tenth of training rows, without made trouble, is also the
    `meta` of weighters that learn: all train on the same rows, and learners are told which can
    be trusted.
    """
    check.positive(splits=splits, epochs=epochs, batch_size=batch_size)
    n = len(task.y)
    found, marks = [], np.zeros((3, n))
    for number in range(splits):
        def told(done: int, of: int, before: int = number) -> None:
            if on_trained is not None:
                on_trained(before * of + done, splits * of)
        split = split_task(task, trouble, seed + number)
        one = _compared(task, split, weighters, (epochs, batch_size), seed + number, told)
        for at, part in enumerate((split.wrong, split.outlier, np.ones(len(split.train)))):
            marks[at, split.train] += part
        own, last = (part.set_axis(split.train).reindex(range(n))
                     for part in (one.weights, one.last))
        found.append(Trials(one.scores, one.history, own, last, one.fates))
    names = found[0].weights.columns
    weights, ends = (pd.DataFrame(mean_of_known(np.stack([getattr(one, part) for one in found])),
                                  columns=names) for part in ("weights", "last"))
    scores, history, fates = (pd.concat([getattr(one, part) for one in found], ignore_index=True)
                              for part in ("scores", "history", "fates"))
    return Trials(scores, history, weights, ends, fates), pd.DataFrame(
        marks.T.astype(int), columns=["wrong", "outlier", "trained"])


def class_scores(model: "nn.Module", data: Any) -> dict[str, float]:
    """Share of right classes, and that of the class with the lowest, of (x, y, ...)."""
    import torch

    from workbench.train.autodiff import apply
    from workbench.train.evaluation import evaluating
    from workbench.train.losses import logits_of

    x, y = (torch.as_tensor(part) for part in data[:2])
    with evaluating(model):
        right = (logits_of(apply(model, x)).argmax(1) == y).double()
    return {"accuracy": float(right.mean()), "worst": min(
        float(right[y == one].mean()) for one in y.unique())}


def _compared(task: Task, split: Split, weighters: Mapping[str, Any],
              sizes: tuple[int, int], seed: int, told: Callable[[int, int], None]) -> Trials:
    from workbench.train import AdamW, Training, classification, cosine, regression

    epochs, batch_size = sizes
    classes = bool(task.classes)
    rows = len(split.y)
    batch = max(2, min(batch_size, int(split.trusted.sum())))

    def data(x: np.ndarray, y: np.ndarray) -> tuple[Any, ...]:
        return (x, y, y) if classes else (x, y)
    arms = {name: _made(one, split.y) if isinstance(one, str) else one
            for name, one in weighters.items()}
    how = Training(AdamW(RATE), epochs=epochs, batch_size=batch, schedule=cosine(0.05),
                   log_every=max(1, rows // batch))
    shape, outputs = split.x.shape[1:], len(task.classes) or 1
    return compare_weighters(
        lambda chosen: _network(shape, outputs, chosen), data(split.x, split.y),
        data(split.test_x, split.test_y), arms, how,
        loss=classification if classes else regression,
        meta=data(split.x[split.trusted], split.y[split.trusted]),
        groups=task.classes, seeds=(seed,), measure=class_scores if classes else None,
        strict=False, on_trained=told)


class _Unmade:
    """In place of a weighter that could not be made: it says why when it is asked."""

    def __init__(self, why: str):
        self.why = why

    def __call__(self, losses: "Tensor") -> "Tensor":
        del losses
        raise ValueError(self.why)


def _made(name: str, targets: np.ndarray) -> Any:
    try:
        return weighter_named(name, targets=targets)
    except (ValueError, TypeError) as trouble:
        return _Unmade(str(trouble))


def _network(shape: "tuple[int, ...] | Tensor", outputs: int, seed: int) -> "nn.Module":
    from workbench.train import MLP, ConvNet, torch_generator

    if len(shape) == 3:
        return ConvNet(shape[0], CHANNELS, outputs, norm="group", generator=torch_generator(seed))
    return MLP(int(np.prod(shape)), WIDTH, outputs, generator=torch_generator(seed))
