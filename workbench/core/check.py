"""Argument checks that speak with one voice: name, rule, value, remedy.

Each check states what must hold, so that NaN fails it.
"""

import difflib
import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

__all__ = ["finite", "floats", "holds", "one_of", "positive", "same_length", "simplex",
           "suggestion", "whole"]


def positive(*, hint: str = "Pass a number above zero.", **named: float) -> None:
    """Refuse arguments that are not above zero; infinity passes."""
    for name, value in named.items():
        if not holds(lambda one: one > 0, value):
            raise ValueError(f"{name} must be positive, got {value!r}. {hint}")


def whole(least: int, *, hint: str = "Pass a whole number.", **named: Any) -> None:
    """Require whole numbers of at least `least`; a bool is none."""
    for name, value in named.items():
        if (isinstance(value, bool) or not isinstance(value, int | np.integer)
                or not value >= least):
            raise ValueError(f"{name} must be a whole number of at least {least}, got {value!r}. "
                             f"{hint}")


def finite(*, hint: str = "Drop or fill the missing entries first.", **named: Any) -> None:
    """Refuse arrays that hold NaN or infinity."""
    for name, values in named.items():
        bad = ~np.isfinite(floats(**{name: values}))
        if bad.any():
            first = int(np.flatnonzero(bad.ravel())[0])
            raise ValueError(f"{name} must be finite, got {int(bad.sum())} NaN or infinite "
                             f"entries, the first at position {first}. {hint}")


def floats(*, hint: str = "Convert it to numbers first.", **named: Any) -> np.ndarray:
    """The one named array as floats; refuses words, dates and rows of unequal length."""
    (name, values), = named.items()
    try:
        return np.asarray(values, dtype=float)
    except (TypeError, ValueError) as trouble:
        raise ValueError(f"{name} must hold numbers, but {trouble}. {hint}") from None


def same_length(**named: Any) -> None:
    """Refuse arrays whose first axes differ."""
    lengths = {name: len(values) for name, values in named.items()}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{name} has {length}" for name, length in lengths.items())
        raise ValueError(f"{' and '.join(lengths)} must have one entry per row each, "
                         f"but {told}. Pass arrays of one length.")


def one_of(choices: Iterable[str], **named: str) -> None:
    """Refuse a word that is not among `choices`, naming the nearest one."""
    options = list(choices)
    for name, value in named.items():
        if value not in options:
            raise ValueError(f"{name} must be one of {', '.join(map(repr, options))}, "
                             f"got {value!r}.{suggestion(value, options) or ' Pick one.'}")


def simplex(weights: Any, *, hint: str = "Divide by the sum with normalise().") -> None:
    """Refuse weights that are negative or do not sum to one."""
    total, smallest = float(weights.sum()), float(weights.min()) if len(weights) else math.nan
    if not (smallest >= 0 and abs(total - 1.0) <= 1e-5):
        raise ValueError(f"weights must be non-negative and sum to 1, got sum {total:.6g} "
                         f"and smallest entry {smallest:.3g}. {hint}")


def holds(rule: Callable[[Any], Any], value: Any) -> bool:
    """Whether a value follows a rule; no word or None does."""
    try:
        return bool(rule(value))
    except (TypeError, ValueError):
        return False


def suggestion(word: object, choices: Iterable[str]) -> str:
    """Return `` Did you mean 'x'?`` for the nearest choice, or nothing."""
    near = difflib.get_close_matches(str(word), list(choices), n=1, cutoff=0.5)
    return f" Did you mean {near[0]!r}?" if near else ""
