"""Roles become colour, dash and mark; every figure speaks this one grammar.

The colours are Okabe and Ito's plus a grey. Each role has a second cue besides its colour.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import holoviews as hv
import holoviews.plotting.bokeh  # registers the renderer, without which .opts() fails

__all__ = ["LEGEND_BELOW", "ROLES", "STACKED", "Figure", "Role", "blank", "dimension",
           "figure_html", "frame", "use_theme", "written_legend"]

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

# Bokeh reserves too little room for a legend of three rows below the axis.
LEGEND_BELOW = {"legend_position": "bottom", "legend_cols": 2,    # three do not fit a phone
                "backend_opts": {"plot.min_border_bottom": 156}}

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
    return [*marks, hv.Labels(names, [x, y], "told").opts(text_color="#1c1e21", **told)]


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
    """Make notebooks draw figures themselves, without the network.

    Loads Bokeh's JavaScript into the notebook once. In an executed report nothing is loaded,
    since the report brings one shared copy. Outside a notebook this does nothing.
    """
    from IPython import get_ipython

    shell = get_ipython()
    if shell is None:
        return
    html = shell.display_formatter.formatters["text/html"]
    html.for_type(hv.core.Dimensioned, figure_html)
    if "WORKBENCH_RUN_FOLDER" not in os.environ:
        shell.display_pub.publish({"text/html": _bokeh_html()})


def figure_html(figure: Figure) -> str:
    """A figure as a ``<div>`` and the ``<script>`` that fills it once Bokeh is there."""
    from bokeh.embed import components

    script, place = components(hv.render(figure, backend="bokeh"), wrap_script=False)
    # A notebook may draw this cell before the one that brings Bokeh.
    waiting = ("(function draw() { if (!window.Bokeh) { setTimeout(draw, 100); return; }\n"
               f"{script}\n}})();")
    return f'<div class="figure">{place}<script>{waiting}</script></div>'


def _bokeh_html() -> str:
    """Bokeh as a script; its own loader also asks for Panel's files, which no notebook has."""
    import bokeh

    path = Path(bokeh.__file__).parent / "server" / "static" / "js" / "bokeh.min.js"
    text = path.read_text(encoding="utf-8").replace("</script", "<\\/script")
    return f"<script>{text}</script>"
