"""The address of a page holds its state: a link is a result."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode

from workbench import runs
from workbench.core import Params, Study

__all__ = ["Asked", "chosen", "keep", "query", "read"]

CHOSEN = ("pick.", "view.")      # begin the names of what is chosen on figures


@dataclass(frozen=True)
class Asked:
    """What an address asks for; whatever it holds that cannot be used is a problem in words.

    Parameters
    ----------
    run : Run or None
        The saved run it names.
    values : dict
        The parameters it sets, all valid.
    problems : tuple of str
    """

    run: runs.Run | None = None
    values: dict[str, Any] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


def read(study: Study, search: str) -> Asked:
    """Parse ``?run=...`` or ``?trend=line&seed=3``.

    Parameters
    ----------
    study : module
    search : str
        The address from its question mark on, or nothing.
    """
    texts = {name: value for name, value in _texts(search).items()
             if not name.startswith(CHOSEN)}
    if "run" in texts:
        return _run(study, texts["run"])
    values = study.Params.typed(texts)
    problems = study.Params.faults(values)
    sound = {name: value for name, value in values.items()
             if not study.Params.faults({name: value})}
    conflicts = study.Params.problems(sound)
    if conflicts:
        sound = {name: value for name, value in sound.items()
                 if not study.Params.problems({name: value})}
    return Asked(values={} if study.Params.problems(sound) else sound,
                 problems=(*problems, *conflicts))


def query(params: Params) -> str:
    """The address that gives these parameters: those that differ from the default.

    At least one is named, since an address without any shows the newest run.
    """
    values, defaults = params.values(), params.defaults()
    anchor = "seed" if "seed" in values else next(iter(values), "")
    told = {name: text(value) for name, value in values.items()
            if value != defaults[name] or name == anchor}
    if len(told) > 1 and values[anchor] == defaults[anchor]:
        del told[anchor]
    return "?" + urlencode(told)


def chosen(search: str) -> dict[str, str]:
    """What an address chooses on figures, for instance ``{"pick.cell": "16, 32"}``."""
    return {name: value for name, value in _texts(search).items() if name.startswith(CHOSEN)}


def keep(query: str, choices: Mapping[str, str]) -> str:
    """The address with these choices in place of its own.

    Examples
    --------
    >>> keep("?run=7&pick.cell=1", {"pick.cell": "2", "view.level": "0.5"})
    '?run=7&pick.cell=2&view.level=0.5'
    """
    own = {name: value for name, value in _texts(query).items() if not name.startswith(CHOSEN)}
    told = {**own, **choices}
    return "?" + urlencode(told) if told else ""


def text(value: Any) -> str:
    """A value as the command line and the address spell it."""
    if value is None:
        return "none"
    return value if isinstance(value, str) else json.dumps(value)


def changes(values: Mapping[str, Any]) -> str:
    """Parameters in words, for instance ``trend=line, seed=3``."""
    return ", ".join(f"{name}={text(value)}" for name, value in values.items())


def _texts(search: str) -> dict[str, str]:
    return dict(parse_qsl(search.removeprefix("?"), keep_blank_values=True))


def _run(study: Study, run_id: str) -> Asked:
    try:
        run = runs.load(run_id)
    except ValueError as refusal:
        return Asked(problems=(str(refusal),))
    name = study.__name__.rpartition(".")[2]
    if run.study and run.study != name:
        return Asked(problems=(f"run must be one of {name!r}, got {run_id!r}, which belongs to "
                               f"{run.study!r}. Choose one of the saved runs.",))
    return Asked(run=run)
