"""From boundaries in log odds to probabilities of classes, also where boundaries cross."""

import numpy as np

__all__ = ["class_probabilities", "crossing_rows", "rare_probability"]


def class_probabilities(eta: np.ndarray) -> np.ndarray:
    """Probability of every class; each row is valid whatever its boundaries do.

    Where boundaries cross they are replaced by their running maximum, up to the last one, which
    stays: the probability of the last class is that of its own boundary in any case.

    Parameters
    ----------
    eta : array, shape (..., m)
        Log odds of being at or below each class but the last.

    Returns
    -------
    probabilities : array, shape (..., m + 1)
        In [0, 1], summing to one.

    Examples
    --------
    >>> class_probabilities(np.array([0.0, np.log(3.0)])).round(3).tolist()
    [0.5, 0.25, 0.25]
    """
    ordered = np.minimum(np.maximum.accumulate(eta, axis=-1), eta[..., -1:])
    log_below = -np.logaddexp(0.0, -ordered)           # log F
    log_above = -np.logaddexp(0.0, ordered)            # log (1 - F)
    inner = np.exp(log_below[..., 1:] + log_above[..., :-1]) * -np.expm1(-np.diff(ordered))
    return np.concatenate([np.exp(log_below[..., :1]), inner, np.exp(log_above[..., -1:])],
                          axis=-1)


def rare_probability(eta: np.ndarray) -> np.ndarray:
    """Probability of the last class, ``1 - F(eta[..., -1])``, shape (...)."""
    return np.exp(-np.logaddexp(0.0, eta[..., -1]))


def crossing_rows(eta: np.ndarray) -> np.ndarray:
    """Whether boundaries of a row cross, so that a class between them has no probability.

    Returns
    -------
    crossing : array of bool, shape (...)
    """
    return np.asarray((np.diff(eta) < 0).any(axis=-1))
