"""What this machine has and lacks for executing notebooks; each lack with its remedy."""

import importlib.util
import os
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import workbench

__all__ = ["Finding", "doctor"]

LEAST_DISK = 2_000_000_000    # bytes
LEAST_MEMORY = 1_000_000_000
NEEDED = ("papermill", "nbclient", "ipykernel", "mistune", "psutil", "fsspec")
OPTIONAL = {"pymc": "bayes", "holoviews": "plots", "panel": "pages", "jupyterlab": "lab",
            "distributed": "cluster", "s3fs": "remote"}


@dataclass(frozen=True)
class Finding:
    """One line: what was looked at, what was found, and the remedy where something is wrong.

    Parameters
    ----------
    name, found, remedy : str
    state : {"good", "note", "bad"}
        "note" limits what can be done, "bad" keeps runs from working.
    """

    name: str
    found: str
    state: str = "good"
    remedy: str = ""


def doctor() -> list[Finding]:
    """Look at Python, libraries, kernels, warm kernels, card, memory, disk, store and port."""
    return [finding for look in LOOKS for finding in _looked(look)]


def _looked(look: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    try:
        yield from look()
    except Exception as problem:  # a broken library is what this is for
        name = look.__name__.strip("_").capitalize()
        yield Finding(name, f"cannot be looked at: {type(problem).__name__}: {problem}", "bad",
                      "Install again what the message names: pip install --force-reinstall NAME.")


def _python() -> Iterator[Finding]:
    yield Finding("Python", f"{sys.version.split()[0]}, workbench {workbench.__version__}, "
                            f"{os.cpu_count()} cores")


def _libraries() -> Iterator[Finding]:
    for name in NEEDED:
        if importlib.util.find_spec(name) is None:
            yield Finding(name, "missing", "bad", "Run python3 -m workbench list, which makes "
                                                  "the environment, or pip install "
                                                  "'workbench[runs]'.")
    lacking = [name for name in OPTIONAL if importlib.util.find_spec(name) is None]
    if lacking:
        extras = ",".join(OPTIONAL[name] for name in lacking)
        yield Finding("Libraries", f"without {', '.join(lacking)}", "note",
                      f"pip install 'workbench[{extras}]' adds them.")
    else:
        yield Finding("Libraries", "all installed")


def _kernels() -> Iterator[Finding]:
    from jupyter_client.kernelspec import KernelSpecManager

    names = sorted(KernelSpecManager().find_kernel_specs())
    yield Finding("Kernels", ", ".join(names) or "none registered; runs use this Python",
                  "good" if names else "note",
                  "" if names else "JupyterLab needs one: python -m ipykernel install "
                                   "--sys-prefix.")


def _warm() -> Iterator[Finding]:
    from workbench.runs.kernels.server import WarmServer

    with WarmServer(()) as server:
        told = "; ".join(server.notes)   # asking for them waits until it is up
        if server.is_warm:
            yield Finding("Warm kernels", "can be forked")
        else:
            yield Finding("Warm kernels", f"cold instead: {server.refused or told}", "note",
                          "Runs work; each takes seconds longer to start.")


def _card() -> Iterator[Finding]:
    if importlib.util.find_spec("torch") is None:
        yield Finding("Graphics card", "not looked for, torch is not installed", "note",
                      "pip install torch, where networks are to be trained.")
        return
    import torch

    if torch.cuda.is_available():
        names = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
        yield Finding("Graphics card", ", ".join(names))
    else:
        yield Finding("Graphics card", "none that torch can use; networks are trained on the CPU",
                      "note", "Install a driver and a build of torch that fit the card, if there "
                              "is one.")


def _memory() -> Iterator[Finding]:
    import psutil

    free = psutil.virtual_memory().available
    yield _amount("Memory", free, LEAST_MEMORY, "Close other programs, or run with -j 1.")


def _disk() -> Iterator[Finding]:
    from workbench.runs.storage.store import Store

    opened = Store()
    folder = opened.workspace
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    yield _amount("Disk", shutil.disk_usage(existing).free, LEAST_DISK,
                  "Free some: python3 -m workbench clean --older-than 30d.")
    try:
        opened.exists("index.html")
    except OSError as problem:
        yield Finding("Store", str(problem), "bad",
                      "Name a folder, or the URL of a service that runs, in WORKBENCH_RUNS.")
        return
    if os.access(existing, os.W_OK):
        yield Finding("Store", opened.url)
    else:
        yield Finding("Store", f"{folder} cannot be written", "bad",
                      "Name another folder in WORKBENCH_RUNS.")


def _browser() -> Iterator[Finding]:
    from workbench.runs.reports.pdf import browser

    try:
        yield Finding("Browser for PDF", browser())
    except (ValueError, OSError) as lack:
        yield Finding("Browser for PDF", "none", "note", str(lack))


def _ports() -> Iterator[Finding]:
    taken = [port for port in (5006, 8888) if not _is_free(port)]
    if taken:
        yield Finding("Ports", f"{', '.join(map(str, taken))} in use", "note",
                      "serve and lab take the next free one; --port chooses.")
    else:
        yield Finding("Ports", "5006 and 8888 are free")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _amount(name: str, free: int, least: int, remedy: str) -> Finding:
    told = f"{free / 1e9:.1f} GB free"
    return Finding(name, told) if free >= least else Finding(name, told, "bad", remedy)


LOOKS: tuple[Callable[[], Iterator[Finding]], ...] = (
    _python, _libraries, _kernels, _warm, _card, _memory, _disk, _browser, _ports)
