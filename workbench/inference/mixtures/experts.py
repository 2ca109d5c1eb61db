"""The exact mixture of experts over a table of their forecasts.

A probability is a likelihood by itself. A number or a quantile becomes one with a scale that
nobody knows: each expert then stands for several hypotheses, its forecast with each of thirteen
scales, normal around a number, asymmetric Laplace around a quantile. Weights of an expert are the
sums over its scales, all exact.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import xlogy
from scipy.stats import norm

from workbench.core import Estimate, Interval, check
from workbench.inference.mixtures.paths import MixturePath, log_sum
from workbench.inference.universal_mixture import FiniteMixture

__all__ = ["Followed", "follow_experts", "hypotheses"]

CLIP = 1e-6              # probabilities closer to 0 or 1 are moved there
SCALES = 2.0 ** np.arange(-9.0, 4.0)      # times the spread of the outcomes


@dataclass(frozen=True, eq=False)
class Followed:
    """What the mixture of k experts did.

    Parameters
    ----------
    path : MixturePath
        Over the hypotheses, h in all.
    expert : array of int, shape (h,)
        Expert of each hypothesis.
    weights : array, shape (t + 1, k)
        Of the experts before each step and after the last.
    batch_weights : array, shape (k,)
        Their averages over the steps.
    forecast : array, shape (t,)
        ``weights @ forecasts`` of those who spoke.
    clipped : int
        Probabilities that were moved away from 0 or 1.
    """

    path: MixturePath
    expert: np.ndarray
    weights: np.ndarray
    batch_weights: np.ndarray
    forecast: np.ndarray
    clipped: int

    @property
    def regret(self) -> np.ndarray:
        """What was lost to each expert at its best scale by each step [nats], shape (t, k)."""
        each = self.path.regret()
        return np.stack([each[:, self.expert == one].max(axis=1)
                         for one in range(self.weights.shape[1])], axis=1)

    @property
    def bound(self) -> float:
        """The most that can be lost to any expert at any scale [nats]."""
        return float(self.path.bound.max())

    def gain_over_average(self, level: float = 0.9) -> Estimate:
        """Mean log-loss of the equal average minus that of the mixture [nats per step].

        The interval allows for dependence between neighbouring steps: Bartlett weights over
        ``4 (t / 100)**(2/9)`` lags.
        """
        gain = self.path.average_loss() + self.path.log_predictive
        error = _long_run_error(gain)
        mean = float(gain.mean())
        if not error > 1e-12 * max(1.0, abs(mean)):
            return Estimate(mean, why="the same in all steps", unit="nats / step")
        half = float(norm.ppf(0.5 + level / 2)) * error
        return Estimate(mean, Interval(mean - half, mean + half, level), "nats / step")


def hypotheses(predictions: np.ndarray, outcome: np.ndarray | None, kind: str, *,
               quantile_level: float = 0.5) -> tuple[np.ndarray, np.ndarray, int]:
    """Log-likelihoods, shape (t, h), the expert of each column, and how many were clipped.

    Parameters
    ----------
    predictions : array, shape (t, k)
        NaN where an expert said nothing.
    outcome : array, shape (t,), or None
    kind : {"probability", "point", "quantile", "log_score"}
    quantile_level : float in (0, 1)
        Of quantiles.
    """
    check.one_of(("probability", "point", "quantile", "log_score"), kind=kind)
    k = predictions.shape[1]
    if kind == "log_score":
        return predictions, np.arange(k), 0
    y = _outcomes(outcome, predictions, kind)[:, None]
    if kind == "probability":
        kept = np.clip(predictions, CLIP, 1 - CLIP)
        moved = int((kept != predictions)[~np.isnan(predictions)].sum())
        return xlogy(y, kept) + xlogy(1 - y, 1 - kept), np.arange(k), moved
    spread = float(np.std(y)) or float(np.nanmax(np.abs(predictions - y))) or 1.0
    error = (y - predictions)[:, :, None]
    scale = spread * SCALES
    if kind == "point":
        loglik = -0.5 * (error / scale) ** 2 - np.log(scale * math.sqrt(2 * math.pi))
    else:
        if not 0 < quantile_level < 1:
            raise ValueError(f"quantile_level must lie in (0, 1), got {quantile_level!r}. Pass "
                             "0.5 for medians.")
        pinball = error * (quantile_level - (error < 0))
        loglik = np.log(quantile_level * (1 - quantile_level) / scale) - pinball / scale
    return loglik.reshape(len(y), -1), np.repeat(np.arange(k), len(scale)), 0


def follow_experts(predictions: np.ndarray, outcome: np.ndarray | None, kind: str, *,
                   temperature: float = 1.0, quantile_level: float = 0.5) -> Followed:
    """The mixture of experts, all counted the same at first.

    Parameters
    ----------
    predictions : array, shape (t, k)
    outcome, kind, quantile_level : as for :func:`hypotheses`
    temperature : float > 0
    """
    table = check.floats(predictions=predictions)
    if table.ndim != 2 or not table.size:
        raise ValueError("predictions must have a row per step and a column per expert, got "
                         f"shape {table.shape}. Pass one column for each expert.")
    loglik, expert, clipped = hypotheses(table, outcome, kind, quantile_level=quantile_level)
    mixture = FiniteMixture.uniform(loglik.shape[1], temperature=temperature,
                                    is_density=kind != "probability")
    path = mixture.follow(loglik)
    k = table.shape[1]
    weights = np.exp(np.stack([log_sum(path.log_weights[:, expert == one])
                               for one in range(k)], axis=1))
    weights /= weights.sum(axis=1, keepdims=True)
    spoken = ~np.isnan(table)
    heard = np.where(spoken, weights[:-1], 0.0)
    forecast = (heard * np.where(spoken, table, 0.0)).sum(axis=1) / heard.sum(axis=1)
    batch = weights[:-1].mean(axis=0)
    return Followed(path, expert, weights, batch / batch.sum(), forecast, clipped)


def _outcomes(outcome: Any, predictions: np.ndarray, kind: str) -> np.ndarray:
    """Outcomes, shape (t,), that fit the forecasts: shares beside probabilities, else finite."""
    if outcome is None:
        raise ValueError(f"outcome must be given where kind={kind!r}, got none. Pass what "
                         "happened in each step.")
    y = check.floats(outcome=outcome, hint="Code an event as 1, and what is none as 0.")
    check.same_length(outcome=y, predictions=predictions)
    check.finite(outcome=y)
    told = predictions[~np.isnan(predictions)]
    if kind != "probability":
        check.finite(predictions=told, hint="Leave forecasts that were not made NaN.")
        return y
    for name, values in {"outcome": y, "predictions": told}.items():
        bad = (values < 0) | (values > 1)
        if bad.any():
            raise ValueError(f"{name} must lie in [0, 1] where kind='probability', got "
                             f"{values[bad][0]:g}. Divide percentages by 100, or pass "
                             "kind='point'.")
    return y


def _long_run_error(values: np.ndarray) -> float:
    """Standard error of a mean of dependent numbers (Newey and West, 1987)."""
    t = len(values)
    centred = values - values.mean()
    lags = min(t - 1, int(4 * (t / 100) ** (2 / 9)))
    variance = float(centred @ centred) / t
    for lag in range(1, lags + 1):
        variance += 2 * (1 - lag / (lags + 1)) * float(centred[lag:] @ centred[:-lag]) / t
    return math.sqrt(max(variance, 0.0) / t)
