"""Settings that are tuned, in the order of their grid, and the best of them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from workbench.core import check

__all__ = ["best_of", "candidates"]


def candidates(grid: Any, estimator: Any) -> list[dict[str, Any]]:
    """Settings of a grid, in its order; refused where the estimator does not have one of them."""
    from sklearn.model_selection import ParameterGrid

    try:
        found = list(ParameterGrid(dict(grid))) if isinstance(grid, Mapping) else list(grid)
    except TypeError:
        found = []
    if not found or not all(isinstance(each, Mapping) for each in found):
        raise ValueError(f"grid must hold settings, each with a list of values, got {grid!r}. "
                         "Pass for example {'max_depth': [2, 4, 8]}.")
    known = sorted(estimator.get_params())
    for name in dict.fromkeys(name for each in found for name in each):
        if name not in known:
            raise ValueError(f"grid must hold settings of {type(estimator).__name__}, got "
                             f"{name!r}.{check.suggestion(name, known)} It has "
                             f"{', '.join(known[:20])}.")
    return [dict(each) for each in found]


def best_of(scores: Sequence[Any]) -> int:
    """First of the best, refused where a score is no number: NaN would win."""
    if not np.isfinite(scores).all():
        raise ValueError(f"scoring must give a number for each setting, got "
                         f"{int((~np.isfinite(scores)).sum())} NaN or infinite of {len(scores)}. "
                         "Use larger parts, or another scoring.")
    return int(np.argmax(scores))
