"""Figures as Bokeh's JSON, which a browser builds without a server."""

import holoviews as hv
from bokeh import __version__
from bokeh.core.json_encoder import serialize_json
from bokeh.document import Document

from workbench.plots.theme import STYLE, Figure

__all__ = ["figure_json", "is_dynamic"]


def figure_json(figure: Figure) -> str:
    """A figure as the text that ``Bokeh.embed.embed_item`` takes.

    Parameters
    ----------
    figure : HoloViews element, overlay or layout
    """
    # A document of its own keeps the figure from being tied to the visitor for whom it is drawn.
    document = Document(theme=STYLE, title="")
    plot = hv.renderer("bokeh").get_plot(figure, doc=document)
    try:
        if plot.state not in document.roots:
            document.add_root(plot.state)
        return str(serialize_json({"target_id": None, "root_id": plot.state.id,
                                   "doc": document.to_json(deferred=False),
                                   "version": __version__}))
    finally:
        document.clear()         # lets go of tickers, which are drawn again
        plot.cleanup()


def is_dynamic(figure: Figure) -> bool:
    """Whether parts of a figure are made anew as it is zoomed.

    Examples
    --------
    >>> is_dynamic(hv.Curve([1.0, 2.0]))
    False
    """
    return bool(figure.traverse(type, [hv.DynamicMap]))
