"""What a mixture accepts: priors that sum to one, and log-probabilities."""

import math
from typing import Any

import numpy as np
from scipy.special import logsumexp

from workbench.core import check

__all__ = ["checked_divergences", "checked_likelihood", "checked_prior", "checked_samples",
           "checked_seen", "checked_temperature", "refuse_impossible"]

SLACK = 1e-9             # of sums of probabilities, in logarithms
ROUGH = 1e-5             # of sums that single precision rounds, which are made exact


def checked_prior(log_prior: Any) -> np.ndarray:
    """Log prior weights, shape (k,), that sum to one.

    Raises
    ------
    ValueError
        If they are none, not numbers, or do not sum to one.
    """
    found = check.floats(log_prior=log_prior)
    if found.ndim != 1 or not len(found):
        raise ValueError(f"log_prior must have shape (k,) with k > 0, got {found.shape}. Pass one "
                         "logarithm per hypothesis.")
    total = float(logsumexp(found)) if not np.isnan(found).any() else math.nan
    if not abs(total) <= ROUGH:
        raise ValueError("log_prior must be logarithms of weights that sum to 1, got a sum of "
                         f"{math.exp(min(total, 700.0)):.6g}. Subtract "
                         "scipy.special.logsumexp(log_prior).")
    return found if abs(total) <= SLACK else found - total


def checked_seen(log_likelihood: Any, k: int) -> np.ndarray:
    """Log-likelihoods seen until now, shape (k,); none is zeros."""
    if log_likelihood is None:
        return np.zeros(k)
    found = check.floats(log_likelihood=log_likelihood)
    if found.shape != (k,) or np.isnan(found).any():
        raise ValueError(f"log_likelihood must have one number for each of {k} hypotheses, got "
                         f"shape {found.shape} with {int(np.isnan(found).sum())} NaN. Leave it "
                         "out to begin anew.")
    return found


def checked_divergences(name: str, values: Any, *, finite: bool = False) -> np.ndarray:
    """Divergences >= 0 [nats per sample], shape (m,) with m > 0; infinity passes unless `finite`.

    Raises
    ------
    ValueError
        If there are none, or one is negative, NaN or no number.
    """
    found = np.atleast_1d(check.floats(**{name: values}))
    most = np.finfo(float).max if finite else math.inf
    good = (found >= 0) & (found <= most)
    if not (found.size and good.all()):
        worst = found[~good][0] if found.size else "none"
        raise ValueError(f"{name} must hold divergences >= 0, got {worst}. Divergences are never "
                         "negative: check their order.")
    return found


def checked_samples(n: Any) -> None:
    """Refuse counts of samples that are negative, infinite or no number."""
    if not check.holds(lambda one: 0 <= one < math.inf, n):
        raise ValueError(f"n must be a finite number >= 0, got {n!r}. Pass the number of samples.")


def checked_temperature(temperature: float) -> None:
    """Refuse temperatures that are not above zero; infinity passes."""
    if not check.holds(lambda one: one > 0, temperature):
        raise ValueError(f"temperature must be positive, got {temperature!r}. 1 is Bayes' rule; "
                         "infinity keeps the prior weights.")


def checked_likelihood(loglik: Any, k: int, *, is_density: bool) -> np.ndarray:
    """Log-probabilities, shape (t, k); NaN stands for a hypothesis that says nothing.

    Raises
    ------
    ValueError
        If the shape is wrong, or a number is no log-probability: above 0 unless `is_density`.
    """
    rows = check.floats(loglik=loglik)
    if rows.ndim != 2 or rows.shape[1] != k or not len(rows):
        raise ValueError(f"loglik must have one column for each of {k} hypotheses, got shape "
                         f"{rows.shape}. Pass an array of shape (t, {k}), t > 0, or for one step "
                         f"of shape ({k},).")
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
