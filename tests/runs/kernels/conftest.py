"""One warm server for all tests here, and notebooks made of plain strings."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from nbformat.v4 import new_code_cell, new_notebook

from workbench.runs.kernels.launch import KernelOptions, kernel_manager
from workbench.runs.kernels.server import WarmServer


@dataclass
class Executed:
    """Cells after execution, the class of the kernel, and what its process printed."""

    cells: list[Any]
    kernel: Any
    printed: str

    @property
    def texts(self) -> list[str]:
        """What each cell printed or showed as plain text."""
        return ["".join(_plain(output) for output in cell.outputs).strip() for cell in self.cells]


def _plain(output):
    if output.output_type == "error":
        return f"{output.ename}: {output.evalue}"
    return output.text if output.output_type == "stream" else output.data.get("text/plain", "")


@pytest.fixture(scope="session")
def server() -> Iterator[WarmServer]:
    """A server with the heavy libraries; tests of other servers make their own."""
    with WarmServer(threads=2) as started:
        yield started


@pytest.fixture(params=["warm", "cold"])
def mode(request):
    """Server of the kernel, or none: every test that takes it holds for both."""
    return request.getfixturevalue("server") if request.param == "warm" else None


@pytest.fixture(scope="session")
def run(tmp_path_factory):
    """Execute cells: ``run(server or None, "code", ...)``; options as in KernelOptions."""

    def execute(server, *sources: str, allow_errors: bool = True, expect_warm: bool = True,
                **options: Any) -> Executed:
        notebook = new_notebook(cells=[new_code_cell(source) for source in sources])
        log = tmp_path_factory.mktemp("run") / "log.txt"
        settings = KernelOptions(server=server, **({"threads": 1} | options))
        with log.open("wb") as printed, kernel_manager(settings, printed) as kernel:
            client = NotebookClient(notebook, kernel_manager_class=kernel, timeout=300,
                                    allow_errors=allow_errors)
            with suppress(DeadKernelError, CellExecutionError):
                client.execute()
        if kernel.pid is not None and server is not None and expect_warm:
            assert kernel.is_warm, kernel.cold_reason
        return Executed(notebook.cells, kernel, log.read_text())

    return execute
