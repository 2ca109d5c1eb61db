"""The kernel that runs execute in: ipykernel, closed in the right order.

ipykernel 7 closes its output at exit while its control thread may still write its last message
there; one shutdown in ten then hangs until a signal ends it. Cold kernels are started from this
script and warm ones load it, so that both behave alike.
"""

import sys

if __name__ == "__main__":
    del sys.path[0]  # this folder; a kernel's first entry is its working folder

from ipykernel.kernelapp import IPKernelApp

__all__ = ["OrderlyKernelApp"]

PATIENCE = 5.0  # [s]


class OrderlyKernelApp(IPKernelApp):
    """ipykernel's application, which lets its control thread finish before it exits."""

    def start(self) -> None:
        super().start()  # type: ignore[no-untyped-call]
        thread = self.control_thread
        if thread is not None and thread.is_alive():
            thread.stop()
            thread.join(PATIENCE)


if __name__ == "__main__":
    OrderlyKernelApp.launch_instance()
