"""The tree keeps its shape: rooms import downwards, heavy libraries stay in their rooms."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "workbench"
RANK = {"core": 0, "datasets": 1, "train": 1, "plots": 1, "inference": 2, "reweighting": 2,
        "weightspace": 2, "landscape": 2, "ranking": 2, "text": 2, "runs": 2, "studies": 3,
        "ui": 3, "catalog": 3, "cli": 4}
ONLY_IN = {"holoviews": {"plots"}, "panel": {"ui"}, "papermill": {"runs"}}
FACES = {"studies", "runs", "plots", "ui", "catalog"}
LONGEST = 250
MODULES = sorted(PACKAGE.rglob("*.py"))


def imports(path):
    """Dotted names that a file imports, from its syntax tree."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path} has a relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def rooms(path):
    parts = (name.split(".") for name in imports(path))
    return {part[1] for part in parts
            if part[0] == "workbench" and len(part) > 1 and part[1] in RANK}


@pytest.mark.parametrize("path", [path for path in MODULES if path.parent != PACKAGE],
                         ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_rooms_import_downwards(path):
    room = path.relative_to(PACKAGE).parts[0]
    for other in rooms(path):
        assert other == room or RANK[other] < RANK[room], f"{path} may not import {other}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_heavy_libraries_stay_in_their_rooms(path):
    room = path.relative_to(PACKAGE).parts[0]
    for name in imports(path):
        allowed = ONLY_IN.get(name.split(".")[0])
        assert allowed is None or room in allowed, f"{path} may not import {name}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_files_stay_readable(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= LONGEST, f"{path.name} has {len(lines)} lines; split it"


@pytest.mark.parametrize("path", sorted((ROOT / "dashboards").glob("*.py")),
                         ids=lambda path: path.name)
def test_dashboards_see_only_faces(path):
    assert rooms(path) <= FACES
    assert len(path.read_text(encoding="utf-8").split("\n\n", 1)[1].splitlines()) <= 5


@pytest.mark.parametrize("module", ["workbench", "workbench.core", "workbench.inference",
                                    "workbench.datasets", "workbench.reweighting",
                                    "workbench.runs", "workbench.cli"])
def test_imports_stay_light(module):
    heavy = {"torch", "pymc", "pytensor", "numba", "nutpie", "arviz", "panel", "holoviews",
             "bokeh", "papermill", "matplotlib", "sklearn", "lightgbm", "quantile_forest"}
    code = f"import sys, {module}; print(*sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT,
                          check=True)
    assert done.stdout.split() == []
