"""Finds every method card and every study, so that no list of them is kept by hand."""

import ast
import importlib
from functools import cache
from pathlib import Path
from typing import Any

from workbench.core import Card, check

__all__ = ["cards", "studies", "study"]

PACKAGE = Path(__file__).parent


@cache
def cards() -> dict[str, Card]:
    """Card of each method, by module name, in alphabetical order."""
    holders = [path for path in PACKAGE.glob("*/*.py") if _has_card(path)]
    return {path.stem: importlib.import_module(_dotted(path)).CARD
            for path in sorted(holders, key=lambda path: path.stem)}


def studies() -> dict[str, Any]:
    """Each study module, by name, in alphabetical order."""
    return {name: study(name) for name in _names()}


def study(name: str) -> Any:
    """One study module.

    Raises
    ------
    ValueError
        If there is no study of this name; the message suggests the nearest one.
    """
    check.one_of(_names(), study=name)
    return importlib.import_module(f"workbench.studies.{name}")


def _names() -> list[str]:
    return sorted(path.stem for path in (PACKAGE / "studies").glob("[a-z]*.py"))


def _has_card(path: Path) -> bool:
    source = path.read_text(encoding="utf-8")
    return "\nCARD = " in source and any(
        isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "CARD"
        for node in ast.parse(source).body)


def _dotted(path: Path) -> str:
    return ".".join(("workbench", *path.relative_to(PACKAGE).with_suffix("").parts))
