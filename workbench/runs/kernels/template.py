"""The process that kernels are forked from: it imports, never computes, and forks on request.

Started as a script by its path, so that it holds nothing of this package that it was not told to
import. Single-threaded: a fork of a process whose libraries have started threads may hang for
ever, so that every fork is guarded. Standard input is a pipe from the owner; its end, or the
owner's, ends the template and all kernels.
"""

import builtins
import contextlib
import gc
import importlib
import importlib.util
import json
import os
import select
import shutil
import signal
import socket
import sys
import sysconfig
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

__all__ = ["Template", "trouble"]

HARMLESS = ("jemalloc",)  # threads that their library stops and starts around a fork
# What a kernel imports at its start, before the libraries that look for it.
PREPARED = ("IPython", "ipykernel.kernelapp", "ipykernel.ipkernel", "ipykernel.zmqshell",
            "ipykernel.debugger", "ipykernel_launcher", "IPython.core.completerlib",
            "IPython.core.debugger", "IPython.core.logger", "IPython.core.oinspect",
            "IPython.extensions.storemagic", "tornado.platform.asyncio", "tornado.queues",
            "threadpoolctl")
RETIRE, END = b"retire", b"end"


def trouble() -> str:
    """Why a fork of this process would not be safe, or nothing."""
    for task in Path("/proc/self/task").iterdir():
        name = (task / "comm").read_text().strip()
        if int(task.name) != os.getpid() and not name.startswith(HARMLESS):
            return f"the template runs a thread that a fork would lose ({name})"
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        return "the template has initialised CUDA, which a forked process cannot use"
    return ""


class Template:
    """Serves one socket until the owner ends.

    Parameters
    ----------
    listener : socket
        Listening, of kind SEQPACKET.
    owner : int
        Process whose end is the end of everything.
    root : str
        The owner's private folder, removed when the owner could not.
    """

    def __init__(self, listener: socket.socket, owner: int, root: str):
        self.listener = listener
        self.root = root
        self.child = _sibling("child")
        self.application: Any = None
        self.report: dict[str, Any] = {}
        self.kernels: dict[int, tuple[int, socket.socket]] = {}  # pidfd: pid, connection
        self.clients: dict[int, int] = {}                        # connection: pidfd
        self.served: dict[int, Callable[[], None]] = {}
        self.poller = select.poll()
        self._watch(0, self._hear_owner)
        self._watch(os.pidfd_open(owner), self._end_without_owner)
        self._watch(listener.fileno(), self._accept)

    def serve(self) -> None:
        """Answer requests until retired, and until the last kernel has ended."""
        while self.kernels or self.listener.fileno() >= 0:
            for descriptor, _ in self.poller.poll():
                answer = self.served.get(descriptor)
                if answer is not None:
                    answer()

    def _watch(self, descriptor: int, answer: Callable[[], None]) -> None:
        self.served[descriptor] = answer
        self.poller.register(descriptor, select.POLLIN)

    def _forget(self, descriptor: int) -> None:
        if self.served.pop(descriptor, None) is not None:
            self.poller.unregister(descriptor)

    def _hear_owner(self) -> None:
        word = os.read(0, 64)
        if word == RETIRE:
            self._forget(self.listener.fileno())
            self.listener.close()
        elif word == END:
            self._end()
        else:
            self._end_without_owner()

    def _end(self) -> None:
        for pid, _ in self.kernels.values():
            _end_group(pid)
        os._exit(0)

    def _end_without_owner(self) -> None:
        shutil.rmtree(self.root, ignore_errors=True)
        self._end()

    def _accept(self) -> None:
        connection, _ = self.listener.accept()
        self._watch(connection.fileno(), lambda: self._hear(connection))

    def _hear(self, connection: socket.socket) -> None:
        """Answer a request; the end of a connection is the end of its kernel."""
        try:
            word, files, _, _ = socket.recv_fds(connection, 64, 3)
        except OSError:
            word, files = b"", []
        if word == b"report":
            self.child.tell(connection, self.report | {"trouble": trouble()})
        elif word in {b"warm", b"cold"} and len(files) == 3:
            self._launch(word, files, connection)
        else:
            self._part(connection)
        for file in files:
            os.close(file)

    def _part(self, connection: socket.socket) -> None:
        descriptor = connection.fileno()
        self._forget(descriptor)
        kernel = self.clients.pop(descriptor, None)
        if kernel in self.kernels:
            _end_group(self.kernels[kernel][0])
        connection.close()

    def _launch(self, word: bytes, files: list[int], connection: socket.socket) -> None:
        reason = trouble() if word == b"warm" else ""
        if reason:
            self.child.tell(connection, {"refused": reason})
            return
        pid = os.fork()
        if pid == 0:
            self._become(word, files, connection)
        kernel = os.pidfd_open(pid)
        self.kernels[kernel] = pid, connection
        self.clients[connection.fileno()] = kernel
        self._watch(kernel, lambda: self._reap(kernel))

    def _become(self, word: bytes, files: list[int], connection: socket.socket) -> None:
        code = 1
        try:
            with os.fdopen(files[0], "rb", closefd=False) as content:
                request = json.load(content)
            if word == b"warm":
                self.child.become_warm(request, files[1:], connection, self.application)
            self.child.become_cold(request, files[1:], connection)
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
        except BaseException as problem:  # nothing may return into the template's loop
            reason = f"{type(problem).__name__}: {problem}"
            print(reason, file=sys.stderr)  # noqa: T201 - to the kernel's log
            self.child.tell(connection, {"refused": reason})
        finally:
            with contextlib.suppress(OSError):
                sys.stderr.flush()
            os._exit(code)

    def _reap(self, kernel: int) -> None:
        pid, connection = self.kernels.pop(kernel)
        _end_group(pid)  # while the number is still taken: the kernel's own children
        _, status, usage = os.wait4(pid, 0)
        self._forget(kernel)
        os.close(kernel)
        if self.clients.pop(connection.fileno(), None) is not None:
            self.child.tell(connection, {"exit": os.waitstatus_to_exitcode(status),
                                         "peak": usage.ru_maxrss * 1024})



def _end_group(pid: int) -> None:
    """End a child that has not been waited for, so that its number is its own, and its group."""
    for end in (os.killpg, os.kill):  # the group exists once the child has made it
        with contextlib.suppress(OSError):
            end(pid, signal.SIGKILL)


def _sibling(name: str) -> ModuleType:
    """Load the file beside this one, under a name that no notebook imports."""
    spec = importlib.util.spec_from_file_location(f"_workbench_{name}",
                                                  Path(__file__).with_name(f"{name}.py"))
    assert spec is not None and spec.loader is not None  # noqa: S101, PT018 - it lies beside
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def load(entries: Sequence[str]) -> list[str]:
    """Import modules and call ``module:function`` entries; return what is missing and why."""
    builtins.__IPYTHON__ = True  # type: ignore[attr-defined]  # what libraries look at
    notes = []
    for entry in entries:
        module, _, function = entry.partition(":")
        try:
            loaded = importlib.import_module(module)
            if function:
                getattr(loaded, function)()
        except Exception as problem:  # a kernel meets the same when it imports
            notes.append(f"{entry}: {type(problem).__name__}: {problem}")
    return notes


def own_sources() -> list[str]:
    """Files of imported modules that belong to no installed distribution: they may be edited."""
    places = sysconfig.get_paths()
    installed = tuple(places[name] + os.sep for name in ("stdlib", "purelib", "platlib"))
    files = {str(getattr(module, "__file__", None) or "") for module in sys.modules.values()}
    return sorted(file for file in files
                  if file.endswith(".py") and not file.startswith(installed)
                  and file != __file__)


def main() -> None:
    """Import what the arguments name, then serve the inherited socket."""
    settings = json.loads(sys.argv[1])
    del sys.path[0]
    listener = socket.socket(fileno=settings["listener"])
    template = Template(listener, settings["owner"], settings["root"])
    template.child.name_process("wb-template")
    begun = time.monotonic()
    notes = []
    if settings["modules"] is not None:
        load(PREPARED)
        template.application = _sibling("app").OrderlyKernelApp
        notes = load(settings["modules"])
    gc.collect()
    gc.freeze()
    template.report = {"notes": notes, "sources": own_sources(),
                       "seconds": round(time.monotonic() - begun, 3)}
    template.serve()


if __name__ == "__main__":
    main()
