"""What tests, posteriors and scores say, with the words that belong beside the number."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from workbench.core import Estimate, Interval

__all__ = ["Posterior", "ScoreResult", "TestResult"]


@dataclass(frozen=True)
class TestResult:
    """Statistic, p value and what must be known before it is trusted.

    Parameters
    ----------
    statistic, pvalue : float
        The p value is two-sided.
    df : float, pair of floats or None
        Degrees of freedom; none for exact and normal tests.
    name : str
    warnings : tuple of str
        One sentence each.
    """

    __test__: ClassVar[bool] = False         # no test of this project
    statistic: float
    pvalue: float
    df: float | tuple[float, float] | None
    name: str
    warnings: tuple[str, ...] = ()

    def rejects(self, alpha: float = 0.05) -> bool:
        """Whether the p value is at most `alpha`."""
        return bool(self.pvalue <= alpha)

    def summary(self) -> str:
        """One line, and a line for each warning."""
        freedom = "" if self.df is None else f", df {_freedom(self.df)}"
        first = f"{self.name}: statistic {self.statistic:.4g}{freedom}, p = {self.pvalue:.4g}"
        return "\n".join([first, *(f"Note: {told}" for told in self.warnings)])


@dataclass(frozen=True)
class Posterior:
    """Probabilities that the first model is better, that both are alike, that the second is.

    Parameters
    ----------
    first, equal, second : float
        Of a difference above ``rope``, within ``[-rope, rope]`` and below ``-rope``; they sum
        to 1.
    difference : float
        Posterior mean of the difference, first minus second.
    interval : Interval or None
        Central credible interval of the difference, where it has a distribution of its own.
    name : str
    rope : float
        Half the width of the region of practical equivalence, in the unit of the scores.
    error : float
        Largest Monte-Carlo standard error of the three; 0 for a closed form.
    warnings : tuple of str
    """

    first: float
    equal: float
    second: float
    difference: float
    interval: Interval | None
    name: str
    rope: float
    error: float = 0.0
    warnings: tuple[str, ...] = ()

    def decides(self, certain: float = 0.95) -> str:
        """Return ``first``, ``equal`` or ``second`` if its probability is `certain`; else ""."""
        held = {"first": self.first, "equal": self.equal, "second": self.second}
        best = max(held, key=lambda name: held[name])
        return best if held[best] >= certain else ""

    def summary(self) -> str:
        """One line, and a line for each warning."""
        first = (f"{self.name}: P(first better by more than {self.rope:g}) = {self.first:.4g}, "
                 f"P(equal) = {self.equal:.4g}, P(second better) = {self.second:.4g}")
        return "\n".join([first, *(f"Note: {told}" for told in self.warnings)])


@dataclass(frozen=True, eq=False)
class ScoreResult:
    """A score of one model by one method.

    Parameters
    ----------
    name : str
        The method.
    value : float
        Larger is better.
    scores : array, shape (k,)
        Scores of folds, splits or replicates behind it.
    interval : Interval or None
    why : str
        What keeps the score from having an interval.
    warnings : tuple of str
    """

    name: str
    value: float
    scores: np.ndarray
    interval: Interval | None = None
    why: str = ""
    warnings: tuple[str, ...] = ()

    @property
    def sd(self) -> float:
        """Standard deviation of the scores; NaN for one."""
        return float(self.scores.std(ddof=1)) if len(self.scores) > 1 else float("nan")

    def estimate(self) -> Estimate:
        """The score with its interval, or with the reason why it has none."""
        return Estimate(self.value, self.interval, why=self.why or "one score has no spread")


def _freedom(df: float | tuple[float, float]) -> str:
    return " and ".join(f"{each:g}" for each in df) if isinstance(df, tuple) else f"{df:g}"
