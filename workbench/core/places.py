"""Where notebooks, shipped data and saved runs live."""

import os
from pathlib import Path

__all__ = ["cache", "notebooks", "raw_data", "root", "runs", "store"]


def root() -> Path:
    """Folder of the checkout, or ``WORKBENCH_ROOT``, or the current folder for a plain install."""
    named = os.environ.get("WORKBENCH_ROOT")
    if named:
        return Path(named).expanduser().resolve()
    checkout = Path(__file__).resolve().parents[2]
    return checkout if (checkout / "notebooks").is_dir() else Path.cwd()


def notebooks() -> Path:
    """One notebook per study."""
    return root() / "notebooks"


def raw_data() -> Path:
    """Shipped data, each file with its licence and checksum in SOURCES.md."""
    return root() / "data" / "raw"


def runs() -> Path:
    """Local store of runs: ``WORKBENCH_RUNS`` or ``data/runs`` below the root.

    Raises
    ------
    ValueError
        If ``WORKBENCH_RUNS`` is a URL, which :func:`store` tells.
    """
    named = os.environ.get("WORKBENCH_RUNS")
    if named and "://" in named:
        raise ValueError(f"WORKBENCH_RUNS must be a folder here, got {named!r}. Ask Store() for "
                         "the runs of a remote store.")
    return Path(named).expanduser().resolve() if named else root() / "data" / "runs"


def store() -> str:
    """Where runs are kept: a URL in ``WORKBENCH_RUNS``, or the path that :func:`runs` tells."""
    named = os.environ.get("WORKBENCH_RUNS", "")
    return named if "://" in named else str(runs())


def cache() -> Path:
    """Folder for what can be made again: ``WORKBENCH_CACHE`` or the user's cache folder."""
    named = os.environ.get("WORKBENCH_CACHE")
    if named:
        return Path(named).expanduser().resolve()
    for variable in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
        home = os.environ.get(variable)
        if home and Path(home).is_absolute():
            return Path(home) / "workbench"
    try:
        return Path.home() / ".cache" / "workbench"
    except RuntimeError:  # a user without a home
        return root() / "data" / "cache"
