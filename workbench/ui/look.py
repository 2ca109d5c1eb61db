"""The look of the pages: one template, one palette, and style sheets for what panes hold.

Nothing in it asks another host for anything, and the policy in the template's head forbids it.
Colours are variables, which follow the visitor's system or the choice in the navigation.
"""

import json
from functools import cache
from importlib.resources import files

import panel as pn

from workbench.plots.theme import DARK, DARK_FRAME, ROLES
from workbench.ui.page import Page
from workbench.ui.site import VISITOR, Site

__all__ = ["FACTS", "WIDGETS", "links", "page", "palette", "sheet", "template"]


def page(body: str, site: Site, *, title: str, here: str = "") -> pn.Template:
    """A page of a site: frame, navigation, and the body around its live parts.

    Parameters
    ----------
    body : str
        Name of the template of the body, among the assets.
    site : Site
    title : str
    here : str
        Address of the page among :func:`links`, which is marked.
    """
    made = Page(template(body))
    made.location = True
    made.add_variable("page_title", title)
    made.add_variable("links", links(site))
    made.add_variable("here", here)
    made.add_variable("visitor", _visitor())
    return made


def links(site: Site) -> list[tuple[str, str]]:
    """Address and name of each page that all pages of a site link to."""
    told = [("./", "Studies"), ("./compare", "Compare"), ("./sweep", "Sweeps")]
    reports = [(f"./{site.reports}/index.html", "All runs")] if site.reports else []
    return [*told, *reports] if site.studies else reports


def _visitor() -> str:
    """Name of who is signed in, as the gate of the server tells it; else empty."""
    context = pn.state.curdoc.session_context if pn.state.curdoc else None
    headers = getattr(context and context.request, "headers", {})
    return str(headers.get(VISITOR, ""))


def palette() -> str:
    """Colours as CSS variables, which panes inherit, in both themes."""
    roles = "".join(f"--{name}: {role.colour}; " for name, role in ROLES.items())
    night = "".join(f"--{name}: {DARK['text'][role.colour]}; " for name, role in ROLES.items()
                    if role.colour in DARK["text"]) + sheet("dark.css")
    return (f":root {{ {roles}}}\n"
            f"@media (prefers-color-scheme: dark) {{ :root:not([data-theme]) {{ {night}}} }}\n"
            f':root[data-theme="dark"] {{ {night}}}')


@cache
def sheet(name: str) -> str:
    """A style sheet or template that is among the assets."""
    return files("workbench.ui").joinpath("assets", name).read_text(encoding="utf-8")


@cache
def template(name: str) -> str:
    """A page's HTML around its live parts."""
    style = f"<style>{sheet('frame.css')}\n{palette()}</style>"
    script = (f"{sheet('theme.js')}\n{sheet('names.js')}".replace("@DARK@", json.dumps(DARK))
              .replace("@FRAME@", json.dumps(DARK_FRAME))
              .replace("@SHADOW@", json.dumps(sheet("shadow.css"))))
    return (sheet("frame.html.j2").replace("@STYLE@", style).replace("@BODY@", sheet(name))
            .replace("@SCRIPT@", f"<script>{script}</script>"))


FACTS = sheet("facts.css")
WIDGETS = sheet("widgets.css")
