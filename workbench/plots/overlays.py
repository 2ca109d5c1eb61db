"""Figures of several runs over each other.

Nothing here knows a study: layers of equal figures are matched by their kind and name. What is
equal in all runs is drawn once and grey; what a run has of its own wears the colour and the dash
of the run. Where that would not be clear, or the axes mean different things, figures lie side by
side.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import holoviews as hv

from workbench.plots.alike import common_range, equal_axes, equal_data
from workbench.plots.theme import LEGEND_BELOW, ROLES, Figure, Role

__all__ = ["MOST_OVERLAID", "RUN_ROLES", "ends_of", "layers_of", "overlaid", "pictures", "same"]

RUN_ROLES = (ROLES["ours"], ROLES["rival"], ROLES["variant"],
             Role(ROLES["truth"].colour, "dotted", marker="square"))
MOST_OVERLAID = len(RUN_ROLES)
LAYERS = (hv.Curve, hv.Area, hv.Spread, hv.Scatter, hv.Points, hv.Segments, hv.ErrorBars)
CONTEXT = {ROLES[name].colour.lower() for name in ("truth", "uniform")}
OURS = ROLES["ours"].colour.lower()
ALARM = ROLES["alarm"].colour.lower()
GREY = ROLES["uniform"].colour
FAINT = 0.45
SHORT, LINE = 16, 26     # letters of a short name in a legend; pixels of its line
ROOM = 0.16              # between the runs on a named row


@dataclass(frozen=True)
class Layer:
    """One element of one run's figure, and what matches it in the others."""

    run: str
    key: tuple[str, str, str, int]
    element: hv.Element
    colour: str


def overlaid(figures: Mapping[str, Figure], *, title: str,
             roles: Sequence[int] | None = None) -> Figure | None:
    """Figures of one name over each other, or nothing where that would mislead.

    Parameters
    ----------
    figures : mapping of str to figure
        By the name of the run as the legend tells it; two to four.
    title : str
    roles : sequence of int, optional
        Which of `RUN_ROLES` each run wears; their order by default.

    Returns
    -------
    figure : Overlay or None
        On axes that show all of every run. None if there are too many, if they hold anything but
        curves, bands, intervals and points, if their axes mean different things, or if runs have
        differing layers of several colours, which one colour per run would confuse.
    """
    named = list(figures)
    if not 2 <= len(named) <= MOST_OVERLAID or not equal_axes(list(figures.values())):
        return None
    layers = [layer for run, figure in figures.items() for layer in layers_of(run, figure)]
    if not all(isinstance(layer.element, LAYERS) for layer in layers):
        return None
    shared = _shared(layers, len(named))
    own = [layer for layer in layers if layer.key not in shared]
    beyond = _beyond(own)
    if beyond is None:
        return None
    wears = {run: RUN_ROLES[at] for run, at in zip(named, roles or range(len(named)),
                                                   strict=True)}
    context = [_grey(layer) for layer in layers if layer.key in shared and layer.run == named[0]]
    context += [_grey(layer, wears[layer.run]) for layer in own if layer.colour in beyond]
    plain = _options(next(iter(figures.values())), list(figures.values()))
    rows = [side for side in (0, 1) if _is_named(plain.get(f"{'xy'[side]}ticks"))]
    middle = (len(named) - 1) / 2
    told = [_aside(_worn(layer, wears[layer.run]), rows,
                   ROOM * (middle - named.index(layer.run)))
            for layer in own if layer.colour not in beyond]
    if not told:
        return None
    entries = {element.label for element in (*context, *told)}
    return hv.Overlay([*context, *told]).opts(hv.opts.Overlay(
        **plain | _legend(entries) | {"title": title, "show_legend": True}))


def same(figures: Sequence[Figure]) -> bool:
    """Whether figures show equal data in equal layers."""
    first, *others = ([layer for picture in pictures(figure) for layer in layers_of("", picture)]
                      for figure in figures)
    return all(len(other) == len(first) and all(
        one.key == two.key and equal_data(one.element, two.element)
        for one, two in zip(first, other, strict=True)) for other in others)


def _beyond(own: Sequence[Layer]) -> set[str] | None:
    """Colours of what a run is compared with; nothing where one colour per run would confuse."""
    colours = {layer.colour for layer in own} - CONTEXT - {ALARM}
    if len(colours) <= 1:
        return CONTEXT
    others = colours - {OURS}
    lines = all(isinstance(layer.element, hv.Curve | hv.Area) for layer in own
                if layer.colour in others)
    return CONTEXT | others if OURS in colours and len(others) == 1 and lines else None


def layers_of(run: str, figure: Figure) -> list[Layer]:
    """The layers of a picture, each with what matches it in the pictures of other runs."""
    found, seen = [], Counter[tuple[str, str, str]]()
    for element in (figure if isinstance(figure, hv.Overlay) else [figure]):
        if isinstance(element, hv.Element):
            style = hv.Store.lookup_options("bokeh", element, "style").kwargs
            colour = str(style.get("color", "")).lower()
            kind = (type(element).__name__, element.label, colour)
            found.append(Layer(run, (*kind, seen[kind]), element, colour))
            seen[kind] += 1
        else:                   # parts that are made anew as a figure is zoomed
            found.append(Layer(run, (type(element).__name__, "", "", len(found)), element, ""))
    return found


def _shared(layers: list[Layer], runs: int) -> set[tuple[str, str, str, int]]:
    """Layers that all runs have, with equal data."""
    by_key: dict[Any, list[Layer]] = {}
    for layer in layers:
        by_key.setdefault(layer.key, []).append(layer)
    return {key for key, there in by_key.items() if len(there) == runs
            and all(equal_data(there[0].element, other.element, drawn=True)
                    for other in there[1:])}


def _grey(layer: Layer, run: Role | None = None) -> hv.Element:
    """A layer of all runs, or one to compare with, which is drawn faint and in the run's dash."""
    element, options = layer.element, dict[str, Any](color=GREY)
    if _is_line(element):
        style = hv.Store.lookup_options("bokeh", element, "style").kwargs
        dash = style.get("line_dash", "solid")
        options |= {"line_width": 1.5, "line_dash": "dashdot" if dash == "solid" else dash}
        if run is not None:
            options |= {"line_dash": run.dash, "alpha": FAINT}
    elif isinstance(element, hv.Scatter | hv.Points):
        options |= {"alpha": FAINT}
    return element.opts(**options, clone=True)


def _worn(layer: Layer, run: Role) -> hv.Element:
    """A layer in the colour of its run, under the run's name."""
    element = layer.element.relabel(layer.run)
    if _is_line(element):
        return element.opts(**run.curve(), clone=True)
    if isinstance(element, hv.Scatter | hv.Points):
        mark = {"marker": "diamond"} if layer.colour == ALARM else run.points()
        return element.opts(**mark | {"color": run.colour}, clone=True)
    return element.opts(color=run.colour, clone=True)


def _is_line(element: hv.Element) -> bool:
    """Whether an element is a curve; to HoloViews a band is one, too."""
    return isinstance(element, hv.Curve) and not isinstance(element, hv.Area)


def _aside(element: hv.Element, rows: Sequence[int], shift: float) -> hv.Element:
    """Points and intervals of one run a little beside those of the others, on named rows."""
    if not rows or not isinstance(element, hv.Scatter | hv.Points | hv.Segments):
        return element
    table = element.dframe()
    for side in rows:
        for at in (side, side + 2) if isinstance(element, hv.Segments) else (side,):
            table[element.dimensions()[at].name] += shift
    return element.clone(table)


def _is_named(ticks: Any) -> bool:
    """Whether an axis has rows with names, which are no numbers."""
    return isinstance(ticks, list) and any(
        isinstance(tick, tuple) and not tick[1].lstrip("-+.")[:1].isdigit() for tick in ticks)


def _options(first: Figure, figures: Sequence[Figure]) -> dict[str, Any]:
    """Options of the frame, with ends that hold all runs and the ticks of all."""
    plain = dict(hv.Store.lookup_options("bokeh", first, "plot").kwargs)
    plain.pop("hooks", None)
    for side in ("xticks", "yticks"):
        told = [hv.Store.lookup_options("bokeh", figure, "plot").kwargs.get(side)
                for figure in figures]
        if all(isinstance(ticks, list) for ticks in told):
            plain[side] = sorted({tick for ticks in told for tick in ticks},
                                 key=lambda tick: tick[0] if isinstance(tick, tuple) else tick)
    return plain | ends_of(figures)


def _legend(entries: set[str]) -> dict[str, Any]:
    """A legend below, in one column where names are too long for two on a phone."""
    if max(map(len, entries)) <= SHORT:
        return LEGEND_BELOW
    room = LINE * len(entries)
    return {"legend_position": "bottom", "legend_cols": 1, "height": 380 + room,
            "backend_opts": {"plot.min_border_bottom": 70 + room}}


def ends_of(pictures: Sequence[Figure]) -> dict[str, Any]:
    """Options by which axes show all of every picture."""
    found = {"xlim": common_range(pictures, 0), "ylim": common_range(pictures, 1)}
    return {name: ends for name, ends in found.items() if ends is not None}


def pictures(figure: Figure) -> list[Figure]:
    """The pictures that a figure consists of."""
    return [*figure] if isinstance(figure, hv.Layout) else [figure]
