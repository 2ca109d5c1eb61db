"""Batches in which every source has its share, so that no source is ever silent."""

from collections.abc import Iterator
from typing import Any

from workbench.core import check

__all__ = ["Stratified"]


class Stratified:
    """A loader for :func:`workbench.train.fit` whose batches hold all sources alike.

    Sources take turns, row by row; each goes through its own rows in a random order, drawn anew
    whenever it comes to their end. Orders are drawn from PyTorch's default generator, which the
    training loop sets by seed and epoch.

    Parameters
    ----------
    data : (x, y, group) or mapping with "group"
        `group` has the source of each row, from 0 to K - 1.
    batch_size : int >= K
        Rows of a micro-batch of one process.

    Raises
    ------
    ValueError
        If there are fewer than two sources, one has no rows, or a batch is smaller than K.

    Examples
    --------
    >>> import torch
    >>> source = torch.tensor([0] * 90 + [1] * 6)
    >>> loader = Stratified((torch.zeros(96, 1), torch.zeros(96), source), 8)
    >>> [int((group == 1).sum()) for _, _, group in loader][:3], len(loader)
    ([4, 4, 4], 12)
    """

    def __init__(self, data: Any, batch_size: int):
        import torch

        from workbench.train.micro import split

        check.whole(1, batch_size=batch_size)
        self.dataset, self.batch_size = _Rows(split(data)), batch_size
        self.rows = rows_by_source(self.dataset.micro.group)
        self.n_sources = len(self.rows)
        if batch_size < self.n_sources:
            raise ValueError(f"batch_size must be at least the {self.n_sources} sources, got "
                             f"{batch_size}. Pass more rows to a batch.")
        self.distributed = torch.distributed

    def __len__(self) -> int:
        return max(1, len(self.dataset) // (self.batch_size * self._team()[1]))

    def __iter__(self) -> Iterator[Any]:
        rank, world = self._team()
        for rows in self.order(len(self), self.batch_size * world):
            yield self.dataset.at(rows[rank::world])

    def order(self, steps: int, size: int) -> Any:
        """Rows of each step, shape (steps, size), drawn from PyTorch's default generator."""
        import torch

        need = -(-steps * size // self.n_sources)
        turns = [torch.cat([rows[torch.randperm(len(rows))]
                            for _ in range(-(-need // len(rows)))])[:need] for rows in self.rows]
        return torch.stack(turns, 1).reshape(-1)[:steps * size].view(steps, size)

    def _team(self) -> tuple[int, int]:
        """Number of this process, and how many there are."""
        told = self.distributed
        if not (told.is_available() and told.is_initialized()):
            return 0, 1
        return told.get_rank(), told.get_world_size()


class _Rows:
    """Data of n rows."""

    def __init__(self, micro: Any):
        self.micro = micro

    def __len__(self) -> int:
        return len(self.micro.group)

    def at(self, rows: Any) -> Any:
        """Some rows, in the form in which they were given, with their places if by name."""
        from workbench.train.micro import each

        x, y, group = (each(lambda part: part[rows], part) for part in (
            self.micro.x, self.micro.y, self.micro.group))
        return {**x, "labels": y, "group": group, "index": rows} if isinstance(x, dict) else (
            x, y, group)


def rows_by_source(group: Any) -> list[Any]:
    """Places of the rows of each source.

    Raises
    ------
    ValueError
        If sources are not numbered from 0 without a gap, or there are fewer than two.
    """
    import torch

    if group is None or group.is_floating_point() or group.ndim != 1 or not len(group):
        raise ValueError("data must tell the source of each row, got "
                         f"{'none' if group is None else tuple(group.shape)}. Pass (x, y, group) "
                         "with whole numbers from 0.")
    counts = checked_counts(torch.bincount(group.clamp(min=0).long()), int(group.min()))
    return [torch.nonzero(group == one).flatten() for one in range(len(counts))]


def checked_counts(counts: Any, least: int = 0) -> Any:
    """Row counts of sources, once there are two and none is empty."""
    if least < 0:
        raise ValueError(f"sources must be numbered from 0, got {least}. Renumber them.")
    if len(counts) < 2:
        raise ValueError(f"data must have at least 2 sources, got {len(counts)}. There is nothing "
                         "to weigh: name another column of sources.")
    empty = [at for at, count in enumerate(counts.tolist()) if not count]
    if empty:
        raise ValueError(f"every source must have rows, got none of source {empty[0]}. Number "
                         "the sources without gaps.")
    return counts
