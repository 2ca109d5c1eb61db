"""Runs beside each other as HTML: the runs themselves, parameters that differ, numbers."""

import html
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from workbench import runs
from workbench.core import Estimate
from workbench.plots.overlays import MOST_OVERLAID, RUN_ROLES
from workbench.plots.theme import ROLES
from workbench.runs.reports.compare import NO_TEST, distance
from workbench.runs.reports.page import ALARMS, sentence
from workbench.ui import facts
from workbench.ui.address import text
from workbench.ui.parts.comparing import ABSENT, compared, page_of
from workbench.ui.site import Site

__all__ = ["chosen", "numbers", "parameters", "swatch", "troubles"]

NOTHING = "\u2013"
DASHES = {"solid": "", "dotdash": "9 3 2 3", "dotted": "2 3", "dashed": "6 4"}
SHAPES = {"circle": '<circle cx="16" cy="7" r="4"/>',
          "triangle": '<path d="M16 2 L21 11 L11 11 Z"/>',
          "square": '<rect x="12" y="3" width="8" height="8"/>'}
VARIABLES = {role.colour: f"var(--{name})" for name, role in ROLES.items()}


def swatch(at: int, count: int) -> str:
    """Line and mark that a run wears in the figures; nothing where it wears none."""
    if count > MOST_OVERLAID:
        return ""
    role = RUN_ROLES[at]
    dash = f' stroke-dasharray="{DASHES[role.dash]}"' if DASHES[role.dash] else ""
    return (f'<svg class="swatch" width="32" height="14" aria-hidden="true" style="color: '
            f'{VARIABLES[role.colour]}"><path d="M0 7 H32" stroke="currentColor" '
            f'stroke-width="2" fill="none"{dash}/>'
            f'<g fill="currentColor">{SHAPES[role.marker]}</g></svg>')


def chosen(found: Sequence[runs.Run], labels: Sequence[str], site: Site) -> str:
    """The runs in their order, with links to their pages and ways to change the order."""
    ids = [run.id for run in found]
    items = []
    for at, (run, label) in enumerate(zip(found, labels, strict=True)):
        others = [*ids[:at], *ids[at + 1:]]
        state = "" if run.state == "succeeded" else f' <b class="state">{_safe(run.state)}</b>'
        title = getattr(site.studies.get(run.study), "TITLE", run.title or run.study)
        links = _links(run, site) + (
            "" if at == 0 else _link(compared([run.id, *others]), "Compare others with it"))
        links += _link(compared(others), "Remove")
        first = "<br>The others are compared with it." * (at == 0 and len(found) > 1)
        items.append(f"<li>{swatch(at, len(found))}<div><b>{_safe(label)}</b>{state}"
                     f'<p class="quiet small">{_safe(title)}, {_safe(facts.when(run))} UTC'
                     f"{first}</p>"
                     f'<p class="links">{links}</p></div></li>')
    return f'<ol class="chosen" aria-label="Runs that are compared">{"".join(items)}</ol>'


def troubles(found: Sequence[runs.Run], labels: Sequence[str]) -> list[str]:
    """A sentence for each run that has no result."""
    told = []
    for run, label in zip(found, labels, strict=True):
        if run.state == "damaged":
            told.append(f"{run.id} cannot be read: {sentence(run.error)}")
        elif run.state == "running":
            told.append(f"{label}: This run is not over yet. Open the page again when it is.")
        elif run.state != "succeeded":
            told.append(f"{label}: {ALARMS.get(run.state, '')} {sentence(run.error)}".strip())
    return told


def parameters(found: Sequence[runs.Run], labels: Sequence[str]) -> str:
    """What differs first, each difference marked; what is equal folded away."""
    several = len({run.study for run in found}) > 1
    names = list(dict.fromkeys(name for run in found for name in run.values))
    alone = [name for name in names if several and not all(name in run.values for run in found)]
    rows, equal = [], []
    for name in [name for name in names if name not in alone]:
        told = [text(run.values[name]) if name in run.values else ABSENT for run in found]
        if len(set(told)) == 1:
            equal.append((name, told[0]))
            continue
        cells = "".join(_cell(value, differs=value != told[0]) for value in told)
        rows.append(f'<tr><th scope="row">{_safe(name)}</th>{cells}</tr>')
    table = _table("Parameters that differ", "parameter", labels, rows)
    if not rows:
        which = "All parameters that these studies share" if several else "All parameters"
        table = f'<p class="quiet">{which} are equal.</p>'
    lone = (f'<p class="quiet small">{len(alone)} parameters belong to some of the studies only.'
            "</p>") if alone else ""
    return f"<h2>Parameters that differ</h2>{table}{lone}{_folded(equal, len(found))}"


def numbers(found: Sequence[runs.Run], labels: Sequence[str]) -> str:
    """Number by run, each with its interval and its distance from the first run's."""
    names = list(dict.fromkeys(name for run in found for name in run.summary))
    if not names:
        return ""
    rows, noted = [], False
    for name in names:
        told = [run.summary.get(name) for run in found]
        far = ["", *(_far(told[0], other) for other in told[1:])]
        noted = noted or any("intervals" in words for words in far)
        cells = "".join(_number(number, words) for number, words in zip(told, far, strict=True))
        rows.append(f'<tr><th scope="row">{_safe(name)}</th>{cells}</tr>')
    note = f'<p class="quiet small">{NO_TEST}</p>' if noted else ""
    return f"<h2>Numbers</h2>{_table('Numbers', 'number', labels, rows)}{note}"


def _far(first: Estimate | None, other: Estimate | None) -> str:
    """Distance from the first run's number, or why there is none."""
    if first is not None and other is not None and first.unit != other.unit:
        return "in another unit, so not compared"
    return distance(first, other)


def _table(name: str, first: str, labels: Sequence[str], rows: Sequence[str]) -> str:
    heads = "".join(f'<th scope="col">{swatch(at, len(labels))} {_safe(label)}</th>'
                    for at, label in enumerate(labels))
    return (f'<div class="scroll" tabindex="0" role="region" aria-label="{name}"><table '
            f'class="beside"><thead><tr><th scope="col">{first}</th>{heads}</tr></thead>'
            f"<tbody>{''.join(rows)}</tbody></table></div>")


def _cell(value: str, *, differs: bool) -> str:
    if not differs:
        return f"<td>{_safe(value)}</td>"
    return (f'<td class="differs"><span aria-hidden="true">≠ </span>'
            f'<span class="unseen">differs: </span>{_safe(value)}</td>')


def _number(number: Estimate | None, far: str) -> str:
    if number is None:
        return f'<td class="quiet">{ABSENT}</td>'
    change = f'<div class="far">{_safe(far)}</div>' if far else ""
    return (f"<td><b>{_safe(number.number)}</b>"
            f'<div class="range">{_safe(number.range)}</div>{change}</td>')


def _folded(equal: Sequence[tuple[str, str]], count: int) -> str:
    if not equal:
        return ""
    rows = "".join(f'<tr><th scope="row">{_safe(name)}</th><td>{_safe(value) or NOTHING}</td></tr>'
                   for name, value in equal)
    told = "1 parameter is" if len(equal) == 1 else f"{len(equal)} parameters are"
    return (f'<details><summary>{told} equal in {"both" if count == 2 else f"all {count}"} runs'
            f"</summary><table><tbody>{rows}</tbody></table></details>")


def _links(run: runs.Run, site: Site) -> str:
    told = _link(page_of(run), "Page") if run.study in site.studies else ""
    if site.reports and run.report is not None:
        told += _link(f"./{quote(f'{site.reports}/{run.id}/report.html')}", "Report")
    return told


def _link(address: str, words: str) -> str:
    return f'<a href="{html.escape(address)}">{words}</a> '


def _safe(value: Any) -> str:
    return html.escape(str(value))
