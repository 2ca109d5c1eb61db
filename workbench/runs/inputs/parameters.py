"""Parameters as papermill takes them: pairs, YAML, files, base64; always data, never code."""

import base64
import binascii
import keyword
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path, PurePath
from typing import Any

from workbench.core import ParameterError

__all__ = ["loader", "named_wrongly", "parameters", "plain"]

WORDS = {"True": True, "False": False, "None": None}
LONGEST = 1_000_000      # characters of YAML
ALIASES = 30             # 30 references can stand for at most 60,000 copies
DEEPEST = 50
MOST = 100_000           # entries of all lists and mappings together
DIGITS = 4000            # Python writes no whole number with more than 4,300

Pairs = Iterable[tuple[str, str]]


def parameters(texts: Pairs = (), raw: Pairs = (), files: Iterable[Path | str] = (),
               yamls: Iterable[str] = (), base64s: Iterable[str] = ()) -> dict[str, Any]:
    """Merge papermill's forms in papermill's order: base64, files, YAML, pairs, raw pairs.

    Parameters
    ----------
    texts : pairs of name and text
        Typed by the text, as papermill's ``-p``: True, None, 3, 0.5, else a text.
    raw : pairs of name and text
        Always texts (``-r``).
    files : iterable of Path
        YAML or JSON (``-f``).
    yamls, base64s : iterables of str
        YAML (``-y``), and YAML in base64 (``-b``). Dates stay texts.

    Returns
    -------
    values : dict
        Of two values for one name the later one; JSON values, but numbers need not be finite.

    Raises
    ------
    ParameterError
        Naming each source that cannot be read, or each value that cannot travel.
    """
    problems: list[str] = []
    found: dict[str, Any] = {}
    for sources, read in ((base64s, _decoded), (files, _read), (yamls, _loaded)):
        problems += _merge(found, sources, read)
    for name, text in texts:
        try:
            found[name] = _typed(text)
        except ValueError as problem:
            problems.append(f"{name} {problem}")
    if problems:
        raise ParameterError(problems)
    return plain({**found, **dict(raw)})


def plain(values: Mapping[Any, Any]) -> dict[str, Any]:
    """Values as JSON has them: NumPy scalars unpacked, tuples as lists, paths as texts.

    NaN and infinities stay floats, which papermill writes as ``float('nan')``.

    Raises
    ------
    ParameterError
        Naming each value that cannot travel into a notebook, and each name that is no variable.
    """
    walk = _Walk()
    found, problems = {}, []
    for name, value in values.items():
        wrong = named_wrongly(name)
        if wrong:
            problems.append(wrong)
            continue
        try:
            found[str(name)] = walk.value(value, DEEPEST)
        except ValueError as problem:
            problems.append(f"{name} {problem}")
    if problems:
        raise ParameterError(problems)
    return found


def named_wrongly(name: Any) -> str:
    """Why a parameter cannot have this name, in a sentence, or nothing."""
    if isinstance(name, str) and name.isidentifier() and not keyword.iskeyword(name):
        return ""
    return (f"name of a parameter must be a variable's name, got {name!r}. "
            "Use letters, digits and _, and no keyword of Python.")


@cache
def loader() -> Any:
    """PyYAML's safe loader that leaves dates as texts and refuses many references."""
    import yaml

    class Loader(yaml.SafeLoader):
        yaml_implicit_resolvers = {  # noqa: RUF012 - as in its parent
            sign: [each for each in known if each[0] != "tag:yaml.org,2002:timestamp"]
            for sign, known in yaml.SafeLoader.yaml_implicit_resolvers.items()}
        aliases = 0

        def compose_node(self, parent: Any, index: Any) -> Any:
            self.aliases += self.check_event(yaml.AliasEvent)
            if self.aliases > ALIASES:
                raise ValueError(f"more than {ALIASES} references")
            return super().compose_node(parent, index)

    return Loader


class _Walk:
    """One pass over all values; stops where lists that hold each other would have no end."""

    def __init__(self) -> None:
        self.left = MOST

    def value(self, value: Any, depth: int) -> Any:
        self.left -= 1
        if depth < 0 or self.left < 0:
            raise ValueError(f"must hold at most {MOST} entries, nested at most {DEEPEST} deep, "
                             "got more. Pass the path of a file.")
        if isinstance(value, list | tuple):
            return [self.value(each, depth - 1) for each in value]
        if isinstance(value, Mapping):
            return {_entry(name): self.value(each, depth - 1) for name, each in value.items()}
        return _scalar(value)


def _scalar(value: Any) -> Any:
    if not isinstance(value, bool | int | float | str) and getattr(value, "ndim", None) == 0:
        value = value.item()                  # a NumPy scalar, or a tensor of one number
    if value is None or isinstance(value, bool):
        return value
    for kind in (str, float):                 # subclasses of them would be written as objects
        if isinstance(value, kind):
            return kind(value)
    if isinstance(value, int):
        if value.bit_length() > 3.33 * DIGITS:
            raise ValueError(f"must have at most {DIGITS} digits, got {value.bit_length()} bits. "
                             "Pass a text.")
        return int(value)
    if isinstance(value, PurePath):
        return str(value)
    raise ValueError(f"must be a number, text, truth value, list, mapping or none, got a "
                     f"{type(value).__name__}. Pass a plain value.")


def _entry(name: Any) -> str:
    """Key of a mapping: papermill writes every key as a text."""
    if isinstance(name, str | int | float) or name is None:
        return str(name)
    raise ValueError(f"must have texts as keys of its mappings, got {name!r}. Write it as text.")


def _merge(found: dict[Any, Any], sources: Iterable[Any],
           read: Callable[[Any], dict[Any, Any]]) -> list[str]:
    """Add what the sources hold; return why some of them cannot be read."""
    problems = []
    for source in sources:
        try:
            found |= read(source)
        except ValueError as problem:
            problems.append(str(problem))
    return problems


def _typed(text: str) -> Any:
    """Papermill's types of ``-p``."""
    if text in WORDS:
        return WORDS[text]
    if len(text) > DIGITS and text.strip().lstrip("+-").isdigit():
        raise ValueError(f"must have at most {DIGITS} digits, got {len(text)}. Pass it with -r.")
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _decoded(text: str) -> dict[Any, Any]:
    try:
        return _loaded(base64.b64decode(text).decode("utf-8"), "base64 parameters")
    except (binascii.Error, UnicodeDecodeError) as problem:
        raise ValueError(f"base64 parameters must be YAML in base64, got {text[:40]!r} "
                         f"({problem}). Encode them again.") from None


def _read(path: Path | str) -> dict[Any, Any]:
    try:
        with Path(path).open(encoding="utf-8-sig") as file:
            text = file.read(LONGEST + 1)
    except (OSError, ValueError) as problem:
        raise ValueError(f"parameters file must be a YAML file, got {str(path)!r}, which cannot "
                         f"be read ({getattr(problem, 'strerror', None) or problem}). "
                         "Check the path.") from None
    return _loaded(text, f"parameters file {str(path)!r}")


def _loaded(text: str, source: str = "YAML parameters") -> dict[Any, Any]:
    import yaml

    if len(text) > LONGEST:
        raise ValueError(f"{source} must have at most {LONGEST} characters, got more. "
                         "Pass the path of a data file as a parameter.")
    try:
        found = yaml.load(text, Loader=loader())
    except (yaml.YAMLError, ValueError, RecursionError, TypeError) as problem:
        mark = getattr(problem, "problem_mark", None)
        where = f", line {mark.line + 1} column {mark.column + 1}" if mark else ""
        what = getattr(problem, "problem", None) or str(problem) or "nested too deeply"
        raise ValueError(f"{source} must be plain YAML, got {text[:40]!r} ({what}{where}). "
                         "Write name: value lines.") from None
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise ValueError(f"{source} must hold names and values, got a {type(found).__name__}. "
                         "Write name: value lines.")
    return found
