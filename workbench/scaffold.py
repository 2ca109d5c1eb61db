"""Write the files of a new method from templates: they run as they are, and wait for the idea."""

import json
import keyword
import re
from pathlib import Path
from string import Template

from workbench import ROOMS
from workbench.core import check

__all__ = ["method"]

TEMPLATES = Path(__file__).parent / "templates"
FILES = {
    "paper.md.txt": "docs/papers/{name}.md",
    "module.py.txt": "workbench/{room}/{name}.py",
    "method_test.py.txt": "tests/{room}/test_{name}.py",
    "study.py.txt": "workbench/studies/{name}.py",
    "study_test.py.txt": "tests/studies/test_{name}.py",
    "dashboard.py.txt": "dashboards/{name}.py",
    "benchmark.py.txt": "benchmarks/{name}.py",
}
PARAMETERS = "temperature = 1.0\nn = 200\nseed = 0"
RUN = ("params = study.Params(temperature=temperature, n=n, seed=seed)\n"
       "result = study.run(params)\nfigures = study.figures(result)")
IMPORTS = ("from workbench import runs\nfrom workbench.plots import use_theme\n"
           "from workbench.studies import {name} as study\n\nuse_theme()")


def method(name: str, room: str, root: Path) -> list[Path]:
    """Write the files of a new method and return their paths.

    Parameters
    ----------
    name : str
        The method's own name, in lower case with underscores; the same in every file.
    room : str
        Room of the module.
    root : Path
        The checkout.

    Raises
    ------
    ValueError
        If the name is no module name, the room unknown, or a file exists; nothing is written.
    """
    check.one_of([r for r in ROOMS if r not in ("core", "studies", "ui")], room=room)
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or keyword.iskeyword(name):
        raise ValueError(f"name must be lower-case letters, digits and underscores, got {name!r}. "
                         "Use the method's own name, such as presto.")
    words = {"name": name, "room": room, "title": name.replace("_", " ").capitalize(),
             "class_name": "".join(part.capitalize() for part in name.split("_"))}
    texts = {root / place.format(**words): Template(
        (TEMPLATES / source).read_text(encoding="utf-8")).substitute(words)
        for source, place in FILES.items()}
    texts[root / "notebooks" / f"{name}.ipynb"] = _notebook(words)
    taken = [path for path in texts if path.exists()]
    if taken:
        raise ValueError(f"name must be new, but {taken[0].relative_to(root)} exists. Remove it "
                         "or choose another name.")
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return list(texts)


def _notebook(words: dict[str, str]) -> str:
    cells = [
        ("title", f"# {words['title']}\n\nThe question?\n\nSource: . Room: {words['room']}."),
        ("imports", IMPORTS.format(**words)), ("parameters", PARAMETERS), ("run", RUN),
        ("headline", "result.summary"), ("weights-text", "## The weights\n\nWhat to look for."),
        ("weights", 'figures["weights"]'),
        ("limits", "## When not to trust this\n\nSay when."),
        ("save", "runs.save(study, params, result)"),
    ]
    book = {"cells": [_cell(name, text) for name, text in cells], "nbformat": 4,
            "nbformat_minor": 5, "metadata": {"kernelspec": {
                "display_name": "workbench", "language": "python", "name": "python3"}}}
    return json.dumps(book, indent=1, ensure_ascii=False) + "\n"


def _cell(name: str, text: str) -> dict[str, object]:
    lines = text.splitlines(keepends=True)
    if name in ("title", "limits") or name.endswith("-text"):
        return {"cell_type": "markdown", "id": name, "metadata": {}, "source": lines}
    tags = {"tags": ["parameters"]} if name == "parameters" else {}
    return {"cell_type": "code", "execution_count": None, "id": name, "metadata": tags,
            "outputs": [], "source": lines}
