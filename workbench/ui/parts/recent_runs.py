"""The newest runs of all studies: when, what was changed, how each ended, and where to look."""

import html
from collections.abc import Collection
from urllib.parse import quote

from workbench.runs import Row, Store
from workbench.ui import facts
from workbench.ui.address import changes
from workbench.ui.site import Site

__all__ = ["LISTED", "recent"]

LISTED = 12
LONGEST = 90             # letters of the changed parameters


def recent(rows: Collection[Row], site: Site) -> str:
    """Rows of a table; where there are none, how to make some.

    Parameters
    ----------
    rows : collection of Row
    site : Site
    """
    if not rows:
        how = ("Open a study and press Run, or let <code>python3 -m workbench report</code> run "
               "every study and write the reports." if site.may_run else
               "<code>python3 -m workbench report</code> runs every study and writes the "
               "reports.")
        return f'<div class="empty"><p>No run has been saved yet. {how}</p></div>'
    heads = ("Study", "Started (UTC)", "Changed parameters", "State", "Took", "Report")
    head = "".join(f'<th scope="col">{name}</th>' for name in heads)
    store = Store()
    return (f'<table class="recent"><caption class="unseen">The newest runs</caption>'
            f"<thead><tr>{head}</tr></thead>"
            f'<tbody>{"".join(_row(row, site, store) for row in rows)}</tbody></table>')


def _row(row: Row, site: Site, store: Store) -> str:
    title, when = html.escape(row.title or row.study or row.id), facts.when(row)
    opened = row.study in site.studies and row.state != "damaged"
    name = (f'<a href="./{quote(row.study)}?run={quote(row.id)}" '
            f'aria-label="{title}, run of {html.escape(when)}">{title}</a>' if opened else title)
    changed = changes(row.changed) or ("defaults" if row.params else "unknown")
    changed = changed if len(changed) <= LONGEST else f"{changed[:LONGEST - 1]}…"
    told = f' title="{html.escape(row.error)}"' if row.error else ""
    return (f'<tr><th scope="row">{name}</th><td class="quiet">{html.escape(when)}</td>'
            f'<td class="changed">{html.escape(changed)}</td>'
            f'<td><span class="state {_kind(row.state)}"{told}>{html.escape(row.state)}</span>'
            f'</td><td class="took">{facts.duration(row.seconds)}</td>'
            f"<td>{_report(row, site, store, f'{title}, {html.escape(when)}')}</td></tr>")


def _kind(state: str) -> str:
    return {"succeeded": "good", "interrupted": "halted", "lost": "halted"}.get(state, "bad")


def _report(row: Row, site: Site, store: Store, label: str) -> str:
    if site.reports is None or (store.local is not None
                                and not (store.local / row.id / "report.html").is_file()):
        return '<span class="quiet">\u2013</span>'
    address = quote(f"{site.reports}/{row.id}/report.html")
    return f'<a href="./{address}" aria-label="Report of {label}">Report</a>'
