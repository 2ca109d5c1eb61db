"""How alike networks represent inputs: linear CKA of their features, all pairs at once.

With columns centred, ``CKA = |X'Y|^2 / (|X'X| |Y'Y|)`` in Frobenius norms: 1 for features that
differ by rotation, shift and scale only. Of independent features the plain form is far from 0
where features are as many as rows; the debiased form, a ratio of unbiased estimates, is near 0 on
average there. Batches are averaged, or counted as one large batch.

Source: S. Kornblith, M. Norouzi, H. Lee, G. Hinton, ICML 2019; the unbiased estimate is that of
L. Song et al., JMLR 13 (2012), over batches as in T. Nguyen, M. Raghu, S. Kornblith, ICLR 2021.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from workbench.core import Measure, check

__all__ = ["Similarity", "cka", "linear_cka"]

POOLS = ("concatenated", "averaged")
LEAST = {"plain": 2, "debiased": 4}      # rows below which the estimate is not defined
FLAT = 1e-10         # of the features' mean square: centred features below are constant


@dataclass(frozen=True)
class Similarity:
    """CKA of all pairs of K networks.

    Parameters
    ----------
    cka, stderr : array, shape (K, K)
        NaN where a network's features are constant, or are not finite; the standard error, over
        batches, is NaN for a single batch.
    batches : int
    rows : int
        In all batches together.
    """

    cka: np.ndarray
    stderr: np.ndarray
    batches: int
    rows: int

    def measure(self, first: int = 0, second: int = 1) -> Measure:
        """CKA of one pair."""
        return Measure(float(self.cka[first, second]), float(self.stderr[first, second]), "1")

    def mean(self, models: Iterable[int] | None = None) -> Measure:
        """Mean over all pairs of distinct models; its error is the spread over pairs."""
        chosen = np.arange(len(self.cka)) if models is None else np.asarray(list(models))
        if len(chosen) < 2:
            raise ValueError(f"models must name two networks at least, got {len(chosen)}. Train "
                             "two seeds per cell.")
        each = self.cka[np.ix_(chosen, chosen)][np.triu_indices(len(chosen), 1)]
        spread = float(each.std(ddof=1)) / len(each) ** 0.5 if len(each) > 1 else float(
            self.stderr[chosen[0], chosen[1]])
        return Measure(float(each.mean()), spread, "1")

    def table(self) -> pd.DataFrame:
        """One row per pair of distinct networks."""
        first, second = np.triu_indices(len(self.cka), 1)
        return pd.DataFrame({"first": first, "second": second, "cka": self.cka[first, second],
                             "stderr": self.stderr[first, second]})


def linear_cka(X: Tensor, Y: Tensor, *, debiased: bool = False) -> float:
    """Linear CKA of two sets of features of the same rows.

    Parameters
    ----------
    X, Y : tensor, shape (n, ...)
    debiased : bool

    Returns
    -------
    cka : float
        In [0, 1], or around 0 and below 1 if debiased; NaN where features are constant.

    Examples
    --------
    >>> X = torch.tensor([[0.0, 1.0], [1.0, 0.0], [2.0, 2.0]])
    >>> round(linear_cka(X, 3 * X.flip(1) + 1), 6)
    1.0
    """
    check.same_length(X=X, Y=Y)
    _refuse_few(len(X), debiased=debiased)
    parts = [_centred(one.flatten(1)[None].double()) for one in (X, Y)]
    values = [[float(_alignment(a, b, debiased=debiased)) for b in parts] for a in parts]
    return float(_ratio(torch.tensor(values, dtype=torch.float64))[0, 1])


def cka(features: Iterable[Tensor], *, debiased: bool = False,
        pool: str = "concatenated") -> Similarity:
    """Linear CKA of all pairs of K networks.

    Parameters
    ----------
    features : iterable of tensors, shape (K, n, ...)
        Features of all networks on the rows of each batch. Only sums over pairs stay in memory if
        they are averaged.
    debiased : bool
        Ratio of unbiased estimates; with several batches these are averaged before the ratio.
    pool : {"concatenated", "averaged"}
        Whether batches count as one large batch, or their values are averaged. Debiased values
        are always averaged so.

    Returns
    -------
    similarity : Similarity
        The standard error is that of the mean over batches, or the jackknife's if they are
        concatenated or debiased.

    Raises
    ------
    ValueError
        If there is no batch, if a batch has too few rows, or if batches differ in K.

    Examples
    --------
    >>> X = torch.arange(12.0).view(1, 6, 2) ** 2
    >>> cka([torch.cat([X, 5 - X])]).cka.round(6)
    array([[1., 1.],
           [1., 1.]])
    """
    check.one_of(POOLS, pool=pool)
    batches = list(features) if pool == "concatenated" and not debiased else features
    sums, rows, models = [], 0, set[int]()
    for batch in batches:
        _refuse_few(batch.shape[1], debiased=debiased)
        rows, models = rows + batch.shape[1], models | {len(batch)}
        sums.append(_alignments(batch, debiased=debiased))
    if len(models) != 1:
        raise ValueError("features must hold one batch at least, each with the same networks, got "
                         f"numbers of networks {sorted(models)}. Check the data.")
    if debiased:
        found = _jackknifed(torch.stack(sums))
    elif pool == "averaged":
        each = _ratio(torch.stack(sums))
        found = each.mean(0), _spread(each)
    else:
        found = _concatenated(list(batches))
    return Similarity(found[0].cpu().numpy(), found[1].cpu().numpy(), len(sums), rows)


def _concatenated(batches: list[Tensor]) -> tuple[Tensor, Tensor]:
    """CKA of all rows, and its jackknife over batches."""
    whole = _ratio(_alignments(torch.cat(batches, 1), debiased=False))
    if len(batches) == 1:
        return whole, torch.full_like(whole, torch.nan)
    without = torch.stack([_ratio(_alignments(torch.cat(batches[:out] + batches[out + 1:], 1),
                                              debiased=False)) for out in range(len(batches))])
    return whole, _jackknife_error(without)


def _jackknifed(sums: Tensor) -> tuple[Tensor, Tensor]:
    """Ratio of mean unbiased estimates, and its jackknife over batches."""
    whole, number = _ratio(sums.mean(0)), len(sums)
    if number == 1:
        return whole, torch.full_like(whole, torch.nan)
    return whole, _jackknife_error(_ratio((sums.sum(0) - sums) / (number - 1)))


def _jackknife_error(without: Tensor) -> Tensor:
    number = len(without)
    return (without.var(0, correction=0) * (number - 1)).sqrt()


def _spread(each: Tensor) -> Tensor:
    if len(each) == 1:
        return torch.full_like(each[0], torch.nan)
    return each.std(0, correction=1) / len(each) ** 0.5


def _ratio(sums: Tensor) -> Tensor:
    """Alignments, shape (..., K, K), divided by the roots of their diagonals."""
    own = sums.diagonal(dim1=-2, dim2=-1)
    size = torch.where(own > 0, own, torch.nan).sqrt()
    return sums / size[..., :, None] / size[..., None, :]


def _alignments(batch: Tensor, *, debiased: bool) -> Tensor:
    """``|X_k' X_l|^2`` of all pairs, or its unbiased form, shape (K, K)."""
    centred = _centred(batch.flatten(2).double())
    return _alignment(centred, centred, debiased=debiased)


def _centred(features: Tensor) -> Tensor:
    """Features with centred columns; constant ones become NaN."""
    centred = features - features.mean(1, keepdim=True)
    flat = (centred ** 2).mean((1, 2)) <= FLAT * (features ** 2).mean((1, 2))
    return torch.where(flat[:, None, None], torch.nan, centred)


def _alignment(X: Tensor, Y: Tensor, *, debiased: bool) -> Tensor:
    """Pairs of centred features (K, n, p) and (L, n, q), shape (K, L)."""
    n = X.shape[1]
    if X.shape[2] * Y.shape[2] <= n * n:
        cross = torch.einsum("knp,lnq->klpq", X, Y)
        square = (cross ** 2).sum((2, 3))
    else:
        square = (X @ X.mT).flatten(1) @ (Y @ Y.mT).flatten(1).T
    if not debiased:
        return square
    own_x, own_y = ((one ** 2).sum(2) for one in (X, Y))       # diagonals of the Gram matrices
    square = square - own_x @ own_y.T
    # centred rows of a Gram matrix sum to zero: without the diagonal to minus the diagonal
    both = own_x.sum(1)[:, None] * own_y.sum(1) / ((n - 1) * (n - 2))
    return (square + both - 2 / (n - 2) * own_x @ own_y.T) / (n * (n - 3))


def _refuse_few(rows: int, *, debiased: bool) -> None:
    least = LEAST["debiased" if debiased else "plain"]
    if rows < least:
        raise ValueError(f"features must have {least} rows at least in each batch, got {rows}. "
                         "Pass larger batches.")
