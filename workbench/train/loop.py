"""The training loop: all that weighs samples meets their losses in one line of it.

``loss = weights @ losses`` for each micro-batch, then one step of the optimiser. Weights lie on
the simplex: those of a micro-batch on its own (scope "batch"; micro-batches and processes then
count the same), or those of all rows of a step at once (scope "step"; exact over micro-batches
and processes).
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from workbench.train.bookkeeping import Seen, ending, is_due, note, tell
from workbench.train.clipping import clip_gradients, gradient_norm
from workbench.train.device import borrowed_randomness, deterministic
from workbench.train.distributed import fabric_for, is_launched
from workbench.train.forwarding import Forward
from workbench.train.losses import RowLoss, classification
from workbench.train.meta import MetaStep
from workbench.train.micro import Micro
from workbench.train.progress import Progress
from workbench.train.randomness import seed_of, unmoved_buffers
from workbench.train.run import Diverged, Job, Run
from workbench.train.step_checks import checked_step
from workbench.train.threads import one_thread
from workbench.train.training import Trained, Training

__all__ = ["fit"]

SMALL = 1_000_000      # parameters of a network below which threads would only wait


def fit(model: nn.Module, data: Any, how: Training | None = None, *,  # noqa: PLR0913 - options
        weighter: Any = None, loss: RowLoss = classification, validation: Any = None,
        meta: Any = None, perturb: Any = None, penalty: Any = None,
        callbacks: Sequence[Callable[[Mapping[str, Any]], None]] = (),
        folder: str | Path | None = None, stop: Any = None, progress: str = "auto") -> Trained:
    """Train a network in place.

    Parameters
    ----------
    model : torch.nn.Module
        In training mode. Parts that are to stay as they are may be in evaluation mode, or be kept
        from gradients.
    data : (x, y), (x, y, group), mapping, Dataset or iterable of batches
        Arrays or tensors of n rows; mappings are handed to the network by name, but for `labels`
        (or `y`) and `group`.
    how : Training, optional
    weighter : weighter, optional
        Gives each row its weight; None is uniform. See `workbench.train.weighters`.
    loss : function of outputs and targets that gives one loss per row
        `classification`, `regression`, `causal_lm` or your own.
    validation : as `data`, or a function of the network that gives a float, optional
        The score is made small; the best parameters are kept.
    meta : as `data`, optional
        Rows for a weighter that learns.
    perturb : function of network, micro-batch and generator that gives a micro-batch, optional
        Inputs to train on, for instance under attack. See `workbench.train.moments`.
    penalty : function of a Moment that gives one number, or one for each row, optional
        Added to the losses of rows, which weights meet, or to the weighted loss.
    callbacks : sequence of functions of a mapping
        Called with each new row of the history and each validation score.
    folder : path, optional
        Keeps checkpoints; a run that finds some of its own goes on from the last.
    stop : threading.Event, optional
        Once set, the run saves after its current step and ends.
    progress : {"auto", "terminal", "notebook", "nowhere"}

    Returns
    -------
    trained : Trained

    Raises
    ------
    ValueError, TypeError
        If data, network, loss or weighter are not what they must be.

    Examples
    --------
    >>> from workbench.train import Sgd, regression
    >>> x = torch.linspace(-1, 1, 64)[:, None]
    >>> done = fit(nn.Linear(1, 1), (x, 3 * x), Training(Sgd(0.1), epochs=99), loss=regression)
    >>> done.status, bool(done.history.loss.iloc[-1] < 1e-3)
    ('finished', True)
    """
    if how is not None and not isinstance(how, Training):
        raise TypeError(f"how must be a Training, got {type(how).__name__}. Pass "
                        "Training(epochs=10).")
    job = Job(model, data, how or Training(), weighter, loss, validation, meta, tuple(callbacks),
              None if folder is None else Path(folder), stop, progress, perturb, penalty)
    _refuse_idle(model)
    if job.how.patience is not None and validation is None:
        raise ValueError(f"patience must have validation scores to wait for, got "
                         f"{job.how.patience} without validation. Pass validation=(x, y), or "
                         "patience=None.")
    if job.how.devices > 1 and not is_launched():
        from workbench.train.spreading import together

        return together(job)
    fabric = fabric_for(job.how)
    fabric.launch()
    return carry_out(fabric, job)


def carry_out(fabric: Any, job: Job) -> Trained:
    """Do a job on this process."""
    how, home = job.how, next(job.model.parameters()).device
    with ExitStack() as stack:
        stack.enter_context(deterministic(wanted=how.deterministic))
        stack.enter_context(borrowed_randomness(
            seed_of(how.seed, 1, fabric.global_rank), fabric.device))
        if fabric.device.type == "cpu" and _size(job.model) < SMALL:
            stack.enter_context(one_thread())
        run = Run(job, fabric)
        stack.callback(run.close)
        if run.weighing.is_meta:
            run.weighing.state = job.weighter.prepare(_meta_step(run, []))
        if not run.resume():
            run.check()
        shown = stack.enter_context(Progress(run.total, job.progress if not run.team.rank
                                             else "nowhere"))
        try:
            status = _go(run, shown)
            step = run.clock.step
        except Diverged as found:
            status, step = "diverged", found.step
        return run.trained(status, step, home)


def _go(run: Run, shown: Progress) -> str:
    if run.is_worn_out():               # in a checkpoint of a run that had ended
        return "early"
    while run.clock.step < run.total:
        for micros in run.source.epoch(run.clock.epoch, run.clock.offset):
            status = _turn(run, micros, shown)
            if status:
                return status
        run.clock = replace(run.clock, epoch=run.clock.epoch + 1, offset=0)
    return "finished"


def _turn(run: Run, micros: list[Micro], shown: Progress) -> str:
    """One step and what comes after it; a word where training ends."""
    done = run.clock.step + 1
    look = done % run.how.log_every == 0 or done == run.total
    run.set_rates()
    if not run.is_settled:
        for micro in micros if run.device.type != "cpu" else ():
            run.network.check_labels(micro)
        micros = [micro.to(run.device, run.dtype) for micro in micros]
    micros = run.moved(micros)
    seen = (_meta_turn if run.weighing.is_meta else _descend)(run, micros, look=look)
    if run.average:
        run.average.look(done / run.total)
    run.clock = replace(run.clock, step=done, offset=run.clock.offset + 1)
    run.history.seen += sum(len(losses) for losses in seen.losses) * run.team.size
    if look:
        note(run, seen, shown)
    due = {name: is_due(run, every) for name, every in (
        ("check", run.how.check_every), ("save", run.how.save_every))}
    score = run.check() if due["check"] else None
    if score is not None:
        tell(run, shown, {"step": done, "score": score})
    status = ending(run, look=look)
    if due["save"] or status:
        run.look()
        if status:
            run.look_once_more(micros[0])
        run.save()
    return status


def _descend(run: Run, micros: list[Micro], *, look: bool) -> Seen:
    """One step of the optimiser, down the weighted loss."""
    run.optimiser.zero_grad(set_to_none=True)
    run.penalties.clear()
    last, whole = len(micros) - 1, run.weighing.scope == "step"
    ahead = _look_ahead(run, micros) if whole and last else None
    share = float(run.team.size) if whole else 1 / len(micros)
    seen = Seen()
    for place, micro in enumerate(micros):
        with run.network.unsynchronised(wanted=place < last):
            forward = run.forward(micro)
            weights = run.weighing([forward], run.clock) if ahead is None else ahead[place]
            losses, rest = run.penalised(forward, weights)
            loss = weights @ losses
            scaled = loss if share == 1 else loss * share
            scaled = scaled if rest is None else scaled + rest / len(micros)
            run.fabric.backward(scaled)
        seen.add(forward.losses.detach(), weights, scaled.detach())
    if run.how.clip is not None:
        seen.norm = clip_gradients(run.params, run.how.clip)
    elif look:
        seen.norm = gradient_norm(run.params)
    run.optimiser.step()
    return seen


def _look_ahead(run: Run, micros: list[Micro]) -> Sequence[Tensor]:
    """Weights of all micro-batches at once; dropout and buffers as if nobody had looked."""
    randomness = run.randomness.state()
    with torch.no_grad(), unmoved_buffers(run.job.model):
        forwards = [_lean(run, micro) for micro in micros]
    weights = run.weighing(forwards, run.clock)
    generator = run.randomness.generator.get_state()
    run.randomness.restore(randomness)
    run.randomness.generator.set_state(generator)
    return weights.split([len(forward.losses) for forward in forwards])


def _lean(run: Run, micro: Micro) -> Forward:
    """A forward pass whose outputs, which are large, are kept for those who ask only."""
    forward = run.forward(micro)
    return forward if "logits" in run.weighing.needs else replace(forward, outputs=None)


def _meta_turn(run: Run, micros: list[Micro], *, look: bool) -> Seen:
    """One step by a weighter that owns it."""
    state, result = checked_step(run.weighing, run.weighing.weighter.step(
        run.weighing.state, _meta_step(run, micros)), micros, run.clock.step)
    run.weighing.state = state
    run.watch(result.losses.detach())
    norm = gradient_norm(run.params) if look else None
    return Seen([result.losses.detach()], [result.weights.detach()], result.loss.detach(), norm,
                 result.metrics)


def _meta_step(run: Run, micros: list[Micro]) -> MetaStep:
    return MetaStep(run.job.model, run.optimiser, run.job.loss, micros, run.refill.next_batch,
                    run.team.mean, run.fabric.autocast, run.clock.step, run.total,
                    run.clock.epoch, run.randomness.generator)


def _refuse_idle(model: nn.Module) -> None:
    if not any(param.requires_grad for param in model.parameters()):
        raise ValueError("model must have parameters to train, got none that take gradients. "
                         "Call model.requires_grad_().")
    if not model.training:
        raise ValueError("model must be in training mode, got evaluation mode, where dropout and "
                         "batch normalisation stand still. Call model.train(); parts may stay in "
                         "evaluation mode.")


def _size(model: nn.Module) -> int:
    return sum(param.numel() for param in model.parameters())
