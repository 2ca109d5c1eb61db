"""Maps over two knobs of training: the phase of each cell, and each measure behind it.

Cells are of one size, in the order of the knobs, so that letters fit where values lie close: grids
are spaced evenly on a logarithmic scale, or nearly so.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import holoviews as hv
import numpy as np
import pandas as pd

from workbench.core import check
from workbench.plots.hovers import DIGITS, hover
from workbench.plots.theme import LEGEND_BELOW, ON_LIGHT, STACKED, Figure, dimension, frame

__all__ = ["BATCH_SIZE", "PHASE_STYLES", "WIDTH", "Knob", "PhaseStyle", "Shade", "measure_maps",
           "phase_map"]


@dataclass(frozen=True)
class PhaseStyle:
    """How a phase is drawn: colour, letters in its cells, their colour, mark of a point."""

    colour: str
    letters: str
    ink: str
    marker: str


# The colours are those of the roles, which stay apart under colour-vision deficiencies.
PHASE_STYLES = {
    "I": PhaseStyle("#D55E00", "I", "#ffffff", "diamond"),
    "II": PhaseStyle("#E69F00", "II", ON_LIGHT, "triangle"),
    "III": PhaseStyle("#767676", "III", "#ffffff", "square"),
    "IV-A": PhaseStyle("#56B4E9", "A", ON_LIGHT, "inverted_triangle"),
    "IV-B": PhaseStyle("#0072B2", "B", "#ffffff", "circle"),
}
UNTOLD = PhaseStyle("#ffffff", "?", ON_LIGHT, "x")
MOST_TICKS = 8


@dataclass(frozen=True)
class Knob:
    """An axis of a grid: its column of numbers, its label and unit."""

    column: str
    label: str
    unit: str


WIDTH = Knob("width", "width", "units of a layer; load falls to the right")
BATCH_SIZE = Knob("batch_size", "batch size", "rows; temperature falls upwards")


@dataclass(frozen=True)
class Shade:
    """How a measure becomes colour.

    Parameters
    ----------
    column, label, unit : str
    scale : {"linear", "log", "diverging"}
        Logarithmic for what spans decades; diverging is centred on zero.
    """

    column: str
    label: str
    unit: str
    scale: str = "linear"

    def __post_init__(self) -> None:
        check.one_of(("linear", "log", "diverging"), scale=self.scale)


def phase_map(cells: pd.DataFrame, *, x: Knob = WIDTH, y: Knob = BATCH_SIZE,
              told: Sequence[str] = (), name: str = "") -> Figure:
    """Phase of each cell of a grid, by colour and by letters.

    Parameters
    ----------
    cells : DataFrame
        One row per cell: the columns of both knobs, phase (of `PHASE_STYLES`; None where it is
        not told), and the columns of `told`.
    x, y : Knob
    told : sequence of str
        Columns of numbers that show on hover.
    name : str
        Column that names each cell, for those who choose one.
    """
    _some(cells)
    placed = _placed(cells, x, y)
    axes = _axes(x, y)
    layers: list[hv.Element] = []
    phases = [phase for phase in PHASE_STYLES if (cells["phase"] == phase).any()]
    for phase in [*phases, None]:
        some = placed[cells["phase"].isna() if phase is None else cells["phase"] == phase]
        if len(some):
            style = UNTOLD if phase is None else PHASE_STYLES[phase]
            shown = list(dict.fromkeys([x.column, y.column, *told]))
            layers += _cells(some, axes, style, (_name(phase, style), name), shown)
    count = placed["phase"].notna().sum()
    return hv.Overlay(layers).opts(hv.opts.Overlay(
        title=f"Phases of {count} of {len(cells)} cells",
        **_map_frame(placed, x, y, **LEGEND_BELOW, height=520)))


def measure_maps(cells: pd.DataFrame, measures: Sequence[Shade], *, x: Knob = WIDTH,
                 y: Knob = BATCH_SIZE) -> Figure:
    """One map per measure, one above the other.

    Parameters
    ----------
    cells : DataFrame
        One row per cell: the columns of both knobs and of the measures; missing ones stay blank,
        as do those that are not positive on a logarithmic scale.
    measures : sequence of Shade
    x, y : Knob
    """
    _some(cells)
    if not measures:
        raise ValueError("measures must name at least one, got none. Pass Shade(...).")
    placed = _placed(cells, x, y)
    return hv.Layout([_measure_map(placed, shade, x, y) for shade in measures]).cols(1).opts(
        hv.opts.Layout(**STACKED))


def _measure_map(placed: pd.DataFrame, shade: Shade, x: Knob, y: Knob) -> hv.Element:
    values = placed[shade.column].astype(float)
    known = values.notna() & np.isfinite(values) & ((values > 0) | (shade.scale != "log"))
    if not known.any():
        raise ValueError(f"{shade.column} must be known in at least one cell, got none. Measure "
                         "it first.")
    rows = placed[known].assign(value=values[known])
    low, high = float(rows["value"].min()), float(rows["value"].max())
    if shade.scale == "diverging":
        low, high = -max(abs(low), abs(high)), max(abs(low), abs(high))
    if low == high:
        low, high = (low / 2, high * 2) if shade.scale == "log" else (low - 0.5, high + 0.5)
    telling = hover([(x.label, f"@{x.column}"), (y.label, f"@{y.column}"),
                     (shade.label, f"@value{DIGITS}")])
    shown = hv.Rectangles(rows, _axes(x, y), ["value", x.column, y.column])
    return shown.opts(hv.opts.Rectangles(
        color="value", cmap="PuOr" if shade.scale == "diverging" else "cividis",
        clim=(low, high), cnorm="log" if shade.scale == "log" else "linear", colorbar=True,
        clabel=f"{shade.label} [{shade.unit}]", line_color="#ffffff", line_width=0.5,
        tools=[telling], title=shade.label[:1].upper() + shade.label[1:],
        **_map_frame(placed, x, y, height=400)))


def _cells(some: pd.DataFrame, axes: list[hv.Dimension], style: PhaseStyle,
           labels: tuple[str, str], shown: list[str]) -> list[hv.Element]:
    """Rectangles of one phase and the letters in them."""
    label, named = labels
    telling = hover([("phase", label), *((name, f"@{name}{DIGITS}") for name in shown)])
    boxes = hv.Rectangles(some, axes, [*shown, named] if named else shown, label=label).opts(
        color=style.colour, line_color="#ffffff", line_width=0.5, tools=[telling],
        show_legend=True)
    letters = hv.Labels((some["x_middle"], some["y_middle"], [style.letters] * len(some)),
                        [axes[0], axes[1]], "letters").opts(
        text_color=style.ink, text_font_size="8pt")
    return [boxes, letters]


def _name(phase: str | None, style: PhaseStyle) -> str:
    """Entry of the legend: the letters, and what they stand for where they are cut."""
    if phase is None:
        return f"{style.letters}  not told"
    return phase if style.letters == phase else f"{style.letters}  {phase}"


def _placed(cells: pd.DataFrame, x: Knob, y: Knob) -> pd.DataFrame:
    """Cells with their places: 0, 1, ... in the order of the values of each knob."""
    found = cells.copy()
    for name, knob in (("x", x), ("y", y)):
        told: dict[str, Any] = {knob.column: cells[knob.column]}
        check.finite(**told)
        place = cells[knob.column].rank(method="dense").to_numpy() - 1
        found = found.assign(**{f"{name}_low": place - 0.5, f"{name}_middle": place,
                                f"{name}_high": place + 0.5})
    return found


def _axes(x: Knob, y: Knob) -> list[hv.Dimension]:
    return [dimension("x_low", x.label, x.unit), dimension("y_low", y.label, y.unit),
            hv.Dimension("x_high"), hv.Dimension("y_high")]


def _map_frame(placed: pd.DataFrame, x: Knob, y: Knob, **more: Any) -> dict[str, Any]:
    ticks = {}
    for name, knob in (("xticks", x), ("yticks", y)):
        values = np.unique(placed[knob.column])
        step = -(-len(values) // MOST_TICKS)
        ticks[name] = [(place, f"{values[place]:g}") for place in range(0, len(values), step)]
    ends = {f"{name}lim": (-0.5, float(placed[f"{name}_high"].max())) for name in ("x", "y")}
    return frame(show_grid=False, **ticks, **ends, **more)


def _some(cells: pd.DataFrame) -> None:
    if cells.empty:
        raise ValueError("cells must have rows, got 0. Classify a grid first.")
