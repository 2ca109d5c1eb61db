"""Why one run's key is not another's: which component differs, and how."""

import html
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from workbench.runs.keys import environment, fingerprint
from workbench.runs.keys.differences import Difference, differences, inputs
from workbench.runs.storage.folder import Run
from workbench.runs.storage.names import ENVIRONMENTS
from workbench.runs.storage.store import Store

__all__ = ["Difference", "Why", "why", "why_not"]

Parts = Mapping[str, Any]

LOOK_BACK = 100                      # earlier runs among which the same parameters are sought


@dataclass(frozen=True, repr=False)
class Why:
    """What differs between two keys; prints as lines and shows as a list.

    Parameters
    ----------
    before, after : str
        What is compared.
    differences : tuple of Difference
    notes : tuple of str
        What could not be compared, and why a run is executed although nothing differs.
    complete : bool
        Whether every component could be compared.
    """

    before: str
    after: str
    differences: tuple[Difference, ...] = ()
    notes: tuple[str, ...] = ()
    complete: bool = True

    @property
    def headline(self) -> str:
        """How much differs, in one sentence."""
        if not self.before:
            return f"{self.after} has no earlier run to compare with."
        count = len(self.differences)
        if count:
            things = "one thing" if count == 1 else f"{count} things"
            return f"From {self.before} to {self.after}, {things} changed:"
        if not self.complete:
            return f"{self.before} and {self.after} cannot be compared in full."
        return f"Nothing that decides a result differs between {self.before} and {self.after}."

    def __repr__(self) -> str:
        lines = [self.headline, *(f"  {each}" for each in self.differences)]
        return "\n".join(lines + [f"Note: {note}" for note in self.notes])

    def _repr_html_(self) -> str:
        def entries(kind: str, texts: tuple[Any, ...]) -> str:
            found = "".join(f"<li>{html.escape(str(text))}</li>" for text in texts)
            return f"<ul class='{kind}'>{found}</ul>" if found else ""

        return (f"<p>{html.escape(self.headline)}</p>" + entries("why", self.differences)
                + entries("notes", self.notes))


def why(before: Any, after: Any = None, *, store: Any = None) -> Why:
    """Which components of the key differ between two runs, or between a run and today.

    Parameters
    ----------
    before, after : Run, str or mapping
        Run, identifier of one or beginning of a key, or :func:`fingerprint.key_parts`. Without
        `after`, what a run of the same study and parameters would be today.
    store : Store, Path or URL, optional
        Where the runs and the lists of packages are; the default store otherwise.

    Returns
    -------
    why : Why

    Raises
    ------
    ValueError
        If there is no such run, or nothing can be said about today.
    """
    room = Store.of(store)
    first, old = _parts(before, room, "the first key")
    if after is not None:
        second, new = _parts(after, room, "the second key")
        return _why((first, second), old, new, room)
    run = room.load(before) if isinstance(before, str) else before
    if not isinstance(run, Run):
        raise ValueError(f"after must be given when before is no run, got {type(before).__name__} "
                         "alone. Pass two keys.")
    from workbench.runs.inputs.task import Task

    return _why((first, "today"), old, Task.of_run(run, {}).key_parts, room)


def why_not(name: str, parts: Mapping[str, Any], *, store: Any = None) -> Why:
    """Why a report would execute a study again, compared with the newest run that it could be.

    Parameters
    ----------
    name : str
        Of the study or notebook.
    parts : mapping
        :func:`fingerprint.key_parts` of what would be executed.
    store : Store, Path or URL, optional

    Returns
    -------
    why : Why
        Against the newest succeeded run of the same parameters, else the newest succeeded one.
    """
    room = Store.of(store)
    earlier = room.runs(name, states=("succeeded",), limit=LOOK_BACK)
    if not earlier:
        return Why("", name)
    nearest = next((run for run in earlier if run.key == fingerprint.key_of(parts)), None) or next(
        (run for run in earlier if run.key_parts.get("params") == parts.get("params")), earlier[0])
    found = _why((nearest.id, "today"), nearest.key_parts, parts, room)
    obstacle = fingerprint.obstacle(parts)
    if obstacle:
        found = replace(found, notes=(*found.notes, f"It is executed each time: {obstacle}."))
    return found


def _parts(what: Any, store: Store, label: str) -> tuple[str, Parts]:
    run = store.load(what) if isinstance(what, str) else what
    if isinstance(run, Run):
        return run.id, run.key_parts
    if isinstance(run, Mapping):
        return label, run
    raise ValueError(f"{label} must be a run, its name or its key's parts, got {run!r}. "
                     "List runs with list_runs().")


def _why(labels: tuple[str, str], old: Parts, new: Parts, store: Store) -> Why:
    notes = [note for label, parts in zip(labels, (old, new), strict=True)
             if (note := _unknown_schema(label, parts))]
    if not notes:
        found, more = differences(old, new, lambda name: _recalled(name, store))
        return Why(*labels, tuple(found), tuple(more))
    if not (old and new):
        return Why(*labels, (), (*notes, "Nothing could be compared."), complete=False)
    return Why(*labels, tuple(inputs(old, new)),
               (*notes, "Only parameters and Python were compared."), complete=False)


def _unknown_schema(label: str, parts: Parts) -> str:
    if not parts:
        return f"{label} kept no parts of its key."
    schema = parts.get("schema")
    if schema == fingerprint.KEY_SCHEMA:
        return ""
    return (f"{label} has a key of schema {schema!r}, this workbench writes "
            f"{fingerprint.KEY_SCHEMA}; keys of different schemas are never equal.")


def _recalled(name: str, store: Store) -> Mapping[str, str] | None:
    here = environment.environment()
    if name == here.hash:
        return here.packages
    if not environment.HASH.fullmatch(name):
        return None
    path = store.fetch(f"{ENVIRONMENTS}/{name}.json")
    return None if path is None else environment.recalled(path.parent, name)
