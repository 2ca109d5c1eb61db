"""A world of documents whose labeller errs where a covariate is low, and whose truth is known."""

import numpy as np
import pandas as pd
from scipy.special import expit

__all__ = ["TRUTH", "surrogate_labels"]

TRUTH = {"Intercept": 0.1, "x1": 0.5, "x2": -0.4, "x3": 0.3}
SKEW = 11.0              # how much likelier an error is where x1 is not above 0


def surrogate_labels(n: int = 3000, labelled: int = 500, *, accuracy: float = 0.88,
                     rng: np.random.Generator) -> pd.DataFrame:
    """Binary outcomes of a logistic model, read by a labeller whose errors depend on x1.

    Parameters
    ----------
    n, labelled : int
        Documents, and how many of them experts label, drawn uniformly.
    accuracy : float in [0.55, 1]
        Share of right surrogates; errors are eleven times likelier where x1 is not above 0.
    rng : numpy.random.Generator

    Returns
    -------
    world : DataFrame, shape (n, 6)
        ``y``, NaN where not labelled; ``y_llm``; ``x1`` to ``x3``, standard normal; ``truth``.

    Raises
    ------
    ValueError
        If a size or the accuracy is out of range.
    """
    if not 0 < labelled <= n:
        raise ValueError(f"labelled must lie between 1 and n, got {labelled!r} of {n!r}. Pass "
                         "fewer labels.")
    if not 0.55 <= accuracy <= 1:
        raise ValueError(f"accuracy must lie between 0.55 and 1, got {accuracy!r}. Pass 0.88.")
    x = rng.normal(size=(n, 3))
    constant, *slopes = TRUTH.values()
    truth = (rng.random(n) < expit(constant + x @ slopes)).astype(float)
    rare = 2 * (1 - accuracy) / (1 + SKEW)
    wrong = rng.random(n) < np.where(x[:, 0] > 0, rare, SKEW * rare)
    drawn = np.zeros(n, dtype=bool)
    drawn[rng.choice(n, labelled, replace=False)] = True
    return pd.DataFrame({"y": np.where(drawn, truth, np.nan),
                         "y_llm": np.where(wrong, 1 - truth, truth),
                         "x1": x[:, 0], "x2": x[:, 1], "x3": x[:, 2], "truth": truth})
