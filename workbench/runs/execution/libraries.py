"""Which large libraries notebooks will import, so that warm kernels have imported them."""

import importlib.util
from collections.abc import Iterable
from pathlib import Path

from workbench.runs.inputs import notebooks
from workbench.runs.inputs.task import Task
from workbench.runs.kernels.server import heavy
from workbench.runs.keys.imports import requests

__all__ = ["libraries"]


def libraries(tasks: Iterable[Task]) -> tuple[str, ...]:
    """Those of the configured modules that the tasks' code imports, directly or not."""
    named: set[str] = set()
    for task in {task.notebook: task for task in tasks}.values():
        cells = [cell.source for cell in notebooks.load(task.notebook).cells
                 if cell.cell_type == "code"]
        sources = (*cells, *filter(None, map(_source, task.key_parts["code"])))
        named |= {_top(request.module) for text in sources for request in requests(text)}
    return tuple(module for module in heavy() if _top(module) in named)


def _top(module: str) -> str:
    return module.partition(":")[0].partition(".")[0]


def _source(module: str) -> str:
    try:
        spec = importlib.util.find_spec(module)
        return Path(spec.origin).read_text(encoding="utf-8") if spec and spec.origin else ""
    except (ImportError, OSError, ValueError):
        return ""


