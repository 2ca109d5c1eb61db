"""One thread for many small problems: several would spend their time waiting for each other.

On two busy cores, linear algebra and loops of OpenMP that share work too small to be shared took
from twice to nine times as long with two threads as with one.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import threadpool_limits

__all__ = ["one_thread"]


@contextmanager
def one_thread() -> Iterator[None]:
    """Let the libraries that are loaded use one thread inside.

    OpenMP, which torch and scikit-learn ask, keeps a number for each calling thread. OpenBLAS
    keeps one for the process and hears the main thread alone; calls from others leave it be.

    Examples
    --------
    >>> from threadpoolctl import threadpool_info
    >>> with one_thread():
    ...     {library["num_threads"] for library in threadpool_info()} <= {1}
    True
    """
    is_main = threading.current_thread() is threading.main_thread()
    with threadpool_limits(1, user_api=None if is_main else "openmp"):
        yield
