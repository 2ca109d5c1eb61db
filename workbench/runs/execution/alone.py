"""One task that another program gives on standard input, told in lines of JSON as it goes.

The other program keeps standard input open. When it closes it, or is gone, the run is stopped as
by Ctrl-C: politely, with what was computed kept.
"""

import importlib
import json
import os
import signal
import sys
import threading
from typing import Any

from workbench.runs.execution.events import write_events
from workbench.runs.execution.sweep import carry_out_all
from workbench.runs.inputs.task import Settings, Task

__all__ = ["carry_out_alone"]


def carry_out_alone() -> int:
    """Carry out ``{"study": MODULE, "values": {...}, "force": false}``; the exit code.

    Values come as JSON and not as texts, so that each arrives as it was.
    """
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        asked = json.loads(sys.stdin.readline())
        threading.Thread(target=_end_with_the_other, daemon=True).start()
        done = carry_out_all([_task(asked)], settings=Settings(workers=1, force=asked["force"]),
                             on_event=write_events(sys.stdout))
    except KeyboardInterrupt:
        return 130
    except (ValueError, OSError) as refusal:
        print(json.dumps({"event": "refused", "error": str(refusal)}), flush=True)  # noqa: T201
        return 2
    return 0 if done and done[0].state == "succeeded" else 1


def _task(asked: dict[str, Any]) -> Task:
    return Task.of(importlib.import_module(asked["study"]), asked["values"])


def _end_with_the_other() -> None:
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGINT)


if __name__ == "__main__":
    sys.exit(carry_out_alone())
