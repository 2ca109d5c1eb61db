"""What papermill finds under the name of this engine.

Papermill loads it while it is itself being imported, perhaps by the engine, so nothing here may
import either of them before a notebook is executed.
"""

from typing import Any

__all__ = ["Engine"]


class Engine:
    """The engine of :mod:`workbench.runs.execution.engine`, imported when it is used."""

    @classmethod
    def execute_notebook(cls, *notebook: Any, **options: Any) -> Any:
        return _engine().execute_notebook(*notebook, **options)

    @classmethod
    def nb_kernel_name(cls, nb: Any, name: str | None = None) -> Any:
        return _engine().nb_kernel_name(nb, name)

    @classmethod
    def nb_language(cls, nb: Any, language: str | None = None) -> Any:
        return _engine().nb_language(nb, language)


def _engine() -> Any:
    from workbench.runs.execution import engine

    return engine.Engine
