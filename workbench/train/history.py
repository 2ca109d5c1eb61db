"""What a run tells of itself while it goes on, one row every few steps."""

import math
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

__all__ = ["Best", "History"]

COLUMNS = ("step", "epoch", "loss", "weighted_loss", "gradient_norm", "rate", "effective_size",
           "samples_per_second", "seconds")


@dataclass
class History:
    """Rows so far, and the clock."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    checks: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = 0.0
    seen: int = 0                  # samples since the last row

    def __post_init__(self) -> None:
        self.started = time.perf_counter()

    def note(self, numbers: Mapping[str, Any]) -> dict[str, Any]:
        """Add a row; the numbers come off the device here."""
        now = time.perf_counter()
        passed, self.started = now - self.started, now
        self.seconds += passed
        row = {name: float(number) if not isinstance(number, int) else number
               for name, number in numbers.items()}
        row |= {"samples_per_second": self.seen / passed if passed else math.nan,
                "seconds": self.seconds}
        self.seen = 0
        self.rows.append(row)
        return row

    def table(self) -> pd.DataFrame:
        """One row per note."""
        return _table(self.rows, COLUMNS)

    def check_table(self) -> pd.DataFrame:
        """One row per validation."""
        return _table(self.checks, ("step", "score"))


@dataclass
class Best:
    """The best validation score so far."""

    score: float = math.inf
    step: int = 0
    worse: int = 0                 # checks since then

    def look(self, score: float, step: int) -> bool:
        """Note a score; whether it is the best one."""
        if math.isfinite(score) and score < self.score:
            self.score, self.step, self.worse = score, step, 0
            return True
        self.worse += 1
        return False


def _table(rows: Iterable[Mapping[str, Any]], columns: tuple[str, ...]) -> pd.DataFrame:
    rows = list(rows)
    return pd.DataFrame(rows) if rows else pd.DataFrame(columns=list(columns))
