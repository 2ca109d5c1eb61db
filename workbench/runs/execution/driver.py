"""Drive papermill with a kernel of this environment and the engine of this package.

Imported only when a notebook runs.
"""

import asyncio
import contextvars
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from jupyter_core.utils import ensure_event_loop
from papermill.engines import papermill_engines
from papermill.exceptions import PapermillExecutionError
from papermill.execute import execute_notebook, remove_error_markers

from workbench.runs.execution.engine import Conditions, Engine, Outcome
from workbench.runs.kernels.launch import kernel_manager

__all__ = ["run_notebook"]

EARLY_END = "SystemExit"
INPUT_REFUSED = "StdinNotImplementedError"

papermill_engines.register("workbench", Engine)


def run_notebook(notebook: Any, values: Mapping[str, Any], conditions: Conditions,
                 log: Path) -> Outcome:
    """Execute a notebook object; whatever goes wrong inside is an outcome, not an exception.

    Parameters
    ----------
    notebook : NotebookNode
    values : mapping
        Parameters, injected as literals.
    conditions : Conditions
    log : Path
        Receives what the kernel's process itself prints, and prints too long for the notebook.

    Raises
    ------
    OSError
        If the log cannot be written.
    """
    outcome = Outcome(notebook)
    contextvars.copy_context().run(_execute, outcome, values, conditions, log)
    outcome.notebook = remove_error_markers(outcome.notebook)
    _count(outcome)
    return outcome


def _execute(outcome: Outcome, values: Mapping[str, Any], conditions: Conditions,
             log: Path) -> None:
    """Executed in a context of its own, where the event loop is remembered that ends here."""
    notebook = outcome.notebook
    with ExitStack() as stack:
        stack.callback(_forget_loop, ensure_event_loop())
        printed = stack.enter_context(log.open("ab"))     # both append: neither overwrites
        log_file = stack.enter_context(log.open("a", encoding="utf-8", errors="replace"))
        manager = stack.enter_context(kernel_manager(conditions.kernel, printed))
        language = notebook.metadata.get("kernelspec", {}).get("language") or "python"
        try:
            execute_notebook(
                notebook, None, parameters=dict(values), engine_name="workbench",
                kernel_name=conditions.kernel.kernel or "python3", language=language,
                progress_bar=False, autosave_cell_every=0, start_timeout=conditions.start,
                kernel_manager_class=manager, conditions=conditions, outcome=outcome,
                log_file=log_file)
        except PapermillExecutionError as failure:
            if outcome.state == "succeeded":
                outcome.state, outcome.error = "failed", _cause(failure)
        except RuntimeError as failure:
            if manager.has_started:
                raise
            outcome.state = "failed"
            outcome.error = f"the kernel did not start ({failure}); log.txt may tell why"
        outcome.warm = manager.is_warm
    weighed = (outcome.peak_memory, manager.peak_memory)  # the first is none for a short run
    outcome.peak_memory = max((each for each in weighed if each), default=None)


def _forget_loop(loop: asyncio.AbstractEventLoop) -> None:
    loop.close()
    asyncio.set_event_loop(None)


def _cause(failure: Any) -> str:
    first = next(iter(str(failure.evalue).strip().splitlines()), "")
    if failure.ename == INPUT_REFUSED:
        return (f"{INPUT_REFUSED}: a cell asked for keyboard input, which a run has not. Make "
                "it a parameter.")
    return f"{failure.ename}: {first}" if first else str(failure.ename)


def _count(outcome: Outcome) -> None:
    """Count the cells that were executed to their end, and say when one ended the rest."""
    cells = [cell for cell in outcome.notebook.cells if cell.cell_type == "code"
             and "injected-parameters" not in cell.metadata.get("tags", [])]
    status = [cell.metadata.get("papermill", {}).get("status") for cell in cells]
    outcome.total = len(cells)
    early = [cell for cell in cells for output in cell.get("outputs", [])
             if output.output_type == "error" and output.ename == EARLY_END]
    if outcome.state == "succeeded" and early:
        early[0].metadata.papermill.update(status="completed", exception=False)
        status = [cell.metadata.papermill.status for cell in cells]
    outcome.done = status.count("completed")


