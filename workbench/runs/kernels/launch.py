"""The kernel of one run: private sockets, its own Python, the same behaviour warm and cold."""

import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager

from workbench.runs.kernels.private import private_folder
from workbench.runs.kernels.provisioner import WarmProvisioner
from workbench.runs.kernels.server import APPLICATION, WarmServer

__all__ = ["KernelOptions", "kernel_manager"]


@dataclass(frozen=True)
class KernelOptions:
    """How the kernel of a run is started.

    Attributes
    ----------
    environment : mapping
        Added to this process's environment.
    cwd : str or None
        Working folder; the current one by default.
    memory : int or None
        Limit of private memory [bytes].
    threads : int or None
        Threads of each library.
    server : WarmServer or None
        Where the kernel is forked; None starts it cold.
    kernel : str
        Name of an installed kernelspec, for another language; by default this Python.
    """

    environment: Mapping[str, str] = field(default_factory=dict)
    cwd: str | None = None
    memory: int | None = None
    threads: int | None = None
    server: WarmServer | None = None
    kernel: str = ""


class _OwnKernelSpecs(KernelSpecManager):
    """Knows one kernel: the Python that runs this, whatever Jupyter has registered."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:  # noqa: ARG002 - one for all names
        argv = [sys.executable, "-Xfrozen_modules=off", APPLICATION, "-f", "{connection_file}",
                "--HistoryManager.enabled=False"]
        return KernelSpec(argv=argv, display_name="Python", language="python")


class _Observed(AsyncKernelManager):
    """Writes on its class what becomes of the one kernel that it starts."""

    exit_code: int | None = None
    peak_memory: int | None = None
    pid: int | None = None
    has_started = is_warm = False
    cold_reason = ""
    process: Any = None

    async def is_alive(self) -> bool:
        alive = bool(await super().is_alive())
        if alive:
            type(self).has_started = True
        else:
            self.learn()
        return alive

    @classmethod
    def learn(cls) -> None:
        """Note the end of the process, if it has ended."""
        if cls.process is not None and cls.process.poll() is not None:
            cls.exit_code = cls.process.returncode
            cls.peak_memory = getattr(cls.process, "peak", None)

    @classmethod
    def end(cls) -> None:
        """End the process if it still runs."""
        cls.learn()
        if cls.process is not None and cls.exit_code is None:
            cls.process.kill()
            cls.process.wait()
            cls.learn()


@contextmanager
def kernel_manager(options: KernelOptions, log: BinaryIO) -> Iterator[Any]:
    """Class of kernel managers for one kernel; at the end the kernel and its group are gone.

    The class tells about its kernel: ``exit_code`` and ``peak_memory`` [bytes] once it has ended,
    ``pid``, ``has_started``, ``is_warm`` and, if not, ``cold_reason``.

    Parameters
    ----------
    options : KernelOptions
    log : binary file
        Receives what the kernel's process itself prints.
    """
    folder = private_folder()
    kind = _kind(options, str(folder), log)
    try:
        yield kind
    finally:
        kind.end()
        shutil.rmtree(folder, ignore_errors=True)


def _traits(options: KernelOptions, folder: str) -> dict[str, Any]:
    traits: dict[str, Any] = {"connection_file": f"{folder}/kernel.json"}
    if os.name == "posix":
        traits |= {"transport": "ipc", "ip": f"{folder}/k"}
    if options.kernel:
        return traits | {"kernel_name": options.kernel}
    return traits | {"kernel_spec_manager": _OwnKernelSpecs()}


def _kind(options: KernelOptions, folder: str, log: BinaryIO) -> Any:
    class RunKernel(_Observed):
        def __init__(self, **traits: Any):
            super().__init__(**traits | _traits(options, folder))

        async def start_kernel(self, **launch: Any) -> None:
            self.provisioner = WarmProvisioner(
                kernel_spec=self.kernel_spec, parent=self, server=options.server,
                memory=options.memory, threads=options.threads)
            environment = os.environ | options.environment | {
                "IPYTHONDIR": folder, "PYTHONHASHSEED": "0"}
            await super().start_kernel(**launch | {
                "env": environment, "cwd": options.cwd, "stdout": log, "stderr": log})
            type(self).process = self.provisioner.process
            type(self).pid = self.provisioner.pid
            type(self).is_warm = getattr(self.provisioner.process, "warm", False)
            type(self).cold_reason = self.provisioner.cold_reason

    return RunKernel
