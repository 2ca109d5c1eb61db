"""Where notebooks, shipped data and saved runs live."""

import os
from pathlib import Path

__all__ = ["notebooks", "raw_data", "root", "runs"]


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
    """Store of runs: ``WORKBENCH_RUNS`` or ``data/runs`` below the root."""
    named = os.environ.get("WORKBENCH_RUNS")
    return Path(named).expanduser().resolve() if named else root() / "data" / "runs"
