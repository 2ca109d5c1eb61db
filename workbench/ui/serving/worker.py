"""One of the processes of ``--workers``: ``python -m workbench.ui.serving.worker``."""

import json
import os
import socket
import sys
import threading
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from workbench.ui.serving.attending import Attendance, attend
from workbench.ui.serving.terms import Terms

__all__ = ["main", "understood"]


def main() -> None:
    """Serve on the socket that was inherited, until asked to end or left alone."""
    told = json.loads(sys.stdin.buffer.readline())
    ready = int(os.environ.pop("WORKBENCH_READY"))
    for number in (ready, told["listener"]):
        os.set_inheritable(number, False)  # noqa: FBT003 - runs have no business with them

    def answers() -> None:
        os.write(ready, b".")
        os.close(ready)

    with socket.socket(fileno=told["listener"]) as listener:
        listener.setblocking(False)  # noqa: FBT003 - its copies would wait for connections
        attend(understood(told), listener, answers, _alone)


def understood(told: dict[str, Any]) -> Attendance:
    """What :func:`workbench.ui.serving.workers.described` tells."""
    terms = told["terms"] | {"users": Path(told["terms"]["users"])
                             if told["terms"]["users"] else None,
                             "allow": tuple(told["terms"]["allow"]),
                             "origins": tuple(told["terms"]["origins"])}
    studies = {name: import_module(module) for name, module in told["studies"].items()}
    return Attendance(studies, told["address"], told["port"], Terms(**terms))


def _alone(stop: Callable[[], None]) -> None:
    """End the service when the process that started this one is gone, however it went."""
    def watch() -> None:
        os.read(sys.stdin.fileno(), 1)         # returns when nobody holds the other end
        stop()

    threading.Thread(target=watch, daemon=True, name="parent").start()


if __name__ == "__main__":
    main()
