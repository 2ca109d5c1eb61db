"""Temperatures over training: from weights that are nearly equal to weights that are sharp.

A schedule is a function of ``t = step / total steps`` in [0, 1) that gives the temperature: no
state, so that a resumed run has the temperature that it must have.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from workbench.core import check

__all__ = ["KINDS", "Schedule", "annealed", "piecewise"]

KINDS = ("constant", "step", "linear", "cosine")
Schedule = Callable[[float], float]


@dataclass(frozen=True)
class Piecewise:
    """Temperatures that hold until the next mark; made by :func:`piecewise`."""

    temperatures: tuple[float, ...]
    marks: tuple[float, ...]

    def __call__(self, t: float) -> float:
        return self.temperatures[sum(t >= mark for mark in self.marks)]


@dataclass(frozen=True)
class Gliding:
    """A temperature that falls from `start` to `end`; made by :func:`annealed`."""

    start: float
    end: float
    is_cosine: bool

    def __call__(self, t: float) -> float:
        done = min(max(t, 0.0), 1.0)
        left = (1 + math.cos(math.pi * done)) / 2 if self.is_cosine else 1 - done
        return self.end + (self.start - self.end) * left


def piecewise(temperatures: tuple[float, ...], marks: tuple[float, ...]) -> Schedule:
    """Constant temperatures, changed at shares of the training.

    Parameters
    ----------
    temperatures : k + 1 floats > 0
    marks : k floats in (0, 1), rising
        Shares of the training at which the next temperature begins.

    Raises
    ------
    ValueError
        If a temperature is not positive, or marks do not fit.

    Examples
    --------
    >>> falls = piecewise((100.0, 1.0, 0.5), (0.1, 0.75))
    >>> falls(0.0), falls(0.1), falls(0.9)
    (100.0, 1.0, 0.5)
    """
    if not isinstance(temperatures, tuple | list) or not isinstance(marks, tuple | list):
        raise TypeError("temperatures and marks must be tuples, got "
                        f"{type(temperatures).__name__} and {type(marks).__name__}. Pass "
                        "piecewise((100.0, 1.0), (0.1,)).")
    for one in temperatures:
        check.positive(temperatures=one)
    rising = all(low < high for low, high in zip((0.0, *marks), (*marks, 1.0), strict=True))
    if len(temperatures) != len(marks) + 1 or not rising:
        raise ValueError(f"marks must be one fewer than temperatures and rise within (0, 1), got "
                         f"{marks!r} for {len(temperatures)} temperatures. Pass piecewise((100.0, "
                         "1.0), (0.1,)).")
    return Piecewise(tuple(temperatures), tuple(marks))


def annealed(kind: str, *, start: float = 100.0, end: float = 1.0) -> Schedule:
    """A temperature that goes from `start` to `end`.

    Parameters
    ----------
    kind : {"constant", "step", "linear", "cosine"}
        "constant" is `end` all the time; "step" is `start` for the first tenth of the training,
        then `end`; the others glide over all of it.
    start, end : float > 0

    Raises
    ------
    ValueError
        If the kind is unknown or a temperature not positive.

    Examples
    --------
    >>> [annealed(kind, start=3.0, end=1.0)(0.5) for kind in KINDS]
    [1.0, 1.0, 2.0, 2.0]
    """
    check.one_of(KINDS, kind=kind)
    check.positive(start=start, end=end)
    if kind == "constant":
        return piecewise((end,), ())
    if kind == "step":
        return piecewise((start, end), (0.1,))
    for name, one in (("start", start), ("end", end)):
        if not math.isfinite(one):
            raise ValueError(f"{name} must be finite to glide between temperatures, got "
                             f"{one!r}. Pass 100 to begin with, and 1 to end with.")
    return Gliding(float(start), float(end), kind == "cosine")
