"""What a piece of Python asks to import, read from its syntax tree and never executed."""

import ast
import re
import warnings
from collections.abc import Iterator
from typing import NamedTuple

__all__ = ["Request", "plain_python", "requests", "syntax_tree"]

PYTHON_MAGICS = {"%%time", "%%timeit", "%%capture", "%%prun", "%%memit", "%%mprun"}
DYNAMIC = ("import_module", "__import__")
LARGEST = 1_000_000      # characters of a source that is parsed as a whole
BODIES = ("body", "orelse", "finalbody", "handlers", "cases")
TROUBLE = (SyntaxError, ValueError, RecursionError, MemoryError)
MAGIC_LINE = re.compile(r"^(\s*)(?:[%!?].*|.*\?\s*)$")
MAGIC_VALUE = re.compile(r"^(\s*[\w.,\s\[\]'\"]+=\s*)[%!].*$")
IMPORT_LINE = re.compile(r"^\s*(?:import\s+[\w.]|from\s+[\w.]+\s+import\b)")
EXTENSION = re.compile(r"^\s*%load_ext\s+([\w.]+)", re.MULTILINE)


class Request(NamedTuple):
    """One name that is imported: module, name from it (or none), leading dots.

    ``offered`` is empty, or, where only a type checker reads the import, the name that it binds: a
    module with a ``__getattr__`` loads the like when it is asked for that name.
    """

    module: str
    name: str = ""
    level: int = 0
    offered: str = ""


def requests(source: str | bytes) -> frozenset[Request]:
    """Every import of a source, also inside functions, branches and `import_module("...")`.

    Those under ``if TYPE_CHECKING:`` are never executed; they are told as offered.

    A text that is not Python as a whole, such as a cell with magics, is read as far as it is; a
    huge one line by line.
    """
    tree = syntax_tree(source) if len(source) <= LARGEST else None
    if tree is not None:
        return frozenset(_found(tree, source))
    text = source.decode("utf-8", "replace") if isinstance(source, bytes) else source
    if len(source) > LARGEST:
        return frozenset(_line_by_line(text))
    tree = syntax_tree(plain_python(text))
    found = set(_found(tree, text)) if tree is not None else set(_line_by_line(text))
    return frozenset(found | {Request(name) for name in EXTENSION.findall(text)})


def plain_python(cell: str) -> str:
    """A cell without IPython's magics; nothing for a cell in another language."""
    first, _, rest = cell.lstrip().partition("\n")
    if first.startswith("%%"):
        return plain_python(rest) if first.split()[0] in PYTHON_MAGICS else ""
    lines = (MAGIC_VALUE.sub(r"\1None", line) for line in cell.splitlines())
    return "\n".join(MAGIC_LINE.sub(r"\1pass", line) for line in lines)


def syntax_tree(source: str | bytes) -> ast.Module | None:
    """Syntax tree of a text; None when it is not Python."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")      # the author's affair, and told when it runs
        try:
            return ast.parse(source)
        except TROUBLE:
            return None


def _found(tree: ast.Module, source: str | bytes) -> Iterator[Request]:
    for node, typed in _statements(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                asked = (Request(alias.name) if isinstance(node, ast.Import) else
                         Request(node.module or "", alias.name, node.level))
                bound = alias.asname or alias.name.partition(".")[0]
                yield asked._replace(offered=bound) if typed else asked
    text = source if isinstance(source, bytes) else source.encode("utf-8", "surrogatepass")
    if any(name.encode() in text for name in DYNAMIC):
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                yield from _dynamic(node)


def _statements(tree: ast.AST) -> Iterator[tuple[ast.AST, bool]]:
    """Statements at every depth, and whether only a type checker reads them.

    Expressions are most of a tree and import nothing.
    """
    left: list[tuple[ast.AST, bool]] = [(tree, False)]
    while left:
        node, typed = left.pop()
        yield node, typed
        for part in BODIES:
            inside = typed or (part == "body" and _for_types(node))
            left += ((each, inside) for each in getattr(node, part, ()))


def _for_types(node: ast.AST) -> bool:
    test = node.test if isinstance(node, ast.If) else None
    return getattr(test, "attr", getattr(test, "id", "")) == "TYPE_CHECKING"


def _dynamic(call: ast.Call) -> Iterator[Request]:
    called = getattr(call.func, "attr", getattr(call.func, "id", ""))
    if called in DYNAMIC and call.args and isinstance(call.args[0], ast.Constant):
        name = call.args[0].value
        if isinstance(name, str) and name.strip("."):
            bare = name.lstrip(".")
            yield Request(bare, "", len(name) - len(bare))


def _line_by_line(text: str) -> Iterator[Request]:
    for line in filter(IMPORT_LINE.match, text.splitlines()):
        tree = syntax_tree(line.strip())
        if tree is not None:
            yield from _found(tree, line)
        else:       # an import that goes on in the next lines: the module at least
            module = line.split()[1].split(",")[0].split("(")[0]
            dots = len(module) - len(module.lstrip("."))
            yield Request(module.lstrip("."), "*", dots)
