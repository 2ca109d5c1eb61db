"""The visitor's own file on the page of a study: read, its columns assigned, checked, and used."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import panel as pn
import param

from workbench.core import Column
from workbench.core.recent import Recent
from workbench.datasets.files import Opened
from workbench.datasets.given import image_sentence, open_given
from workbench.datasets.inspection import Facts, Misfit, guess, inspect, misfit, values_of
from workbench.ui.computing import failure
from workbench.ui.detailing import aside
from workbench.ui.uploads import ENDINGS, Uploads
from workbench.ui.visit import Visit

__all__ = ["Given", "Giving"]

OPENED = Recent[Opened](2)       # large tables are not held by the pages that show them
READING = threading.BoundedSemaphore(2)
ROWS = 8                         # of the preview
ALONE = {"date", "target", "weight", "time"}     # kinds whose column can have no other role


@dataclass(frozen=True)
class Given:
    """A file that was read.

    Parameters
    ----------
    path : Path
    about : str
        What it holds, in one sentence.
    facts : mapping of column to Facts
    head : DataFrame
        Its first rows.
    values : mapping of role to list of str
        What can be chosen for a role that takes the value of a column.
    """

    path: Path
    about: str
    facts: Mapping[str, Facts] = field(default_factory=dict)
    head: Any = None
    values: Mapping[str, list[str]] = field(default_factory=dict)


class Giving(param.Parameterized):
    """What one visitor does with an own file; parts of the page watch it.

    Parameters
    ----------
    visit : Visit
    uploads : Uploads, optional
    """

    given = param.Parameter(None, doc="The file, a `Given`, or nothing yet.")
    told = param.String("", doc="What is being done, or why the file cannot be used.")
    wrong = param.Boolean(default=False, doc="Whether `told` is a refusal.")
    chosen = param.Dict({}, doc="Column, or value, by role; roles without one are left out.")
    misfits = param.Dict({}, doc="What is wrong with each choice, a `Misfit` by role.")
    notes = param.List([], doc="What reading interprets, by the study's own reader.")
    refusals = param.List([], doc="Why the study would not take these choices.")
    checking = param.Boolean(default=False, doc="Whether choices are being checked.")

    def __init__(self, visit: Visit, uploads: Uploads | None = None):
        super().__init__()
        self.visit = visit
        self.params = visit.study.Params
        self.parameter, self.kind = next(iter(self.params.files.items()), ("", "table"))
        self._columns: Mapping[str, Column] = self.params.columns if (
            self.kind != "images") else {}
        self._uploads = uploads or Uploads()
        self._asked = 0

    @property
    def roles(self) -> Mapping[str, Column]:
        """Roles that columns of the file can have; none where it holds images."""
        return self._columns if self.given is None or self.given.facts else {}

    @property
    def is_offered(self) -> bool:
        """Whether this study takes files here."""
        site = self.visit.site
        return bool(self.parameter and site.uploads and site.may_run)

    @property
    def is_ready(self) -> bool:
        """Whether nothing stands against using the file."""
        return (self.given is not None and not self.checking and not self.refusals
                and not any(one.problem for one in self.misfits.values()))

    @property
    def is_used(self) -> bool:
        """Whether the parameters name the file and these columns."""
        now = self.visit.values.values()
        return self.given is not None and all(
            now[name] == value for name, value in self._wanted().items())

    async def take(self, told: str) -> None:
        """Read a file that has arrived, by the name that the route gave it."""
        self._asked += 1
        asked = self._asked
        self.param.update(given=None, wrong=False, told=f"Reading {told.rpartition('/')[2]} …")
        try:
            given = await aside(partial(self._read, told))
        except Exception as error:  # a page tells every failure of a file
            if asked == self._asked:
                self.param.update(told=failure(error), wrong=True)
            return
        if asked == self._asked:
            self.param.update(chosen=guess(self.roles, given.facts), misfits={}, notes=[],
                              refusals=[], checking=True)
            self.param.update(given=given, told="")
            await self.check()

    def choose(self, role: str, name: str) -> None:
        """Choose a column, or a value, for a role; nothing clears it."""
        rest = {each: other for each, other in self.chosen.items() if each != role}
        chosen = {**rest, role: name} if name else rest
        if chosen != self.chosen:
            self.param.update(chosen=chosen, checking=True)
            pn.state.execute(self.check)

    async def check(self) -> None:
        """Check the choices against the whole file; the last ones win."""
        self._asked += 1
        asked, given = self._asked, self.given
        if given is None:
            return
        self.checking = True
        found = await aside(partial(self._checked, given, dict(self.chosen)))
        if asked == self._asked:
            misfits, refusals, notes = found
            self.param.update(misfits=misfits, refusals=refusals, notes=notes, checking=False)

    def use(self) -> None:
        """Let the parameters name the file and its columns."""
        if self.is_ready:
            self.visit.values.param.update(**self._wanted())
            self.param.trigger("chosen")

    def forget(self) -> None:
        """Put the file away; parameters that name it stay."""
        self._asked += 1
        self.param.update(given=None, told="", wrong=False, chosen={})

    def _wanted(self) -> dict[str, Any]:
        return {self.parameter: str(self.given.path),
                **{role: self.chosen.get(role, "") for role in self._columns}}

    def _read(self, told: str) -> Given:
        with READING:
            return self._opened(self._uploads.find(told))

    def _opened(self, path: Path) -> Given:
        if not path.name.endswith(ENDINGS[self.kind]):
            raise ValueError(f"data must end in {', '.join(ENDINGS[self.kind])} for this study, "
                             f"got {path.name!r}. Give a file of that kind.")
        if path.name.endswith(ENDINGS["images"]):
            return Given(path, f"{path.name}: {image_sentence(path)}")
        opened = OPENED.get(str(path), partial(open_given, path))
        rows, columns = opened.frame.shape
        about = (f"{path.name}: {rows:,} {'row' if rows == 1 else 'rows'}, {columns} "
                 f"{'column' if columns == 1 else 'columns'}.")
        values = {role: values_of(opened, wanted.of) for role, wanted in self.roles.items()
                  if wanted.kind == "value"}
        return Given(path, about, inspect(opened), opened.frame.head(ROWS).copy(), values)

    def _checked(self, given: Given, chosen: dict[str, str]
                 ) -> tuple[dict[str, Misfit], list[str], list[str]]:
        """What is wrong with each choice, why the study refuses them, or what it interprets."""
        misfits: dict[str, Misfit] = {}
        with READING:
            try:
                misfits = self._all_misfits(given, chosen)
                if any(one.problem for one in misfits.values()):
                    return misfits, [], []
                return misfits, *self._interpreted()
            except Exception as error:  # a page tells every failure of a study
                return misfits, failure(error).splitlines(), []

    def _interpreted(self) -> tuple[list[str], list[str]]:
        values = {**self.visit.values.values(), **self._wanted()}
        refusals = self.params.problems(values)
        reader = getattr(self.visit.study, "read_notes", None)
        if refusals or reader is None:
            return refusals, []
        return [], list(reader(self.params(**values)))

    def _all_misfits(self, given: Given, chosen: Mapping[str, str]) -> dict[str, Misfit]:
        if not self.roles:
            return {}
        opened = OPENED.get(str(given.path), partial(open_given, given.path))
        found = {role: self._misfit(given, opened, chosen, (role, wanted))
                 for role, wanted in self.roles.items()}
        return {role: one for role, one in found.items() if one.problem or one.caution}

    def _misfit(self, given: Given, opened: Opened, chosen: Mapping[str, str],
                asked: tuple[str, Column]) -> Misfit:
        role, wanted = asked
        name = chosen.get(role, "")
        if wanted.kind == "value":
            several = len(given.values[role]) > 1 and not name
            return Misfit(f"Choose a {role}: the file has {len(given.values[role])}."
                          if several else "")
        if not name:
            return Misfit(f"Choose the column of the {role}." if wanted.required else "")
        before = [other for other, column in chosen.items()
                  if column == name and other in self.roles and other != role
                  and list(self.roles).index(other) < list(self.roles).index(role)
                  and {self.roles[other].kind, wanted.kind} & ALONE
                  and not {self.roles[other].kind, wanted.kind} & {"name", "value"}]
        if before:
            return Misfit(f"Column {name!r} is the {before[0]} already. Choose another one.")
        return misfit(opened, name, wanted)
