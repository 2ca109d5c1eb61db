"""Where networks are trained, and the generators that they draw from."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from workbench.core import check
from workbench.train.process_wide import deterministic_kernels

__all__ = ["borrowed_randomness", "deterministic", "device_for", "torch_generator"]


def torch_generator(random_state: Any = None) -> torch.Generator:
    """PyTorch generator on the CPU for a random state in scikit-learn's or NumPy's sense.

    Parameters
    ----------
    random_state : int >= 0, numpy.random.Generator, numpy.random.RandomState or None
        None takes fresh entropy.

    Examples
    --------
    >>> first, second = torch_generator(0), torch_generator(0)
    >>> bool(torch.rand((), generator=first) == torch.rand((), generator=second))
    True
    """
    if random_state is None:
        seed = int(np.random.SeedSequence().generate_state(1)[0])
    elif isinstance(random_state, np.random.Generator):
        seed = int(random_state.integers(2 ** 31))
    elif isinstance(random_state, np.random.RandomState):
        seed = int(random_state.randint(2 ** 31 - 1))
    elif isinstance(random_state, int | np.integer) and random_state >= 0:
        seed = int(random_state)
    else:
        raise ValueError("random_state must be a whole number >= 0, a NumPy generator or None, "
                         f"got {random_state!r}. Pass an int such as 0.")
    return torch.Generator().manual_seed(seed)


def device_for(name: str = "auto") -> torch.device:
    """Device by name; ``auto`` is a graphics card where there is one."""
    check.one_of(("auto", "cpu", "cuda"), device=name)
    has_card = torch.cuda.is_available()
    if name == "cuda" and not has_card:
        raise ValueError("device must be one that PyTorch can see, got 'cuda' without a card. "
                         "Pass device='cpu'.")
    return torch.device("cuda" if has_card and name != "cpu" else "cpu")


@contextmanager
def deterministic(*, wanted: bool = True) -> Iterator[None]:
    """Ask PyTorch for deterministic kernels inside; what the caller had is restored.

    An operation that has none runs as it can, and PyTorch warns. Matrix products on a graphics
    card are bound only if this was entered, or ``CUBLAS_WORKSPACE_CONFIG`` was set, before the
    first of them.
    """
    if not wanted:
        yield
        return
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    with deterministic_kernels():
        yield


@contextmanager
def borrowed_randomness(seed: int, device: torch.device) -> Iterator[None]:
    """Let PyTorch's own dropout draw from `seed` inside; the caller's generators are restored.

    PyTorch's layers draw from its default generators and take no other.
    """
    cards = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=cards):
        torch.default_generator.set_state(torch.Generator().manual_seed(seed).get_state())
        for card in cards:
            torch.cuda.set_rng_state(torch.Generator(card).manual_seed(seed).get_state(), card)
        yield
