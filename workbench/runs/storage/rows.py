"""One line of the run table: what a list shows, without the rest of the manifest."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from workbench.core import Estimate, Summary
from workbench.runs.storage.folder import Run

__all__ = ["Row"]


@dataclass(frozen=True)
class Row:
    """A run as a list shows it; names and meaning as in :class:`workbench.runs.Run`."""

    id: str
    study: str
    title: str
    state: str
    key: str
    started: str
    seconds: float
    error: str
    facts: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, run: Run) -> "Row":
        """Row of a run that is not in the catalogue."""
        facts = {"params": run.params, "defaults": run.defaults, "kernel": run.kernel,
                 "cells": run.cells, "host": run.host}
        return cls(run.id, run.study, run.title, run.state, run.key, run.started, run.seconds,
                   run.error, facts)

    @property
    def params(self) -> Mapping[str, Any]:
        """Values of the run."""
        return self.facts.get("params", {})

    @property
    def values(self) -> dict[str, Any]:
        """Parameters in full: those given, and the defaults of all others."""
        return {**self.facts.get("defaults", {}), **self.params}

    @property
    def changed(self) -> dict[str, Any]:
        """Parameters that differ from their defaults."""
        defaults = self.facts.get("defaults", {})
        return {name: value for name, value in self.params.items()
                if name not in defaults or value != defaults[name]}

    @cached_property
    def summary(self) -> Summary:
        """Headline numbers and notes."""
        numbers = self.facts.get("summary", {})
        return Summary({name: Estimate.from_record(told) for name, told in numbers.items()},
                       tuple(map(str, self.facts.get("notes", ()))))

    @property
    def kernel(self) -> str:
        """How the kernel was started."""
        return self.facts.get("kernel") or ""

    @property
    def peak_memory(self) -> int | None:
        """Of the kernel [bytes]."""
        return self.facts.get("peak_memory")

    @property
    def cells(self) -> Mapping[str, int]:
        """Code cells "done" and "total"."""
        return self.facts.get("cells") or {}

    @property
    def host(self) -> str:
        """Machine that executed the run."""
        return self.facts.get("host") or ""
