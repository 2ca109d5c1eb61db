"""Settings of the whole process, held by any thread that asks for them.

PyTorch keeps some settings once for all threads. Where each thread restores what it found, two
that overlap can leave the setting of one behind for good.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

import torch

__all__ = ["ProcessWide", "deterministic_kernels", "math_attention"]

State = TypeVar("State")


class ProcessWide(Generic[State]):
    """A setting that holds from when it is entered, and leaves what there was, in any order.

    Parameters
    ----------
    read : function that gives the setting
    write : function of a setting that makes it
    wanted : setting

    Notes
    -----
    Callers stand in a row. The last of them puts back what it found; one that leaves earlier
    hands what it found on to the one that came after it.

    Examples
    --------
    >>> told = {"now": "theirs"}
    >>> ours = ProcessWide(lambda: told["now"], lambda state: told.update(now=state), "ours")
    >>> with ours():
    ...     told["now"]
    'ours'
    >>> told["now"]
    'theirs'
    """

    def __init__(self, read: Callable[[], State], write: Callable[[State], object],
                 wanted: State):
        self.read, self.write, self.wanted = read, write, wanted
        self.lock = threading.RLock()
        self.row: list[list[State]] = []        # what each caller found, in order of arrival

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """Within this context the setting holds."""
        with self.lock:
            found = [self.read()]
            self.write(self.wanted)
            self.row.append(found)
        try:
            yield
        finally:
            with self.lock:
                at = next(k for k, one in enumerate(self.row) if one is found)
                del self.row[at]
                if at == len(self.row):
                    self.write(found[0])
                else:
                    self.row[at][:] = found


def _attention() -> tuple[bool, bool, bool, bool]:
    kernels = torch.backends.cuda
    return (kernels.math_sdp_enabled(), kernels.flash_sdp_enabled(),
            kernels.mem_efficient_sdp_enabled(), kernels.cudnn_sdp_enabled())


def _set_attention(enabled: tuple[bool, bool, bool, bool]) -> None:
    kernels = torch.backends.cuda
    for enable, on in zip((kernels.enable_math_sdp, kernels.enable_flash_sdp,
                           kernels.enable_mem_efficient_sdp, kernels.enable_cudnn_sdp), enabled,
                          strict=True):
        enable(on)


def _determinism() -> tuple[bool, bool, bool]:
    return (torch.are_deterministic_algorithms_enabled(),
            torch.is_deterministic_algorithms_warn_only_enabled(),
            torch.utils.deterministic.fill_uninitialized_memory)


def _set_determinism(state: tuple[bool, bool, bool]) -> None:
    torch.use_deterministic_algorithms(state[0], warn_only=state[1])
    torch.utils.deterministic.fill_uninitialized_memory = state[2]


math_attention = ProcessWide(_attention, _set_attention, (True, False, False, False))
"""Attention by plain matrix products: the one kernel with two derivatives that knows vmap."""

# Filling memory that is not written yet costs a third of small steps.
deterministic_kernels = ProcessWide(_determinism, _set_determinism, (True, True, False))
"""Deterministic kernels where there are some, and a warning where there are none."""
