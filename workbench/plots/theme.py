"""Roles become colour, dash and mark; every figure speaks this one grammar.

The colours are Okabe and Ito's plus a grey. Each role has a second cue besides its colour.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import holoviews as hv
import holoviews.plotting.bokeh  # registers the renderer, without which .opts() fails
from bokeh.themes import Theme

__all__ = ["DARK", "DARK_FRAME", "INK", "LEGEND_BELOW", "ON_LIGHT", "PAPERS", "ROLES", "STACKED",
           "STYLE", "Figure", "Role", "blank", "dimension", "figure_html", "frame", "use_theme",
           "written_legend"]

hv.Store.set_current_backend("bokeh")
hv.renderer("bokeh").webgl = False     # plain canvas draws our few points faster than it loads

Figure: TypeAlias = hv.core.Dimensioned
BAND = 0.2


@dataclass(frozen=True)
class Role:
    """How one role is drawn."""

    colour: str
    dash: str = "solid"
    width: float = 2.0
    marker: str = "circle"

    def curve(self) -> dict[str, Any]:
        """Options of a curve."""
        return {"color": self.colour, "line_dash": self.dash, "line_width": self.width}

    def band(self, alpha: float = BAND) -> dict[str, Any]:
        """Options of an uncertainty band."""
        return {"color": self.colour, "alpha": alpha, "line_alpha": 0}

    def points(self) -> dict[str, Any]:
        """Options of points."""
        return {"color": self.colour, "marker": self.marker}


ROLES = {
    "truth": Role("#000000", "dotted"),
    "ours": Role("#0072B2", "solid", 2.0),
    "uniform": Role("#767676", "dashed"),
    "rival": Role("#E69F00", "dotdash", marker="triangle"),
    "variant": Role("#56B4E9", "solid", 1.5, marker="circle"),
    "alarm": Role("#D55E00", "solid", marker="diamond"),
}

INK = "#1c1e21"          # texts on the paper
ON_LIGHT = "#101010"     # texts on a light colour, which stay when the paper is dark
PAPERS = {"light": "#ffffff", "dark": "#14171a"}

# What is around the data is quiet, in the face of the pages, and begins at one left edge.
_FACE = 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", sans-serif'
_QUIET, _RULE = "#5f666d", "#8a9199"
STYLE = Theme(json={"attrs": {
    "Plot": {"outline_line_color": None, "min_border_left": 64, "min_border_right": 12},
    "Title": {"text_color": INK, "text_font": _FACE, "text_font_size": "11pt"},
    "Axis": {"axis_label_text_font": _FACE, "axis_label_text_font_style": "normal",
             "axis_label_text_color": _QUIET, "major_label_text_font": _FACE,
             "major_label_text_color": _QUIET, "axis_line_color": _RULE,
             "major_tick_line_color": _RULE, "major_tick_in": 0, "major_tick_out": 5,
             "minor_tick_line_color": None},
    "Legend": {"label_text_font": _FACE, "label_text_color": INK, "title_text_font": _FACE,
               "spacing": 8, "label_height": 16, "glyph_height": 16, "glyph_width": 18},
    "ColorBar": {"major_label_text_font": _FACE, "major_label_text_color": _QUIET,
                 "title_text_font": _FACE, "title_text_font_style": "normal",
                 "title_text_color": _QUIET},
    "Text": {"text_font": {"value": _FACE}}}})
hv.renderer("bokeh").theme = STYLE

# On dark paper all colours stay but those of the ink and of the paper: by what is coloured, the
# colour on white paper and the one that a page draws instead.
DARK = {"line": {"#000000": "#f2f4f6", "#ffffff": PAPERS["dark"]},
        "fill": {"#000000": "#f2f4f6"},
        "text": {"#000000": "#f2f4f6", INK: "#e8eaed"}}

# What is around the data there: by kind of Bokeh's model, the colour of each of its parts.
_AXIS = {"axis_line_color": "#a8afb7", "major_tick_line_color": "#a8afb7",
         "axis_label_text_color": "#c9ced3",
         "major_label_text_color": "#c9ced3"}
DARK_FRAME = {
    "Figure": {"background_fill_color": PAPERS["dark"], "border_fill_color": PAPERS["dark"],
               "outline_line_color": "#353b41"},
    "Title": {"text_color": "#e8eaed"},
    "Axis": _AXIS,
    "Grid": {"grid_line_color": "#7d858d"},
    "Legend": {"background_fill_color": PAPERS["dark"], "label_text_color": "#e8eaed",
               "title_text_color": "#e8eaed"},
    "ColorBar": {"background_fill_color": PAPERS["dark"], "title_text_color": "#c9ced3",
                 "major_label_text_color": "#c9ced3", "major_tick_line_color": "#c9ced3"}}

# A legend between the figure and what follows it, where it hides nothing.
LEGEND_BELOW = {"legend_position": "bottom", "legend_cols": 2,    # three do not fit a phone
                "legend_opts": {"location": "top_left", "margin": 0, "padding": 4,
                                "border_line_color": None, "background_fill_alpha": 0}}

# Two pictures of one figure, one below the other on any screen, without tools.
STACKED = {"shared_axes": False, "toolbar": None, "sizing_mode": "stretch_width"}
MARKS = {"solid": "\u2014", "dashed": "- -", "dotted": "\u00b7\u00b7\u00b7", "dotdash": "-\u00b7-"}
GAP = 5 * "\u00a0"         # room for a mark


def written_legend(entries: list[tuple[str, str]], x: hv.Dimension, y: hv.Dimension, *,
                   at: tuple[float, list[float]]) -> list[hv.Element]:
    """A legend of texts, since Bokeh loses its own legends in stacked pictures of a hidden frame.

    Parameters
    ----------
    entries : list of (name, role)
    x, y : Dimension
    at : (float, list of float)
        Left end, and the height of each entry.
    """
    left, heights = at
    told = {"text_align": "left", "text_font_size": "9.5pt"}
    marks = [hv.Labels([(left, height, MARKS[ROLES[role].dash])], [x, y], "told").opts(
        text_color=ROLES[role].colour, text_font_style="bold", **told)
        for (_, role), height in zip(entries, heights, strict=True)]
    names = [(left, height, GAP + name)
             for (name, _), height in zip(entries, heights, strict=True)]
    return [*marks, hv.Labels(names, [x, y], "told").opts(text_color=INK, **told)]


def dimension(name: str, label: str, unit: str | None = None) -> hv.Dimension:
    """Axis with a label and a unit."""
    return hv.Dimension(name, label=label, unit=unit)


def frame(**more: Any) -> dict[str, Any]:
    """Options of a figure's frame: 640 x 360 at most, narrower where the page is."""
    base = {"responsive": True, "height": 360, "max_width": 640, "min_width": 280,
            "toolbar": "above", "show_grid": True, "gridstyle": {"grid_line_alpha": 0.3},
            "fontscale": 1.05, "active_tools": [],
            "legend_opts": {"border_line_color": None, "background_fill_alpha": 0.6},
            "default_tools": ["pan", "wheel_zoom", "reset", "save"]}
    return base | more


def blank(sentence: str) -> Figure:
    """An empty figure that says why there is nothing to draw."""
    return hv.Overlay([hv.Curve([])]).opts(hv.opts.Overlay(
        title=sentence, xaxis=None, yaxis=None, **frame(height=80)))


def use_theme() -> None:
    """Make notebooks draw figures themselves, without the network, and answer their widgets.

    Loads Bokeh's JavaScript into the notebook once. In an executed report nothing is loaded,
    since the report brings one shared copy. Outside a notebook this does nothing.
    """
    from IPython import get_ipython

    from workbench.plots.live import show_widgets

    shell = get_ipython()
    if shell is None:
        return
    html = shell.display_formatter.formatters["text/html"]
    html.for_type(hv.core.Dimensioned, figure_html)
    if "WORKBENCH_RUN_FOLDER" not in os.environ:
        show_widgets(shell.display_formatter, figure_html)
        shell.display_pub.publish({"text/html": _bokeh_html()})


def figure_html(figure: Figure) -> str:
    """A figure as a ``<div>`` and the ``<script>`` that fills it once Bokeh is there."""
    from bokeh.embed import components

    script, place = components(hv.render(figure, backend="bokeh"), wrap_script=False,
                               theme=STYLE)
    # A notebook may draw this cell before the one that brings Bokeh.
    waiting = ("(function draw() { if (!window.Bokeh) { setTimeout(draw, 100); return; }\n"
               f"{script}\n}})();")
    return f'<div class="figure">{place}<script>{waiting}</script></div>'


def _bokeh_html() -> str:
    """Bokeh as a script; its own loader also asks for Panel's files, which no notebook has."""
    import bokeh

    path = Path(bokeh.__file__).parent / "server" / "static" / "js" / "bokeh.min.js"
    text = path.read_text(encoding="utf-8").replace("</script", "<\\/script")
    # What Panel has added to a Bokeh that is there already would be lost with it.
    return (f'<script>if (window.Bokeh?.version !== "{bokeh.__version__}") {{\n{text}\n}}'
            "</script>")
