"""Predictions for training rows by models that did not see them.

An aggregator trained on what models say of rows they were fitted on trusts the one that has
learnt them by heart. Hence each fold is predicted by copies fitted on the others.

Source: D. H. Wolpert, Neural Networks 5 (1992); section 3.4 of the training protocol of
R. Fakoor et al., JMLR 24 (2023).
"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from sklearn.model_selection import check_cv

from workbench.core import check
from workbench.inference.quantiles.base_models import copied, fit_model, make, quantiles_of
from workbench.inference.quantiles.levels import checked_levels
from workbench.inference.quantiles.rows import checked_amounts

__all__ = ["Folds", "checked_folds", "fitted_quantiles", "is_fitted_already", "named_models",
           "out_of_fold", "prepared", "restricted"]

Folds = list[tuple[np.ndarray, np.ndarray]]


def out_of_fold(models: Any, X: Any, y: Any, *,  # noqa: PLR0913 - each option is a parameter
                quantile_levels: Any = None, cv: Any = 5, sample_weight: Any = None,
                n_jobs: int | None = None) -> np.ndarray:
    """Quantiles of each row by copies of the models fitted without its fold.

    Parameters
    ----------
    models : mapping of name to model, or list of (name, model), models or names
        With ``fit`` and ``predict_quantiles``; they stay unfitted themselves, and bring their own
        seeds (a mere name has none). One without ``fit`` is only asked to predict: it must have
        been fitted on other rows, since what is fitted already cannot be fitted without a fold.
    X : array or DataFrame, shape (n, p)
    y : array, shape (n,)
    quantile_levels : array, shape (q,), optional
        None takes ``even_levels(19)``.
    cv : int, splitter, or list of (train, test) positions
        A number cuts the rows in order, without shuffling: neighbours in time stay together. Rows
        sorted by what they hold (the target, a group) need ``KFold(5, shuffle=True,
        random_state=0)``, repeated measurements `GroupKFold` splits, a forecast of the future
        `TimeSeriesSplit`.
    sample_weight : array, shape (n,), optional
        Amounts >= 0.
    n_jobs : int, optional
        Fits side by side, over models and folds.

    Returns
    -------
    Z : array, shape (n, k, q)
        NaN in rows that no fold holds out.

    Raises
    ------
    ValueError
        If folds overlap their training rows or each other, or a model predicts a wrong shape.

    Examples
    --------
    >>> X = np.arange(20.0)[:, None]
    >>> out_of_fold(["linear"], X, X[:, 0], quantile_levels=[0.1, 0.5, 0.9], cv=4).shape
    (20, 1, 3)
    """
    levels = checked_levels(quantile_levels)
    named = prepared(named_models(models), levels)
    outcomes = np.asarray(y, dtype=float)
    check.same_length(X=X, y=outcomes)
    amounts = None if sample_weight is None else checked_amounts(sample_weight, len(outcomes))
    folds = checked_folds(cv, X, outcomes)
    tasks = [(name, model, train, test) for train, test in folds for name, model in named]
    found = Parallel(n_jobs=n_jobs)(
        delayed(_held_out)(name, model, (X, outcomes, amounts), (train, test), levels)
        for name, model, train, test in tasks)
    Z = np.full((len(outcomes), len(named), len(levels)), np.nan)
    for place, ((_, _, _, test), quantiles) in enumerate(zip(tasks, found, strict=True)):
        Z[test, place % len(named)] = quantiles
    return Z


def named_models(models: Any) -> list[tuple[str, Any]]:
    """Models with their names, which must differ."""
    if isinstance(models, str) or hasattr(models, "predict_quantiles"):
        raise ValueError(f"estimators must be a list of models or names, got {models!r}. Put it "
                         "into a list.")
    items: Iterable[Any] = models.items() if isinstance(models, Mapping) else models
    named: list[tuple[str, Any]] = []
    for item in items:
        if isinstance(item, str):
            named.append((item, make(item)))
        elif isinstance(item, tuple):
            named.append((str(item[0]), make(item[1]) if isinstance(item[1], str) else item[1]))
        else:
            named.append((type(item).__name__, item))
    names = [name for name, _ in named]
    if not names or len(set(names)) < len(names):
        raise ValueError(f"estimators must have names that differ, got {names}. Pass a list of "
                         "(name, model).")
    return named


def prepared(named: list[tuple[str, Any]], levels: np.ndarray,
             rng: np.random.Generator | None = None) -> list[tuple[str, Any]]:
    """Copies whose levels, and seeds where there is a generator, are filled where they are None.

    Models without ``fit`` are not copied.
    """
    filled = []
    for name, model in named:
        if is_fitted_already(model):
            filled.append((name, model))
            continue
        model = copied(model)
        params = model.get_params(deep=False) if hasattr(model, "get_params") else {}
        if params.get("quantile_levels", levels) is None:
            model.set_params(quantile_levels=levels)
        if rng is not None and params.get("random_state", rng) is None:
            model.set_params(random_state=int(rng.integers(2**31 - 1)))
        filled.append((name, model))
    return filled


def is_fitted_already(model: Any) -> bool:
    """Whether a model can only predict, hence was fitted elsewhere."""
    return not hasattr(model, "fit")


def checked_folds(cv: Any, X: Any, y: np.ndarray) -> Folds:
    """Positions to fit on and to hold out, of each fold.

    Raises
    ------
    ValueError
        If a row is held out twice, or fitted on in the fold that holds it out.
    """
    folds = [(_positions(train), _positions(test)) for train, test in check_cv(cv, y).split(X, y)]
    times = np.bincount(np.concatenate([test for _, test in folds]), minlength=len(y))
    if times.max(initial=0) > 1:
        raise ValueError(f"cv must hold each row out at most once, got {int((times > 1).sum())} "
                         "rows held out more often. Pass a splitter without repetitions.")
    for train, test in folds:
        both = len(np.intersect1d(train, test))
        if both:
            raise ValueError(f"cv must not fit on the rows that it holds out, got {both} rows in "
                             "both parts of one fold. Such predictions are in-sample; split anew.")
    return folds


def fold_of_each_row(folds: Folds, n: int) -> np.ndarray:
    """Number of the fold that holds out each row, shape (n,).

    Raises
    ------
    ValueError
        If a row is never held out.
    """
    fold = np.full(n, -1)
    for number, (_, held) in enumerate(folds):
        fold[held] = number
    if (fold < 0).any():
        raise ValueError("cv must hold out each row exactly once, got "
                         f"{int((fold < 0).sum())} rows never held out. Pass KFold(5).")
    return fold


def restricted(folds: Folds, rows: np.ndarray) -> Folds:
    """The same folds among some of the rows, or repeated ones.

    Parameters
    ----------
    folds : list of (train, test)
    rows : array of int, shape (m,)
        Positions; the folds found hold places among them.
    """
    found = [(np.flatnonzero(np.isin(rows, train)), np.flatnonzero(np.isin(rows, test)))
             for train, test in folds]
    found = [(train, test) for train, test in found if len(test)]
    if not all(len(train) for train, _ in found):
        raise ValueError("cv must leave rows to fit on in each fold, got a fold without any. "
                         "Hold out fewer rows, or take fewer folds.")
    return found


def fitted_quantiles(models: list[tuple[str, Any]], X: Any, levels: np.ndarray) -> np.ndarray:
    """What fitted models predict, shape (n, k, q)."""
    return np.stack([quantiles_of(model, X, levels, name=name) for name, model in models], axis=1)


def fitted_copy(name: str, model: Any, X: Any, y: np.ndarray,
                amounts: np.ndarray | None) -> Any:
    """A copy fitted to rows with a weight above zero; the model itself where it has no `fit`."""
    if is_fitted_already(model):
        return model
    if amounts is not None:
        held = amounts > 0
        X, y, amounts = rows_of(X, held), y[held], amounts[held]
    try:
        return fit_model(copied(model), X, y, amounts)
    except Exception as failed:
        failed.add_note(f"This happened while the base model {name!r} was fitted.")
        raise


def rows_of(X: Any, chosen: np.ndarray) -> Any:
    """Some rows of an array or a DataFrame."""
    return X.iloc[np.arange(len(X))[chosen]] if hasattr(X, "iloc") else np.asarray(X)[chosen]


def _held_out(name: str, model: Any, data: tuple[Any, np.ndarray, np.ndarray | None],
              fold: tuple[np.ndarray, np.ndarray], levels: np.ndarray) -> np.ndarray:
    X, y, amounts = data
    train, test = fold
    fitted = fitted_copy(name, model, rows_of(X, train), y[train],
                         None if amounts is None else amounts[train])
    return quantiles_of(fitted, rows_of(X, test), levels, name=name)


def _positions(rows: Any) -> np.ndarray:
    found = np.asarray(rows)
    return np.flatnonzero(found) if found.dtype == bool else found.astype(np.intp)
