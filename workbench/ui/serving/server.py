"""Serve home, the page of each study, and the reports, to this machine or to whom signs in."""

from collections.abc import Callable, Mapping

from bokeh.util.browser import view

from workbench.core import Study
from workbench.ui.serving.access import access_of
from workbench.ui.serving.attending import Attendance, attend
from workbench.ui.serving.listening import free_port, listen
from workbench.ui.serving.passwords import secret
from workbench.ui.serving.terms import Terms
from workbench.ui.serving.workers import oversee

__all__ = ["free_port", "serve"]

FIRST_PORT = 5006


def serve(studies: Mapping[str, Study], *, address: str = "127.0.0.1", port: int | None = None,
          show: bool = False, on_ready: Callable[[str], None] | None = None,
          terms: Terms | None = None) -> None:
    """Serve the pages until Ctrl-C or SIGTERM.

    Parameters
    ----------
    studies : mapping of name to module
        One page each, at ``/<name>``.
    address : str
        A loopback address, or another of this machine if `terms` let visitors sign in.
    port : int, optional
        The next free one from 5006 on when not given.
    show : bool
        Open a browser.
    on_ready : callable, optional
        Called with the address of the home page once it answers.
    terms : Terms, optional
        Who may see the pages and what they may do; this machine only when not given.

    Raises
    ------
    ValueError
        If the terms would let anybody in, or the port is taken.
    ChildProcessError
        If the processes of several workers cannot start.
    """
    terms = terms or Terms()
    terms.check(address)
    with listen(port, address, FIRST_PORT) as listener:
        work = Attendance(studies, address, listener.getsockname()[1], terms)
        access_of(terms, work.url())         # what is missing is told before anything starts
        secret("sessions")                   # made once, so that all processes have the same

        def ready() -> None:
            home = f"{work.url()}{terms.path()}/"
            if on_ready:
                on_ready(home)
            if show:
                view(home, new="tab")

        if terms.workers > 1:
            oversee(work, listener, ready)
        else:
            attend(work, listener, ready)
