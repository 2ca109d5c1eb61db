"""Figures of several runs beside each other, on equal axes and scales of colour."""

from collections.abc import Sequence
from typing import Any

import holoviews as hv

from workbench.plots.alike import equal_axes
from workbench.plots.overlays import ends_of, layers_of, pictures
from workbench.plots.theme import Figure

__all__ = ["beside"]


def beside(figures: Sequence[Figure]) -> list[Figure]:
    """The same figures on equal axes and scales of colour, as far as those mean the same.

    Parameters
    ----------
    figures : sequence of figure
        Of one name; what they say above themselves is left to whoever shows them.
    """
    for figure in figures:
        if not isinstance(figure, hv.Layout):
            _set(figure, title="")
    parts = [pictures(figure) for figure in figures]
    if len({len(part) for part in parts}) > 1:
        return list(figures)
    for there in zip(*parts, strict=True):
        if equal_axes(there):
            ends = ends_of(there)
            for picture in there:
                _set(picture, **ends)
        _colour_alike(there)
    return list(figures)


def _set(picture: Figure, **options: Any) -> None:
    """Change options of the frame, whatever the figure is made of."""
    if isinstance(picture, hv.Overlay):
        picture.opts(hv.opts.Overlay(**options))
    else:
        picture.opts(**options)


def _colour_alike(pictures: Sequence[Figure]) -> None:
    """One scale of colours for what corresponds, where it is a scale of numbers."""
    rows = [layers_of("", picture) for picture in pictures]
    if len({len(row) for row in rows}) > 1:
        return
    for layers in zip(*rows, strict=True):
        scales = [hv.Store.lookup_options("bokeh", layer.element, "plot").kwargs.get("clim")
                  for layer in layers]
        if all(isinstance(scale, tuple) for scale in scales) and len({
                layer.key for layer in layers}) == 1:
            lows, highs = zip(*scales, strict=True)
            for layer in layers:
                layer.element.opts(clim=(float(min(lows)), float(max(highs))))
