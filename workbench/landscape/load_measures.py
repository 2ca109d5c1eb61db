"""Measures of all networks of one load: of one shape, trained on the same rows, in one stack."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from workbench.core import check
from workbench.landscape.cell_soups import soup_gains
from workbench.landscape.columns import stack_objective
from workbench.landscape.connectivity import (
    PLACES,
    Connectivity,
    curve_connectivity,
    line_profile,
    pairs_within,
)
from workbench.landscape.curves import CurveTraining
from workbench.landscape.features import mixup
from workbench.landscape.grids import TrainedGrid
from workbench.landscape.matching import match, permute
from workbench.landscape.members import taken
from workbench.landscape.objective import cross_entropy
from workbench.landscape.permutation_axes import symmetries
from workbench.landscape.pruning import prune
from workbench.landscape.similarity import cka
from workbench.landscape.trace import hessian_trace
from workbench.landscape.transfer import transfer_gains
from workbench.train.device import torch_generator
from workbench.train.scoring import normalise_again, score
from workbench.train.stack import Stack, stack
from workbench.train.stacked_batches import Sample

__all__ = ["MEASURED", "LoadMeasures", "Probing"]

MIXED_BATCHES, MIXED_ROWS = 6, 128
MEASURED = ("loss", "train_accuracy", "test_loss", "test_accuracy", "trace", "trace_stderr",
            "pruned_accuracy", "transfer_gain")
COOKED = ("soup_members", "soup_gain", "soup_gain_stderr")
PAIRED = ("first", "second", "connectivity", "barrier", "similarity", "distance", "gain",
          "gain_aligned")


@dataclass(frozen=True)
class Probing:
    """How closely to look.

    Parameters
    ----------
    probes : int >= 2
        Random vectors of the trace.
    curvature_rows : int > 0
        Training rows of the trace, the first ones.
    curves : CurveTraining
        How curves between seeds are trained.
    sparsity : float in [0, 1]
        Share of entries that pruning sets to zero.
    transfer_size : int >= 0
        Training images, turned by a quarter, that networks are trained on afterwards with a new
        head; 0 for none.
    """

    probes: int = 50
    curvature_rows: int = 200
    curves: CurveTraining = field(default_factory=lambda: CurveTraining(learning_rate=0.05))
    sparsity: float = 0.8
    transfer_size: int = 0

    def __post_init__(self) -> None:
        check.positive(curvature_rows=self.curvature_rows)
        if not 0 <= self.sparsity <= 1:
            raise ValueError(f"sparsity must lie in [0, 1], got {self.sparsity!r}. Pass 0.8.")
        if not self.transfer_size >= 0:
            raise ValueError(f"transfer_size must be >= 0, got {self.transfer_size!r}. Pass 0 for "
                             "none.")


class LoadMeasures:
    """Tables of models, pairs and curves of one load.

    Parameters
    ----------
    found : TrainedGrid
    load : float
        One of the grid's loads.
    how : Probing
    seed : int >= 0
    """

    def __init__(self, found: TrainedGrid, load: float, how: Probing, seed: int):
        self.found, self.how = found, how
        self.own = found.table[found.table[found.grid.load] == load]
        self.rng = torch_generator(seed + list(found.grid.loads).index(load))
        self.x, self.y = found.rows(load)
        self.models = self.own.copy()
        key = [found.grid.load, found.grid.temperature]
        self.pairs = pd.DataFrame(columns=[*key, *PAIRED], dtype=float)
        self.soups = pd.DataFrame(columns=[*key, *COOKED], dtype=float)
        self.curves = pd.DataFrame(columns=["pair", "t", "train_error", "test_error"],
                                   dtype=float)
        healthy = self.own.index[self.own["status"] != "diverged"]
        if len(healthy):
            self.healthy = [int(at) for at in healthy]
            self.stack = stack([found.trained.model(at) for at in self.healthy])
            self.models = self.own.join(pd.DataFrame(self._models(), index=healthy))
            self._measure_pairs()

    def _models(self) -> dict[str, np.ndarray]:
        values = self._evaluate(self.stack)(self.stack.params)
        rows = slice(self.how.curvature_rows)
        trace = hessian_trace(stack_objective(self.stack, self.x[rows], self.y[rows]),
                              self.stack.params, rng=self.rng, probes=self.how.probes,
                              masks=self.stack.masks)
        pruned, _ = prune(self.stack.params, self.how.sparsity, masks=self.stack.masks)
        after = self._evaluate(self.stack)(pruned)["test_error"]
        return {"loss": _numbers(values["train_loss"]),
                "train_accuracy": 100 - _numbers(values["train_error"]),
                "test_loss": _numbers(values["test_loss"]),
                "test_accuracy": 100 - _numbers(values["test_error"]),
                "trace": trace.mean, "trace_stderr": trace.stderr,
                "pruned_accuracy": 100 - _numbers(after),
                "transfer_gain": self._transferred()}

    def _transferred(self) -> np.ndarray:
        """Accuracy on turned images after training there, above that of fresh networks."""
        if not self.how.transfer_size:
            return np.full(len(self.healthy), np.nan)
        return transfer_gains([self.found.trained.model(at) for at in self.healthy],
                              self.own.loc[self.healthy, "seed"].astype(int).tolist(),
                              self.found.images, self.how.transfer_size,
                              device=self.found.device.type)

    def _measure_pairs(self) -> None:
        groups = self.own.loc[self.healthy, self.found.grid.temperature].tolist()
        if len(set(groups)) == len(groups):
            return
        first, second = (side.tolist() for side in pairs_within(groups))
        ends = self.stack.take(first), self.stack.take(second)
        evaluate = self._evaluate(ends[0], settled=False)
        curve = curve_connectivity(self._losses(ends[0]), evaluate, ends[0].params,
                                   ends[1].params, len(self.x), self.how.curves, rng=self.rng)
        line = line_profile(evaluate, ends[0].params, ends[1].params, PLACES)
        aligned = line_profile(evaluate, ends[0].params, self._aligned(*ends), (0.0, 0.5, 1.0))
        square = sum((one - ends[1].params[name]).square().flatten(1).sum(1)
                     for name, one in ends[0].params.items())
        alike = self._similarity()
        self.curves = curve.table()[["pair", "t", "train_error", "test_error"]]
        self.pairs = pd.DataFrame({
            self.found.grid.load: self.own[self.found.grid.load].iloc[0],
            self.found.grid.temperature: [groups[at] for at in first],
            "first": [self.healthy[at] for at in first],
            "second": [self.healthy[at] for at in second],
            "connectivity": curve.mc("train_error"), "barrier": line.barrier("train_error"),
            "similarity": alike[first, second], "distance": np.sqrt(_numbers(square)),
            "gain": _gain(line), "gain_aligned": _gain(aligned)})
        self.soups = self._soups(groups)

    def _soups(self, groups: list[float]) -> pd.DataFrame:
        found = soup_gains(self.stack, groups, self.x, self.found.test_rows())
        grid = self.found.grid
        return found.rename(columns={"cell": grid.temperature}).assign(
            **{grid.load: self.own[grid.load].iloc[0]})

    def _losses(self, ends: Stack) -> Callable[[Any, Tensor], Tensor]:
        def losses(params: Any, rows: Tensor) -> Tensor:
            outputs, _ = ends.forward(params, ends.buffers, self.x[rows][None], training=True)
            return cross_entropy(outputs, self.y[rows])
        return losses

    def _evaluate(self, of: Stack, *, settled: bool = True) -> Callable[[Any], dict[str, Tensor]]:
        """Errors [%] and losses; moments of normalisation are estimated anew unless settled."""
        parts = {"train": Sample(self.x, self.y), "test": Sample(*self.found.test_rows())}

        def evaluate(params: Any) -> dict[str, Tensor]:
            moved = of.replace(params)
            if of.buffers and not settled:
                moved = normalise_again(moved, self.x[None])
            values = {name: score(moved, part) for name, part in parts.items()}
            return ({f"{name}_loss": loss for name, (loss, _) in values.items()}
                    | {f"{name}_error": 100 * error.double()
                       for name, (_, error) in values.items()})
        return evaluate

    def _aligned(self, first: Stack, second: Stack) -> dict[str, Tensor]:
        axes = symmetries(first.model(0))
        moved = []
        for pair in range(len(first)):
            a, b = taken(first.params, pair), taken(second.params, pair)
            moved.append(permute(b, axes, match(a, b, axes).permutations))
        return {name: torch.stack([one[name] for one in moved]) for name in moved[0]}

    def _similarity(self) -> np.ndarray:
        """CKA of softmax outputs on mixed training rows, all pairs of this load."""
        batches = []
        for batch in self.x[:MIXED_BATCHES * MIXED_ROWS].split(MIXED_ROWS):
            mixed = mixup(batch, rng=self.rng)[None]
            with torch.no_grad():
                outputs, _ = self.stack.forward(self.stack.params, self.stack.buffers, mixed)
            batches.append(outputs.softmax(-1))
        return cka(batches).cka


def _gain(line: Connectivity) -> np.ndarray:
    """Accuracy half way minus the mean accuracy of the ends."""
    error = line.values["test_error"]
    middle = error.shape[1] // 2
    return (error[:, 0] + error[:, -1]) / 2 - error[:, middle]


def _numbers(tensor: Any) -> np.ndarray:
    return tensor.double().cpu().numpy()
