"""Random search over the options of a base model, judged by rows held out.

Source: section 3.4 of the training protocol of R. Fakoor et al., JMLR 24 (2023): 20 draws, the
best by validation pinball loss; its options then stay fixed for out-of-fold predictions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn.model_selection import ParameterGrid, ParameterSampler

from workbench.core import check
from workbench.core.rng import generator
from workbench.inference.quantiles.base_models import copied, fit_model, make, quantiles_of
from workbench.inference.quantiles.levels import checked_levels
from workbench.inference.quantiles.out_of_fold import prepared
from workbench.inference.quantiles.scores import pinball
from workbench.inference.quantiles.training_rows import integer_seed

__all__ = ["SPACES", "Tuned", "tune"]

NETWORK: dict[str, Sequence[Any]] = {
    "learning_rate": (1e-3, 3e-4), "weight_decay": (1e-5, 1e-7), "hidden": (64, 128),
    "layers": (2, 3), "dropout": (0.0, 0.05, 0.1)}
FOREST: dict[str, Sequence[Any]] = {
    "min_samples_split": (8, 16, 64), "min_samples_leaf": (8, 16, 64)}
BOOSTED: dict[str, Sequence[Any]] = {
    "num_leaves": (10, 50, 100), "min_child_samples": (3, 9, 15), "subsample": (0.4, 0.6, 0.8),
    "colsample": (0.4, 0.6), "reg_alpha": (0.1, 1.0, 5.0), "reg_lambda": (0.1, 1.0, 5.0)}
SPACES: Mapping[str, Mapping[str, Sequence[Any]]] = MappingProxyType({
    "cgn": NETWORK, "sqr": {**NETWORK, "huber": (0.0, 0.01)},
    "dqr": {**NETWORK, "huber": (0.0, 0.01)}, "qrf": FOREST, "xt": FOREST, "lgbm": BOOSTED,
    "linear": {"penalty": (0.0, 1e-3, 1e-2, 1e-1)}})


@dataclass(frozen=True)
class Tuned:
    """What a search found.

    Parameters
    ----------
    model : QuantileModel
        Unfitted, with the best options.
    options : mapping
    loss : float
        Mean pinball loss on the rows held out [unit of y].
    table : DataFrame
        One row per draw, options and loss, the best first.
    """

    model: Any
    options: Mapping[str, Any]
    loss: float
    table: pd.DataFrame


def tune(model: Any, X: Any, y: Any, held_out: tuple[Any, ...], *,  # noqa: PLR0913 - options
         quantile_levels: Any = None, space: Mapping[str, Sequence[Any]] | None = None,
         draws: int = 20, sample_weight: Any = None, n_jobs: int | None = None,
         random_state: Any = None) -> Tuned:
    """Try options drawn at random and keep the best.

    Parameters
    ----------
    model : str or estimator
        A name in `SPACES`, or an estimator with ``set_params`` and ``predict_quantiles``.
    X : array, shape (n, p)
    y : array, shape (n,)
    held_out : (X, y) or (X, y, sample_weight)
        Rows that judge; none of the draws is fitted to them.
    quantile_levels : array, shape (q,), optional
        None takes the model's, or else ``even_levels(19)``.
    space : mapping of option to values, optional
        None takes that of `SPACES`.
    draws : int > 0
        Different settings tried, fewer where the space holds fewer.
    sample_weight : array, shape (n,), optional
        Amounts >= 0.
    n_jobs : int, optional
        Fits side by side.
    random_state : int, optional
        Draws the settings; also the seed of the model, where it has none.

    Raises
    ------
    ValueError
        If the space is missing or names an unknown option.

    Examples
    --------
    >>> X = np.arange(40.0)[:, None]
    >>> found = tune("linear", X[::2], X[::2, 0], (X[1::2], X[1::2, 0]), random_state=0)
    >>> list(found.options), len(found.table)
    (['penalty'], 4)
    """
    check.positive(draws=draws)
    if space is None:
        if not isinstance(model, str):
            raise ValueError("space must say which values each option may take, got none for "
                             f"{type(model).__name__}. Pass space={{'option': [1, 2]}}.")
        check.one_of(SPACES, model=model)
        space = SPACES[model]
    made = make(model) if isinstance(model, str) else copied(model)
    check.one_of(made.get_params(), **{name: name for name in space})
    levels = checked_levels(getattr(made, "quantile_levels", None) if quantile_levels is None
                            else quantile_levels)
    seed = integer_seed(random_state)
    (_, made), = prepared([("model", made)], levels, generator(seed))
    settings = list(ParameterSampler({name: list(values) for name, values in space.items()},
                                     min(draws, len(ParameterGrid(dict(space)))),
                                     random_state=seed))
    losses = Parallel(n_jobs=n_jobs)(
        delayed(_loss)(made, setting, (X, y, sample_weight), held_out, levels)
        for setting in settings)
    table = pd.DataFrame(settings).assign(loss=losses).sort_values("loss", kind="stable",
                                                                   ignore_index=True)
    best = settings[int(np.argmin(losses))]
    ordered = {name: best[name] for name in space}
    return Tuned(copied(made).set_params(**ordered), ordered, float(min(losses)), table)


def _loss(model: Any, setting: dict[str, Any], rows: tuple[Any, ...], held_out: tuple[Any, ...],
          levels: np.ndarray) -> float:
    X, y, sample_weight = rows
    fitted = fit_model(copied(model).set_params(**setting), X, y, sample_weight)
    weight = held_out[2] if len(held_out) > 2 else None
    return pinball(held_out[1], quantiles_of(fitted, held_out[0], levels), levels,
                   sample_weight=weight)
