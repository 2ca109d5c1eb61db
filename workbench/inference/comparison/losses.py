"""Losses that are means over rows, and the scores they stand for."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from workbench.inference.comparison.out_of_bag import no_information_rate

__all__ = ["SCORES", "Loss", "loss_of"]

SCORES = ("accuracy", "neg_mean_squared_error", "neg_mean_absolute_error")


@dataclass(frozen=True)
class Loss:
    """A loss that is averaged over rows, and the score it stands for, ``offset - loss``."""

    name: str
    given: Any = field(default=None, compare=False)

    @property
    def zero_one(self) -> bool:
        """Whether labels are right or wrong."""
        return self.name == "accuracy"

    def __call__(self, y: Any, said: Any) -> np.ndarray:
        if self.zero_one:
            return (y != said).astype(float)
        if self.given is not None:
            return -np.asarray(self.given(y, said), dtype=float)
        gap = np.subtract(y, said, dtype=float)
        return gap ** 2 if self.name == "neg_mean_squared_error" else np.abs(gap)

    def told(self, loss: Any) -> Any:
        """A mean loss as a score."""
        return (1.0 if self.zero_one else 0.0) - loss

    def gamma(self, y: np.ndarray, said: np.ndarray) -> float:
        """Mean loss if labels told nothing."""
        return no_information_rate(y, said, None if self.zero_one else self)


def loss_of(scoring: Any, estimator: Any) -> Loss:
    """The loss behind a score, or that of the kind of estimator."""
    from sklearn.base import is_classifier

    if callable(scoring):
        return Loss("given", scoring)
    return Loss(scoring or ("accuracy" if is_classifier(estimator) else
                            "neg_mean_squared_error"))
