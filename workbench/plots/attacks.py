"""Who stands an attack: accuracy of each class without and under it, the weakest first."""

from collections.abc import Mapping
from typing import Any

import holoviews as hv
import pandas as pd

from workbench.plots.hovers import hover
from workbench.plots.theme import LEGEND_BELOW, ROLES, Figure, dimension, frame

__all__ = ["class_bars"]

HALF = 0.17             # of the width of a bar
MOST_NAMES, MOST_LETTERS = 24, 60       # below the bars, side by side


def class_bars(table: pd.DataFrame, roles: Mapping[str, str], *, title: str) -> Figure:
    """Bars of robust accuracy by class, with marks of clean accuracy above them.

    Parameters
    ----------
    table : DataFrame
        Columns class, place, tail (bool), method, clean, robust, low, high [percent]; low and
        high are the range of `robust` over seeds.
    roles : mapping of method to role
        Of the methods that are drawn, at most two.
    title : str
    """
    if table.empty:
        raise ValueError(f"table must have rows, got {len(table)}. Train something first.")
    x, y = dimension("at", "class", "weakest first"), dimension("value", "accuracy", "%")
    layers: list[hv.Element] = []
    for number, (method, role) in enumerate(roles.items()):
        some = table[table["method"] == method]
        at = some["place"].to_numpy(float) + (number - (len(roles) - 1) / 2) * 2.2 * HALF
        some = some.assign(at=at, left=at - HALF, right=at + HALF, floor=0.0)
        tips = [("", method), ("class", "@class"), ("under attack", "@robust{0.0} %"),
                ("over seeds", "@low{0.0} to @high{0.0} %"), ("without", "@clean{0.0} %")]
        told = ["class", "robust", "clean", "low", "high"]
        bars = hv.Rectangles(some[["left", "floor", "right", "robust", *told]].set_axis(
            ["left", "floor", "right", "top", *told], axis=1),
            [x.clone(("left", x.label)), y.clone(("floor", y.label)), "right", "top"], told,
            label=f"{method}, under attack")
        layers += [
            bars.opts(color=ROLES[role].colour, alpha=0.75, line_color=ROLES[role].colour,
                      tools=[hover(tips)]),
            hv.Segments((some["at"], some["low"], some["at"], some["high"]),
                        [x, y, "end", "high"]).opts(color="#000000", line_width=1),
            hv.Scatter((some["at"], some["clean"]), x, y, label=f"{method}, without").opts(
                size=9, color=ROLES[role].colour, marker="triangle" if number else "square")]
    border = float(table.loc[table["tail"], "place"].max()) + 0.5
    layers.append(hv.Curve(([border, border], [0.0, 105.0]), x, y,
                           label="left of it: the weakest 30 %").opts(**ROLES["truth"].curve()))
    return hv.Overlay(layers).opts(hv.opts.Overlay(
        title=title, **_named(table), ylim=(0, 105), **frame(**LEGEND_BELOW, height=480)))


def _named(table: pd.DataFrame) -> dict[str, Any]:
    """Names below the bars: of every class, or of some where there are many, turned if long."""
    once = table.drop_duplicates("place")
    names = [(int(at), str(name)[:12]) for at, name in zip(once["place"], once["class"],
                                                           strict=True)]
    shown = names[::-(-len(names) // MOST_NAMES)]
    turned = sum(len(name) for _, name in shown) > MOST_LETTERS
    return {"xticks": shown, "xlim": (-0.6, len(names) - 0.4), "xrotation": 45 if turned else 0}
