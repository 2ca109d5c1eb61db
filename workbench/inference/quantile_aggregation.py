"""How much should each model count? Weights on base models, per quantile level and per input.

``quantiles_k = weights_k(x) @ Z``: quantiles that any models have predicted are mixed by weights
on the simplex, one for each model (coarse), for each model at each level (medium), or from each
level of each model to each level (fine), the same for all rows or from the features of each.
They are learned by the pinball loss plus a penalty on crossing quantiles, then put in order.

Source: R. Fakoor, T. Kim, J. Mueller, A. J. Smola, R. J. Tibshirani, "Flexible Model Aggregation
for Quantile Regression", JMLR 24 (2023).
"""

import math
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted, validate_data

from workbench.core import check
from workbench.core.card import Card
from workbench.inference.quantiles.aggregation_learning import (
    GlobalAnswers,
    checked_options,
    descended,
    solved,
)
from workbench.inference.quantiles.aggregation_rows import (
    Scales,
    checked_base,
    checked_features,
    checked_held,
    checked_training,
    chunks,
    in_parts,
)
from workbench.inference.quantiles.isotonic import isotonise
from workbench.inference.quantiles.levels import checked_levels
from workbench.inference.quantiles.resolution import Form, by_model

__all__ = ["CARD", "QuantileAggregator"]

CARD = Card(
    source="fakoor2023flexible",
    weighs="models, per quantile level and input",
    range="simplex",
    neutral={"average_share": 1.0, "isotonise": "none"}, baseline="equal average",
)

CHUNK = 1024            # rows that are mixed at once
HELD = 2 ** 24          # weights that are held at once
LARGEST = 2 ** 33       # bytes of weights that one call may return


class QuantileAggregator(BaseEstimator):
    """Weights on base quantiles that make the pinball loss small.

    Parameters
    ----------
    quantile_levels : array, shape (q,), optional
        Levels of the base quantiles; None takes ``even_levels(19)``.
    resolution : {"coarse", "medium", "fine"}
        Weights per model; per model and level; from each level of each model to each level.
    local : bool
        Weights from the features of each row, by a perceptron; otherwise the same for all rows.
    normalise : bool
        Weights on the simplex; otherwise any numbers, in standard deviations of y around its mean.
    hidden, layers, dropout, activation : see `perceptron.Shape`
    margin : {"single", "vec", "adaptive", "none"}
        Distances that the penalty asks of each pair of levels: equal; as the levels; as the
        quantiles of the residuals; no penalty. In standard deviations of y.
    margin_scale : float >= 0
        The equal distance, or the factor of the others.
    penalty : float >= 0
        Factor of the crossing penalty.
    isotonise : {"none", "sort", "pava", "minmax"}
        How predicted quantiles are put in order.
    in_training : bool
        Also before the pinball loss while training.
    solver : {"adam", "lp"}
        Gradient descent; or the exact optimum of linear programmes, for global weights without a
        penalty.
    learning_rate, max_steps, patience : see `descent.Descent`
        ``patience=None`` runs all steps on all rows.
    searches : int > 0
        Settings tried by the score of the held-out rows: this one, the others drawn.
    average_share : float in [0, 1]
        Share of the weight that stays with the equal average of each level.
    device : {"auto", "cpu", "cuda"}
    random_state : int, generator or None

    Attributes
    ----------
    levels_ : array, shape (q,)
    form_ : resolution.Form
    weights_ : array, shape (1, k), (1, k, q) or (1, k, q, q), or None
        Of global aggregators.
    steps_ : int
        Steps behind the parameters kept; 0 for ``lp``.
    validation_ : float
        Mean pinball loss of the held-out rows [unit of y]; NaN without them.
    history_ : tuple of (int, float)
        Steps and that loss at each check.
    chosen_ : dict
        Setting that a search chose, and its seed; empty for ``lp``.

    Notes
    -----
    Base quantiles must come from models that did not see the rows, else the most overfitted model
    gets all weight. Outcomes and features are standardised by the training rows.

    Examples
    --------
    >>> y = np.array([0.0, 1.0, 2.0, 3.0])
    >>> Z = np.stack([y - 1, y + 1], axis=1)[:, :, None]
    >>> model = QuantileAggregator([0.5], resolution="coarse", local=False, solver="lp", penalty=0)
    >>> model.fit(None, Z, y).weights().round(6)
    array([[0.5, 0.5]])
    """

    def __init__(self, quantile_levels: Any = None, *,  # noqa: PLR0913 - each option is a parameter
                 resolution: str = "fine", local: bool = True, normalise: bool = True,
                 hidden: int = 64, layers: int = 2, dropout: float = 0.0,
                 activation: str = "elu", margin: str = "adaptive", margin_scale: float = 1e-2,
                 penalty: float = 1.0, isotonise: str = "sort", in_training: bool = False,
                 solver: str = "adam", learning_rate: float = 1e-3, max_steps: int = 20_000,
                 patience: int | None = 500, searches: int = 1, average_share: float = 0.0,
                 device: str = "auto", random_state: Any = None):
        self.quantile_levels, self.resolution, self.local = quantile_levels, resolution, local
        self.normalise, self.average_share, self.hidden = normalise, average_share, hidden
        self.layers, self.dropout, self.activation = layers, dropout, activation
        self.margin, self.margin_scale, self.penalty = margin, margin_scale, penalty
        self.isotonise, self.in_training = isotonise, in_training
        self.solver, self.learning_rate = solver, learning_rate
        self.max_steps, self.patience, self.searches = max_steps, patience, searches
        self.device, self.random_state = device, random_state

    def fit(self, X: Any, Z: Any, y: Any, *,  # noqa: PLR0913 - rows to learn from and to stop by
            X_val: Any = None, Z_val: Any = None, y_val: Any = None, sample_weight: Any = None,
            sample_weight_val: Any = None) -> "QuantileAggregator":
        """Learn the weights.

        Parameters
        ----------
        X : array, shape (n, p), or None
            Features; global aggregators ignore them.
        Z : array, shape (n, k, q)
            Out-of-fold predictions of the base models.
        y : array, shape (n,)
        X_val, Z_val, y_val : arrays, optional
            Rows that end the descent; without Z_val, a fifth of the rows is drawn and held out.
        sample_weight, sample_weight_val : array, shape (n,), optional
            Amounts >= 0.

        Raises
        ------
        ValueError
            If shapes disagree, something is not finite, or options exclude each other.
        FloatingPointError
            If descent diverges.
        ImportError
            If it descends and PyTorch is not installed.
        """
        options = self.get_params(deep=False)
        checked_options(options)
        levels = checked_levels(self.quantile_levels)
        rows = checked_training(checked_features(X) if self.local else None, Z, y, sample_weight,
                                form=(None, len(levels)))
        self.form_ = Form(self.resolution, rows.Z.shape[1], len(levels), self.normalise,
                          self.average_share)
        if self.local:
            validate_data(self, X, skip_check_array=True)
        held = checked_held(X_val if Z_val is None else self._features(X_val, "X_val"), Z_val,
                            y_val, sample_weight_val, form=(self.form_.models, len(levels)))
        self.levels_, self.scales_ = levels, Scales.of(rows)
        learn = solved if self.solver == "lp" else descended
        found = learn(rows, held, self.scales_, self.form_, levels, options)
        self.steps_, self.validation_ = found.steps, found.validation
        self.history_, self.chosen_ = found.history, found.chosen
        self.network_, self.weights_ = found.network, found.weights
        return self

    def predict(self, X: Any, Z: Any) -> np.ndarray:
        """Quantiles, shape (n, q), in order, in chunks of rows.

        Parameters
        ----------
        X : array, shape (n, p), or None where global
        Z : array, shape (n, k, q)
        """
        table = self._features(X)
        base = checked_base(Z, self.form_.models, self.form_.levels)
        if table is not None:
            check.same_length(X=table, Z=base)
        answers = self._answers()
        found = np.empty((len(base), self.form_.levels))
        for part in chunks(len(base), CHUNK):
            mixed = answers.quantiles(None if table is None else table[part], base[part])
            found[part] = isotonise(mixed, self.isotonise)
        return found

    def weights(self, X: Any = None) -> np.ndarray:
        """Weights, shape (n, k), (n, k, q) or (n, k, q weighed, q out); n = 1 for global ones.

        Parameters
        ----------
        X : array, shape (n, p), optional
            Needed for local weights.

        Raises
        ------
        ValueError
            If they would take more than 8 GiB.
        """
        table = self._features(X)
        if table is None:
            return self.weights_.copy()
        size = 8 * len(table) * math.prod(self.form_.shape)
        if size > LARGEST:
            raise ValueError(f"X must have fewer rows, got {len(table)}, whose weights would take "
                             f"{size / 2 ** 30:.0f} GiB. Pass some, or ask for weights_by_model.")
        return in_parts(table, self._rows_held(), self.form_.shape, self._answers().weights)

    def weights_by_model(self, X: Any = None) -> np.ndarray:
        """How much each model counts for each output level, shape (n, k, q); n = 1 if global."""
        table, form = self._features(X), self.form_
        if table is None:
            return by_model(self.weights(), form.levels)
        answers = self._answers()
        return in_parts(table, self._rows_held(), (form.models, form.levels),
                        lambda part: by_model(answers.weights(part), form.levels))

    def _rows_held(self) -> int:
        return max(1, min(CHUNK, HELD // math.prod(self.form_.shape)))

    def _answers(self) -> Any:
        if not self.local:
            return GlobalAnswers(self.weights_, self.scales_)
        from workbench.inference.quantiles.aggregation_network import LocalAnswers
        from workbench.train.device import device_for

        return LocalAnswers(self.network_, self.scales_, device_for(self.device))

    def _features(self, X: Any, name: str = "X") -> Any:
        """Features as numbers, of the width that fit saw, or None for global weights."""
        check_is_fitted(self, "form_")
        if not self.local:
            return None
        table = checked_features(X, name, width=self.n_features_in_)
        validate_data(self, X, reset=False, skip_check_array=True)
        return table
