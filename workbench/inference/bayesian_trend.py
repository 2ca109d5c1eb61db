"""How surely is opinion rising or falling? A robust Bayesian trend of scores over time.

The line is ``mu = alpha + beta * t + a[source]`` with Student-t noise, so that a gross outlier
counts little: at the posterior, ``estimate = weights @ scores`` with weights proportional to
``(nu + 1) / (nu * sigma**2 + residual**2)``. With ``nu = inf`` every score counts the same.
A smooth trend adds a Gaussian process to the line; change points add kinks.

Source: the trend part of B. M. Pavlyshenko, arXiv:2505.06313 (2025); priors and likelihood as
reconstructed in ``docs/papers/opinion_trends.md``.
"""

import math
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from workbench.core import check
from workbench.core.card import Card
from workbench.inference.conjugate import NormalInverseGamma
from workbench.inference.trend.design import Prior, TrendDesign, to_days
from workbench.inference.trend.fit import Observed, TrendFit

__all__ = ["CARD", "BayesianTrend"]

CARD = Card(
    source="pavlyshenko2025news",
    weighs="opinion scores, by how far each lies from the trend",
    range="simplex",
    neutral={"nu": math.inf}, baseline="normal likelihood",
)

FEWEST = 5
MANY = 20_000        # rows above which sampler="auto" takes Laplace instead of NUTS
LAPLACE_DRAWS = 250  # per chain; one density of a million rows takes tens of milliseconds


@dataclass(frozen=True)
class BayesianTrend:
    """Trend of scores over time with posterior and predictive bands.

    Parameters
    ----------
    trend : {"line", "smooth"}
        A straight line (with kinks at the change points), or a line plus a Gaussian process.
    likelihood : {"student", "normal"}
    nu : float > 2 or None
        Degrees of freedom of the Student-t; None learns them, ``nu ~ 2 + Gamma(2, 0.1)``;
        infinity is the normal likelihood.
    time_scale : float > 0
        Days per time unit; slopes are per time unit.
    changepoints : int >= 0
        Equally spaced kinks, ``d_k * relu(t - c_k)``.
    scale : (float, float) or None
        Ends of the score scale, which set the prior; None takes the range of the scores.
    prior : Prior or None
        Replaces the prior made from `scale`.
    horizon : float >= 0
        Days after the last score for which a smooth trend can be predicted.
    basis : int > 0
        Sine functions of the smooth trend.
    sampler : {"auto", "nuts", "laplace", "exact"}
        NUTS; a Laplace approximation corrected by importance weights; or the closed form of the
        Normal-inverse-gamma prior (normal likelihood, straight line). ``auto`` is NUTS up to
        20,000 scores and Laplace above.
    draws, tune, chains : int > 0

    Notes
    -----
    ``alpha ~ N(mid-scale, range / 2)``, ``beta ~ N(0, range / 5)``, ``sigma ~ HalfNormal(range /
    5)``, ``a ~ N(0, tau)``, ``tau ~ HalfNormal(range / 8)``, ``d ~ Laplace(range / 20)``; bends
    have sd ``~ HalfNormal(range / 5)`` and log length ``~ N(log(window / 5), 0.7)``. The noise
    cannot fall below the resolution of the scores (a step h has sd ``h / sqrt(12)``), so that
    scores in whole numbers, many of them equal, do not make it vanish. The exact sampler has
    ``sigma**2 ~ InvGamma(1/2, s**2 / 2)``, ``s = range / 50``, coefficients whose sds above are
    multiplied by ``sigma / s``, and a fixed ``tau = range / 8``.

    Examples
    --------
    >>> days = np.arange("2024-01-01", "2024-03-01", dtype="datetime64[D]")
    >>> scores = 7 - 0.02 * np.arange(len(days)) + np.tile([0.1, -0.1], 30)
    >>> model = BayesianTrend(likelihood="normal", sampler="exact", scale=(0, 10))
    >>> fit = model.fit(days, scores, rng=np.random.default_rng(0))
    >>> abs(fit.slope().value - -0.6) < 0.05
    True
    """

    trend: str = "line"
    likelihood: str = "student"
    nu: float | None = 4.0
    time_scale: float = 30.0
    changepoints: int = 0
    scale: tuple[float, float] | None = None
    prior: Prior | None = None
    horizon: float = 0.0
    basis: int = 30
    sampler: str = "auto"
    draws: int = field(default=1000, kw_only=True)
    tune: int = field(default=1000, kw_only=True)
    chains: int = field(default=4, kw_only=True)

    def __post_init__(self) -> None:
        check.one_of(("line", "smooth"), trend=self.trend)
        check.one_of(("student", "normal"), likelihood=self.likelihood)
        check.one_of(("auto", "nuts", "laplace", "exact"), sampler=self.sampler)
        check.positive(time_scale=self.time_scale, draws=self.draws, tune=self.tune,
                       chains=self.chains, basis=self.basis)
        if self.nu is not None and not self.nu > 2:
            raise ValueError(f"nu must be above 2, so that scores have a variance, got "
                             f"{self.nu!r}. Pass 4, or None to learn it.")
        if not (self.changepoints >= 0 and self.horizon >= 0):
            raise ValueError(f"changepoints and horizon must be >= 0, got {self.changepoints!r} "
                             f"and {self.horizon!r}. Pass 0 for none.")
        if self.sampler == "exact" and (self.robust or self.trend != "line" or self.changepoints):
            raise ValueError("sampler='exact' must come with likelihood='normal', trend='line' "
                             f"and changepoints=0, got {self.likelihood!r}, {self.trend!r} and "
                             f"{self.changepoints}. Use sampler='auto' for the others.")

    @property
    def robust(self) -> bool:
        """Whether an outlier counts less than its neighbours."""
        return self.likelihood == "student" and self.nu != math.inf

    def fit(self, dates: Any, scores: Any, *, rng: np.random.Generator,
            sample_weight: Any = None, source: Any = None, error: Any = None) -> TrendFit:
        """Condition on scores.

        Parameters
        ----------
        dates : array of dates, shape (n,)
        scores : array, shape (n,)
        rng : numpy.random.Generator
        sample_weight : array, shape (n,), optional
            Amounts >= 0 that multiply each log likelihood; 2 equals two copies.
        source : array of str, shape (n,), optional
            Group of each score; each gets its own offset.
        error : array, shape (n,), optional
            Known standard error of each score, in score units.

        Raises
        ------
        ValueError
            With fewer than 5 scores, all dates equal, scores outside the scale, or NaN.
        """
        rows = self._observed(dates, scores, sample_weight, source, error)
        low, high = self.scale or (float(rows.score.min()), float(rows.score.max()))
        if not low < high:
            raise ValueError(f"scale must have its low end below its high end, got {low!r} and "
                             f"{high!r}. Pass scale=(low, high) when all scores are equal.")
        outside = (rows.score < low) | (rows.score > high)
        if outside.any():
            raise ValueError(f"scores must lie on the scale {low:g} to {high:g}, got "
                             f"{int(outside.sum())} outside, the first is "
                             f"{rows.score[outside][0]:g}. Pass the true scale.")
        design = TrendDesign(
            rows.day.min(), rows.day.max(), self.time_scale, rows.sources,
            self.changepoints, self.basis if self.trend == "smooth" else 0, self.horizon)
        prior = self.prior or replace(Prior.for_scale((low, high), design.span),
                                      sigma_floor=_resolution(rows.score, high - low))
        if self.sampler == "exact":
            return self._exact(rows, design, prior, rng)
        return self._sampled(rows, design, prior, rng)

    def _observed(self, dates: Any, scores: Any, weight: Any, source: Any,
                  error: Any) -> Observed:
        score = _numbers(scores)
        n = len(score)
        day = to_days(dates)
        weights = np.ones(n) if weight is None else _numbers(weight)
        errors = np.zeros(n) if error is None else _numbers(error)
        if source is not None and pd.isna(np.asarray(source, dtype=object)).any():
            raise ValueError("source must name a source for each score, got missing ones. Name "
                             "them 'unknown', or drop the rows.")
        names = None if source is None else np.asarray(source, dtype=str)
        check.same_length(dates=day, scores=score, sample_weight=weights, error=errors,
                          source=score if names is None else names)
        counting = int((weights > 0).sum())
        if counting < FEWEST:
            raise ValueError(f"scores must number at least {FEWEST} with a weight above 0, got "
                             f"{counting}. A trend of fewer would only repeat its prior.")
        check.finite(dates=day, scores=score, sample_weight=weights, error=errors)
        if (weights < 0).any() or not weights.any() or (errors < 0).any():
            raise ValueError("sample_weight and error must be >= 0 and some weight above 0, got "
                             f"smallest {weights.min():g} and {errors.min():g}. Drop those rows.")
        if np.ptp(day[weights > 0]) == 0:
            raise ValueError(f"dates must differ, got {counting} scores of one date. A trend "
                             "needs at least two dates.")
        return Observed(day, score, weights, errors, names)

    def _exact(self, rows: Observed, design: TrendDesign, prior: Prior,
               rng: np.random.Generator) -> TrendFit:
        if rows.error.any():
            raise ValueError("error must be zero for sampler='exact', got standard errors above "
                             "0. Use sampler='auto'.")
        X = design.matrix(rows.dates, rows.source)
        sigma = prior.sigma_sd / 10
        spread = np.array([prior.level_sd, prior.slope_sd] + [prior.source_sd] * len(rows.sources))
        mean = np.array([prior.level_mean, 0.0] + [0.0] * len(rows.sources))
        belief = NormalInverseGamma(mean, np.diag((spread / sigma) ** 2), 0.5, sigma ** 2 / 2)
        posterior = belief.condition(X, rows.score, rows.weight)
        c, noise = posterior.sample(self.chains * self.draws, rng)
        return TrendFit(rows, design, prior, sampler="exact", student=False,
                        coefficients=c.reshape(self.chains, self.draws, -1),
                        hyper={"sigma": noise.reshape(self.chains, self.draws)})

    def _sampled(self, rows: Observed, design: TrendDesign, prior: Prior,
                 rng: np.random.Generator) -> TrendFit:
        from workbench.inference.trend import density, sampling

        _check_scatter(rows)
        terms = density.terms_for(
            design, prior, design.matrix(rows.dates, rows.source),
            (rows.score, rows.weight, rows.error), student=self.robust, nu=self.nu)
        if self.sampler == "laplace" or (self.sampler == "auto" and len(rows.score) > MANY):
            made = sampling.laplace(terms, draws=min(self.draws, LAPLACE_DRAWS),
                                          chains=self.chains, rng=rng)
        else:
            made = sampling.nuts(terms, draws=self.draws, tune=self.tune,
                                       chains=self.chains, rng=rng)
        return TrendFit(rows, design, prior, sampler=made.sampler, student=self.robust,
                        coefficients=made.coefficients, hyper=made.hyper, stats=made.stats,
                        pareto_k=made.pareto_k)


def _numbers(values: Any) -> np.ndarray:
    """Floats, shape (n,); what is masked becomes NaN."""
    if isinstance(values, np.ma.MaskedArray):
        values = np.ma.filled(values.astype(float), np.nan)
    return np.asarray(values, dtype=float)


def _resolution(score: np.ndarray, width: float) -> float:
    """Least sd of the noise: that of rounding where scores repeat, else a trifle of the scale."""
    distinct = np.unique(score)
    rounded = 1 < len(distinct) <= 0.8 * len(score)
    step = float(np.diff(distinct).min()) if rounded else 0.0
    return max(step / math.sqrt(12), 1e-6 * width)


def _check_scatter(rows: Observed) -> None:
    """Refuse scores on one straight line: their noise would be estimated as zero."""
    if rows.error.any():
        return
    line = np.column_stack([np.ones_like(rows.day), rows.day - rows.day.mean()])
    missed = rows.score - line @ np.linalg.lstsq(line, rows.score, rcond=None)[0]
    if np.abs(missed).max() <= 1e-9 * max(np.abs(rows.score).max(), 1e-300):
        raise ValueError("scores must scatter around their trend, got scores that all lie on one "
                         "straight line, from which no uncertainty can be learned. Pass the error "
                         "of each score, or use sampler='exact' with likelihood='normal'.")
