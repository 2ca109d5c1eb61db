"""Which runs a visitor compares, in which order, and what tells them from each other."""

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

import panel as pn
import param

from workbench.runs import Row, Run, load
from workbench.ui import facts
from workbench.ui.address import text
from workbench.ui.site import Site

__all__ = ["FEWEST", "MOST", "Comparing", "compared", "labels", "page_of"]

FEWEST, MOST = 2, 8
LONGEST = 44             # letters of a run's label
ABSENT = "absent"


class Comparing(param.Parameterized):
    """The runs that one visitor compares; the address holds them.

    Parameters
    ----------
    site : Site
    search : str
        The address from its question mark on.
    """

    runs = param.List([], doc="Runs in the order of the comparison; the first is compared with.")
    problems = param.List([], doc="Sentences about runs that were asked for in vain.")

    def __init__(self, site: Site, search: str):
        super().__init__()
        self.site = site
        asked = [value for name, value in parse_qsl(search.removeprefix("?")) if name == "run"]
        wanted = list(dict.fromkeys(asked))
        problems = []
        if len(wanted) > MOST:
            problems.append(f"runs must be at most {MOST}, got {len(wanted)}, so the first {MOST} "
                            "are compared. Remove some to add others.")
        found = []
        for name in wanted[:MOST]:
            try:
                found.append(load(name))
            except (ValueError, OSError) as refusal:
                problems.append(str(refusal))
        # A key's first digits and an identifier may name one run twice.
        self.runs = list({run.id: run for run in found}.values())
        self.problems = problems

    @property
    def ids(self) -> list[str]:
        """Names of the runs, in order."""
        return [run.id for run in self.runs]

    @property
    def labels(self) -> list[str]:
        """What tells each run from the others."""
        return labels(self.runs)

    def choose(self, name: str, *, on: bool) -> None:
        """Add a run at the end, or remove it; the address follows."""
        if on == (name in self.ids):
            return
        self.problems = []
        if not on:
            self._take([run for run in self.runs if run.id != name])
        elif len(self.runs) >= MOST:
            self.problems = [f"runs must be at most {MOST}. Remove one to add another."]
            self.param.trigger("runs")       # the table shows again what is chosen
        else:
            try:
                self._take([*self.runs, load(name)])
            except (ValueError, OSError) as refusal:
                self.problems = [str(refusal)]
                self.param.trigger("runs")

    def follow(self, told: Callable[[], Any], *names: str) -> None:
        """Call `told` whenever one of these changes."""
        self.param.watch(lambda *_: told(), list(names))

    def _take(self, found: Sequence[Run]) -> None:
        self.runs = list(found)
        if pn.state.location:
            pn.state.location.search = query(self.ids)


def query(ids: Sequence[str]) -> str:
    """The address of a comparison from its question mark on."""
    return "?" + urlencode([("run", name) for name in ids]) if ids else ""


def compared(ids: Sequence[str]) -> str:
    """Address of the page that compares these runs, in this order.

    Examples
    --------
    >>> compared(["one", "two"])
    './compare?run=one&run=two'
    """
    return "./compare" + query(ids)


def page_of(run: Run | Row) -> str:
    """Address of the page that shows a run."""
    return f"./{quote(run.study)}?{urlencode({'run': run.id})}"


def labels(found: Sequence[Run]) -> list[str]:
    """What tells each run from the others: what differs, else when it began.

    Examples
    --------
    >>> labels([])
    []
    """
    several = len({run.study for run in found}) > 1
    names = list(dict.fromkeys(name for run in found for name in run.values))
    differing = [name for name in names if len({
        repr(run.values.get(name, ABSENT)) for run in found if name in run.values or not several
    }) > 1]
    told = []
    for run in found:
        parts = [f"{name}={text(run.values[name])}" for name in differing if name in run.values]
        words = ", ".join(parts)
        told.append(_cut(f"{run.study}: {words}" if several and words else
                         run.study if several else words or facts.when(run)))
    return [label if label and told.count(label) == 1 else _cut(
        f"{chr(ord('A') + at)} · {label or 'unknown parameters'}")
        for at, label in enumerate(told)]


def _cut(label: str) -> str:
    return label if len(label) <= LONGEST else f"{label[:LONGEST - 1]}…"
