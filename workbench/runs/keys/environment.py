"""What is installed where a notebook runs: packages, Python, kind of device.

A store keeps the list of packages once for each environment, named by its hash, so that the
reason for a new key can name the package whose version changed.
"""

import json
import os
import platform
import re
import sys
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import workbench
from workbench.runs.keys.digests import Stamp, stamp, text_digest
from workbench.runs.storage.replacing import replacing

__all__ = ["HASH", "Environment", "device_class", "environment", "recalled",
           "remember_environment", "versions"]

LIBRARIES = ("numpy", "pandas", "scipy", "param", "pyarrow", "pymc", "nutpie", "numba", "arviz",
             "torch", "holoviews", "bokeh", "panel", "papermill", "nbclient", "ipykernel")
DEVICES = ((Path("/dev"), "nvidia[0-9]*"), (Path("/proc/driver/nvidia/gpus"), "*"))
INSTALLED = (".dist-info", ".egg-info")
HASH = re.compile(r"[0-9a-f]{32}")
OTHERS = re.compile(r"[-_.]+")


@dataclass(frozen=True)
class Environment:
    """Versions of the installed distributions, and a hash of the list."""

    hash: str
    packages: dict[str, str]


def environment() -> Environment:
    """Every distribution that this Python can import."""
    folders = tuple(dict.fromkeys(entry for entry in sys.path if entry))
    stamps = [(folder, stamp(folder)) for folder in folders]
    if any(now is None for _, now in stamps):    # something is being installed, perhaps
        return _listed(folders)
    return _environment(tuple(stamps))


def remember_environment(folder: Path) -> str:
    """Write the list of packages as ``<hash>.json`` unless it is there; return the hash."""
    here = environment()
    path = folder / f"{here.hash}.json"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with replacing(path) as partial:
            partial.write_text(json.dumps({"packages": here.packages}, indent=1),
                               encoding="utf-8")
    return here.hash


def recalled(folder: Path, name: str) -> dict[str, str] | None:
    """Packages of an environment that a store has kept; None when it has not."""
    if not HASH.fullmatch(name):
        return None
    try:
        packages = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))["packages"]
        return {str(package): str(version) for package, version in packages.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def versions() -> dict[str, str]:
    """Versions of Python, this package and the installed libraries that decide results."""
    packages = environment().packages
    return {"python": platform.python_version(), "workbench": workbench.__version__,
            **{name: packages[name] for name in LIBRARIES if name in packages}}


def device_class() -> str:
    """``cuda`` where a process started now would see an NVIDIA device, else ``cpu``."""
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    hidden = chosen is not None and chosen.strip() in ("", "-1", "none", "NoDevFiles")
    present = any(any(folder.glob(pattern)) for folder, pattern in DEVICES)
    return "cuda" if present and not hidden else "cpu"


# setuptools adds its own copies of packages to the path of whoever imports it.
VENDORED = "_vendor"


@lru_cache(maxsize=8)
def _environment(stamps: tuple[tuple[str, Stamp | None], ...]) -> Environment:
    return _listed(tuple(folder for folder, _ in stamps))


def _listed(folders: tuple[str, ...]) -> Environment:
    # Folder names are read instead of importlib.metadata, which costs a hundred times more.
    found: dict[str, str] = {}
    for folder in folders:
        if os.path.basename(folder) == VENDORED:  # noqa: PTH119 - a text from sys.path
            continue
        for name in _distributions(folder):
            package, _, version = name.partition("-")
            found.setdefault(OTHERS.sub("-", package).lower(), version)
    packages = dict(sorted(found.items()))
    return Environment(text_digest(json.dumps(packages)), packages)


def _distributions(folder: str) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries if entry.name.endswith(INSTALLED))
    except OSError:
        return []
    return [name.rpartition(".")[0] for name in names]
