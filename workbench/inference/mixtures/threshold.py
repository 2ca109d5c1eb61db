"""Networks of sign units with weights -1, 0 or 1: the exact prior weight of every function.

Two inputs (four points in {-1, 1}^2), H hidden units ``sign(w1 x1 + w2 x2 + b)`` with sign(0) = 1,
an output ``sign(sum of v_t h_t + c)``; all numbers uniform on {-1, 0, 1}. There are 3^(4H + 1)
such networks and sixteen functions: the mixture over functions with these weights is the mixture
over all networks. A network's hidden sum over the four points is a walk on a grid, one step per
unit, so that weights come from H convolutions; half of the units are convolved, and joined by
counting orthants.
"""

import itertools
import math
from functools import cache

import numpy as np

from workbench.core import Measure, check

__all__ = ["FUNCTIONS", "POINTS", "TARGETS", "divergences", "expected_regret", "function_weights",
           "log10_class_size", "loglik", "name_of", "simulated"]

POINTS = np.array(list(itertools.product((-1, 1), repeat=2)))        # shape (4, 2)
FUNCTIONS = np.array(list(itertools.product((-1, 1), repeat=4)))     # shape (16, 4), by point
TARGETS: dict[str, int] = {
    "constant": int(np.flatnonzero((FUNCTIONS == 1).all(1))[0]),
    "x1": int(np.flatnonzero((POINTS[:, 0] == FUNCTIONS).all(1))[0]),
    "AND": int(np.flatnonzero((np.where((POINTS == 1).all(1), 1, -1) == FUNCTIONS).all(1))[0]),
    "XOR": int(np.flatnonzero((-POINTS.prod(1) == FUNCTIONS).all(1))[0]),
}
MOST_UNITS = 64          # beyond, the grid takes gigabytes
AGAIN = 20_000           # simulated data sets of a regret


def log10_class_size(hidden: int) -> float:
    """Decimal logarithm of the number of networks."""
    return (4 * hidden + 1) * math.log10(3)


@cache
def function_weights(hidden: int) -> np.ndarray:
    """Prior weight of each of `FUNCTIONS`, shape (16,), exact up to rounding.

    Parameters
    ----------
    hidden : int in [1, 64]
        Hidden units.

    Examples
    --------
    >>> round(float(function_weights(2)[TARGETS["XOR"]]), 5)
    0.00274
    """
    if not check.holds(lambda one: 1 <= one <= MOST_UNITS and int(one) == one, hidden):
        raise ValueError(f"hidden must be a whole number in [1, {MOST_UNITS}], got {hidden!r}. "
                         "Its grid grows like the fourth power.")
    first, second = _walk(hidden // 2), _walk(hidden - hidden // 2)
    weights = np.array([_joined(first, second, signs) for signs in FUNCTIONS])
    weights.setflags(write=False)
    return weights


def loglik(labels: np.ndarray, at: np.ndarray, flip: float) -> np.ndarray:
    """Log-probability of labels under each function with flipped labels, shape (t, 16).

    Parameters
    ----------
    labels : array of -1 and 1, shape (t,)
    at : array of int, shape (t,)
        Which of `POINTS` each input is.
    flip : float in (0, 0.5)
        Probability that a label is flipped.
    """
    checked_flip(flip)
    if not np.isin(labels, (-1, 1)).all():
        raise ValueError(f"labels must be -1 or 1, got {np.unique(labels)[:3].tolist()}. Pass "
                         "2 * y - 1 for y of 0 and 1.")
    agrees = np.asarray(labels)[:, None] == FUNCTIONS[:, at].T
    return np.where(agrees, math.log1p(-flip), math.log(flip))


def divergences(target: str, flip: float) -> np.ndarray:
    """KL of the target from each function [nats per sample], inputs uniform, shape (16,)."""
    checked_flip(flip)
    check.one_of(TARGETS, target=target)
    differing = (FUNCTIONS[TARGETS[target]] != FUNCTIONS).mean(axis=1)
    return np.asarray(differing * (1 - 2 * flip) * math.log((1 - flip) / flip))


def simulated(target: str, n: int, flip: float, *, rng: np.random.Generator
              ) -> tuple[np.ndarray, np.ndarray]:
    """Labels of -1 and 1, shape (n,), and the place of each input in `POINTS`, shape (n,)."""
    checked_flip(flip)
    check.one_of(TARGETS, target=target)
    at = rng.integers(0, 4, n)
    labels = FUNCTIONS[TARGETS[target], at]
    return np.where(rng.random(n) < flip, -labels, labels), at


def expected_regret(weights: np.ndarray, target: str, n: int, flip: float, *,
                    rng: np.random.Generator, replications: int = AGAIN) -> Measure:
    """Expected total regret against the target at temperature 1 [nats], by simulating data.

    Parameters
    ----------
    weights : array, shape (16,)
        Prior weight of each function.
    target : one of `TARGETS`
    n : int > 0
    flip : float in (0, 0.5)
    rng : numpy.random.Generator
    replications : int > 1
        Simulated data sets of n uniform inputs.
    """
    checked_flip(flip)
    check.whole(1, n=n)
    check.whole(2, replications=replications)
    check.one_of(TARGETS, target=target)
    counts = rng.multinomial(n, np.full(4, 0.25), size=replications)
    surplus = counts - 2 * rng.binomial(counts, flip)            # right minus flipped labels
    differs = FUNCTIONS[TARGETS[target]] != FUNCTIONS
    behind = surplus @ differs.T * math.log((1 - flip) / flip)   # log ratio, target over each
    with np.errstate(divide="ignore"):
        joint = np.log(weights) - behind
    regret = -np.logaddexp.reduce(joint, axis=1)
    return Measure(float(regret.mean()), float(regret.std(ddof=1) / math.sqrt(replications)),
                   "nats")


def name_of(function: int) -> str:
    """Name of a function, or its signs at the four points."""
    known = {place: name for name, place in TARGETS.items()}
    return known.get(function) or "".join("+" if sign > 0 else "-" for sign in FUNCTIONS[function])


def checked_flip(flip: float) -> None:
    """Refuse shares of flipped labels outside (0, 0.5)."""
    if not check.holds(lambda one: 0 < one < 0.5, flip):
        raise ValueError(f"flip must lie strictly between 0 and 0.5, got {flip!r}. Pass 0.1.")


@cache
def _steps() -> dict[tuple[int, ...], float]:
    """Steps of the walk that one hidden unit takes, with their probabilities."""
    found: dict[tuple[int, ...], float] = {}
    for w1, w2, bias, out in itertools.product((-1, 0, 1), repeat=4):
        signs = np.where(POINTS @ np.array([w1, w2]) + bias >= 0, 1, -1)
        step = tuple(int(one) for one in out * signs)
        found[step] = found.get(step, 0.0) + 1 / 81
    return found


def _walk(units: int) -> np.ndarray:
    """Mass of the hidden sums of so many units on the grid [-units, units]^4."""
    mass = np.ones((1, 1, 1, 1))
    for _ in range(units):
        wider = np.zeros([size + 2 for size in mass.shape])
        for step, chance in _steps().items():
            place = tuple(slice(1 + one, 1 + one + size)
                          for one, size in zip(step, mass.shape, strict=True))
            wider[place] += chance * mass
        mass = wider
    return mass


def _joined(first: np.ndarray, second: np.ndarray, signs: np.ndarray) -> float:
    """Mass of ``sign(s + t + c) = signs`` over both walks and the three output biases."""
    reach, size = first.shape[0] // 2, second.shape[0] // 2
    total = second
    for axis, sign in enumerate(signs):          # mass of t >= k, or of t < k, for each k
        total = _tail(total, axis, upwards=sign > 0)
    mass = 0.0
    for bias in (-1, 0, 1):
        at = -np.arange(-reach, reach + 1) - bias                # s + t + c >= 0: t >= -s - c
        place = np.clip(at + size, 0, 2 * size + 1)
        mass += float((first * total[np.ix_(place, place, place, place)]).sum()) / 3
    return mass


def _tail(mass: np.ndarray, axis: int, *, upwards: bool) -> np.ndarray:
    """Sums of all entries from place k on (upwards), or before it, for k = 0, ..., size."""
    empty = np.zeros_like(mass.take([0], axis=axis))
    if upwards:
        sums = np.flip(np.cumsum(np.flip(mass, axis), axis=axis), axis)
        return np.concatenate([sums, empty], axis=axis)
    return np.concatenate([empty, np.cumsum(mass, axis=axis)], axis=axis)
