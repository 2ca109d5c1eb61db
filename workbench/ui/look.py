"""The look of the pages: one template, one palette, and style sheets for what panes hold.

Nothing in it asks another host for anything, and the policy in the template's head forbids it.
"""

from functools import cache
from importlib.resources import files

from workbench.plots import ROLES

__all__ = ["FACTS", "WIDGETS", "palette", "sheet", "template"]


def palette() -> str:
    """The roles' colours as CSS variables, which panes inherit."""
    roles = "".join(f"--{name}: {role.colour}; " for name, role in ROLES.items())
    return f":root {{ {roles}}}"


@cache
def sheet(name: str) -> str:
    """A style sheet or template that lies beside this module."""
    return files("workbench.ui").joinpath(name).read_text(encoding="utf-8")


def template(name: str) -> str:
    """A page's HTML around its live parts."""
    head, body = sheet("frame.html.j2"), sheet(name)
    style = f"<style>{palette()}\n{sheet('frame.css')}</style>"
    return head.replace("@STYLE@", style).replace("@BODY@", body)


FACTS = sheet("facts.css")
WIDGETS = sheet("widgets.css")
