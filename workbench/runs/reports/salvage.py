"""What dead processes left in a store becomes runs that a reader can open."""

from contextlib import suppress

from workbench.runs.reports.page import write_report
from workbench.runs.storage.folder import Run
from workbench.runs.storage.store import Store

__all__ = ["salvage"]


def salvage(store: Store) -> list[Run]:
    """Turn what dead processes left into runs, each with a report; return them.

    One that cannot be read stays damaged and has none.
    """
    found = store.sweep()
    for run in found:
        if run.state == "damaged":
            continue
        with suppress(OSError):  # what was salvaged is kept, whatever its report meets
            page = write_report(run)
            if store.local is None:
                store.put(f"{run.id}/{page.name}", page)
    return found
