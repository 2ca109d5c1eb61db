"""Choose settings without spoiling the score: three-way holdout, nested CV, one standard error."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from workbench.core import Interval, check
from workbench.core.rng import seed_from
from workbench.inference.comparison.arrays import floats, share
from workbench.inference.comparison.fitting import (
    fit_rows,
    in_parallel,
    is_accuracy,
    options_of,
    ready,
    rows_of,
    scorer_of,
    seeded,
)
from workbench.inference.comparison.intervals import accuracy_interval, mean_interval
from workbench.inference.comparison.outcomes import ScoreResult
from workbench.inference.comparison.settings import best_of, candidates
from workbench.inference.comparison.splits import folds, holdouts

__all__ = ["Nested", "NestedResult", "nested_cv", "one_standard_error",
           "three_way_holdout"]


@dataclass(frozen=True, eq=False)
class NestedResult:
    """Scores of outer test parts that no choice has seen.

    Parameters
    ----------
    outer : ScoreResult
        The number to report.
    chosen : tuple of dict
        The settings of each outer fold.
    best : dict
        The settings of the search on all rows.
    model : fitted estimator
        The final model, on all rows; the score of its own search is not reported.
    inner : tuple of float
        Score by which each outer fold chose; flattering.
    """

    outer: ScoreResult
    chosen: tuple[dict[str, Any], ...]
    best: dict[str, Any]
    model: Any
    inner: tuple[float, ...]


@dataclass(frozen=True)
class Nested:
    """Nested cross-validation.

    Parameters
    ----------
    grid : mapping of setting to values, or sequence of settings
        What is tuned; the candidates, first ones first where scores tie.
    outer, inner : int
        Folds that score, and that choose within each training part.
    scoring : str or callable, optional
        As in ``score_splits``.
    """

    grid: Any
    outer: int = 5
    inner: int = 5
    scoring: Any = None

    def run(self, estimator: Any, X: Any, y: Any, *, rng: np.random.Generator) -> NestedResult:
        """Score and tune an estimator."""
        X, y = ready(X, y)
        options = candidates(self.grid, estimator)
        exact = is_accuracy(estimator, self.scoring)
        search = partial(_search, None if exact else scorer_of(estimator, self.scoring), options,
                         self.inner)
        check.whole(2, outer=self.outer, inner=self.inner, hint="Pass 5 folds.")
        splits = folds(y, self.outer, rng=rng)
        items = [(*pair, seed_from(rng)) for pair in splits.pairs]
        found = in_parallel(partial(_outer, search), estimator, X, y, items, rng=rng)
        scores = np.array([score for score, _, _ in found])
        interval = mean_interval(scores, overlap=splits.overlap)
        if exact:
            interval = Interval(max(0.0, interval.low), min(1.0, interval.high), interval.level)
        best, _ = search(estimator, X, y, seed_from(rng))
        model = seeded(estimator, seed_from(rng)).set_params(**best).fit(X, y)
        return NestedResult(
            ScoreResult(f"nested {self.outer} x {self.inner}", float(scores.mean()), scores,
                        interval, warnings=splits.warnings),
            tuple(chosen for _, chosen, _ in found), best, model,
            tuple(inner for _, _, inner in found))


def nested_cv(estimator: Any, grid: Any, X: Any, y: Any, *, rng: np.random.Generator,
              **options: Any) -> NestedResult:
    """Nested cross-validation: tuned on inner folds, scored on outer ones.

    Parameters
    ----------
    estimator : scikit-learn estimator
    grid : mapping of setting to values, or sequence of settings
    X : array or DataFrame, shape (n, p)
    y : array, shape (n,)
    rng : numpy.random.Generator
    **options
        ``outer``, ``inner`` and ``scoring`` of `Nested`.
    """
    options_of(Nested, options)
    return Nested(grid, **options).run(estimator, X, y, rng=rng)


def three_way_holdout(estimator: Any, grid: Any, X: Any, y: Any, *, rng: np.random.Generator,
                      **options: Any) -> NestedResult:
    """Train, validate, test: choose on the validation part, refit on both, score once.

    Parameters
    ----------
    estimator, grid, X, y, rng
        As in `nested_cv`.
    **options
        ``scoring``; ``validation_frac`` and ``test_frac``, 0.2 each unless given.
    """
    X, y = ready(X, y)
    scoring = options.pop("scoring", None)
    test_frac = options.pop("test_frac", 0.2)
    validation = options.pop("validation_frac", 0.2)
    if options:
        raise ValueError(f"options must be of scoring, test_frac and validation_frac, got "
                         f"{sorted(options)}. Leave the others out.")
    share(test_frac=test_frac, validation_frac=validation, hint="Pass 0.2 for each.")
    if test_frac + validation >= 1:
        raise ValueError("test_frac and validation_frac must leave rows to train on, got "
                         f"{test_frac!r} and {validation!r}. Pass 0.2 for each.")
    ((kept, test),) = holdouts(y, test_frac=test_frac, rng=rng).pairs
    ((train, valid),) = holdouts(y[kept], test_frac=validation / (1 - test_frac), rng=rng).pairs
    scorer = None if is_accuracy(estimator, scoring) else scorer_of(estimator, scoring)
    tried = candidates(grid, estimator)
    seed = seed_from(rng)
    scores = [_score(scorer, seeded(estimator, seed).set_params(**option), X, y,
                     (kept[train], kept[valid])) for option in tried]
    best = tried[best_of(scores)]
    model = seeded(estimator, seed).set_params(**best)
    score = _score(scorer, model, X, y, (kept, test))
    interval = accuracy_interval(round(score * len(test)), len(test)) if scorer is None else None
    outer = ScoreResult("three-way holdout", score, np.array([score]), interval)
    return NestedResult(outer, (best,), best, model, (float(max(scores)),))


def one_standard_error(results: Any, complexity: Any) -> int:
    """Simplest candidate whose mean score is within one standard error of the best.

    Parameters
    ----------
    results : array, shape (candidates, k), or mapping as ``GridSearchCV.cv_results_``
        Scores of the folds.
    complexity : array, shape (candidates,)
        Larger is more complex.

    Returns
    -------
    index : int
        With ``mean >= m* - s``, m* the best mean and ``s = sd / sqrt(k)`` its standard error; the
        better mean among equally simple ones.

    Examples
    --------
    >>> one_standard_error([[0.80, 0.84, 0.82], [0.82, 0.86, 0.81], [0.5, 0.6, 0.5]], [1, 2, 0])
    0
    """
    scores = _fold_scores(results)
    order = floats(complexity=complexity)
    if order.shape != (len(scores),) or not np.isfinite(order).all():
        raise ValueError(f"complexity must be one finite number per candidate, {len(scores)}, got "
                         f"shape {order.shape}. Pass for example the number of parameters.")
    means = scores.mean(axis=1)
    best = int(means.argmax())
    error = float(scores[best].std(ddof=1)) / math.sqrt(scores.shape[1])
    near = np.flatnonzero(means >= means[best] - error)
    return int(near[np.lexsort((-means[near], order[near]))[0]])


def _outer(search: Any, model: Any, X: Any, y: np.ndarray, item: tuple[Any, Any, int]
           ) -> tuple[float, dict[str, Any], float]:
    """Tune on the training rows alone, fit, and score on the test rows."""
    train, test, seed = item
    best, inner = search(model, rows_of(X, train), y[train], seed)
    score = _score(search.args[0], model.set_params(**best), X, y, (train, test))
    return score, best, inner


def _search(scorer: Any, options: Sequence[dict[str, Any]], k: int,  # noqa: PLR0913 - the data, too
            estimator: Any, X: Any, y: np.ndarray, seed: int) -> tuple[dict[str, Any], float]:
    """Best option by mean score on the same folds for every candidate."""
    pairs = folds(y, k, rng=np.random.default_rng(seed)).pairs
    means = [np.mean([_score(scorer, seeded(estimator, seed).set_params(**option), X, y, pair)
                      for pair in pairs]) for option in options]
    best = best_of(means)
    return dict(options[best]), float(means[best])


def _score(scorer: Any, model: Any, X: Any, y: np.ndarray, pair: tuple[np.ndarray, np.ndarray]
           ) -> float:
    train, test = pair
    fit_rows(model, X, y, train)
    if scorer is None:
        return float(np.mean(model.predict(rows_of(X, test)) == y[test]))
    return float(scorer(model, rows_of(X, test), y[test]))


def _fold_scores(results: Any) -> np.ndarray:
    if isinstance(results, Mapping):
        names = sorted((name for name in results if str(name).startswith("split")
                        and str(name).endswith("_test_score")),
                       key=lambda name: int(name[5:-11]))
        results = np.array([results[name] for name in names]).T
    scores = floats(results=results)
    if scores.ndim != 2 or scores.shape[1] < 2 or not np.isfinite(scores).all():
        raise ValueError(f"results must hold scores of at least two folds per candidate, got "
                         f"shape {scores.shape}. Pass an array of shape (candidates, k).")
    return scores
