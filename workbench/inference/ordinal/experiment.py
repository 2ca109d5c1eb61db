"""Everything a study asks of one table: the path, rivals, and predictions of held-out rows."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.base import clone

from workbench.core import generator
from workbench.inference.ordinal.columns import encode
from workbench.inference.ordinal.path import Path
from workbench.inference.ordinal.probability import class_probabilities, crossing_rows
from workbench.inference.ordinal.rivals import fit_method
from workbench.inference.ordinal.tuning import folds_of
from workbench.inference.presto import PRESTO

__all__ = ["OUTER", "RIVALS", "Fitted", "Question", "ask", "fitted", "held_out", "in_sample"]

RIVALS = ("proportional odds", "logistic regression", "logistic regression, shrunk",
          "multinomial")
OUTER = 5                # folds whose rows are predicted by models that have not seen them
TRIES = 50               # divisions of groups into folds


@dataclass(frozen=True, eq=False)
class Question:
    """Rows, stages, and how they are held out.

    Parameters
    ----------
    frame : DataFrame, shape (n, p)
        Floats, and objects for categories.
    codes : array of int, shape (n,)
    classes : int
    weight, group : array, shape (n,), or None
    fold : array of int, shape (n,)
        Of each row; -1 for one that is never held out.
    X : array, shape (n, q)
        Encoded by all rows.
    names : tuple of str
        Of the encoded columns.
    """

    frame: pd.DataFrame
    codes: np.ndarray
    classes: int
    weight: np.ndarray | None
    group: np.ndarray | None
    fold: np.ndarray
    X: np.ndarray
    names: tuple[str, ...]

    @property
    def held(self) -> np.ndarray:
        """Rows that some fold holds out, shape (n,)."""
        return self.fold >= 0


@dataclass(frozen=True, eq=False)
class Fitted:
    """PRESTO on all rows.

    Parameters
    ----------
    model : PRESTO
    best : int
        Place of the chosen lambda on the path.
    scores, errors : array, shape (l,)
        Cross-validated score of each lambda, lower is better, and its standard error over folds.
    crossings : array of int, shape (l,)
        Rows whose boundaries cross.
    """

    model: PRESTO
    best: int
    scores: np.ndarray
    errors: np.ndarray
    crossings: np.ndarray

    @property
    def path(self) -> Path:
        """Fits at every lambda."""
        return self.model.path_


def ask(frame: pd.DataFrame, codes: np.ndarray, classes: int,
        extra: Sequence[np.ndarray | None] = (None, None), *, seed: int) -> Question:
    """Encode a table and divide its rows into folds.

    Parameters
    ----------
    frame : DataFrame, shape (n, p)
    codes : array of int, shape (n,)
    classes : int
    extra : pair of arrays, shape (n,), or None
        Weights and groups.
    seed : int

    Raises
    ------
    ValueError
        If the groups cannot be divided so that each training part has every class.
    """
    weight, group = extra
    encoded = encode(frame)
    return Question(frame, codes, classes, weight, group, _folds(codes, group, seed),
                    encoded(frame), encoded.names)


def fitted(question: Question, model: PRESTO, seed: int) -> Fitted:
    """A model as it is given, on all rows, with a tuned lambda.

    Folds of the tuning hold whole groups out, where there are groups.
    """
    model = _tuned(question, np.arange(len(question.codes)), question.X, seed, model)
    found, path = model.cv_results_, model.path_
    splits = np.array([found[name] for name in found if name.startswith("split")])
    errors = splits.std(axis=0, ddof=1) / np.sqrt(len(splits))
    crossings = crossing_rows(path.boundaries(question.X)).sum(axis=1)
    return Fitted(model, int(np.flatnonzero(path.lambdas == model.lambda_)[0]),
                  -found["mean_test_score"], errors, crossings)


def in_sample(question: Question, seed: int) -> dict[str, np.ndarray]:
    """Probabilities of every rival fitted to all rows, for the same rows."""
    return {method: fit_method(method, question.X, question.codes, question.weight, seed)(
        question.X) for method in RIVALS}


def held_out(question: Question, methods: Sequence[str | PRESTO], seed: int
             ) -> dict[str, np.ndarray]:
    """Probabilities of each row by models that have not seen it, nor its group.

    Parameters
    ----------
    question : Question
    methods : sequence of str or PRESTO
        Of :data:`~workbench.inference.ordinal.rivals.METHODS`, or a model as it is given.
    seed : int

    Returns
    -------
    predicted : mapping of method to array, shape (n, k) or (n, 1)
        NaN in rows that are never held out.
    """
    found: dict[str, np.ndarray] = {}
    for fold in np.unique(question.fold[question.held]):     # fewer groups make fewer folds
        train, test = (np.flatnonzero(rows) for rows in (
            question.fold != fold, question.fold == fold))
        encoded = encode(question.frame.iloc[train])
        X, new = (encoded(question.frame.iloc[rows]) for rows in (train, test))
        weight = None if question.weight is None else question.weight[train]
        for method in methods:
            if isinstance(method, str):
                values = fit_method(method, X, question.codes[train], weight, seed)(new)
            else:
                model = _tuned(question, train, X, seed, method)
                values = class_probabilities(new @ model.coef_.T + model.intercepts_)
            place = found.setdefault(method if isinstance(method, str) else "PRESTO", np.full(
                (len(question.codes), values.shape[1]), np.nan))
            place[test] = values
    return found


def _tuned(question: Question, rows: np.ndarray, X: np.ndarray, seed: int,
           model: PRESTO) -> PRESTO:
    codes, folds = question.codes[rows], int(model.cv)
    fold = _folds(codes, None if question.group is None else question.group[rows], seed, folds)
    splits = [(np.flatnonzero(fold != each), np.flatnonzero(fold == each))
              for each in range(folds)]
    weight = None if question.weight is None else question.weight[rows]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")      # a study tells separation and crossings in words
        return clone(model).set_params(cv=[pair for pair in splits if len(pair[1])]).fit(
            X, codes, sample_weight=weight)


def _folds(codes: np.ndarray, group: np.ndarray | None, seed: int, folds: int = OUTER
           ) -> np.ndarray:
    rng = generator(seed)
    if group is None:
        return folds_of(codes, folds, rng)
    for _ in range(TRIES):
        fold = folds_of(codes, folds, rng, group)
        if all(len(np.unique(codes[fold != each])) == len(np.unique(codes))
               for each in range(folds)):
            return fold
    raise ValueError(f"group must leave every class outside each of {folds} folds of groups, but "
                     f"no division of {len(np.unique(group))} groups did. Name another column, or "
                     "none.")
