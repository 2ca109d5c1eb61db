"""Score a text by counting the words of two lists.

A hit is a word of the positive or negative list; a negator among the few tokens before it turns
its sign. With `p` positive and `n` negative hits the score is ``(p - n) / (p + n)``, and there is
none when both are zero.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Lexicon", "lexicon_score"]


@dataclass(frozen=True)
class Lexicon:
    """Word lists of one question, all in lower case.

    Parameters
    ----------
    name : str
        The question they answer.
    positive, negative, negators : frozenset of str
        The first two must not share a word.
    window : int >= 0
        Reach of a negator [tokens].
    pattern : str
        Regular expression of a token in lower-cased text.
    """

    name: str
    positive: frozenset[str]
    negative: frozenset[str]
    negators: frozenset[str]
    window: int = 3
    pattern: str = r"[a-z\-']+"

    def __post_init__(self) -> None:
        both = self.positive & self.negative
        if both:
            raise ValueError(f"positive and negative must share no word, got {min(both)!r} in "
                             "both. Keep each word in one list.")
        if not self.window >= 0:
            raise ValueError(f"window must be at least 0, got {self.window!r}. "
                             "Pass 0 to ignore negators.")

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "Lexicon":
        """Build from the JSON form of a shipped lexicon."""
        return cls(record["name"], frozenset(record["positive"]), frozenset(record["negative"]),
                   frozenset(record["negators"]), record["negation_window"],
                   record["token_pattern"])


def lexicon_score(text: str, lexicon: Lexicon, scale: tuple[float, float] = (-1.0, 1.0)) -> float:
    """Balance of positive and negative words, mapped linearly to a scale.

    Parameters
    ----------
    text : str
    lexicon : Lexicon
    scale : (float, float)
        Score of a text with only negative hits, and with only positive ones.

    Returns
    -------
    score : float
        Within `scale`; NaN for a text without a hit.

    Examples
    --------
    >>> words = Lexicon("outlook", frozenset({"strong"}), frozenset({"weak"}), frozenset({"not"}))
    >>> lexicon_score("Exports are strong, imports are not weak.", words)
    1.0
    """
    low, high = scale
    signs = _signs(re.findall(lexicon.pattern, text.lower()), lexicon)
    return low + (sum(signs) / len(signs) + 1) / 2 * (high - low) if signs else math.nan


def _signs(tokens: list[str], lexicon: Lexicon) -> list[int]:
    signs = []
    for place, token in enumerate(tokens):
        sign = (token in lexicon.positive) - (token in lexicon.negative)
        before = tokens[max(place - lexicon.window, 0):place]
        if sign:
            signs.append(sign if lexicon.negators.isdisjoint(before) else -sign)
    return signs
