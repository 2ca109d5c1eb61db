"""What is installed is read from folder names, kept once, and found again."""

import importlib.metadata
import json
import re
import sys

import pytest

from workbench.runs.keys import environment as room
from workbench.runs.keys.environment import environment, recalled, remember_environment, versions


def test_matches_installed_distributions():
    expected = {}
    own = [entry for entry in sys.path if not entry.endswith("_vendor")]  # setuptools may add it
    for found in importlib.metadata.distributions(path=own):
        name = re.sub(r"[-_.]+", "-", found.metadata["Name"]).lower()
        expected.setdefault(name, found.version)
    assert environment().packages == expected
    assert versions()["numpy"] == importlib.metadata.version("numpy")
    assert environment().hash == environment().hash


def test_recovers_a_new_package(tmp_path, monkeypatch):
    before = environment()
    (tmp_path / "new_thing-1.5.dist-info").mkdir()
    (tmp_path / "old.thing-0.1.egg-info").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    after = environment()
    assert after.hash != before.hash
    assert dict(after.packages.items() - before.packages.items()) == {
        "new-thing": "1.5", "old-thing": "0.1"}


def test_identity_environment_is_kept_once(tmp_path):
    folder = tmp_path / "_environments"
    name = remember_environment(folder)
    (path,) = folder.iterdir()
    assert path.name == f"{name}.json" == f"{environment().hash}.json"
    assert recalled(folder, name) == environment().packages
    path.write_text(json.dumps({"packages": {"a": "1"}}))
    remember_environment(folder)
    assert recalled(folder, name) == {"a": "1"}


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"packages": 3}', "[" * 100_000])
def test_recovers_from_a_spoilt_list(tmp_path, text):
    (tmp_path / f"{'0' * 32}.json").write_text(text)
    assert recalled(tmp_path, "0" * 32) is None
    assert recalled(tmp_path, "../" + "0" * 32) is None
    assert recalled(tmp_path, "1" * 32) is None


@pytest.mark.parametrize(("visible", "present", "expected"), [
    (None, True, "cuda"), ("0", True, "cuda"), ("", True, "cpu"), ("-1", True, "cpu"),
    (None, False, "cpu"), ("0", False, "cpu")])
def test_matches_device(monkeypatch, tmp_path, visible, present, expected):
    monkeypatch.setattr(room, "DEVICES", ((tmp_path, "nvidia[0-9]*"),))
    if present:
        (tmp_path / "nvidia0").write_text("")
    (tmp_path / "nvidiactl").write_text("")
    if visible is None:
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    else:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert room.device_class() == expected


def test_identity_of_packages_that_setuptools_brings_along(monkeypatch, tmp_path):
    before = room.environment().hash
    (tmp_path / "_vendor" / "tomli-9.9.dist-info").mkdir(parents=True)
    monkeypatch.setattr("sys.path", [*sys.path, str(tmp_path / "_vendor")])
    assert room.environment().hash == before
