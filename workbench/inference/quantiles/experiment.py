"""From a table to tested quantiles: base models, the aggregate of them, and its calibration.

Each stage is a function of the stage before it, so that a caller may keep a stage and repeat the
next one with other settings. Base models predict their own training rows out of fold only.
"""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from workbench.core.weights import effective_size
from workbench.inference.quantiles.base_models import copied, fit_model, make, quantiles_of
from workbench.inference.quantiles.encoding import table_encoder
from workbench.inference.quantiles.leaks import check_for_leak
from workbench.inference.quantiles.out_of_fold import out_of_fold
from workbench.inference.quantiles.parts import Parts
from workbench.inference.quantiles.rows import checked_amounts
from workbench.inference.quantiles.tuning import tune as search
from workbench.train.threads import one_thread

__all__ = ["Aggregated", "Base", "aggregate", "base_predictions"]


@dataclass(frozen=True, eq=False)
class Base:
    """Base models fitted on the training part, and what they predict for each part.

    Parameters
    ----------
    models : mapping of name to model
        Unfitted, with the settings that were used.
    X : mapping of part to array, shape (n, p)
        Encoded features.
    Z : mapping of part to array, shape (n, k, q)
        Predicted quantiles; those of the training part are out of fold.
    y : mapping of part to array, shape (n,)
    levels : array, shape (q,)
    notes : tuple of str
        Models that were left out.
    amounts : mapping of part to array, shape (n,), or None
        How much each row counts; None for all the same.
    """

    models: Mapping[str, Any]
    X: Mapping[str, np.ndarray]
    Z: Mapping[str, np.ndarray]
    y: Mapping[str, np.ndarray]
    levels: np.ndarray
    notes: tuple[str, ...]
    amounts: Mapping[str, np.ndarray | None]

    @property
    def names(self) -> list[str]:
        """Names of the k models."""
        return list(self.models)

    def size(self, part: str) -> float:
        """Rows of a part; weighted ones as equal ones."""
        return effective_size(checked_amounts(self.amounts[part], len(self.y[part])))


@dataclass(frozen=True, eq=False)
class Aggregated:
    """An aggregate, and its quantiles.

    Parameters
    ----------
    model : QuantileAggregator
    quantiles : mapping of part to array, shape (n, q)
        Of the training part, from base predictions out of fold, the calibration and test part.
    loose : array, shape (n, q)
        Of the test part, before they are put in order.
    weights : array, shape (n, k, q)
        Of the test part: how much each model counts for each level.
    """

    model: Any
    quantiles: Mapping[str, np.ndarray]
    loose: np.ndarray
    weights: np.ndarray


def base_predictions(features: pd.DataFrame, y: np.ndarray,  # noqa: PLR0913 - a stage's settings
                     parts: Parts, names: Sequence[str], levels: np.ndarray, *, folds: int,
                     seed: int, tune: bool = False, sample_weight: Any = None) -> Base:
    """Fit the base models on the training part and predict every part.

    Parameters
    ----------
    features : DataFrame, shape (n, p)
        Numbers and categories.
    y : array, shape (n,)
    parts : Parts
    names : sequence of str
        Of `base_models.BASE_MODELS`; one whose library cannot be loaded is left out and told.
    levels : array, shape (q,)
    folds : int
        For the out-of-fold predictions of the training part.
    seed : int
    tune : bool
        Choose the options of each model among 20 draws by the validation part.
    sample_weight : array, shape (n,), optional
        Amounts > 0, for every fit and score. Encoding counts all rows the same.

    Raises
    ------
    ValueError
        If no model is left.
    """
    rows = vars(parts)
    encoder = table_encoder().fit(features.iloc[parts.train])
    X = {part: encoder.transform(features.iloc[at]) for part, at in rows.items()}
    outcomes = {part: y[at] for part, at in rows.items()}
    amounts = {part: None if sample_weight is None else sample_weight[at]
               for part, at in rows.items()}
    predicted: dict[str, dict[str, np.ndarray]] = {}
    models: dict[str, Any] = {}
    notes: list[str] = []
    for name in names:
        try:
            with one_thread():
                made = _tuned(name, X, outcomes, amounts, levels, seed, notes) if tune else (
                    make(name, levels, seed))
                predicted[name] = _predictions(made, X, outcomes["train"], amounts["train"],
                                               levels, folds)
            models[name] = made
        except ImportError as lost:
            notes.append(f"Model {name!r} was left out: {lost}")
    if not predicted:
        raise ValueError("base_models must hold a model that can be loaded, got none. "
                         + " ".join(notes))
    Z = {part: np.stack([each[part] for each in predicted.values()], axis=1) for part in rows}
    if not parts.in_order:      # later rows may be harder, which is no leak
        notes += _leaks(Z, outcomes, levels, list(models))
    return Base(models, X, Z, outcomes, levels, tuple(notes), amounts)


def aggregate(model: Any, base: Base) -> Aggregated:
    """Fit an aggregator on out-of-fold predictions, stopped by the validation part.

    Parameters
    ----------
    model : QuantileAggregator
        Unfitted.
    base : Base
    """
    with one_thread():
        fitted = model.fit(base.X["train"], base.Z["train"], base.y["train"],
                           X_val=base.X["validation"], Z_val=base.Z["validation"],
                           y_val=base.y["validation"], sample_weight=base.amounts["train"],
                           sample_weight_val=base.amounts["validation"])
    found = {part: fitted.predict(base.X[part], base.Z[part])
             for part in ("train", "calibration", "test")}
    loose = copy.copy(fitted).set_params(isotonise="none").predict(base.X["test"], base.Z["test"])
    weights = fitted.weights_by_model(base.X["test"])
    shape = (len(base.y["test"]), len(base.names), len(base.levels))
    return Aggregated(fitted, found, loose, np.broadcast_to(weights, shape))


def _tuned(name: str, X: Mapping[str, Any], y: Mapping[str, Any],  # noqa: PLR0913 - rows by part
           amounts: Mapping[str, Any], levels: np.ndarray, seed: int, notes: list[str]) -> Any:
    held_out = X["validation"], y["validation"], amounts["validation"]
    found = search(name, X["train"], y["train"], held_out, quantile_levels=levels,
                   sample_weight=amounts["train"], random_state=seed)
    options = ", ".join(f"{option}={value!r}" for option, value in found.options.items())
    notes.append(f"Model {name!r} was tuned by the validation part: {options}.")
    return found.model


def _predictions(model: Any, X: Mapping[str, np.ndarray],
                 y: np.ndarray, amounts: np.ndarray | None, levels: np.ndarray,
                 folds: int) -> dict[str, np.ndarray]:
    """Out of fold for the training part, by a model of all of it for the others."""
    own = out_of_fold([model], X["train"], y, quantile_levels=levels, cv=min(folds, len(y)),
                      sample_weight=amounts)
    fitted = fit_model(copied(model), X["train"], y, amounts)
    return {part: own[:, 0] if part == "train" else quantiles_of(fitted, rows, levels)
            for part, rows in X.items()}


def _leaks(Z: Mapping[str, np.ndarray], y: Mapping[str, np.ndarray], levels: np.ndarray,
           names: list[str]) -> list[str]:
    """Models that predict training rows suspiciously better than rows held out."""
    table = check_for_leak(Z["train"], y["train"], Z["validation"], y["validation"],
                           quantile_levels=levels, names=names, on_leak="ignore")
    return [f"Model {name!r} seems to know the rows that the aggregator learns from: its loss "
            "there is smaller than on rows held out by more than chance explains. Look for "
            "repeated rows, or for a feature that tells the target."
            for name in table.loc[table["is_leak"], "model"]]
