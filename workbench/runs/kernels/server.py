"""Warm kernels of one process: when a fork is possible, and when the template is out of date."""

import atexit
import hashlib
import importlib.util
import os
import sys
import threading
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from types import TracebackType

from workbench.runs.kernels.child import THREAD_VARIABLES
from workbench.runs.kernels.host import Launch, NotWarm, TemplateHost
from workbench.runs.kernels.process import KernelProcess

__all__ = ["APPLICATION", "HEAVY", "WarmServer", "heavy", "launch_cold", "shared",
           "thread_variables"]

HEAVY = ("numpy", "scipy.stats", "pandas", "matplotlib", "matplotlib.pyplot", "numba", "pytensor",
         "pymc", "arviz", "nutpie", "torch", "sklearn", "xarray", "dask.array", "holoviews",
         "bokeh", "panel")
VARIABLE = "WORKBENCH_WARM"
APPLICATION = str(Path(__file__).with_name("app.py"))
# Read when Python or a library starts, so that a fork would not follow another value.
READ_AT_START = ("PYTHON", "LD_", "LC_", "LANG", "HOME", "XDG_", "MPL", "PYTENSOR", "TORCH",
                 "PYTORCH", "KMP_", "GOMP_", "BOKEH_", "HOLOVIEWS_", "PANEL_", "ARROW_",
                 "MALLOC_", "OMP_PROC", "OMP_PLACES", "OMP_SCHEDULE")
# The last two are set by whoever imports scikit-learn, and change no result.
FOLLOWED = ("PYTHONPATH", "PYTHONHASHSEED", "KMP_DUPLICATE_LIB_OK", "KMP_INIT_AT_FORK")


class WarmServer:
    """A process with imported libraries, from which kernels are forked.

    Parameters
    ----------
    modules : sequence of str, optional
        What it imports; ``module:function`` also calls the function, which may load compiled
        code but not compute. `heavy()` by default. What is not installed is left out.
    threads : int or None
        Threads of each library, in the template and usually in its kernels; None leaves the
        libraries their own choice.

    Attributes
    ----------
    refused : str
        Why it gives no warm kernels, or nothing.
    """

    def __init__(self, modules: Sequence[str] | None = None, *, threads: int | None = 1):
        self.modules = tuple(heavy() if modules is None else modules)
        self.threads = threads
        self.refused = "" if sys.platform == "linux" else "warm kernels need Linux"
        self._host: TemplateHost | None = None
        self._retired: list[TemplateHost] = []
        self._version = ""
        self._lock = threading.Lock()

    def __enter__(self) -> "WarmServer":
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()

    def start(self) -> None:
        """Begin to import; does not wait."""
        with self._lock:
            self._begin()

    @property
    def is_warm(self) -> bool:
        """Whether the imports are done and kernels can be forked; does not wait."""
        host = self._host
        return host is not None and not self.refused and host.is_ready() and self._is_sound(host)

    @property
    def notes(self) -> list[str]:
        """What could not be imported, and why; waits for the imports."""
        return [] if self._host is None else list(self._host.report()["notes"])

    def launch(self, launch: Launch) -> KernelProcess:
        """Fork a kernel, waiting for the imports if need be.

        Raises
        ------
        NotWarm
            If the kernel must start cold; the message says why.
        """
        reason = self.refused or _unsuitable(launch, os.environ)
        if reason:
            raise NotWarm(reason)
        with self._lock:
            host = self._current()
        return host.fork(launch, warm=True)

    def close(self) -> None:
        """End the template and all its kernels."""
        with self._lock:
            for host in (*self._retired, *filter(None, [self._host])):
                host.close()
            self._retired, self._host = [], None

    def _begin(self) -> TemplateHost | None:
        if self._host is None and not self.refused:
            environment = os.environ | thread_variables(self.threads) | {
                "PYTHONHASHSEED": "0", "OPENBLAS_NUM_THREADS": "1",
                "PYTORCH_NVML_BASED_CUDA_CHECK": "1"}
            environment.setdefault("MPLBACKEND", "module://matplotlib_inline.backend_inline")
            environment.pop("JPY_PARENT_PID", None)
            try:
                self._host, self._version = TemplateHost(self.modules, environment), ""
            except OSError as problem:
                self.refused = f"the template did not start ({problem})"
        return self._host

    def _current(self) -> TemplateHost:
        """The template, replaced when what it has imported has changed on disk."""
        host = self._begin()
        if host is not None and not self._is_sound(host):
            host.close()
            self._host = None
        if self._host is None or host is None:
            raise NotWarm(self.refused)
        version = _version(host.report()["sources"])
        if not self._version:
            self._version = version
        if host.has_ended() or version != self._version:
            host.retire()
            self._retired.append(host)
            self._host = None
            return self._current()
        return host

    def _is_sound(self, host: TemplateHost) -> bool:
        try:
            self.refused = str(host.report()["trouble"])
        except NotWarm as problem:
            self.refused = str(problem)
        return not self.refused


def heavy() -> tuple[str, ...]:
    """Libraries that are worth keeping imported: `HEAVY`, or ``WORKBENCH_WARM``, if installed."""
    named = os.environ.get(VARIABLE)
    if named is not None:
        return tuple(entry.strip() for entry in named.split(",") if entry.strip())
    return tuple(name for name in HEAVY if importlib.util.find_spec(name.split(".")[0]))


def launch_cold(launch: Launch) -> KernelProcess:
    """Start a cold kernel that ends, with all it starts, as a warm one does; Linux only.

    Raises
    ------
    NotWarm
        If the program cannot be started.
    """
    return _nursery(os.getpid()).fork(launch, warm=False)


def shared(modules: tuple[str, ...] | None, threads: int | None) -> WarmServer:
    """The server of this process for these modules; it ends with the process."""
    return _shared(os.getpid(), modules, threads)  # a forked process has its own


def thread_variables(threads: int | None) -> dict[str, str]:
    """Environment that gives each library `threads` threads."""
    return {} if threads is None else dict.fromkeys(THREAD_VARIABLES, str(threads))


@cache
def _shared(process: int, modules: tuple[str, ...] | None, threads: int | None) -> WarmServer:
    server = WarmServer(modules, threads=threads)
    _close_at_exit(server, process)
    return server


@cache
def _nursery(process: int) -> TemplateHost:
    host = TemplateHost(None, os.environ)
    _close_at_exit(host, process)
    return host


def _close_at_exit(owned: WarmServer | TemplateHost, process: int) -> None:
    atexit.register(lambda: owned.close() if os.getpid() == process else None)


def _unsuitable(launch: Launch, own: Mapping[str, str]) -> str:
    """Why this command in this environment cannot be a fork, or nothing."""
    options = [part for part in launch.argv[1:] if part != "-Xfrozen_modules=off"]
    known = options[:1] == [APPLICATION] or options[:2] == ["-m", "ipykernel_launcher"]
    if not known or Path(launch.argv[0]) != Path(sys.executable):
        return "the kernel is another program than this Python's ipykernel"
    if launch.env.get("PYTHONHASHSEED", "0") != "0":
        return "PYTHONHASHSEED is fixed at 0 in warm kernels"
    differing = sorted(name for name in own.keys() | launch.env.keys()
                       if name.startswith(READ_AT_START) and name not in FOLLOWED
                       and own.get(name) != launch.env.get(name))
    return f"{', '.join(differing)} differs and is read at a start only" if differing else ""


def _version(sources: list[str]) -> str:
    """Hash of the installed distributions and of the editable files that were imported."""
    total = hashlib.sha256()
    for entry in sorted({Path(entry) for entry in sys.path if entry}):
        total.update("\n".join(sorted(
            found.name for found in entry.glob("*.dist-info"))).encode())
    for source in sources:
        path = Path(source)
        total.update(path.read_bytes() if path.is_file() else b"gone")
    return total.hexdigest()
