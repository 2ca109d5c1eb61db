"""One run of training: everything that changes while it goes on, saved and restored together."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from workbench.train import checkpoint, packing
from workbench.train.averages import Average
from workbench.train.batches import Shares, source_of
from workbench.train.distributed import Team
from workbench.train.evaluation import Validation
from workbench.train.forwarding import PAYS, Forward, Forwarding
from workbench.train.history import Best, History
from workbench.train.losses import RowLoss
from workbench.train.micro import Micro
from workbench.train.moments import Tap, checked, moment_of, moved, refuse_strangers
from workbench.train.randomness import Randomness, seed_of, unmoved_buffers
from workbench.train.refill import Refill
from workbench.train.training import Trained, Training
from workbench.train.weighing import NEVER, Clock, Weighing

__all__ = ["Diverged", "Job", "Run"]


class Diverged(Exception):  # noqa: N818 - an end of training, not an error
    """A loss is not finite."""

    def __init__(self, step: int):
        super().__init__(step)
        self.step = step


@dataclass(frozen=True, eq=False)
class Job:
    """What was asked for."""

    model: nn.Module
    data: Any
    how: Training
    weighter: Any
    loss: RowLoss
    validation: Any
    meta: Any
    callbacks: Sequence[Callable[[Mapping[str, Any]], None]]
    folder: Path | None
    stop: Any
    progress: str
    perturb: Any = None
    penalty: Any = None


class Run:
    """The changing parts of a job on one process."""

    def __init__(self, job: Job, fabric: Any):
        self.job, self.how, self.fabric, self.team = job, job.how, fabric, Team(fabric)
        self.device = fabric.device
        shares = Shares(self.how.batch_size, self.how.accumulate, self.team.rank, self.team.size)
        self.source = source_of(job.data, shares, self.how.seed)
        self.total = self.how.max_steps or self.how.epochs * self.source.steps
        if not self.total:
            raise ValueError("max_steps must be given for a loader without a length, got None. "
                             "Pass Training(max_steps=1000).")
        self.clock = Clock(0, self.total, 0, 0)
        generator = torch.Generator().manual_seed(seed_of(self.how.seed, 2))
        self.weighing = Weighing(job.weighter, job.model, job.loss, self.team, generator,
                                 self.source.rows, immediate=self.immediate)
        refuse_strangers(job.perturb, job.penalty, owns_step=self.weighing.is_meta)
        self.network = Forwarding(job.model, job.loss, self.how, self.team,
                                  compiles=self.total >= PAYS and not self.weighing.is_meta,
                                  whole=getattr(self.source, "whole", None))
        self.params = [param for param in job.model.parameters() if param.requires_grad]
        self.dtype = next(param.dtype for param in self.params)
        self.is_settled = self.source.settle(self.device, self.dtype)
        self.optimiser = self.how.optimiser(self.params)
        self.rates = [group["lr"] for group in self.optimiser.param_groups]
        self.randomness = Randomness(job.model, self.device, generator)
        self.average = Average(self.how.average, job.model) if self.how.average else None
        self.validation = Validation.of(job, self.device, self.dtype, fabric.autocast)
        self.refill = Refill.of(job, shares, self.device, self.dtype)
        self.tap = Tap(job.model, getattr(job.penalty, "layer", None)) if (
            "features" in getattr(job.penalty, "needs", ())) else None
        self.best, self.kept, self.history = Best(), dict[str, Tensor](), History()
        self.bad = torch.full((), NEVER, device=self.device)
        self.penalties: list[Tensor] = []                        # of a step, by micro-batch

    @property
    def immediate(self) -> bool:
        """Whether looking at a number waits for nobody."""
        return self.device.type == "cpu" and self.team.size == 1

    def moved(self, micros: Sequence[Micro]) -> list[Micro]:
        """Micro-batches as the network is to see them."""
        return moved(self.job.perturb, self.job.model, micros, self.randomness.generator)

    def forward(self, micro: Micro) -> Forward:
        """Send a micro-batch through the network."""
        if self.tap:
            self.tap.forget()
        forward = self.network(micro, self.clock.step)
        self.watch(forward.losses.detach())
        return forward

    def penalised(self, forward: Forward, weights: Tensor) -> tuple[Tensor, Tensor | None]:
        """Losses that weights meet, and what is added beside; its mean over rows is noted."""
        if self.job.penalty is None:
            return forward.losses, None
        told = checked(self.job.penalty, moment_of(self, forward, weights))
        self.watch(told.detach())
        self.penalties.append(told.detach().mean())
        return (forward.losses + told, None) if told.ndim else (forward.losses, told)

    def close(self) -> None:
        """Leave the network as it was found."""
        if self.tap:
            self.tap.close()

    def watch(self, losses: Tensor) -> None:
        """Note the first step whose losses are not finite; raise at once where that is free."""
        total = losses.sum()
        if not self.immediate:
            before = self.bad.clamp(max=self.clock.step)
            self.bad = torch.where(torch.isfinite(total), self.bad, before)
        elif not math.isfinite(float(total)):
            raise Diverged(self.clock.step)

    def look(self) -> None:
        """Raise what was put off while the device was busy."""
        first = NEVER - self.team.largest(float(NEVER - int(self.bad)))
        if first < NEVER / 2:
            raise Diverged(int(first))
        self.weighing.look()

    def look_once_more(self, micro: Micro) -> None:
        """Raise if the last step led where losses are not finite: no step comes after it."""
        states = self.randomness.state()
        with torch.no_grad(), unmoved_buffers(self.job.model):
            losses = self.job.loss(self.network.outputs(micro, self.job.model), micro.y)
        self.randomness.restore(states)
        if self.team.largest(float(not bool(torch.isfinite(losses.sum())))):
            raise Diverged(self.clock.step - 1)

    def set_rates(self) -> None:
        """Rates of the step that comes."""
        factor = self.how.schedule(self.clock.step / self.total)
        for group, rate in zip(self.optimiser.param_groups, self.rates, strict=True):
            group["lr"] = rate * factor

    def check(self) -> float | None:
        """Take the validation score; keep the parameters if it is the best one."""
        if self.validation is None:
            return None
        score = self.team.first(self.validation.score())
        self.history.checks.append({"step": self.clock.step, "score": score})
        if self.best.look(score, self.clock.step):
            self.kept = {name: tensor.detach().clone() for name, tensor in self._tensors()}
        return score

    def is_worn_out(self) -> bool:
        """Whether patience has run out."""
        return self.how.patience is not None and self.best.worse >= self.how.patience

    def save(self) -> Path | None:
        """Write a checkpoint where there is a folder."""
        if self.job.folder is None:
            return None
        return checkpoint.write(self.job.folder, self.clock.step, self._write, team=self.team,
                                keep=self.how.keep)

    def _write(self, folder: Path) -> None:
        packing.save(folder, f"rank-{self.team.rank}", {
            "randomness": self.randomness.state(), "weighter": self.weighing.state,
            "drawn": self.refill.drawn})
        if self.team.rank:
            return
        from safetensors.torch import save_model

        save_model(self.job.model, str(folder / "model.safetensors"))
        packing.save(folder, "optimiser", self.optimiser)
        packing.save(folder, "kept", {
            "best": self.kept, "average": self.average.kept if self.average else {},
            "count": self.average.count if self.average else 0})
        packing.save(folder, "state", {
            "settings": self._settings(), "step": self.clock.step, "epoch": self.clock.epoch,
            "offset": self.clock.offset, "best": vars(self.best).copy(),
            "rows": self.history.rows, "checks": self.history.checks,
            "seconds": self.history.seconds, "versions": {"torch": torch.__version__}})

    def resume(self) -> bool:
        """Go on from the last checkpoint of the folder, if there is one."""
        found = checkpoint.newest(self.job.folder) if self.job.folder else None
        if found is None:
            return False
        from safetensors.torch import load_model

        state = packing.load(found, "state")
        checkpoint.refuse_other_settings(self._settings(), state["settings"], found)
        load_model(self.job.model, str(found / "model.safetensors"), device=str(self.device))
        packing.load(found, "optimiser", self.optimiser)
        kept = packing.load(found, "kept")
        self.kept = {name: tensor.to(self.device) for name, tensor in kept["best"].items()}
        if self.average:
            self.average.load(kept["average"], kept["count"])
        own = packing.load(found, f"rank-{self.team.rank}", {"weighter": self.weighing.state})
        self.weighing.state = own["weighter"]
        self.randomness.restore(own["randomness"])
        self.refill.restore(own["drawn"])
        self.best = Best(**state["best"])
        self.history.rows, self.history.checks = state["rows"], state["checks"]
        self.history.seconds = state["seconds"]
        self.clock = Clock(state["step"], self.total, state["epoch"], state["offset"])
        return True

    def trained(self, status: str, step: int, home: torch.device) -> Trained:
        """The result; the best parameters are put into the network, which goes home."""
        if self.kept:
            with torch.no_grad():
                for name, tensor in self._tensors():
                    tensor.copy_(self.kept[name])
        self.job.model.to(home)
        average = {name: tensor.to(home) for name, tensor in self.average.kept.items()} \
            if self.average and self.average.count else None
        score = self.best.score if math.isfinite(self.best.score) else math.nan
        return Trained(status, step, self.best.step if self.kept else step, score,
                       self.history.table(), self.history.check_table(),
                       average, self.weighing.state)

    def _tensors(self) -> list[tuple[str, Tensor]]:
        return [*self.job.model.named_parameters(), *self.job.model.named_buffers()]

    def _settings(self) -> dict[str, str]:
        shapes = [tuple(param.shape) for param in self.params]
        return checkpoint.described(self.how) | {
            "weighter": checkpoint.words(self.weighing.weighter),
            "loss": checkpoint.words(self.job.loss), "parameters": str(shapes)[:500],
            "network": checkpoint.words(self.job.model),
            "optimiser_settings": checkpoint.words(self.optimiser.defaults),
            "rows": str(self.source.rows), "steps": str(self.total),
            "processes": str(self.team.size)} | {
            name: checkpoint.words(thing) for name, thing in (
                ("perturb", self.job.perturb), ("penalty", self.job.penalty))
            if thing is not None}
