"""How far a run is: a line in a terminal or a notebook, nothing where nobody looks."""

import html
import importlib
import importlib.util
import sys
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from workbench.core import check

__all__ = ["Progress", "place"]


def place() -> str:
    """Where output goes: "terminal", "notebook" or "nowhere"."""
    shell = sys.modules.get("IPython")
    running = shell.get_ipython() if shell is not None else None
    if running is not None and hasattr(running, "kernel"):
        return "notebook"
    drawn = importlib.util.find_spec("rich") is not None
    return "terminal" if sys.stderr.isatty() and drawn else "nowhere"


class Progress:
    """Shows rows of the history as they come.

    Parameters
    ----------
    total : int > 0
        Steps.
    where : {"auto", "terminal", "notebook", "nowhere"}
    """

    def __init__(self, total: int, where: str = "auto"):
        check.one_of(("auto", "terminal", "notebook", "nowhere"), progress=where)
        self.total, self.where = total, place() if where == "auto" else where
        self.shown: Any = None
        self.task: Any = None

    def __enter__(self) -> "Progress":
        if self.where == "terminal":
            from rich.console import Console
            from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
            from rich.progress import Progress as Bar

            self.shown = Bar(TextColumn("{task.description}"), BarColumn(),
                             TimeRemainingColumn(), console=Console(stderr=True),
                             transient=True)
            self.task = self.shown.add_task("training", total=self.total)
            self.shown.start()
        elif self.where == "notebook":
            self.shown = _display().display(_display().HTML("training"), display_id=True)
        return self

    def show(self, row: Mapping[str, Any]) -> None:
        """Show one row."""
        if self.shown is None:
            return
        step, told = int(row["step"]), sentence(row, self.total)
        if self.where == "terminal":
            self.shown.update(self.task, completed=step, description=told)
        else:
            bar = f"<progress value='{step}' max='{self.total}'></progress> {html.escape(told)}"
            self.shown.update(_display().HTML(bar))

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        if self.where == "terminal" and self.shown is not None:
            self.shown.stop()


def _display() -> Any:
    return importlib.import_module("IPython.display")


def sentence(row: Mapping[str, Any], total: int) -> str:
    """One row in words.

    Examples
    --------
    >>> sentence({"step": 10, "loss": 0.25, "samples_per_second": 1200.0}, 40)
    'step 10 of 40, loss 0.25, 1,200 samples/s'
    """
    parts = [f"step {row['step']:,} of {total:,}"]
    if "loss" in row:
        parts.append(f"loss {row['loss']:.4g}")
    if "score" in row:
        parts.append(f"validation {row['score']:.4g}")
    if "samples_per_second" in row:
        parts.append(f"{row['samples_per_second']:,.0f} samples/s")
    return ", ".join(parts)
