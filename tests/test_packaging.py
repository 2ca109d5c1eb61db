"""Locks, environment.yml, wheel and import cost agree with pyproject.toml."""

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
LOCKS = ("requirements.lock", "requirements-test.lock")
HEAVY = {"torch", "pymc", "pytensor", "panel", "holoviews", "numba", "arviz", "nutpie",
         "matplotlib", "papermill", "sklearn", "lightgbm", "quantile_forest"}


def declared(*extras):
    """Requirements of the project with extras, those that name the project itself opened."""
    found = [Requirement(text) for text in PROJECT["dependencies"]]
    for extra in extras:
        for text in EXTRAS[extra]:
            wanted = Requirement(text)
            own = canonicalize_name(wanted.name) == "workbench"
            found += declared(*wanted.extras) if own else [wanted]
    return found


def pins(*names):
    lines = [line for name in names for line in (ROOT / name).read_text().splitlines() if line]
    return {canonicalize_name(name): version
            for name, version in (line.split("==") for line in lines)}


def build_requirements():
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    return [Requirement(line) for line in tomllib.loads(text)["build-system"]["requires"]]


def outside(requirements, pinned):
    """Requirements of this platform that the pins miss or leave."""
    here = [wanted for wanted in requirements
            if wanted.marker is None or wanted.marker.evaluate(default_environment())]
    return [str(wanted) for wanted in here if canonicalize_name(wanted.name) not in pinned
            or pinned[canonicalize_name(wanted.name)] not in wanted.specifier]


def conda_ranges():
    """Ranges of environment.yml by name, and its pip lines."""
    listed = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    names = [re.fullmatch(r"([a-z0-9_-]+)(.*)", entry).groups()
             for entry in listed if isinstance(entry, str)]
    pip = next(entry["pip"] for entry in listed if isinstance(entry, dict))
    return {name: SpecifierSet(text) for name, text in names}, pip


def test_matches_pins_and_ranges():
    assert len(declared("all")) > len(PROJECT["dependencies"])
    editable = Requirement("editables")
    assert outside([*declared("all"), *build_requirements(), editable], pins(LOCKS[0])) == []
    assert outside(declared("all", "test"), pins(*LOCKS)) == []


def test_rejects_pins_out_of_range():
    wrong = [Requirement("numpy<1"), Requirement("absent")]
    assert outside(wrong, pins(LOCKS[0])) == ["numpy<1", "absent"]


def test_identity_locks_do_not_overlap():
    assert not set(pins(LOCKS[0])) & set(pins(LOCKS[1]))


@pytest.mark.parametrize("name", LOCKS)
def test_identity_lock_lines_are_names_and_versions(name):
    lines = (ROOT / name).read_text().splitlines()
    assert lines
    odd = [line for line in lines if not re.fullmatch(r"[a-z0-9-]+==[0-9][0-9a-z.]*", line)]
    assert odd == []


def test_matches_conda_environment_and_project():
    ranges, pip = conda_ranges()
    assert pip == ["-e .[all]"]
    assert ranges.pop("python") == SpecifierSet(PROJECT["requires-python"])
    assert ranges.pop("pip") == SpecifierSet()
    project = {canonicalize_name(wanted.name): wanted.specifier for wanted in declared("all")}
    assert {name: project.get(name) for name in ranges} == ranges
    plain = {canonicalize_name(Requirement(text).name) for text in PROJECT["dependencies"]}
    assert plain - {"param"} <= set(ranges)  # param is pure Python, so pip may bring it


@pytest.mark.parametrize("module", ["workbench", "workbench.core", "workbench.inference"])
def test_identity_import_loads_nothing_heavy(module):
    code = f"import sys, {module}; print(*sorted(name.split('.')[0] for name in sys.modules))"
    told = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True,
                          check=True)
    loaded = set(told.stdout.split())
    assert "workbench" in loaded
    assert loaded & HEAVY == set()


def test_identity_import_of_the_package_loads_no_library():
    code = "import sys, workbench; print(*sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True,
                          check=True)
    assert not {"numpy", "pandas", "param", "scipy", "pyarrow"} & set(told.stdout.split())


@pytest.mark.slow
def test_identity_wheel_holds_the_package_only(tmp_path):
    pytest.importorskip("hatchling", reason="the build tool comes with requirements.lock only")
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d",
                    str(tmp_path)], cwd=ROOT, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert "workbench/__main__.py" in names
    tops = {name.split("/")[0] for name in names}
    assert tops == {"workbench", f"workbench-{PROJECT['version']}.dist-info"}
    kinds = {Path(name).suffix for name in names if name.startswith("workbench/")}
    assert not kinds & {".csv", ".jsonl", ".parquet", ".ipynb", ".pyc"}
