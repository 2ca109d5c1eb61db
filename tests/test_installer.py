"""Set-up from a bare Python: real pip and venv, on a checkout that needs no download."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from workbench import environment, installer, progress

SOURCE = Path(environment.__file__).parent
BASE = getattr(sys, "_base_executable", sys.executable)
FILES = ("__init__.py", "__main__.py", "environment.py", "installer.py", "progress.py")
COMMAND = """
import json, sys
def app():
    print(json.dumps({"prefix": sys.prefix, "arguments": sys.argv[1:]}))
"""
KERNEL = """
import json, pathlib, sys
spec = pathlib.Path(sys.prefix, "share", "jupyter", "kernels", "python3", "kernel.json")
spec.parent.mkdir(parents=True, exist_ok=True)
spec.write_text(json.dumps({"arguments": sys.argv[1:], "python": sys.executable}))
"""
# A build backend in the tree itself: an editable install that downloads nothing.
BACKEND = """
import pathlib, time, zipfile
def build_editable(folder, config_settings=None, metadata_directory=None):
    root = pathlib.Path.cwd()
    with (root / "builds.txt").open("a") as log:
        log.write("built\\n")
    while (root / "slow").exists():
        time.sleep(0.05)
    info = "workbench-0.dist-info"
    with zipfile.ZipFile(pathlib.Path(folder, "workbench-0-py3-none-any.whl"), "w") as wheel:
        wheel.writestr("workbench.pth", str(root))
        wheel.writestr(info + "/METADATA",
                       "Metadata-Version: 2.1\\nName: workbench\\nVersion: 0\\n")
        wheel.writestr(info + "/WHEEL",
                       "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(info + "/RECORD", "")
    return "workbench-0-py3-none-any.whl"
"""
PROJECT = """
[build-system]
requires = []
build-backend = "tiny_backend"
backend-path = ["."]
[project]
name = "workbench"
version = "0"
dependencies = []
[project.optional-dependencies]
all = []
test = []
"""


def checkout(folder):
    (folder / "workbench").mkdir(parents=True)
    for name in FILES:
        (folder / "workbench" / name).write_bytes((SOURCE / name).read_bytes())
    (folder / "workbench" / "cli.py").write_text(COMMAND)
    (folder / "ipykernel.py").write_text(KERNEL)
    warm = folder / "workbench" / "runs" / "kernels" / "provisioner.py"
    warm.parent.mkdir(parents=True)
    warm.write_text(KERNEL.replace('"python3"', '"workbench-warm"'))
    (folder / "tiny_backend.py").write_text(BACKEND)
    (folder / "pyproject.toml").write_text(PROJECT)
    (folder / "requirements.lock").write_text("# nothing\n")
    (folder / "requirements-test.lock").write_text("# nothing\n")
    return folder


def start(folder, *arguments, **variables):
    hidden = {"WORKBENCH_ENTERED", "WORKBENCH_INSTALLER", "PYTHONPATH", "VIRTUAL_ENV"}
    kept = {name: value for name, value in os.environ.items() if name not in hidden}
    return subprocess.Popen([BASE, "-m", "workbench", *arguments], cwd=folder, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            env=kept | {"PIP_NO_INDEX": "1"} | variables)


def call(folder, *arguments, **variables):
    process = start(folder, *arguments, **variables)
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


def builds(folder):
    return (folder / "builds.txt").read_text().count("built")


def wait_for_build(folder):
    deadline = time.monotonic() + 60
    while not (folder / "builds.txt").exists() and time.monotonic() < deadline:
        time.sleep(0.05)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = checkout(tmp_path_factory.mktemp("made") / "a {b} c é")
    return folder, call(folder, "list", "--x", "a b")


def test_recovers_an_environment_from_nothing_in_an_odd_folder(made):
    folder, (status, out, err) = made
    assert status == 0, err
    told = json.loads(out)
    assert told == {"prefix": str(folder / ".venv"), "arguments": ["list", "--x", "a b"]}
    kernel = folder / ".venv" / "share" / "jupyter" / "kernels" / "python3" / "kernel.json"
    registered = json.loads(kernel.read_text())
    assert registered["python"].startswith(str(folder / ".venv"))
    assert registered["arguments"] == ["install", "--sys-prefix", "--name", "python3",
                                       "--display-name", "workbench"]
    stages = [line for line in err.splitlines() if re.fullmatch(r"  .+: \d+\.\d s", line)]
    assert len(stages) >= 3
    assert "ipykernel install" in (folder / ".venv" / "setup.log").read_text(encoding="utf-8")
    assert (folder / ".venv/share/jupyter/kernels/workbench-warm/kernel.json").exists()


def test_identity_a_second_call_installs_nothing(made):
    folder, _ = made
    before = builds(folder), (folder / ".venv" / "setup.log").read_bytes()
    status, out, err = call(folder, "list")
    assert status == 0
    assert err == ""
    assert json.loads(out)["arguments"] == ["list"]
    assert (builds(folder), (folder / ".venv" / "setup.log").read_bytes()) == before


def test_recovers_after_changes_and_damage(made):
    folder, _ = made
    place = environment.Environment(folder)
    assert call(folder, "test")[0] == 0
    assert place.is_ready("test")

    (folder / "requirements.lock").write_text("# other pins\n")
    assert not place.is_ready("all")
    assert not place.is_ready("test")
    status, _, err = call(folder, "list")
    assert status == 0
    assert "virtual environment:" not in err  # completed, not rebuilt
    assert place.is_ready("all")

    place.python.unlink()
    place.python.symlink_to(folder / "gone")
    status, out, err = call(folder, "list")
    assert status == 0
    assert "virtual environment:" in err  # rebuilt
    assert json.loads(out)["prefix"] == str(place.venv)


def test_recovers_when_two_start_at_once(tmp_path):
    folder = checkout(tmp_path / "two")
    (folder / "slow").touch()
    first = start(folder, "list")
    wait_for_build(folder)
    second = start(folder, "list")
    time.sleep(1)
    assert second.poll() is None
    (folder / "slow").unlink()
    told = [process.communicate(timeout=120) for process in (first, second)]
    assert [first.returncode, second.returncode] == [0, 0]
    assert "waiting" not in told[0][1]
    assert "waiting" in told[1][1]
    assert builds(folder) == 1


def test_recovers_when_a_lock_changes_during_the_install(tmp_path):
    folder = checkout(tmp_path / "changed")
    (folder / "slow").touch()
    process = start(folder, "list")
    wait_for_build(folder)
    (folder / "requirements.lock").write_text("# pins that were not read\n")
    (folder / "slow").unlink()
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, (out, err)
    assert not environment.Environment(folder).is_ready("all")


def test_recovers_from_an_interrupted_install(tmp_path):
    folder = checkout(tmp_path / "stopped")
    (folder / "slow").touch()
    process = start(folder, "list")
    wait_for_build(folder)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.splitlines()[-1].startswith("workbench: set-up interrupted.")
    assert "Traceback" not in err
    place = environment.Environment(folder)
    assert not place.is_ready("all")
    (folder / "slow").unlink()
    status, _, err = call(folder, "list")
    assert status == 0
    assert "virtual environment:" not in err
    assert place.is_ready("all")


def test_identity_half_installed_packages_are_forgotten(tmp_path):
    place = environment.Environment(tmp_path)
    site = installer._site_packages(place)
    records = {"whole": "whole-1.dist-info/INSTALLER,,\n", "half": "half/__init__.py,,\n"}
    for name, record in records.items():
        (site / f"{name}-1.dist-info").mkdir(parents=True)
        (site / f"{name}-1.dist-info" / "RECORD").write_text(record)
    (site / "none-1.dist-info").mkdir()
    (site / "~old").mkdir()
    installer._forget_half_installed(place)
    assert [entry.name for entry in site.iterdir()] == ["whole-1.dist-info"]


def test_rejects_pins_that_cannot_be_had(tmp_path):
    folder = checkout(tmp_path / "missing")
    (folder / "requirements.lock").write_text("no-such-package-here==1.0\n")
    project = PROJECT.replace("all = []", 'all = ["no-such-package-here==1.0"]')
    (folder / "pyproject.toml").write_text(project)
    status, out, err = call(folder, "list")
    assert status == 1
    assert out == ""
    assert "no-such-package-here" in err
    assert "Check the network" in err
    assert "setup.log" in err
    assert "Traceback" not in err
    assert not environment.Environment(folder).is_ready("all")


@pytest.mark.parametrize(("wanted", "words"), [("conda", "must be pip or uv"),
                                               ("uv", "no uv is on the PATH")])
def test_rejects_an_installer_that_is_unknown_or_missing(tmp_path, monkeypatch, wanted, words):
    monkeypatch.setenv("WORKBENCH_INSTALLER", wanted)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(progress.SetupError, match=words):
        installer._installer(environment.Environment(tmp_path), BASE, lambda *_: None)
