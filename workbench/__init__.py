"""How much should this count? Weighting methods as studies: notebook, report and page.

The rooms are imported on their own, for instance ``import workbench.inference``; this module
names them and imports none, so that it stays cheap and free of heavy libraries.
``workbench.record`` is `workbench.runs.record`, since every notebook may need it.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workbench.runs import record

__all__ = ["ROOMS", "__version__", "record"]

__version__ = "0.1.0"

ROOMS = ("core", "datasets", "inference", "plots", "reweighting", "runs", "studies", "ui")


def __getattr__(name: str) -> Any:
    if name != "record":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from workbench.runs import record

    return record
