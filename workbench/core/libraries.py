"""Libraries that announce themselves on import, imported quietly and only when needed."""

import importlib
import warnings
from typing import Any

__all__ = ["arviz"]


def arviz() -> Any:
    """ArviZ, without the announcement of its next release that it makes once a day."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        return importlib.import_module("arviz")
