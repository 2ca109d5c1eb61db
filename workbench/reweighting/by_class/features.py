"""What the last layer is given under attack: how far classes are apart, and two axes of it."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from workbench.reweighting.by_class.arms import Plan
from workbench.reweighting.by_class.worlds import Split

__all__ = ["Seen", "attacked_features", "most_confused", "principal_axes", "separability"]


@dataclass(frozen=True, eq=False)
class Seen:
    """Test rows under attack, as a network sees them.

    Parameters
    ----------
    features : array, shape (n, d)
        Each of length one.
    y, found : array of int, shape (n,)
        The class, and the class that the network takes the attacked row for.
    """

    features: np.ndarray
    y: np.ndarray
    found: np.ndarray


def attacked_features(model: Any, split: Split, plan: Plan, *, seed: int = 0) -> Seen:
    """Features of test rows under attack."""
    import torch

    from workbench.train.attack import attacking, pgd
    from workbench.train.moments import Tap

    x, y = torch.as_tensor(split.test_x), torch.as_tensor(split.test_y)
    moved = pgd(model, x, y, eps=plan.eps, generator=torch.Generator().manual_seed(seed))
    tap = Tap(model)
    try:
        with attacking(model), torch.no_grad():
            logits = model(moved)
        features = torch.nn.functional.normalize(tap.take().detach(), dim=1)
    finally:
        tap.close()
    return Seen(features.numpy(force=True), split.test_y, logits.argmax(1).numpy(force=True))


def separability(features: np.ndarray, y: np.ndarray) -> float:
    """Scatter between classes over the scatter within, each the trace of a covariance.

    Classes count the same, however many rows they have.

    Parameters
    ----------
    features : array, shape (n, d)
    y : array of int, shape (n,)

    Examples
    --------
    >>> separability(np.array([[0.0], [2.0], [4.0], [6.0]]), np.array([0, 0, 1, 1]))
    4.0
    """
    classes = np.unique(y)
    means = np.stack([features[y == each].mean(0) for each in classes])
    within = np.mean([features[y == each].var(0).sum() for each in classes])
    between = means.var(0).sum()
    return float(between / within) if within > 0 else float("inf")


def principal_axes(features: np.ndarray) -> np.ndarray:
    """Coordinates along the two directions of largest variance, shape (n, 2).

    Signs are such that the largest entry of each direction is positive.
    """
    centred = features - features.mean(0)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    axes = np.vstack([axes, np.zeros((2, features.shape[1]))])[:2]
    signs = np.sign(axes[np.arange(2), np.abs(axes).argmax(1)])
    placed: np.ndarray = centred @ (axes * np.where(signs == 0, 1, signs)[:, None]).T
    return placed


def most_confused(seen: Seen, rare: np.ndarray) -> tuple[int, int]:
    """The rare class that is missed most under attack, and the class it is taken for most."""
    missed = {int(each): float((seen.found[seen.y == each] != each).mean())
              for each in np.flatnonzero(rare) if (seen.y == each).any()}
    first = max(missed, key=lambda each: missed[each])
    taken = seen.found[(seen.y == first) & (seen.found != first)]
    if not len(taken):
        return first, int(np.flatnonzero(np.arange(len(rare)) != first)[0])
    return first, int(np.bincount(taken).argmax())
