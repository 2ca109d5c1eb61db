"""Checks of what the researcher controls: who was labelled, and with which probability."""

import warnings
from typing import Any

import numpy as np
import pandas as pd

from workbench.core import check
from workbench.inference.design.frame import columns_present, numbers
from workbench.inference.design.solution import DesignWarning

__all__ = ["checked_arrays", "checked_design", "probabilities"]

FEW, RARE, FAR = 50, 0.01, 4


def probabilities(sample_prob: str | float | None, data: pd.DataFrame,
                  labelled: np.ndarray) -> np.ndarray:
    """Probability of each row to be labelled, shape (n,), in (0, 1]."""
    if sample_prob is None:
        return np.full(len(data), labelled.mean())
    if isinstance(sample_prob, str):
        columns_present(data, sample_prob=[sample_prob])
        return _between(numbers(data[sample_prob], "sample_prob"))
    return _between(np.full(len(data), float(sample_prob)))


def checked_design(labelled: np.ndarray, chance: np.ndarray, cluster: np.ndarray | None) -> None:
    """Refuse labels that the probabilities exclude; warn of designs that say little."""
    certain = (chance == 1) & ~labelled
    if certain.any():
        raise ValueError(f"sample_prob must be below 1 for rows that may have no label, but "
                         f"{int(certain.sum())} rows have probability 1 and none. Pass the "
                         "probabilities by which rows were drawn.")
    n, told = len(labelled), list[str]()
    if labelled.sum() < FEW:
        told.append(f"Only {int(labelled.sum())} rows are labelled; normal intervals need at "
                    f"least {FEW}. Label more.")
    if chance.min() < RARE:
        told.append(f"The smallest probability of a label is {chance.min():.2g}: a single label "
                    f"can decide the result. Draw rows with at least {RARE}.")
    total, error = (labelled / chance).mean(), np.sqrt(((1 - chance) / chance).sum()) / n
    if abs(total - 1) > FAR * error + 1e-9 and cluster is None:
        told.append(f"Labels do not fit their probabilities: the mean of R / pi is {total:.3f} "
                    f"and should be 1, give or take {FAR * error:.3f}. Check the column of "
                    "probabilities, and that labels were drawn by it.")
    for sentence in told:
        warnings.warn(sentence, DesignWarning, stacklevel=3)


def checked_arrays(X_gold: Any, X_pred: Any, y_gold: Any, y_pred: Any, R: Any,
                   pi: Any) -> tuple[tuple[np.ndarray, ...], np.ndarray, np.ndarray]:
    """Both sides with zeros in place of what nobody labelled; labelled rows; probabilities."""
    check.same_length(X_gold=X_gold, X_pred=X_pred, y_gold=y_gold, y_pred=y_pred, R=R)
    sides = [np.asarray(side, dtype=float) for side in (X_gold, X_pred, y_gold, y_pred)]
    drawn = np.asarray(R, dtype=float)
    if sides[0].ndim != 2 or sides[0].shape != sides[1].shape:
        raise ValueError(f"X_gold and X_pred must have one shape (n, d), got {sides[0].shape} and "
                         f"{sides[1].shape}. Build both from the same columns.")
    if not np.isin(drawn, (0, 1)).all():
        raise ValueError(f"R must be 0 or 1 in each row, got {drawn[~np.isin(drawn, (0, 1))][0]}. "
                         "Pass 1 for rows with gold labels.")
    labelled = drawn == 1
    if not labelled.any():
        raise ValueError(f"R must be 1 in some rows, got 0 in all {len(drawn)}. Label a sample.")
    check.finite(X_pred=sides[1], y_pred=sides[3])
    check.finite(hint="Label those rows, or set R to 0.", X_gold=sides[0][labelled],
                 y_gold=sides[2][labelled])
    for name, gold, predicted in (("X_gold", sides[0], sides[1]), ("y_gold", sides[2], sides[3])):
        foreign = ~(np.isnan(gold) | (gold == 0) | (gold == predicted))
        outside = foreign.reshape(len(drawn), -1).any(axis=1) & ~labelled
        if outside.any():
            raise ValueError(f"{name} must hold no gold labels where R is 0, but does in "
                             f"{int(outside.sum())} rows. Set R to 1 there if they were drawn, "
                             "else their labels to NaN.")
    chance = _between(np.broadcast_to(np.asarray(pi, dtype=float), drawn.shape))
    zeroed = (np.where(labelled[:, None], sides[0], 0.0), sides[1],
              np.where(labelled, sides[2], 0.0), sides[3])
    return zeroed, labelled, chance


def _between(chance: np.ndarray) -> np.ndarray:
    bad = ~((chance > 0) & (chance <= 1))
    if bad.any():
        raise ValueError(f"sample_prob must lie above 0 and at most at 1, got {int(bad.sum())} "
                         f"other entries, the first {chance[bad][0]:g}. Pass the probability with "
                         "which each row was drawn, and leave out rows that could not be.")
    return np.asarray(chance, dtype=float)
