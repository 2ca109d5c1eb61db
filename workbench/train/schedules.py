"""Rates of learning as pure functions of how much of the training is done.

A schedule takes ``t = step / total steps`` in [0, 1) and returns the factor of the rate: it holds
no state, so that a resumed run and each model of a stack are where they must be.

Sources: I. Loshchilov and F. Hutter, SGDR (2017), for the cosine; L. N. Smith and N. Topin,
Super-convergence (2019), for one cycle.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from workbench.core import check

__all__ = ["Schedule", "constant", "cosine", "one_cycle", "steps", "warm_up"]

Schedule = Callable[[float], float]


def constant(t: float) -> float:
    """The rate as it is: one at every `t`."""
    del t
    return 1.0


@dataclass(frozen=True)
class _Steps:
    at: tuple[float, ...]
    factor: float

    def __call__(self, t: float) -> float:
        return self.factor ** sum(t >= mark for mark in self.at)


@dataclass(frozen=True)
class _Cosine:
    end: float

    def __call__(self, t: float) -> float:
        return self.end + (1 - self.end) * (1 + math.cos(math.pi * min(t, 1.0))) / 2


@dataclass(frozen=True)
class _OneCycle:
    peak: float
    start: float
    end: float

    def __call__(self, t: float) -> float:
        if t < self.peak:
            return _between(self.start, 1.0, t / self.peak)
        return _between(1.0, self.end, (min(t, 1.0) - self.peak) / (1 - self.peak))


@dataclass(frozen=True)
class _WarmUp:
    share: float
    then: Schedule

    def __call__(self, t: float) -> float:
        rest = (t - self.share) / (1 - self.share)
        return t / self.share * self.then(0.0) if t < self.share else self.then(rest)


def steps(at: tuple[float, ...] = (0.5, 0.75), factor: float = 0.1) -> Schedule:
    """Multiply the rate by `factor` at each share of the training in `at`.

    Examples
    --------
    >>> drops = steps(at=(0.5,), factor=0.1)
    >>> drops(0.49), drops(0.5)
    (1.0, 0.1)
    """
    for share in at:
        _within("at", share)
    check.positive(factor=factor)
    return _Steps(tuple(at), factor)


def cosine(end: float = 0.0) -> Schedule:
    """Fall along half a cosine from one to `end`.

    Examples
    --------
    >>> round(cosine()(0.5), 12)
    0.5
    """
    return _Cosine(_within("end", end))


def one_cycle(peak: float = 0.3, start: float = 0.04, end: float = 4e-6) -> Schedule:
    """Rise along a cosine from `start` to one at `peak`, then fall to `end`.

    Examples
    --------
    >>> one_cycle(peak=0.25)(0.25)
    1.0
    """
    if not 0 < peak < 1:
        raise ValueError(f"peak must lie strictly between 0 and 1, got {peak!r}. Pass 0.3.")
    return _OneCycle(peak, _within("start", start), _within("end", end))


def warm_up(share: float, then: Schedule = constant) -> Schedule:
    """Rise linearly from zero during the first `share` of the training, then follow `then`.

    Examples
    --------
    >>> warm_up(0.5)(0.25), warm_up(0.5)(0.75)
    (0.5, 1.0)
    """
    if not 0 <= share < 1:
        raise ValueError(f"share must lie in [0, 1), got {share!r}. Pass 0.05.")
    return _WarmUp(share, then)


def _between(low: float, high: float, t: float) -> float:
    return low + (high - low) * (1 - math.cos(math.pi * t)) / 2


def _within(name: str, value: float) -> float:
    if not 0 <= value <= 1:
        raise ValueError(f"{name} must lie in [0, 1], got {value!r}. Pass a share.")
    return value
