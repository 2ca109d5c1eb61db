"""The pages behind JupyterLab: the same server on a socket that only this user can open.

Run as ``python -m workbench.ui.lab.pages SOCKET PREFIX LAB MODULE...``, by Lab's own server.
"""

import importlib
import os
import sys
import threading
import time
from collections.abc import Callable

from tornado.netutil import bind_unix_socket

from workbench.ui.serving.attending import Attendance, attend
from workbench.ui.serving.terms import Terms

__all__ = ["HOST", "main"]

HOST = "localhost"       # the name under which Lab's server reaches the pages
LOOK = 2.0               # seconds between two looks whether Lab is still there


def main(socket: str, prefix: str, lab: str, *modules: str) -> None:
    """Serve the pages of some studies until told to stop, or until Lab's server is gone.

    Parameters
    ----------
    socket : str
        Path of the socket.
    prefix : str
        Path below which Lab shows the pages.
    lab : str
        Address of Lab, for links that open notebooks there.
    modules : str
        Names of the studies' modules.
    """
    studies = {name.rpartition(".")[2]: importlib.import_module(name) for name in modules}
    terms = Terms(origins=(HOST,), prefix=prefix, lab=lab)
    with bind_unix_socket(socket, mode=0o600) as listener:
        attend(Attendance(studies, HOST, 0, terms), listener, lambda: None, _with_parent)


def _with_parent(stop: Callable[[], None]) -> None:
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(LOOK)
        stop()

    threading.Thread(target=watch, name="parent", daemon=True).start()


if __name__ == "__main__":
    main(*sys.argv[1:])
