"""A second opinion on labels: cleanlab's quality of each, by probabilities out of sample."""

from typing import Any

import numpy as np

from workbench.core import check

__all__ = ["label_quality"]

FOLDS = 5


def label_quality(x: Any, y: np.ndarray, *, folds: int = FOLDS, seed: int = 0) -> np.ndarray:
    """Cleanlab's label quality of each row in [0, 1]; low is suspected.

    Parameters
    ----------
    x : array or sparse matrix, shape (n, p)
    y : array of int, shape (n,)
        Classes 0, 1, ..., each with at least two rows.
    folds : int > 1
        Of cross-validation, at most the rows of the rarest class.
    seed : int >= 0
        Of the folds.

    Raises
    ------
    ImportError
        Where cleanlab is not installed, with the command that installs it.

    Notes
    -----
    The probability of the given label by a logistic regression that did not see the row,
    cleanlab's score "self_confidence".
    """
    check.whole(2, folds=folds)
    try:
        from cleanlab.rank import get_label_quality_scores
    except ImportError as missing:
        raise ImportError("cleanlab must be installed for a second opinion on labels, but "
                          f"{missing}. Run: pip install 'workbench[labels]'.") from missing
    from scipy.sparse import csr_matrix, issparse
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    rows = x if issparse(x) or np.mean(x != 0) > 0.2 else csr_matrix(x)
    rarest = int(np.bincount(y).min())
    if rarest < 2:
        raise ValueError(f"y must have at least 2 rows of each class, got {rarest}. Leave rare "
                         "classes out.")
    split = StratifiedKFold(min(folds, rarest), shuffle=True, random_state=seed)
    found = cross_val_predict(LogisticRegression(max_iter=1000), rows, y, cv=split,
                              method="predict_proba")
    return np.asarray(get_label_quality_scores(y, found, method="self_confidence"))
