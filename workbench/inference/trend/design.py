"""From dates to the columns of a trend, and the prior of each column.

Every trend here is linear in its coefficients, ``mu = X @ c``:

- level and slope, ``alpha + beta * t``, with t in units of `time_scale` days since the start;
- sources, one offset each, ``a_s ~ Normal(0, tau)``;
- change points, ``d_k * relu(t - c_k)``, ``d_k ~ Laplace``;
- bends, a Hilbert-space Gaussian process with squared-exponential kernel, ``f_j = z_j *
  sqrt(S(omega_j))`` on sine functions (Solin and Särkkä, Stat. Comput. 30, 2020, eqs. 37, 42).
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from workbench.core import check

__all__ = ["BEND", "CHANGE", "FIXED", "SOURCE", "Prior", "TrendDesign", "root_density", "to_days"]

FIXED, SOURCE, CHANGE, BEND = 0, 1, 2, 3
DAY = np.timedelta64(86_400_000_000, "us")
MARGIN = 1.5   # half-width of the sine basis over half-width of the window
REACH = 1.75   # shortest length that m sines follow: REACH * margin * half window / m


def to_days(dates: object) -> np.ndarray:
    """Dates as float days since 1970, shape (n,); time zones become UTC, missing becomes NaN."""
    if np.asarray(dates).dtype.kind in "iufb":
        raise ValueError("dates must be dates, got numbers such as "
                         f"{np.asarray(dates).flat[0]}. Pass datetime64 values or ISO texts.")
    index = pd.DatetimeIndex(pd.to_datetime(np.atleast_1d(np.asarray(dates))))
    if index.tz is not None:
        index = index.tz_convert("UTC").tz_localize(None)
    days = (index.to_numpy("datetime64[us]") - np.datetime64(0, "us")) / DAY
    return np.asarray(days, dtype=float)


@dataclass(frozen=True)
class Prior:
    """Spread of each part of the trend, in score units (`slope` and `change` per time unit).

    `length_median` is in time units; the log of the length is Normal with sd `length_sd`. The
    noise is ``sigma_floor`` plus a half-normal of sd `sigma_sd`.
    """

    level_mean: float
    level_sd: float
    slope_sd: float
    sigma_sd: float
    source_sd: float
    change_scale: float
    bend_sd: float
    length_median: float
    length_sd: float = 0.7
    sigma_floor: float = 0.0

    def __post_init__(self) -> None:
        check.positive(level_sd=self.level_sd, slope_sd=self.slope_sd, sigma_sd=self.sigma_sd,
                       source_sd=self.source_sd, change_scale=self.change_scale,
                       bend_sd=self.bend_sd, length_median=self.length_median,
                       length_sd=self.length_sd)

    @classmethod
    def for_scale(cls, scale: tuple[float, float], span: float) -> "Prior":
        """Weakly informative prior for scores on `scale` over a window of `span` time units.

        A window shorter than a time unit still allows a change of a fifth of the scale.
        """
        low, high = scale
        width = high - low
        return cls(level_mean=(low + high) / 2, level_sd=width / 2,
                   slope_sd=width / 5 * max(1.0, 1 / span),
                   sigma_sd=width / 5, source_sd=width / 8, change_scale=width / 20,
                   bend_sd=width / 5, length_median=span / 5)

    def sample(self, design: "TrendDesign", size: int, rng: np.random.Generator) -> np.ndarray:
        """Coefficients drawn from the prior, shape (size, k)."""
        kinds = design.kinds
        c = rng.normal(size=(size, len(kinds)))
        c[:, :2] = [self.level_mean, 0.0] + c[:, :2] * [self.level_sd, self.slope_sd]
        tau = np.abs(rng.normal(size=size)) * self.source_sd
        c[:, kinds == SOURCE] *= tau[:, None]
        c[:, kinds == CHANGE] = rng.laplace(scale=self.change_scale,
                                            size=(size, design.changepoints))
        eta = np.abs(rng.normal(size=size)) * self.bend_sd
        length = self.length_median * np.exp(self.length_sd * rng.normal(size=size))
        c[:, kinds == BEND] *= eta[:, None] * root_density(length[:, None], design.frequencies)
        return c


def root_density(length: np.ndarray, frequency: np.ndarray) -> np.ndarray:
    """Square root of the squared-exponential spectral density at unit amplitude."""
    spread = np.exp(-((length * frequency) ** 2) / 4)
    return np.asarray(np.sqrt(np.sqrt(2 * np.pi) * length) * spread)


@dataclass(frozen=True, eq=False)
class TrendDesign:
    """Columns of the trend: level, slope, sources, change points, bends, in this order."""

    start: float                     # days since 1970
    end: float
    time_scale: float                # days per time unit
    sources: tuple[str, ...] = ()
    changepoints: int = 0
    basis: int = 0
    horizon: float = 0.0             # days after `end` that bends must still cover

    @property
    def span(self) -> float:
        """Length of the observed window in time units."""
        return (self.end - self.start) / self.time_scale

    @property
    def knots(self) -> np.ndarray:
        """Change points in time units, equally spaced inside the window, shape (changepoints,)."""
        return np.linspace(0, self.span, self.changepoints + 2)[1:-1]

    @property
    def half(self) -> tuple[float, float]:
        """Centre and half-width of the interval that the sines span, in time units."""
        reach = self.span + self.horizon / self.time_scale
        return reach / 2, MARGIN * reach / 2

    @property
    def frequencies(self) -> np.ndarray:
        """Angular frequencies of the sines per time unit, shape (basis,)."""
        return np.pi * np.arange(1, self.basis + 1) / (2 * self.half[1])

    @property
    def shortest_length(self) -> float:
        """Shortest length scale, in time units, that the sines can follow."""
        return REACH * self.half[1] / self.basis if self.basis else 0.0

    @property
    def kinds(self) -> np.ndarray:
        """Kind of each column, shape (k,)."""
        return np.repeat([FIXED, SOURCE, CHANGE, BEND],
                         [2, len(self.sources), self.changepoints, self.basis])

    def time(self, dates: object) -> np.ndarray:
        """Dates in time units since the start, shape (n,)."""
        return (to_days(dates) - self.start) / self.time_scale

    def matrix(self, dates: object, source: object = None) -> np.ndarray:
        """Design matrix, shape (n, k); without `source` every source counts the same."""
        t = self.time(dates)
        centre, half = self.half
        reach = self.span + self.horizon / self.time_scale
        if self.basis and (np.any(t > reach * (1 + 1e-9)) or np.any(t < -1e-9 * reach)):
            raise ValueError("dates must lie between the first score and "
                             f"{self.horizon:g} days after the last score for a smooth trend, got "
                             "one outside. Fit with a larger horizon.")
        phase = np.outer(t - centre + half, self.frequencies)
        return np.column_stack([
            np.ones_like(t), t, self._source_columns(len(t), source),
            np.maximum(t[:, None] - self.knots, 0.0),
            np.sin(phase) / np.sqrt(half if half > 0 else 1.0),
        ])

    def slope_matrix(self, dates: object) -> np.ndarray:
        """Derivative of each column with respect to time, shape (n, k)."""
        t = self.time(dates)
        centre, half = self.half
        phase = np.outer(t - centre + half, self.frequencies)
        return np.column_stack([
            np.zeros_like(t), np.ones_like(t), np.zeros((len(t), len(self.sources))),
            (t[:, None] > self.knots).astype(float),
            self.frequencies * np.cos(phase) / np.sqrt(half if half > 0 else 1.0),
        ])

    def _source_columns(self, n: int, source: object) -> np.ndarray:
        if not self.sources:
            return np.empty((n, 0))
        if source is None:
            return np.full((n, len(self.sources)), 1.0 / len(self.sources))
        names = np.asarray(source, dtype=str)
        if names.ndim == 0:
            names = np.repeat(names, n)
        unknown = set(names) - set(self.sources)
        if unknown:
            first = str(sorted(unknown)[0])
            raise ValueError(f"source must be one of {', '.join(self.sources)}, got {first!r}."
                             f"{check.suggestion(first, self.sources)}")
        return (names[:, None] == np.array(self.sources)).astype(float)
