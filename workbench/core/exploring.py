"""``study.explore()``: the page of a study inside a notebook.

Pages stand above studies, so no study imports them: they are found by their name when somebody
asks for them (docs/decisions/0017).
"""

import importlib
import sys
from typing import Any

__all__ = ["offer"]

PAGES = "workbench.ui"


def offer(name: str) -> None:
    """Give a study, while it is imported, the function ``explore`` unless it has its own.

    Parameters
    ----------
    name : str
        Of the study's module; what a user types into a notebook is no module and stays as it is.
    """
    module = sys.modules.get(name)
    if module is None or name == "__main__" or hasattr(module, "explore"):
        return

    def explore(**values: Any) -> Any:
        """Show controls, numbers and figures of this study in a notebook, live.

        Parameters
        ----------
        **values
            Parameters that differ from the defaults.
        """
        return importlib.import_module(PAGES).explore(sys.modules[name], **values)

    setattr(module, "explore", explore)  # noqa: B010 - a module declares no such attribute
