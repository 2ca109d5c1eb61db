"""What all pages of one server share: its studies, its routes, and what a visitor may do."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from workbench.core import Study

__all__ = ["VISITOR", "Site"]

UPLOAD_LIMIT = 32 * 2**20
VISITOR = "X-Workbench-Visitor"    # header in which the gate names who is signed in


@dataclass(frozen=True)
class Site:
    """One server as its pages know it.

    Links are relative, so that a site may lie below any prefix.

    Parameters
    ----------
    studies : mapping of name to module
    reports : str, optional
        Route at which the store of runs is served, for links to reports; none where the page
        stands alone.
    may_run : bool
        Whether a visitor may start runs and give files; otherwise the pages only show.
    lab : str, optional
        Address of a JupyterLab on these notebooks, for links that open one there.
    uploads : str, optional
        Route that takes a visitor's files; none where the page stands alone.
    upload_limit : int
        Largest file that a visitor may give [bytes].
    """

    studies: Mapping[str, Study] = field(default_factory=dict)
    reports: str | None = None
    may_run: bool = True
    lab: str | None = None
    uploads: str | None = None
    upload_limit: int = UPLOAD_LIMIT
