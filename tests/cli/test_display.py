"""What a terminal shows while runs go on, looked at from the other side of the terminal."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from workbench.cli.display import follow
from workbench.cli.settings import How
from workbench.runs import Settings, Store

pytestmark = pytest.mark.skipif(os.name != "posix", reason="terminals of POSIX")
ROOT = Path(__file__).parents[2]


@pytest.fixture
def terminal(store, tmp_path):
    """Call a command whose standard error is a terminal: exit code, output, what was drawn."""
    def call(*words):
        ours, theirs = os.openpty()
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "WORKBENCH_RUNS": str(store),
                       "TERM": "xterm", "COLUMNS": "100"}
        with subprocess.Popen(
                [sys.executable, "-m", "workbench.cli", *map(str, words)], cwd=tmp_path,
                env=environment, stdout=subprocess.PIPE, stderr=theirs, text=True) as process:
            os.close(theirs)
            drawn = _all_of(ours)
            told = process.stdout.read()
        os.close(ours)
        return process.returncode, told, drawn

    return call


def test_identity_a_sweep_is_drawn_while_its_results_go_to_the_file(terminal, notebook):
    code, told, drawn = terminal("sweep", notebook, "--grid", "alpha=1,2,20", "--cold")
    assert code == 1
    assert "3 runs: 0 in the store already, 3 to do" in drawn
    assert "0 of 3 runs" in drawn
    assert "1 not succeeded" in drawn
    assert "cell 2 of 3" in drawn
    assert "AssertionError: too large" in told
    assert "3 executed, 0 from the store, 1 not succeeded" in told


@pytest.mark.parametrize(("force", "goes_on"), [(False, True), (True, False)])
def test_matches_what_an_interrupted_command_would_do_again(store, capsys, force, goes_on):
    how = How(Settings(force=force), Store(store), "", "", resume=False)
    with pytest.raises(typer.Exit) as ended, follow(how):
        raise KeyboardInterrupt
    assert ended.value.exit_code == 130
    assert ("goes on from here" in capsys.readouterr().err) is goes_on


def _all_of(terminal):
    pieces = []
    while True:
        try:
            piece = os.read(terminal, 65536)
        except OSError:          # Linux says so when the other side is closed
            piece = b""
        if not piece:
            return b"".join(pieces).decode()
        pieces.append(piece)
