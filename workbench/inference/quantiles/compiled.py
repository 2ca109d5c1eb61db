"""Loops over rows compiled by numba; loaded only by its first use."""

from collections.abc import Callable
from typing import Any

import numba

__all__ = ["compiled"]

SUMS = {"reassoc", "contract"}       # what may change in the last digits only


def compiled(function: Callable[..., Any], *, reordered: bool = False) -> Any:
    """Compile without the Python lock, cached on disk where a folder can be written.

    Parameters
    ----------
    function : function
    reordered : bool
        Whether sums may be taken in another order, several terms at once.
    """
    how = {"nogil": True, "fastmath": SUMS if reordered else False}
    try:
        return numba.njit(cache=True, **how)(function)
    except RuntimeError:      # numba found no folder to write to: compile in each process
        return numba.njit(**how)(function)
