"""A regression with redundant rows: where weights by loss help, and where outliers turn them.

Nine rows of ten speak of the first quarter of the features, the tenth of the others: the common
rows are learnt soon, and uniform weights go on averaging them. Without noise one vector fits all
rows (interpolation); with noise and shifted targets none does.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from workbench.core import check, generator
from workbench.reweighting.by_loss.arms import Arm, arms_of

__all__ = ["Course", "Rows", "redundant_rows", "train_regression"]

NOISE, SHIFT = 0.1, 10.0       # of targets, where there are outliers
KEPT = 10                      # moments whose losses and weights are kept, of the first seed


@dataclass(frozen=True, eq=False)
class Rows:
    """A world: rows to train on and to test on, and the vector that made them.

    Parameters
    ----------
    x, test_x : array, shape (n, d)
    y, test_y : array, shape (n,)
        Test targets are without noise.
    truth : array, shape (d,)
    is_rare, is_outlier : array of bool, shape (n,)
        Rows of the other features; rows whose target was shifted.
    """

    x: np.ndarray
    y: np.ndarray
    test_x: np.ndarray
    test_y: np.ndarray
    truth: np.ndarray
    is_rare: np.ndarray
    is_outlier: np.ndarray


@dataclass(frozen=True, eq=False)
class Course:
    """How the trainings went.

    Parameters
    ----------
    losses : DataFrame
        Columns weighter, seed, step, loss: mean of ``(x @ w - y)^2 / 2`` over the test rows.
    sizes : DataFrame
        Columns weighter, seed, step, effective (share of the batch), heaviest (times uniform),
        rare and outlier (share of the weight).
    moments : DataFrame
        Columns weighter, step, loss, weight (times uniform), kind: the batch of the first seed.
    """

    losses: pd.DataFrame
    sizes: pd.DataFrame
    moments: pd.DataFrame


def redundant_rows(*, n: int = 2000, d: int = 20, common: float = 0.9, outliers: float = 0.0,
                   rng: np.random.Generator) -> Rows:
    """Draw a world.

    Parameters
    ----------
    n, d : int
        Rows to train on and as many to test on; features.
    common : float in [0, 1]
        Share of rows that use the first quarter of the features only.
    outliers : float in [0, 1)
        Share of training targets shifted by N(0, 10^2); all get N(0, 0.1^2) where it is not zero.
    """
    check.positive(n=n, d=d)
    if not 0 <= outliers < 1:
        raise ValueError(f"outliers must lie in [0, 1), got {outliers!r}. Pass 0.01.")
    truth = rng.normal(size=d)
    parts = [_inputs(n, d, common, rng) for _ in range(2)]
    (x, is_rare), (test_x, _) = parts
    y, is_outlier = x @ truth, np.zeros(n, bool)
    if outliers:
        is_outlier = rng.random(n) < outliers
        y = y + NOISE * rng.normal(size=n) + SHIFT * rng.normal(size=n) * is_outlier
    return Rows(x, y, test_x, test_x @ truth, truth, is_rare, is_outlier)


def _inputs(n: int, d: int, common: float, rng: np.random.Generator
            ) -> tuple[np.ndarray, np.ndarray]:
    x, is_rare = rng.normal(size=(n, d)), rng.random(n) >= common
    is_first = np.arange(d) < d // 4
    return x * np.where(is_rare[:, None], ~is_first, is_first), is_rare


def train_regression(weighters: Mapping[str, Any], *, seeds: int = 5,  # noqa: PLR0913
                     steps: int = 400,
                     batch_size: int = 64, rate: float = 0.05, outliers: float = 0.0,
                     seed: int = 0) -> Course:
    """Descend with every weighter, in several worlds at once, all on the same batches.

    Parameters
    ----------
    weighters : mapping of name to weighter
    seeds : int > 0
        Worlds, each with its own rows, truth and batches.
    steps, batch_size : int > 0
        Batches are drawn with replacement.
    rate : float > 0
    outliers : float in [0, 1)
        See :func:`redundant_rows`.
    seed : int >= 0
        World k has the seed ``seed + k``.

    Raises
    ------
    ValueError
        For a weighter that needs more than losses, step and index, or gives bad weights.

    Notes
    -----
    A step is ``w - rate * x^T (weights * residuals)``, the gradient of ``weights @ losses``: the
    training loop on one layer without a bias gives the same numbers, which a test holds.
    """
    check.positive(seeds=seeds, steps=steps, batch_size=batch_size, rate=rate)
    draws = [generator(seed + k) for k in range(seeds)]
    worlds = [redundant_rows(outliers=outliers, rng=rng) for rng in draws]
    batches = np.stack([rng.integers(len(worlds[0].y), size=(steps, batch_size))
                        for rng in draws])
    arms = arms_of(weighters, total=steps, rows=len(worlds[0].y))
    found = [_descend(arm, worlds, batches, rate, seed) for arm in arms]
    return Course(*(pd.concat([one[part] for one in found], ignore_index=True)
                    for part in range(3)))


def _descend(arm: Arm, worlds: list[Rows], batches: np.ndarray, rate: float,
             seed: int) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    import torch

    x, y, rare, wrong = (torch.as_tensor(np.stack([getattr(world, name) for world in worlds]))
                         for name in ("x", "y", "is_rare", "is_outlier"))
    index = torch.as_tensor(batches)
    k, steps, _ = batches.shape
    place = torch.arange(k)[:, None]
    at, path, told, moments = torch.zeros(k, x.shape[2], dtype=x.dtype), [], [], []
    every = _every(steps)
    for step in range(steps):
        rows = index[:, step]
        xs = x[place, rows]
        residuals = torch.einsum("knd,kd->kn", xs, at) - y[place, rows]
        losses = residuals.square() / 2
        weights = arm(losses, rows, step)
        if step % every == 0:
            path.append(at.clone())
            told.append(_shares(weights, rare[place, rows], wrong[place, rows]))
        if step % max(1, steps // KEPT) == 0:
            kind = np.where(wrong[0, rows[0]], "outlier", np.where(rare[0, rows[0]], "rare",
                                                                   "common"))
            moments.append(pd.DataFrame({
                "weighter": arm.name, "step": step, "loss": losses[0].numpy(),
                "weight": weights[0].numpy() * len(rows[0]), "kind": kind}))
        at = at - rate * torch.einsum("knd,kn->kd", xs, weights * residuals)
    path.append(at)
    return (_scored(arm.name, worlds, path, steps, seed), _sizes(arm.name, told, steps, seed),
            pd.concat(moments, ignore_index=True))


def _every(steps: int) -> int:
    return max(1, steps // 80)


def _shares(weights: Any, rare: Any, wrong: Any) -> np.ndarray:
    """Effective share, heaviest, and the weight of rare rows and outliers, shape (k, 4)."""
    n = weights.shape[1]
    return np.stack([(1 / weights.square().sum(1) / n).numpy(), (weights.amax(1) * n).numpy(),
                     (weights * rare).sum(1).numpy(), (weights * wrong).sum(1).numpy()], axis=1)


def _scored(name: str, worlds: list[Rows], path: list[Any], steps: int, seed: int) -> pd.DataFrame:
    taken = [min(number * _every(steps), steps) for number in range(len(path))]
    held = np.stack([one.numpy() for one in path], axis=1)
    rows = []
    for k, world in enumerate(worlds):
        gaps = held[k] @ world.test_x.T - world.test_y
        rows.append(pd.DataFrame({"weighter": name, "seed": seed + k, "step": taken,
                                  "loss": (gaps ** 2).mean(1) / 2}))
    return pd.concat(rows, ignore_index=True)


def _sizes(name: str, told: list[np.ndarray], steps: int, seed: int) -> pd.DataFrame:
    stacked = np.stack(told)                       # moments, worlds, numbers
    moments, k, _ = stacked.shape
    table = pd.DataFrame(stacked.reshape(moments * k, 4),
                         columns=["effective", "heaviest", "rare", "outlier"])
    table.insert(0, "weighter", name)
    table.insert(1, "seed", np.tile(seed + np.arange(k), moments))
    table.insert(2, "step", np.repeat(np.arange(moments) * _every(steps), k))
    return table
