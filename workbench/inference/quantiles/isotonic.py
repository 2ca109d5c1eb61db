"""Quantiles in order: by sorting, by pooling adjacent violators, or by a sweep from the middle.

Sorting and pooling never raise the pinball loss of a row, summed over its levels; the sweep can.
Each works along the last axis of NumPy arrays and torch tensors alike and returns the library it
was given. The torch forms can be differentiated; the pattern of pooling counts as constant.

Source: R. Fakoor et al., JMLR 24 (2023), section 4, with the hard sort in place of a soft one.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from workbench.core import check

__all__ = ["METHODS", "isotonise", "minmax_sweep", "pava", "sort_quantiles"]


def sort_quantiles(quantiles: Any) -> Any:
    """Quantiles in increasing order along the last axis.

    Parameters
    ----------
    quantiles : array or tensor, shape (..., q)

    Returns
    -------
    ordered : array or tensor, shape (..., q)

    Examples
    --------
    >>> sort_quantiles(np.array([2.0, 1.0, 3.0]))
    array([1., 2., 3.])
    """
    if _is_tensor(quantiles):
        return quantiles.sort(dim=-1).values
    return np.sort(np.asarray(quantiles), axis=-1)


def pava(quantiles: Any) -> Any:
    """The nearest increasing rows in least squares: pool adjacent violators, equal weights.

    Parameters
    ----------
    quantiles : array or tensor, shape (..., q)
        Finite. Means are taken in double precision.

    Returns
    -------
    pooled : array or tensor, shape (..., q)
        Same library and dtype, double precision for whole numbers; its gradient is the average
        over each pooled block.

    Examples
    --------
    >>> pava(np.array([2.0, 1.0, 3.0]))
    array([1.5, 1.5, 3. ])
    """
    if _is_tensor(quantiles):
        from workbench.inference.quantiles import pooling_tensors

        return pooling_tensors.pooled(quantiles)
    from workbench.inference.quantiles import pooling

    values = np.asarray(quantiles)
    exact = values if values.dtype in (np.float32, np.float64) else values.astype(float)
    pooled = pooling.block_means(exact, pooling.starts(exact), ordered=True)
    return pooled.astype(values.dtype) if np.issubdtype(values.dtype, np.floating) else pooled


def minmax_sweep(quantiles: Any) -> Any:
    """Running maximum to the right of the middle level and running minimum to its left.

    Parameters
    ----------
    quantiles : array or tensor, shape (..., q)
        The middle one, at position ``q // 2``, stays as it is.

    Returns
    -------
    swept : array or tensor, shape (..., q)
        No central interval is narrower than before.

    Examples
    --------
    >>> minmax_sweep(np.array([2.0, 1.0, 0.5]))
    array([1., 1., 1.])
    """
    if _is_tensor(quantiles):
        import torch

        mid = quantiles.shape[-1] // 2
        right = quantiles[..., mid:].cummax(dim=-1).values
        left = quantiles[..., :mid + 1].flip(-1).cummin(dim=-1).values.flip(-1)
        return torch.cat([left[..., :-1], right], dim=-1)
    values = np.asarray(quantiles)
    mid = values.shape[-1] // 2
    right = np.maximum.accumulate(values[..., mid:], axis=-1)
    left = np.minimum.accumulate(values[..., mid::-1], axis=-1)[..., ::-1]
    return np.concatenate([left[..., :-1], right], axis=-1)


def isotonise(quantiles: Any, method: str) -> Any:
    """Order quantiles by a named method.

    Parameters
    ----------
    quantiles : array or tensor, shape (..., q)
    method : {"none", "sort", "pava", "minmax"}
        ``none`` returns them as they are.

    Raises
    ------
    ValueError
        If the method is unknown.
    """
    check.one_of(METHODS, method=method)
    return METHODS[method](quantiles)


def _as_they_are(quantiles: Any) -> Any:
    return quantiles


METHODS: dict[str, Callable[[Any], Any]] = {
    "none": _as_they_are, "sort": sort_quantiles, "pava": pava, "minmax": minmax_sweep}


def _is_tensor(quantiles: Any) -> bool:
    """Whether it is a torch tensor, asked without importing torch."""
    return type(quantiles).__module__.partition(".")[0] == "torch"
