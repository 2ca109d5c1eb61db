"""Many parameter sets from a few words: lists, ranges and batch files, multiplied out."""

import csv
import io
import itertools
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from workbench.core import ParameterError
from workbench.runs.inputs.parameters import loader

__all__ = ["batch", "combinations", "parse_grid"]

MOST = 100_000          # parameter sets; more is a misprint
RANGE = re.compile(r"\s*(-?\d+(?:\.\d+)?)\s*:\s*(-?\d+(?:\.\d+)?)\s*(?::\s*(-?\d+(?:\.\d+)?)\s*)?",
                   re.ASCII)


def parse_grid(texts: Iterable[str]) -> dict[str, list[str]]:
    """Values of each parameter, still as texts.

    Parameters
    ----------
    texts : iterable of str
        ``level=0.8,0.9``; ``seed=0:20`` for 0 to 19 and ``seed=0:20:5`` in steps of 5;
        ``scale=0,1;0,100`` where the values themselves hold commas.

    Raises
    ------
    ParameterError
        Naming each text that cannot be used.

    Examples
    --------
    >>> parse_grid(["level=0.8,0.9", "seed=0:3"])
    {'level': ['0.8', '0.9'], 'seed': ['0', '1', '2']}
    """
    grid: dict[str, list[str]] = {}
    problems = []
    for text in texts:
        name, equals, listed = (part.strip() for part in text.partition("="))
        values = _values(listed) if equals else []
        if not (name and values):
            problems.append(f"--grid must be NAME=VALUE,VALUE or NAME=START:STOP with at least "
                            f"one value, got {text!r}. Write --grid seed=0:20.")
        elif name in grid:
            problems.append(f"--grid {name} must be given once, got it twice. Join the values "
                            "with commas.")
        grid[name] = values
    if problems:
        raise ParameterError(problems)
    return grid


def combinations(grid: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """Every combination of the values; the last parameter varies fastest.

    Raises
    ------
    ValueError
        If a parameter has no value, or if there are too many combinations.

    Examples
    --------
    >>> combinations({"a": [1, 2], "b": ["x"]})
    [{'a': 1, 'b': 'x'}, {'a': 2, 'b': 'x'}]
    """
    lists = {name: list(values) for name, values in grid.items()}
    empty = [name for name, values in lists.items() if not values]
    if empty:
        raise ValueError(f"grid must give each parameter at least one value, {empty[0]!r} has "
                         "none. Leave it out to keep its default.")
    count = math.prod(map(len, lists.values()))
    if count > MOST:
        raise ValueError(f"grid must have at most {MOST:,} combinations, got {count:,}. "
                         "Sweep over fewer values.")
    return [dict(zip(lists, chosen, strict=True)) for chosen in itertools.product(*lists.values())]


def batch(path: Path) -> list[dict[str, Any]]:
    """Parameter sets of a file: CSV with a header, or a JSON or YAML list of mappings.

    Parameters
    ----------
    path : Path
        Cells of a CSV stay texts; an empty one keeps the default.

    Raises
    ------
    ValueError
        If the file is missing or is no list of parameter sets.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as problem:
        raise ValueError(f"batch must be a CSV, JSON or YAML file, got {str(path)!r}, which "
                         f"cannot be read ({problem}). Check its name.") from None
    rows = _csv(text, path) if path.suffix.lower() == ".csv" else _listed(text, path)
    if not (isinstance(rows, list) and rows and all(
            isinstance(row, dict) and all(isinstance(name, str) for name in row)
            for row in rows)):
        raise ValueError(f"batch must be a list of parameter sets by name, got {str(path)!r}, "
                         "which is not. Start each set of a YAML file with '- name: value'.")
    return rows


def _values(text: str) -> list[str]:
    matched = RANGE.fullmatch(text)
    if matched:
        return _range(*matched.groups())
    parts = text.split(";" if ";" in text else ",")
    return [part.strip() for part in parts] if text else []


def _range(low: str, high: str, step: str | None) -> list[str]:
    decimals = max(len(part.partition(".")[2]) for part in (low, high, step or "1"))
    unit = 10 ** decimals
    start, stop, stride = (round(float(part) * unit) for part in (low, high, step or "1"))
    if not stride or (stop - start) / stride > MOST:
        return []
    return [f"{value / unit:.{decimals}f}" for value in range(start, stop, stride)]


def _csv(text: str, path: Path) -> list[dict[str, str]]:
    rows = list(csv.DictReader(io.StringIO(text, newline=""), skipinitialspace=True))
    if any(None in row for row in rows):
        raise ValueError(f"batch must be a table with a name above each cell, got {str(path)!r} "
                         "with a row longer than its header. Quote cells that hold commas.")
    return [{name.strip(): value for name, value in row.items() if name and value} for row in rows]


def _listed(text: str, path: Path) -> Any:
    if path.suffix.lower() == ".json":
        try:
            return json.loads(text)
        except ValueError as problem:
            raise ValueError(f"batch must be valid JSON, got {str(path)!r}: {problem}. "
                             "Correct it there.") from None
    import yaml

    try:
        return yaml.load(text, Loader=loader())
    except (yaml.YAMLError, ValueError, RecursionError) as problem:
        where = " ".join(str(problem).split())
        raise ValueError(f"batch must be valid YAML, got {str(path)!r}: {where}. "
                         "Correct it there.") from None
