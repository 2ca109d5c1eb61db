"""What a forked process does before it is a kernel: everything the template left is undone.

A warm kernel then runs ipykernel in this process; a cold one replaces it by ``exec``.
Loaded by file name from the template, hence the standard library only.
"""

import contextlib
import ctypes
import gc
import json
import os
import random
import signal
import socket
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

__all__ = ["THREAD_VARIABLES", "become_cold", "become_warm", "limit_memory",
           "name_process", "tell"]

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS",
                    "NUMBA_NUM_THREADS")
NOTEBOOK_DETECTORS = ("tqdm.auto", "tqdm.autonotebook")  # look for a kernel while imported
PR_SET_PDEATHSIG, PR_SET_NAME = 1, 15
STARTED_WITH = dict(os.environ)


def become_cold(request: Mapping[str, Any], files: list[int],
                connection: socket.socket) -> NoReturn:
    """Replace this process by the program of the request.

    Parameters
    ----------
    request : mapping
        ``argv``, ``env``, ``cwd``, ``umask`` and ``memory`` [bytes, or none].
    files : list of int
        Descriptors that become standard output and error.
    connection : socket
        Where the process tells its number.
    """
    parent = os.getppid()
    _separate(parent)
    _redirect(files, keep=connection.fileno())
    _reset_signals(signal.SIG_DFL)
    os.umask(request["umask"])
    os.chdir(request["cwd"])
    limit_memory(request["memory"], already=0)  # exec starts from nothing
    tell(connection, {"pid": os.getpid()})
    connection.close()
    environment = request["env"] | {"JPY_PARENT_PID": str(parent)}
    os.execvpe(request["argv"][0], request["argv"], environment)


def become_warm(request: Mapping[str, Any], files: list[int], connection: socket.socket,
                application: Any) -> NoReturn:
    """Run the application in this process, as a fresh interpreter would; same arguments."""
    parent = os.getppid()
    _separate(parent)
    name_process("wb-kernel")
    _redirect(files, keep=connection.fileno())
    _reset_signals(signal.SIG_IGN)
    os.umask(request["umask"])
    os.chdir(request["cwd"])
    resident = _status("VmRSS:")
    before = _replace_environment(request["env"] | {"JPY_PARENT_PID": str(parent)})
    _restore_interpreter(request["argv"], parent)
    _restore_path(before)
    _reseed()
    _set_threads(before)
    limit_memory(request["memory"], already=_status("VmData:"))
    tell(connection, {"pid": os.getpid(), "inherited": resident})
    connection.close()
    application.launch_instance()
    sys.exit(1)  # unreachable: the application ends the process


def tell(connection: socket.socket, message: Mapping[str, Any]) -> None:
    """Send one message; whoever asked may be gone."""
    try:
        connection.send(json.dumps(message).encode())
    except OSError:
        return


def limit_memory(memory: int | None, *, already: int) -> None:
    """Limit private writable memory to `memory` bytes more than the process has `already`.

    Allocations beyond give MemoryError. RLIMIT_AS would count address space that libraries
    reserve and never use; RLIMIT_DATA counts what can become memory.
    """
    if memory is None:
        return
    import resource

    resource.setrlimit(resource.RLIMIT_DATA, (already + memory, already + memory))


def name_process(name: str) -> None:
    """Name this process, so that a list of processes tells it from its siblings."""
    ctypes.CDLL(None).prctl(PR_SET_NAME, name.encode(), 0, 0, 0)


def _die_with_parent(parent: int) -> None:
    """Let the kernel end this process when its parent, a single thread, ends."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != parent:  # it ended before the request took hold
        os._exit(1)


def _status(name: str) -> int:
    """A memory entry of this process [bytes]; VmData is what RLIMIT_DATA counts."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))


def _separate(parent: int) -> None:
    os.setsid()  # before the number is told: who reads the group must not read the template's
    _die_with_parent(parent)


def _redirect(files: list[int], keep: int) -> None:
    """Standard input from nothing, output and error to `files`, every other descriptor closed."""
    sys.stdout.flush()
    sys.stderr.flush()
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    for target, file in zip((1, 2), files, strict=True):
        os.dup2(file, target)
    opened = [int(entry.name) for entry in Path("/proc/self/fd").iterdir()]
    for file in opened:
        if file > 2 and file != keep:
            with contextlib.suppress(OSError):  # the one that listed the folder
                os.close(file)


def _reset_signals(broken_pipe: Any) -> None:
    signal.set_wakeup_fd(-1)
    ignored = (signal.SIGPIPE, signal.SIGXFSZ)  # the interpreter ignores these at its start
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP, signal.SIGINT}:
        if signal.getsignal(number) is not None:
            signal.signal(number, broken_pipe if number in ignored else signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _replace_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Set the environment, keep what imports have set, and return what it was before them."""
    before = STARTED_WITH
    imported = {name: value for name, value in os.environ.items() if before.get(name) != value}
    os.environ.clear()
    os.environ.update({**imported, **environment})
    time.tzset()
    return before


def _restore_interpreter(argv: list[str], parent: int) -> None:
    """Arguments and modules as a cold kernel has them."""
    sys.orig_argv = list(argv)
    sys.argv = [*_arguments(argv), f"--IPKernelApp.parent_handle={parent}"]
    for name in NOTEBOOK_DETECTORS:
        sys.modules.pop(name, None)
    gc.enable()


def _restore_path(before: Mapping[str, str]) -> None:
    own, wanted = (_entries(names.get("PYTHONPATH", "")) for names in (before, os.environ))
    rest = sys.path[len(own):] if sys.path[:len(own)] == own else sys.path
    sys.path[:] = dict.fromkeys(wanted + rest)
    sys.path_importer_cache.clear()


def _entries(named: str) -> list[str]:
    entries = [os.path.abspath(entry) for entry in named.split(os.pathsep)]  # noqa: PTH100
    return list(dict.fromkeys(entries)) if named else []


def _arguments(argv: list[str]) -> list[str]:
    """The part of a command that a program sees."""
    rest = argv[1:]
    while rest[0].startswith("-X"):
        rest = rest[1:]
    if rest[0] == "-m":
        return [sys.modules["ipykernel_launcher"].__file__ or rest[1], *rest[2:]]
    return rest


def _reseed() -> None:
    random.seed()
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.mtrand._rand.seed()
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.default_generator.seed()


def _set_threads(before: Mapping[str, str]) -> None:
    """Read the variables of the numbers of threads again, as libraries do when they load."""
    numba, torch = sys.modules.get("numba"), sys.modules.get("torch")
    if numba is not None:
        numba.core.config.reload_config()
        numba.np.ufunc.parallel.NUM_THREADS = numba.config.NUMBA_NUM_THREADS
    limits = sys.modules["threadpoolctl"].threadpool_limits
    cores = len(os.sched_getaffinity(0))
    common = _number("OMP_NUM_THREADS") or cores
    blas = _number("OPENBLAS_NUM_THREADS") or common
    if blas > 1:  # it has been loaded with one thread, lest the template start others
        limits(blas, user_api="blas")
    if os.environ.get("OMP_NUM_THREADS") != before.get("OMP_NUM_THREADS"):
        limits(common, user_api="openmp")
        if torch is not None:
            torch.set_num_threads(common)


def _number(variable: str) -> int:
    text = os.environ.get(variable, "").split(",")[0].strip()
    return int(text) if text.isdecimal() else 0
