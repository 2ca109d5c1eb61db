"""Packages whose names are loaded by their first use, so that importing them loads no library."""

import importlib
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

__all__ = ["lazy"]


def lazy(package: str, files: Mapping[str, Sequence[str]], *, modules: Sequence[str] = ()
         ) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """The functions ``__getattr__`` and ``__dir__`` of a package (PEP 562).

    A package that uses them also imports the names under ``if TYPE_CHECKING:``, for type checkers
    and for the keys of runs, which follow those names that are asked for.

    Parameters
    ----------
    package : str
        Its ``__name__``.
    files : mapping of module, relative to the package, to its public names
        A name must not be that of a module at the top of the package, which would hide it.
    modules : sequence of str
        Modules that are offered themselves.

    Examples
    --------
    >>> __getattr__, __dir__ = lazy("workbench.core", {"weights": ("tilt",)}, modules=("check",))
    >>> __getattr__("tilt").__name__, __getattr__("check").__name__
    ('tilt', 'workbench.core.check')
    """
    homes = {name: file for file, names in files.items() for name in names}

    def load(name: str) -> Any:
        if name in modules:
            return importlib.import_module(f"{package}.{name}")
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(importlib.import_module(f"{package}.{homes[name]}"), name)
        setattr(sys.modules[package], name, value)
        return value

    def names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *homes, *modules})

    return load, names
