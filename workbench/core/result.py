"""What a method or a study returns: frozen numbers with units, each with its uncertainty.

A number without an interval must say why it has none; a report never shows a bare number.
"""

import html
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Estimate", "Interval", "Measure", "Result", "Summary", "credible",
           "probability_below_zero"]


@dataclass(frozen=True)
class Interval:
    """Ends of an interval that holds the truth with probability `level`."""

    low: float
    high: float
    level: float = 0.9

    def __post_init__(self) -> None:
        if not self.low <= self.high:
            raise ValueError(f"low must not exceed high, got {self.low!r} and {self.high!r}. "
                             "Pass the ends in order.")
        if not 0 < self.level < 1:
            raise ValueError(f"level must lie strictly between 0 and 1, got {self.level!r}. "
                             "Pass 0.9 for a 90 % interval.")


@dataclass(frozen=True)
class Estimate:
    """A number with its interval, or with the reason why it has none.

    Raises
    ------
    ValueError
        If there is neither an interval nor a reason.

    Examples
    --------
    >>> print(Estimate(-0.31, Interval(-0.42, -0.2), unit="points / 30 days"))
    -0.31 points / 30 days [-0.42, -0.2], 90 % interval
    """

    value: float
    interval: Interval | None = None
    unit: str = ""
    why: str = ""

    def __post_init__(self) -> None:
        if self.interval is None and not self.why:
            raise ValueError(f"why must say what keeps {self.value!r} from having an interval, "
                             "got nothing. Pass interval= or why=.")

    def __str__(self) -> str:
        if self.interval is None:
            return f"{self.number} ({self.why})"
        return f"{self.number} {self.range}"

    @property
    def number(self) -> str:
        """The value in four significant digits, with its unit; unknown where it is NaN."""
        if math.isnan(self.value):
            return "unknown"
        unit = "" if self.unit == "1" else self.unit
        return f"{_short(self.value)} {unit}".strip()

    @property
    def range(self) -> str:
        """The interval in words, or why there is none."""
        if self.interval is None:
            return self.why
        return (f"[{_short(self.interval.low)}, {_short(self.interval.high)}], "
                f"{100 * self.interval.level:g} % interval")

    @property
    def ends(self) -> tuple[float, float]:
        """Low and high end of the interval; NaN without one."""
        return (math.nan, math.nan) if self.interval is None else (self.interval.low,
                                                                   self.interval.high)

    def percent(self) -> "Estimate":
        """The same share in percent."""
        scaled = self.interval and Interval(100 * self.interval.low, 100 * self.interval.high,
                                            self.interval.level)
        return Estimate(100 * self.value, scaled, "%", self.why)

    def record(self) -> dict[str, Any]:
        """JSON-ready form; a number that is not finite becomes null."""
        low, high, level = ((self.interval.low, self.interval.high, self.interval.level)
                            if self.interval else (math.nan,) * 3)
        numbers = {"value": self.value, "low": low, "high": high, "level": level}
        return {key: float(number) if math.isfinite(number) else None
                for key, number in numbers.items()} | {"unit": self.unit, "why": self.why}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "Estimate":
        """Rebuild from :meth:`record`."""
        value = math.nan if record["value"] is None else record["value"]
        if record["level"] is None:
            return cls(value, None, record["unit"], record["why"])
        low = -math.inf if record["low"] is None else record["low"]
        high = math.inf if record["high"] is None else record["high"]
        return cls(value, Interval(low, high, record["level"]), record["unit"], record["why"])


@dataclass(frozen=True)
class Measure:
    """A Monte-Carlo measurement with its standard error and unit."""

    value: float
    stderr: float
    unit: str = ""

    def estimate(self, level: float = 0.9) -> Estimate:
        """The measurement with its normal interval."""
        from scipy.stats import norm

        half = float(norm.ppf(0.5 + level / 2)) * self.stderr
        return Estimate(self.value, Interval(self.value - half, self.value + half, level),
                        self.unit)


class Summary(Mapping[str, Estimate]):
    """Headline numbers and the sentences a reader must see beside them."""

    def __init__(self, numbers: Mapping[str, Estimate], notes: tuple[str, ...] = ()):
        for name, number in numbers.items():
            if not isinstance(number, Estimate):
                raise TypeError(f"summary[{name!r}] must be an Estimate, got {number!r}. "
                                "Give it an interval, or say why it has none.")
        self._numbers = MappingProxyType(dict(numbers))
        self.notes = tuple(notes)

    def __getitem__(self, name: str) -> Estimate:
        return self._numbers[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._numbers)

    def __len__(self) -> int:
        return len(self._numbers)

    def __repr__(self) -> str:
        lines = [f"{name}: {number}" for name, number in self.items()]
        return "\n".join(lines + [f"Note: {note}" for note in self.notes])

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th scope='row'>{html.escape(name)}</th><td>{html.escape(number.number)}</td>"
            f"<td>{html.escape(number.range)}</td></tr>" for name, number in self.items())
        notes = "".join(f"<li>{html.escape(note)}</li>" for note in self.notes)
        return (f"<table class='summary'><tbody>{rows}</tbody></table>"
                + (f"<ul class='notes'>{notes}</ul>" if notes else ""))


@dataclass(frozen=True)
class Result:
    """Everything a study run produced.

    Parameters
    ----------
    summary : Summary
        The headline; two to six numbers.
    tables : mapping of name to DataFrame
        Saved as Parquet beside the report.
    inference : mapping of name to arviz.InferenceData
        Saved as NetCDF beside the report.
    arrays : mapping of name to array or xarray object
        Saved as NetCDF beside the report.
    networks : mapping of name to parameters
        Parameters of a network by name, NumPy arrays or tensors, saved as safetensors beside the
        report. They come back as NumPy arrays, bfloat16 as float32.
    """

    summary: Summary
    tables: "Mapping[str, pd.DataFrame]" = field(default_factory=dict)
    inference: Mapping[str, Any] = field(default_factory=dict)
    arrays: Mapping[str, Any] = field(default_factory=dict)
    networks: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def credible(draws: np.ndarray, level: float = 0.9, unit: str = "") -> Estimate:
    """Posterior mean with the central interval of the draws.

    Parameters
    ----------
    draws : array, any shape
        Posterior draws of one number.
    level : float in (0, 1)
    unit : str
    """
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    return Estimate(float(np.mean(draws)), Interval(float(low), float(high), level), unit)


def probability_below_zero(draws: np.ndarray) -> Estimate:
    """Share of draws, shape (draws,), below zero; half a draw on each side, so never certain."""
    share = (float(np.sum(draws < 0)) + 0.5) / (len(draws) + 1)
    error = math.sqrt(share * (1 - share) / len(draws))
    return Estimate(share, why="itself a statement of uncertainty; Monte-Carlo error about "
                               f"{100 * error:.1g} %")


def _short(number: float) -> str:
    return f"{number:.4g}" if math.isfinite(number) else str(number)
