"""Calibrate the aggregate's intervals on rows that nothing else has seen, one way or another."""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import clone

from workbench.inference.conformal import Calibration, TooFewRowsWarning, calibrate
from workbench.inference.conformal_online import AdaptiveConformal
from workbench.inference.quantiles.assessment import with_levels
from workbench.inference.quantiles.experiment import Aggregated, Base
from workbench.inference.quantiles.nested import FEWEST, NestedConformalStack
from workbench.train.threads import one_thread

__all__ = ["Calibrated", "calibrated"]


@dataclass(frozen=True, eq=False)
class Calibrated:
    """Quantiles of the test part before and after calibration.

    Parameters
    ----------
    levels : array, shape (q,)
        The base levels with both ends of the promised interval among them.
    before, after : array, shape (n, q)
        Infinite ends may occur after.
    notes : tuple of str
    """

    levels: np.ndarray
    before: np.ndarray
    after: np.ndarray
    notes: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether there was a calibration."""
        return self.after is not self.before

    def ends(self, alpha: float) -> tuple[int, int]:
        """Positions of the promised interval's ends."""
        low, high = (int(np.argmin(np.abs(self.levels - level)))
                     for level in (alpha / 2, 1 - alpha / 2))
        return low, high


def calibrated(conformal: str, base: Base, made: Aggregated, alpha: float, *,
               groups: tuple[Any, Any] | None = None, folds: int = 5) -> Calibrated:
    """Calibrate every central interval, and the one that leaves out `alpha`.

    Parameters
    ----------
    conformal : {"none", "symmetric", "asymmetric", "mondrian", "cv+", "adaptive"}
        See `workbench.inference.conformal`, `quantiles.nested` and `conformal_online`.
    base : Base
    made : Aggregated
    alpha : float
        Its ends need not be base levels: they are interpolated between them, which calibration
        makes good.
    groups : (array, array), optional
        Labels of the calibration and of the test rows, for mondrian.
    folds : int
        For cv+, three at least.
    """
    ends = (alpha / 2, 1 - alpha / 2)
    before, levels = with_levels(made.quantiles["test"], base.levels, ends)
    if conformal == "none":
        return Calibrated(levels, before, before)
    known, _ = with_levels(made.quantiles["calibration"], base.levels, ends)
    with warnings.catch_warnings():
        # Infinite ends are told in the notes.
        warnings.simplefilter("ignore", TooFewRowsWarning)
        if conformal == "cv+":
            after, notes = _nested(base, made, levels, max(folds, FEWEST))
        elif conformal == "adaptive":
            after, notes = _followed(base, known, before, levels)
        else:
            own, new = groups if conformal == "mondrian" and groups else (None, None)
            method = "asymmetric" if conformal == "asymmetric" else "symmetric"
            found = calibrate(base.y["calibration"], known, levels, groups=own, method=method,
                              sample_weight=base.amounts["calibration"])
            after, notes = found.apply(before, groups=new), _few(found)
    labels = groups[1] if conformal == "mondrian" and groups else None
    why = ("earlier rows were missed so often that no remembered error is large enough"
           if conformal == "adaptive" else "too few calibration rows are like them")
    return Calibrated(levels, before, after, notes + _lost(after, labels, why))


def _nested(base: Base, made: Aggregated, levels: np.ndarray, folds: int
            ) -> tuple[np.ndarray, tuple[str, ...]]:
    """The whole stack again by folds of all rows outside the test part."""
    parts = [part for part in base.X if part != "test"]
    X, y = (np.concatenate([held[part] for part in parts]) for held in (base.X, base.y))
    models = [(name, clone(model).set_params(quantile_levels=levels))
              for name, model in base.models.items()]
    stack = NestedConformalStack(models, clone(made.model).set_params(quantile_levels=levels),
                                 quantile_levels=levels, cv=folds,
                                 random_state=made.model.random_state)
    with one_thread():
        stack.fit(X, y, None if base.amounts["train"] is None else
                  np.concatenate([base.amounts[part] for part in parts]))
    return stack.predict_quantiles(base.X["test"]), (
        f"CV+ needs no rows set aside: it fitted the aggregator {folds} times and each base model "
        f"{stack.fits_} times on the {len(y)} rows outside the test part; the weights and scores "
        "shown are those of the aggregate without it.",)


def _followed(base: Base, known: np.ndarray, before: np.ndarray, levels: np.ndarray
              ) -> tuple[np.ndarray, tuple[str, ...]]:
    """Test rows one after another, each calibrated on those before it."""
    adaptive = AdaptiveConformal()
    state = adaptive.init(levels, base.y["calibration"], known)
    return adaptive.follow(state, base.y["test"], before).quantiles, (
        f"Each test interval was calibrated on at most {adaptive.window} rows before it, "
        "outcomes of earlier test rows included.",)


def _few(found: Calibration) -> tuple[str, ...]:
    """What keeps intervals from having ends: in one sentence, however many groups there are."""
    if found.labels is None or len(found.notes) < 2:
        return found.notes
    listed = ", ".join(f"{label!r} ({len(amounts)})" for label, amounts, shift in
                       zip(found.labels, found.amounts, found.shifts, strict=True)
                       if np.isinf(shift).any())
    return ("Groups with too few calibration rows for some of their intervals to have ends: "
            f"{listed}. Form fewer groups, or add rows.",)


def _lost(after: np.ndarray, labels: Any, why: str) -> tuple[str, ...]:
    lost = np.isinf(after).any(axis=1)
    if not lost.any():
        return ()
    where = "" if labels is None else " in " + ", ".join(
        f"group {label!r}" for label in dict.fromkeys(labels[lost]))
    return (f"{int(lost.sum())} of {len(after)} test rows{where} have an infinite quantile: "
            f"{why}.",)
