"""More rows than a step brings, for weighters that look ahead or have rows of their own."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch

from workbench.core import check
from workbench.train.batches import Shares, Source, source_of
from workbench.train.micro import Micro

__all__ = ["Refill"]


class Refill:
    """Micro-batches without end, by name; each knows how many were drawn."""

    def __init__(self, sources: dict[str, Source], device: torch.device, dtype: torch.dtype):
        self.sources, self.device, self.dtype = sources, device, dtype
        self.drawn = dict.fromkeys(sources, 0)
        self.open: dict[str, Iterator[list[Micro]]] = {}

    @classmethod
    def of(cls, job: Any, shares: Shares, device: torch.device,
           dtype: torch.dtype) -> "Refill":
        """Of the training and the `meta` data; of nothing where no weighter asks."""
        if not hasattr(job.weighter, "prepare"):
            return cls({}, device, dtype)
        alone = replace(shares, accumulate=1)
        named = {"train": job.data} | ({} if job.meta is None else {"meta": job.meta})
        return cls({name: source_of(data, alone, job.how.seed + 1 + place, name=name)
                    for place, (name, data) in enumerate(named.items())}, device, dtype)

    def next_batch(self, name: str) -> Micro:
        """The next micro-batch of "train" or "meta".

        Raises
        ------
        ValueError
            If the run was not given such data.
        """
        if name == "meta" and self.sources and name not in self.sources:
            raise ValueError("next_batch must be one of 'train', got 'meta': the weighter needs "
                             "rows of its own. Pass meta=(x, y) to the training.")
        check.one_of(self.sources, next_batch=name)
        if name not in self.open:
            self.open[name] = _endless(self.sources[name], self.drawn[name])
        self.drawn[name] += 1
        return next(self.open[name])[0].to(self.device, self.dtype)

    def restore(self, drawn: dict[str, int]) -> None:
        """Go on after so many."""
        self.drawn, self.open = dict(drawn), {}


def _endless(source: Source, drawn: int) -> Iterator[list[Micro]]:
    """Epoch after epoch from batch `drawn` on, which is read up to where no length is known."""
    epoch, offset = divmod(drawn, source.steps) if source.steps else (0, 0)
    unread = 0 if source.steps else drawn
    while True:
        for micros in source.epoch(epoch, offset):
            if unread:
                unread -= 1
            else:
                yield micros
        epoch, offset = epoch + 1, 0
