"""How values become places on an axis: numbers, numbers over decades, or names."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

__all__ = ["Axis", "Scale", "cut"]

DECADES = 30             # ratio of ends from which positive values are drawn on a log axis
MOST_TICKS = 6
APART = 0.05             # of the axis, below which two texts would touch
MOST_NAMES = 12


@dataclass(frozen=True)
class Axis:
    """A column of a table as an axis.

    Parameters
    ----------
    column, label, unit : str
    low, high : str
        Columns of the ends of intervals, where there are any.
    """

    column: str
    label: str
    unit: str = ""
    low: str = ""
    high: str = ""


@dataclass(frozen=True)
class Scale:
    """How values of one axis become places between 0 and 1."""

    kind: str                # "linear", "log" or "names"
    low: float
    high: float
    names: tuple[str, ...] = ()

    @classmethod
    def of(cls, values: pd.Series) -> "Scale":
        """Scale that fits the values: texts get a place each, decades a logarithmic axis."""
        if values.dtype.kind not in "iuf":
            names = tuple(dict.fromkeys(sorted(values.astype(str))))
            return cls("names", 0.0, float(max(1, len(names) - 1)), names)
        finite = values[np.isfinite(values.astype(float))].astype(float)
        if finite.empty:
            return cls("linear", 0.0, 1.0)
        low, high = float(finite.min()), float(finite.max())
        if low == high:
            return cls("linear", low - 0.5, high + 0.5)
        if low > 0 and high / low >= DECADES:
            return cls("log", float(np.log10(low)), float(np.log10(high)))
        return cls("linear", low, high)

    def places(self, values: pd.Series) -> np.ndarray:
        """Where values lie; NaN where they cannot be drawn."""
        if self.kind == "names":
            if len(self.names) == 1:
                return np.full(len(values), 0.5)
            at = {name: place for place, name in enumerate(self.names)}
            numbers = np.array([at[name] for name in values.astype(str)], dtype=float)
        else:
            numbers = values.to_numpy(dtype=float)
        if self.kind == "log":
            numbers = np.log10(np.where(numbers > 0, numbers, np.nan))
        return np.asarray((numbers - self.low) / (self.high - self.low))

    def value(self, place: float) -> float | str:
        """The number at a place between 0 and 1, or the name that is nearest to it.

        Examples
        --------
        >>> Scale("log", 0.0, 4.0).value(0.5), Scale("names", 0.0, 1.0, ("a", "b")).value(0.8)
        (100.0, 'b')
        """
        number = self.low + min(max(place, 0.0), 1.0) * (self.high - self.low)
        if self.kind == "names":
            return self.names[min(round(number), len(self.names) - 1)]
        return float(10.0 ** number if self.kind == "log" else number)

    def ticks(self, values: pd.Series) -> list[tuple[float, str]]:
        """Places and texts: the values themselves where they are few."""
        if self.kind == "names":
            step = max(1, -(-len(self.names) // MOST_NAMES))
            some = pd.Series(self.names[::step])
            return list(zip(self.places(some), map(cut, some), strict=True))
        known = np.unique(values.to_numpy(dtype=float))
        known = known[np.isfinite(known)]
        if len(known) > MOST_TICKS:
            known = (10.0 ** np.linspace(self.low, self.high, 4) if self.kind == "log"
                     else np.linspace(self.low, self.high, 5))
        told: list[tuple[float, str]] = []
        for place, value in zip(self.places(pd.Series(known)), known, strict=True):
            if not told or place - told[-1][0] >= APART:
                told.append((float(place), f"{value:.3g}"))
        return told


def cut(text: str) -> str:
    """A text that is short enough for a tick."""
    return text if len(text) <= 14 else f"{text[:13]}…"
