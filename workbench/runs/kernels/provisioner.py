"""Warm kernels for whatever starts kernels through jupyter_client.

A kernelspec names this provisioner in its metadata, see `install_kernelspec`; papermill, nbclient
and JupyterLab need nothing else. All kernels of one process share one server.
"""

import asyncio
import json
import logging
import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from jupyter_client.provisioning import LocalProvisioner
from traitlets import Integer, List, Unicode

from workbench.runs.kernels.host import Launch, NotWarm
from workbench.runs.kernels.process import KernelProcess
from workbench.runs.kernels.server import WarmServer, launch_cold, shared, thread_variables

__all__ = ["KERNELSPEC", "WarmProvisioner", "install_kernelspec"]

KERNELSPEC = "workbench-warm"
OWN_ARGUMENTS = ("stdin", "stdout", "stderr", "env", "cwd", "independent")


class WarmProvisioner(LocalProvisioner):
    """Forks kernels from imported libraries; starts them cold where that cannot be.

    The kernelspec's ``config`` may set `modules`, `memory` and `threads`.

    Parameters
    ----------
    server : WarmServer or None, optional
        Where kernels are forked; the one of this process by default, None for cold kernels.
    """

    modules = List(Unicode(), None, allow_none=True, help="Imported once; HEAVY by default.")
    memory = Integer(None, allow_none=True, help="Limit of private memory [bytes].")
    threads = Integer(None, allow_none=True, help="Threads of each library.")
    cold_reason = ""

    def __init__(self, *, server: WarmServer | str | None = "shared", **traits: Any):
        super().__init__(**traits)
        if isinstance(server, str):
            names = None if self.modules is None else tuple(self.modules)
            server = shared(names, self.threads)
            server.start()
        self._server = server

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
        if sys.platform != "linux" or subprocess.PIPE in kwargs.values():
            return await super().launch_kernel(cmd, **kwargs)
        self.cwd = kwargs.get("cwd") or Path.cwd()
        with ExitStack() as opened:
            launch = self._launch(cmd, kwargs, opened)
            start = asyncio.get_running_loop().run_in_executor
            self.process: Any = await start(None, self._start, launch)
        self.pid = self.pgid = self.process.pid
        return self.connection_info

    def _launch(self, cmd: list[str], options: dict[str, Any], opened: ExitStack) -> Launch:
        environment = options.get("env")
        environment = dict(os.environ if environment is None else environment)
        environment |= thread_variables(self.threads)
        environment.setdefault("PYTHONHASHSEED", "0")
        files: dict[str, int] = {}
        for name, usual in (("stdout", 1), ("stderr", 2)):
            file = options.get(name)
            if file == subprocess.DEVNULL:
                file = opened.enter_context(open(os.devnull, "wb"))  # noqa: PTH123, SIM115
            elif file == subprocess.STDOUT:
                file = files["stdout"]
            elif file is None:
                file = usual
            files[name] = file if isinstance(file, int) else file.fileno()
        return Launch([os.path.expanduser(part) for part in cmd],  # noqa: PTH111 - not all paths
                      environment, cwd=str(self.cwd), memory=self.memory, **files)

    def _start(self, launch: Launch) -> KernelProcess:
        if self._server is not None:
            try:
                return self._server.launch(launch)
            except NotWarm as reason:
                self.cold_reason = str(reason)
                logging.getLogger(__name__).warning("kernel starts cold: %s", reason)
        return launch_cold(launch)


def install_kernelspec(prefix: str | Path | None = None) -> Path:
    """Write the kernelspec of warm kernels below `prefix`; the running environment by default.

    Returns
    -------
    folder : Path
        The kernelspec's folder.
    """
    folder = Path(prefix or sys.prefix) / "share" / "jupyter" / "kernels" / KERNELSPEC
    folder.mkdir(parents=True, exist_ok=True)
    content = {
        "argv": [sys.executable, "-Xfrozen_modules=off", "-m", "ipykernel_launcher", "-f",
                 "{connection_file}"],
        "display_name": "workbench (warm)", "language": "python",
        "metadata": {"debugger": True, "kernel_provisioner": {
            "provisioner_name": KERNELSPEC, "config": {}}},
    }
    (folder / "kernel.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return folder


if __name__ == "__main__":
    install_kernelspec()
