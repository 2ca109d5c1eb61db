"""Boosted trees: one LightGBM model with the pinball loss per quantile level.

The rows are binned once for all levels. Runs are deterministic: rows are summed in one order
whatever the number of threads.

Source: R. Fakoor et al., JMLR 24 (2023), section 5.1; library LightGBM.
"""

import warnings
from typing import Any

import numpy as np

from workbench.core import check
from workbench.inference.quantiles.base_models import QuantileEstimator
from workbench.inference.quantiles.levels import checked_levels
from workbench.inference.quantiles.training_rows import integer_seed, location, training_rows

__all__ = ["BoostedQuantiles"]


class BoostedQuantiles(QuantileEstimator):
    """Gradient boosted trees, fitted for each level by itself.

    Parameters
    ----------
    quantile_levels : array, shape (q,), optional
        None takes ``even_levels(19)``.
    n_estimators : int > 0
        Trees per level.
    learning_rate : float > 0
    num_leaves : int > 1
    min_child_samples : int > 0
        Fewest rows in a leaf.
    subsample, colsample : float in (0, 1]
        Share of the rows and of the features drawn for each tree.
    reg_alpha, reg_lambda : float >= 0
        L1 and L2 penalties on the values of the leaves.
    n_jobs : int > 0
        Threads.
    random_state : int, optional

    Attributes
    ----------
    levels_ : array, shape (q,)
    boosters_ : list of lightgbm.Booster
        One per level, of standardised y, which LightGBM holds in single precision; at most the
        wanted number of trees, fewer where none improves the loss.
    """

    allows_nan = True

    def __init__(self, quantile_levels: Any = None, *,  # noqa: PLR0913 - each option is a parameter
                 n_estimators: int = 50, learning_rate: float = 0.1, num_leaves: int = 10,
                 min_child_samples: int = 9, subsample: float = 0.8, colsample: float = 0.6,
                 reg_alpha: float = 0.1, reg_lambda: float = 0.1, n_jobs: int = 1,
                 random_state: Any = None):
        self.quantile_levels = quantile_levels
        self.n_estimators = n_estimators
        self.learning_rate = learning_rate
        self.num_leaves = num_leaves
        self.min_child_samples = min_child_samples
        self.subsample = subsample
        self.colsample = colsample
        self.reg_alpha = reg_alpha
        self.reg_lambda = reg_lambda
        self.n_jobs = n_jobs
        self.random_state = random_state

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> "BoostedQuantiles":
        """Fit one booster per level.

        Parameters
        ----------
        X : array, shape (n, p)
            NaN marks a missing entry.
        y : array, shape (n,)
        sample_weight : array, shape (n,), optional
            Amounts >= 0.

        Raises
        ------
        ValueError
            If options, levels, shapes or weights are malformed.
        ImportError
            If LightGBM is not installed or cannot be loaded.
        """
        lightgbm = _library()
        self.levels_ = checked_levels(self.quantile_levels)
        rows = training_rows(self, X, y, sample_weight, allow_nan=True)
        options = self._options(len(rows))
        (self.middle_,), (self.size_,) = location(rows.y[:, None], rows.weight)
        data = lightgbm.Dataset(rows.X, (rows.y - self.middle_) / self.size_, params=options,
                                weight=rows.varying_weight, free_raw_data=False)
        self.boosters_ = [
            lightgbm.train({**options, "alpha": float(level)}, data,
                           num_boost_round=self.n_estimators)
            for level in self.levels_]
        return self

    def predict_quantiles(self, X: Any) -> np.ndarray:
        """Quantiles, shape (n, q); levels are fitted apart, so that they may cross."""
        X = self._new_rows(X)
        found = np.column_stack([booster.predict(X, num_threads=self.n_jobs)
                                 for booster in self.boosters_])
        return np.asarray(self.middle_ + self.size_ * found)

    def _options(self, n: int) -> dict[str, Any]:
        check.positive(n_estimators=self.n_estimators, learning_rate=self.learning_rate,
                       min_child_samples=self.min_child_samples, n_jobs=self.n_jobs)
        for name in ("subsample", "colsample"):
            share = getattr(self, name)
            if not 0 < share <= 1:
                raise ValueError(f"{name} must lie in (0, 1], got {share!r}. Pass 1 to use all.")
        return {"objective": "quantile", "verbosity": -1, "learning_rate": self.learning_rate,
                "num_leaves": self.num_leaves, "min_data_in_leaf": self.min_child_samples,
                "bagging_fraction": self.subsample,
                "bagging_freq": int(1 / n <= self.subsample < 1),    # 0 bags nothing
                "feature_fraction": self.colsample, "lambda_l1": self.reg_alpha,
                "lambda_l2": self.reg_lambda, "num_threads": self.n_jobs, "deterministic": True,
                "force_row_wise": True, "feature_pre_filter": False,
                "seed": integer_seed(self.random_state)}


def _library() -> Any:
    """LightGBM, or one sentence that says how to get it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")      # of its optional imports
            import lightgbm
    except ImportError as lost:
        raise ImportError("BoostedQuantiles needs LightGBM, which is not installed. Run `pip "
                          "install 'workbench[quantiles]'`.") from lost
    except OSError as lost:
        raise ImportError(f"LightGBM must find its shared libraries, but could not load one "
                          f"({lost}). Run `apt install libgomp1`, or leave 'lgbm' out.") from lost
    return lightgbm
