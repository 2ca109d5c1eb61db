"""Start JupyterLab on the notebooks, with this environment's kernel and no news from outside."""

import os
import subprocess
import sys
from pathlib import Path

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
    ChildProcessError
        If JupyterLab cannot start.
    """
    stopped = False
    chosen = free_port(port, "127.0.0.1", FIRST_PORT)
    with subprocess.Popen(arguments(chosen, open_browser=open_browser), cwd=places.root(),
                          env=_environment()) as process:
        while process.poll() is None:
            try:
                process.wait()
            except KeyboardInterrupt:
                stopped = True
                process.terminate()
    if process.returncode and not stopped:
        raise ChildProcessError(f"JupyterLab ended with exit code {process.returncode}. "
                                "Its last lines above say why.")


def arguments(port: int, *, open_browser: bool) -> list[str]:
    """Command line of JupyterLab."""
    folder = places.notebooks()
    shown = [f"--LabApp.default_url=/lab/tree/{folder.name}"] if folder.is_dir() else []
    # In a container the only user is often root; with a token, on loopback, that adds no reach.
    root = ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    return [sys.executable, "-m", "jupyterlab", "-y", f"--ServerApp.root_dir={places.root()}",
            "--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}",
            "--ServerApp.port_retries=0", *QUIET, *shown, *root,
            *([] if open_browser else ["--no-browser"])]


def _environment() -> dict[str, str]:
    """Kernels of this environment first, and no question about news."""
    settings = str(Path(__file__).parent / "jupyter")
    others = os.environ.get("JUPYTER_CONFIG_PATH")
    path = os.pathsep.join(filter(None, [settings, others]))
    return os.environ | {"JUPYTER_PREFER_ENV_PATH": "1", "JUPYTER_CONFIG_PATH": path}
