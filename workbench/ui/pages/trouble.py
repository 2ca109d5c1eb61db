"""What stands in place of a page that could not be made: one sentence, and a way on."""

import logging
from collections.abc import Sequence

import panel as pn

from workbench.runs.reports.page import sentence
from workbench.ui import facts, look
from workbench.ui.site import Site

__all__ = ["MAIN", "TroublePage"]

MAIN = "main"
LOG = logging.getLogger(__name__)


class TroublePage:
    """A sentence about a failure, whose traceback goes to the log.

    Where the frame of the page that was asked for is sent already, the sentence stands in its
    main part; so this page has the parts of that page.

    Parameters
    ----------
    site : Site
    problem : Exception
    parts : sequence of str
        Names of the live parts of the page that was asked for, in their order.
    """

    def __init__(self, site: Site, problem: Exception, parts: Sequence[str] = (MAIN,)):
        LOG.error("A page could not be made", exc_info=problem)
        self._site, self._parts = site, parts
        self._told = told(problem)

    def template(self) -> pn.Template:
        """The page as Panel serves it."""
        page = look.page("trouble.html.j2", self._site, title="Not now")
        for part in self._parts:
            shown = facts.alarm([self._told]) if part == MAIN else ""
            page.add_panel(part, pn.pane.HTML(shown, stylesheets=[look.FACTS], margin=0,
                                              sizing_mode="stretch_width"))
        page.add_variable("parts", list(self._parts))
        page.add_variable("trouble", self._told)
        return page


def told(problem: Exception) -> str:
    """One sentence for a failure: a refusal speaks for itself, the rest names its kind.

    Examples
    --------
    >>> told(ValueError("n must be positive, got -1. Pass 1."))
    'This page cannot be shown. N must be positive, got -1. Pass 1.'
    """
    if isinstance(problem, ValueError) and str(problem):
        return f"This page cannot be shown. {sentence(str(problem))}"
    words = problem.strerror if isinstance(problem, OSError) else str(problem)
    cause = f"{type(problem).__name__}: {words or ''}".rstrip(".: ")
    return (f"This page cannot be shown ({cause}). Load it again in a minute; the terminal that "
            "serves it shows where it failed.")
