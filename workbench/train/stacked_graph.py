"""One step of a stack whose tensors stay where they are, so that a graphics card can replay it.

Launching the operations of a step takes longer than computing them when models are small. A CUDA
graph records a step once and replays it as one launch; it reads positions, weights and the factor
of the rate from tensors that are overwritten before each replay. On a processor the same step
runs without a graph.
"""

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from workbench.train.stacked_rows import clip_rows

if TYPE_CHECKING:
    from workbench.train.stacked_run import Run

__all__ = ["StaticStep"]

WARM = 3               # steps before a graph is recorded, as PyTorch asks for; they are undone


class StaticStep:
    """A step of all models of a run on fixed tensors.

    Parameters
    ----------
    run : Run
        Whose parameters, buffers and memory of the update are changed in place.
    """

    def __init__(self, run: "Run"):
        self.run = run
        k, size, device = len(run.params), run.batches.micro, run.params.device
        alike = run.batches.is_alike
        self.rows = torch.zeros((1 if alike else k, size), dtype=torch.int64, device=device)
        self.weights = run.params.new_zeros((k, size))
        self.factor, self.count = run.params.new_ones((2, 1, 1)).unbind()
        self.losses = run.params.new_zeros(k)
        self.graph: torch.cuda.CUDAGraph | None = None

    def __call__(self, rows: Tensor, weights: Tensor, factor: float, count: int) -> Tensor:
        """Losses of a step, shape (k,); they are overwritten by the next one."""
        self.rows.copy_(rows)
        self.weights.copy_(weights)
        self.factor.fill_(factor)
        self.count.fill_(count)
        if self.rows.device.type != "cuda":
            self._body()
        else:
            self.graph = self.graph or self._recorded()
            self.graph.replay()
        return self.losses

    def forget_graph(self) -> None:
        """Record again: tensors that a step reads have moved."""
        self.graph = None

    def _body(self) -> None:
        run = self.run
        batch = run.batches.batch(self.rows, self.weights)
        losses, after = run.gradient.losses(run.views, run.buffers, batch, run.into)
        for name, one in after.items():
            if one is not run.buffers[name]:
                run.buffers[name].copy_(one)
        self.losses.copy_(losses)
        if run.how.clip is not None:
            clip_rows(run.grad, run.how.clip)
        run.update(run.params, run.grad, self.factor, self.count)

    def _recorded(self) -> torch.cuda.CUDAGraph:
        run, device = self.run, self.rows.device
        touched = [run.params, *run.buffers.values(), *run.update.memory()]
        before = [one.clone() for one in touched]
        aside = torch.cuda.Stream(device)
        aside.wait_stream(torch.cuda.current_stream(device))
        with torch.cuda.stream(aside):
            for _ in range(WARM):
                self._body()
        torch.cuda.current_stream(device).wait_stream(aside)
        for one, kept in zip(touched, before, strict=True):
            one.copy_(kept)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self._body()
        return graph
