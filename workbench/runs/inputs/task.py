"""One notebook and one parameter set, before anything is executed; and how to execute many."""

import importlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from workbench.core import ParameterError, Params, check
from workbench.runs.execution.limits import NO_LIMITS, Limits
from workbench.runs.inputs import foreign, notebooks
from workbench.runs.keys import fingerprint
from workbench.runs.storage.folder import Run

__all__ = ["Settings", "Task"]


@dataclass(frozen=True)
class Task:
    """What one run will execute: plain data, so that it can travel to another process.

    Parameters
    ----------
    notebook : Path
        The notebook that is executed.
    values : mapping
        Parameters that are injected: numbers, texts, truth values, lists, mappings or none.
    name : str
        Of the study, else of the notebook.
    title : str
    study : str
        Module of the study, such as ``workbench.studies.opinion_trends``; nothing for a notebook
        without one.
    defaults : mapping
        What the study declares.
    kernel : str
        Kernel of another language; nothing for the Python that runs this.
    cwd : Path, optional
        Where the kernel works; the current folder by default.
    varied : tuple of str
        Parameters that vary over the tasks of a sweep.
    """

    notebook: Path
    values: Mapping[str, Any]
    name: str
    title: str
    study: str = ""
    defaults: Mapping[str, Any] = field(default_factory=dict)
    kernel: str = ""
    cwd: Path | None = None
    varied: tuple[str, ...] = ()

    @classmethod
    def of_study(cls, study: Any, params: Params, notebook: Path | None = None) -> "Task":
        """Task of a study and an instance of its `Params`.

        Raises
        ------
        TypeError
            If `params` is not an instance of the study's `Params`.
        """
        if not isinstance(params, study.Params):
            raise TypeError(f"params must be an instance of the study's Params, got {params!r}. "
                            "Build it with study.Params(...).")
        source = fingerprint.notebook_path(study) if notebook is None else Path(notebook)
        return cls(source.absolute(), params.values(), fingerprint.study_name(study), study.TITLE,
                   study.__name__, params.defaults())

    @classmethod
    def of(cls, study: Any, values: Mapping[str, Any]) -> "Task":
        """Task of a study, or of the notebook at a path, with the values that differ.

        Raises
        ------
        ParameterError
            If the values are refused.
        ValueError
            If the notebook cannot be read.
        """
        plain = foreign.plain(values)
        if not isinstance(study, str | Path):
            return cls.of_study(study, study.Params(**plain))
        path = Path(study).absolute()
        content = notebooks.load(path)
        return cls(path, plain, path.stem, _title(content) or path.stem,
                   defaults=foreign.defaults(content), kernel=foreign.kernel_of(content))

    @classmethod
    def of_texts(cls, study: Any, texts: Mapping[str, str],
                 values: Mapping[str, Any] | None = None) -> "Task":
        """Task of a study or notebook with values written as texts, typed where it is declared.

        What is in `values` is typed already; only a study, which knows better, types its texts.

        Raises
        ------
        ParameterError
            If the values are refused.
        """
        known = dict(values or {})
        if isinstance(study, str | Path):
            return cls.of(study, {**foreign.parameters(texts.items()), **known})
        words = {**texts, **{name: each for name, each in known.items() if isinstance(each, str)}}
        parsed = study.Params.parse(words).values()
        return cls.of(study, {**known, **{name: parsed[name] for name in words}})

    @classmethod
    def of_run(cls, run: Run, texts: Mapping[str, str]) -> "Task":
        """Task of a saved run, with some parameters changed by texts.

        Raises
        ------
        ParameterError
            If today's study refuses the parameters.
        ValueError
            If the study or the notebook is gone.
        """
        if run.module:
            study = _module(run)
            known = {name: value for name, value in run.params.items()
                     if name in study.Params.declared() and name not in texts}
            return cls.of_texts(study, texts, known)
        task = cls.of(Path(run.source), {**run.params, **foreign.parameters(texts.items())})
        return replace(task, kernel=run.kernel_name or task.kernel,
                       cwd=Path(run.cwd) if run.cwd else None)

    def refuse(self, content: Any) -> None:
        """Refuse parameters that the notebook does not take.

        Raises
        ------
        ParameterError
            Naming each of them.
        """
        problems = (foreign.undeclared(content, self.values) if self.study
                    else foreign.problems(content, self.values))
        if problems:
            raise ParameterError(problems)

    @property
    def module(self) -> Any:
        """The study, imported; none for a notebook without one."""
        return importlib.import_module(self.study) if self.study else None

    @cached_property
    def key_parts(self) -> dict[str, Any]:
        """Everything that decides the result."""
        return fingerprint.key_parts(self.notebook, self.values, study=self.module,
                                     folder=self.cwd, kernel=self.kernel,
                                     defaults=self.defaults)

    @cached_property
    def key(self) -> str:
        """Hash of the parts."""
        return fingerprint.key_of(self.key_parts)

    @property
    def changed(self) -> dict[str, Any]:
        """Values that differ from their defaults."""
        return {name: value for name, value in self.values.items()
                if name not in self.defaults or value != self.defaults[name]}

    @property
    def label(self) -> str:
        """Name, and the values that are changed or vary, in one line."""
        told = {name: value for name, value in self.values.items()
                if name in self.changed or name in self.varied}
        words = ", ".join(f"{name}={_short(value)}" for name, value in told.items())
        return f"{self.name} {words}".strip()

    def about(self) -> dict[str, Any]:
        """What a manifest tells of the task."""
        return {"study": self.name, "title": self.title, "module": self.study,
                "source": str(self.notebook), "cwd": str(self.cwd or ""),
                "kernel_name": self.kernel, "params": dict(self.values),
                "defaults": dict(self.defaults), "seed": self.values.get("seed"),
                "key": self.key, "key_parts": self.key_parts,
                "versions": fingerprint.versions()}


@dataclass(frozen=True)
class Settings:
    """How runs are carried out; no setting is meant to change a result.

    Parameters
    ----------
    workers : int >= 1, optional
        Runs at a time; by default as many as cores and memory allow.
    limits : Limits
    force : bool
        Execute again what is already in the store.
    cold : bool
        Start each kernel anew instead of forking it from one that has imported the libraries.
    warm : tuple of str, optional
        What the fork server imports; by default the large libraries that the notebooks use.
    fail_fast : bool
        Start nothing more after the first run that does not succeed.
    single_file : bool
        Put style and scripts into each report instead of beside it.
    scheduler : str
        Address of a dask scheduler, or ``local`` for a cluster on this machine.

    Raises
    ------
    ValueError
        If `workers` is not positive.
    """

    workers: int | None = None
    limits: Limits = NO_LIMITS
    force: bool = False
    cold: bool = False
    warm: tuple[str, ...] | None = None
    fail_fast: bool = False
    single_file: bool = False
    scheduler: str = ""

    def __post_init__(self) -> None:
        if self.workers is not None:
            check.positive(workers=self.workers, hint="Leave it out for as many as fit.")


def _module(run: Run) -> Any:
    try:
        return importlib.import_module(run.module)
    except ImportError as problem:
        raise ValueError(f"run must be of a study that can be imported, got {run.id!r} of "
                         f"{run.module!r} ({problem}). Restore the study.") from None


def _title(content: Any) -> str:
    """First heading of a notebook's text."""
    lines = (line for cell in content.cells if cell.cell_type == "markdown"
             for line in cell.source.splitlines())
    return next((line.lstrip("# ").strip() for line in lines if line.startswith("#")), "")


def _short(value: Any) -> str:
    plain = isinstance(value, str) and value.isprintable()
    text = value if plain else json.dumps(value)      # no control character for the terminal
    return text if len(text) <= 40 else f"{text[:39]}…"

