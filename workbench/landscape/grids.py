"""Grids of networks over load and temperature, all seeds trained at once.

Load is data per parameter: the width of the network, the number of training rows, or the share of
wrong labels. Temperature is the noise of training: batch size, learning rate or weight decay.
Networks of one seed and width begin alike, and those of one seed see the same order of rows.
Source: Y. Yang et al., NeurIPS 2021, section 3.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from workbench.core import check, generator
from workbench.datasets import Images
from workbench.landscape.axes import LOADS, TEMPERATURES, axis_faults
from workbench.train.device import device_for, torch_generator
from workbench.train.models import MLP, ConvNet
from workbench.train.schedules import steps
from workbench.train.stacked import TrainedModels, train_stacked
from workbench.train.stacked_batches import Sample
from workbench.train.stacked_settings import StackedTraining

__all__ = ["FAMILIES", "Grid", "TrainedGrid", "empty_network", "noisy_labels", "train_grid"]

FAMILIES = ("mlp", "convnet")
STAGES = (0.5, 0.75)      # shares of training at which the rate falls tenfold


@dataclass(frozen=True)
class Grid:
    """Which networks to train.

    Parameters
    ----------
    load : {"width", "train_size", "label_noise"}
    loads : sequence of numbers
        Values of the load axis.
    temperature : {"batch_size", "learning_rate", "weight_decay"}
    temperatures : sequence of numbers
        Values of the temperature axis.
    seeds : int > 0
        Networks per cell; connectivity and similarity need two.
    family : {"mlp", "convnet"}
        Two hidden layers, or two stages with batch normalisation.
    epochs : int > 0
        The rate falls tenfold after a half and after three quarters of them.
    settings : mapping, optional
        What the axes leave fixed, of width (64), train_size (None: all), label_noise (0),
        batch_size (32), learning_rate (0.05), weight_decay (5e-4).

    Raises
    ------
    ValueError
        If an axis or a setting is unknown, or an axis has no value, one twice, or one that
        cannot be.
    """

    loads: tuple[float, ...] = (2, 4, 8, 16, 32, 64)
    temperatures: tuple[float, ...] = (8, 16, 32, 64, 128, 256)
    load: str = "width"
    temperature: str = "batch_size"
    seeds: int = 3
    family: str = "mlp"
    epochs: int = 100
    settings: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check.one_of(LOADS, load=self.load)
        check.one_of(TEMPERATURES, temperature=self.temperature)
        check.one_of(FAMILIES, family=self.family)
        check.positive(seeds=self.seeds, epochs=self.epochs)
        for name in self.settings:
            check.one_of(DEFAULTS, settings=name)
        faults = (axis_faults("loads", self.load, self.loads)
                  + axis_faults("temperatures", self.temperature, self.temperatures))
        if faults:
            raise ValueError(" ".join(faults))

    def table(self) -> pd.DataFrame:
        """One row per network: every setting, and its seed."""
        rows = [{**DEFAULTS, **self.settings, self.load: load, self.temperature: temperature,
                 "seed": seed}
                for load, temperature, seed in product(self.loads, self.temperatures,
                                                       range(self.seeds))]
        return pd.DataFrame(rows)


DEFAULTS: dict[str, Any] = {"width": 64, "train_size": None, "label_noise": 0.0, "batch_size": 32,
                            "learning_rate": 0.05, "weight_decay": 5e-4}


@dataclass(frozen=True, eq=False)
class TrainedGrid:
    """A grid that was trained.

    Parameters
    ----------
    grid : Grid
    table : DataFrame
        One row per network: settings, seed, status ("trained" or "diverged").
    trained : TrainedModels
    images : Images
    seed : int
        Of the labels that are wrong.
    device : torch.device
    """

    grid: Grid
    table: pd.DataFrame
    trained: TrainedModels
    images: Images
    seed: int
    device: torch.device

    def rows(self, load: float) -> tuple[Tensor, Tensor]:
        """Inputs and labels that networks of this load were trained on."""
        size, noise = (load if self.grid.load == name else self.table[name].iloc[0]
                       for name in ("train_size", "label_noise"))
        count = len(self.images.train_labels) if pd.isna(size) else int(size)
        labels = noisy_labels(self.images, float(noise), self.seed)
        return (torch.from_numpy(self.images.train_inputs[:count]).to(self.device),
                torch.from_numpy(labels[:count]).to(self.device))

    def test_rows(self) -> tuple[Tensor, Tensor]:
        """Inputs and labels of the test part."""
        return (torch.from_numpy(self.images.test_inputs).to(self.device),
                torch.from_numpy(self.images.test_labels).to(self.device))


def noisy_labels(images: Images, share: float, seed: int) -> np.ndarray:
    """Training labels of which a share is replaced by another class, the same for all seeds.

    Parameters
    ----------
    images : Images
    share : float in [0, 1]
    seed : int >= 0

    Returns
    -------
    labels : array, shape (n,)
        Exactly ``round(share * n)`` differ; a larger share changes those of a smaller one too.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"label_noise must lie in [0, 1], got {share!r}. Pass 0 for none.")
    rng, labels = generator(seed), images.train_labels.copy()
    wrong = rng.permutation(len(labels))[:round(share * len(labels))]
    shift = rng.integers(1, images.classes, size=len(labels))
    labels[wrong] = (labels[wrong] + shift[wrong]) % images.classes
    return labels


def train_grid(grid: Grid, images: Images, *, seed: int = 0, workers: int = 1,
               device: str = "auto", on_stack: Callable[[int, int], None] | None = None
               ) -> TrainedGrid:
    """Train every network of a grid.

    Parameters
    ----------
    grid : Grid
    images : Images
    seed : int >= 0
        Added to the seeds of the grid, and of the labels that are wrong.
    workers : int > 0
        Stacks trained at a time on the processor.
    device : {"auto", "cpu", "cuda"}
    on_stack : function of the numbers of trained and of all stacks, optional

    Returns
    -------
    found : TrainedGrid
        A network that diverged is told so and has no numbers; the others are not touched by it.
    """
    table, home = grid.table(), device_for(device)
    how = StackedTraining(
        learning_rate=table["learning_rate"].astype(float).tolist(),
        weight_decay=table["weight_decay"].astype(float).tolist(),
        batch_size=table["batch_size"].astype(int).tolist(),
        order_seed=[seed + int(own) for own in table["seed"]], epochs=grid.epochs,
        schedule=steps(STAGES), workers=workers, device=device)
    models = [empty_network(grid.family, images, int(row["width"]), seed + int(row["seed"]))
              for _, row in table.iterrows()]
    trained = train_stacked(models, _sample(table, images, seed), how, on_stack=on_stack)
    known = table.assign(status=trained.table["status"].to_numpy())
    return TrainedGrid(grid, known, trained, images, seed, home)


def empty_network(family: str, images: Images, width: int, seed: int) -> nn.Module:
    """A network as it begins."""
    draws = torch_generator(generator(1_000_003 * width + seed))
    if family == "mlp":
        return MLP(int(np.prod(images.shape)), width, images.classes, generator=draws)
    if len(images.shape) != 3:
        raise ValueError("family must be 'mlp' for inputs that are no images, got 'convnet' for "
                         f"inputs of shape {images.shape}. Pass family='mlp'.")
    return ConvNet(images.shape[0], width, images.classes, generator=draws)


def _sample(table: pd.DataFrame, images: Images, seed: int) -> Sample:
    """Rows and labels of each network."""
    n = len(images.train_labels)
    sizes = table["train_size"]
    if not sizes.dropna().between(1, n).all():
        raise ValueError(f"train_size must lie in [1, {n}], the training rows, got "
                         f"{sizes.dropna().tolist()}. Pass None for all of them.")
    rows = None if sizes.isna().all() else [
        torch.arange(n if pd.isna(size) else int(size)) for size in sizes]
    shares = [float(share) for share in table["label_noise"]]
    labels = {share: torch.from_numpy(noisy_labels(images, share, seed)) for share in set(shares)}
    x = torch.from_numpy(images.train_inputs)
    if len(labels) == 1:
        return Sample(x, labels[shares[0]], rows=rows)
    return Sample(x, torch.stack([labels[share] for share in shares]), is_own=True, rows=rows)
