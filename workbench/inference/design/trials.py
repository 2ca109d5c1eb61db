"""How each method fares in worlds whose truth is known: bias, error and coverage by accuracy."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.stats import norm

from workbench.datasets import surrogate_labels
from workbench.datasets.simulated_labels import TRUTH
from workbench.inference.design.learning import cross_fitted, folds_of
from workbench.inference.design.moments import Rows
from workbench.inference.design.rivals import gold_only, ppi, surrogate_only
from workbench.inference.design.solution import solve

__all__ = ["METHODS", "estimates", "trials"]

METHODS = ("surrogate only", "gold only", "PPI++", "DSL")
FOLDS = 5


def estimates(world: pd.DataFrame, *, rng: np.random.Generator, g: str = "linear",
              methods: Sequence[str] = METHODS) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Coefficients and standard errors of each method on one world.

    Parameters
    ----------
    world : DataFrame
        As :func:`workbench.datasets.surrogate_labels` makes it.
    rng : numpy.random.Generator
        Draws the folds of DSL.
    g : {"linear", "surrogate"}
        Its predictions of gold labels.
    methods : sequence of str
    """
    X = np.column_stack([np.ones(len(world)), world[["x1", "x2", "x3"]]])
    gold, raw = world["y"].to_numpy(), world["y_llm"].to_numpy()
    held = np.isfinite(gold)
    weight = np.where(held, len(held) / held.sum(), 0.0)
    plain = Rows(np.where(held[:, None], X, 0.0), X, np.where(held, gold, 0.0), raw, weight)
    found = {}
    for method in methods:
        if method == "PPI++":
            one = ppi(X, plain.y_gold, raw, held, model="logit")
            found[method] = one.theta, one.se
            continue
        if method == "DSL":
            guess = raw if g == "surrogate" else cross_fitted(
                np.column_stack([raw, X[:, 1:]]), {"y": gold}, held,
                folds_of(len(held), FOLDS, rng), g, rng)["y"]
            solved = solve(Rows(plain.X_gold, X, plain.y_gold, guess, weight), logit=True)
        else:
            solved = (surrogate_only if method == "surrogate only" else gold_only)(
                plain, logit=True)
        found[method] = solved.theta, np.sqrt(np.diag(solved.covariance))
    return found


def trials(accuracies: Sequence[float], replications: int, *,  # noqa: PLR0913 - sizes of the worlds
           rng: np.random.Generator, n: int = 3000, labelled: int = 500, level: float = 0.95,
           g: str = "linear", methods: Sequence[str] = METHODS) -> pd.DataFrame:
    """Bias, root mean squared error and coverage over simulated worlds.

    Parameters
    ----------
    accuracies : sequence of float
        Shares of right surrogates.
    replications : int
        Worlds for each of them, the same for all methods.
    rng : numpy.random.Generator
    n, labelled : int
        Documents and labels of a world.
    level : float
        Promised coverage.
    g, methods : as in :func:`estimates`

    Returns
    -------
    table : DataFrame
        Columns accuracy, method, term, bias, rmse, coverage, and the standard errors bias_error,
        rmse_error and coverage_error of these over worlds.
    """
    truth, z = np.array(list(TRUTH.values())), norm.ppf(0.5 + level / 2)
    rows = []
    for accuracy in accuracies:
        each = [estimates(surrogate_labels(n, labelled, accuracy=accuracy, rng=rng), rng=rng, g=g,
                          methods=methods) for _ in range(replications)]
        for method in methods:
            error = np.stack([one[method][0] for one in each]) - truth
            covered = np.abs(error) <= z * np.stack([one[method][1] for one in each])
            rows += _scored(error, covered, accuracy, method)
    return pd.DataFrame(rows)


def _scored(error: np.ndarray, covered: np.ndarray, accuracy: float,
            method: str) -> list[dict[str, object]]:
    """Scores of each coefficient; a share of all or none has the error of one more world."""
    count = len(error)
    rmse = np.sqrt((error ** 2).mean(axis=0))
    share = covered.mean(axis=0)
    smooth = (covered.sum(axis=0) + 0.5) / (count + 1)
    spread = error.std(axis=0, ddof=1) if count > 1 else np.full(error.shape[1], np.nan)
    squares = (error ** 2).std(axis=0, ddof=1) if count > 1 else spread
    return [{"accuracy": accuracy, "method": method, "term": term, "bias": error[:, at].mean(),
             "bias_error": spread[at] / np.sqrt(count), "rmse": rmse[at],
             "rmse_error": squares[at] / np.sqrt(count) / (2 * rmse[at]), "coverage": share[at],
             "coverage_error": np.sqrt(smooth[at] * (1 - smooth[at]) / count)}
            for at, term in enumerate(TRUTH)]
