"""Stacked quantiles: base models predict rows they have not seen, an aggregator weighs them.

``quantiles = aggregator(x, Z(x))`` with ``Z(x)[j, l]`` the quantile l of model j. The aggregator
learns from out-of-fold predictions Z of the training part and stops by a validation part whose
Z come from models fitted on the whole training part, as those for new rows do.

Source: section 3.4 of the training protocol of R. Fakoor et al., JMLR 24 (2023).
"""

from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn.base import MetaEstimatorMixin

from workbench.inference.quantiles.base_models import QuantileEstimator
from workbench.inference.quantiles.leaks import check_for_leak
from workbench.inference.quantiles.out_of_fold import (
    Folds,
    checked_folds,
    fitted_copy,
    fitted_quantiles,
    named_models,
    out_of_fold,
    prepared,
    restricted,
)
from workbench.inference.quantiles.rows import checked_amounts
from workbench.inference.quantiles.stack_parts import (
    Part,
    aggregator_for,
    fit_aggregator,
    held_out_rows,
    stack_levels,
)
from workbench.inference.quantiles.training_rows import checked_numbers, seeded, written_out

__all__ = ["DEFAULT_MODELS", "StackedQuantileRegressor"]

DEFAULT_MODELS = ("cgn", "dqr", "qrf", "xt", "lgbm")
CHUNK = 65_536          # rows whose base quantiles are held at once


class StackedQuantileRegressor(MetaEstimatorMixin, QuantileEstimator):
    """Quantiles of several base models, weighed by an aggregator.

    Parameters
    ----------
    estimators : list of (name, model), of models, or of names; or a mapping, optional
        See `out_of_fold`; None takes cgn, dqr, qrf, xt and lgbm. A model without ``fit`` is taken
        as fitted on other rows: it must have seen none of the rows given to `fit`.
    aggregator : QuantileAggregator or other, optional
        With ``fit(X, Z, y, ...)`` and ``predict(X, Z)``; None is ``QuantileAggregator()``.
    quantile_levels : array, shape (q,), optional
        None takes the aggregator's, or else ``even_levels(19)``. Models and an aggregator whose
        levels are None take them from here.
    cv : int, splitter, list of (train, test), or "prefit"
        See `out_of_fold`: a number does not shuffle. ``"prefit"``: all models are fitted already,
        on other rows, and are neither copied nor fitted.
    validation_share : float in [0, 1)
        Rows held out to stop the aggregator; 0 leaves that to the aggregator.
    in_order : bool
        Hold out the last rows, as in time, instead of random ones.
    n_jobs : int, optional
        Fits side by side, over models and folds.
    random_state : int, optional
        Draws the rows held out, and seeds of models and aggregator that have none.

    Attributes
    ----------
    levels_ : array, shape (q,)
    names_ : list of str
    models_ : list of (name, model)
        Fitted on the training part.
    aggregator_ : aggregator
    leaks_ : DataFrame or None
        See `check_for_leak`; None without rows held out.

    Notes
    -----
    X must be numbers without gaps; wrap the stack in `EncodedQuantiles` for tables. Whole sample
    weights are numbers of equal rows, where they make the table ten times longer at most.

    Examples
    --------
    >>> from workbench.inference.quantile_aggregation import QuantileAggregator
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 1))
    >>> stack = StackedQuantileRegressor(
    ...     ["linear", "qrf"], QuantileAggregator(local=False, solver="lp", penalty=0),
    ...     quantile_levels=[0.1, 0.5, 0.9], random_state=0)
    >>> stack.fit(X, X[:, 0] + rng.normal(size=200)).predict_quantiles(X).shape
    (200, 3)
    """

    def __init__(self, estimators: Any = None,  # noqa: PLR0913 - each option is a parameter
                 aggregator: Any = None, *, quantile_levels: Any = None, cv: Any = 5,
                 validation_share: float = 0.2, in_order: bool = False,
                 n_jobs: int | None = None, random_state: Any = None):
        self.estimators = estimators
        self.aggregator = aggregator
        self.quantile_levels = quantile_levels
        self.cv = cv
        self.validation_share = validation_share
        self.in_order = in_order
        self.n_jobs = n_jobs
        self.random_state = random_state

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> "StackedQuantileRegressor":
        """Predict out of fold, learn the weights, fit the base models on the training part.

        Parameters
        ----------
        X : array, shape (n, p)
        y : array, shape (n,)
        sample_weight : array, shape (n,), optional
            Amounts >= 0, for base models and aggregator.

        Raises
        ------
        ValueError
            If options, shapes, levels or folds are malformed.

        Warns
        -----
        LeakWarning
            If a base model seems to know the training rows.
        """
        X, y = checked_numbers(self, X, y)
        rows, amounts = written_out(checked_amounts(sample_weight, len(y)))
        rng = seeded(self.random_state)
        self.levels_ = stack_levels(self.quantile_levels, self.aggregator)
        aggregator = aggregator_for(self.aggregator, self.levels_, rng)
        named = named_models(DEFAULT_MODELS if self.estimators is None else self.estimators)
        self.names_ = [name for name, _ in named]
        folds = None if _is_prefit(self.cv) else checked_folds(self.cv, X, y)
        X, y = X[rows], y[rows]
        held = held_out_rows(X, y, self.validation_share, in_order=self.in_order, rng=rng)
        kept = ~held
        weight = None if np.ptp(amounts) == 0 else amounts[kept]
        if folds is None:
            self.models_, fold = named, np.zeros(int(kept.sum()))
            Z = fitted_quantiles(named, X[kept], self.levels_)
        else:
            Z, fold = self._cross_fit(prepared(named, self.levels_, rng), X[kept], y[kept],
                                      (restricted(folds, rows[kept]), weight))
        training = Part(X[kept], Z, y[kept], amounts[kept], rows[kept])
        predicted = training.predicted()
        training, fold = training.take(predicted), fold[predicted]
        validation = Part(X[held], self._base(X[held]), y[held], amounts[held],
                          rows[held]).ordered() if held.any() else None
        self.leaks_ = None if validation is None else self._leaks(training.once(),
                                                                  validation.once())
        self.aggregator_ = fit_aggregator(aggregator, training.ordered(fold), validation)
        return self

    def predict_quantiles(self, X: Any) -> np.ndarray:
        """Quantiles, shape (n, q), in order if the aggregator orders them."""
        X = self._new_rows(X)
        return np.concatenate([
            np.asarray(self.aggregator_.predict(rows, self._base(rows))) for rows in _chunks(X)])

    def predict_quantiles_frame(self, X: Any) -> pd.DataFrame:
        """The same with levels as columns and the index of `X`, where it is a DataFrame."""
        return pd.DataFrame(self.predict_quantiles(X), index=getattr(X, "index", None),
                            columns=pd.Index(self.levels_, name="level"))

    def base_quantiles(self, X: Any) -> np.ndarray:
        """What each fitted base model predicts, shape (n, k, q)."""
        X = self._new_rows(X)
        return self._base(X)

    def weights_by_model(self, X: Any) -> np.ndarray:
        """How much each base model counts for each level, shape (n, k, q); n = 1 if global."""
        X = self._new_rows(X)
        return np.asarray(self.aggregator_.weights_by_model(X))

    def _base(self, X: np.ndarray) -> np.ndarray:
        return fitted_quantiles(self.models_, X, self.levels_)

    def _cross_fit(self, named: list[tuple[str, Any]], X: np.ndarray, y: np.ndarray,
                   plan: tuple[Folds, np.ndarray | None]) -> tuple[np.ndarray, np.ndarray]:
        """Out-of-fold quantiles and the fold of each row; keeps models fitted on all of them."""
        parts, weight = plan
        Z = out_of_fold(named, X, y, quantile_levels=self.levels_, cv=parts, sample_weight=weight,
                        n_jobs=self.n_jobs)
        fitted = Parallel(n_jobs=self.n_jobs)(
            delayed(fitted_copy)(name, model, X, y, weight) for name, model in named)
        self.models_ = list(zip(self.names_, fitted, strict=True))
        fold = np.zeros(len(y))
        for number, (_, test) in enumerate(parts):
            fold[test] = number
        return Z, fold

    def _leaks(self, training: Part, validation: Part) -> pd.DataFrame:
        return check_for_leak(training.Z, training.y, validation.Z, validation.y,
                              quantile_levels=self.levels_, names=self.names_)


def _is_prefit(cv: Any) -> bool:
    return isinstance(cv, str) and cv == "prefit"


def _chunks(X: np.ndarray) -> list[np.ndarray]:
    return np.array_split(X, range(CHUNK, len(X), CHUNK))
