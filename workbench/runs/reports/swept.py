"""Runs of one study as points of a sweep: which parameters vary, and what came out where.

Runs belong together when all but a few of their parameters agree. Of several runs with the same
parameters the newest counts. Runs at one point, such as those that differ in their seed alone,
are averaged, and how far they spread is told.
"""

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.core import Estimate
from workbench.runs.reports.grouping import best_group, code, is_repeat
from workbench.runs.storage.rows import Row
from workbench.runs.storage.store import Store

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Swept", "spelled", "sweeps", "swept"]

FEWEST = 2
ABSENT = "absent"        # what a run tells of a parameter that its code did not have


@dataclass(frozen=True)
class Swept:
    """Succeeded runs that differ in a few parameters.

    Parameters
    ----------
    rows : tuple of Row
        Newest first; one per set of parameters.
    older : int
        Runs left out, since a newer one has the same parameters.
    """

    rows: tuple[Row, ...]
    older: int = 0

    @cached_property
    def varied(self) -> dict[str, list[Any]]:
        """Values of each parameter that varies, in order, "absent" the last; seeds last."""
        found: dict[str, dict[str, Any]] = {}
        held: Counter[str] = Counter()
        for row in self.rows:
            held.update([*row.values])
            for name, value in row.values.items():
                found.setdefault(name, {}).setdefault(code(value), value)
        count = len(self.rows)
        told = {name: [*sorted(values.values(), key=_order), *[ABSENT] * (held[name] < count)]
                for name, values in found.items()}
        several = {name: values for name, values in told.items() if len(values) > 1}
        return dict(sorted(several.items(), key=lambda item: is_repeat(item[0])))

    @cached_property
    def shared(self) -> dict[str, Any]:
        """Parameters on which all runs agree."""
        first = self.rows[0].values if self.rows else {}
        return {name: value for name, value in first.items() if name not in self.varied}

    @cached_property
    def numbers(self) -> dict[str, str]:
        """Unit of each headline number, those that most runs have first.

        Runs that tell a number in another unit than most do not have it.
        """
        known = {name: counts.most_common(1)[0] for name, counts in self._units.items()}
        order = sorted(known, key=lambda name: -known[name][1])
        return {name: known[name][0] for name in order}

    @property
    def other_units(self) -> dict[str, int]:
        """How many runs tell a number in another unit than most, where there are any."""
        found = {name: sum(counts.values()) - counts[self.numbers[name]]
                 for name, counts in self._units.items()}
        return {name: count for name, count in found.items() if count}

    @cached_property
    def _units(self) -> dict[str, Counter[str]]:
        found: dict[str, Counter[str]] = {}
        for row in self.rows:
            for name, number in row.summary.items():
                if math.isfinite(number.value):
                    found.setdefault(name, Counter())[number.unit] += 1
        return found

    def _number(self, row: Row, name: str) -> Estimate | None:
        """A finite number of a run in the unit that most runs have."""
        found = row.summary.get(name)
        same = found is not None and found.unit == self.numbers.get(name)
        return found if same and found is not None and math.isfinite(found.value) else None

    def _placed(self, row: Row, name: str) -> Any:
        """A run's value of a parameter as tables have it: text unless all are numbers."""
        if self.is_numeric(name):
            return row.values.get(name, math.nan)
        return spelled(row.values.get(name, ABSENT))

    @property
    def knobs(self) -> list[str]:
        """Parameters that vary and are no mere repetition."""
        return [name for name in self.varied if not is_repeat(name)] or [*self.varied]

    def is_numeric(self, name: str) -> bool:
        """Whether all values of a parameter are numbers."""
        return name not in self._worded

    @cached_property
    def _worded(self) -> set[str]:
        """Parameters of which some value is no number."""
        return {name for row in self.rows for name, value in row.values.items()
                if not isinstance(value, int | float) or isinstance(value, bool)}

    def fixed(self, values: Mapping[str, str]) -> "Swept":
        """Only the runs whose parameters have these values, written as on the command line."""
        return Swept(tuple(row for row in self.rows if all(
            spelled(row.values.get(name, ABSENT)) == text
            for name, text in values.items())), self.older)

    def only(self, names: Iterable[str]) -> "Swept":
        """Only the runs of these names."""
        kept = {*names}
        return Swept(tuple(row for row in self.rows if row.id in kept), self.older)

    def table(self, numbers: Iterable[str] = ()) -> "pd.DataFrame":
        """One row per run: run, started, the parameters that vary, numbers with their ends.

        Parameters
        ----------
        numbers : iterable of str
            Columns "NAME", "NAME low" and "NAME high" of each; all numbers by default. A number
            that is called like a parameter is called "NAME (result)".
        """
        import pandas as pd

        columns: dict[str, list[Any]] = {"run": [row.id for row in self.rows],
                                         "started": [row.started for row in self.rows]}
        for name in self.varied:
            columns[name] = [self._placed(row, name) for row in self.rows]
        for name in [*numbers] or self.numbers:
            found = [self._number(row, name) for row in self.rows]
            column = f"{name} (result)" if name in columns else name
            columns[column] = [math.nan if each is None else each.value for each in found]
            for end, word in enumerate(("low", "high")):
                columns[f"{column} {word}"] = [math.nan if each is None else each.ends[end]
                                               for each in found]
        return pd.DataFrame(columns)

    def cells(self, number: str, *by: str) -> "pd.DataFrame":
        """A number at each combination of some parameters.

        Returns
        -------
        cells : DataFrame
            Columns x (and y: values of the parameters, as text unless all are numbers), value
            (the mean of the runs there), low and high (of one run its interval; of several the
            lowest and highest value), count, and runs (tuple of names). Runs without one of
            the parameters, where all others have numbers, have no place and are left out.
        """
        import pandas as pd

        places: dict[tuple[str, ...], list[tuple[Row, Estimate]]] = {}
        for row in self.rows:
            estimate = self._number(row, number)
            at = [self._placed(row, name) for name in by]
            if estimate is not None and not any(value != value for value in at):
                place = tuple(map(code, at))
                places.setdefault(place, []).append((row, estimate))
        found = []
        for there in places.values():
            values = [estimate.value for _, estimate in there]
            low, high = there[0][1].ends if len(there) == 1 else (min(values), max(values))
            found.append((*(self._placed(there[0][0], name) for name in by),
                          math.fsum(values) / len(values), low, high, len(there),
                          tuple(row.id for row, _ in there)))
        return pd.DataFrame(found, columns=[*("x", "y")[:len(by)], "value", "low", "high",
                                            "count", "runs"])


def swept(study: Any, *, store: Store | Path | str | None = None) -> Swept:
    """All succeeded runs of a study as one sweep, whatever they differ in."""
    return _newest(Store.of(store).rows(study, states=("succeeded",)))


def sweeps(study: Any, *, store: Store | Path | str | None = None) -> list[Swept]:
    """Groups of runs that differ in a few parameters only, the largest first.

    Parameters
    ----------
    study : module or str
    store : Store, Path or URL, optional

    Returns
    -------
    sweeps : list of Swept
        Each of at least two runs; a run belongs to the largest group that it fits.
    """
    rows = list(Store.of(store).rows(study, states=("succeeded",)))
    alike = Counter(_same(row) for row in rows)
    left = list(_newest(rows).rows)
    coded = {row.id: {name: code(value) for name, value in row.values.items()} for row in left}
    found = []
    while len(left) >= FEWEST:
        group = best_group(left, coded)
        if len(group) >= FEWEST:
            found.append(Swept(tuple(group), sum(alike[_same(row)] - 1 for row in group)))
        gone = {row.id for row in group}
        left = [row for row in left if row.id not in gone]
    return sorted(found, key=lambda group: -len(group.rows))


def spelled(value: Any) -> str:
    """A value as the command line spells it."""
    if value is None:
        return "none"
    return value if isinstance(value, str) else json.dumps(value)


def _newest(rows: Iterable[Row]) -> Swept:
    seen: dict[str, Row] = {}
    count = 0
    for row in rows:
        count += 1
        seen.setdefault(_same(row), row)
    return Swept(tuple(seen.values()), count - len(seen))


def _same(row: Row) -> str:
    """What runs share that repeat each other."""
    return code([row.study, row.values])


def _order(value: Any) -> tuple[int, float, str]:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return 1, float(value), ""
    return (0 if value is None else 2), 0.0, spelled(value)
