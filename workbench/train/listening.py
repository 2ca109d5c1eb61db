"""Rows of a history for somebody who looks when he likes, such as a page: training never waits."""

import threading
import time
from collections import deque
from collections.abc import Mapping
from typing import Any

from workbench.core import check

__all__ = ["Listener"]


class Listener:
    """A callback that keeps the newest rows until they are taken.

    Parameters
    ----------
    most : int > 0
        Rows that are kept; older ones are let go.
    every : float >= 0
        Seconds between rows that are kept; rows between them are let go, validation scores never.

    Examples
    --------
    >>> listener = Listener(most=2)
    >>> for step in range(3):
    ...     listener({"step": step})
    >>> listener.taken()
    [{'step': 1}, {'step': 2}]
    >>> listener.taken()
    []
    """

    def __init__(self, most: int = 1000, every: float = 0.0):
        check.positive(most=most)
        if not every >= 0:
            raise ValueError(f"every must be >= 0 seconds, got {every!r}. Pass 0 for all rows.")
        self.rows: deque[Mapping[str, Any]] = deque(maxlen=most)
        self.every, self.last = every, -float("inf")
        self.lock = threading.Lock()

    def __call__(self, row: Mapping[str, Any]) -> None:
        now = time.monotonic()
        if "score" not in row:
            if now - self.last < self.every:
                return
            self.last = now
        with self.lock:
            self.rows.append(dict(row))

    def taken(self) -> list[Mapping[str, Any]]:
        """The rows since the last call, the oldest first."""
        with self.lock:
            found = list(self.rows)
            self.rows.clear()
        return found
