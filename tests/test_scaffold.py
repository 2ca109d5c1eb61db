"""The files of a new method run as they are written."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from workbench import scaffold

ROOT = Path(__file__).parents[1]


def test_writes_every_sibling_once(tmp_path):
    written = scaffold.method("loud_votes", "inference", tmp_path)
    assert len(written) == len(set(written)) == 8
    assert all(path.is_file() and "$" not in path.read_text("utf-8") for path in written)
    before = {path: path.read_bytes() for path in written}
    with pytest.raises(ValueError, match=r"name must be new, but docs/papers/loud_votes\.md"):
        scaffold.method("loud_votes", "inference", tmp_path)
    assert before == {path: path.read_bytes() for path in written}


@pytest.mark.parametrize(("name", "room", "words"), [
    ("Loud", "inference", "name must be lower-case"), ("../x", "inference", "name must be"),
    ("class", "inference", "name must be"), ("loud", "inferense", "Did you mean 'inference'"),
])
def test_rejects_names_and_rooms(tmp_path, name, room, words):
    with pytest.raises(ValueError, match=words):
        scaffold.method(name, room, tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_new_method_passes_the_tests_of_form(tmp_path):
    for part in ("workbench", "tests", "notebooks", "dashboards", "benchmarks", "docs"):
        shutil.copytree(ROOT / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    written = scaffold.method("loud_votes", "inference", tmp_path)
    sources = [str(path) for path in written if path.suffix == ".py"]
    tests = ["tests/inference/test_loud_votes.py", "tests/studies/test_loud_votes.py",
             "tests/test_notebooks.py", "tests/test_architecture.py"]
    for command in (["pytest", "-q", "-k", "loud_votes", *tests], ["benchmarks.loud_votes"],
                    ["ruff", "check", *sources]):
        done = subprocess.run([sys.executable, "-m", *command], cwd=tmp_path, check=False,
                              capture_output=True, text=True, env={"PYTHONPATH": str(tmp_path)})
        assert done.returncode == 0, done.stdout + done.stderr
