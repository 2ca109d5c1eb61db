"""Cross-validation of lambda: stratified folds, scores of held-out rows, the largest minimiser."""

import numbers
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from workbench.core import check
from workbench.inference.ordinal.probability import class_probabilities
from workbench.inference.quantiles.training_rows import seeded

__all__ = ["SCORINGS", "Tuned", "brier", "folds_of", "log_loss", "splits_of",
           "tuned"]

FLOOR = 1e-15            # of a probability in a log loss


def brier(probabilities: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Sum over classes of squared differences between outcome and probability, per row.

    Parameters
    ----------
    probabilities : array, shape (..., n, k)
    codes : array of int, shape (n,)

    Returns
    -------
    scores : array, shape (..., n)
        Between 0 and 2.
    """
    own = np.take_along_axis(probabilities, _place(probabilities, codes), axis=-1)[..., 0]
    return (probabilities ** 2).sum(axis=-1) - 2 * own + 1


def log_loss(probabilities: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Minus the log of the probability of the class that occurred, per row [nats]."""
    own = np.take_along_axis(probabilities, _place(probabilities, codes), axis=-1)[..., 0]
    return -np.log(np.maximum(own, FLOOR))


SCORINGS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "brier": brier, "log_loss": log_loss}


@dataclass(frozen=True, eq=False)
class Tuned:
    """Scores of each lambda.

    Parameters
    ----------
    lambdas : array, shape (l,)
        Decreasing.
    scores : array, shape (folds, l)
        Mean score of the held-out rows of each fold; lower is better.
    sizes : array, shape (folds,)
        Their weight.
    """

    lambdas: np.ndarray
    scores: np.ndarray
    sizes: np.ndarray

    @property
    def mean(self) -> np.ndarray:
        """Mean over all held-out rows, shape (l,)."""
        return self.sizes @ self.scores / self.sizes.sum()

    @property
    def error(self) -> np.ndarray:
        """Standard error of the mean over folds, taken as independent; NaN for one fold."""
        folds = len(self.scores)
        if folds < 2:
            return np.full(len(self.lambdas), np.nan)
        return self.scores.std(axis=0, ddof=1) / np.sqrt(folds)

    @property
    def best(self) -> int:
        """Place of the largest lambda with the least mean score."""
        return int(self.mean.argmin())

    def results(self) -> dict[str, np.ndarray]:
        """As scikit-learn's searches report: higher scores are better, so all are times -1."""
        return {"param_lam": self.lambdas, "mean_test_score": -self.mean,
                "std_test_score": self.scores.std(axis=0),
                **{f"split{at}_test_score": -row for at, row in enumerate(self.scores)}}


def folds_of(codes: np.ndarray, folds: int, rng: np.random.Generator,
             group: np.ndarray | None = None) -> np.ndarray:
    """A fold for each row, -1 for a row that no fold holds out.

    Classes are spread evenly over the folds. The only row of a class stays in every training
    part. Rows of one group share a fold.

    Parameters
    ----------
    codes : array of int, shape (n,)
    folds : int >= 2
    rng : numpy.random.Generator
    group : array, shape (n,), optional

    Returns
    -------
    fold : array of int, shape (n,)
    """
    if group is not None:
        _, places = np.unique(group, return_inverse=True)
        return (rng.permutation(places.max() + 1) % folds)[places]
    fold, dealt = np.empty(len(codes), dtype=np.intp), 0
    for each in np.unique(codes):
        rows = rng.permutation(np.flatnonzero(codes == each))
        fold[rows] = (dealt + np.arange(len(rows))) % folds if len(rows) > 1 else -1
        dealt += len(rows)
    return fold


def splits_of(cv: Any, codes: np.ndarray, kept: np.ndarray, random_state: Any
              ) -> list[tuple[np.ndarray, np.ndarray]]:
    """Training and held-out rows of each fold that holds out any.

    Parameters
    ----------
    cv : int, or iterable of (array, array)
    codes : array of int, shape (n,)
        Of the rows that are kept.
    kept : array of bool, shape (N,)
        Which they are of the rows that `cv` means.
    random_state : int, Generator or None

    Raises
    ------
    ValueError
        If `cv` is no pairs of rows, or no row is held out.
    """
    if isinstance(cv, numbers.Integral):
        fold = folds_of(codes, int(cv), seeded(random_state))
        pairs = [(np.flatnonzero(fold != each), np.flatnonzero(fold == each))
                 for each in range(int(cv))]
    else:
        pairs = [_pair(each, kept) for each in cv]
    pairs = [pair for pair in pairs if len(pair[1])]
    if not pairs:
        raise ValueError("cv must hold out rows in a fold, got none, as where each class has one "
                         f"row: {len(codes)} rows. Add rows, or pass a number as lam.")
    return pairs


def _pair(pair: Any, kept: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    count, own = len(kept), np.flatnonzero(kept)
    try:
        train, test = (np.arange(count)[np.asarray(rows, dtype=np.asarray(rows).dtype if len(
            rows) else int)] for rows in pair)
    except (IndexError, TypeError, ValueError):
        raise ValueError(f"cv must hold pairs of training and held-out rows, as positions below "
                         f"{count} or as {count} times true or false, got another entry. Pass "
                         "5, or list(splitter.split(X, y)) for one of scikit-learn.") from None
    return np.flatnonzero(np.isin(own, train)), np.flatnonzero(np.isin(own, test))


def tuned(paths: Callable[[np.ndarray, np.ndarray], Any], X: np.ndarray, codes: np.ndarray,
          weight: np.ndarray, splits: Iterable[tuple[np.ndarray, np.ndarray]], *,
          scoring: str = "brier") -> Tuned:
    """Score the path of each training part on the rows held out.

    Parameters
    ----------
    paths : function of training rows and of their codes
        Returns their `Path`.
    X : array, shape (n, p)
    codes : array of int, shape (n,)
    weight : array, shape (n,)
    splits : iterable of (array, array)
        Training and held-out rows.
    scoring : {"brier", "log_loss"}

    Raises
    ------
    ValueError
        If a training part lacks a class.
    """
    check.one_of(SCORINGS, scoring=scoring)
    classes, scores, sizes = int(codes.max()) + 1, [], []
    for train, test in splits:
        absent = np.setdiff1d(np.arange(classes), codes[train])
        if absent.size:
            raise ValueError(f"cv must leave every class in each training part, but one lacks "
                             f"class number {int(absent[0]) + 1} of {classes}. Pass fewer folds, "
                             "other splits, or merge rare classes.")
        path = paths(train, codes[train])
        found = SCORINGS[scoring](class_probabilities(path.boundaries(X[test])), codes[test])
        sizes.append(float(weight[test].sum()))
        scores.append(found @ weight[test] / sizes[-1])
    return Tuned(path.lambdas, np.array(scores), np.array(sizes))


def _place(probabilities: np.ndarray, codes: np.ndarray) -> np.ndarray:
    return np.broadcast_to(codes, probabilities.shape[:-1])[..., None]
