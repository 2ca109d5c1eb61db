"""Widgets in a notebook, and figures that follow them, with what they need.

What is drawn once needs Bokeh alone, which :func:`~workbench.plots.theme.use_theme` loads.
"""

import sys
from base64 import b64encode
from collections.abc import Callable
from functools import cache
from typing import Any

import holoviews as hv

__all__ = ["load_widgets", "show_widgets"]


def show_widgets(formatter: Any, still: Callable[[Any], str]) -> None:
    """Let a notebook show Panel's objects, and HoloViews' maps of figures, with their widgets.

    Parameters
    ----------
    formatter : DisplayFormatter
        Of the notebook's shell.
    still : function of a figure
        HTML of a figure without a map in it.
    """
    bundles = formatter.mimebundle_formatter
    bundles.for_type_by_name("panel.viewable", "Viewable", _shown)
    bundles.for_type(hv.core.Dimensioned, lambda each: _shown(each) if _has_map(each) else {})
    # What is registered for HTML alone would replace that of the bundle.
    formatter.formatters["text/html"].for_type(
        hv.core.Dimensioned, lambda each: None if _has_map(each) else still(each))


def load_widgets() -> None:
    """Bring Panel's scripts into the notebook, once and without the network."""
    panel = _panel()
    if not panel.extension._loaded:
        _keep_offline()
        panel.extension(inline=True)


def _shown(thing: Any) -> Any:
    load_widgets()
    return _panel().panel(thing)._repr_mimebundle_()


def _keep_offline() -> None:
    """Let style sheets of widgets come from this machine, also of those that are made later.

    Panel puts them into what is shown first, and asks another host for those of later parts.
    """
    resources, reactive = sys.modules["panel.io.resources"], sys.modules["panel.reactive"]
    placed = resources.patch_stylesheet

    @cache
    def sheet(name: str) -> str:
        path = resources.DIST_DIR / name
        text = path.read_bytes() if path.is_file() else b""
        return f"data:text/css;base64,{b64encode(text).decode()}"

    def place(stylesheet: Any, folder: str) -> None:
        placed(stylesheet, folder)
        url = str(stylesheet.properties_with_values().get("url", ""))
        if url.startswith(resources.CDN_DIST):
            stylesheet.url = sheet(url.removeprefix(resources.CDN_DIST).partition("?")[0])

    for module in (resources, reactive):
        vars(module)["patch_stylesheet"] = place


def _has_map(figure: Any) -> bool:
    return bool(figure.traverse(type, [hv.HoloMap]))


def _panel() -> Any:
    """Panel, which HoloViews has loaded for widgets of its own."""
    return sys.modules["panel"]
