"""``workbench run``: papermill's forms and exit codes on any notebook."""

import base64
import json

import pytest


def test_matches_every_form_of_papermill(workbench, notebook, printed, tmp_path):
    (tmp_path / "more.yaml").write_text("alpha: 1\nword: from file\n")
    encoded = base64.b64encode(b"alpha: 9\nword: encoded").decode()
    forms = [
        (("-p", "alpha", "0.6"), "0.6 'x'"), (("-p", "alpha=0.6"), "0.6 'x'"),
        (("-p", "alpha", "-3"), "-3 'x'"), (("-r", "word", "12"), "0.5 '12'"),
        (("-p", "word", "a=b"), "0.5 'a=b'"), (("-f", "more.yaml"), "1 'from file'"),
        (("-y", "{alpha: 2, word: 'say \"hi\"'}"), "2 'say \"hi\"'"),
        (("-b", encoded), "9 'encoded'"),
        (("-b", encoded, "-f", "more.yaml", "-y", "alpha: 3", "-p", "alpha", "4", "-r", "word",
          "r"), "4 'r'"),
    ]
    for number, (words, told) in enumerate(forms):
        output = tmp_path / f"out {number}.ipynb"
        done = workbench("run", notebook, output, *words)
        assert done.code == 0, done.err
        assert printed(output).strip() == told


def test_recovers_numbers_of_any_notebook(workbench, notebook):
    done = workbench("run", notebook, "-p", "alpha", "0.25")
    assert done.code == 0
    assert "twice: 0.5 m [-0.5, 1.5], 90 % interval" in done.out
    listed, = workbench("runs", "--json").json
    assert listed["summary"]["twice"]["value"] == 0.5
    assert (listed["state"], listed["params"]) == ("succeeded", {"alpha": 0.25})
    assert "twice 0.5 m" in workbench("runs").out


@pytest.mark.parametrize(("words", "told"), [
    (("-p", "alhpa", "1"), "Did you mean 'alpha'"), (("-p", "alpha", "much"), "alpha"),
    (("-p", "alpha"), "followed by a name and a value"), (("-f", "absent.yaml"), "absent.yaml"),
    (("-y", "- 1"), "YAML"), (("-p", "import", "1"), "import"),
    (("-p", "a; __import__('os')", "1"), "a variable's name"),
    (("--cwd", "absent"), "existing folder"), (("-k", "xpython2"), "xpython2"),
    (("--time-limit", "soon"), "a duration such as"),
    (("--memory-limit", "0"), "an amount of memory"), (("--prepare-only",), "OUTPUT must be"),
])
def test_rejects_before_anything_runs(workbench, notebook, store, words, told):
    done = workbench("run", notebook, *words)
    assert done.code == 2, done.out
    assert told in done.err
    assert "Traceback" not in done.err
    assert not store.exists() or list(store.iterdir()) == []


def test_matches_exit_codes_of_papermill(workbench, notebook, tmp_path):
    failed = workbench("run", notebook, "out.ipynb", "-p", "alpha", "11")
    assert failed.code == 1
    assert "AssertionError: too large" in failed.out
    assert (tmp_path / "out.ipynb").exists()
    content = json.loads(notebook.read_text("utf-8"))
    content["cells"][-1]["source"] = "import os\nos.kill(os.getpid(), 9)"
    (tmp_path / "dies.ipynb").write_text(json.dumps(content))
    assert workbench("run", "dies.ipynb").code == 138
    assert workbench("run", "absent.ipynb").code == 2


def test_identity_unchanged_notebooks_are_reused_when_asked(workbench, notebook, store):
    for _ in range(2):
        assert workbench("run", notebook).code == 0
    assert len(workbench("runs", "--json").json) == 2
    again = workbench("run", notebook, "--resume")
    assert "unchanged, from the store" in again.out
    assert len(workbench("runs", "--json").json) == 2
    assert workbench("run", notebook, "--resume", "--force").code == 2


def test_identity_rerun_works_in_the_same_folder(workbench, notebook, tmp_path):
    (tmp_path / "there").mkdir()
    content = json.loads(notebook.read_text("utf-8"))
    content["cells"][-1]["source"] = "import os\nassert os.getcwd().endswith('there')"
    notebook.write_text(json.dumps(content), "utf-8")
    assert workbench("run", notebook, "--cwd", "there").code == 0
    key = workbench("runs", "--json").json[0]["key"]
    assert workbench("rerun", key[:10]).code == 0


def test_recovers_what_a_notebook_declares(workbench, notebook, tmp_path, printed):
    told = workbench("run", notebook, "--help-notebook").out
    assert "alpha: float (default 0.5)" in told
    assert "what is doubled" in told
    done = workbench("run", notebook, "ready.ipynb", "--prepare-only", "-p", "alpha", "3")
    assert done.code == 0
    cells = json.loads((tmp_path / "ready.ipynb").read_text("utf-8"))["cells"]
    injected = [cell for cell in cells
                if "injected-parameters" in cell["metadata"].get("tags", [])]
    assert "alpha = 3" in "".join(injected[0]["source"])
    assert all(not cell.get("outputs") for cell in cells)
    assert json.loads(workbench("run", notebook, "-").out)["nbformat"] == 4
