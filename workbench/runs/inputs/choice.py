"""Which kernel executes a notebook: the Python that calls this, or another that is installed."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workbench.core import check
from workbench.runs.inputs import notebooks

__all__ = ["kernel_of", "named_kernel"]


def kernel_of(content: Mapping[str, Any]) -> str:
    """Kernel that a notebook needs; nothing for the Python that calls this.

    A Python notebook gets another Python only by the name of a kernel that is installed: names
    such as ``python3``, or of an environment that is gone, mean this Python.

    Raises
    ------
    ValueError
        If a notebook in another language names no kernel that is installed.
    """
    spec = content.get("metadata", {}).get("kernelspec", {})
    wanted, spoken = str(spec.get("name") or ""), notebooks.language(content)
    python = spoken == "python"
    if python and (not wanted or wanted.lower() in notebooks.PYTHON or wanted not in _kernels()):
        return ""
    return named_kernel(wanted)


def named_kernel(name: str) -> str:
    """Name of an installed kernel; nothing when it is the Python that calls this.

    Raises
    ------
    ValueError
        If it is not installed; the message lists those that are.
    """
    known = _kernels()
    if name not in known:
        if name.lower() in notebooks.PYTHON:
            return ""
        raise ValueError(f"kernel must be installed, got {name!r}.{check.suggestion(name, known)} "
                         f"Installed: {', '.join(known) or 'none'}. Install it, or name another.")
    return "" if _is_ours(known[name]) else name


def _kernels() -> dict[str, str]:
    """Program of each installed kernel."""
    from jupyter_client.kernelspec import KernelSpecManager

    specs = KernelSpecManager().get_all_specs()
    return {name: str((specs[name]["spec"].get("argv") or [""])[0]) for name in sorted(specs)}


def _is_ours(program: str) -> bool:
    own = Path(sys.executable)
    return program in ("python", "python3", own.name) or Path(program).absolute() == own.absolute()
