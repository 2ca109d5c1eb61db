"""Outputs of cells that print much: in order, cut in the middle, true to what is shown."""

import re

import nbformat
import pytest

from workbench.runs import Limits, Settings, run
from workbench.runs.inputs import notebooks

INTERLEAVED = """import sys
for i in range(3):
    print("o" * 20, flush=True); print(f"E{i}", file=sys.stderr, flush=True)
print("LAST")"""
CLEARED = """from IPython.display import clear_output
for i in range(9):
    print("x" * 60, i); clear_output()
print("final")"""
WAITED = """from IPython.display import clear_output
for i in range(9):
    clear_output(wait=True); print("x" * 60, i)"""
SHOWN = 'display("one"); print("A" * 80); display("two"); print("B"); display("three")'
LONG = 'print("head"); [print("é" * 20, flush=True) for _ in range(40)]; print("tail")'
HANDLE = """print("a", flush=True); print("b", flush=True)
handle = display("old", display_id=True)"""
UPDATED = 'handle.update("new")'


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """Outputs of each cell by name, each a text with its kind; and the log."""
    folder = tmp_path_factory.mktemp("client")
    new = nbformat.v4
    cells = {"interleaved": INTERLEAVED, "cleared": CLEARED, "waited": WAITED, "shown": SHOWN,
             "long": LONG, "handle": HANDLE, "updated": UPDATED}
    path = folder / "prints.ipynb"
    nbformat.write(new.new_notebook(cells=[
        new.new_code_cell(source, id=name) for name, source in cells.items()]), path)
    done = run(path, store=folder / "runs",
               settings=Settings(force=True, limits=Limits(output=100)))
    assert done.state == "succeeded", done.error
    found = {cell.id: [_told(output) for output in cell.outputs]
             for cell in notebooks.load(done.notebook).cells}
    return found, (done.folder / "log.txt").read_text(encoding="utf-8")


def test_identity_streams_and_displays_keep_their_order(executed):
    found, _ = executed
    row = "o" * 20 + "\n"
    assert found["interleaved"] == [
        ("stdout", row), ("stderr", "E0\n"), ("stdout", row), ("stderr", "E1\n"),
        ("stdout", row), ("stderr", "E2\n"), ("stdout", "LAST\n")]
    assert found["shown"] == [("display_data", "'one'"), ("stdout", "A" * 80 + "\n"),
                              ("display_data", "'two'"), ("stdout", "B\n"),
                              ("display_data", "'three'")]


def test_identity_what_was_cleared_counts_no_more(executed):
    found, _ = executed
    assert found["cleared"] == [("stdout", "final\n")]
    assert found["waited"] == [("stdout", "x" * 60 + " 8\n")]


def test_identity_a_long_print_is_cut_in_the_middle_and_whole_in_the_log(executed):
    found, log = executed
    ((_, text),) = found["long"]
    whole = "head\n" + ("é" * 20 + "\n") * 40 + "tail\n"
    missing = f"\n[… {len(whole) - 100} characters left out here. All of it is in log.txt. …]\n"
    assert text == whole[:50] + missing + whole[-50:]
    printed = re.sub(r"(?m)^\[OrderlyKernelApp\].*\n", "", log)   # what ipykernel warns of itself
    assert re.sub(r"\s", "", printed) == re.sub(r"\s", "", whole)


def test_identity_an_output_is_updated_behind_joined_prints(executed):
    found, _ = executed
    assert found["handle"] == [("stdout", "a\nb\n"), ("display_data", "'new'")]


def _told(output):
    if output.output_type == "stream":
        return output.name, output.text
    return output.output_type, output["data"]["text/plain"]
