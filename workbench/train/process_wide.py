"""Settings of the whole process, while any thread asks for them.

PyTorch keeps some settings once for all threads. Where each thread restores what it found, two
that overlap can leave the setting of one behind for good.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["ProcessWide", "math_attention"]


class ProcessWide:
    """A setting that is made by the first caller to enter and undone by the last one to leave.

    Parameters
    ----------
    make : function without arguments
        It makes the setting and gives a function that undoes it.

    Examples
    --------
    >>> told = []
    >>> def make():
    ...     told.append("made")
    ...     return lambda: told.append("undone")
    >>> setting = ProcessWide(make)
    >>> with setting(), setting():
    ...     told
    ['made']
    >>> told
    ['made', 'undone']
    """

    def __init__(self, make: Callable[[], Callable[[], object]]):
        self.make = make
        self.lock = threading.Lock()
        self.inside = 0
        self.undo: Callable[[], object] = lambda: None

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """Within this context the setting holds."""
        with self.lock:
            if not self.inside:
                self.undo = self.make()
            self.inside += 1
        try:
            yield
        finally:
            with self.lock:
                self.inside -= 1
                if not self.inside:
                    self.undo()


def _attend_by_math() -> Callable[[], object]:
    from torch.nn.attention import SDPBackend, sdpa_kernel

    chosen = sdpa_kernel(SDPBackend.MATH)
    chosen.__enter__()
    return lambda: chosen.__exit__(None, None, None)


math_attention = ProcessWide(_attend_by_math)
"""Attention by plain matrix products: the one kernel with two derivatives that knows vmap."""
