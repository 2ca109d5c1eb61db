"""A method's card: what it weighs, its source, and the setting in which it does nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from workbench.core import check

__all__ = ["Card"]

RANGES = ("simplex", "real", "positive", "unit")


@dataclass(frozen=True)
class Card:
    """Facts about one method, read by README, home page and the law tests.

    Parameters
    ----------
    source : str
        Key in ``docs/references.bib``.
    weighs : str
        What is weighed, as a phrase.
    range : {"simplex", "real", "positive", "unit"}
        Where the weights live.
    neutral : mapping
        Setting at which the method equals its baseline.
    baseline : str
        The unweighted method it equals there.
    cost : mapping
        Of a weighter that owns the step of a training: its "forward" and "backward" passes over
        the rows of a step, on average; empty is one of each, as without weights.
    """

    source: str
    weighs: str
    range: Literal["simplex", "real", "positive", "unit"]
    neutral: Mapping[str, Any] = field(default_factory=dict)
    baseline: str = "uniform"
    cost: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check.one_of(RANGES, range=self.range)
        if not self.neutral:
            raise ValueError("neutral must name a setting that equals the baseline, got nothing. "
                             "A method whose identity is unknown has no card.")
