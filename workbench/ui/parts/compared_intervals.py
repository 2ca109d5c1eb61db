"""One number of several runs as marks with intervals on one small axis, as HTML and SVG.

A page may hold a dozen of these, so they are text that costs nothing, not figures of their own.
"""

import html
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from workbench import runs
from workbench.core import Estimate
from workbench.plots.overlays import MOST_OVERLAID, RUN_ROLES
from workbench.ui.parts.compared_facts import SHAPES, VARIABLES

__all__ = ["Row", "forest", "rows_of"]

Number: TypeAlias = tuple[str, str]      # a name and its unit
EDGE = 4.0               # per cent of the axis that stay free on either side
MIDDLE = 11              # pixels from the top of a row to its mark
SMALL = '<circle cx="16" cy="7" r="3"/>'
MOST = 12                # numbers that are drawn


@dataclass(frozen=True)
class Row:
    """What a run says of one number, and what uniform weights say, if anything."""

    label: str
    number: Estimate
    baseline: Estimate | None = None


def rows_of(found: Sequence[runs.Run], labels: Sequence[str]) -> dict[Number, list[Row]]:
    """Rows of each number and unit; uniform baselines lie in those of their number."""
    known = list(dict.fromkeys((name, number.unit) for run in found
                               for name, number in run.summary.items()
                               if math.isfinite(number.value)))
    partners = {_partner(each, known): each for each in known if is_baseline(each[0])}
    below = {baseline for number, baseline in partners.items() if number is not None}
    told = {}
    for each in [each for each in known if each not in below][:MOST]:
        grey = partners.get(each)
        told[each] = [Row(label, _number(run, each), None if grey is None else _number(run, grey))
                      for run, label in zip(found, labels, strict=True)]
    return told


def is_baseline(name: str) -> bool:
    """Whether a number tells what uniform weights give."""
    return "counts the same" in name or "uniform" in name


def forest(numbers: Mapping[Number, Sequence[Row]]) -> str:
    """A small picture for each number, its runs below each other on one axis."""
    pictures = "".join(_picture(name, unit, rows) for (name, unit), rows in numbers.items())
    if not pictures:
        return ""
    greys = any(row.baseline is not None for rows in numbers.values() for row in rows)
    told = ('<p class="quiet small">Grey is what uniform weights give.</p>' if greys else "")
    return f'<h2>Numbers with their intervals</h2>{told}<div class="forests">{pictures}</div>'


def ends(rows: Sequence[Row]) -> tuple[float, float]:
    """Smallest and largest finite number that the axis must hold."""
    told = [value for row in rows for each in (row.number, row.baseline) if each is not None
            for value in (each.value, *each.ends) if math.isfinite(value)]
    low, high = min(told), max(told)
    return (low, high) if low < high else (low - 0.5, high + 0.5)


def place(value: float, low: float, high: float) -> float:
    """Where a number lies on the axis [per cent]; beyond an end at that end.

    Examples
    --------
    >>> place(5.0, 0.0, 10.0), place(float("inf"), 0.0, 10.0)
    (50.0, 100.0)
    """
    if math.isinf(value):
        return 100.0 if value > 0 else 0.0
    return EDGE + (100 - 2 * EDGE) * (value - low) / (high - low)


def _picture(name: str, unit: str, rows: Sequence[Row]) -> str:
    low, high = ends(rows)
    drawn = "".join(_row(at, row, low, high, len(rows)) for at, row in enumerate(rows)
                    if math.isfinite(row.number.value))
    unit = "" if unit in ("", "1") else f' <span class="quiet">[{html.escape(unit)}]</span>'
    zero = (f'<line class="zero" x1="{place(0, low, high):.2f}%" x2="{place(0, low, high):.2f}%" '
            'y1="0" y2="5"/>' if low < 0 < high else "")
    ticks = "".join(f'<text x="{place(value, low, high):.2f}%" y="18" text-anchor="{anchor}">'
                    f"{value:.4g}</text>" for value, anchor in ((low, "start"), (high, "end")))
    if zero:
        middle = place(0, low, high)
        ticks += f'<text x="{middle:.2f}%" y="18" text-anchor="middle">0</text>' * (
            22 < middle < 78)
    axis = (f'<div class="row axis"><span></span><svg height="22" aria-hidden="true">'
            f'<line x1="0" x2="100%" y1="0.5" y2="0.5"/>{zero}{ticks}</svg></div>')
    levels = sorted({each.interval.level for row in rows for each in (row.number, row.baseline)
                     if each is not None and each.interval is not None})
    differ = "" if len(levels) < 2 else (
        f' <span class="quiet">(intervals of {" and ".join(f"{100 * one:g} %" for one in levels)}'
        ")</span>")
    return (f"<figure><figcaption>{html.escape(name)}{unit}{differ}</figcaption>{drawn}{axis}"
            "</figure>")


def _row(at: int, row: Row, low: float, high: float, count: int) -> str:
    role = RUN_ROLES[at] if count <= MOST_OVERLAID else RUN_ROLES[0]
    grey = "" if row.baseline is None else _mark(
        row.baseline, low, high, "var(--uniform)", SMALL, MIDDLE + 9)
    own = _mark(row.number, low, high, VARIABLES[role.colour], SHAPES[role.marker], MIDDLE)
    told = f"{row.label}: {row.number}" + (
        f"; uniform weights: {row.baseline}" if row.baseline is not None else "")
    height = 2 * MIDDLE + (8 if row.baseline is not None else 0)
    return (f'<div class="row"><span class="name" title="{html.escape(row.label)}">'
            f'{html.escape(row.label)}</span><svg height="{height}" role="img" '
            f'aria-label="{html.escape(told)}"><title>{html.escape(told)}</title>'
            f"{grey}{own}</svg></div>")


def _mark(number: Estimate, low: float, high: float, colour: str, shape: str,
          y: int) -> str:
    if not math.isfinite(number.value):
        return ""
    left, right = number.ends
    line = "" if math.isnan(left) else (
        f'<line x1="{place(left, low, high):.2f}%" x2="{place(right, low, high):.2f}%" '
        f'y1="{y}" y2="{y}" stroke="{colour}" stroke-width="2"/>')
    return (f'{line}<svg x="{place(number.value, low, high):.2f}%" y="{y}" overflow="visible">'
            f'<g fill="{colour}" transform="translate(-16 -7)">{shape}</g></svg>')


def _partner(baseline: Number, known: Sequence[Number]) -> Number | None:
    """The number whose uniform baseline this is, by the beginning of its name."""
    others = [each for each in known if not is_baseline(each[0]) and each[1] == baseline[1]]
    begun = [each for each in others if baseline[0].startswith(each[0])]
    alike = begun or [each for each in others if each[0].split()[:1] == baseline[0].split()[:1]]
    return alike[0] if alike else None


def _number(run: runs.Run, wanted: Number) -> Estimate:
    name, unit = wanted
    found = run.summary.get(name)
    absent = Estimate(math.nan, why="absent")
    return found if found is not None and found.unit == unit else absent
