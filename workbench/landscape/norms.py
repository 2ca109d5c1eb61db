"""Sizes of weights, distances between networks, and how often their predictions agree."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from workbench.core import Measure
from workbench.landscape.objective import Tensors, count_models

__all__ = ["Agreement", "agreement", "distances", "weight_norms"]


@dataclass(frozen=True)
class Agreement:
    """Shares of rows to which pairs of K networks give the same class.

    Parameters
    ----------
    share, stderr : array, shape (K, K)
        Mean over rows and its standard error; NaN where outputs are not finite.
    rows : int
    """

    share: np.ndarray
    stderr: np.ndarray
    rows: int

    def measure(self, first: int = 0, second: int = 1) -> Measure:
        """The share of one pair."""
        return Measure(float(self.share[first, second]), float(self.stderr[first, second]), "1")


def weight_norms(params: Tensors) -> pd.DataFrame:
    """Euclidean norms of each model's tensors and, under the name ``all``, of the whole.

    Padding, which is zero, adds nothing.

    Examples
    --------
    >>> weight_norms({"w": torch.tensor([[3.0, 4.0]]), "b": torch.zeros(1, 2)})
       model tensor  norm
    0      0    all   5.0
    1      0      w   5.0
    2      0      b   0.0
    """
    models = count_models(params)
    squares = {name: (tensor.double() ** 2).flatten(1).sum(1) for name, tensor in params.items()}
    norms = {"all": torch.stack(list(squares.values())).sum(0), **squares}
    return pd.DataFrame([{"model": model, "tensor": name, "norm": float(square[model]) ** 0.5}
                         for model in range(models) for name, square in norms.items()])


def distances(params: Tensors) -> np.ndarray:
    """Euclidean distances between K networks of one shape, shape (K, K).

    Units of a network can be permuted without changing it, so even equal functions can lie far
    apart; :func:`~workbench.landscape.matching.align` first.

    Examples
    --------
    >>> distances({"w": torch.tensor([[0.0, 0.0], [3.0, 4.0]])})
    array([[0., 5.],
           [5., 0.]])
    """
    count_models(params)
    flat = torch.cat([tensor.double().flatten(1) for tensor in params.values()], 1)
    return torch.cdist(flat, flat, compute_mode="donot_use_mm_for_euclid_dist").cpu().numpy()


def agreement(outputs: Tensor) -> Agreement:
    """How often K networks predict the same class.

    Parameters
    ----------
    outputs : tensor, shape (K, n, c)
        Logits or shares of classes on the same rows.

    Examples
    --------
    >>> outputs = torch.tensor([[[1.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [1.0, 0.0]]])
    >>> agreement(outputs).measure(0, 1).value
    0.5
    """
    if outputs.ndim != 3 or not outputs.shape[1]:
        raise ValueError("outputs must have shape (K, n, c) with n above zero, got "
                         f"{tuple(outputs.shape)}. Stack the networks' outputs on the same rows.")
    classes = outputs.argmax(-1)
    share = (classes[:, None] == classes[None]).double().mean(2)
    broken = ~outputs.isfinite().flatten(1).all(1)
    share[broken] = torch.nan
    share[:, broken] = torch.nan
    rows = outputs.shape[1]
    stderr = (share * (1 - share) / max(rows - 1, 1)).sqrt()
    return Agreement(share.cpu().numpy(), stderr.cpu().numpy(), rows)
