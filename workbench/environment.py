"""Make the environment in ``.venv`` once, then go on inside it; standard library only.

A plain checkout and a Python with pip are enough. The pins of ``requirements.lock`` are installed
into ``.venv``; a stamp written last says that all is there, and later calls only compare it.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import sys
import sysconfig
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from workbench import __version__

__all__ = ["COMMANDS", "Environment", "enter", "is_complete", "parts_for", "prepare"]

COMMANDS = {
    "report": "run the notebooks, or one STUDY with -p NAME=VALUE, and write their reports",
    "sweep": "run one STUDY or notebook with every combination of --grid values",
    "run": "execute any NOTEBOOK, with papermill's parameter forms",
    "runs": "show what has been run; also show, compare, why, rerun, clean",
    "list": "show the studies and their parameters",
    "serve": "open the pages",
    "lab": "open JupyterLab with the notebooks",
    "doctor": "check this machine: libraries, kernels, memory, disk",
    "test": "run all tests",
}
LOCKS = {
    "all": ("requirements.lock",),
    "test": ("requirements.lock", "requirements-test.lock"),
}
CONTRIBUTING = frozenset({"test", "lint", "types", "bench", "method"})
PINNED_FOR = "cpython-311"
ENTERED = "WORKBENCH_ENTERED"
OVERLAYS = ("PYTHONHOME", "PYTHONPATH")


def enter(arguments: Sequence[str], root: Path | None = None) -> None:
    """Return when this interpreter can run the command, else make the environment and go there.

    Parameters
    ----------
    arguments : sequence of str
        Command line without the program's name.
    root : Path, optional
        Checkout; that of this file by default.

    Raises
    ------
    SystemExit
        0 after the short usage, 1 when set-up failed, 2 outside a checkout, 130 when interrupted.
    """
    if os.environ.pop(ENTERED, None):  # removed, so that programs started from here decide anew
        return
    place = Environment(root or Path(__file__).resolve().parents[1])
    parts = parts_for(arguments)
    ready = all(place.is_ready(part) for part in parts)
    if (ready and place.is_active()) or (not ready and is_complete(parts)):
        return
    if not ready:
        _answer_without(arguments)
        prepare(*parts, root=place.root)
    place.go_inside(arguments)


def prepare(*parts: str, root: Path | None = None) -> None:
    """Make the named parts of the environment unless they are ready, and stay outside.

    Parameters
    ----------
    *parts : {"all", "test"}
        In the order of installation.
    root : Path, optional
        Checkout; that of this file by default.

    Raises
    ------
    SystemExit
        1 when set-up failed, 2 outside a checkout, 130 when interrupted.
    """
    place = Environment(root or Path(__file__).resolve().parents[1])
    if not all(place.is_ready(part) for part in parts):
        _make(place, parts)


def parts_for(arguments: Sequence[str]) -> tuple[str, ...]:
    """Parts of the environment that a command line needs: ``all``, with ``test`` for contributors.

    Examples
    --------
    >>> parts_for(["report", "opinion_trends"])
    ('all',)
    >>> parts_for(["test"])
    ('all', 'test')
    """
    command = next((word for word in arguments if not word.startswith("-")), "")
    return ("all", "test") if command in CONTRIBUTING else ("all",)


def is_complete(parts: Sequence[str]) -> bool:
    """Whether this interpreter, a conda environment for instance, already has what is needed."""
    names = ["typer", "papermill", "panel", *(["pytest", "mypy"] if "test" in parts else [])]
    if not all(importlib.util.find_spec(name) for name in names):
        return False
    from importlib import metadata  # slow to import, and a bare Python never comes this far

    try:
        return bool(metadata.version("workbench"))
    except metadata.PackageNotFoundError:
        return False


class Environment:
    """The environment ``.venv`` of one checkout.

    Parameters
    ----------
    root : Path
        Folder with ``pyproject.toml`` and the locks.
    """

    def __init__(self, root: Path):
        self.root = root
        self.venv = root / ".venv"
        windows = os.name == "nt"
        self.scripts = self.venv / ("Scripts" if windows else "bin")
        self.python = self.scripts / ("python.exe" if windows else "python")
        self.log = self.venv / "setup.log"
        self.lock = root / ".venv.lock"

    def is_checkout(self) -> bool:
        """Whether the locks are here; they are not beside an installed package."""
        return all((self.root / name).is_file() for name in ("pyproject.toml", *LOCKS["all"]))

    def is_active(self) -> bool:
        """Whether the running interpreter is the environment's own."""
        return Path(sys.prefix).resolve() == self.venv.resolve()

    def is_ready(self, part: str) -> bool:
        """Whether a part was completely installed for today's locks, Python and folder."""
        try:
            stamp = self.stamp(part).read_text(encoding="utf-8")
            return self.python.exists() and stamp == self.digest(part)
        except OSError:
            return False

    def stamp(self, part: str) -> Path:
        """File that is written when a part is complete."""
        return self.venv / f"ready-{part}"

    def made_for(self) -> str:
        """What an environment cannot outlive: its Python, platform and folder."""
        tag = sys.implementation.cache_tag
        return json.dumps([tag, sysconfig.get_platform(), str(self.venv)])

    def digest(self, part: str) -> str:
        """Hash of everything that decides what is installed.

        Raises
        ------
        OSError
            If a lock or ``pyproject.toml`` cannot be read.
        """
        with (self.root / "pyproject.toml").open("rb") as file:
            declared = tomllib.load(file)
        project = {key: value for key, value in declared["project"].items()
                   if "dependencies" in key or "scripts" in key or key == "entry-points"}
        facts: list[Any] = [self.made_for(), project, declared.get("build-system")]
        facts += [(self.root / name).read_text(encoding="utf-8") for name in LOCKS[part]]
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()

    def go_inside(self, arguments: Sequence[str]) -> None:
        """Replace this process by the same command in the environment; never returns."""
        os.environ.update({
            ENTERED: "1",
            "VIRTUAL_ENV": str(self.venv),
            "PATH": os.pathsep.join([str(self.scripts), os.environ.get("PATH", os.defpath)]),
        })
        for name in OVERLAYS:  # would mix other packages into the pinned ones
            os.environ.pop(name, None)
        command = [str(self.python), "-m", "workbench", *arguments]
        if os.name == "nt":  # execv there returns to the shell before the command ends
            import subprocess

            sys.exit(subprocess.call(command))
        os.execv(command[0], command)


def _answer_without(arguments: Sequence[str]) -> None:
    """Show the short usage where help or the version is asked of a bare checkout."""
    if "--version" in arguments:
        sys.stdout.write(f"workbench {__version__}\n")
    elif not arguments or {"--help", "-h"} & set(arguments):
        lines = [f"  {name:8}{does}" for name, does in COMMANDS.items()]
        sys.stdout.write("\n".join([
            "Usage: python3 -m workbench COMMAND [OPTIONS]", "", *lines, "",
            "The first command makes the environment in .venv, which takes a few minutes;",
            "later ones start at once. After that, COMMAND --help tells more.", ""]))
    else:
        return
    sys.exit(0)


def _make(place: Environment, parts: Sequence[str]) -> None:
    from workbench import installer

    if not place.is_checkout():
        sys.stderr.write("workbench is installed without the libraries that commands need. "
                         "Add them: pip install 'workbench[all]'\n")
        sys.exit(2)
    try:
        installer.make(place, parts)
    except KeyboardInterrupt:
        sys.stderr.write("\nworkbench: set-up interrupted. The same command goes on from here.\n")
        sys.exit(130)
    except installer.SetupError as error:
        sys.stderr.write(f"workbench: {error}\n")
        sys.exit(1)
