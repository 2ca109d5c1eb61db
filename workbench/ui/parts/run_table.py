"""A searchable table of all saved runs, from which some are chosen."""

from collections.abc import Callable, Sequence

from workbench import runs
from workbench.ui import facts
from workbench.ui.address import changes
from workbench.ui.parts.comparing import page_of
from workbench.ui.parts.paged_table import PAGE, Asked, Line, PagedTable
from workbench.ui.site import Site

__all__ = ["RunTable"]

LONGEST = 120            # letters of the parameters that a row shows


class RunTable:
    """Saved runs, newest first, a page at a time; all words of a search must be found.

    Parameters
    ----------
    site : Site
    choose : function of (str, bool)
        Called with the name of a run that is chosen or freed.
    """

    def __init__(self, site: Site, choose: Callable[[str, bool], None]):
        self._site, self._choose = site, choose
        self._chosen: Sequence[str] = ()
        self._rows: list[runs.Row] | None = None
        self._count = sum(runs.Store().count().values())
        self.panel = PagedTable(
            self._fill, choose, label="Saved runs", marks="Compare",
            searched="Search by study, parameter, state or date", heading=0,
            columns=[{"name": name} for name in ("Study", "Started", "Changed", "State")])
        self.panel.searched = self.panel.searched if self._count > PAGE else ""

    @property
    def count(self) -> int:
        """Number of saved runs."""
        return self._count

    def show(self, chosen: Sequence[str]) -> None:
        """Mark the runs that are chosen."""
        self._chosen = tuple(chosen)
        self._fill(self.panel.asked)

    def _fill(self, asked: Asked) -> None:
        found, count = self._found(asked)
        told = f"{count:,} saved runs" if not asked.query else (
            f"{count:,} of {self._count:,} saved runs")
        self.panel.show([self._line(row) for row in found], count=count, told=told)

    def _found(self, asked: Asked) -> tuple[list[runs.Row], int]:
        words = asked.query.lower().split()
        if not words and asked.at == 0:      # the first page needs no other
            self.panel.bounded(self._count)
            return runs.Store().rows(limit=PAGE), self._count
        if self._rows is None:
            self._rows = runs.Store().rows()
        found = [row for row in self._rows if self._fits(row, words)] if words else self._rows
        return found[self.panel.bounded(len(found))], len(found)

    def _fits(self, row: runs.Row, words: Sequence[str]) -> bool:
        told = " ".join((self._title(row), row.study, facts.when(row), changes(row.changed),
                         row.state, row.key)).lower()
        return all(word in told for word in words)

    def _line(self, row: runs.Row) -> Line:
        told = changes(row.changed) or ("defaults" if row.values else "unknown parameters")
        told = told if len(told) <= LONGEST else f"{told[:LONGEST - 1]}…"
        title = self._title(row)
        begun = facts.when(row)
        known = row.study in self._site.studies and row.state != "damaged"
        return Line(row.id, ((title, page_of(row)) if known else title, begun, told, row.state),
                    name=f"Compare {title}, {begun}, {told}", marked=row.id in self._chosen)

    def _title(self, row: runs.Row) -> str:
        study = self._site.studies.get(row.study)
        return str(getattr(study, "TITLE", row.title or row.study or row.id))
