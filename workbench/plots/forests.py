"""Numbers with their intervals, one named row each."""

from collections.abc import Mapping, Sequence

import holoviews as hv
import numpy as np
import pandas as pd

from workbench.plots.hovers import DIGITS, hover
from workbench.plots.theme import LEGEND_BELOW, ROLES, Figure, dimension, frame

__all__ = ["cut", "dots", "forest", "named_rows"]

ROW = 30                 # pixels of a named row
LONGEST = 18             # letters of a name that fit beside a figure on a phone


def forest(rows: pd.DataFrame, *, title: str, x: tuple[str, str], y: tuple[str, str],
           roles: Mapping[str, str], reference: tuple[float, str, str] | None = None) -> Figure:
    """One mark with its interval per row.

    Parameters
    ----------
    rows : DataFrame
        Columns name, kind, value, and low and high, NaN for a number without an interval; the
        first row is on top. Further columns show on hover.
    title : str
    x, y : (str, str)
        Label and unit of the numbers, and of the rows.
    roles : mapping of kind to role
        At most four, in the order of the legend.
    reference : (float, str, str), optional
        A number to compare with, its name, and its role.
    """
    if rows.empty:
        raise ValueError(f"rows must have rows, got {len(rows)}. Estimate something first.")
    unknown = set(rows["kind"]) - set(roles)
    if unknown:
        raise ValueError(f"roles must name the kind of every row, got none for "
                         f"{sorted(unknown)[0]!r}. Known: {', '.join(roles)}.")
    placed = rows.assign(place=np.arange(len(rows))[::-1].astype(float))
    across, down = dimension("value", *x), dimension("place", *y)
    layers: list[hv.Element] = []
    if reference is not None:
        at, told, role = reference
        layers.append(hv.Curve(([at, at], [-0.5, len(rows) - 0.5]), across, down, label=told).opts(
            **ROLES[role].curve()))
    more = [name for name in rows if name not in ("name", "kind", "value", "low", "high")]
    tooltips = [(y[0], "@name"), (x[0], f"@value{DIGITS}"),
                ("interval", f"@low{DIGITS} to @high{DIGITS}"),
                *((str(name), f"@{name}") for name in more)]
    for kind, role in roles.items():
        some = placed[placed["kind"] == kind]
        if len(some):
            layers += dots(some, across, down, label=kind, role=role, tooltips=tooltips)
    return hv.Overlay(layers).opts(hv.opts.Overlay(
        title=title, xlim=_room(rows, reference), ylim=(-0.5, len(rows) - 0.5),
        xlabel=across.pprint_label, **named_rows(placed["name"].tolist()[::-1])))


def _room(rows: pd.DataFrame, reference: tuple[float, str, str] | None) -> tuple[float, float]:
    """Ends of the axis with room for whole marks at both."""
    found = rows[["value", "low", "high"]].to_numpy(float).ravel()
    found = np.append(found, [] if reference is None else [reference[0]])
    low, high = float(np.nanmin(found)), float(np.nanmax(found))
    room = 0.04 * ((high - low) or 1.0)
    return low - room, high + room


def dots(rows: pd.DataFrame, x: hv.Dimension, y: hv.Dimension, *, label: str, role: str,
         tooltips: list[tuple[str, str]]) -> list[hv.Element]:
    """Marks with horizontal intervals, at numbered rows."""
    drawn = ROLES[role]
    lines = hv.Segments((rows["low"], rows["place"], rows["high"], rows["place"]),
                        [x.clone("low", label="low end"), y, "high", "end"])
    told = [name for name in rows if name not in (x.name, y.name)]
    marks = hv.Scatter(rows, x, [y, *told], label=label)
    return [lines.opts(color=drawn.colour, line_width=2, alpha=0.6),
            marks.opts(size=9, tools=[hover(tooltips)], **drawn.points())]


def named_rows(names: "pd.Series | Sequence[str]") -> dict[str, object]:
    """Options of a frame whose rows have these names, the lowest first."""
    ticks = [(at, cut(str(name))) for at, name in enumerate(names)]
    return frame(**LEGEND_BELOW, yticks=ticks, height=max(360, 240 + ROW * len(ticks)))


def cut(name: str) -> str:
    """A name as far as it fits beside a figure on a phone."""
    return name if len(name) <= LONGEST else name[:LONGEST - 1] + "…"
