"""Checks of what labelled rows can say: only surrogates speak for a level without a label."""

import warnings
from collections.abc import Sequence

import numpy as np
import pandas as pd

from workbench.inference.design.solution import DesignWarning

__all__ = ["checked_clusters", "checked_effects", "checked_levels", "checked_outcome", "enough"]

FEW, FEW_CLUSTERS, SHOWN = 10, 30, 5


def checked_levels(X_gold: np.ndarray, X_all: np.ndarray, names: Sequence[str],
                   labelled: np.ndarray) -> None:
    """Refuse columns on which no label bears; warn of levels with few labels.

    Parameters
    ----------
    X_gold, X_all : array, shape (n, d)
        With gold labels (zero without), and with surrogates.
    names : sequence of str
    labelled : array of bool, shape (n,)
    """
    own, every = X_gold[labelled], np.where(labelled[:, None], X_gold, X_all)
    still = (own == own[0]).all(axis=0) & ((own[0] == 0) | (every == 1).all(axis=0).any())
    idle = [name for name, here, there in zip(names, still, (every == every[0]).all(axis=0),
                                              strict=True) if here and not there]
    if idle:
        raise ValueError(f"formula must have columns that vary among labelled rows, but "
                         f"{_listed(idle)} do not, so that no label would speak for them. Label "
                         "rows of each level, merge levels, or drop those columns.")
    if _rank(own) < min(_rank(every), len(own)):
        raise ValueError("formula must have columns that are determined by the labelled rows, but "
                         "they are not though all rows determine them: perhaps the first level of "
                         f"a category has no label among {_listed(names)}. Label rows of each "
                         "level, or merge levels.")
    levels = np.isin(every, (0, 1)).all(axis=0) & (every != every[0]).any(axis=0)
    counts = np.minimum(own.sum(axis=0), len(own) - own.sum(axis=0))
    few = [f"{names[int(at)]!r} ({counts[at]:.0f})"
           for at in np.flatnonzero(levels & (counts < FEW))]
    if few:
        _warn(f"Few labels tell levels apart: {', '.join(few[:SHOWN])}; normal intervals need at "
              f"least {FEW} in each. Label more there, or merge levels.")


def checked_effects(data: pd.DataFrame, effects: Sequence[str], labelled: np.ndarray) -> None:
    """The same of fixed effects, columns of groups."""
    for name in effects:
        found, number = np.unique(data[name].astype(str), return_inverse=True)
        counts = np.bincount(number[labelled], minlength=len(found))
        if (counts == 0).any():
            raise ValueError(f"fixed_effects must have labels in every group, but {name!r} has "
                             f"none in {_listed(found[counts == 0].tolist())}. Label rows of each "
                             "group, or merge groups.")
        if (counts < FEW).any() and not labelled.all():
            _warn(f"Few labels in {int((counts < FEW).sum())} of {len(found)} groups of {name!r}; "
                  f"normal intervals need at least {FEW} in each. Label more there, or merge "
                  "groups.")


def checked_outcome(y_gold: np.ndarray, y_all: np.ndarray, labelled: np.ndarray, *,
                    observed: bool) -> None:
    """Refuse outcomes of a logit that are not 0 and 1, or all the same.

    Parameters
    ----------
    y_gold, y_all : array, shape (n,)
    labelled : array of bool, shape (n,)
    observed : bool
        Whether the outcome is known for every row.
    """
    own = y_gold[labelled]
    used = y_all if observed else own
    odd = used[~np.isin(used, (0, 1))]
    if len(odd):
        raise ValueError("the outcome must be 0 or 1 for model='logit', got "
                         f"{'values' if observed else 'gold labels'} such as {odd.max():g}. Pass "
                         "model='ols'.")
    if (own == own[0]).all():
        raise ValueError("the outcome must be 0 in some labelled rows and 1 in others for "
                         f"model='logit', got {own[0]:g} in all {len(own)}. Label more rows, or "
                         "pass model='ols'.")


def checked_clusters(cluster: np.ndarray | None, coefficients: int) -> None:
    """Refuse clusters that cannot tell a covariance; warn of few."""
    if cluster is None:
        return
    number = int(cluster.max()) + 1
    if number <= coefficients:
        raise ValueError(f"cluster must have more groups than the {coefficients} coefficients, "
                         f"got {number}. Drop covariates, or pass smaller clusters.")
    if number < FEW_CLUSTERS:
        _warn(f"Only {number} clusters; normal intervals need at least {FEW_CLUSTERS}. Read them "
              "as too narrow.")


def enough(labelled: np.ndarray, coefficients: int, folds: int) -> None:
    """Refuse fewer labels than coefficients need, in each of `folds`."""
    least = (coefficients + 1) * folds
    if labelled.sum() < least and not labelled.all():
        raise ValueError(f"predicted must be labelled in at least {least} rows, cross_fit "
                         f"times one more than coefficients, got {labelled.sum()}. "
                         "Label more rows, or pass a smaller cross_fit or g='surrogate'.")


def _rank(X: np.ndarray) -> int:
    size = np.linalg.norm(X, axis=0)
    return int(np.linalg.matrix_rank(X / np.where(size > 0, size, 1)))


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names[:SHOWN])) + (" ..." if len(names) > SHOWN else "")


def _warn(sentence: str) -> None:
    warnings.warn(sentence, DesignWarning, stacklevel=4)
