"""The loop of one stack: batches, gradients, one update of all models that are due.

A model whose loss is no longer finite has diverged: it is taken out at the end of the epoch and
remembered with the step. Until then it cannot reach the others, since no operation mixes models.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from workbench.train.stack import Stack
from workbench.train.stacked_batches import Batches
from workbench.train.stacked_gradients import Gradient
from workbench.train.stacked_graph import StaticStep
from workbench.train.stacked_kept import Kept
from workbench.train.stacked_rows import Rows, Update, clip_rows
from workbench.train.stacked_settings import StackedTraining

__all__ = ["Outcome", "Score", "run_stack"]

Score = Callable[[Stack], tuple[Tensor, Tensor]]     # losses and errors, shape (k,) each


@dataclass(frozen=True, eq=False)
class Outcome:
    """What became of the models of one stack.

    Parameters
    ----------
    stack : Stack
        Parameters kept; NaN for a model that diverged.
    loss, validation_loss, validation_error : tensor, shape (epochs, k)
        Mean training loss of the batches of an epoch; scores on the validation rows, NaN where
        none were taken. NaN from the epoch on in which a model diverged or stopped.
    diverged : tensor of int64, shape (k,)
        Step, from 0, at which the loss was not finite, or the last one if it became so after it;
        -1 for never.
    stopped : tensor of bool, shape (k,)
        Whether patience ended before the epochs.
    epoch : tensor of int64, shape (k,)
        Epoch, from 0, behind the parameters that were kept.
    average : Stack or None
        Mean parameters of the last epochs, if it was asked for; what was kept for a model that
        stopped before. Running moments are those of the stack.
    """

    stack: Stack
    loss: Tensor
    validation_loss: Tensor
    validation_error: Tensor
    diverged: Tensor
    stopped: Tensor
    epoch: Tensor
    average: Stack | None


def run_stack(stack: Stack, batches: Batches, gradient: Gradient, update: Update,
              how: StackedTraining, *, score: Score | None = None) -> Outcome:
    """Train all models of a stack."""
    run = Run(stack, batches, gradient, update, how)
    with gradient.without_tape():
        for epoch in range(how.epochs):
            run.epoch(epoch)
            checked = score is not None and (epoch + 1) % how.check_every == 0
            run.judge(epoch, score if checked else None, validates=score is not None)
            if not run.is_open.any():
                break
        run.look_once_more()
    return run.outcome()


class Run:
    """State of a stack in training."""

    def __init__(self, stack: Stack, batches: Batches, gradient: Gradient, update: Update,
                 how: StackedTraining):
        self.stack, self.batches, self.gradient = stack, batches, gradient
        self.update, self.how = update, how
        self.layout = Rows.of(stack)
        self.params = self.layout.matrix(stack)
        self.grad = torch.zeros_like(self.params)
        self.views, self.into = self.layout.views(self.params), self.layout.views(self.grad)
        self.buffers = {name: one.clone() for name, one in stack.buffers.items()}
        k, device = len(stack), self.params.device
        self.record = self.params.new_zeros((batches.micro_steps, k))
        self.merged = len(set(batches.accumulated)) > 1
        self.sum = torch.zeros_like(self.grad) if self.merged else self.grad
        self.steps = torch.tensor(batches.steps, device=device)
        self.due = [batches.due(step) for step in range(batches.micro_steps)]
        self.is_open = torch.ones(k, dtype=torch.bool, device=device)
        self.diverged = torch.full((k,), -1, device=device)
        self.stopped = torch.zeros_like(self.is_open)
        self.kept = Kept(self, how.keep)
        self.tail = torch.zeros_like(self.params if how.average_last else self.params[:1, :1])
        self.static = StaticStep(self) if how.graph and not self.merged else None
        nothing = self.params.new_full((how.epochs, k), math.nan)
        self.loss, self.found, self.errors = nothing, nothing.clone(), nothing.clone()

    def epoch(self, epoch: int) -> None:
        """One pass over the rows of each model."""
        if self.merged:
            self.sum.zero_()
        for step, (rows, weights) in enumerate(self.batches.rows()):
            if self.static is not None and rows.shape[1] == self.batches.micro:
                (done,), (total,) = self._progress(1, epoch, step)
                factor = self.how.schedule(done / total)
                self.record[step] = self.static(rows, weights, factor, done + 1)
                continue
            losses, after = self.gradient.losses(self.views, self.buffers,
                                                 self.batches.batch(rows, weights), self.into)
            for name, one in after.items():
                if one is not self.buffers[name]:
                    self.buffers[name].copy_(one)
            self.record[step] = losses
            if self.merged:
                self.sum.add_(self.grad)
            due = self.due[step]
            if due:
                self._step(due, epoch, step)
        self._book(epoch)

    def _step(self, due: int, epoch: int, micro_step: int) -> None:
        grad = self.sum[:due]
        if self.how.clip is not None:
            clip_rows(grad, self.how.clip)
        done, total = self._progress(due, epoch, micro_step)
        factors = [self.how.schedule(a / b) for a, b in zip(done, total, strict=True)]
        count = [a + 1 for a in done]
        self.update(self.params[:due], grad, self._column(factors), self._column(count))
        if self.merged:
            grad.zero_()

    def _progress(self, due: int, epoch: int, micro_step: int) -> tuple[list[int], list[int]]:
        """Steps done before this one and in all, once if they are the same for all models."""
        models = range(due if self.merged else 1)
        per, size = self.batches.steps, self.batches.accumulated
        return ([epoch * per[k] + (micro_step + 1) // size[k] - 1 for k in models],
                [self.how.epochs * per[k] for k in models])

    def _column(self, values: list[float] | list[int]) -> float | Tensor:
        return (float(values[0]) if len(set(values)) == 1
                else self.params.new_tensor(values)[:, None])

    def _book(self, epoch: int) -> None:
        """Mean loss of the epoch; models that diverged are closed."""
        record = self.record
        if self.merged:
            used = self.steps * torch.tensor(self.batches.accumulated, device=record.device)
            inside = torch.arange(len(record), device=record.device)[:, None] < used
            record = record.where(inside, torch.zeros_like(record))
        bad = ~torch.isfinite(record)
        first = bad.int().argmax(0)
        if self.merged:
            first = first // torch.tensor(self.batches.accumulated, device=first.device)
        lost = bad.any(0) & self.is_open
        self.loss[epoch] = (record.sum(0) / self.steps).where(self.is_open & ~lost, math.nan)
        if lost.any():
            self.diverged = torch.where(lost, epoch * self.steps + first, self.diverged)
            self.close(lost)

    def judge(self, epoch: int, score: Score | None, *, validates: bool) -> None:
        """Validate, keep what is better, stop whose patience has ended."""
        if score is not None:
            loss, error = score(self.stack.replace(self.views, self.buffers))
            self.found[epoch] = loss.where(self.is_open, math.nan)
            self.errors[epoch] = error.where(self.is_open, math.nan)
        scores = self.found if validates else self.loss
        self.kept.look(self, epoch, scores[epoch])
        if epoch >= self.how.epochs - self.how.average_last:
            self.tail.add_(self.params, alpha=1 / self.how.average_last)
        if self.how.patience is not None and validates:
            ended = self.is_open & (epoch - self.kept.lowest_at >= self.how.patience)
            self.stopped = self.stopped | ended
            self.close(ended)

    def look_once_more(self) -> None:
        """Close models that their last step led where losses are not finite."""
        losses, _ = self.gradient.losses(self.views, self.buffers, next(self.batches.epoch()),
                                         self.into)
        lost = ~torch.isfinite(losses) & self.is_open
        if lost.any():
            last = self.how.epochs * self.steps - 1
            self.diverged = torch.where(lost, last, self.diverged)
            self.close(lost)

    def close(self, models: Tensor) -> None:
        """Take models out: what they have is kept, nothing of them changes or counts any more."""
        self.kept.close(self, models)
        self.is_open = self.is_open & ~models
        for matrix in (self.params, self.grad, self.sum):
            matrix[models] = 0
        self.update.forget(models)
        if self.static is not None:
            self.static.forget_graph()

    def outcome(self) -> Outcome:
        """The stack with what was kept."""
        params, buffers = self.kept.found(self)
        params[self.diverged >= 0] = math.nan
        average = torch.where(self.is_open[:, None], self.tail, params)
        found, mean = (self.stack.replace(
            {name: one.clone() for name, one in self.layout.views(matrix).items()}, buffers)
            for matrix in (params, average))
        return Outcome(found, self.loss, self.found, self.errors, self.diverged.clone(),
                       self.stopped.clone(), self.kept.epoch.clone(),
                       mean if self.how.average_last else None)
