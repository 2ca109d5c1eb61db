"""What a fitted trend says: bands, slope, the weight of each score, InferenceData."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from workbench.core import check, libraries
from workbench.core.result import Estimate, Interval, credible, probability_below_zero
from workbench.core.weights import effective_size, normalise
from workbench.inference.trend.design import BEND, CHANGE, SOURCE, Prior, TrendDesign

__all__ = ["Observed", "TrendFit"]

FEW_DRAWS = 200          # draws over which weights are averaged
LARGE = 20_000           # rows above which fewer draws carry the weights
MOST_TERMS = 20_000_000  # row-draw pairs of log likelihood that are still stored


@dataclass(frozen=True, eq=False)
class Observed:
    """The scores a trend was fitted to; `day` counts days since 1970, all of shape (n,)."""

    day: np.ndarray
    score: np.ndarray
    weight: np.ndarray
    error: np.ndarray
    source: np.ndarray | None = None

    @property
    def dates(self) -> np.ndarray:
        """Dates to the microsecond."""
        return np.datetime64(0, "us") + np.rint(self.day * 86_400e6).astype("timedelta64[us]")

    @property
    def sources(self) -> tuple[str, ...]:
        """Names of the sources in alphabetical order; none when there is only one."""
        names = () if self.source is None else tuple(sorted({str(word) for word in self.source}))
        return names if len(names) > 1 else ()


@dataclass(frozen=True, eq=False)
class TrendFit:
    """Posterior of a trend; made by ``BayesianTrend.fit``."""

    observed: Observed
    design: TrendDesign
    prior: Prior
    coefficients: np.ndarray                    # (chains, draws, k)
    hyper: Mapping[str, np.ndarray]             # each (chains, draws)
    student: bool
    sampler: str
    stats: Mapping[str, np.ndarray] = field(default_factory=dict)
    pareto_k: float = math.nan

    @property
    def flat(self) -> np.ndarray:
        """Coefficients of all chains, shape (draws, k)."""
        return self.coefficients.reshape(-1, self.coefficients.shape[-1])

    @property
    def sigma(self) -> np.ndarray:
        """Noise scale in score units, shape (draws,)."""
        return self.hyper["sigma"].ravel()

    @property
    def nu(self) -> np.ndarray:
        """Degrees of freedom, shape (draws,); infinite for the normal likelihood."""
        return self.hyper["nu"].ravel() if self.student else np.full(len(self.sigma), math.inf)

    @cached_property
    def slope_draws(self) -> np.ndarray:
        """Average slope over the observed window, score units per time unit, (draws,)."""
        ends = self.design.matrix(self._dates([self.design.start, self.design.end]))
        return np.asarray((ends[1] - ends[0]) @ self.flat.T / self.design.span)

    def slope(self, level: float = 0.9) -> Estimate:
        """Average slope per time unit; for a straight line without kinks this is beta."""
        return credible(self.slope_draws, level, self._per_time)

    def slope_now(self, level: float = 0.9) -> Estimate:
        """Slope on the last observed day, per time unit."""
        last = self.design.slope_matrix(self._dates([self.design.end]))
        return credible(last @ self.flat.T, level, self._per_time)

    def change(self, level: float = 0.9) -> Estimate:
        """Change of the trend from the first to the last observed day, in score units."""
        return credible(self.slope_draws * self.design.span, level, "points")

    def probability_falling(self) -> Estimate:
        """Posterior probability of a fall; half a draw on each side, so never quite certain."""
        return probability_below_zero(self.slope_draws)

    def trend(self, dates: Any = None, level: float = 0.9, source: Any = None) -> pd.DataFrame:
        """Posterior band of the trend, columns date, mean, low, high [score units].

        Without `source` every source counts the same; without `dates` a grid of 200 is used.
        """
        when = self.grid() if dates is None else dates
        return self._band(when, self._means(when, source), level)

    def predict(self, dates: Any = None, level: float = 0.9, source: Any = None, *,
                rng: np.random.Generator) -> pd.DataFrame:
        """Predictive band of one new score, of any known source; no measurement error."""
        when = self.grid() if dates is None else dates
        means = self._means(when, source)
        if source is None and self.design.sources:      # of a source drawn at random
            offsets = rng.permuted(self.flat[:, self.design.kinds == SOURCE], axis=1)
            means += (offsets[:, 0] - offsets.mean(axis=1))[:, None]
        return self._band(when, means + self._noise(means.shape, rng), level)

    def bands(self, level: float = 0.9, *, rng: np.random.Generator) -> pd.DataFrame:
        """Both bands on the grid: date, mean, low, high, predictive_low, predictive_high."""
        new = self.predict(level=level, rng=rng)
        return self.trend(level=level).assign(predictive_low=new["low"],
                                              predictive_high=new["high"])

    def prior_slope_draws(self, size: int, rng: np.random.Generator) -> np.ndarray:
        """Average slope before any score was seen, shape (size,)."""
        ends = self.design.matrix(self._dates([self.design.start, self.design.end]))
        c = self.prior.sample(self.design, size, rng)
        return np.asarray((ends[1] - ends[0]) @ c.T / self.design.span)

    def grid(self, points: int = 200) -> np.ndarray:
        """Dates from the first score to the horizon, shape (points,)."""
        return self._dates(np.linspace(self.design.start,
                                       self.design.end + self.design.horizon, points))

    def weights(self) -> np.ndarray:
        """How much each score counts in the trend, shape (n,), on the simplex."""
        return np.asarray(normalise(self.precision().mean(axis=0)))

    def effective_share(self, level: float = 0.9) -> Estimate:
        """Effective number of scores over their number."""
        sizes = np.array([effective_size(row) for row in self.precision()])
        if np.ptp(sizes) <= 1e-9 * sizes[0]:
            return Estimate(float(sizes[0]) / len(self.observed.score),
                            why="the same in every draw: these weights do not depend on the fit")
        return credible(sizes / len(self.observed.score), level)

    def covered(self, level: float = 0.9, *, rng: np.random.Generator) -> Estimate:
        """Share of the observed scores inside their own predictive band."""
        from scipy.stats import binomtest

        rows = self.rows(2000, rng)
        draws = self._means(self.observed.dates[rows], self._sources(rows))
        draws += self._noise(draws.shape, rng)
        draws += self.observed.error[rows] * rng.normal(size=draws.shape)
        low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2], axis=0)
        inside = (self.observed.score[rows] >= low) & (self.observed.score[rows] <= high)
        ends = binomtest(int(inside.sum()), len(inside)).proportion_ci(level, "wilson")
        return Estimate(float(inside.mean()), Interval(ends.low, ends.high, level))

    def rows(self, most: int, rng: np.random.Generator) -> np.ndarray:
        """Indices of at most `most` scores, all of them when there are no more."""
        n = len(self.observed.score)
        return np.arange(n) if n <= most else np.sort(rng.choice(n, most, replace=False))

    def log_likelihood(self, rows: np.ndarray, draws: int | None = None) -> np.ndarray:
        """Log likelihood of chosen scores, unweighted, shape (chains, draws, rows)."""
        kept = self.thinned(draws)
        values, _ = self._pointwise(rows, kept)
        return values.reshape(len(self.coefficients), -1, len(rows))

    def inference_data(self) -> Any:
        """``arviz.InferenceData`` with coords source, changepoint, basis and obs_id."""
        arviz = libraries.arviz()

        kinds = self.design.kinds
        c = self.coefficients
        posterior = {"level": c[..., 0], "slope": c[..., 1],
                     "average_slope": self.slope_draws.reshape(c.shape[:2])}
        posterior |= {name: draws for name, draws in self.hyper.items() if np.ptp(draws) > 0}
        dims: dict[str, list[str]] = {}
        for name, kind, dim in (("source_effect", SOURCE, "source"),
                                ("slope_change", CHANGE, "changepoint"), ("bend", BEND, "basis")):
            if (kinds == kind).any():
                posterior[name], dims[name] = c[..., kinds == kind], [dim]
        rows = np.arange(len(self.observed.score))
        observed = {"score": self.observed.score}
        constant = {"date": self.observed.dates.astype("datetime64[us]"),
                    "sample_weight": self.observed.weight, "error": self.observed.error}
        small = len(rows) * self.slope_draws.size <= MOST_TERMS
        likelihood = {"score": self.log_likelihood(rows)} if small else None
        dims |= {name: ["obs_id"] for name in ("score", *constant)}
        return arviz.from_dict(
            posterior=posterior, observed_data=observed, constant_data=constant,
            sample_stats=dict(self.stats) or None,
            log_likelihood=likelihood, dims=dims,
            coords={"source": list(self.design.sources), "obs_id": rows,
                    "changepoint": self.design.knots, "basis": np.arange(self.design.basis)})

    @property
    def _per_time(self) -> str:
        return f"points / {self.design.time_scale:g} days"

    @staticmethod
    def _dates(days: Any) -> np.ndarray:
        return np.datetime64(0, "us") + np.asarray(np.asarray(days) * 86_400e6,
                                                   "timedelta64[us]")

    def _means(self, dates: Any, source: Any = None) -> np.ndarray:
        # One source alone has no column in the design, so a wrong name is caught here.
        if source is not None and self.observed.source is not None and not self.design.sources:
            known = {str(name) for name in pd.unique(self.observed.source)}
            for name in {str(one) for one in np.atleast_1d(source)} - known:
                check.one_of(known, source=name)
        return self.flat @ self.design.matrix(dates, source).T

    def _noise(self, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
        unit = (rng.standard_t(self.nu[:, None], size=shape) if self.student
                else rng.normal(size=shape))
        return self.sigma[:, None] * unit

    def _band(self, dates: Any, draws: np.ndarray, level: float) -> pd.DataFrame:
        low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2], axis=0)
        return pd.DataFrame({"date": pd.DatetimeIndex(pd.to_datetime(np.asarray(dates))),
                             "mean": draws.mean(axis=0), "low": low, "high": high})

    def _sources(self, rows: np.ndarray) -> np.ndarray | None:
        return None if self.observed.source is None else self.observed.source[rows]

    def thinned(self, draws: int | None) -> np.ndarray:
        """Indices of evenly spaced draws, the same number from each chain."""
        chains, each = self.coefficients.shape[:2]
        wanted = min(each, max(1, (draws or chains * each) // chains))
        kept = np.linspace(0, each - 1, wanted).astype(int)
        return (np.arange(chains)[:, None] * each + kept).ravel()

    def _pointwise(self, rows: np.ndarray, kept: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        from workbench.inference.trend.likelihood import pointwise

        X = self.design.matrix(self.observed.dates[rows], self._sources(rows))
        residuals = self.observed.score[rows] - self.flat[kept] @ X.T
        nu = self.nu[kept] if self.student else np.zeros(len(kept))
        return pointwise(
            residuals, (self.sigma[kept], nu), self.observed.error[rows], self.student)

    def precision(self) -> np.ndarray:
        """How much each score counts in some of the draws, not normalised, (draws, n)."""
        n = len(self.observed.score)
        kept = self.thinned(FEW_DRAWS if n <= LARGE else 20)
        return self._pointwise(np.arange(n), kept)[1] * self.observed.weight
