"""What would the mean be if everything had been observed? Weights that balance kernels.

People rate what they like, and answer what they care about. A weighted mean of what was observed,
``estimate = weights @ outcomes``, is right if the weights balance the functions that explain the
outcome: their weighted mean over observed items must equal their mean over all items. Here these
functions are kernels ``h_j(x) = K(x, x_j)``, chosen at random, by how well they explain the
outcome (adaptive), or by how badly they are balanced (worst case); the weights are those nearest
to the base weights, in relative entropy, whose imbalance is at most `slack`.

Source: H. Li, C. Zheng, Y. Xiao, P. Wu, Z. Geng, X. Chen, P. Cui, "Debiased Collaborative
Filtering with Kernel-Based Causal Balancing", ICLR (2024).
"""

import math
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from workbench.core import check, effective_size, generator
from workbench.core.card import Card
from workbench.inference.balancing.choosing import SELECTIONS, Asked, Sample, choose
from workbench.inference.balancing.dual import BalanceInfeasible, balance
from workbench.inference.balancing.estimates import ACTIVE, BalanceResult, weighted_mean
from workbench.inference.balancing.inputs import (
    checked_base,
    checked_groups,
    checked_imputed,
    checked_items,
    checked_losses,
    checked_share,
)
from workbench.inference.balancing.kernels import (
    KERNELS,
    Kernel,
    Scaling,
    kernel_functions,
    moments,
    width,
)

__all__ = ["CARD", "BalanceInfeasible", "KernelBalancer"]

CARD = Card(
    source="li2024kernel",
    weighs="observed items, so that kernels of their features average as over all items",
    range="simplex",
    neutral={"slack": math.inf}, baseline="mean of the observed items",
)


class KernelBalancer(BaseEstimator):
    """Weights on observed items that balance kernels of their features.

    Parameters
    ----------
    kernel : {"gaussian", "laplace"} or function of two arrays of standardised features
        ``exp(-gamma d^2)`` or ``exp(-gamma d)`` of the distance d.
    gamma : {"median", "dimension"} or float > 0
        "median": from the median distance between items; "dimension": 1 / (2 p).
    n_functions : int > 0
        Functions to balance.
    selection : {"random", "adaptive", "worst"}
        How they are chosen; adaptive needs the losses in `fit`.
    slack : float >= 0
        Largest imbalance [standard deviations of a function over all items]; 0 is exact balance,
        infinity leaves the base weights as they are.
    base_weights : array, shape (observed,), optional
        Weights that count as no change, such as inverse propensities; None is uniform.
    include_fitted : bool
        Balance the fitted, or the worst, combination of all candidates too.
    ridge : float > 0
        Penalty of that fit, relative to the mean second moment of the candidates.
    n_candidates : int > 0
        Items whose kernels compete where functions are not random.
    random_state : int or generator
        Draws functions and candidates.

    Attributes
    ----------
    weights_ : array, shape (observed,)
        On the simplex; times the number of observed items they average 1.
    functions_ : Functions
    centres_ : array of int
        Items whose kernels are balanced.
    alpha_ : array or None
        Their coefficients where they are not random.
    imbalance_ : DataFrame
        Columns function, before, after: weighted minus overall mean [standard deviations].
    dual_ : array
        Multiplier of each function; zero where the slack is not used up.
    effective_size_ : float
    gamma_ : float

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(1000, 2))
    >>> seen = rng.random(1000) < 1 / (1 + np.exp(1 - x[:, 0]))
    >>> balancer = KernelBalancer(random_state=0).fit(x, seen)
    >>> found = balancer.estimate(x[seen, 0] ** 2)
    >>> low, high = found.conf_int().loc["mean"]
    >>> bool(low < (x[:, 0] ** 2).mean() < high)
    True
    """

    def __init__(self, kernel: Kernel = "gaussian", gamma: str | float = "median",  # noqa: PLR0913
                 n_functions: int = 50, selection: str = "random", slack: float = 0.01,
                 base_weights: Any = None, include_fitted: bool = True,  # noqa: FBT001, FBT002
                 ridge: float = 1e-3, n_candidates: int = 200, random_state: Any = 0):
        self.kernel = kernel
        self.gamma = gamma
        self.n_functions = n_functions
        self.selection = selection
        self.slack = slack
        self.base_weights = base_weights
        self.include_fitted = include_fitted
        self.ridge = ridge
        self.n_candidates = n_candidates
        self.random_state = random_state

    def fit(self, X: Any, observed: Any, error: Any = None,
            sample_weight: Any = None) -> "KernelBalancer":
        """Choose functions and balance them.

        Parameters
        ----------
        X : array or DataFrame of numbers, shape (n, p)
            Features of all items.
        observed : array of bool, shape (n,)
        error : array, shape (observed,) or (n,), optional
            Losses or outcomes of the observed items, by which adaptive functions are chosen.
        sample_weight : array, shape (n,), optional
            How many items of the population each row stands for; 0 for an observed row that is
            not of it. Means over all items are then means over that population.

        Raises
        ------
        ValueError
            Naming the argument that cannot be used.
        BalanceInfeasible
            If no weights balance the functions to within the slack.
        """
        items, seen = checked_items(X, observed)
        self._check_options(len(items))
        base = checked_base(self.base_weights, int(seen.sum()))
        losses = None if error is None else checked_losses("error", error, seen)
        if losses is None and self.selection == "adaptive":
            raise ValueError("error must hold the losses or outcomes of the observed items where "
                             "selection='adaptive', got None. Pass them, or selection='random'.")
        self.share_ = checked_share(sample_weight, len(items))
        self.scaling_ = Scaling.of(items, self.share_)
        self.items_ = self.scaling_(items)
        self.gamma_ = width(self.gamma, self.items_, self.kernel)
        asked = Asked(self.kernel, self.gamma_, self.n_functions, self.n_candidates,
                      self.selection, self.ridge, self.include_fitted)
        chosen = choose(asked, Sample(self.items_, seen, self.share_, base, losses, self.scaling_),
                        self._generator())
        found = balance(chosen.values, self.slack, base)
        self.observed_, self.n_features_in_ = seen, items.shape[1]
        self.weights_, self.dual_ = found.weights, found.dual
        self.functions_, self.values_ = chosen.functions, chosen.values
        self.centres_, self.alpha_ = chosen.centres, chosen.alpha
        self.base_, self.effective_size_ = base, effective_size(found.weights)
        self.imbalance_ = pd.DataFrame({
            "function": np.arange(chosen.values.shape[1]), "before": chosen.values.T @ base,
            "after": found.residual})
        return self

    def estimate(self, values: Any, *, imputed: Any = None,
                 groups: Any = None) -> BalanceResult:
        """Mean of an outcome over all items.

        Parameters
        ----------
        values : array, shape (observed,) or (n,)
            Outcome of the observed items; of n values, those of other items are not looked at.
        imputed : array, shape (n,), optional
            Predicted outcome of all items: the mean is then doubly robust.
        groups : array, shape (observed,) or (n,), optional
            Items that may err together, such as the user of each rating.

        Notes
        -----
        The interval holds if the items are observed independently given their features, and the
        outcome is, up to noise, a combination of the balanced functions whose coefficients times
        the slack are small. Whatever else explains the outcome biases the mean, and no interval
        tells by how much.
        """
        check_is_fitted(self, "weights_")
        outcome, shift = checked_losses("values", values, self.observed_), 0.0
        if imputed is not None:
            guess = checked_imputed(imputed, len(self.observed_))
            whole = guess.mean() if self.share_ is None else self.share_ @ guess
            shift, outcome = float(whole), outcome - guess[self.observed_]
        codes = None if groups is None else checked_groups(groups, self.observed_)
        active = np.abs(self.dual_) > ACTIVE
        share = (1 / len(self.observed_) if self.share_ is None
                 else self.share_[self.observed_])
        return weighted_mean(outcome, self.weights_, len(self.observed_), shift=shift,
                             balanced=self.values_[:, active], groups=codes, share=share)

    def held_out(self, count: int = 50, *, rng: np.random.Generator) -> pd.DataFrame:
        """Imbalance of kernels that were not asked for, at random items.

        Parameters
        ----------
        count : int > 0
        rng : numpy.random.Generator

        Returns
        -------
        imbalance : DataFrame
            As `imbalance_`.
        """
        check_is_fitted(self, "weights_")
        check.whole(1, count=count)
        free = np.setdiff1d(np.arange(len(self.items_)), self.centres_)
        if not len(free):
            free = np.arange(len(self.items_))
        centres = self.items_[rng.choice(free, min(count, len(free)), replace=False)]
        mean, covariance = moments(self.kernel, self.items_, centres, self.gamma_,
                                   self.share_)
        spread = np.sqrt(np.maximum(np.diag(covariance), 1e-300))
        raw = kernel_functions(self.kernel, self.items_[self.observed_], centres, self.gamma_)
        values = (raw - mean) / spread
        return pd.DataFrame({"function": np.arange(len(centres)), "before": values.T @ self.base_,
                             "after": values.T @ self.weights_})

    def _check_options(self, n: int) -> None:
        if not callable(self.kernel):
            check.one_of(KERNELS, kernel=self.kernel)
        check.one_of(SELECTIONS, selection=self.selection)
        check.positive(ridge=self.ridge)
        check.whole(1, n_candidates=self.n_candidates, n_functions=self.n_functions)
        if not check.holds(lambda one: one >= 0, self.slack):
            raise ValueError(f"slack must be at least 0, got {self.slack!r}. Pass 0.01, in "
                             "standard deviations of a function.")
        if self.n_functions > n:
            raise ValueError(f"n_functions must not exceed the {n} items, got "
                             f"{self.n_functions!r}. Pass {min(50, n)}.")

    def _generator(self) -> np.random.Generator:
        seed = self.random_state
        return seed if isinstance(seed, np.random.Generator) else generator(seed)
