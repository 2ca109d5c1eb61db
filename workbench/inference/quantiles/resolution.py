"""Resolution of weights on base quantiles: per model, per model and level, or from level to level.

Base quantiles ``Z`` have shape (n, k, q). Weights have shape (n, k) when coarse, (n, k, q) when
medium and (n, k, q, q) when fine, where the third axis is the level that is weighed and the fourth
the level that comes out; n is 1 when all rows share them. Over models (and levels weighed) they
sum to one.

Source: aggregators (1)-(3) of R. Fakoor et al., JMLR 24 (2023).
"""

from dataclasses import dataclass

import numpy as np

from workbench.core import check

__all__ = ["MARGINS", "RESOLUTIONS", "Form", "by_model", "combine"]

MARGINS = ("single", "vec", "adaptive", "none")     # of the crossing penalty, known without torch
RESOLUTIONS = ("coarse", "medium", "fine")
PATHS = {"coarse": "nk,nkq->nq", "medium": "nkq,nkq->nq", "fine": "nklq,nkl->nq"}


@dataclass(frozen=True)
class Form:
    """What weights there are.

    Parameters
    ----------
    resolution : {"coarse", "medium", "fine"}
    models : int > 0
    levels : int > 0
    normalise : bool
        Weights on the simplex; otherwise any numbers.
    average_share : float in [0, 1]
        Share of the weight that stays with the equal average of each level.
    """

    resolution: str
    models: int
    levels: int
    normalise: bool = True
    average_share: float = 0.0

    def __post_init__(self) -> None:
        check.one_of(RESOLUTIONS, resolution=self.resolution)
        check.positive(models=self.models, levels=self.levels)
        if not 0 <= self.average_share <= 1:
            raise ValueError(f"average_share must lie in [0, 1], got {self.average_share!r}. "
                             "Pass 0 to learn all of the weights.")

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the weights of one row."""
        k, q = self.models, self.levels
        return {"coarse": (k,), "medium": (k, q), "fine": (k, q, q)}[self.resolution]

    @property
    def inputs(self) -> int:
        """How many numbers each output level weighs."""
        return self.models * (self.levels if self.resolution == "fine" else 1)

    def average(self) -> np.ndarray:
        """Weights of the equal average, shape (1, *shape)."""
        if self.resolution == "fine":
            own = np.eye(self.levels) / self.models
            return np.broadcast_to(own, (1, *self.shape)).copy()
        return np.full((1, *self.shape), 1 / self.models)

    def tempered(self, weights: np.ndarray) -> np.ndarray:
        """Mix with the equal average: ``(1 - share) * weights + share * average``."""
        if not self.average_share:
            return weights
        return (1 - self.average_share) * weights + self.average_share * self.average()

    def simplex(self, weights: np.ndarray) -> np.ndarray:
        """The same weights in double precision, summing to one as exactly as that allows."""
        exact = np.asarray(weights, dtype=float)
        if not self.normalise:
            return exact
        axes = (1, 2) if self.resolution == "fine" else (1,)
        return exact / exact.sum(axis=axes, keepdims=True)


def combine(weights: np.ndarray, Z: np.ndarray) -> np.ndarray:
    """Weighted sum of base quantiles.

    Parameters
    ----------
    weights : array, shape (n, k), (n, k, q) or (n, k, q, q)
        n may be 1.
    Z : array, shape (n, k, q)

    Returns
    -------
    quantiles : array, shape (n, q)

    Examples
    --------
    >>> combine(np.array([[0.25, 0.75]]), np.array([[[0.0, 4.0], [4.0, 8.0]]]))
    array([[3., 7.]])
    """
    resolution = RESOLUTIONS[weights.ndim - 2]
    if len(weights) == 1 and resolution == "fine":
        return Z.reshape(len(Z), -1) @ weights[0].reshape(-1, weights.shape[-1])
    if len(weights) == 1:
        return np.einsum(PATHS[resolution].replace("n", "", 1), weights[0], Z)
    return np.einsum(PATHS[resolution], weights, Z)


def by_model(weights: np.ndarray, levels: int) -> np.ndarray:
    """How much each model counts for each output level, shape (n, k, q), from any resolution."""
    if weights.ndim == 4:
        return weights.sum(axis=2)
    if weights.ndim == 2:
        return np.repeat(weights[:, :, None], levels, axis=2)
    return weights
