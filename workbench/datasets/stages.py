"""Which order labels have: numbers, texts with a number, usual scales of words, or as told."""

import re
from collections.abc import Sequence

import pandas as pd

from workbench.core import check

__all__ = ["UnknownOrderError", "in_order"]

NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?")
SCALES = (
    ("none", "minimal", "very mild", "mild", "moderate", "severe", "very severe", "critical",
     "fatal", "dead"),
    ("very low", "low", "medium", "high", "very high"),
    ("low", "moderate", "high"), ("low", "middle", "high"), ("low", "normal", "high"),
    ("small", "medium", "large", "extra large"),
    ("strongly disagree", "disagree", "somewhat disagree", "neither agree nor disagree", "neutral",
     "undecided", "somewhat agree", "agree", "strongly agree"),
    ("very dissatisfied", "dissatisfied", "somewhat dissatisfied", "neutral",
     "somewhat satisfied", "satisfied", "very satisfied"),
    ("never", "rarely", "seldom", "occasionally", "sometimes", "often", "usually", "always"),
    ("very poor", "poor", "fair", "average", "good", "very good", "excellent"),
    ("very bad", "bad", "fair", "good", "very good"),
    ("very unlikely", "unlikely", "neutral", "likely", "very likely"),
    ("nodiabetes", "prediabetes", "diabetes"), ("no diabetes", "pre diabetes", "diabetes"),
    ("healthy", "pre disease", "disease"), ("healthy", "mild", "moderate", "severe"),
    ("normal", "suspect", "pathologic"), ("no", "maybe", "yes"),
    ("no click", "click", "purchase"), ("none", "click", "purchase"),
    ("i", "ii", "iii", "iv", "v", "vi"), ("a", "b", "c", "d", "e", "f"),
)


class UnknownOrderError(ValueError):
    """Labels whose order nobody has told."""


def in_order(labels: pd.Series, order: Sequence[str] = ()) -> tuple[list[str], str]:
    """Labels of an outcome from the first stage to the last.

    Parameters
    ----------
    labels : Series of text, shape (n,)
        One per row, none missing.
    order : sequence of str
        All labels in their order; none leaves that to what the labels say.

    Returns
    -------
    ordered : list of str
    how : str
        How the order was found, in words.

    Raises
    ------
    UnknownOrderError
        If the labels do not say their order.
    ValueError
        If `order` misses a label or repeats one.

    Examples
    --------
    >>> in_order(pd.Series(["High", "low", "medium"]))[0]
    ['low', 'medium', 'High']
    """
    found = list(dict.fromkeys(labels))
    if order:
        return _told(found, [str(label).strip() for label in order]), "as given"
    numbers = {label: NUMBER.findall(label) for label in found}
    places = {label: float(held[0]) for label, held in numbers.items() if len(held) == 1}
    if len(set(places.values())) == len(found):
        return sorted(found, key=places.__getitem__), "by their numbers"
    words = {re.sub(r"[\W_]+", " ", label.casefold()).strip(): label for label in found}
    for scale in SCALES:
        if set(words) <= set(scale) and len(words) == len(found):
            return [words[word] for word in scale if word in words], "a usual scale"
    raise UnknownOrderError(
        f"order must name the {len(found)} classes from the first stage to the last, the rare "
        f"one, since they do not say it themselves: {', '.join(map(repr, sorted(found)))}. Pass "
        f"order={sorted(found)!r} in their order.")


def _told(found: list[str], order: list[str]) -> list[str]:
    if len(set(order)) < len(order):
        raise ValueError(f"order must name each class once, got {order!r}. Drop the repeats.")
    strange = [label for label in found if label not in order]
    if strange:
        raise ValueError(f"order must name every class of the outcome, but misses "
                         f"{', '.join(map(repr, strange))}, got {order!r}."
                         f"{check.suggestion(strange[0], order)} Add them, or drop those rows.")
    return [label for label in order if label in found]
