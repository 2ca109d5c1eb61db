"""Fits along a path of penalties, without choosing one."""

from typing import Any

import numpy as np

from workbench.inference.ordinal.options import checked_options
from workbench.inference.ordinal.path import Path
from workbench.inference.presto import PRESTO

__all__ = ["presto_path"]


def presto_path(X: Any, y: Any, lambdas: Any = None, *, sample_weight: Any = None,
                **options: Any) -> Path:
    """Fits along a path of lambdas, without choosing one.

    Parameters
    ----------
    X : array or DataFrame, shape (n, p)
    y : array, shape (n,)
    lambdas : array, shape (l,), optional
        Numbers >= 0, fitted from the largest to the smallest; None takes those of :class:`PRESTO`.
    sample_weight : array, shape (n,), optional
    **options
        As of :class:`PRESTO`, but for `lam`.

    Returns
    -------
    path : Path

    Raises
    ------
    ValueError
        If an argument cannot be used.

    Examples
    --------
    >>> X, y = np.arange(12.0)[:, None] % 5, np.arange(12) % 3
    >>> path = presto_path(X, y, n_lambdas=3)
    >>> path.coefs.shape, bool((path.coefs[0] == 0).all())
    ((3, 2, 1), True)
    """
    if "lam" in options:
        raise ValueError(f"lam must not be given beside lambdas, got {options['lam']!r}. Pass "
                         "it as lambdas=[lam].")
    model = PRESTO(0.0, **options)
    checked_options(model)
    own, codes, weight, _ = model._read(X, y, sample_weight)
    problem = model._problem(own, codes, weight, model.tol)
    if lambdas is None:
        return problem.path(problem.lambdas(model.n_lambdas, model.lambda_min_ratio))
    return problem.path(_descending(lambdas))


def _descending(lambdas: Any) -> np.ndarray:
    try:
        wanted = np.sort(np.asarray(lambdas, dtype=float).ravel())[::-1]
    except (TypeError, ValueError):
        wanted = np.array([np.nan])
    if not wanted.size:
        raise ValueError("lambdas must hold a number, got none. Pass None for the usual ones.")
    if not (wanted >= 0).all():
        raise ValueError(f"lambdas must be numbers >= 0, got {lambdas!r}. Pass None for the usual "
                         "ones.")
    return np.asarray(wanted)
