"""Keep the last few results of a costly stage, so that a later one may be tried at once."""

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Generic, TypeVar

__all__ = ["Recent"]

Anything = TypeVar("Anything")


class Recent(Generic[Anything]):
    """Results by the values that decide them; the ones used last stay.

    Parameters
    ----------
    size : int
        Results that are kept.

    Attributes
    ----------
    seconds : float
        What the result made last took; infinite before the first.

    Examples
    --------
    >>> kept = Recent[int](2)
    >>> kept.get((1,), lambda: 10), kept.get((1,), lambda: 20)
    (10, 10)
    """

    def __init__(self, size: int):
        self._size = size
        self._results: OrderedDict[Any, Anything] = OrderedDict()
        self._lock = threading.Lock()
        self.seconds = math.inf

    def __contains__(self, key: Any) -> bool:
        return key in self._results

    def get(self, key: Any, make: Callable[[], Anything]) -> Anything:
        """The result for a key, made now unless it is kept; threads may each make it once."""
        with self._lock:
            if key in self._results:
                self._results.move_to_end(key)
                return self._results[key]
        begun = time.monotonic()
        made = make()
        with self._lock:
            self.seconds = time.monotonic() - begun
            self._results[key] = made
            while len(self._results) > self._size:
                self._results.popitem(last=False)
        return made
