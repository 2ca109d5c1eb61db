"""Which large libraries notebooks will import, so that warm kernels have imported them."""

import importlib.util
from collections.abc import Iterable
from pathlib import Path

from workbench.runs.execution.plan import Plan
from workbench.runs.inputs import notebooks
from workbench.runs.inputs.task import Settings, Task
from workbench.runs.kernels.server import heavy
from workbench.runs.keys.imports import requests

__all__ = ["libraries", "to_warm"]

LOADER = "warm"


def libraries(tasks: Iterable[Task]) -> tuple[str, ...]:
    """Those of the configured modules that the tasks' code imports, directly or not.

    Our own modules among the code may have a function `warm` that loads compiled code.
    """
    named: set[str] = set()
    compiled: set[str] = set()
    for task in {task.notebook: task for task in tasks}.values():
        cells = [cell.source for cell in notebooks.load(task.notebook).cells
                 if cell.cell_type == "code"]
        own = {module: _source(module) for module in task.key_parts["code"]}
        compiled |= {f"{module}:{LOADER}" for module, text in own.items()
                     if module.startswith("workbench.") and f"\ndef {LOADER}(" in text}
        sources = (*cells, *own.values())
        named |= {_top(request.module) for text in sources for request in requests(text)
                  if not request.offered}
    return (*(module for module in heavy() if _top(module) in named), *sorted(compiled))


def to_warm(planned: Plan, how: Settings) -> tuple[str, ...]:
    """What warm kernels of a plan import: as the settings say, or what its tasks will."""
    if how.warm is not None:
        return how.warm
    return libraries(planned.tasks[number] for number in planned.todo)


def _top(module: str) -> str:
    return module.partition(":")[0].partition(".")[0]


def _source(module: str) -> str:
    try:
        spec = importlib.util.find_spec(module)
        return Path(spec.origin).read_text(encoding="utf-8") if spec and spec.origin else ""
    except (ImportError, OSError, ValueError):
        return ""


