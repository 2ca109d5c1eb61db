"""Start JupyterLab on the notebooks, with this environment's kernel and no news from outside."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from workbench.core import Study, places
from workbench.ui import facts
from workbench.ui.lab.copies import copy_welcome
from workbench.ui.serving.server import free_port

__all__ = ["arguments", "lab"]

FIRST_PORT = 8888
EXTENSION = "workbench.ui.lab.extension"
# Lab would ask for news, for its newest version and for extensions on the network.
QUIET = ("--LabApp.news_url=", "--LabApp.extension_manager=readonly",
         "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate")


def lab(studies: Mapping[str, Study], *, port: int | None = None,
        open_browser: bool = True) -> None:
    """Run JupyterLab until Ctrl-C, for this machine only; the token that Jupyter makes stays on.

    It opens on a copy of the welcome notebook. Its launcher has a card for the pages and one for
    each study, which opens a copy of the study's notebook.

    Parameters
    ----------
    studies : mapping of name to module
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
                          env=_environment(studies)) as process:
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
    here = Path(__file__).parent
    # In a container the only user is often root; with a token, on loopback, that adds no reach.
    root = ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    return [sys.executable, "-m", "jupyterlab", "-y", f"--ServerApp.root_dir={places.root()}",
            "--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}",
            "--ServerApp.port_retries=0", *QUIET, *_opened(), *root,
            f"--ServerApp.jpserver_extensions={EXTENSION}=True",
            f"--LabApp.extra_labextensions_path={here / 'labextensions'}",
            *([] if open_browser else ["--no-browser"])]


def _opened() -> list[str]:
    """What Lab shows first: the welcome notebook, with all notebooks beside it."""
    folder = places.notebooks()
    if not folder.is_dir():
        return []
    shown = copy_welcome() or folder.relative_to(places.root())
    return [f"--LabApp.default_url=/lab/tree/{quote(shown.as_posix())}"]


def _environment(studies: Mapping[str, Study]) -> dict[str, str]:
    """Kernels of this environment first, no question about news, and the studies with a card."""
    settings = str(Path(__file__).parent / "jupyter")
    others = os.environ.get("JUPYTER_CONFIG_PATH")
    path = os.pathsep.join(filter(None, [settings, others]))
    cards = [{"study": study.__name__, "title": study.TITLE, "question": facts.question(study)}
             for study in studies.values()]
    return os.environ | {"JUPYTER_PREFER_ENV_PATH": "1", "JUPYTER_CONFIG_PATH": path,
                         "WORKBENCH_LAB_CARDS": json.dumps(cards)}
