"""Settings of mechanisms: a wrong one is refused in one sentence, whatever its type."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["amount", "beta_in", "fraction", "number", "own_generator"]


def number(value: Any, name: str, holds: Callable[[float], bool], rule: str,
           remedy: str) -> float:
    """Require a number for which `holds`, and give it back; a bool and a text are none."""
    real = (isinstance(value, int | float | np.integer | np.floating)
            and not isinstance(value, bool))
    if not (real and holds(value)):
        raise ValueError(f"{name} must {rule}, got {value!r}. {remedy}")
    return float(value)


def amount(remedy: str = "Pass a number above zero.", **named: Any) -> None:
    """Require numbers above zero and finite."""
    for name, value in named.items():
        number(value, name, lambda x: 0 < x < math.inf, "be positive and finite", remedy)


def fraction(remedy: str, *, closed: bool = False, **named: Any) -> None:
    """Require numbers strictly between 0 and 1, or from 0 to 1."""
    for name, value in named.items():
        if closed:
            number(value, name, lambda x: 0 <= x <= 1, "lie in [0, 1]", remedy)
        else:
            number(value, name, lambda x: 0 < x < 1, "lie strictly between 0 and 1", remedy)


def beta_in(beta: Any) -> None:
    """Require a chance with which a certificate may fail."""
    fraction("Pass 0.05.", beta=beta)


def own_generator(rng: Any) -> np.random.Generator:
    """A generator that nobody else has, spawned from that of the caller."""
    if not hasattr(rng, "spawn"):
        raise ValueError(f"rng must be a numpy.random.Generator, got {rng!r}. Pass "
                         "numpy.random.default_rng(0).")
    child: np.random.Generator = rng.spawn(1)[0]
    return child
