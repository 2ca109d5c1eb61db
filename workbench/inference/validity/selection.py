"""The analyst who keeps features that look good on the training rows and on the holdout.

Features are kept whose correlation with the outcome agrees in sign on both and exceeds
``1 / sqrt(n)`` on both; the k with the largest one on the training rows vote:
``prediction = sign(sum(sign(correlation) * x))``. On a plain holdout this overfits the holdout
("The reusable holdout", Science 349, 2015).
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from workbench.core import check
from workbench.inference.adaptive_queries import thresholdout_batch

__all__ = ["FEATURES", "Part", "Settings", "kept_columns", "select_on_rows",
           "signal_means", "simulate_selection"]

FEATURES = (0, 10, 20, 30, 45, 70, 100, 150, 200, 250, 300, 400, 500)
INFORMATIVE, STRENGTH = 20, 6.0      # features with a signal, and its size times sqrt(n)
METHODS = ("plain", "thresholdout")
Scorer = Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray], float]


@dataclass(frozen=True)
class Settings:
    """How a holdout of n rows is asked.

    Parameters
    ----------
    k_list : sequence of int >= 0
        Numbers of features, in increasing order.
    threshold, sigma : float, optional
        Of the batch variant; None takes 4 / sqrt(n) and 1 / sqrt(n).
    """

    k_list: Sequence[int] = FEATURES
    threshold: float | None = None
    sigma: float | None = None

    def __post_init__(self) -> None:
        ks = list(self.k_list)
        if not (ks and min(ks) >= 0 and all(low < high for low, high in pairwise(ks))):
            raise ValueError("k_list must hold increasing whole numbers >= 0, got "
                             f"{self.k_list!r}. Pass [0, 10, 50, 100].")

    def noise(self, n: int) -> dict[str, float]:
        """Threshold and sigma for n rows."""
        return {"threshold": 4 / math.sqrt(n) if self.threshold is None else self.threshold,
                "sigma": 1 / math.sqrt(n) if self.sigma is None else self.sigma}


@dataclass(frozen=True, eq=False)
class Part:
    """Rows of one part, features standardised.

    Parameters
    ----------
    X : array, shape (n, d)
    y : array, shape (n,)
        Outcome, of mean 0 and mean square 1.
    """

    X: np.ndarray
    y: np.ndarray

    def correlations(self) -> np.ndarray:
        """``X.T @ y / n``, shape (d,)."""
        return self.y.astype(self.X.dtype) @ self.X / len(self.y)


def kept_columns(trained: np.ndarray, told: np.ndarray, n: int) -> np.ndarray:
    """Columns whose correlations agree, the largest on the training rows first."""
    least = 1 / math.sqrt(n)
    agree = (trained > least) & (told > least) | (trained < -least) & (told < -least)
    kept = np.flatnonzero(agree)
    return kept[np.argsort(-np.abs(trained[kept]), kind="stable")]


def signal_means(n: int, d: int, *, signal: bool) -> np.ndarray:
    """Mean of each simulated feature times the outcome, shape (d,)."""
    means = np.zeros(d)
    means[:INFORMATIVE] = STRENGTH / math.sqrt(n) if signal else 0.0
    return means


def simulate_selection(n: int, d: int, *, signal: bool, settings: Settings | None = None,
                       rng: np.random.Generator) -> pd.DataFrame:
    """One repetition on normal features, drawn without its n x d matrices.

    Parameters
    ----------
    n, d : int > 0
        Rows of each part, features.
    signal : bool
        Whether ``6 / sqrt(n)`` times the outcome is added to the first 20 features.
    settings : Settings, optional
    rng : numpy.random.Generator

    Returns
    -------
    accuracies : DataFrame
        Columns method (plain, thresholdout), k, train, answer (of the holdout), fresh, kept.

    Notes
    -----
    Exact in distribution: an outcome's correlation with a normal feature is normal, and given it
    the votes of m features are ``sqrt(m) * (g - mean(g)) + sum(sign * correlation)`` times the
    outcome, with one normal vector g. The two methods have samples of their own.
    """
    check.positive(n=n, d=d)
    asked = settings or Settings()
    means = signal_means(n, d, signal=signal)
    tables = []
    for method in METHODS:
        trained, held = means + rng.standard_normal((2, d)) / math.sqrt(n)
        told = held if method == "plain" else thresholdout_batch(
            trained, held, **asked.noise(n), rng=rng)
        order = kept_columns(trained, told, n)
        votes = _drawn_votes(order, (trained, held), means, asked.k_list, n, rng)
        scores = np.array([[0.5] * 3 if not k else [(some > 0).mean() for some in each]
                           for k, each in zip(asked.k_list, votes, strict=True)])
        tables.append(_told(scores, method, asked, len(order), n, rng))
    return pd.concat(tables, ignore_index=True)


def select_on_rows(parts: Sequence[Part], settings: Settings, scorer: Scorer, *,
                   rng: np.random.Generator) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    """The same analyst on rows.

    Parameters
    ----------
    parts : (train, holdout, fresh)
    settings : Settings
    scorer : function of the training part's votes and outcomes, and of those of a part
        Mean score in [0, 1] of predictions that are made of the votes.
    rng : numpy.random.Generator

    Returns
    -------
    accuracies : DataFrame
        As of :func:`simulate_selection`.
    orders : mapping of method to array of int
        Columns that were kept, the best first.
    """
    train, holdout, _ = parts
    trained, held, n = train.correlations(), holdout.correlations(), len(holdout.y)
    tables, orders = [], {}
    for method in METHODS:
        told = held if method == "plain" else thresholdout_batch(
            trained, held, **settings.noise(n), rng=rng)
        order = orders[method] = kept_columns(trained, told, n)
        votes = [list(_votes(part, order, np.sign(trained[order]), settings.k_list))
                 for part in parts]
        scores = np.array([[scorer(votes[0][at], train.y, votes[of][at], part.y)
                            for of, part in enumerate(parts)]
                           for at in range(len(settings.k_list))])
        tables.append(_told(scores, method, settings, len(order), n, rng))
    return pd.concat(tables, ignore_index=True), orders


def _told(scores: np.ndarray, method: str, settings: Settings, kept: int, n: int,
          rng: np.random.Generator) -> pd.DataFrame:
    """Scores of all k as the analyst is told them."""
    answers = scores[:, 1]
    if method != "plain":
        answers = np.clip(thresholdout_batch(scores[:, 0], answers, **settings.noise(n),
                                             rng=rng), 0.0, 1.0)
        answers = np.where(np.asarray(settings.k_list) == 0, scores[:, 1], answers)
    return pd.DataFrame({"method": method, "k": list(settings.k_list), "train": scores[:, 0],
                         "answer": answers, "fresh": scores[:, 2],
                         "kept": np.minimum(settings.k_list, kept)})


def _blocks(order: np.ndarray, k_list: Sequence[int]) -> Iterator[np.ndarray]:
    """Columns that each k adds to the one before, as places in the order."""
    places = np.arange(len(order))
    for low, high in pairwise([0, *k_list]):
        yield places[low:high]


def _votes(part: Part, order: np.ndarray, signs: np.ndarray,
           k_list: Sequence[int]) -> Iterator[np.ndarray]:
    total = np.zeros(len(part.y))
    for block in _blocks(order, k_list):
        if len(block):
            total = total + part.X[:, order[block]] @ signs[block].astype(part.X.dtype)
        yield total


def _drawn_votes(order: np.ndarray, told: tuple[np.ndarray, np.ndarray], means: np.ndarray,
                 k_list: Sequence[int], n: int, rng: np.random.Generator
                 ) -> Iterator[list[np.ndarray]]:
    """Votes times the outcome, on the three parts, for each k."""
    signs = np.sign(told[0][order])
    totals = [np.zeros(n)] * 3
    for block in _blocks(order, k_list):
        if len(block):
            noise = math.sqrt(len(block)) * rng.standard_normal((3, n))
            noise[:2] -= noise[:2].mean(axis=1, keepdims=True)
            centres = [float(signs[block] @ each[order[block]]) for each in (*told, means)]
            totals = [total + some + centre
                      for total, some, centre in zip(totals, noise, centres, strict=True)]
        yield totals
