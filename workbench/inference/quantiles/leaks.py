"""Does a base model know the rows that judge it? A test with a stated rate of false alarms.

Losses of honest predictions of training rows come, at best, from the same distribution as losses
on rows held out: models of folds saw fewer rows. A model that saw the training rows has smaller
losses there. The rank test of H. B. Mann and D. R. Whitney (1947) compares the two without any
assumption on the form of the losses.
"""

import warnings
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import mannwhitneyu

from workbench.core import check
from workbench.inference.quantiles.levels import checked_levels
from workbench.inference.quantiles.scores import pinball_losses

__all__ = ["LeakWarning", "check_for_leak"]


class LeakWarning(UserWarning):
    """A base model seems to have seen the rows that the aggregator learns from."""


def check_for_leak(Z: Any, y: Any, Z_val: Any, y_val: Any, *,  # noqa: PLR0913 - two sets of rows
                   quantile_levels: Any = None, names: Any = None, false_alarms: float = 1e-3,
                   on_leak: str = "warn") -> pd.DataFrame:
    """Compare losses on training rows with those on rows held out, model by model.

    Parameters
    ----------
    Z : array, shape (n, k, q)
        Base quantiles of the rows that the aggregator learns from.
    y : array, shape (n,)
    Z_val : array, shape (m, k, q)
        Base quantiles of rows that no model has seen.
    y_val : array, shape (m,)
    quantile_levels : array, shape (q,), optional
        None takes ``even_levels(19)``.
    names : sequence of str, optional
        Of the models; None numbers them.
    false_alarms : float in (0, 1)
        Chance that any of the k honest models is called a leak, at most.
    on_leak : {"warn", "raise", "ignore"}

    Returns
    -------
    table : DataFrame
        model; loss and loss_held_out [unit of y], mean pinball losses; chance, that an honest
        model has ranks so low (one-sided, asymptotic); is_leak, ``k * chance < false_alarms``.

    Raises
    ------
    ValueError
        If shapes disagree; or, with ``on_leak="raise"``, if a model is called a leak.

    Notes
    -----
    The rate holds where both sets of rows are drawn alike. Rows held out from a later time, or
    another place, may be harder without any leak.

    Examples
    --------
    >>> y = np.arange(50.0)
    >>> known = np.repeat(y[:, None, None], 3, axis=2)
    >>> check_for_leak(known, y, known[::-1], y, quantile_levels=[0.1, 0.5, 0.9],
    ...                on_leak="ignore")["is_leak"].tolist()
    [True]
    """
    levels = checked_levels(quantile_levels)
    check.one_of(("warn", "raise", "ignore"), on_leak=on_leak)
    if not 0 < false_alarms < 1:
        raise ValueError(f"false_alarms must lie strictly between 0 and 1, got {false_alarms!r}. "
                         "Pass 0.001.")
    known, held = np.asarray(Z, dtype=float), np.asarray(Z_val, dtype=float)
    if known.ndim != 3 or held.ndim != 3 or known.shape[1:] != held.shape[1:]:
        raise ValueError("Z and Z_val must have shapes (n, k, q) and (m, k, q), got "
                         f"{known.shape} and {held.shape}. Predict both with the same models.")
    k = known.shape[1]
    called = list(range(k) if names is None else names)
    if len(called) != k:
        raise ValueError(f"names must have one entry for each of the {k} models of Z, got "
                         f"{len(called)}. Pass them in the order of Z.")
    found = []
    for place, name in enumerate(called):
        losses, others = (pinball_losses(truth, rows[:, place], levels).mean(axis=1)
                          for truth, rows in ((y, known), (y_val, held)))
        chance = float(mannwhitneyu(losses, others, alternative="less",
                                    method="asymptotic").pvalue)
        found.append((name, losses.mean(), others.mean(), chance, k * chance < false_alarms))
    table = pd.DataFrame(found, columns=["model", "loss", "loss_held_out", "chance", "is_leak"])
    if on_leak != "ignore" and table["is_leak"].any():
        _tell(table, false_alarms, on_leak)
    return table


def _tell(table: pd.DataFrame, false_alarms: float, on_leak: str) -> None:
    told = "; ".join(f"{row.model!r} loses {row.loss:.3g} there and {row.loss_held_out:.3g} here"
                     for row in table[table["is_leak"]].itertuples())
    sentence = ("Base models must not have seen the rows that the aggregator learns from, but "
                f"some do better on them than on rows held out ({told}; chance of a false alarm "
                f"{false_alarms:g}). Predict those rows with out_of_fold(), or, where the rows "
                "held out are of another time or place, draw them at random.")
    if on_leak == "raise":
        raise ValueError(sentence)
    warnings.warn(sentence, LeakWarning, stacklevel=3)
