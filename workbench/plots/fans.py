"""Fan charts: nested intervals of many rows, and for each row which models made them."""

import holoviews as hv
import numpy as np
import pandas as pd
from bokeh.models import HoverTool

from workbench.plots.theme import LEGEND_BELOW, ROLES, Figure, dimension, frame

__all__ = ["fan_chart"]

MOST_ROWS = 400          # a browser stays quick below; above, rows are thinned evenly
TOLD = ["row", "outcome", "middle", "interval", "low_end", "high_end"]
FAR = 2                  # heights of all intervals beyond which an outcome is drawn at the edge
# Narrow enough for either side of a phone, where wider ones are cut off.
TOOLTIP = ('<div style="width:132px;font-size:11px">row @row<br><b>outcome @outcome</b><br>'
           "median @middle<br>interval @interval<br><b>low end</b> @low_end<br>"
           "<b>high end</b> @high_end</div>")


def fan_chart(rows: pd.DataFrame, *, label: str, unit: str, along: str = "",
              level: float = 0.8) -> Figure:
    """Interval, inner half, median and outcome of each row.

    Parameters
    ----------
    rows : DataFrame
        Columns row, x, y, median, low, high, inner_low, inner_high, the texts low_end and
        high_end that hover shows, and, if rows count differently, weight. Infinite ends and
        outcomes far from all intervals are drawn at the edge.
    label, unit : str
        Of the outcome.
    along : str
        What x is; empty orders the rows by their median and draws bands, a name draws each row as
        a line at its x. Rows without x are not drawn.
    level : float
        What the interval promises.
    """
    if rows.empty:
        raise ValueError(f"rows must have rows, got {len(rows)}. Predict some first.")
    known = rows[rows["x"].notna()] if along else rows
    if known.empty:
        raise ValueError(f"rows must have an x along {along!r}, got none in {len(rows)} rows. "
                         "Draw them along another feature, or along none.")
    shown = known.sort_values("x" if along else "median").iloc[
        ::max(1, -(-len(known) // MOST_ROWS))].reset_index(drop=True)
    if not along:
        shown = shown.assign(x=np.arange(1.0, len(shown) + 1))
    bottom, top = _span(shown)
    inside = shown["y"].between(shown["low"], shown["high"])
    shown = _told(shown).assign(**{
        end: shown[end].clip(bottom, top)
        for end in ("y", "low", "high", "inner_low", "inner_high")})
    which = f"{len(shown)} of {len(rows)} test rows" if len(shown) < len(rows) else "test rows"
    named = f"{along}, {which}" if len(shown) < len(rows) else along
    x = dimension("x", named if along else f"{which}, the lowest median first",
                  "unit of the table" if along else "rank")
    y = dimension("y", label, unit)
    told = f"{100 * level:g} % interval"
    layers = [*(_lines if along else _bands)(shown, x, y, told),
              *_outcomes(shown, inside, x, y, hover=bool(along))]
    if not along:
        layers.append(_columns(shown, x, y, (bottom, top)))
    covered = rows["y"].between(rows["low"], rows["high"])
    share = 100 * float(np.average(covered, weights=rows.get("weight")))
    return hv.Overlay(layers).opts(hv.opts.Overlay(
        title=f"{share:.3g} % of outcomes inside", ylim=(bottom, top),
        **frame(**LEGEND_BELOW, height=474)))


def _span(rows: pd.DataFrame) -> tuple[float, float]:
    """Heights to draw: all finite ends, and the outcomes that are not far from them."""
    numbers = rows[["median", "low", "high", "inner_low", "inner_high"]].to_numpy(dtype=float)
    finite = numbers[np.isfinite(numbers)]
    room = FAR * (np.ptp(finite) or np.ptp(rows["y"]))
    near = rows["y"][rows["y"].between(finite.min() - room, finite.max() + room)]
    bottom, top = min(finite.min(), near.min()), max(finite.max(), near.max())
    edge = 0.05 * (top - bottom or 1.0)
    return float(bottom - edge), float(top + edge)


def _told(rows: pd.DataFrame) -> pd.DataFrame:
    """Numbers as hover tells them, before they are cut at the edge."""
    ends = zip(rows["low"], rows["high"], strict=True)
    return rows.assign(outcome=[f"{y:.4g}" for y in rows["y"]],
                       middle=[f"{median:.4g}" for median in rows["median"]],
                       interval=[f"{low:.4g} to {high:.4g}" for low, high in ends])


def _bands(rows: pd.DataFrame, x: hv.Dimension, y: hv.Dimension, told: str) -> list[hv.Element]:
    ours = ROLES["ours"]
    outer = hv.Area((rows["x"], rows["low"], rows["high"]), x, [y, "high"], label=told)
    inner = hv.Area((rows["x"], rows["inner_low"], rows["inner_high"]), x, [y, "high"],
                    label="inner half")
    middle = hv.Curve((rows["x"], rows["median"]), x, y, label="median")
    return [outer.opts(**ours.band(0.15)), inner.opts(**ours.band(0.28)),
            middle.opts(**ours.curve())]


def _lines(rows: pd.DataFrame, x: hv.Dimension, y: hv.Dimension, told: str) -> list[hv.Element]:
    ours = ROLES["ours"]
    layers = []
    for low, high, name, width, alpha in (("low", "high", told, 2, 0.3),
                                          ("inner_low", "inner_high", "inner half", 4, 0.5)):
        lines = hv.Segments((rows["x"], rows[low], rows["x"], rows[high]),
                            [x, y, "right", "top"], label=name)
        layers.append(lines.opts(color=ours.colour, line_width=width, alpha=alpha))
    middle = hv.Scatter((rows["x"], rows["median"], rows["row"]), x, [y, "row"], label="median")
    return [*layers, middle.opts(size=5, **ours.points())]


def _columns(rows: pd.DataFrame, x: hv.Dimension, y: hv.Dimension,
             ends: tuple[float, float]) -> hv.Element:
    """Unseen boxes as high as the figure, so that a row is found wherever one points above it."""
    boxes = pd.DataFrame({"x": rows["x"] - 0.5, "y": ends[0], "right": rows["x"] + 0.5,
                          "top": ends[1], **{name: rows[name] for name in TOLD}})
    found = hv.Rectangles(boxes, [x, y, "right", "top"], TOLD)
    return found.opts(color=ROLES["uniform"].colour, alpha=0, hover_alpha=0.2,
                      tools=[HoverTool(tooltips=TOOLTIP, limit=1)])


def _outcomes(rows: pd.DataFrame, inside: pd.Series, x: hv.Dimension, y: hv.Dimension, *,
              hover: bool) -> list[hv.Element]:
    layers = []
    for some, name, role, size in ((rows[inside], "outcome", "truth", 5),
                                   (rows[~inside], "outcome outside", "alarm", 9)):
        if len(some):
            marks = hv.Scatter(some, x, [y, *TOLD], label=name)
            tools = [HoverTool(tooltips=TOOLTIP, limit=1)] if hover else []
            layers.append(marks.opts(size=size, alpha=0.8, tools=tools, **ROLES[role].points()))
    return layers
