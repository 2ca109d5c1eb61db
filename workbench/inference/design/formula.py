"""Formulas that may come from a stranger: columns, arithmetic and known transforms, nothing else.

Formulaic evaluates parts of a formula as Python, so that each part is read before it is evaluated.
"""

import ast
import math
import re
from collections.abc import Sequence
from typing import Any

from workbench.core import check

__all__ = ["parsed", "variables_of"]

UNARY = frozenset({"log", "log10", "log2", "exp", "exp2", "exp10"})
BASES = frozenset({"poly", "bs", "cc", "cr", "cs"})
CONTRASTS = frozenset({"Treatment", "Sum"})
TRANSFORMS = frozenset({"C", "I", "Q", "center", "scale"}) | UNARY | BASES | CONTRASTS
OPTIONS = frozenset({"base", "center", "contrasts", "constraints", "ddof", "degree", "df",
                     "extrapolation", "include_intercept", "knots", "levels", "lower_bound",
                     "raw", "scale", "upper_bound"})
PAIRED = frozenset({"minimum", "maximum"})
FUNCTIONS = PAIRED | frozenset({"log", "log1p", "log2", "log10", "exp", "expm1", "sqrt", "abs",
                                "square", "sin", "cos", "tan", "tanh", "sign"})
LARGEST_POWER, LARGEST_BASE, MOST_TERMS = 10, 50, 1000
OPERATORS = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.BitAnd, ast.BitOr,
             ast.UAdd, ast.USub, ast.Invert)
COMPARISONS = (ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE)
UNSAFE = frozenset("`'\"\\")          # formulaic builds code around texts without escaping them


def parsed(formula: str) -> tuple[Any, str, tuple[str, ...]]:
    """Read a formula.

    Parameters
    ----------
    formula : str
        As in ``y ~ x + log(z) + C(group)``; columns whose names are no words stand in backticks.

    Returns
    -------
    formula : formulaic.Formula
    left : str
        What stands left of the ``~``.
    variables : tuple of str
        Columns that it names, the left side first.

    Raises
    ------
    ValueError
        If it cannot be read, has no single outcome, or would do more than transform columns.
    """
    from formulaic import Formula, SimpleFormula
    from formulaic.errors import FormulaicError
    from formulaic.parser import DefaultFormulaParser

    try:
        size = _size(DefaultFormulaParser().get_ast(formula))
        read = Formula(formula) if size <= MOST_TERMS else None
    except (FormulaicError, SyntaxError, ValueError, TypeError, IndexError,
            RecursionError) as trouble:
        raise _unreadable(formula, str(trouble).splitlines()[0]) from trouble
    if read is None:
        raise ValueError(f"formula must have at most {MOST_TERMS} terms, got {formula!r}, which "
                         "has more once its products and powers are written out. Join only "
                         "those columns by * or ** whose interactions you need.")
    left, right = (getattr(read, side, None) for side in ("lhs", "rhs"))
    if not (isinstance(left, SimpleFormula) and isinstance(right, SimpleFormula)):
        raise _unreadable(formula, "it has no two sides")
    if len(left) != 1:
        raise _unreadable(formula, f"its left side has {len(left)} terms")
    names = [name for side in (left, right) for name in sorted({
        name for term in side for factor in term.factors for name in _columns(factor, formula)})]
    return read, str(left[0]), tuple(dict.fromkeys(names))


def _size(node: Any) -> float:
    """At most so many terms, and so many steps to find them, before equal ones are merged."""
    if not hasattr(node, "args"):
        return 1.0
    symbol, parts = node.operator.symbol, [_size(part) for part in node.args]
    if symbol in {"**", "^"}:
        power = float(str(node.args[1]))
        return min(max(parts[0] ** min(power, 99.0), power), 1e99)
    if symbol == "*":
        return min(math.prod(1 + part for part in parts), 1e99)
    if symbol in {":", "/", "in"}:
        return min(math.prod(parts) + parts[0], 1e99)
    return sum(parts)


def variables_of(names: Sequence[str], formula: str) -> dict[str, set[str]]:
    """Columns behind each coefficient; none where no term of the formula has its name.

    Parameters
    ----------
    names : sequence of str
        Coefficients, as in ``C(group)[T.b]:x``.
    formula : str
    """
    read, _, _ = parsed(formula)
    known = {_bare(str(term)): {name for factor in term.factors
                                for name in _columns(factor, formula)} for term in read.rhs}
    return {name: known.get(_bare(name), set()) for name in names}


def _bare(name: str) -> str:
    """Without levels and quotes of columns."""
    return re.sub(r"\[[^\]]*\]|`", "", name)


def _columns(factor: Any, formula: str) -> set[str]:
    """Columns of a factor; refuses what is more than columns, arithmetic and known transforms."""
    from formulaic.utils.code import sanitize_variable_names

    if factor.eval_method.value == "literal":
        return set()
    if factor.eval_method.value == "lookup":
        return {factor.expr}
    quoted: dict[str, str] = {}
    try:            # as formulaic does before it evaluates
        tree = ast.parse(sanitize_variable_names(factor.expr, {}, quoted), mode="eval")
    except (SyntaxError, ValueError, IndexError, RecursionError, MemoryError) as trouble:
        raise _unreadable(formula, f"{factor.expr!r} is no expression") from trouble
    found: set[str] = set()
    _harmless(tree.body, found)
    return {quoted.get(name, name) for name in found}


def _harmless(node: ast.expr, found: set[str]) -> None:  # noqa: C901
    """Allow what is listed here, refuse all else, and gather the columns."""
    match node:
        case ast.Name(id=name) if not name.startswith("__"):
            found.add(name)
        case ast.Constant(value=int() | float()):
            pass
        case ast.UnaryOp(op=sign) if isinstance(sign, OPERATORS):
            _harmless(node.operand, found)
        case ast.BinOp(op=ast.Pow()) if _modest_power(node):
            _harmless(node.left, found)
        case ast.BinOp(op=sign) if isinstance(sign, OPERATORS):
            _harmless(node.left, found)
            _harmless(node.right, found)
        case ast.Compare(ops=signs) if all(isinstance(sign, COMPARISONS) for sign in signs):
            for part in (node.left, *node.comparators):
                if not _text(part):
                    _harmless(part, found)
        case ast.Call(func=ast.Attribute(value=ast.Name(id="np"), attr=name)) if (
                name in FUNCTIONS and len(node.args) == 1 + (name in PAIRED)
                and not node.keywords):
            for part in node.args:
                _harmless(part, found)
        case ast.Call(func=ast.Name(id=name)) if name in TRANSFORMS and _plain_call(name, node):
            if name == "Q":
                found.add(node.args[0].value)          # type: ignore[attr-defined]
            elif name not in CONTRASTS:
                _harmless(node.args[0], found)
        case _:
            raise _foreign(node)


def _plain_call(name: str, node: ast.Call) -> bool:
    """Whether a transform has one column, and beside it nothing but constants."""
    column = 0 if name in CONTRASTS else 1
    rest = node.args[column:]
    if len(node.args) < column or (name in UNARY | {"I", "Q"} and (rest or node.keywords)):
        return False
    if name == "Q":
        return _text(node.args[0])
    named = [(each.arg, each.value) for each in node.keywords]
    small = [*rest, *(value for key, value in named if key in {"df", "degree"})]
    if name in BASES and not all(_small(value) for value in small):
        return False
    return all(_option(value) for value in rest) and all(
        key in OPTIONS and _option(value) for key, value in named)


def _option(node: ast.expr) -> bool:
    """A number, a text, a list of them, or a kind of contrasts."""
    match node:
        case ast.List(elts=parts) | ast.Tuple(elts=parts):
            return all(not isinstance(part, ast.List | ast.Tuple) and _option(part)
                       for part in parts)
        case ast.Name(id=name):
            return name in CONTRASTS
        case ast.Call(func=ast.Name(id=name)):
            return name in CONTRASTS and _plain_call(name, node)
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float())):
            return True
        case ast.Constant(value=int() | float() | None):
            return True
    return _text(node)


def _text(node: ast.expr) -> bool:
    return (isinstance(node, ast.Constant) and isinstance(node.value, str)
            and node.value.isprintable() and not UNSAFE & set(node.value))


def _small(node: ast.expr) -> bool:
    """Whether a basis has so few columns; more could fill the memory."""
    return isinstance(node, ast.Constant) and isinstance(node.value, int | float) and (
        0 <= node.value <= LARGEST_BASE)


def _modest_power(node: ast.BinOp) -> bool:
    """Whether this is a column raised to a small power; of constants it could fill the memory."""
    return (any(isinstance(part, ast.Name) for part in ast.walk(node.left))
            and isinstance(node.right, ast.Constant) and isinstance(node.right.value, int | float)
            and 0 <= node.right.value <= LARGEST_POWER)


def _foreign(node: ast.expr) -> ValueError:
    told = ast.unparse(node)
    word = told.partition("(")[0].removeprefix("np.")
    return ValueError(
        f"formula must consist of columns, arithmetic and {', '.join(sorted(TRANSFORMS))} "
        f"or np.{', np.'.join(sorted(FUNCTIONS))}, got {told!r}."
        f"{check.suggestion(word, sorted(TRANSFORMS | FUNCTIONS))} Make other columns "
        "before, and name them; texts must hold no quotes.")


def _unreadable(formula: str, why: str) -> ValueError:
    return ValueError(f"formula must read like 'y ~ x + z', got {formula!r}: {why.rstrip('.')}. "
                      "Name one outcome, a tilde, and covariates joined by +.")
