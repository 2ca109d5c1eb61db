"""Rows in the order in which training sees them: a function of seed, epoch and place alone.

Data are arrays ``(x, y)`` or ``(x, y, group)``, a dataset whose items are such tuples or mappings,
or an iterable of such batches.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset

from workbench.train.micro import Micro, as_tensor, each, split, tensors_of
from workbench.train.randomness import seed_of

__all__ = ["Arrays", "Items", "Shares", "Source", "Stream", "order_of", "source_of"]

RESIDENT = 2 ** 31      # bytes of data that are kept on the device, in the type of the network


@dataclass(frozen=True)
class Shares:
    """How rows of a step are shared out: rows of a micro-batch, micro-batches, processes."""

    batch_size: int
    accumulate: int = 1
    rank: int = 0
    world_size: int = 1

    @property
    def rows(self) -> int:
        """Rows of one step."""
        return self.batch_size * self.accumulate * self.world_size

    def of(self, order: Tensor, step: int) -> list[Tensor]:
        """Positions of this rank's micro-batches in one step of an epoch."""
        block = order[step * self.rows:(step + 1) * self.rows]
        return list(block.view(self.accumulate, self.world_size, self.batch_size)[:, self.rank])


class Source(Protocol):
    """Where steps come from."""

    rows: int                     # 0 where the number is not known
    steps: int                    # of an epoch; 0 where the number is not known

    def settle(self, device: torch.device, dtype: torch.dtype) -> bool:
        """Keep the data in the network's place and type, where they fit; whether they are."""

    def epoch(self, epoch: int, offset: int) -> Iterator[list[Micro]]:
        """Micro-batches of each step, from the step `offset` on."""


def source_of(data: Any, shares: Shares, seed: int, *, name: str = "data") -> Source:
    """Where the steps of some data come from.

    Raises
    ------
    ValueError, TypeError
        If the data are empty, too few, of unequal lengths or nothing that is known.
    """
    if isinstance(data, tuple | list) and len(data) in (2, 3) and not isinstance(
            data[0], tuple | list):
        return Arrays(data, shares, seed, name)
    if isinstance(data, Mapping):
        micro = split(data)
        return Arrays((micro.x, micro.y, micro.group), shares, seed, name)
    if hasattr(data, "__getitems__") or (isinstance(data, Dataset)
                                         and not isinstance(data, IterableDataset)):
        return Items(data, shares, seed, name)
    if hasattr(data, "__iter__") and not isinstance(data, np.ndarray | Tensor | Iterator):
        return Stream(data, shares, seed, name)
    raise TypeError(f"{name} must be (x, y), (x, y, group), a Dataset or an iterable of batches "
                    f"that can be read again, got {type(data).__name__}. Pass a tuple of arrays.")


class Arrays:
    """Steps of arrays."""

    def __init__(self, data: Any, shares: Shares, seed: int, name: str):
        x, y, group = (*data, None)[:3]
        self.data = Micro(each(as_tensor, x), each(as_tensor, y), each(as_tensor, group))
        self.rows = _rows(self.data, name)
        _refuse_missing(self.data.x, name)
        self.shares, self.seed = shares, seed
        self.steps = _steps(self.rows, shares, name)
        self.device = torch.device("cpu")

    def settle(self, device: torch.device, dtype: torch.dtype) -> bool:
        parts = [*tensors_of(self.data.x), *tensors_of(self.data.y), *tensors_of(self.data.group)]
        fits = sum(part.nbytes for part in parts) <= RESIDENT
        if fits:
            self.data, self.device = self.data.to(device, dtype), device
        return fits

    def epoch(self, epoch: int, offset: int) -> Iterator[list[Micro]]:
        order = order_of(self.rows, self.seed, epoch).to(self.device)
        for step in range(offset, self.steps):
            yield [self.at(rows) for rows in self.shares.of(order, step)]

    @property
    def whole(self) -> Micro:
        """All rows."""
        return self.data

    def at(self, rows: Tensor) -> Micro:
        """The micro-batch of some rows."""
        def taken(thing: Any) -> Any:
            return thing[rows] if isinstance(thing, Tensor) else thing
        return Micro(each(taken, self.data.x), each(taken, self.data.y),
                     each(taken, self.data.group), rows)


class Items:
    """Steps of a dataset that gives one row at a time."""

    def __init__(self, data: Any, shares: Shares, seed: int, name: str):
        self.data, self.shares, self.seed = data, shares, seed
        self.rows = len(data)
        self.steps = _steps(self.rows, shares, name)

    def epoch(self, epoch: int, offset: int) -> Iterator[list[Micro]]:
        order = order_of(self.rows, self.seed, epoch)
        parts = [rows for step in range(offset, self.steps)
                 for rows in self.shares.of(order, step)]
        loader = DataLoader(self.data, batch_sampler=[rows.tolist() for rows in parts],
                            generator=torch.Generator().manual_seed(seed_of(self.seed, epoch)))
        micros = (split(batch, rows) for batch, rows in zip(loader, parts, strict=True))
        yield from _grouped(micros, self.shares.accumulate)

    def settle(self, device: torch.device, dtype: torch.dtype) -> bool:  # noqa: ARG002
        """Items come one by one, from wherever they are."""
        return False

    def in_order(self, size: int) -> Iterator[Micro]:
        """All rows in the data's own order, `size` at a time."""
        parts = torch.arange(self.rows).split(size)
        loader = DataLoader(self.data, batch_sampler=[rows.tolist() for rows in parts],
                            generator=torch.Generator().manual_seed(0))
        yield from (split(batch, rows) for batch, rows in zip(loader, parts, strict=True))


class Stream:
    """Steps of a loader that makes its own batches; other processes bring theirs.

    Where the loader draws from PyTorch's default generator it draws by seed and epoch. The place
    in an epoch is found again by reading up to it.
    """

    def __init__(self, data: Any, shares: Shares, seed: int, name: str):
        self.data, self.shares, self.seed, self.name = data, shares, seed, name
        held = getattr(data, "dataset", None)
        self.rows = len(held) if held is not None and hasattr(held, "__len__") else 0
        self.steps = len(data) // shares.accumulate if hasattr(data, "__len__") else 0
        if hasattr(data, "__len__") and not self.steps:
            raise ValueError(f"{name} must give at least {shares.accumulate} batches, got "
                             f"{len(data)}. Check the loader's rows, its batch size and "
                             "drop_last.")

    def epoch(self, epoch: int, offset: int) -> Iterator[list[Micro]]:
        found = 0
        for micros in _grouped(self._read(epoch), self.shares.accumulate):
            found += 1
            if found > offset:
                yield micros
        if not found:
            raise ValueError(f"{self.name} must give at least {self.shares.accumulate} batches, "
                             f"got none in epoch {epoch}. Check the loader.")

    def settle(self, device: torch.device, dtype: torch.dtype) -> bool:  # noqa: ARG002
        """A loader's batches come from wherever they are."""
        return False

    def _read(self, epoch: int) -> Iterator[Micro]:
        states = [torch.Generator().manual_seed(seed_of(self.seed, epoch)).get_state()]
        with _drawing_from(states):
            reader = iter(self.data)
        while True:
            with _drawing_from(states):
                batch = next(reader, None)
            if batch is None:
                return
            yield split(batch)


def order_of(n: int, seed: int, epoch: int) -> Tensor:
    """Rows in the order of one epoch, shape (n,)."""
    drawn = torch.Generator().manual_seed(seed_of(seed, epoch))
    return torch.randperm(n, generator=drawn)


@contextmanager
def _drawing_from(states: list[Tensor]) -> Iterator[None]:
    """Let PyTorch's default generator go on from the last state, and note where it ended."""
    before = torch.get_rng_state()
    torch.set_rng_state(states.pop())
    try:
        yield
    finally:
        states.append(torch.get_rng_state())
        torch.set_rng_state(before)


def _grouped(micros: Iterator[Micro], size: int) -> Iterator[list[Micro]]:
    held: list[Micro] = []
    for micro in micros:
        held.append(micro)
        if len(held) == size:
            yield held
            held = []


def _rows(micro: Micro, name: str) -> int:
    told = [*tensors_of(micro.x), *tensors_of(micro.y), *tensors_of(micro.group)]
    lengths: Sequence[int] = [len(part) if part.ndim else 0 for part in told]
    if not told or len(set(lengths)) > 1:
        raise ValueError(f"{name} must have one entry per row in each array, got lengths "
                         f"{lengths}. Pass arrays of one length.")
    return lengths[0]


def _refuse_missing(x: Any, name: str) -> None:
    for part in tensors_of(x):
        if part.is_floating_point() and not bool(torch.isfinite(part).all()):
            raise ValueError(f"{name} must be finite, got NaN or infinite inputs. Drop or fill "
                             "the missing entries first.")


def _steps(rows: int, shares: Shares, name: str) -> int:
    steps = rows // shares.rows
    if not steps:
        raise ValueError(f"{name} must have at least the {shares.rows} rows of one step, got "
                         f"{rows}. Pass {'a smaller batch_size' if rows else 'some rows'}.")
    return steps
