"""What a manifest must hold, checked once, so that one spoilt run never breaks a list of all."""

from collections.abc import Mapping
from typing import Any

from workbench.core import Estimate

__all__ = ["SCHEMA_VERSION", "STATES", "checked", "other_schema"]

SCHEMA_VERSION = 2
STATES = ("succeeded", "failed", "timed-out", "killed", "interrupted", "lost")
TEXTS = ("id", "study", "title", "state", "key", "started", "error")
# Absent from manifests of earlier versions.
LATER_TEXTS = ("kernel", "host", "source", "module", "cwd", "kernel_name")
MAPPINGS = ("params", "defaults", "summary", "versions", "key_parts")
NUMBER = (int, float)  # by exact type: a truth value is no number


def checked(record: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a run that a manifest tells, the optional ones filled in.

    Raises
    ------
    ValueError, KeyError, TypeError, OverflowError
        If something is missing, of another kind or beyond a float.
    """
    texts = {name: record[name] for name in TEXTS}
    texts |= {name: record.get(name) or "" for name in LATER_TEXTS}
    mappings = {name: record[name] for name in MAPPINGS} | {"cells": record.get("cells") or {}}
    memory = record.get("peak_memory")
    wrong = [name for name, text in texts.items() if not isinstance(text, str)]
    wrong += [name for name, told in mappings.items() if not isinstance(told, Mapping)]
    wrong += [] if isinstance(record["notes"], list | tuple) else ["notes"]
    wrong += [] if memory is None or type(memory) is int else ["peak_memory"]
    if wrong:
        raise TypeError(f"{', '.join(wrong)} must be of the kind that a manifest holds")
    if texts["state"] not in STATES:
        raise ValueError("state must be a known one")
    numbers = {name: _estimate(told) for name, told in mappings["summary"].items()}
    return texts | mappings | {"summary": numbers, "peak_memory": memory,
                               "seconds": _float(record["seconds"])}


def other_schema(version: object) -> str:
    """Why a run of another schema cannot be read, or nothing."""
    if type(version) is not int:
        raise TypeError("schema_version must be a whole number")
    if version > SCHEMA_VERSION:
        return (f"manifest.json was made by a newer workbench (schema {version}, this one reads "
                f"{SCHEMA_VERSION}). Update workbench to read it.")
    if version < SCHEMA_VERSION:
        return (f"manifest.json was made by an older workbench (schema {version}, this one reads "
                f"{SCHEMA_VERSION}). Run the study again.")
    return ""


def _estimate(told: Mapping[str, Any]) -> Estimate:
    for name in ("value", "low", "high", "level"):
        _float(told[name])
    if not (isinstance(told["unit"], str) and isinstance(told["why"], str)):
        raise TypeError("unit and why must be texts")
    return Estimate.from_record(told)


def _float(number: object) -> float | None:
    if number is not None and type(number) not in NUMBER:
        raise TypeError(f"a number must be written as one, got {type(number).__name__}")
    return None if number is None else float(number)  # type: ignore[arg-type]
