"""Start JupyterLab on the notebooks, with this environment's kernel and no news from outside."""

import os
import subprocess
import sys

from workbench.core import places
from workbench.ui.server import free_port

__all__ = ["arguments", "lab"]

FIRST_PORT = 8888
# Lab would ask for news, for its newest version and for extensions on the network.
QUIET = ("--LabApp.news_url=", "--LabApp.extension_manager=readonly",
         "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate")


def lab(*, port: int | None = None, open_browser: bool = True) -> None:
    """Run JupyterLab until Ctrl-C, for this machine only; the token that Jupyter makes stays on.

    Parameters
    ----------
    port : int, optional
        The next free one from 8888 on when not given.
    open_browser : bool

    Raises
    ------
    ValueError
        If the port is taken.
    """
    chosen = free_port(port, "127.0.0.1", FIRST_PORT)
    # Kernels of this environment come before those that the user has elsewhere.
    environment = os.environ | {"JUPYTER_PREFER_ENV_PATH": "1"}
    with subprocess.Popen(arguments(chosen, open_browser=open_browser), cwd=places.root(),
                          env=environment) as process:
        while process.poll() is None:
            try:
                process.wait()
            except KeyboardInterrupt:
                process.terminate()


def arguments(port: int, *, open_browser: bool) -> list[str]:
    """Command line of JupyterLab."""
    folder = places.notebooks()
    shown = [f"--LabApp.default_url=/lab/tree/{folder.name}"] if folder.is_dir() else []
    return [sys.executable, "-m", "jupyterlab", "-y", f"--ServerApp.root_dir={places.root()}",
            "--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}",
            "--ServerApp.port_retries=0", *QUIET, *shown,
            *([] if open_browser else ["--no-browser"])]
