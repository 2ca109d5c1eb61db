"""Model comparison: the idea in one sentence, then the equation.

``w = exp(scores / temperature) / sum(...)``, the line that holds the idea. Source: author,
title, year; equation numbers where they help.
"""

import math
from dataclasses import dataclass

import numpy as np

from workbench.core import Card, check, tilt

__all__ = ["CARD", "ModelComparison"]

CARD = Card(
    source="TODO-key",
    weighs="what is weighed",
    range="simplex",
    neutral={"temperature": math.inf}, baseline="uniform",
)


@dataclass(frozen=True)
class ModelComparison:
    """Weights from scores.

    Parameters
    ----------
    temperature : float > 0
        In the unit of the scores; infinity gives uniform weights.
    """

    temperature: float = 1.0

    def __post_init__(self) -> None:
        check.positive(temperature=self.temperature)

    def __call__(self, scores: np.ndarray) -> np.ndarray:
        """Weights on the simplex, shape (n,), of scores of shape (n,)."""
        return np.asarray(tilt(scores, self.temperature))
