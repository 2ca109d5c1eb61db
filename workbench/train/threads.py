"""Train small networks on one thread: several would spend their time waiting for each other.

On a busy machine two threads made the descent of a small network twenty times slower, all of it
spent waiting at the end of each tiny operation.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["one_thread"]

LOCK = threading.Lock()
INSIDE: list[int] = []       # numbers of threads to return to, one per caller that is inside


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch use one thread inside; the last caller to leave restores what there was."""
    import torch

    with LOCK:
        INSIDE.append(torch.get_num_threads() if not INSIDE else INSIDE[0])
        torch.set_num_threads(1)
    try:
        yield
    finally:
        with LOCK:
            before = INSIDE.pop()
            if not INSIDE:
                torch.set_num_threads(before)
