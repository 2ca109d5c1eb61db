"""Which sweep a visitor looks at, on which axes, and to which runs it is limited."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pandas as pd
import panel as pn
import param

from workbench import runs
from workbench.core import check
from workbench.core.recent import Recent
from workbench.plots.brushes import Brush, within
from workbench.ui.site import Site

__all__ = ["NO_AXIS", "Sweeping", "View", "groups_of"]

BRUSH = "brush."         # begins the names of limits in the address
NO_AXIS = "none"
MOST_NUMBERS = 4         # that get an axis, besides the one that colours
GROUPS: Recent[list[runs.Swept]] = Recent(8)


@dataclass(frozen=True)
class View:
    """What is asked of one group of runs: axes of the response, a number, and limits."""

    x: str
    y: str
    number: str
    brushes: tuple[Brush, ...] = ()


class Sweeping(param.Parameterized):
    """One visitor's look at the sweeps of one study; the address holds it.

    Parameters
    ----------
    site : Site
    search : str
        The address from its question mark on.
    """

    view = param.Parameter(None, doc="The `View` of the group, or nothing without a group.")
    study = param.String("", doc="Name of the study.")
    place = param.Integer(0, doc="Which of its groups.")
    problems = param.List([], doc="Sentences about what the address asked in vain.")

    def __init__(self, site: Site, search: str):
        super().__init__()
        self.site = site
        self._points: tuple[runs.Swept, View, pd.DataFrame] | None = None
        self.studies = _studies(site)
        asked = dict(parse_qsl(search.removeprefix("?"), keep_blank_values=True))
        problems: list[str] = []
        known = [*site.studies]
        wanted = asked.get("study")
        if wanted is not None and wanted not in known:
            problems.append(_unknown("study", wanted, known))
            wanted = None
        self.study = wanted or next(iter(self.studies), next(iter(known), ""))
        self.groups = groups_of(self.study) if self.study else []
        self.place = self._placed(asked.get("group"), problems)
        self.view = self._viewed(asked, problems)
        self.problems = problems

    @property
    def group(self) -> runs.Swept:
        """The runs that are looked at, without regard to limits; empty where there are none."""
        return self.groups[self.place] if self.groups else runs.Swept(())

    @property
    def numbers(self) -> list[str]:
        """Numbers that get an axis: the one that colours, those of most runs, limited ones."""
        group, view = self.group, self.view
        if view is None:
            return []
        others = [name for name in group.numbers if name != view.number]
        limited = {brush.column for brush in view.brushes}
        return [view.number, *(name for at, name in enumerate(others)
                               if at < MOST_NUMBERS - 1 or self.column(name) in limited)]

    def column(self, number: str) -> str:
        """Column of a number in the table of the runs."""
        taken = {"run", "started", *self.group.varied}
        return f"{number} (result)" if number in taken else number

    def kept(self) -> runs.Swept:
        """The runs within all limits."""
        points = self.points()
        return self.group.only(points["run"][points["kept"]])

    def points(self) -> pd.DataFrame:
        """A row for each run of the group, and whether it lies within all limits."""
        group, view = self.group, self.view
        if view is None:
            return pd.DataFrame()
        kept = self._points
        if kept is None or kept[0] is not group or kept[1] != view:
            table = group.table(self.numbers)
            kept = self._points = group, view, table.assign(kept=within(table, view.brushes))
        return kept[2]

    def choose_study(self, name: str) -> None:
        """Look at the largest sweep of another study."""
        self.study, self.groups = name, groups_of(name)
        self.place = 0
        self._start()

    def choose_group(self, place: int) -> None:
        """Look at another sweep of the study."""
        self.place = place
        self._start()

    def change(self, **values: Any) -> None:
        """Change the view: x, y, number or brushes."""
        if self.view is not None:
            self.problems = []
            self.view = replace(self.view, **values)
            self._tell()

    def limit(self, brush: Brush) -> None:
        """Limit an axis; an earlier limit of it goes."""
        others = [one for one in self.view.brushes if one.column != brush.column]
        self.change(brushes=(*others, brush))

    def free(self, column: str) -> None:
        """Take the limit of an axis away."""
        self.change(brushes=tuple(one for one in self.view.brushes if one.column != column))

    def query(self, **changed: Any) -> str:
        """The address of this view, or of one that differs from it, from its question mark on."""
        view = replace(self.view, **changed) if self.view is not None else None
        told = {"study": self.study} | ({"group": str(self.place + 1)} if self.place else {})
        if view is not None:
            told |= {"x": view.x, "y": view.y, "number": view.number}
            told |= {f"{BRUSH}{one.column}": f"{one.low}..{one.high}" for one in view.brushes}
        return "?" + urlencode(told)

    def follow(self, told: Callable[[], Any], *names: str) -> None:
        """Call `told` whenever one of these changes."""
        self.param.watch(lambda *_: told(), list(names))

    def _start(self) -> None:
        self.problems = []
        self.view = self._viewed({}, [])
        self.param.trigger("view")
        self._tell()

    def _tell(self) -> None:
        if pn.state.location:
            pn.state.location.search = self.query()

    def _placed(self, told: str | None, problems: list[str]) -> int:
        if told is None or not self.groups:
            return 0
        if told.isdecimal() and 1 <= int(told) <= len(self.groups):
            return int(told) - 1
        problems.append(f"group must lie between 1 and {len(self.groups)}, got {told!r}. "
                        "The largest one is shown instead.")
        return 0

    def _viewed(self, asked: Mapping[str, str], problems: list[str]) -> View | None:
        group = self.group
        if not group.numbers:
            return None
        varied, numbers = [*group.varied], [*group.numbers]
        results = [self.column(name) for name in numbers]
        x = _known("x", asked, varied, group.knobs[0], problems)
        rest = [name for name in group.knobs if name != x]
        y = _known("y", asked, [NO_AXIS, *(name for name in varied if name != x)],
                   rest[0] if rest else NO_AXIS, problems)
        number = _known("number", asked, numbers, numbers[0], problems)
        columns = [*varied, *results]
        brushes = []
        for name, told in asked.items():
            column = name.removeprefix(BRUSH)
            if name.startswith(BRUSH) and column in columns:
                ends: list[Any] = told.split("..")[:2]
                if column in results or group.is_numeric(column):
                    ends = [float(end) for end in ends if _is_number(end)]
                if len(ends) == 2:
                    brushes.append(Brush(column, ends[0], ends[1]))
            elif name.startswith(BRUSH):
                problems.append(_unknown("brush", column, columns))
        return View(x, y, number, tuple(brushes))


def groups_of(study: str) -> list[runs.Swept]:
    """The sweeps of a study, kept until a run is saved or removed."""
    store = runs.Store()
    return GROUPS.get((store.url, runs.pulse(store), study),
                      lambda: runs.sweeps(study, store=store))


def _studies(site: Site) -> dict[str, int]:
    """Studies with enough runs for a sweep, and how many those are; most first."""
    store = runs.Store()
    counts = {name: store.count(name).get("succeeded", 0) for name in site.studies}
    return {name: count for name, count in sorted(counts.items(), key=lambda item: -item[1])
            if count > 1}


def _known(name: str, asked: Mapping[str, str], options: Sequence[str], default: str,
           problems: list[str]) -> str:
    wanted = asked.get(name, default)
    if wanted in options:
        return wanted
    problems.append(_unknown(name, wanted, options))
    return default


def _unknown(name: str, wanted: str, options: Sequence[str]) -> str:
    near = check.suggestion(wanted, options)
    return (f"{name} must be one of {', '.join(options) or 'none'}, got {wanted[:80]!r}.{near} "
            "Something else is shown instead.")


def _is_number(text: str) -> bool:
    try:
        return float(text) == float(text)
    except ValueError:
        return False
