"""Calibration without rows set aside: CV+, and jackknife+ where each fold is one row.

Each row is predicted by the model that did not see its fold. For a new row every calibration row
proposes an end: what the model without its fold predicts there, moved outwards by that row's
nonconformity. The ends are the ``floor(alpha * (n + 1))``-th smallest proposal below and the
``ceil((1 - alpha) * (n + 1))``-th above. Coverage is at least ``1 - 2 * alpha``, for CV+ less
``sqrt(2 / n)``, whatever the model; in practice it is about ``1 - alpha``.

Source: R. F. Barber, E. J. Candes, A. Ramdas and R. J. Tibshirani, Annals of Statistics 49 (2021).
"""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from workbench.core import check
from workbench.core.weights import effective_size
from workbench.inference.quantiles.conformity import (
    METHODS,
    SLACK,
    TooFewRowsWarning,
    equal,
    infinite_levels,
    nested,
    nonconformity,
    rank_of,
    sides,
    told,
)
from workbench.inference.quantiles.levels import checked_intervals, pairs
from workbench.inference.quantiles.rows import (
    checked_amounts,
    checked_new_amounts,
    checked_rows,
)

__all__ = ["CrossCalibration", "cross_calibrate"]


@dataclass(frozen=True, eq=False)
class CrossCalibration:
    """Nonconformity of rows predicted out of fold; made by `cross_calibrate`.

    Parameters
    ----------
    levels : array, shape (q,)
    method : {"symmetric", "asymmetric"}
    nonconformity : array, shape (s, m)
        Of each side; fold after fold, increasing within each.
    starts : array of int, shape (k + 1,)
        Where each fold starts, and the end of the last.
    reached : array, shape (s, m + 1)
        Amount of all rows before each position.
    equal : bool
        Whether all rows count the same.
    size : float
        Effective number of rows.
    """

    levels: np.ndarray
    method: str
    nonconformity: np.ndarray
    starts: np.ndarray
    reached: np.ndarray
    equal: bool
    size: float

    def apply(self, quantiles: Any, *, weights: Any = None, nest: str = "sort") -> np.ndarray:
        """Calibrated quantiles of new rows, in increasing order, shape (n, q).

        Parameters
        ----------
        quantiles : array, shape (n, k, q)
            What the model without each fold predicts; finite.
        weights : array, shape (n,), optional
            What each new row counts, on the scale of the `sample_weight` of the calibration.
        nest : {"sort", "widen"}
            How ends that cross are ordered; see `workbench.inference.conformal.Calibration`.

        Notes
        -----
        A level of 0.5 belongs to no interval: it is the mean over the models. No list of n
        proposals is built for a row, so that memory is that of `quantiles`.
        """
        from workbench.inference.quantiles.fold_ends import smallest_reaching

        Z = np.asarray(quantiles, dtype=float)
        folds, q = len(self.starts) - 1, len(self.levels)
        if Z.ndim != 3 or Z.shape[1:] != (folds, q):
            raise ValueError(f"quantiles must have shape (n, {folds}, {q}), one prediction for "
                             f"each fold and level, got {Z.shape}. Stack the models on axis 1.")
        check.finite(quantiles=Z)
        wanted = self._wanted(weights, len(Z))
        made = Z.mean(axis=1)
        for side, (low, high, _) in enumerate(pairs(self.levels)):
            above = side if self.method == "symmetric" else side + q // 2
            made[:, low] = -smallest_reaching(-Z[:, :, low], self.nonconformity[side],
                                              self.starts, self.reached[side], wanted[side])
            made[:, high] = smallest_reaching(Z[:, :, high], self.nonconformity[above],
                                              self.starts, self.reached[above], wanted[above])
        return nested(made, nest)

    @property
    def infinite_levels(self) -> np.ndarray:
        """Levels whose quantiles are infinite."""
        return infinite_levels(self.levels, self._lost)

    @property
    def notes(self) -> tuple[str, ...]:
        """A sentence about infinite ends, if there are any."""
        lost = self._lost
        return (told(self.levels, lost, self.size),) if lost.any() else ()

    @property
    def _lost(self) -> np.ndarray:
        return self._wanted(None, 1)[:, 0] > self.reached[:, -1]

    def _wanted(self, weights: Any, n: int) -> np.ndarray:
        """Amount that must lie at or below an end, for each side and new row, shape (s, n)."""
        outside, total = sides(self.levels, self.method), self.reached[0, -1]
        if weights is None and self.equal:
            one = total / self.size
            ranks = [rank_of(alpha, round(self.size)) for alpha in outside]
            amounts = np.tile(np.array(ranks)[:, None] * one, (1, n))
        else:
            own = checked_new_amounts(total / self.size if weights is None else weights, n)
            amounts = (1 - outside)[:, None] * (total + own)
        return amounts * (1 - SLACK)


def cross_calibrate(y: Any, quantiles: Any, quantile_levels: Any, fold: Any, *,
                    method: str = "symmetric", sample_weight: Any = None) -> CrossCalibration:
    """Learn from out-of-fold predictions how far intervals must move.

    Parameters
    ----------
    y : array, shape (n,)
    quantiles : array, shape (n, q)
        Of each row, predicted by the model that did not see its fold; finite.
    quantile_levels : array, shape (q,)
        Symmetric about 0.5, with one interval at least.
    fold : array of int, shape (n,)
        Which model that was, from 0; n different ones for jackknife+.
    method : {"symmetric", "asymmetric"}
        One nonconformity for both ends, or one for each, at half of alpha.
    sample_weight : array, shape (n,), optional
        Amounts >= 0 that each row's proposals count; only their ratios matter. The proof of the
        guarantee is for equal ones.

    Raises
    ------
    ValueError
        If the levels are not symmetric or hold no interval, or the rows do not fit together.

    Warns
    -----
    TooFewRowsWarning
        If some ends are infinite.
    """
    check.one_of(METHODS, method=method)
    outcomes, rows, levels = checked_rows(y, quantiles, checked_intervals(quantile_levels),
                                          finite=True)
    amounts = checked_amounts(sample_weight, len(outcomes))
    folds = np.atleast_1d(fold)
    check.same_length(y=outcomes, fold=folds)
    if not (folds.ndim == 1 and np.issubdtype(folds.dtype, np.integer) and folds.min() >= 0):
        raise ValueError(f"fold must hold whole numbers from 0, one per row, got {folds.dtype} "
                         f"entries down to {folds.min()}, shape {folds.shape}. Number the models.")
    used = amounts > 0
    scores = nonconformity(outcomes[used], rows[used], method)
    starts = np.append(0, np.cumsum(np.bincount(folds[used], minlength=int(folds.max()) + 1)))
    orders = [np.lexsort((side, folds[used])) for side in scores]
    counts = amounts[used]
    ordered = np.stack([side[order] for side, order in zip(scores, orders, strict=True)])
    alike, numbers = equal(counts), np.arange(len(counts) + 1)
    reached = np.stack([counts[0] * numbers if alike else
                        np.append(0.0, np.cumsum(counts[order])) for order in orders])
    made = CrossCalibration(levels, method, ordered, starts, reached,
                            equal=alike, size=effective_size(counts))
    if made.notes:
        warnings.warn(made.notes[0], TooFewRowsWarning, stacklevel=2)
    return made
