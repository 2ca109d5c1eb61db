"""Widen predicted intervals until they cover a new outcome as often as they say.

Conformalised quantile regression: the nonconformity of a calibration row is how far its outcome
lies outside the predicted interval, and the interval of a new row is moved outwards by the
``ceil((1 - alpha) * (n + 1))``-th smallest. With weights ``w``, as for new rows drawn from another
distribution of features, ``share = weights @ (nonconformity <= shift)`` must reach ``1 - alpha``,
where the new row holds a weight of its own. Equal weights give the textbook method. Coverage is at
least ``1 - alpha`` if calibration and new rows are exchangeable, within each group if groups are
given, whatever the model.

Source: Y. Romano, E. Patterson and E. Candes, NeurIPS (2019); R. J. Tibshirani, R. F. Barber,
E. Candes and A. Ramdas, NeurIPS (2019), for weights; V. Vovk, ACML (2012), for groups.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from workbench.core import check
from workbench.core.card import Card
from workbench.core.weights import effective_size
from workbench.inference.quantiles.conformity import (
    METHODS,
    TooFewRowsWarning,
    equal,
    infinite_levels,
    least_shifts,
    nonconformity,
    shifted,
    sides,
    told,
)
from workbench.inference.quantiles.levels import checked_intervals
from workbench.inference.quantiles.rows import (
    checked_amounts,
    checked_groups,
    checked_new_amounts,
    checked_quantiles,
    checked_rows,
)

__all__ = ["CARD", "Calibration", "TooFewRowsWarning", "calibrate"]

CARD = Card(
    source="tibshirani2019conformal",
    weighs="calibration rows, by how likely each is among the new rows",
    range="simplex",
    neutral={"sample_weight": None}, baseline="conformalised quantile regression",
)

NAMED = 3      # groups named in a sentence


@dataclass(frozen=True, eq=False)
class Calibration:
    """Shifts that calibrate the intervals of new rows; made by `calibrate`.

    Parameters
    ----------
    levels : array, shape (q,)
    method : {"symmetric", "asymmetric"}
    labels : tuple or None
        Groups, in the order of the arrays below; None if there is one for all rows.
    nonconformity : tuple of array, shape (s, n_g) each
        One row per side, see `workbench.inference.quantiles.conformity.sides`.
    amounts : tuple of array, shape (n_g,) each
        What each calibration row counts.
    shifts : array, shape (g, s)
        Outward shift of each side, in the unit of y.
    """

    levels: np.ndarray
    method: str
    labels: tuple[Any, ...] | None
    nonconformity: tuple[np.ndarray, ...]
    amounts: tuple[np.ndarray, ...]
    shifts: np.ndarray

    def apply(self, quantiles: Any, *, groups: Any = None, weights: Any = None,
              nest: str = "sort") -> np.ndarray:
        """Calibrated quantiles of new rows, in increasing order, shape (n, q).

        Parameters
        ----------
        quantiles : array, shape (n, q)
            Predicted by the model that was calibrated; finite.
        groups : array, shape (n,), optional
            Label of each row; required if groups were calibrated. A label never seen has infinite
            ends.
        weights : array, shape (n,), optional
            What each new row counts, on the scale of the `sample_weight` of the calibration: the
            likelihood ratio of its features. None gives each the same, ``total / effective size``.
        nest : {"sort", "widen"}
            How quantiles that cross after the shift are ordered.

        Notes
        -----
        A level of 0.5 belongs to no interval: it stays as predicted, unless an end has crossed it.
        ``sort`` is the rule of the source and never raises the pinball loss. Where it reorders a
        row, a narrow interval may give an end to a wider one; ``widen`` lets intervals grow only,
        so that the promise holds for each.
        """
        rows, _ = checked_quantiles(quantiles, self.levels, finite=True)
        codes = self._codes(groups, len(rows))
        found = np.append(self.shifts, np.full((1, self.shifts.shape[1]), np.inf), axis=0)
        plain = found[:1] if codes is None else found[codes]
        own = plain if weights is None else self._weighted(codes, weights, len(rows))
        known = np.isinf(plain) if codes is None else np.isinf(plain) & (codes >= 0)[:, None]
        _warn_of_rows(np.isinf(own) & ~known)
        return shifted(rows, own, nest)

    @property
    def infinite_levels(self) -> np.ndarray:
        """Levels whose quantiles are infinite, in one group at least."""
        return infinite_levels(self.levels, np.isinf(self.shifts).any(axis=0))

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences about infinite ends, one for all rows or for each group that has them."""
        found = []
        for position, shift in enumerate(self.shifts):
            if (lost := np.isinf(shift)).any():
                where = "" if self.labels is None else f" of group {self.labels[position]!r}"
                found.append(told(self.levels, lost, effective_size(self.amounts[position]),
                                  where))
        return tuple(found)

    def _codes(self, groups: Any, n: int) -> np.ndarray | None:
        """Position of each row's group; -1 for one never seen, None without groups."""
        if (groups is None) != (self.labels is None):
            raise ValueError(f"groups must be given for new rows if and only if they were for the "
                             f"calibration, got {'none' if groups is None else 'some'}. Pass them "
                             "to both, or to neither.")
        if self.labels is None:
            return None
        codes, labels = _factorised(checked_groups(groups, n))
        return np.asarray(pd.Index(self.labels, dtype=object).get_indexer(labels)[codes])

    def _weighted(self, codes: np.ndarray | None, amounts: Any, n: int) -> np.ndarray:
        """Shift of each side for each new row, shape (n, s)."""
        weights = checked_new_amounts(amounts, n)
        own = np.full((n, self.shifts.shape[1]), np.inf)
        outside = sides(self.levels, self.method)
        for code, (scores, held) in enumerate(zip(self.nonconformity, self.amounts, strict=True)):
            chosen = slice(None) if codes is None else codes == code
            own[chosen] = least_shifts(scores, held, outside, weights[chosen])
        return own


def calibrate(y: Any, quantiles: Any, quantile_levels: Any, *, method: str = "symmetric",
              sample_weight: Any = None, groups: Any = None) -> Calibration:
    """Learn how far the intervals of a model must move, from rows it was not fitted on.

    Parameters
    ----------
    y : array, shape (n,)
    quantiles : array, shape (n, q)
        Predicted for these rows; finite.
    quantile_levels : array, shape (q,)
        Symmetric about 0.5, with one interval at least.
    method : {"symmetric", "asymmetric"}
        Both ends of an interval move by the same amount, or each by its own, at half of alpha.
    sample_weight : array, shape (n,), optional
        Amounts >= 0: likelihood ratios of the features if new rows come from elsewhere. Only their
        ratios count. A row of weight zero is as good as left out; one of weight two is no second
        witness, so that copying a row promises more than weighing it.
    groups : array, shape (n,), optional
        Label of each row; each group is calibrated by itself.

    Returns
    -------
    calibration : Calibration

    Raises
    ------
    ValueError
        If the levels are not symmetric or hold no interval, or the rows do not fit together.

    Warns
    -----
    TooFewRowsWarning
        If some ends are infinite: a symmetric interval at ``1 - alpha`` takes ``1 / alpha - 1``
        rows, an asymmetric one ``2 / alpha - 1``.

    Examples
    --------
    >>> y = np.arange(1.0, 10.0)
    >>> quantiles = np.tile([-1.0, 1.0], (9, 1))
    >>> calibrate(y, quantiles, [0.1, 0.9]).apply([[0.0, 5.0]])
    array([[-7., 12.]])
    """
    check.one_of(METHODS, method=method)
    outcomes, rows, levels = checked_rows(y, quantiles, checked_intervals(quantile_levels),
                                          finite=True)
    amounts = (np.broadcast_to(1.0, outcomes.shape) if sample_weight is None
               else checked_amounts(sample_weight, len(outcomes)))
    if equal(amounts):
        amounts = np.broadcast_to(amounts[0], amounts.shape)
    labels, members = _members(groups, amounts)
    outside = sides(levels, method)
    scores = nonconformity(outcomes, rows, method)
    parts = tuple(scores if chosen is None else scores[:, chosen] for chosen in members)
    counts = tuple(amounts if chosen is None else amounts[chosen] for chosen in members)
    shifts = np.stack([least_shifts(part, count, outside)
                       for part, count in zip(parts, counts, strict=True)])
    made = Calibration(levels, method, labels, parts, counts, shifts)
    if notes := made.notes:
        more = f" So have {len(notes) - NAMED} more groups." if len(notes) > NAMED else ""
        warnings.warn(" ".join(notes[:NAMED]) + more, TooFewRowsWarning, stacklevel=2)
    return made


def _members(groups: Any, amounts: np.ndarray) -> tuple[
        tuple[Any, ...] | None, Sequence[np.ndarray | None]]:
    """Labels and the rows of each group that count; None for all rows."""
    if groups is None and equal(amounts):
        return None, [None]
    counting = np.flatnonzero(amounts)
    if groups is None:
        return None, [counting]
    codes, labels = _factorised(checked_groups(groups, len(amounts))[counting])
    order = np.argsort(codes, kind="stable")
    return tuple(labels), np.split(counting[order], np.cumsum(np.bincount(codes))[:-1])


def _factorised(groups: pd.Index) -> tuple[np.ndarray, pd.Index]:
    """Code of each row, and the labels as objects: NaN for a missing one, whatever the type."""
    codes, labels = pd.factorize(groups, use_na_sentinel=False)
    return codes, labels.astype(object).where(labels.notna(), np.nan)


def _warn_of_rows(lost: np.ndarray) -> None:
    """Tell what `calibrate` could not: new rows too heavy, or of a group never seen."""
    if lost.any():
        warnings.warn(f"{int(lost.any(axis=1).sum())} of {len(lost)} new rows have infinite ends: "
                      "they weigh too much against the calibration rows, or their group was not "
                      "among them. Calibrate on rows like them.", TooFewRowsWarning, stacklevel=3)
