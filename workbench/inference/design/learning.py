"""Cross-fitted predictions of what experts label, from surrogates and everything observed.

No row is predicted by a model that has seen its label, so that intervals hold whatever the model.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from workbench.core import check
from workbench.core.rng import seed_from
from workbench.inference.design.frame import numbers

__all__ = ["LEARNERS", "LeastSquares", "cross_fitted", "feature_matrix", "folds_of", "learner"]

LEARNERS = ("rf", "linear", "surrogate")
TREES, LEAF = 100, 5


class LeastSquares:
    """Least squares with an intercept; the shortest solution where there are many."""

    def fit(self, X: np.ndarray, y: np.ndarray) -> "LeastSquares":
        """Fit coefficients, shape (p + 1,)."""
        self.center_ = X.mean(axis=0)
        shifted = X - self.center_
        self.mean_ = float(y.mean())
        self.coef_ = np.linalg.lstsq(shifted, y - self.mean_, rcond=1e-10)[0]
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Predictions, shape (n,)."""
        return self.mean_ + (X - self.center_) @ self.coef_


def learner(g: Any, rng: np.random.Generator) -> Any:
    """An unfitted model for a name, or a copy of the one that was given.

    Parameters
    ----------
    g : {"rf", "linear"} or estimator
        A random forest, least squares, or any model with scikit-learn's grammar.
    rng : numpy.random.Generator
        Seeds the forest, or a given model that has a `random_state` of None.
    """
    if isinstance(g, str):
        check.one_of(LEARNERS, g=g)
        if g == "linear":
            return LeastSquares()
        from sklearn.ensemble import RandomForestRegressor

        # For labels of 0 and 1 the mean of a leaf is the share of ones, as of a classifier.
        return RandomForestRegressor(TREES, min_samples_leaf=LEAF, max_features=0.5,
                                     random_state=seed_from(rng))
    from sklearn.base import clone

    made = clone(g)
    if "random_state" in made.get_params() and made.get_params()["random_state"] is None:
        made.set_params(random_state=seed_from(rng))
    return made


def folds_of(n: int, count: int, rng: np.random.Generator,
             cluster: np.ndarray | None = None) -> np.ndarray:
    """Number of the fold of each row, shape (n,); whole clusters share one.

    Folds have equal numbers of rows, or of clusters, up to one.
    """
    units = n if cluster is None else int(cluster.max()) + 1
    if units < count:
        raise ValueError(f"cross_fit must be at most the number of rows or clusters, got {count} "
                         f"for {units}. Pass fewer folds.")
    fold = rng.permutation(np.arange(units) % count)
    return fold if cluster is None else fold[cluster]


def cross_fitted(features: np.ndarray, gold: Mapping[str, np.ndarray], labelled: np.ndarray,
                 fold: np.ndarray, g: Any, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Predictions of each variable for every row, by models that have not seen its fold.

    Parameters
    ----------
    features : array, shape (n, p)
    gold : mapping of variable to array, shape (n,)
    labelled : array of bool, shape (n,)
    fold : array of int, shape (n,)
    g : str or estimator
    rng : numpy.random.Generator

    Raises
    ------
    ValueError
        If a fold leaves no labelled row to learn from, or a model predicts what is not finite.
    """
    found = {name: np.empty(len(fold)) for name in gold}
    for one in np.unique(fold):
        own, train = fold == one, labelled & (fold != one)
        if not train.any():
            raise ValueError(f"cross_fit must leave labelled rows outside each fold, but fold "
                             f"{int(one)} holds all {int(labelled.sum())}. Label rows of more "
                             "clusters, or pass g='surrogate'.")
        for name, values in gold.items():
            found[name][own] = _predicted(learner(g, rng), features[train], values[train],
                                          features[own])
    bad = [name for name, values in found.items() if not np.isfinite(values).all()]
    if bad:
        raise ValueError(f"g must predict finite numbers, but not for {bad[0]!r}. Pass another "
                         "model, or g='linear'.")
    return found


def _predicted(model: Any, X: np.ndarray, y: np.ndarray, new: np.ndarray) -> np.ndarray:
    """Predicted numbers; of 0 and 1 the probability of 1 where the model tells it."""
    if (y == y[0]).all():
        return np.full(len(new), y[0])
    if hasattr(model, "predict_proba"):
        if not np.isin(y, (0, 1)).all():
            raise ValueError(f"g must be a regressor where labels are not 0 and 1, got "
                             f"{type(model).__name__}. Pass g='rf' or a regressor.")
        fitted = model.fit(X, y.astype(int))
        return np.asarray(fitted.predict_proba(new)[:, list(fitted.classes_).index(1)])
    return np.asarray(model.fit(X, y).predict(new), dtype=float).ravel()


def feature_matrix(data: pd.DataFrame, names: list[str]) -> tuple[np.ndarray, list[str]]:
    """Columns as numbers, a dummy per category, shape (n, p); their names.

    Levels are those of all rows, so that a fold that misses one changes nothing.
    """
    parts, told = list[np.ndarray](), list[str]()
    for name in dict.fromkeys(names):
        column = data[name]
        if column.isna().any() or pd.api.types.is_numeric_dtype(column.dtype):
            parts.append(numbers(column, "features"))
            told.append(name)
            continue
        dummies = pd.get_dummies(column.astype(str), dtype=float)
        parts += list(dummies.to_numpy().T)
        told += [f"{name} = {level}" for level in dummies.columns]
    return np.column_stack(parts), told
