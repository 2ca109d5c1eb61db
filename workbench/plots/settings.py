"""A number by a setting, several curves in each picture, one picture above the other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import holoviews as hv
import pandas as pd

from workbench.plots.hovers import DIGITS, hover
from workbench.plots.theme import ROLES, STACKED, Figure, dimension, frame, written_legend

__all__ = ["Panel", "panel_figure", "setting_panels"]

TICKED = 7               # settings that each have a tick of their own on a log axis
LONGEST_NAME = 14        # letters of a setting


@dataclass(frozen=True)
class Panel:
    """One picture of a number by a setting.

    Parameters
    ----------
    table : DataFrame
        Columns series, at, value, and low and high, NaN without a band.
    title : str
    x, y : (str, str)
        Label and unit.
    log : bool
        Whether the setting is drawn on a logarithmic axis; zeros are left out.
    reference : (float, str) or None
        A number to compare with, and its name.
    marks : bool
        Whether the settings that were computed are marked.
    names : mapping of float to str, or None
        Names of settings, which the axis shows instead of numbers.
    """

    table: pd.DataFrame
    title: str
    x: tuple[str, str]
    y: tuple[str, str]
    log: bool = False
    reference: tuple[float, str] | None = None
    marks: bool = True
    names: Mapping[float, str] | None = None


def setting_panels(panels: Sequence[Panel], roles: Mapping[str, str]) -> Figure:
    """Pictures, one above the other, of numbers by settings.

    Parameters
    ----------
    panels : sequence of Panel
    roles : mapping of series to role
    """
    for at, panel in enumerate(panels):
        _some(**{f"panels[{at}]": panel.table})
    return hv.Layout([panel_figure(each, roles) for each in panels]).cols(1).opts(
        hv.opts.Layout(**STACKED))


def panel_figure(panel: Panel, roles: Mapping[str, str]) -> hv.Element:
    """One picture."""
    x, y = dimension("at", *panel.x), dimension("value", *panel.y)
    table = panel.table[panel.table["at"] > 0] if panel.log else panel.table
    ends = float(table["at"].min()), float(table["at"].max())
    layers: list[hv.Element] = []
    entries = [(name, role) for name, role in roles.items() if (table["series"] == name).any()]
    seen = [table["value"], *(table[each].dropna() for each in ("low", "high") if each in table)]
    if panel.reference is not None:
        layers.append(hv.Curve((ends, (panel.reference[0],) * 2), x, y).opts(
            **ROLES["truth"].curve()))
        entries = [*entries, (panel.reference[1], "truth")]
        seen.append(pd.Series([panel.reference[0]]))
    for name, role in entries:
        some = table[table["series"] == name].sort_values("at")
        if len(some):
            layers += _line(some, (x, y), name, role)[:None if panel.marks else -1]
    low, high = (float(getattr(pd.concat(seen), which)()) for which in ("min", "max"))
    span = (high - low) or 1.0
    layers += written_legend(entries, x, y, at=(ends[0], [
        low - span * (0.12 + 0.11 * at) for at in range(len(entries))]))
    room = (ends[1] - ends[0]) * 0.03 or 0.5
    across = (ends[0] / 1.15, ends[1] * 1.15) if panel.log else (ends[0] - room, ends[1] + room)
    places = sorted(table["at"].unique())
    ticks = {"xticks": [(float(at), f"{at:g}") for at in places]} if panel.log and len(
        places) <= TICKED else {}
    if panel.names:
        ticks = _named(panel.names)
    return hv.Overlay(layers).opts(hv.opts.Overlay(
        title=panel.title, logx=panel.log, show_legend=False, xlim=across,
        ylim=(low - span * (0.18 + 0.11 * len(entries)), high + 0.08 * span), **ticks, **frame()))


def _named(names: Mapping[float, str]) -> dict[str, Any]:
    """Ticks with names, shortened, and slanted where they would run into each other."""
    short = [(at, name if len(name) <= LONGEST_NAME else name[:LONGEST_NAME - 1] + "…")
             for at, name in names.items()]
    room = 80 // max(1, len(short))
    return {"xticks": short, "xrotation": 30 if max(len(name) for _, name in short) > room else 0}


def _line(some: pd.DataFrame, axes: tuple[hv.Dimension, hv.Dimension], name: str,
          role: str) -> list[hv.Element]:
    x, y = axes
    drawn = ROLES[role]
    layers: list[hv.Element] = []
    if {"low", "high"} <= set(some) and some["low"].notna().all():
        layers.append(hv.Area((some["at"], some["low"], some["high"]), x, [y, "high"]).opts(
            **drawn.band(0.12)))
    tips = [("", name), (x.label, "@at" + DIGITS), (y.label, "@value" + DIGITS)]
    return [*layers, hv.Curve((some["at"], some["value"]), x, y).opts(**drawn.curve()),
            hv.Scatter((some["at"], some["value"]), x, y).opts(size=7, tools=[hover(tips)],
                                                               **drawn.points())]


def _some(**tables: pd.DataFrame) -> None:
    for name, table in tables.items():
        if table.empty:
            raise ValueError(f"{name} must have rows, got {len(table)}. Compute something first.")
