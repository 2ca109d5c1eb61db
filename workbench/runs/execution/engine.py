"""Papermill's engine of this package: truthful about what happened, whatever happened.

Papermill alone forgets the notebook when the kernel dies and calls the cell that killed it
completed. As an engine this also serves ``papermill in.ipynb out.ipynb --engine workbench``
(see `entry`).
"""

import logging
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from nbclient.exceptions import DeadKernelError
from nbformat import ValidationError
from nbformat.v4 import new_output
from papermill.engines import NBClientEngine
from papermill.log import logger

from workbench.runs.execution.client import Client, Stopped
from workbench.runs.execution.events import OnCell
from workbench.runs.execution.limits import Cancellation, Limits, Watch
from workbench.runs.kernels.launch import KernelOptions

__all__ = ["Conditions", "Engine", "Outcome"]

TOLD_ELSEWHERE = logging.getLogger("workbench.runs")    # what goes wrong is in the outcome
TOLD_ELSEWHERE.addHandler(logging.NullHandler())


@dataclass(frozen=True)
class Conditions:
    """How a notebook is executed; nothing here is meant to change a result.

    Parameters
    ----------
    kernel : KernelOptions
    limits : Limits
    cancelled : Cancellation
    on_cell : callable, optional
        Called with position (from 1), number of code cells and name as each one starts.
    start : float
        Seconds that a kernel may take to start.
    beat : callable, optional
        Called now and then while the run goes on.
    """

    kernel: KernelOptions
    limits: Limits = field(default_factory=Limits)
    cancelled: Cancellation = field(default_factory=Cancellation)
    on_cell: OnCell | None = None
    start: float = 60
    beat: Callable[[], None] | None = None


@dataclass
class Outcome:
    """Executed notebook, how it ended, and the cause in one line when it did not end well."""

    notebook: Any
    state: str = "succeeded"
    error: str = ""
    done: int = 0
    total: int = 0
    peak_memory: int | None = None
    warm: bool = False


class Engine(NBClientEngine):
    """Executes under a watch, marks the cell that ended the run and says why."""

    @classmethod
    def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, *,
                                 conditions: Conditions | None = None,
                                 outcome: Outcome | None = None, log_file: Any = None,
                                 execution_timeout: float | None = None,
                                 start_timeout: float = 60, **options: Any) -> Any:
        told = outcome or Outcome(nb_man.nb)
        told.notebook = nb_man.nb
        limits = conditions.limits if conditions else Limits(cell=execution_timeout)
        watch = Watch(_narrowed(limits, nb_man.nb), conditions.cancelled if conditions else None,
                      conditions.beat if conditions else None)
        client = Client(nb_man, watch=watch, log_file=log_file, kernel_name=kernel_name,
                        on_cell=conditions.on_cell if conditions else None,
                        log=TOLD_ELSEWHERE if outcome else logger,
                        startup_timeout=int(start_timeout),
                        **{name: value for name, value in options.items()
                           if name in Client.class_trait_names()})
        watch.start()
        try:
            return client.execute()
        except (DeadKernelError, Stopped) as death:
            state, reason = _cause(watch, options.get("kernel_manager_class"))
            _blame(told, state, reason, "DeadKernel")
            if outcome is None and isinstance(death, DeadKernelError):
                raise
            return nb_man.nb
        except ValidationError as refusal:   # of an output, before it was in the notebook
            first = str(refusal).partition("\n")[0]
            _blame(told, "failed", f"an output is none that a notebook may hold: {first}",
                   "InvalidOutput")
            return nb_man.nb
        finally:
            watch.end()
            told.peak_memory = watch.peak_memory or None
            if watch.verdict and told.state == "succeeded":
                told.state = watch.verdict
                told.error = _placed(watch.reason, _running(told.notebook))


def _narrowed(limits: Limits, notebook: Any) -> Limits:
    """The limits with the notebook's own time limit of a cell, when that is shorter."""
    own = notebook.metadata.get("execution", {}).get("timeout")
    if not isinstance(own, int | float) or isinstance(own, bool) or not own > 0:
        return limits
    cell = own if limits.cell is None else min(own, limits.cell)
    return Limits(limits.run, cell, limits.memory, limits.output)


def _cause(watch: Watch, manager: Any) -> tuple[str, str]:
    """State and cause of a kernel's end."""
    if watch.verdict:
        return watch.verdict, watch.reason
    return "killed", f"the kernel {_death(getattr(manager, 'exit_code', None))}"


def _blame(outcome: Outcome, state: str, reason: str, name: str) -> None:
    """Say how the run ended, and mark the cell in which it did with an error of this name."""
    cell = _running(outcome.notebook)
    outcome.state, outcome.error = state, _placed(reason, cell)
    if cell is not None:
        cell.metadata.papermill.update(status="failed", exception=True)
        cell.outputs.append(new_output("error", ename=name, evalue=outcome.error,
                                       traceback=[outcome.error]))


def _running(notebook: Any) -> Any:
    """Code cell that began last, or nothing."""
    begun = [cell for cell in notebook.cells if cell.cell_type == "code"
             and cell.metadata.get("papermill", {}).get("start_time")]
    return begun[-1] if begun else None


def _placed(reason: str, cell: Any) -> str:
    return f"{reason} at the start" if cell is None else f"{reason} in cell {cell.get('id')!r}"


def _death(exit_code: int | None) -> str:
    if exit_code is None:
        return "died"
    if exit_code >= 0:
        return f"ended with exit code {exit_code}"
    try:
        name = signal.Signals(-exit_code).name
    except ValueError:
        name = f"signal {-exit_code}"
    reason = ", often because memory ran out," if name == "SIGKILL" else ""
    return f"was ended by {name}{reason}"
