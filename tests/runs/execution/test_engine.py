"""``papermill --engine workbench``: the same truth without the store."""

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow


def papermill(notebook, output):
    words = ["--engine", "workbench", "-k", "python3", "-l", "python", "--no-progress-bar",
             str(notebook), str(output), "-p", "n", "4"]
    return subprocess.run([sys.executable, "-m", "papermill", *words], capture_output=True,
                          text=True, check=False)


def status(path):
    return {cell["id"]: cell["metadata"]["papermill"]["status"]
            for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == "code"
            and "papermill-error-cell-tag" not in cell["metadata"].get("tags", [])}


@pytest.mark.parametrize(("code", "state", "exit_code"), [
    ("print(n)", "completed", 0), ("1 / 0", "failed", 1),
    ("import os; os._exit(3)", "failed", 138),
    ("from IPython.display import display; display({'text/html': 5}, raw=True)", "failed", 1)])
def test_matches_status_and_exit_code(study, tmp_path, make_notebook, code, state, exit_code):
    notebook = make_notebook(tmp_path / "in.ipynb", ("before", "'so far'"), ("cell", code))
    done = papermill(notebook, tmp_path / "out.ipynb")
    assert done.returncode == exit_code, done.stderr
    told = status(tmp_path / "out.ipynb")
    assert (told["before"], told["cell"]) == ("completed", state)
    assert told["save"] == ("completed" if state == "completed" else "pending")
