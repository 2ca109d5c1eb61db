"""Executing a notebook: what arrives, what is kept, what is refused."""

import json
import sys

import pytest

from workbench.core import ParameterError
from workbench.runs import execute, list_runs, load


def outputs_of(run, cell):
    cells = json.loads(run.notebook.read_text(encoding="utf-8"))["cells"]
    return next(each["outputs"] for each in cells if each["id"] == cell)


def test_matches_result_of_the_study(study, store):
    seen = []
    run = execute(study, study.Params(n=5), on_cell=lambda *told: seen.append(told))
    assert (run.state, run.error) == ("succeeded", "")
    assert run.folder.parent == store
    assert run.summary["rows"].value == 5
    assert run.summary.notes == study.run(study.Params(n=5)).summary.notes
    assert list(run.tables()["rows"]["row"]) == [0, 1, 2, 3, 4]
    assert (run.params["n"], run.changed) == (5, {"n": 5})
    assert run.report is not None
    assert 0 < run.seconds < 120
    assert seen == [(1, 4, "imports"), (2, 4, "parameters"), (3, 4, "run"), (4, 4, "save")]
    assert load(run.id) == run == list_runs(study)[0]
    manifest = json.loads((run.folder / "manifest.json").read_text())["files"]
    assert set(manifest) == {"artifacts/rows.parquet", "metrics.json", "notebook.ipynb"}
    assert manifest["notebook.ipynb"]["bytes"] == run.notebook.stat().st_size


@pytest.mark.parametrize("word", [
    'quote " and \' and """', "line\nbreak\ttab\r", "back\\slash \\n {x} $(id) %s", "é 数 😀 \x00",
    "\udce9", '"); import os; os.abort(); ("',
], ids=ascii)
def test_identity_parameters_arrive_unchanged(study, tmp_path, word, make_notebook):
    show = make_notebook(tmp_path / "show.ipynb", (
        "show", "import json\nprint(json.dumps([params.values(), word, share]))"))
    run = execute(study, study.Params(word=word, share=None, flag=True), notebook=show)
    values, raw, share = json.loads("".join(outputs_of(run, "show")[0]["text"]))
    assert values == study.Params(word=word, share=None, flag=True).values()
    assert (raw, share) == (word, None)
    assert run.params["word"] == word


def test_identity_kernel_is_this_python(study, tmp_path, monkeypatch, make_notebook):
    kernels = tmp_path / "jupyter" / "kernels" / "python3"
    kernels.mkdir(parents=True)
    (kernels / "kernel.json").write_text(json.dumps(
        {"argv": ["/bin/false"], "display_name": "Wrong", "language": "python"}))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    show = make_notebook(tmp_path / "show.ipynb", ("show", "import sys\nprint(sys.executable)"))
    run = execute(study, study.Params(), notebook=show)
    assert "".join(outputs_of(run, "show")[0]["text"]).strip() == sys.executable


def test_recovers_the_notebook_up_to_a_failing_cell(study, tmp_path, make_notebook):
    failing = make_notebook(tmp_path / "failing.ipynb", ("before", "print('so far')"),
                            ("bad", "raise ValueError('no <b>luck</b>\\nsecond line')"))
    run = execute(study, study.Params(), notebook=failing)
    assert (run.state, run.error) == ("failed", "ValueError: no <b>luck</b>")
    assert "".join(outputs_of(run, "before")[0]["text"]) == "so far\n"
    assert outputs_of(run, "bad")[0]["ename"] == "ValueError"
    assert outputs_of(run, "save") == []
    page = run.report.read_text(encoding="utf-8")
    assert page.index("This run failed.") < page.index("so far")
    assert "ValueError: no &lt;b&gt;luck&lt;/b&gt;" in page
    assert 'href="#cell-bad"' in page


@pytest.mark.parametrize(("code", "cause"), [
    ("os.kill(os.getpid(), 9)", "was ended by SIGKILL, often because memory ran out, in cell"),
    ("os._exit(3)", "ended with exit code 3 in cell"),
])
def test_recovers_the_cause_when_the_kernel_dies(study, tmp_path, code, cause, make_notebook):
    dying = make_notebook(tmp_path / "dying.ipynb", ("before", "1 + 1"),
                          ("dies", f"import os\n{code}"))
    run = execute(study, study.Params(), notebook=dying)
    assert run.state == "killed"
    assert run.error == f"the kernel {cause} 'dies'"
    cells = json.loads(run.notebook.read_text())["cells"]
    status = {cell["id"]: cell["metadata"]["papermill"]["status"] for cell in cells}
    assert (status["before"], status["dies"], status["save"]) == ("completed", "failed", "pending")
    assert run.error[1:] in run.report.read_text().replace("&#39;", "'")


def test_recovers_from_a_notebook_that_saves_nothing(study, tmp_path, make_notebook):
    silent = make_notebook(tmp_path / "silent.ipynb", ("stop", "raise SystemExit(0)"))
    run = execute(study, study.Params(), notebook=silent)
    assert run.state == "succeeded"
    assert "saved no result" in run.summary.notes[0]


def test_rejects_parameters_the_notebook_does_not_declare(study, store, tmp_path, make_notebook):
    misspelt = make_notebook(tmp_path / "misspelt.ipynb", parameters="n = 3\nwords = ''\nshare = 1"
                             "\nflag = False\ndata = ''\nseed = 0")
    with pytest.raises(ParameterError, match=r"'word' is missing .* Did you mean 'words'\?"):
        execute(study, study.Params(), notebook=misspelt)
    with pytest.raises(TypeError, match="must be an instance of the study's Params"):
        execute(study, {"n": 3})
    assert list_runs() == []
    assert not store.exists()


def test_rejects_what_is_not_a_notebook(study, tmp_path, make_notebook):
    whole = make_notebook(tmp_path / "whole.ipynb").read_text()
    (tmp_path / "part.ipynb").write_text(whole[:200])
    with pytest.raises(ValueError, match=r"part\.ipynb'?, which cannot be read"):
        execute(study, study.Params(), notebook=tmp_path / "part.ipynb")
    with pytest.raises(ValueError, match=r"existing file.* Did you mean 'whole\.ipynb'\?"):
        execute(study, study.Params(), notebook=tmp_path / "whol.ipynb")
