"""One run that a page asked for: what is known of it at one moment."""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from workbench import runs

__all__ = ["Job"]


@dataclass(frozen=True)
class Job:
    """A run that a page asked for, as it is now.

    Parameters
    ----------
    id, study, title : str
        The study by its name, without its package.
    values, changed : mapping
        All parameters, and those that differ from their defaults.
    key : str
        Of the run it makes.
    state : str
        "queued", "running", or how it ended: a state of a run, "refused" or "cancelled".
    cell : str
        Name of the cell in progress.
    done, cells : int
        Its position, from 1, and how many there are; 0 before the first.
    expected : float
        Seconds that earlier runs of the study took; NaN without any.
    begun, ended : float
        Of :func:`time.monotonic`; NaN before.
    log : tuple of str
        What was told, oldest first.
    run : Run or None
        When it is over, where it was kept.
    error : str
        Why there is no result, in one sentence.
    reused : bool
        Whether the run was in the store before.
    """

    id: str
    study: str
    title: str
    values: Mapping[str, Any]
    key: str
    changed: Mapping[str, Any] = field(default_factory=dict)
    state: str = "queued"
    cell: str = ""
    done: int = 0
    cells: int = 0
    expected: float = math.nan
    begun: float = math.nan
    ended: float = math.nan
    log: tuple[str, ...] = ()
    run: runs.Run | None = None
    error: str = ""
    reused: bool = False

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen."""
        return self.state not in ("queued", "running")

    @property
    def seconds(self) -> float:
        """Since it began; 0 while it waits."""
        if math.isnan(self.begun):
            return 0.0
        return (time.monotonic() if math.isnan(self.ended) else self.ended) - self.begun

    @property
    def left(self) -> float:
        """Seconds until the end, by earlier runs; NaN where nothing is known."""
        return max(self.expected - self.seconds, 0.0)

    @property
    def share(self) -> float:
        """How much is done, between 0 and 1: cells that ended; 1 when nothing more happens."""
        if self.is_over:
            return 1.0
        return (self.done - 1) / self.cells if self.cells else 0.0
