"""Whether certified accuracy is kept: many analysts attack, and misses are counted."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import beta as beta_distribution

from workbench.core import Estimate, Interval
from workbench.inference.validity.attacks import Setting, mechanism, signs, verdict, vote
from workbench.inference.validity.bounds import hoeffding_tau

__all__ = ["GuaranteeTrials", "guarantee_trials"]

TRUTH = 0.5


@dataclass(frozen=True, eq=False)
class GuaranteeTrials:
    """How far answers were off in each trial, beside what was certified.

    Parameters
    ----------
    mechanism : str
    n, queries : int
        Rows, and queries of each trial.
    tau, theorem, beta
        The certificate: every answer within tau, with probability 1 - beta.
    errors : array, shape (trials,)
        Largest |answer - truth| of each trial.
    refused : int
        Trials in which the budget ended before the last query.
    """

    mechanism: str
    n: int
    queries: int
    tau: float
    theorem: str
    beta: float
    errors: np.ndarray
    refused: int

    def violations(self, tau: float | None = None) -> Estimate:
        """Share of trials with an error above `tau` (the certified one), exact 95 % interval."""
        limit = self.tau if tau is None else tau
        bad, trials = int((self.errors > limit).sum()), len(self.errors)
        low = float(beta_distribution.ppf(0.025, bad, trials - bad + 1)) if bad else 0.0
        high = float(beta_distribution.ppf(0.975, bad + 1, trials - bad)) if bad < trials else 1.0
        return Estimate(bad / trials, Interval(low, high, 0.95))

    @property
    def is_kept(self) -> bool:
        """Whether the share of misses is compatible with the promise of at most beta."""
        interval = self.violations().interval
        return interval is not None and interval.low <= self.beta


def guarantee_trials(name: str, n: int, queries: int, setting: Setting, *, trials: int = 100,
                     rng: np.random.Generator) -> GuaranteeTrials:
    """Attack a mechanism again and again and compare all its errors with its certificate.

    Parameters
    ----------
    name : {"plain", "split", "laplace", "gaussian", "thresholdout"}
    n : int > 0
        Rows.
    queries : int >= 2
        Columns of noise that are asked, and at last their vote.
    setting : Setting
    trials : int > 0
    rng : numpy.random.Generator

    Notes
    -----
    The plain holdout has no certificate for this; tau is that of queries that were chosen
    beforehand, which is what its users believe in.

    Examples
    --------
    >>> found = guarantee_trials("split", 2000, 20, Setting(), trials=20,
    ...                          rng=np.random.default_rng(0))
    >>> found.is_kept
    True
    """
    if not queries >= 2:
        raise ValueError(f"queries must be at least 2, a column and the vote, got {queries!r}.")
    errors, refused = [], 0
    for _ in range(trials):
        train, holdout = (signs(n, queries - 1, rng) for _ in range(2))
        asked = mechanism(name, n, queries, setting, rng)
        both = name == "thresholdout"
        told = np.array([answer.value for answer in asked.answer_batch(
            *((train, holdout) if both else (holdout,)))])
        last = [verdict(vote(told, part)) for part in (train, holdout)]
        answer = asked.answer(last if both else last[1], "values")
        every = np.abs(np.append(told, answer.value) - TRUTH)
        refused += bool(np.isnan(every).any())
        errors.append(float(np.nanmax(every)))
    certified = _certified(name, asked, n, queries, setting.beta)
    return GuaranteeTrials(name, n, queries, *certified, setting.beta, np.array(errors), refused)


def _certified(name: str, asked: object, n: int, queries: int, beta: float
               ) -> tuple[float, str]:
    if name == "plain":
        return hoeffding_tau(n, beta=beta, queries=queries), "Hoeffding, if nothing were adaptive"
    more = {"queries": queries} if name == "thresholdout" else {}
    found = asked.certify(1.0, beta=beta, **more)  # type: ignore[attr-defined]
    return found.tau, found.theorem
