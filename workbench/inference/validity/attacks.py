"""The analyst who lets columns of pure noise vote, each as the holdout's answer says.

Rows are independent signs, so that every mean is 0 in truth. The analyst asks the mean of each
column and then how often ``sum(sign(answer) * x) > 0``. Of exact answers the last one exceeds its
truth 1/2 by ``norm.cdf(sqrt(2 d / (pi n))) - 1 / 2``.
"""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from workbench.core import check
from workbench.inference.adaptive_queries import NoisyThresholdWarning, Thresholdout
from workbench.inference.validity.mechanisms import EmpiricalMechanism, SplitMechanism
from workbench.inference.validity.noisy import GaussianMechanism, LaplaceMechanism

__all__ = ["MECHANISMS", "MajorityAttack", "Setting", "attack_errors", "mechanism", "signs",
           "verdict", "vote"]

TRUTH = 0.5
MECHANISMS = ("plain", "split", "laplace", "gaussian", "thresholdout")


@dataclass(frozen=True)
class Setting:
    """Settings of all mechanisms, on values in [0, 1].

    Parameters
    ----------
    threshold, sigma, budget
        Of Thresholdout.
    epsilon, delta : float
        Of Laplace noise, for all queries together; delta also of normal noise.
    beta : float in (0, 1)
        Chance with which certificates may fail.
    spread : float
        Standard deviation of normal noise.
    """

    threshold: float = 0.04
    sigma: float = 0.01
    budget: int | None = None
    epsilon: float = 1.0
    delta: float = 1e-6
    beta: float = 0.05
    spread: float = 0.02


def mechanism(name: str, n: int, queries: int, setting: Setting,
              rng: np.random.Generator) -> Any:
    """A mechanism for n rows of training and holdout, that refuses with NaN.

    Parameters
    ----------
    name : {"plain", "split", "laplace", "gaussian", "thresholdout"}
    n, queries : int > 0
    setting : Setting
    rng : numpy.random.Generator
    """
    check.one_of(MECHANISMS, name=name)
    quiet: dict[str, Any] = {"on_exhausted": "refuse"}
    makers: Mapping[str, Callable[[], Any]] = {
        "plain": lambda: EmpiricalMechanism(n, queries, **quiet),
        "split": lambda: SplitMechanism(n, queries, **quiet),
        "laplace": lambda: LaplaceMechanism(n, queries, setting.epsilon, setting.delta, rng=rng,
                                            **quiet),
        "gaussian": lambda: GaussianMechanism(n, setting.spread, queries, delta=setting.delta,
                                              rng=rng, **quiet),
        "thresholdout": lambda: Thresholdout(n, n, setting.threshold, setting.sigma,
                                             setting.budget, rng=rng, **quiet)}
    with warnings.catch_warnings():                     # studies tell of it in a note
        warnings.simplefilter("ignore", NoisyThresholdWarning)
        return makers[name]()


def signs(n: int, d: int, rng: np.random.Generator) -> np.ndarray:
    """Independent signs, coded 0 and 1, shape (d, n): one row per column of the table, float32."""
    bits = np.unpackbits(rng.integers(0, 256, (d, -(-n // 8)), dtype=np.uint8), axis=1)[:, :n]
    return bits.astype(np.float32)


def vote(answers: np.ndarray, part: np.ndarray) -> np.ndarray:
    """Votes of columns on each row, shape (n,), each column as its answer says."""
    weight = np.sign(np.nan_to_num(answers, nan=TRUTH) - TRUTH).astype(part.dtype)
    return 2 * (weight @ part) - weight.sum()


def verdict(votes: np.ndarray) -> np.ndarray:
    """1 where the vote is positive, a half where it is tied."""
    return (votes > 0) + 0.5 * (votes == 0)


@dataclass(frozen=True)
class MajorityAttack:
    """Ask each column, then the vote of all.

    Parameters
    ----------
    columns : sequence of int
        After how many columns the vote is asked; the last is how many there are.
    """

    columns: Sequence[int]

    def play(self, asked: Any, train: np.ndarray, holdout: np.ndarray) -> pd.DataFrame:
        """Ask a mechanism about columns of shape (d, n), 0 or 1.

        Returns
        -------
        answers : DataFrame
            Columns columns, answer, error: of the vote after each number of columns. A vote
            beyond the budget is NaN.
        """
        both, found = isinstance(asked, Thresholdout), []
        votes = [np.zeros(part.shape[1]) for part in (train, holdout)]
        for low, high in zip([0, *self.columns], self.columns, strict=False):
            pair = [part[low:high] for part in (train, holdout)]
            told = np.array([answer.value for answer in asked.answer_batch(
                *(pair if both else pair[1:]))])
            votes = [total + vote(told, part) for total, part in zip(votes, pair, strict=True)]
            last = [verdict(each) for each in votes]
            answer = asked.answer(last if both else last[1], "values")
            found.append((high, answer.value, answer.value - TRUTH))
        return pd.DataFrame(found, columns=["columns", "answer", "error"])


def attack_errors(names: Sequence[str], n: int, columns: Sequence[int], setting: Setting, *,
                  repetitions: int = 5, rng: np.random.Generator) -> pd.DataFrame:
    """Errors of the last answer of the attack.

    Parameters
    ----------
    names : sequence of str
        Of `MECHANISMS`.
    n : int > 0
        Rows of training and of holdout.
    columns : sequence of int
        In increasing order.
    setting : Setting
    repetitions : int > 0
    rng : numpy.random.Generator

    Returns
    -------
    errors : DataFrame
        Columns mechanism, columns, error, repetition.
    """
    tables = []
    for repetition in range(repetitions):
        train, holdout = (signs(n, columns[-1], rng) for _ in range(2))
        for name in names:
            # Fresh rows for each query must know how many will be asked.
            rounds = [[each] for each in columns if each < n] if name == "split" else [columns]
            for some in rounds:
                asked = mechanism(name, n, some[-1] + len(some), setting, rng)
                tables.append(MajorityAttack(some).play(asked, train, holdout).assign(
                    mechanism=name, repetition=repetition))
    return pd.concat(tables, ignore_index=True)[["mechanism", "columns", "error", "repetition"]]
