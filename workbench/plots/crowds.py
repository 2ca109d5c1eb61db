"""More points than a browser draws quickly: their number in each cell of a fine grid, as colour.

Up to `MOST_RAW` points are drawn one by one. Above, datashader counts them, and a page counts
again, in finer cells, whatever part of the figure a visitor zooms into. A count hides no point: a
cell with a single one is coloured too.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import holoviews as hv
import numpy as np
import pandas as pd
from bokeh.models import HoverTool

from workbench.plots.theme import Figure

__all__ = ["CELLS", "MOST_RAW", "Crowd", "counted", "crowd_image"]

MOST_RAW = 20_000        # points that are drawn one by one
CELLS = (320, 170)       # two pixels each in a figure of full width
SOURCE, COLOURS = "crowd", "colours of the crowd"        # parts of a drawn figure, by name


@dataclass(frozen=True, eq=False)
class Crowd:
    """Points too many to draw.

    Parameters
    ----------
    x, y : array, shape (n,)
        Numbers or dates; rows that are not finite are left out.

    Raises
    ------
    ValueError
        On first use, if no row is finite.
    """

    x: np.ndarray
    y: np.ndarray

    @cached_property
    def numbers(self) -> pd.DataFrame:
        """Columns x and y of all points that are finite, dates as milliseconds since 1970."""
        x, y = _numbers(self.x), _numbers(self.y)
        known = np.isfinite(x) & np.isfinite(y)
        if not known.any():
            raise ValueError(f"a crowd must have a finite point, got {len(x)} without. "
                             "Leave out what is missing.")
        whole = bool(known.all())
        return pd.DataFrame({"x": x if whole else x[known], "y": y if whole else y[known]},
                            copy=False)

    def ends(self) -> tuple[float, float, float, float]:
        """Left, bottom, right and top."""
        low, high = self.numbers.min(), self.numbers.max()
        room = np.where(low == high, 0.5, 0.0)
        (left, bottom), (right, top) = low - room, high + room
        return float(left), float(bottom), float(right), float(top)

    def counts(self, bounds: tuple[float, float, float, float],
               cells: tuple[int, int] = CELLS) -> np.ndarray:
        """Points in each cell of a grid over these bounds, the lowest row first, NaN for none.

        Parameters
        ----------
        bounds : (float, float, float, float)
            Left, bottom, right, top.
        cells : (int, int)
            Columns and rows.

        Examples
        --------
        >>> Crowd(np.array([0.0, 1.0, 1.0]), np.array([0.0, 1.0, 1.0])).counts(
        ...     (0.0, 0.0, 1.0, 1.0), cells=(2, 2))
        array([[ 1., nan],
               [nan,  2.]], dtype=float32)
        """
        import datashader  # type: ignore[import-untyped]

        left, bottom, right, top = bounds
        canvas = datashader.Canvas(*cells, x_range=(left, right), y_range=(bottom, top))
        counted = canvas.points(self.numbers, "x", "y", agg=datashader.count()).to_numpy()
        return np.where(counted > 0, counted, np.nan).astype(np.float32)

    def part(self, bounds: tuple[float, float, float, float]) -> dict[str, Any]:
        """What the named parts of a drawn figure hold when it shows these bounds."""
        left, bottom, right, top = bounds
        counts = self.counts(bounds)
        return {SOURCE: {"x": [left], "y": [bottom], "dw": [right - left], "dh": [top - bottom],
                         "image": [counts]}, COLOURS: {"high": _highest(counts)}}


def crowd_image(crowd: Crowd, x: hv.Dimension, y: hv.Dimension, *, what: str) -> hv.Image:
    """Counts of all points as a picture that knows its points.

    Parameters
    ----------
    crowd : Crowd
    x, y : Dimension
    what : str
        What one point is, in the plural.
    """
    left, bottom, right, top = crowd.ends()
    counts = crowd.counts((left, bottom, right, top))
    told = f"{len(crowd.numbers):,} {what}, colour counts them"
    columns, rows = CELLS
    across = left + (np.arange(columns) + 0.5) * (right - left) / columns
    up = bottom + (np.arange(rows) + 0.5) * (top - bottom) / rows
    if _dated(crowd.x):
        across = (across * 1e3).astype("datetime64[us]")
    image = hv.Image((across, up, counts), kdims=[x, y],
                     vdims=[hv.Dimension("count", label=told)])

    def name(plot: Any, _: Any) -> None:
        plot.handles["source"].name = SOURCE
        plot.handles["color_mapper"].name = COLOURS

    hover = HoverTool(tooltips=[(f"{what} here", "@image{0,0}")])
    image.opts(cmap="cividis", cnorm="log", clim=(1, _highest(counts)),
               colorbar=True, tools=[hover], hooks=[name],
               colorbar_position="top", cformatter="%d",
               colorbar_opts={"title": told, "title_standoff": 6, "height": 10})
    image.crowd = crowd
    return image


def counted(figure: Figure) -> list[Crowd]:
    """The crowds of a figure."""
    found = figure.traverse(lambda one: one, [hv.Image])
    return [one.crowd for one in found if hasattr(one, "crowd")]


def _highest(counts: np.ndarray) -> float:
    """Upper end of the scale of colours, above its lower one, which is a single point."""
    return 2.0 if np.isnan(counts).all() else max(2.0, float(np.nanmax(counts)))


def _dated(values: np.ndarray) -> bool:
    return bool(np.asarray(values).dtype.kind == "M")


def _numbers(values: np.ndarray) -> np.ndarray:
    array = np.asarray(values)
    if not _dated(array):
        return array.astype(float, copy=False)
    milliseconds = array.astype("datetime64[ms]").astype(float)
    return np.where(np.isnat(array), np.nan, milliseconds)
