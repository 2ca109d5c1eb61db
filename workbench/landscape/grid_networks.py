"""The networks of a grid as a run keeps them, and a closer look at some of them.

Networks of one load have one shape, so that a run keeps one stack of tensors per load.
"""

import io
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from workbench.core import Result, check
from workbench.datasets import Images
from workbench.landscape import zoo
from workbench.landscape.columns import stack_objective
from workbench.landscape.curves import CurveTraining
from workbench.landscape.grid_measures import GridMeasures
from workbench.landscape.grids import TrainedGrid, empty_network, noisy_labels
from workbench.landscape.pair import Comparison, compare
from workbench.landscape.similarity import cka
from workbench.landscape.spectrum import Spectrum, spectral_density
from workbench.train.device import torch_generator
from workbench.train.stack import stack

__all__ = ["LARGEST", "GridNetworks", "KeptGrid", "kept_networks"]

LARGEST = 64 * 2**20     # bytes of networks that a run keeps
CURVATURE_ROWS = 200     # as those of the trace


def kept_networks(found: TrainedGrid, largest: int = LARGEST) -> dict[str, dict[str, Tensor]]:
    """Tensors of all networks, one stack per load; none if they are more than `largest` bytes.

    Parameters
    ----------
    found : TrainedGrid
    largest : int
        Bytes.

    Returns
    -------
    networks : dict of "load-0", "load-1", ... to tensors, first axis the networks of that load
    """
    kept, size = {}, 0
    for place, load in enumerate(found.grid.loads):
        own = found.table.index[found.table[found.grid.load] == load]
        states = [found.trained.model(int(k)).state_dict() for k in own]
        stacked = {name: torch.stack([state[name].cpu() for state in states])
                   for name in states[0]}
        size += sum(tensor.nbytes for tensor in stacked.values())
        if size > largest:
            return {}
        kept[f"load-{place}"] = stacked
    return kept


@dataclass(frozen=True, eq=False)
class KeptGrid:
    """What a run keeps of a grid.

    Parameters
    ----------
    tables : mapping of "models", "pairs", "curves", "history" to DataFrame
        Those of the measures, and the mean loss of each network (row of `models`) in each epoch.
    cells : DataFrame
        From :class:`~workbench.landscape.grid_measures.GridMeasures`.
    networks : mapping
        From :func:`kept_networks`.
    """

    tables: Mapping[str, pd.DataFrame]
    cells: pd.DataFrame
    networks: Mapping[str, Mapping[str, Any]]

    @classmethod
    def from_training(cls, found: TrainedGrid, measures: GridMeasures) -> "KeptGrid":
        """Keep what was trained and measured."""
        history = found.trained.history[["model", "epoch", "loss"]]
        return cls({"models": measures.models, "pairs": measures.pairs,
                    "curves": measures.curves, "history": history.astype({"loss": "float32"})},
                   measures.cells, kept_networks(found))

    @classmethod
    def of(cls, result: Result) -> "KeptGrid":
        """What a run has kept, without the borders of its phases."""
        told = [name for name in map(str, result.tables["cells"])
                if name in ("phase", "why") or name.startswith("threshold_")]
        tables = {name: result.tables[name] for name in ("models", "pairs", "curves", "history")}
        return cls(tables, result.tables["cells"].drop(columns=told), result.networks)


@dataclass(frozen=True, eq=False)
class GridNetworks:
    """Networks that a run has kept.

    Parameters
    ----------
    networks : mapping
        From :func:`kept_networks`, as tensors or arrays.
    models : DataFrame
        From :class:`~workbench.landscape.grid_measures.GridMeasures`.
    load : str
        Column of the load.
    family : {"mlp", "convnet"}
    images : Images
    seed : int >= 0
        Of the labels that are wrong.
    """

    networks: Mapping[str, Mapping[str, Any]]
    models: pd.DataFrame
    load: str
    family: str
    images: Images
    seed: int

    def model(self, k: int) -> nn.Module:
        """Network `k`, the row of `models`, in evaluation mode."""
        if k not in self.models.index:
            raise ValueError(f"k must be one of the {len(self.models)} networks, got {k!r}. See "
                             "models.")
        load = self._of(k, self.load)
        own = list(self.models.index[self.models[self.load] == load])
        place = list(dict.fromkeys(self.models[self.load])).index(load)
        state = self.networks[f"load-{place}"]
        found = empty_network(self.family, self.images, int(self._of(k, "width")), 0)
        found.load_state_dict({name: torch.as_tensor(np.asarray(tensor)[own.index(k)])
                               for name, tensor in state.items()})
        return found.eval()

    def rows(self, k: int) -> tuple[Tensor, Tensor]:
        """Inputs and labels that network `k` was trained on."""
        size, noise = self._of(k, "train_size"), float(self._of(k, "label_noise"))
        count = len(self.images.train_labels) if pd.isna(size) else int(size)
        labels = noisy_labels(self.images, noise, self.seed)
        return (torch.from_numpy(self.images.train_inputs[:count]),
                torch.from_numpy(labels[:count]))

    def same_shape(self, k: int) -> list[int]:
        """The other networks that did not diverge and have the shape of network `k`."""
        own = self.models[(self.models["width"] == self._of(k, "width"))
                          & (self.models["status"] != "diverged")]
        return [int(one) for one in own.index if one != k]

    def _of(self, k: int, name: str) -> Any:
        return self.models.at[k, name]

    def spectrum(self, k: int, *, probes: int = 4, steps: int = 30) -> Spectrum:
        """Spectral density of the Hessian of network `k`, on the rows of the trace.

        Parameters
        ----------
        k : int
        probes, steps : int
            As in :func:`~workbench.landscape.spectrum.spectral_density`.
        """
        x, y = (part[:CURVATURE_ROWS] for part in self.rows(k))
        alone = stack([self.model(k)])
        return spectral_density(stack_objective(alone, x, y), alone.params, probes=probes,
                                steps=steps, rng=torch_generator(self.seed), masks=alone.masks)

    def similarity(self, models: Sequence[int]) -> np.ndarray:
        """CKA of the softmax outputs of networks on the test part, shape (K, K)."""
        x = torch.from_numpy(self.images.test_inputs)
        with torch.no_grad():
            outputs = torch.stack([self.model(k)(x).softmax(-1) for k in models])
        return cka([outputs]).cka

    def between(self, first: int, second: int, *, curve_epochs: int = 0) -> Comparison:
        """Two networks of one shape, on the rows that the first was trained on.

        Parameters
        ----------
        first, second : int
        curve_epochs : int >= 0
            Passes that train a curve between them; 0 for the straight line alone.
        """
        curve = CurveTraining(epochs=curve_epochs, learning_rate=0.05) if curve_epochs else None
        return compare(self.model(first), self.model(second), nn.CrossEntropyLoss(),
                       self.rows(first), rng=torch_generator(self.seed), curve=curve)

    def archive(self, *, title: str, about: str) -> bytes:
        """All networks as a zoo: shards, index and card in one zip."""
        check.positive(models=len(self.models))
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder) / "zoo"
            zoo.save(place, [self.model(int(k)) for k in self.models.index], self.models,
                     title=title, about=about)
            packed = io.BytesIO()
            with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
                for path in sorted(one for one in place.rglob("*") if one.is_file()):
                    archive.write(path, path.relative_to(folder))
        return packed.getvalue()
