"""Drive papermill with a kernel of this environment and keep what it would lose.

Papermill alone takes the kernel from the user's Jupyter, forgets the notebook when the kernel
dies, and calls the cell that killed it completed. Imported only when a notebook runs.
"""

import os
import signal
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient.exceptions import DeadKernelError
from papermill.engines import NBClientEngine, papermill_engines
from papermill.exceptions import PapermillExecutionError
from papermill.execute import execute_notebook, remove_error_markers

__all__ = ["Outcome", "run_notebook"]


@dataclass
class Outcome:
    """Executed notebook and, when it failed, the cause in one line."""

    notebook: Any
    error: str = ""


class Engine(NBClientEngine):
    """Papermill's engine, which also hands out the notebook and marks the cell that died."""

    @classmethod
    def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, *, outcome: Outcome,
                                 **options: Any) -> Any:
        outcome.notebook = nb_man.nb
        try:
            return super().execute_managed_notebook(nb_man, kernel_name, **options)
        except DeadKernelError:
            outcome.error = _mark_death(nb_man.nb, options["kernel_manager_class"].exit_code)
            raise


class _OwnKernelSpecs(KernelSpecManager):
    """Knows one kernel: the Python that runs this, whatever Jupyter has registered."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:  # noqa: ARG002 - one for all names
        argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        return KernelSpec(argv=argv, display_name="Python", language="python")


papermill_engines.register("workbench", Engine)


def run_notebook(notebook: Any, values: dict[str, Any], environment: dict[str, str], log: Path,
                 on_cell: Callable[[int, int, str], None] | None = None) -> Outcome:
    """Execute a notebook object; a failing cell or kernel is an outcome, not an exception.

    Parameters
    ----------
    notebook : NotebookNode
    values : dict
        Parameters, injected as literals.
    environment : dict
        Added to the kernel's environment.
    log : Path
        Receives what the kernel's process itself prints.
    on_cell : callable, optional
        Called with position (from 1), number of code cells and name as each one starts.
    """
    outcome = Outcome(notebook)
    options = {} if on_cell is None else {"on_cell_start": _announcer(notebook, on_cell)}
    with tempfile.TemporaryDirectory(prefix="wb-") as private, log.open("wb") as printed:
        environment = environment | {"IPYTHONDIR": private, "PYTHONHASHSEED": "0"}
        manager = _kernel_manager(Path(private), environment, printed)
        try:
            execute_notebook(
                notebook, None, parameters=values, engine_name="workbench", kernel_name="python3",
                language="python", progress_bar=False, autosave_cell_every=0, outcome=outcome,
                kernel_manager_class=manager, **options)
        except PapermillExecutionError as failure:
            outcome.error = _cause(failure)
        except DeadKernelError:
            pass  # the engine has told the cause
        except RuntimeError as failure:
            if manager.has_started:
                raise
            outcome.error = f"the kernel did not start ({failure}); log.txt may tell why"
    outcome.notebook = remove_error_markers(outcome.notebook)
    return outcome


def _kernel_manager(private: Path, environment: dict[str, str], printed: Any) -> Any:
    """Class of a kernel that talks over sockets in a private folder, so that no port is open."""

    class RunKernel(AsyncKernelManager):
        exit_code: int | None = None
        has_started = False

        def __init__(self, **traits: Any):
            sockets = ({"transport": "ipc", "ip": str(private / "k")} if os.name == "posix"
                       else {})
            super().__init__(kernel_spec_manager=_OwnKernelSpecs(),
                             connection_file=str(private / "kernel.json"), **sockets, **traits)

        async def start_kernel(self, **options: Any) -> None:
            await super().start_kernel(env=os.environ | environment, stdout=printed,
                                       stderr=printed, **options)

        async def is_alive(self) -> bool:
            alive = bool(await super().is_alive())
            if alive:
                type(self).has_started = True
            elif self.provisioner is not None and self.provisioner.process is not None:
                type(self).exit_code = self.provisioner.process.returncode
            return alive

    return RunKernel


def _announcer(notebook: Any, on_cell: Callable[[int, int, str], None]) -> Callable[..., None]:
    total = sum(cell.cell_type == "code" for cell in notebook.cells)
    done = 0

    def announce(cell: Any, **_: Any) -> None:
        nonlocal done
        injected = "injected-parameters" in cell.metadata.get("tags", [])
        if cell.cell_type == "code" and not injected:
            done += 1
            on_cell(done, total, str(cell.get("id", done)))

    return announce


def _mark_death(notebook: Any, exit_code: int | None) -> str:
    from nbformat.v4 import new_output

    begun = [cell for cell in notebook.cells
             if cell.cell_type == "code" and cell.metadata.papermill.get("start_time")]
    if not begun:
        return f"the kernel {_death(exit_code)} before the first cell"
    cell = begun[-1]
    cause = f"the kernel {_death(exit_code)} in cell {cell.get('id')!r}"
    cell.metadata.papermill.update(status="failed", exception=True)
    cell.outputs.append(new_output("error", ename="DeadKernel", evalue=cause, traceback=[cause]))
    return cause


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


def _cause(failure: Any) -> str:
    first = next(iter(str(failure.evalue).strip().splitlines()), "")
    return f"{failure.ename}: {first}" if first else str(failure.ename)
