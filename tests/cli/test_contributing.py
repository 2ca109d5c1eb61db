"""What the contributors' test command asks pytest for."""

import subprocess

import pytest

from workbench.cli import contributing


@pytest.fixture
def asked(monkeypatch):
    """Words and variables that would be given to pytest."""
    kept = []
    monkeypatch.setattr(contributing, "_tool",
                        lambda *words, **named: kept.append((list(words), named)) or 0)
    return kept


SHARED = ["-n", "logical", "--maxprocesses", "4", "--dist", "loadfile"]
QUICK = ["-m", "not slow"]


@pytest.mark.parametrize(("words", "in_ci", "wanted"), [
    ([], "", ["pytest", *SHARED, *QUICK]), (["--slow"], "", ["pytest", *SHARED]),
    ([], "true", ["pytest", *SHARED]), (["tests/core"], "", ["pytest", "tests/core", *QUICK]),
    (["-n", "0"], "true", ["pytest", "-n", "0"]), (["-m", "slow"], "", ["pytest", "-m", "slow"])])
def test_matches_what_was_asked_for(workbench, asked, monkeypatch, words, in_ci, wanted):
    monkeypatch.setenv("CI", in_ci)
    assert workbench("test", *words).code == 0
    assert asked == [(wanted, {"OMP_NUM_THREADS": "1"} if "logical" in wanted else {})]


def test_matches_variables_that_the_user_has_set(monkeypatch):
    told = []
    monkeypatch.setattr(contributing.subprocess, "run", lambda *_, env, **__: told.append(
        env["OMP_NUM_THREADS"]) or subprocess.CompletedProcess([], 0))
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    contributing._run("-V", OMP_NUM_THREADS="1")
    monkeypatch.delenv("OMP_NUM_THREADS")
    contributing._run("-V", OMP_NUM_THREADS="1")
    assert told == ["3", "1"]
