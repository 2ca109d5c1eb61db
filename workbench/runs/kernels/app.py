"""The kernel that runs execute in: ipykernel, in three places more predictable.

ipykernel 7 closes its output at exit while its control thread may still write its last message
there; one shutdown in ten then hangs until a signal ends it. IPython copies its table of printers
when it first shows something, so that it depends on the order of cells whether an object of a
library imported later is shown by that library. And after large imports an interpreter clears its
memory for seconds at exit, longer than Jupyter waits. Cold kernels are started from this script
and warm ones load it, so that both behave alike.
"""

import atexit
import os
import sys
import threading
from typing import Any, NoReturn

if __name__ == "__main__":
    del sys.path[0]  # this folder; a kernel's first entry is its working folder

from ipykernel.kernelapp import IPKernelApp
from IPython.lib import pretty

__all__ = ["OrderlyKernelApp"]

PATIENCE = 5.0  # [s]


class OrderlyKernelApp(IPKernelApp):
    """ipykernel's application, which ends the process by itself, at once and in order."""

    def initialize(self, argv: list[str] | None = None) -> None:
        super().initialize(argv)  # type: ignore[no-untyped-call]
        formatter: Any = self.kernel.shell.display_formatter.formatters["text/plain"]
        pretty._type_pprinters.update(formatter.type_printers)
        formatter.type_printers = pretty._type_pprinters
        formatter.deferred_printers = pretty._deferred_type_pprinters

    def start(self) -> None:
        super().start()  # type: ignore[no-untyped-call]
        thread = self.control_thread
        if thread is not None and thread.is_alive():
            thread.stop()
            thread.join(PATIENCE)
        _leave()


def _leave() -> NoReturn:
    """Do what an interpreter does at its end, except for clearing its memory."""
    try:
        threading._shutdown()  # type: ignore[attr-defined]  # waits for the notebook's threads
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(0)


if __name__ == "__main__":
    OrderlyKernelApp.launch_instance()
