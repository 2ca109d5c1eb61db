"""Several trainings on noisy labels, rescaled and plain, and what both detectors say of rows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from workbench.datasets.noisy_labels import NoisyLabels
from workbench.reweighting.by_meta.courses import Course, train_course
from workbench.reweighting.by_meta.second_opinion import label_quality
from workbench.reweighting.by_meta.worlds import World, encoded, folds, shipped_world
from workbench.reweighting.meta_rescaling import Storm

__all__ = ["Settings", "Trial", "mean_of", "train_own", "train_shipped"]


@dataclass(frozen=True)
class Settings:
    """How every network is trained, see :func:`train_course`."""

    weighter: Storm
    rate: float = 0.05
    epochs: int = 6
    batch_size: int = 32
    width: int = 0


@dataclass(frozen=True, eq=False)
class Trial:
    """One world with both trainings.

    Parameters
    ----------
    world : World
    ours, plain : Course
    quality : array, shape (train,), or None
        Cleanlab's, of the training rows; None where it is not installed.
    """

    world: World
    ours: Course
    plain: Course
    quality: np.ndarray | None

    @property
    def scale(self) -> np.ndarray:
        """Mean scale of each training row over the last three epochs, NaN where none saw it."""
        scales = self.ours.scales
        return np.full(len(self.world.train), np.nan) if scales is None else mean_of(scales[-3:])


def train_shipped(name: str, settings: Settings, *, seeds: Sequence[int], noise_rate: float,
                  noise: str, on_trained: Callable[[int], None] | None = None) -> list[Trial]:
    """Train on a shipped set, with flips, network and order of rows of each seed."""
    found = []
    for number, seed in enumerate(seeds):
        world = shipped_world(name, noise_rate=noise_rate, noise=noise, seed=seed)
        quality = _quality(world.x[world.train], world.given[world.train], seed)
        found.append(_trained(world, settings, quality, seed))
        if on_trained is not None:
            on_trained(number + 1)
    return found


def train_own(rows: NoisyLabels, settings: Settings, *, count: int, seed: int) -> list[Trial]:
    """Train on the user's rows, of which each training leaves out others to be tested on."""
    x = encoded(rows)
    quality = _quality(x, rows.y, seed)
    return [_trained(world, settings, None if quality is None else quality[world.train],
                     seed + number)
            for number, world in enumerate(folds(rows, x, count, seed))]


def mean_of(values: np.ndarray) -> np.ndarray:
    """Mean over the first axis of what is known; NaN where nothing is."""
    known = np.isfinite(values)
    total = np.where(known, values, 0.0).sum(0)
    found: np.ndarray = np.where(known.any(0), total / np.maximum(known.sum(0), 1), np.nan)
    return found


def _trained(world: World, settings: Settings, quality: np.ndarray | None, seed: int) -> Trial:
    options: dict[str, Any] = {"rate": settings.rate, "epochs": settings.epochs,
                               "batch_size": settings.batch_size, "width": settings.width,
                               "seed": seed}
    weighter = replace(settings.weighter, rows=len(world.train))
    return Trial(world, train_course(world, weighter, **options),
                 train_course(world, None, inner=weighter.inner, **options), quality)


def _quality(x: np.ndarray, y: np.ndarray, seed: int) -> np.ndarray | None:
    """Cleanlab's opinion, or none where it is not installed."""
    try:
        return label_quality(x, y, seed=seed)
    except ImportError:
        return None
