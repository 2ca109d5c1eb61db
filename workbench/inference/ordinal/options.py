"""What the options of an ordinal regression may be, and what its rows may weigh."""

import math
import numbers
from collections.abc import Iterable
from typing import Any

import numpy as np
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import validate_data

from workbench.core import check
from workbench.inference.ordinal.coding import labels_of
from workbench.inference.ordinal.path import FEASIBILITIES
from workbench.inference.ordinal.tuning import SCORINGS

__all__ = ["amounts_of", "checked_options", "checked_shares", "numbers_and_labels",
           "numbers_of"]

BOUNDS = {"n_lambdas": (1, 200), "lambda_min_ratio": (1e-5, 0.5), "l1_ratio": (0, 1),
          "penalize_base": (0, np.inf), "max_iter": (1, np.inf), "tol": (0, np.inf)}
WHOLE = ("n_lambdas", "max_iter")
SWITCHES = {"standardize": True, "strict": False}
LEAST_SHARE = 1e-12      # of a class, below which its boundaries are one
SIZES = 1e-150, 1e150     # of entries, whose squares are still numbers
USUAL = {"n_lambdas": 20, "lambda_min_ratio": 0.01, "l1_ratio": 1.0, "penalize_base": 1.0,
         "max_iter": 20000, "tol": 1e-12}


def checked_options(options: Any) -> None:
    """Refuse options out of their bounds.

    Parameters
    ----------
    options : object
        With the attributes of a PRESTO.

    Raises
    ------
    ValueError
        Naming the option, its rule, the value and a usual one.
    """
    _checked_lam(options.lam)
    for name, (low, high) in BOUNDS.items():
        value = getattr(options, name)
        kind = numbers.Integral if name in WHOLE else numbers.Real
        if isinstance(value, bool) or not isinstance(value, kind) or not (
                low <= float(value) <= high and math.isfinite(value)):
            rule = f"between {low:g} and {high:g}" if high < np.inf else f"at least {low:g}"
            raise ValueError(f"{name} must be a {'whole ' * (name in WHOLE)}number {rule}, got "
                             f"{value!r}. Pass {USUAL[name]:g}.")
    for name, usual in SWITCHES.items():
        if not isinstance(getattr(options, name), bool | np.bool_):
            raise ValueError(f"{name} must be True or False, got {getattr(options, name)!r}. Pass "
                             f"{usual}.")
    check.one_of(SCORINGS, scoring=options.scoring)
    check.one_of(FEASIBILITIES, feasibility=options.feasibility)
    _checked_folds(options.cv)
    _checked_seed(options.random_state)


def _checked_folds(cv: Any) -> None:
    whole = not isinstance(cv, bool) and isinstance(cv, numbers.Integral) and 2 <= int(cv) <= 20
    if not whole and (isinstance(cv, str) or not isinstance(cv, Iterable)):
        raise ValueError("cv must be a whole number between 2 and 20, or pairs of training and "
                         f"held-out rows, got {cv!r}. Pass 5, or list(splitter.split(X, y)) for "
                         "one of scikit-learn.")


def _checked_seed(seed: Any) -> None:
    drawn = isinstance(seed, np.random.Generator | np.random.RandomState) or seed is None
    if not drawn and (isinstance(seed, bool) or not isinstance(seed, numbers.Integral)
                      or int(seed) < 0):
        raise ValueError("random_state must be a whole number >= 0, a generator or None, got "
                         f"{seed!r}. Pass 0.")


def numbers_and_labels(estimator: Any, X: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
    """Features as floats, shape (n, p), and labels, shape (n,), noted on the estimator.

    Raises
    ------
    ValueError
        If a feature is no finite number of usual size, or y no labels.
    """
    try:
        own, labels = validate_data(estimator, X, labels_of(y), dtype=np.float64)
    except ValueError as wrong:
        if "convert" in str(wrong):
            wrong.add_note("X must hold numbers. Encode text first, such as by "
                           "pandas.get_dummies(X).")
        raise
    check_classification_targets(labels)
    _checked_sizes(own)
    return own, labels


def numbers_of(estimator: Any, X: Any) -> np.ndarray:
    """Features of new rows as floats, shape (n, p)."""
    own = np.asarray(validate_data(estimator, X, reset=False, dtype=np.float64))
    _checked_sizes(own, 0.0)
    return own


def _checked_sizes(X: np.ndarray, least: float = SIZES[0]) -> None:
    size = np.abs(X).max(axis=0)
    wrong = np.flatnonzero((size > 0) & ~((size >= least) & (size <= SIZES[1])))
    if wrong.size:
        raise ValueError(f"X must hold columns between {SIZES[0]:g} and {SIZES[1]:g} in size, but "
                         f"column {wrong[0]} reaches {size[wrong[0]]:.3g}. Measure it in another "
                         "unit.")


def _checked_lam(lam: Any) -> None:
    """Refuse a lambda that is neither "cv" nor a number >= 0."""
    if isinstance(lam, str) and lam == "cv":
        return
    if isinstance(lam, bool | str) or not isinstance(lam, numbers.Real) or not float(lam) >= 0:
        raise ValueError(f"lam must be 'cv' or a number >= 0, got {lam!r}. Pass 'cv', or inf for "
                         "no difference between transitions.")


def amounts_of(sample_weight: Any, n: int) -> np.ndarray:
    """Weights as floats, ones without any.

    Raises
    ------
    ValueError
        If they are not one finite amount >= 0 per row, or all are 0.
    """
    if sample_weight is None:
        return np.ones(n)
    try:
        amounts = np.asarray(sample_weight)
        if amounts.dtype.kind == "c":
            raise TypeError
        amounts = amounts.astype(float)
    except (TypeError, ValueError):
        raise ValueError("sample_weight must hold numbers, got others, such as text. Pass one "
                         "amount >= 0 per row.") from None
    if amounts.ndim == 0:
        amounts = np.full(n, float(amounts))
    if amounts.shape != (n,):
        raise ValueError(f"sample_weight must have one entry per row, got the shape "
                         f"{amounts.shape} for {n} rows. Pass a vector.")
    check.finite(sample_weight=amounts)
    if not (amounts >= 0).all() or not amounts.any():
        raise ValueError(f"sample_weight must be >= 0 and not all zero, got smallest "
                         f"{amounts.min():.3g} and largest {amounts.max():.3g}. Clip or drop the "
                         "bad rows.")
    return amounts / amounts.max()


def checked_shares(codes: np.ndarray, amounts: np.ndarray, classes: np.ndarray) -> None:
    """Refuse weights beside which a class is lost in rounding.

    Parameters
    ----------
    codes : array of int, shape (n,)
    amounts : array, shape (n,)
    classes : array, shape (k,)
    """
    share = np.bincount(codes, amounts, minlength=len(classes)) / amounts.sum()
    if not share.min() >= LEAST_SHARE:
        raise ValueError(f"sample_weight must leave each class a share of at least "
                         f"{LEAST_SHARE:g}, but class {classes[share.argmin()]} has "
                         f"{share.min():.3g}. Clip the largest weights, or leave the class out.")
