"""Loops over rows compiled by numba; loaded only by its first use."""

from collections.abc import Callable
from typing import Any

import numba

__all__ = ["compiled"]


def compiled(function: Callable[..., Any]) -> Any:
    """Compile without the Python lock, cached on disk where a folder can be written."""
    try:
        return numba.njit(cache=True, nogil=True)(function)
    except RuntimeError:      # numba found no folder to write to: compile in each process
        return numba.njit(nogil=True)(function)
