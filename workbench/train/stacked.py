"""Many models trained at once: each as if it were alone, all in a few tensor operations.

The parameters of `k` models get a leading axis. A step gathers a batch of each, takes the gradient
of the sum of their losses, in which no model sees another, and updates all with their own rate,
decay and momentum. What a model becomes depends on its own settings and seeds, not on the models
beside it, but for rounding.
"""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pandas as pd
import torch
from torch import Tensor, nn

from workbench.train.buckets import Bucket, plan
from workbench.train.device import device_for
from workbench.train.losses import RowLoss, classification
from workbench.train.models import MLP
from workbench.train.scoring import score
from workbench.train.stack import Stack, stack
from workbench.train.stacked_batches import Batches, Sample
from workbench.train.stacked_door import checked
from workbench.train.stacked_gradients import gradient_by
from workbench.train.stacked_race import fastest
from workbench.train.stacked_rows import AdamW, Rows, Sgd, Update
from workbench.train.stacked_run import Outcome, run_stack
from workbench.train.stacked_settings import EACH, StackedTraining
from workbench.train.stacked_tables import buckets_table, history_table, models_table
from workbench.train.threads import one_thread

__all__ = ["TrainedModels", "train_stacked"]

CACHE = 2 ** 24        # bytes of a stack on a processor: what its caches hold


@dataclass(frozen=True, eq=False)
class TrainedModels:
    """What became of the models.

    Parameters
    ----------
    stacks : tuple of Stack
        Trained stacks; NaN for a model that diverged.
    table : DataFrame, one row per model
        Settings, stack and its form, `status` ("trained", "stopped" by patience, "diverged") with
        the step of divergence, the epoch that was kept, and in evaluation mode `loss`, `error` of
        the training rows and `validation_loss`, `validation_error`: NaN for a diverged model.
    history : DataFrame, one row per model and epoch
        Mean `loss` of the batches, `validation_loss`, `validation_error`.
    buckets : DataFrame, one row per stack
        Models, batch sizes, form, share of the work that is filling, estimated bytes, seconds.
    places : tuple of (int, int)
        Stack of each model and its position there.
    averages : tuple of Stack
        With the mean parameters of the last epochs, if `average_last` asks for them; take running
        moments again with :func:`~workbench.train.scoring.normalise_again` before use.
    """

    stacks: tuple[Stack, ...]
    table: pd.DataFrame
    history: pd.DataFrame
    buckets: pd.DataFrame
    places: tuple[tuple[int, int], ...]
    averages: tuple[Stack, ...] = ()

    def __len__(self) -> int:
        return len(self.places)

    def model(self, k: int) -> nn.Module:
        """Model `k` alone, in evaluation mode."""
        home, position = self.places[k]
        return self.stacks[home].model(position)

    def stack(self, indices: Sequence[int]) -> Stack:
        """Some of the models, of one architecture, in one stack, in the given order."""
        homes = {self.places[k][0] for k in indices}
        if len(homes) == 1:
            return self.stacks[homes.pop()].take([self.places[k][1] for k in indices])
        return stack([self.model(k) for k in indices])


def train_stacked(models: Sequence[nn.Module], sample: Sample | tuple[Tensor, Tensor],
                  how: StackedTraining, *, loss: RowLoss = classification,
                  validation: Sample | tuple[Tensor, Tensor] | None = None,
                  on_stack: Callable[[int, int], None] | None = None) -> TrainedModels:
    """Train many models at once, each as if it were alone; the given models stay as they are.

    Parameters
    ----------
    models : sequence of torch.nn.Module, length k
        Of any architectures and widths; each carries its initial parameters. All train in
        training mode, whatever mode they are in.
    sample : Sample, or (x, y)
        Inputs, shape (n, ...), and targets, shape (n, ...).
    how : StackedTraining
    loss : function of outputs and targets
        Loss of each row; see :mod:`workbench.train.losses`.
    validation : Sample, or (x, y), or None
        Rows to score after epochs.
    on_stack : function of the numbers of trained and of all stacks, or None
        Called when a stack is done.

    Raises
    ------
    ValueError
        Without models or rows, for shapes that do not fit, labels out of range, inputs that are
        not finite, a loss that is not per row, batches larger than the data, or models with
        dropout, whose draws would depend on the models beside them.

    Notes
    -----
    The loss of model `k` on a batch is ``weights[k] @ losses[k]``, with weights on the simplex
    proportional to the amounts of its rows; uniform without amounts.

    Examples
    --------
    >>> from workbench.train.models import MLP
    >>> draws = torch.Generator().manual_seed(0)
    >>> x = torch.randn(64, 5, generator=draws)
    >>> models = [MLP(5, width, 2, generator=draws) for width in (2, 4, 8)]
    >>> how = StackedTraining(epochs=3, batch_size=[8, 8, 16], learning_rate=0.1)
    >>> trained = train_stacked(models, (x, (x[:, 0] > 0).long()), how)
    >>> trained.table["status"].tolist()
    ['trained', 'trained', 'trained']
    """
    if not isinstance(how, StackedTraining):
        raise TypeError(f"how must be a StackedTraining, got {type(how).__name__}. Pass "
                        "StackedTraining(epochs=10).")
    if how.patience is not None and validation is None:
        raise ValueError(f"patience must have validation scores to wait for, got {how.patience} "
                         "without validation. Pass validation=(x, y), or patience=None.")
    device = device_for(how.device)
    job = _Job(models, sample, how, loss, validation, device)
    began: list[tuple[Outcome, float]] = []
    with one_thread(), ThreadPoolExecutor(how.workers if device.type == "cpu" else 1) as pool:
        for found in pool.map(job.train, job.buckets):
            began.append(found)
            if on_stack is not None:
                on_stack(len(began), len(job.buckets))
    outcomes, seconds = zip(*began, strict=True)
    places = {model: (home, position) for home, bucket in enumerate(job.buckets)
              for position, model in enumerate(bucket.models)}
    return TrainedModels(
        tuple(outcome.stack for outcome in outcomes), job.table(outcomes),
        history_table(job.buckets, outcomes), buckets_table(job.buckets, job.forms, seconds),
        tuple(places[k] for k in range(len(models))),
        tuple(outcome.average for outcome in outcomes if outcome.average is not None))


class _Job:
    """Everything that the stacks of one call share."""

    def __init__(self, models: Sequence[nn.Module],
                 sample: Sample | tuple[Tensor, Tensor],
                 how: StackedTraining, loss: RowLoss,
                 validation: Sample | tuple[Tensor, Tensor] | None, device: torch.device):
        self.models, self.how, self.loss = list(models), how, loss
        self.sample, self.prices = checked(self.models, sample, loss, device, name="sample")
        self.validation = None if validation is None else checked(
            self.models, validation, loss, device, name="validation")[0]
        k = len(self.models)
        self.each = {name: how.of_each(name, k) for name in EACH}
        _refuse_form(how.form, self.models)
        rows = [self.sample.count(at) for at in range(k)]
        _refuse_large_batches(self.each["batch_size"], rows)
        self.buckets = self._plan(rows, device)
        self.forms: dict[Bucket, str] = {}
        self.device = device

    def _plan(self, rows: Sequence[int], device: torch.device) -> tuple[Bucket, ...]:
        """Stacks, at least as many as workers."""
        how, budget = self.how, self.how.budget or _free(device)
        while True:
            found = plan(self.models, self.each["batch_size"], rows, self.prices, form=how.form,
                         device=device.type, merge=how.merge and how.drop_last, budget=budget)
            if len(found) >= min(how.workers, len(self.models)):
                return found
            budget = min(budget, max(bucket.bytes for bucket in found)) // 2

    def train(self, bucket: Bucket) -> tuple[Outcome, float]:
        """Train the models of one stack; seconds by the wall."""
        begun, how = time.perf_counter(), self.how
        own = stack([self.models[k] for k in bucket.models]).to(self.device)
        seeds = [self.each["order_seed"][k] for k in bucket.models]
        batches, spare = (Batches(self.sample, bucket.models, seeds, bucket.sizes,
                                  drop_last=how.drop_last, dtype=_dtype(own)) for _ in range(2))
        form = fastest(own, spare, self.loss) if how.form == "fastest" else bucket.form
        self.forms[bucket] = form
        gradient = gradient_by(form, own, self.loss)
        outcome = run_stack(own, batches, gradient, self._update(own, bucket), how,
                            score=self._score(bucket))
        return outcome, time.perf_counter() - begun

    def _update(self, own: Stack, bucket: Bucket) -> Update:
        rate, decay, momentum = (
            torch.tensor([float(self.each[name][k]) for k in bucket.models], dtype=_dtype(own),
                         device=self.device)[:, None]
            for name in ("learning_rate", "weight_decay", "momentum"))
        width = sum(shape.numel() for shape in Rows.of(own).shapes.values())
        if self.how.optimiser == "sgd":
            return Sgd(rate, decay, momentum, width)
        return AdamW(rate, decay, self.how.betas, width)

    def _score(self, bucket: Bucket) -> Callable[[Stack], tuple[Tensor, Tensor]] | None:
        if self.validation is None:
            return None
        rows = self.validation
        return lambda own: score(own, rows, models=bucket.models, loss=self.loss)

    def table(self, outcomes: Sequence[Outcome]) -> pd.DataFrame:
        """One row per model."""
        scores = {}
        for name, rows in (("", self.sample), ("validation_", self.validation)):
            found = [score(outcome.stack, rows, models=bucket.models, loss=self.loss)
                     for bucket, outcome in zip(self.buckets, outcomes, strict=True)
                     if rows is not None]
            scores[name] = found
        settings = self.each | {"params": [one.params for one in self.prices]}
        return models_table(self.buckets, outcomes, settings, scores, self.forms)


def _dtype(own: Stack) -> torch.dtype:
    return next(iter(own.params.values())).dtype


def _free(device: torch.device) -> int:
    """Bytes for one stack."""
    return torch.cuda.mem_get_info(device)[0] // 2 if device.type == "cuda" else CACHE


def _refuse_form(form: str, models: Sequence[nn.Module]) -> None:
    for k, model in enumerate(models):
        if form == "closed" and type(model) is not MLP:
            raise ValueError("form must be another than 'closed' for models that are no MLP, got "
                             f"{type(model).__name__} as model {k}. Pass form='auto'.")


def _refuse_large_batches(sizes: Sequence[int], rows: Sequence[int]) -> None:
    for k, (size, count) in enumerate(zip(sizes, rows, strict=True)):
        if size > count:
            raise ValueError(f"batch_size must not exceed the rows of a model, got {size} for "
                             f"{count} rows of model {k}. Pass at most {count}.")
