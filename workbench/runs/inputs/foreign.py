"""Notebooks that are no study of ours: what they declare, what they refuse, their kernel.

A notebook is looked at, never executed: its parameters cell may come from anywhere.
"""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.core import check
from workbench.runs.inputs import notebooks
from workbench.runs.inputs.choice import kernel_of, named_kernel
from workbench.runs.inputs.notebooks import load
from workbench.runs.inputs.parameters import named_wrongly, parameters, plain
from workbench.runs.keys.imports import plain_python, syntax_tree

__all__ = ["Declared", "defaults", "inspect", "kernel_of", "load", "named_kernel", "parameters",
           "plain", "problems", "undeclared"]

TAG = "parameters"
COMMENT = re.compile(r"#\s*(?:type:\s*(?P<type>\S+)\s*)?(?P<help>.*)")
INTERPOLATES = {"julia": "$", "powershell": "$`", "pwsh": "$`"}   # papermill leaves these as code
NUMBER = (bool, int, float)
SEQUENCES = ("list", "sequence", "tuple", "set", "frozenset", "iterable", "collection")
MAPPINGS = ("dict", "mapping", "mutablemapping")
# What may be right for a type that the author names, and for the type of a literal default.
NAMED: Mapping[str, tuple[type, ...]] = {
    "int": (bool, int), "float": NUMBER, "bool": (bool,), "str": (str,),
    **dict.fromkeys(SEQUENCES, (list,)), **dict.fromkeys(MAPPINGS, (dict,))}
SHOWN: Mapping[type, tuple[type, ...]] = {
    bool: NUMBER, int: NUMBER, float: NUMBER, list: (str, list), dict: (dict,)}
SIMPLE = re.compile(r"(?:typing\.|collections\.abc\.)?(\w+)(?:\[[^|]*\])?")
UNKNOWN = object()
WORDS = {bool: "a truth value", int: "a whole number", float: "a number", str: "a text",
         list: "a list", dict: "a mapping"}


@dataclass(frozen=True)
class Declared:
    """One parameter of a notebook, as the source text says.

    Parameters
    ----------
    name : str
    default : str
        Source text of the default; nothing where it cannot be told.
    annotation : str
        Annotation or ``# type:`` comment.
    help : str
        Comment behind the assignment.
    """

    name: str
    default: str = ""
    annotation: str = ""
    help: str = ""


def inspect(notebook: Any) -> list[Declared]:
    """Parameters in the cell tagged ``parameters``, read and not evaluated.

    Parameters
    ----------
    notebook : Path or notebook content

    Returns
    -------
    declared : list of Declared
        Empty without such a cell, or in a language that cannot be read.

    Raises
    ------
    ValueError
        If the notebook is a file that cannot be read.
    """
    content = _content(notebook)
    parsed = _parsed(content)
    if parsed is None:
        return _as_papermill(content, notebooks.tagged(content, TAG))
    tree, cell = parsed
    return list({each.name: each for node in tree.body for each in _declared(node, cell)}.values())


def defaults(notebook: Any) -> dict[str, Any]:
    """Defaults that are literals; others are known only when the cell is executed."""
    found: dict[str, Any] = {}
    for each in inspect(notebook):
        literal = _literal(each.default)
        if literal is not UNKNOWN:
            found[each.name] = literal
    return found


def problems(notebook: Any, values: Mapping[str, Any]) -> list[str]:
    """One sentence for each value that the notebook does not take.

    Without a cell tagged ``parameters``, or in a language that cannot be read, every name passes,
    as with papermill. Types are refused only where an annotation or a literal default makes them
    plain; none passes always.
    """
    content = _content(notebook)
    found = [wrong for name in values if (wrong := named_wrongly(name))]
    found += _as_code(notebooks.language(content), values)
    known = {each.name: each for each in inspect(content)}
    names = _assigned(content) | set(known)
    for name, value in values.items():
        if names and name not in names and not named_wrongly(name):
            found.append(f"unknown parameter {name!r}.{check.suggestion(name, names)} "
                         f"The notebook declares: {', '.join(known)}.")
        elif name in known:
            found += _ill_typed(known[name], value)
    return found


def undeclared(content: Any, values: Mapping[str, Any]) -> list[str]:
    """One sentence for each value that the cell of a study's notebook does not declare.

    Papermill only warns about a name that the notebook does not know.
    """
    if not any("parameters" in cell.metadata.get("tags", []) for cell in content.cells):
        return ["the notebook has no cell tagged 'parameters'. Tag the cell that holds the "
                "defaults."]
    names = [declared.name for declared in inspect(content)]
    return [f"parameter {name!r} is missing from the notebook's parameters cell."
            f"{check.suggestion(name, names)} Assign its default there."
            for name in values if name not in names]


def _content(notebook: Any) -> Any:
    return notebooks.raw(notebook) if isinstance(notebook, str | Path) else notebook


def _parsed(content: Any) -> tuple[ast.Module, str] | None:
    """Syntax tree and text of a Python parameters cell, its magics left out."""
    cell = notebooks.tagged(content, TAG)
    if cell is None or notebooks.language(content) != "python":
        return None
    for text in (cell, plain_python(cell)):
        tree = syntax_tree(text)
        if tree is not None:
            return tree, text
    return None


def _declared(node: ast.stmt, cell: str) -> Iterator[Declared]:
    if not isinstance(node, ast.Assign | ast.AnnAssign):
        return
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    default = ast.get_source_segment(cell, node.value) if node.value else ""
    end = (node.end_lineno or 1) - 1, node.end_col_offset or 0
    tail = cell.splitlines()[end[0]].encode()[end[1]:].decode().strip()
    comment = COMMENT.fullmatch(tail)
    kind = ast.unparse(node.annotation) if isinstance(node, ast.AnnAssign) else (
        comment["type"] or "" if comment else "")
    for target in targets:
        if isinstance(target, ast.Name):
            yield Declared(target.id, default or "", kind.strip("'\""),
                           comment["help"].strip() if comment else "")


def _as_papermill(content: Any, cell: str | None) -> list[Declared]:
    """Papermill's reading line by line, for cells that are no plain Python."""
    if cell is None:
        return []
    from papermill.exceptions import PapermillException
    from papermill.translators import papermill_translators

    spoken = notebooks.language(content)
    spec = content.get("metadata", {}).get("kernelspec", {})
    try:
        translator = papermill_translators.find_translator(spec.get("name"), spoken)
        told = translator.inspect({"source": cell})
    except (PapermillException, NotImplementedError):
        return []
    return [Declared(each.name, each.default, each.inferred_type_name.replace("None", ""),
                     each.help) for each in told]


def _assigned(content: Any) -> set[str]:
    """Every name that a Python parameters cell assigns anywhere."""
    parsed = _parsed(content)
    return set() if parsed is None else {
        node.id for node in ast.walk(parsed[0])
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}


def _as_code(spoken: str, values: Mapping[str, Any]) -> list[str]:
    """Texts that papermill would write as code: it does not escape what the language expands."""
    signs = next((signs for name, signs in INTERPOLATES.items() if name in spoken), "")
    return [f"{name} must not hold any of {signs} in a notebook for {spoken}, got {text!r}. "
            "Pass a file." for name, value in values.items()
            for text in _texts(value) if any(sign in text for sign in signs)]


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, each in value.items():
            yield from (*_texts(name), *_texts(each))
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _texts(each)


def _ill_typed(declared: Declared, value: Any) -> list[str]:
    allowed = _allowed(declared)
    if allowed is None or value is None or isinstance(value, allowed):
        return []
    why = declared.annotation or f"its default is {declared.default}"
    remedy = "-r NAME VALUE passes a text as it is." if allowed == (str,) else (
        "Pass a value of that type.")
    return [f"{declared.name} must be {WORDS[allowed[-1]]} ({why}), got {value!r}. {remedy}"]


def _allowed(declared: Declared) -> tuple[type, ...] | None:
    """Types that may be right; None for any."""
    if declared.annotation:
        named = SIMPLE.fullmatch(declared.annotation)
        return NAMED.get(named[1].lower()) if named else None
    return SHOWN.get(type(_literal(declared.default)))


def _literal(source: str) -> Any:
    try:
        return plain({"literal": ast.literal_eval(source)})["literal"]
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return UNKNOWN
