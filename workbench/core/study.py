"""The study as the one declaration.

A study is a module with `TITLE`, `Params`, `SMOKE`, `run` and `figures`. Command line, notebook
cell, page widgets, URL and run manifest are all derived from its `Params`.
"""

import contextlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol

import param

from workbench.core import check, exploring
from workbench.core.result import Result

__all__ = ["Column", "ParameterError", "Params", "Study"]


class ParameterError(ValueError):
    """Every problem of one request, one sentence each."""

    def __init__(self, problems: list[str]):
        self.problems = problems
        super().__init__("\n".join(problems))


@dataclass(frozen=True)
class Column:
    """What a parameter that names a column of the user's file asks of that column.

    Parameters
    ----------
    kind : str
        ``date``; ``number``; ``target``, a number to predict; ``weight``, a number >= 0;
        ``time``, a date or a number; ``group``, anything with few values; ``name``, anything;
        ``value``, no column but one of the values of the column `of`.
    required : bool
        Whether a run needs the column; any other may be left empty.
    of : str
        The column whose value is chosen.
    names : tuple of str
        What such a column is usually called, best first, to guess it.
    """

    kind: Literal["date", "number", "target", "weight", "time", "group", "name", "value"]
    required: bool = False
    of: str = ""
    names: tuple[str, ...] = ()


class Params(param.Parameterized):
    """Parameters of a study: declared once with `param`, validated all at once.

    Beside them stands what a page, a widget in a notebook and a command need to take the user's
    own file: which parameters name files, of which content, and which name columns of a table.

    Raises
    ------
    ParameterError
        Naming each unknown name, wrong type and value out of bounds, with the remedy.
    """

    hidden: ClassVar[frozenset[str]] = frozenset({"name"})
    paths: ClassVar[frozenset[str]] = frozenset()   # parameters that may name a file
    files: ClassVar[Mapping[str, Literal["table", "images", "any"]]] = {}    # may be given
    columns: ClassVar[Mapping[str, Column]] = {}    # parameters that name columns of the table

    def __init_subclass__(cls, **more: Any):
        super().__init_subclass__(**more)
        if cls.__name__ == "Params":      # the one declaration of a study, in the study's module
            exploring.offer(cls.__module__)

    def __init__(self, **values: Any):
        problems = self.problems(values)
        if problems:
            raise ParameterError(problems)
        super().__init__(**values)

    @classmethod
    def declared(cls) -> dict[str, param.Parameter]:
        """Parameters in the order of their declaration."""
        return {name: cls.param[name] for name in cls.param if name not in cls.hidden}

    @classmethod
    def defaults(cls) -> dict[str, Any]:
        """Default of each parameter."""
        return {name: declared.default for name, declared in cls.declared().items()}

    @classmethod
    def problems(cls, values: Mapping[str, Any]) -> list[str]:
        """One sentence for each value that cannot be used, alone or beside the others."""
        return cls.faults(values) or cls.conflicts({**cls.defaults(), **values})

    @classmethod
    def faults(cls, values: Mapping[str, Any]) -> list[str]:
        """One sentence for each value that is wrong whatever the others are."""
        known = cls.declared()
        found = []
        for name, value in values.items():
            if name not in known:
                found.append(f"unknown parameter {name!r}."
                             f"{check.suggestion(name, known)} Known: {', '.join(known)}.")
                continue
            problem = _problem(known[name], value)
            if problem:
                found.append(f"{name} must be {cls.rule(name)}, got {value!r}. {problem}")
        return found

    @classmethod
    def conflicts(cls, values: Mapping[str, Any]) -> list[str]:
        """One sentence for each rule that concerns several parameters; a study may replace it."""
        del values
        return []

    @classmethod
    def parse(cls, texts: Mapping[str, str]) -> "Params":
        """Build from command-line or URL texts, typed by the declaration.

        A file is named by its absolute path from here on, since runs have folders of their own.
        """
        return cls(**cls.typed(texts))

    @classmethod
    def typed(cls, texts: Mapping[str, str]) -> dict[str, Any]:
        """Texts as values, where their declaration knows how; otherwise as they are."""
        known = cls.declared()
        values = {name: _typed(known[name], text) if name in known else text
                  for name, text in texts.items()}
        return {name: _absolute(value) if name in cls.paths else value
                for name, value in values.items()}

    @classmethod
    def rule(cls, name: str) -> str:
        """Type and bounds of one parameter in words."""
        return _rule(cls.declared()[name])

    def values(self) -> dict[str, Any]:
        """JSON-ready values in the order of declaration."""
        return {name: getattr(self, name) for name in self.declared()}

    def key(self) -> str:
        """Canonical JSON of the values; equal exactly when the parameters are."""
        return json.dumps(self.values(), sort_keys=True, allow_nan=False)


class Study(Protocol):
    """What every module in ``workbench.studies`` offers."""

    TITLE: str
    Params: type[Params]
    SMOKE: dict[str, Any]
    __name__: str

    def run(self, params: Any) -> Result: ...
    def figures(self, result: Result) -> dict[str, Any]: ...


_NOTHING = {"", "none", "null"}
_TRUTH = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def _problem(declared: param.Parameter, value: Any) -> str:
    plain = value is None or isinstance(value, bool | int | float | str | list)
    if not plain:
        return f"A {type(value).__name__} cannot travel into a notebook; pass a plain value."
    if isinstance(value, bool) and isinstance(declared, param.Number):
        return "Pass a number."
    numbers = value if isinstance(value, list) else [value]
    if any(isinstance(number, float) and not math.isfinite(number) for number in numbers):
        return "Pass a finite number."
    if isinstance(declared, param.Selector):
        if value in declared.objects:
            return ""
        return check.suggestion(value, map(str, declared.objects)).strip() or "Pass one of them."
    try:
        declared._validate(value)
    except (ValueError, TypeError):
        return f"The default is {declared.default!r}."
    return ""


def _typed(declared: param.Parameter, text: str) -> Any:
    if isinstance(declared, param.String):
        return text
    word = text.strip()
    if declared.allow_None and word.lower() in _NOTHING:
        return None
    if isinstance(declared, param.Boolean):
        return _TRUTH.get(word.lower(), text)
    if isinstance(declared, param.List):
        return _list(word)
    if isinstance(declared, param.Number):
        return _number(word, whole=isinstance(declared, param.Integer))
    return text


def _absolute(name: str) -> str:
    path = Path(name).expanduser()
    return str(path.resolve()) if name and path.is_file() else name


def _number(word: str, *, whole: bool) -> Any:
    try:
        number = float(word)
        return int(word) if whole and word.lstrip("+-").isdigit() else (
            int(number) if whole and number.is_integer() else number)
    except (ValueError, OverflowError):
        return word


def _list(word: str) -> list[Any]:
    with contextlib.suppress(ValueError, RecursionError):      # JSON, as addresses spell it
        return list(json.loads(word if word.startswith("[") else ""))
    parts = (part.strip().strip("\"'") for part in word.strip("[]").split(","))
    return [_number(part, whole=part.lstrip("+-").isdigit()) for part in parts if part]


def _rule(declared: param.Parameter) -> str:
    none = " or none" if declared.allow_None and not isinstance(declared, param.Selector) else ""
    if isinstance(declared, param.Selector):
        return "one of " + ", ".join(map(repr, declared.objects))
    if isinstance(declared, param.Boolean):
        return "true or false" + none
    if isinstance(declared, param.List):
        return "a list" + _length(declared.bounds) + none
    if isinstance(declared, param.Number):
        kind = "a whole number" if isinstance(declared, param.Integer) else "a number"
        return kind + _bounds(declared) + none
    return "a text" + none


def _length(bounds: tuple[int | None, int | None] | None) -> str:
    low, high = bounds or (None, None)
    if low is not None and low == high:
        return f" of {low}"
    return "".join([f" of at least {low}" if low else "", f" of at most {high}" if high else ""])


def _bounds(declared: param.Number) -> str:
    low, high = declared.bounds or (None, None)
    words, (includes_low, includes_high) = [], declared.inclusive_bounds
    if low is not None:
        words.append(f"{'>=' if includes_low else '>'} {low}")
    if high is not None:
        words.append(f"{'<=' if includes_high else '<'} {high}")
    return " " + " and ".join(words) if words else ""
