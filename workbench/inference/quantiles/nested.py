"""Nested CV+: calibrated intervals for an aggregator, no row set aside.

The aggregator without fold k learns from rows of fold l only what base models without folds k
and l say of them, so that nothing of it has seen fold k. The model without k and l is the model
without l and k: ``K (K - 1) / 2`` pairs and K singles are fitted per base model, not K squared.
CV+ then takes over: coverage is at least ``1 - 2 * alpha - sqrt(2 / n)``, in practice about
``1 - alpha``.

Source: R. Fakoor et al., JMLR 24 (2023), section 4 (the bookkeeping is reconstructed); R. F.
Barber, E. J. Candes, A. Ramdas and R. J. Tibshirani, Annals of Statistics 49 (2021).
"""

from itertools import combinations
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from sklearn.utils.validation import check_is_fitted, validate_data

from workbench.core import check
from workbench.inference.conformal_cross import cross_calibrate
from workbench.inference.quantiles.base_models import median_of, quantiles_of
from workbench.inference.quantiles.calibrated import CalibratedQuantiles
from workbench.inference.quantiles.conformity import METHODS, NESTS
from workbench.inference.quantiles.levels import checked_levels
from workbench.inference.quantiles.out_of_fold import (
    checked_folds,
    fitted_copy,
    fitted_quantiles,
    fold_of_each_row,
    named_models,
    prepared,
)
from workbench.inference.quantiles.rows import checked_amounts
from workbench.inference.quantiles.stack_parts import (
    Part,
    aggregator_for,
    fit_aggregator,
    held_out_rows,
    stack_levels,
)
from workbench.inference.quantiles.stacking import DEFAULT_MODELS
from workbench.inference.quantiles.training_rows import checked_numbers, seeded, written_out

__all__ = ["NestedConformalStack"]

CHUNK = 16_384      # rows whose base quantiles are held at once, for one fold
FEWEST = 3          # folds; of two, a pair would leave no rows to fit on


class NestedConformalStack(CalibratedQuantiles):
    """Stacked quantiles whose intervals cover, by CV+ around the whole stack.

    Parameters
    ----------
    estimators, aggregator
        As in `StackedQuantileRegressor`.
    quantile_levels : array, shape (q,), optional
        Symmetric about 0.5. None takes the aggregator's, or else ``even_levels(19)``.
    cv : int, splitter or list of (train, test)
        At least three folds that hold each row out once; a number does not shuffle.
    method : {"symmetric", "asymmetric"}
        One nonconformity for both ends, or one for each.
    nest : {"sort", "widen"}
        How quantiles that cross are ordered; ``widen`` keeps the promise of each interval.
    validation_share : float in [0, 1)
        Of the rows without fold k, held out to stop its aggregator.
    n_jobs : int, optional
        Fits of base models side by side.
    random_state : int, optional

    Attributes
    ----------
    levels_ : array, shape (q,)
    names_ : list of str
    models_ : list of lists of (name, model)
        Fitted without each fold.
    aggregators_ : list of aggregators
    calibration_ : workbench.inference.conformal_cross.CrossCalibration
    fits_ : int
        Fits of each base model, ``K (K - 1) / 2 + K``.

    Examples
    --------
    >>> from workbench.inference.quantile_aggregation import QuantileAggregator
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(150, 1))
    >>> stack = NestedConformalStack(
    ...     ["linear", "qrf"], QuantileAggregator(local=False, solver="lp", penalty=0),
    ...     quantile_levels=[0.1, 0.5, 0.9], cv=3, random_state=0)
    >>> stack.fit(X, X[:, 0] + rng.normal(size=150)).predict_interval(X, 0.8).shape
    (150, 2)
    >>> stack.fits_
    6
    """

    def __init__(self, estimators: Any = None,  # noqa: PLR0913 - each option is a parameter
                 aggregator: Any = None, *, quantile_levels: Any = None, cv: Any = 5,
                 method: str = "symmetric", nest: str = "sort", validation_share: float = 0.2,
                 n_jobs: int | None = None, random_state: Any = None):
        self.estimators = estimators
        self.aggregator = aggregator
        self.quantile_levels = quantile_levels
        self.cv = cv
        self.method = method
        self.nest = nest
        self.validation_share = validation_share
        self.n_jobs = n_jobs
        self.random_state = random_state

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> "NestedConformalStack":
        """Fit base models without each fold and each pair, one aggregator per fold, calibrate.

        Parameters
        ----------
        X : array, shape (n, p)
        y : array, shape (n,)
        sample_weight : array, shape (n,), optional
            Amounts >= 0, for base models, aggregators and calibration.

        Raises
        ------
        ValueError
            If folds do not hold each row out once, or a base model cannot be fitted.

        Warns
        -----
        TooFewRowsWarning
            If some ends are infinite.
        """
        check.one_of(METHODS, method=self.method)
        check.one_of(NESTS, nest=self.nest)
        X, y = checked_numbers(self, X, y)
        given = checked_amounts(sample_weight, len(y))
        rows, amounts = written_out(given)
        self.levels_ = checked_levels(stack_levels(self.quantile_levels, self.aggregator),
                                      symmetric=True)
        rng = seeded(self.random_state)
        named = prepared(named_models(DEFAULT_MODELS if self.estimators is None
                                      else self.estimators), self.levels_, rng)
        self.names_ = [name for name, _ in named]
        fold = _fold_of_each_row(self.cv, X, y, rows)
        X, y = X[rows], y[rows]
        count = int(fold.max()) + 1
        weight = None if np.ptp(amounts) == 0 else amounts
        self.models_ = self._fit_without(named, (X, y, weight), fold,
                                         [(one,) for one in range(count)])
        Z = self._nested_quantiles(named, (X, y, weight), fold)
        self.aggregators_ = []
        quantiles = np.empty((len(y), len(self.levels_)))
        for one in range(count):
            own = fold == one
            fitted = self._aggregator(Part(X, Z[one], y, amounts, rows), fold, one, rng)
            quantiles[own] = fitted.predict(
                X[own], fitted_quantiles(self.models_[one], X[own], self.levels_))
            self.aggregators_.append(fitted)
        self.fits_ = count * (count + 1) // 2
        witnesses, once = np.unique(rows, return_index=True)   # a row of weight 2 is one witness
        self.calibration_ = cross_calibrate(
            y[once], quantiles[once], self.levels_, fold[once], method=self.method,
            sample_weight=given[witnesses] if np.ptp(given[witnesses]) > 0 else None)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Median, the mean over the stacks without each fold, shape (n,)."""
        X = self._checked(X)
        return np.concatenate([median_of(self._by_fold(rows).mean(axis=1), self.levels_)
                               for rows in np.array_split(X, range(CHUNK, len(X), CHUNK))])

    def predict_quantiles(self, X: Any) -> np.ndarray:
        """Calibrated quantiles in increasing order, shape (n, q); ends may be infinite."""
        X = self._checked(X)
        return np.concatenate([
            self.calibration_.apply(self._by_fold(rows), nest=self.nest)
            for rows in np.array_split(X, range(CHUNK, len(X), CHUNK))])

    def model(self) -> Any:
        """Nothing to take tags from: X must be numbers without gaps, whatever the base models."""
        return None

    def _checked(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        return validate_data(self, X, reset=False, dtype=np.float64)

    def _by_fold(self, X: np.ndarray) -> np.ndarray:
        """What the stack without each fold predicts, shape (n, K, q)."""
        return np.stack([
            np.asarray(aggregator.predict(X, fitted_quantiles(models, X, self.levels_)))
            for models, aggregator in zip(self.models_, self.aggregators_, strict=True)], axis=1)

    def _fit_without(self, named: list[tuple[str, Any]], data: tuple[Any, ...], fold: np.ndarray,
                     lefts: list[tuple[int, ...]]) -> list[list[tuple[str, Any]]]:
        """Base models fitted without some folds, for each entry of `lefts`."""
        fitted = Parallel(n_jobs=self.n_jobs)(
            delayed(_fitted_without)(name, model, data, fold, left)
            for left in lefts for name, model in named)
        k = len(named)
        return [list(zip(self.names_, fitted[start:start + k], strict=True))
                for start in range(0, len(fitted), k)]

    def _nested_quantiles(self, named: list[tuple[str, Any]], data: tuple[Any, ...],
                          fold: np.ndarray) -> np.ndarray:
        """``Z[k, i]``: row i by base models without fold k and its own, shape (K, n, k, q)."""
        lefts = list(combinations(range(int(fold.max()) + 1), 2))
        found = Parallel(n_jobs=self.n_jobs)(
            delayed(_quantiles_without)(name, model, data, fold, left, self.levels_)
            for left in lefts for name, model in named)
        Z = np.full((int(fold.max()) + 1, len(fold), len(named), len(self.levels_)), np.nan)
        for place, quantiles in enumerate(found):
            one, other = lefts[place // len(named)]
            model = place % len(named)
            Z[one, fold == other, model] = quantiles[fold[np.isin(fold, (one, other))] == other]
            Z[other, fold == one, model] = quantiles[fold[np.isin(fold, (one, other))] == one]
        return Z

    def _aggregator(self, rows: Part, fold: np.ndarray, left: int, rng: Any) -> Any:
        """Aggregator of the rows without one fold, stopped by some of them."""
        used = fold != left
        rest, folds = rows.take(used), fold[used]
        held = held_out_rows(rest.X, rest.y, self.validation_share, in_order=False, rng=rng)
        return fit_aggregator(
            aggregator_for(self.aggregator, self.levels_, rng),
            rest.take(~held).ordered(folds[~held]),
            rest.take(held).ordered(folds[held]) if held.any() else None)


def _fold_of_each_row(cv: Any, X: np.ndarray, y: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Which fold holds out each of the rows that count, numbered anew, shape of `rows`."""
    fold = fold_of_each_row(checked_folds(cv, X, y), len(y))
    counting, place = np.unique(fold[rows], return_inverse=True)
    if len(counting) < FEWEST:
        raise ValueError(f"cv must have at least {FEWEST} folds with rows that count, got "
                         f"{len(counting)}. Pass KFold(5).")
    return np.asarray(place)


def _fitted_without(name: str, model: Any, data: tuple[Any, ...], fold: np.ndarray,
                    left: tuple[int, ...]) -> Any:
    X, y, weight = data
    rest = ~np.isin(fold, left)
    return fitted_copy(name, model, X[rest], y[rest], None if weight is None else weight[rest])


def _quantiles_without(name: str, model: Any, data: tuple[Any, ...], fold: np.ndarray,
                       left: tuple[int, ...], levels: np.ndarray) -> np.ndarray:
    """Quantiles of the rows of the folds left out, in their order, shape (some, q)."""
    fitted = _fitted_without(name, model, data, fold, left)
    return quantiles_of(fitted, data[0][np.isin(fold, left)], levels, name=name)
