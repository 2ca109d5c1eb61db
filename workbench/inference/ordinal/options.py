"""What the options of an ordinal regression may be, and what its rows may weigh."""

import math
import numbers
from typing import Any

import numpy as np

from workbench.core import check
from workbench.inference.ordinal.path import FEASIBILITIES
from workbench.inference.ordinal.tuning import SCORINGS

__all__ = ["amounts_of", "checked_lam", "checked_options"]

BOUNDS = {"n_lambdas": (1, 200), "lambda_min_ratio": (1e-5, 0.5), "l1_ratio": (0, 1),
          "penalize_base": (0, np.inf), "max_iter": (1, np.inf), "tol": (0, np.inf)}
WHOLE = ("n_lambdas", "max_iter")
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
    checked_lam(options.lam)
    for name, (low, high) in BOUNDS.items():
        value = getattr(options, name)
        kind = numbers.Integral if name in WHOLE else numbers.Real
        if isinstance(value, bool) or not isinstance(value, kind) or not (
                low <= float(value) <= high and math.isfinite(value)):
            rule = f"between {low:g} and {high:g}" if high < np.inf else f"at least {low:g}"
            raise ValueError(f"{name} must be a {'whole ' * (name in WHOLE)}number {rule}, got "
                             f"{value!r}. Pass {USUAL[name]:g}.")
    check.one_of(SCORINGS, scoring=options.scoring)
    check.one_of(FEASIBILITIES, feasibility=options.feasibility)
    cv = options.cv
    if isinstance(cv, bool) or (isinstance(cv, numbers.Real) and not (
            isinstance(cv, numbers.Integral) and 2 <= int(cv) <= 20)) or cv is None:
        raise ValueError(f"cv must be a whole number between 2 and 20, or pairs of training and "
                         f"held-out rows, got {cv!r}. Pass 5.")


def checked_lam(lam: Any) -> None:
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
    amounts = np.asarray(sample_weight, dtype=float)
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
    return amounts
