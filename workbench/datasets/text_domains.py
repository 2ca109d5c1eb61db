"""Texts of four kinds that every machine has, for small language models over characters.

Statements of a central bank and tables of numbers are shipped; program code and a language
manual come with Python itself, so that their text differs between versions of Python.
"""

import sysconfig
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

import numpy as np

from workbench.datasets.corpora import fomc_statements
from workbench.datasets.raw import raw_file

__all__ = ["ALPHABET", "encode", "text_domains", "windows"]

ALPHABET = "\n" + "".join(map(chr, range(32, 127)))      # another character counts as "?"
MODULES = ("argparse", "ast", "calendar", "configparser", "csv", "datetime", "difflib",
           "fractions", "heapq", "inspect", "locale", "pathlib", "pickle", "statistics",
           "tarfile", "textwrap", "typing", "zipfile")
TABLES = ("concrete", "energy", "wine_quality_red")


def text_domains() -> dict[str, str]:
    """Text by domain: statements, manual, code, tables.

    Raises
    ------
    FileNotFoundError
        If the data folder is not there, as in an installation without the repository.
    """
    topics: Mapping[str, str] = import_module("pydoc_data.topics").topics
    library = Path(sysconfig.get_paths()["stdlib"])
    files = [library / f"{name}.py" for name in MODULES]
    return {
        "statements": "\n\n".join(fomc_statements()["text"]),
        "manual": "\n".join(topics[name] for name in sorted(topics)),
        "code": "\n".join(path.read_text("utf-8") for path in files if path.is_file()),
        "tables": "\n".join(raw_file(f"uci-regression/{name}.csv").read_text("utf-8")
                            for name in TABLES)}


def encode(text: str) -> np.ndarray:
    r"""Characters as places in `ALPHABET`, int64.

    Examples
    --------
    >>> encode("a\n").tolist()
    [66, 0]
    """
    codes = np.frombuffer(text.encode("ascii", "replace"), np.uint8).astype(np.int64)
    table = np.full(256, ALPHABET.index("?"))
    table[[ord(each) for each in ALPHABET]] = np.arange(len(ALPHABET))
    return table[codes]


def windows(domains: Mapping[str, str], count: int, length: int, *, held_out: float = 0.1,
            rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Windows of text to train on and, from the end of each domain, to test on.

    Parameters
    ----------
    domains : mapping of name to text
    count, length : int > 0
        Windows of each domain to train on, drawn uniformly, and their characters.
    held_out : float in (0, 1)
        Share of each text, its end, that is tested on, in windows that do not overlap.

    Returns
    -------
    tokens, group, tests : array (n, length), array (n,), mapping of name to array (m, length)

    Raises
    ------
    ValueError
        If a text is shorter than ten windows.
    """
    tokens, group, tests = [], [], {}
    for at, (name, text) in enumerate(domains.items()):
        codes = encode(text)
        cut = int(len(codes) * (1 - held_out))
        if len(codes) < 10 * length or len(codes) - cut < length:
            raise ValueError(f"domains must have at least ten windows of {length} characters, "
                             f"got {len(codes)} characters of {name!r}. Add text.")
        starts = rng.integers(cut - length + 1, size=count)
        tokens.append(codes[starts[:, None] + np.arange(length)])
        group.append(np.full(count, at))
        held = codes[cut:cut + (len(codes) - cut) // length * length]
        tests[name] = held.reshape(-1, length)
    return np.concatenate(tokens), np.concatenate(group), tests
