"""What a mixture accepts: priors that sum to one, and log-probabilities."""

import math
from typing import Any

import numpy as np
from scipy.special import logsumexp

__all__ = ["checked_likelihood", "checked_prior", "checked_temperature", "refuse_impossible"]

SLACK = 1e-9             # of sums of probabilities, in logarithms


def checked_prior(log_prior: Any) -> np.ndarray:
    """Log prior weights, shape (k,), that sum to one.

    Raises
    ------
    ValueError
        If they are none, not numbers, or do not sum to one.
    """
    found = np.asarray(log_prior, dtype=float)
    if found.ndim != 1 or not len(found):
        raise ValueError(f"log_prior must have shape (k,) with k > 0, got {found.shape}. Pass one "
                         "logarithm per hypothesis.")
    total = float(logsumexp(found)) if not np.isnan(found).any() else math.nan
    if not abs(total) <= SLACK:
        raise ValueError("log_prior must be logarithms of weights that sum to 1, got a sum of "
                         f"{math.exp(min(total, 700.0)):.6g}. Subtract "
                         "scipy.special.logsumexp(log_prior).")
    return found


def checked_temperature(temperature: float) -> None:
    """Refuse temperatures that are not above zero; infinity passes."""
    if not temperature > 0:
        raise ValueError(f"temperature must be positive, got {temperature!r}. 1 is Bayes' rule; "
                         "infinity keeps the prior weights.")


def checked_likelihood(loglik: Any, k: int, *, is_density: bool) -> np.ndarray:
    """Log-probabilities, shape (t, k); NaN stands for a hypothesis that says nothing.

    Raises
    ------
    ValueError
        If the shape is wrong, or a number is no log-probability: above 0 unless `is_density`.
    """
    rows = np.asarray(loglik, dtype=float)
    if rows.ndim != 2 or rows.shape[1] != k:
        raise ValueError(f"loglik must have one column for each of {k} hypotheses, got shape "
                         f"{rows.shape}. Pass an array of shape (t, {k}).")
    most = math.inf if is_density else SLACK
    bad = (rows > most) | np.isposinf(rows)
    if bad.any():
        step, hypothesis = np.argwhere(bad)[0]
        raise ValueError("loglik must be logarithms of probabilities, at most 0, got "
                         f"{rows[step, hypothesis]:.4g} of hypothesis {hypothesis} at step "
                         f"{step}. Take logarithms; of densities pass is_density=True.")
    silent = np.isnan(rows).all(axis=1)
    if silent.any():
        raise ValueError("loglik must have a number in each step, but no hypothesis says anything "
                         f"at step {int(np.flatnonzero(silent)[0])}. Drop such steps.")
    return rows


def refuse_impossible(mixed: np.ndarray, *, first: int = 0) -> None:
    """Refuse outcomes to which every hypothesis with weight gave probability zero."""
    bad = ~np.isfinite(mixed)
    if bad.any():
        raise ValueError("loglik must leave a hypothesis possible, but at step "
                         f"{first + int(np.flatnonzero(bad)[0])} all that have weight give the "
                         "outcome probability 0. Keep probabilities above 0, or add a hypothesis "
                         "that allows everything.")
