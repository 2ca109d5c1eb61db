"""How the parts of two keys differ, component by component."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from workbench.runs.keys import fingerprint
from workbench.runs.keys.data import TOO_MANY

__all__ = ["Difference", "differences", "inputs"]

CHANGED = "changed"
LONGEST = 60
Parts = Mapping[str, Any]
Recall = Callable[[str], Mapping[str, str] | None]


@dataclass(frozen=True)
class Difference:
    """One thing that differs: its kind, its name, and both values in words.

    `old` or `new` is empty where only the other one has it; both are "changed" where contents
    are told apart by their hashes alone.
    """

    kind: str
    name: str
    old: str
    new: str

    def __str__(self) -> str:
        name = f"{self.kind} {self.name}".strip()
        if self.old and self.new:
            same = self.old == self.new      # hashes, or texts too long to show
            return f"{name} changed" if same else f"{name}: {self.old} → {self.new}"
        value = self.new or self.old
        told = "" if value == CHANGED else f" ({value})"
        return f"{name}{told} is {'new' if self.new else 'gone'}"


def differences(old: Parts, new: Parts, recall: Recall) -> tuple[list[Difference], list[str]]:
    """Everything that differs between the parts of two keys, and what could not be told.

    Parameters
    ----------
    old, new : mapping
        As from :func:`workbench.runs.keys.fingerprint.key_parts`.
    recall : callable
        Packages of the environment of a hash, or None.
    """
    packages, notes = _packages(old, new, recall)
    found = [*_cells(old, new), *_entries("parameter", old, new, "params", _literal),
             *_entries("source", old, new, "code", lambda _: CHANGED),
             *_entries("data", old, new, "data", _file), *packages,
             *_plain("python", "Python", old, new), *_plain("device", "device", old, new),
             *_plain("kernel", "kernel", old, new), *_plain("cache", "cache", old, new)]
    if not found and fingerprint.key_of(old) != fingerprint.key_of(new):
        found = [Difference("component", name, CHANGED, CHANGED)
                 for name in sorted({*old, *new}) if old.get(name) != new.get(name)]
    return found, notes


def inputs(old: Parts, new: Parts) -> list[Difference]:
    """Differences of parameters and Python, which have meant the same in every schema."""
    return [*_entries("parameter", old, new, "params", _literal),
            *_plain("python", "Python", old, new)]


def _cells(old: Parts, new: Parts) -> Iterator[Difference]:
    before, after = _pairs(old), _pairs(new)
    if [content for _, content in before] == [content for _, content in after]:
        return
    known, now = dict(before), dict(after)
    found = [Difference("cell", name, CHANGED, CHANGED) for name in known
             if name in now and now[name] != known[name]]
    found += [Difference("cell", name, CHANGED, "") for name in known
              if name not in now and known[name] not in now.values()]
    found += [Difference("cell", name, "", CHANGED) for name in now
              if name not in known and now[name] not in known.values()]
    yield from found or [Difference("order", "of the cells", CHANGED, CHANGED)]


def _pairs(parts: Parts) -> list[tuple[str, str]]:
    found = parts.get("cells")
    cells = found if isinstance(found, list) else []
    return [(str(cell[0]), str(cell[1])) for cell in cells
            if isinstance(cell, list | tuple) and len(cell) == 2]


def _entries(kind: str, old: Parts, new: Parts, component: str,
             words: Callable[[Any], str]) -> Iterator[Difference]:
    before, after = _mapping(old, component), _mapping(new, component)
    for name in dict.fromkeys((*before, *after)):
        # Texts are compared, since 1 and 1.0 are one number and two parameters.
        there = [json.dumps(side[name]) if name in side else None for side in (before, after)]
        if there[0] != there[1]:
            yield Difference(kind, name, *(words(side[name]) if name in side else ""
                                           for side in (before, after)))


def _mapping(parts: Parts, component: str) -> Mapping[str, Any]:
    found = parts.get(component)
    return found if isinstance(found, Mapping) else {}


def _literal(value: Any) -> str:
    number = value.get("float") if isinstance(value, Mapping) and len(value) == 1 else None
    text = str(number or json.dumps(value, ensure_ascii=False))
    return text if len(text) <= LONGEST else f"{text[:LONGEST - 1]}…"


def _file(digest: Any) -> str:
    if digest is None or digest == TOO_MANY:
        return digest or "no file"
    return f"content {str(digest)[:8]}"


def _plain(component: str, name: str, old: Parts, new: Parts) -> Iterator[Difference]:
    before, after = old.get(component, ""), new.get(component, "")
    if before != after:
        yield Difference("", name, str(before) or "none", str(after) or "none")


def _packages(old: Parts, new: Parts, recall: Recall) -> tuple[list[Difference], list[str]]:
    names = str(old.get("environment", "")), str(new.get("environment", ""))
    if names[0] == names[1]:
        return [], []
    before, after = (recall(name) for name in names)
    if before is None or after is None:
        return [Difference("", "installed packages", CHANGED, CHANGED)], [
            "The store has not kept both lists of packages, so they cannot be named."]
    lists = {"packages": before}, {"packages": after}
    return list(_entries("package", *lists, "packages", str)), []
