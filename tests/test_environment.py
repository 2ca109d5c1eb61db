"""What decides whether an environment is made, and when it counts as ready."""

import ast
import json
import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from workbench import environment

SOURCE = Path(environment.__file__).parent
FILES = ("__init__.py", "__main__.py", "environment.py", "installer.py", "progress.py")
PROJECT = """
[build-system]
requires = []
[project]
name = "workbench"
dependencies = []
"""


def checkout(folder):
    (folder / "workbench").mkdir(parents=True)
    for name in FILES:
        (folder / "workbench" / name).write_bytes((SOURCE / name).read_bytes())
    (folder / "pyproject.toml").write_text(PROJECT)
    for name in environment.LOCKS["test"]:
        (folder / name).write_text("# nothing\n")
    return folder


def test_rejects_an_old_python(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 10, 13, "final", 0))
    with pytest.raises(SystemExit, match=r"needs Python 3\.11 or later"):
        runpy.run_path(str(SOURCE / "__main__.py"), run_name="__main__")


@pytest.mark.parametrize("name", FILES)
def test_identity_old_pythons_can_parse_the_set_up(name):
    text = (SOURCE / name).read_text(encoding="utf-8")
    assert ast.parse(text, feature_version=(3, 8)).body


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"], ["--version"], ["list", "--help"]])
def test_identity_help_and_version_need_no_environment(tmp_path, arguments):
    folder = checkout(tmp_path / "help")
    base = getattr(sys, "_base_executable", sys.executable)  # where nothing is installed
    told = subprocess.run([base, "-m", "workbench", *arguments], cwd=folder, text=True,
                          capture_output=True, check=True, env={"PATH": os.environ["PATH"]})
    assert told.stderr == ""
    assert ("0.1.0" if "--version" in arguments else "report") in told.stdout
    assert not (folder / ".venv").exists()


def test_identity_an_installed_package_makes_no_environment(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(environment, "is_complete", lambda _: False)
    with pytest.raises(SystemExit) as stopped:
        environment.enter(["list"], root=tmp_path)
    assert stopped.value.code == 2
    assert "pip install 'workbench[all]'" in capsys.readouterr().err
    assert not (tmp_path / ".venv").exists()


def test_identity_a_complete_interpreter_is_used_as_it_is(tmp_path, monkeypatch):
    monkeypatch.setattr(environment, "is_complete", lambda parts: parts == ("all",))
    folder = checkout(tmp_path / "conda")
    environment.enter(["list"], root=folder)
    assert not (folder / ".venv").exists()


@pytest.mark.parametrize("change", ["requirements.lock", "requirements-test.lock", "dependencies",
                                    "scripts", "folder"])
def test_identity_the_stamp_follows_what_is_installed(tmp_path, change):
    place = environment.Environment(checkout(tmp_path / "one"))
    before = place.digest("test")
    assert before == place.digest("test")
    project = (place.root / "pyproject.toml").read_text()
    if change == "folder":
        place = environment.Environment(checkout(tmp_path / "two"))
    elif change.endswith("lock"):
        (place.root / change).write_text("numpy==2.0\n")
    elif change == "dependencies":
        (place.root / "pyproject.toml").write_text(
            project.replace("dependencies = []", 'dependencies = ["numpy"]'))
    else:
        (place.root / "pyproject.toml").write_text(project + '[project.scripts]\nx = "y:z"\n')
    assert place.digest("test") != before


def test_identity_the_stamp_ignores_the_rest_of_the_project(tmp_path):
    place = environment.Environment(checkout(tmp_path / "one"))
    before = place.digest("all")
    (place.root / "pyproject.toml").write_text(PROJECT + "[tool.other]\nx = 1\n")
    (place.root / "requirements-test.lock").write_text("numpy==2.0\n")
    assert place.digest("all") == before


def test_identity_a_ready_stamp_needs_its_interpreter(tmp_path):
    place = environment.Environment(checkout(tmp_path / "one"))
    place.scripts.mkdir(parents=True)
    place.stamp("all").write_text(place.digest("all"))
    assert not place.is_ready("all")
    place.python.symlink_to(sys.executable)
    assert place.is_ready("all")
    place.stamp("all").write_text(place.digest("test"))
    assert not place.is_ready("all")


def test_identity_the_check_loads_little(tmp_path):
    folder = checkout(tmp_path / "one")
    code = ("import json, pathlib, sys; sys.path.insert(0, '.');"
            "from workbench import environment;"
            "environment.Environment(pathlib.Path.cwd()).is_ready('test');"
            "print(json.dumps(sorted(sys.modules)))")
    told = subprocess.run([sys.executable, "-I", "-S", "-c", code], cwd=folder,
                          text=True, capture_output=True, check=True)
    loaded = set(json.loads(told.stdout))
    assert "workbench.environment" in loaded
    assert not loaded & {"subprocess", "venv", "importlib.metadata", "workbench.installer",
                         "email", "asyncio", "numpy"}


def test_matches_commands_of_the_short_usage_and_the_program():
    cli = pytest.importorskip("workbench.cli")
    names = {command.name or command.callback.__name__ for command in cli.app.registered_commands}
    assert set(environment.COMMANDS) <= names
