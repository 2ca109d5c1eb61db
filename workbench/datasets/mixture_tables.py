"""A user's table as forecasts of experts or as classes with features, whichever it holds.

Read again only when the file or the named columns have changed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.core import generator
from workbench.core.recent import Recent
from workbench.datasets.class_table import ClassTable, load_class_table
from workbench.datasets.files import open_file
from workbench.datasets.forecast_columns import looks_like_forecasts
from workbench.datasets.forecasts import Forecasts, forecasts_of, load_forecasts
from workbench.datasets.simulated_forecasts import simulated_forecasts

__all__ = ["MixtureTable"]

KEPT: Recent[Any] = Recent(6)


@dataclass(frozen=True)
class MixtureTable:
    """One file, and which of its columns are what.

    Parameters
    ----------
    data : str
        Path of a file; empty for simulated forecasts.
    target : str
        Column of outcomes or classes; empty guesses it.
    time : str
        Column that orders outcomes.
    experts : sequence of str
    forecast : str
        Kind of the forecasts, or "auto".
    seed : int
        Of simulated forecasts.
    """

    data: str
    target: str = ""
    time: str = ""
    experts: Sequence[str] = ()
    forecast: str = "auto"
    seed: int = 0

    @property
    def kind(self) -> str:
        """What the table holds: ``experts`` or ``sgld``, that is classes."""
        if not self.data or self.experts or self.forecast != "auto":
            return "experts"
        return str(KEPT.get(self._key("kind", self.time), self._guessed))

    @property
    def forecasts(self) -> Forecasts:
        """The table as forecasts."""
        asked: dict[str, Any] = {"outcome": self.target, "experts": self.experts,
                                 "time": self.time, "kind": self.forecast}
        found: Forecasts = KEPT.get(
            self._key("experts", self.time, *self.experts, self.forecast, self.seed),
            lambda: load_forecasts(self.data, **asked) if self.data
            else forecasts_of(simulated_forecasts(rng=generator(self.seed)), **asked))
        return found

    @property
    def classes(self) -> ClassTable:
        """The table as classes."""
        found: ClassTable = KEPT.get(self._key("classes"), self._classes)
        return found

    def notes(self, experiment: str) -> tuple[str, ...]:
        """What reading interprets for an experiment."""
        if not self.data:
            return ()
        return (self.forecasts if experiment == "experts" else self.classes).notes

    def _classes(self) -> ClassTable:
        try:
            return load_class_table(self.data, target=self.target)
        except ValueError as trouble:
            raise ValueError(f"{trouble} For a table of forecasts pass "
                             "experiment='experts'.") from trouble

    def _guessed(self) -> str:
        opened = open_file(Path(self.data).expanduser())
        found = looks_like_forecasts(opened.frame.rename(columns=str), self.target,
                                     time=self.time, commas=opened.delimiter == ";")
        return "experts" if found else "sgld"

    def _key(self, *more: Any) -> Any:
        path = Path(self.data).expanduser()
        seen = (path.stat().st_mtime_ns, path.stat().st_size) if path.is_file() else ()
        return (self.data, seen, self.target, *more)
