"""What goes wrong around a run: each fault ends in one truthful state, nothing is left over."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import numpy as np
import pytest

from workbench.core import ParameterError
from workbench.runs import Limits, Settings, Store, execute, report, run, sweep

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
LONG = 60


def cells_of(done):
    return {cell["id"]: cell for cell in json.loads(done.notebook.read_text())["cells"]}


def status_of(done):
    return {name: cell["metadata"]["papermill"]["status"] for name, cell in cells_of(done).items()
            if cell["cell_type"] == "code"}


def printed(cell):
    return "".join("".join(output.get("text", "")) for output in cell["outputs"])


def is_gone(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return True
    return state == "Z"


def until(claim, seconds=LONG):
    deadline = time.monotonic() + seconds
    while not claim():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def pid_in(path):
    until(lambda: path.exists() and path.read_text().endswith("\n"))
    return int(path.read_text())


def hold(path):
    """Code of a cell that tells its process in a file, then sleeps."""
    return (f"import os, pathlib, time\n"
            f"pathlib.Path({str(path)!r}).write_text(f'{{os.getpid()}}\\n')\ntime.sleep(300)")


def start_runner(notebook, *options, code="execute"):
    """A process of its own that executes a notebook of the tiny study."""
    program = {
        "execute": "import tiny, sys, pathlib\nfrom workbench.runs import execute\n"
                   "execute(tiny, tiny.Params(), notebook=pathlib.Path(sys.argv[1]))",
        "cli": "import sys\nfrom workbench.cli import app\napp()",
    }[code]
    words = [str(notebook)] if code == "execute" else ["run", str(notebook), *options]
    return subprocess.Popen([sys.executable, "-c", program, *words], text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            start_new_session=True)


@pytest.mark.parametrize(("code", "cause"), [
    ("os.kill(os.getpid(), 9)", "was ended by SIGKILL, often because memory ran out,"),
    ("import ctypes; ctypes.string_at(0)", "was ended by SIGSEGV"),
    ("os._exit(3)", "ended with exit code 3"),
])
@pytest.mark.parametrize("kernel", ["cold", "warm"])
def test_recovers_from_a_kernel_that_dies(study, tmp_path, make_notebook, code, cause, kernel):
    dying = make_notebook(tmp_path / "dying.ipynb", ("before", "print('so far')"),
                          ("dies", f"import os\n{code}"))
    from workbench.runs.execution.sweep import carry_out_all
    from workbench.runs.inputs.task import Task

    how = Settings(force=True, cold=kernel == "cold", warm=() if kernel == "warm" else None)
    done = carry_out_all([Task.of_study(study, study.Params(), dying)], None, how)[0]
    assert (done.state, done.kernel) == ("killed", kernel)
    assert done.error == f"the kernel {cause} in cell 'dies'"
    status = status_of(done)
    assert (status["before"], status["dies"], status["save"]) == ("completed", "failed", "pending")
    assert printed(cells_of(done)["before"]) == "so far\n"
    assert done.cells == {"done": 4, "total": 6}


@LINUX
def test_recovers_from_memory_that_runs_out(study, tmp_path, make_notebook):
    greedy = make_notebook(tmp_path / "greedy.ipynb", ("greedy", "b = bytearray(3_000_000_000)"))
    done = execute(study, study.Params(), notebook=greedy,
                   settings=Settings(limits=Limits(memory=1_000_000_000)))
    assert (done.state, done.error) == ("failed", "MemoryError")
    family = make_notebook(tmp_path / "family.ipynb", ("family", (
        "import subprocess, sys, time\n"
        "code = 'import time; b = bytearray(400_000_000); time.sleep(60)'\n"
        "some = [subprocess.Popen([sys.executable, '-c', code]) for _ in range(3)]\n"
        "time.sleep(60)")))
    done = execute(study, study.Params(), notebook=family,
                   settings=Settings(limits=Limits(memory=900_000_000)))
    assert done.state == "killed"
    assert done.error.startswith("out of memory: ")
    assert done.error.endswith("MB in use, the limit is 900 MB in cell 'family'")
    assert done.peak_memory > 900_000_000


@pytest.mark.parametrize(("code", "limits"), [
    ("import time\nprint('begun', flush=True)\ntime.sleep(300)", Limits(cell=1.5)),
    ("import time\nprint('begun', flush=True)\ntime.sleep(300)", Limits(run=4)),
    ("import signal, time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n"
     "print('begun', flush=True)\ntime.sleep(300)", Limits(cell=1.5)),
], ids=["cell", "run", "deaf"])
def test_recovers_from_a_notebook_that_takes_too_long(study, tmp_path, make_notebook, code,
                                                      limits, monkeypatch):
    monkeypatch.setattr("workbench.runs.execution.limits.GRACE", 1.0)
    slow = make_notebook(tmp_path / "slow.ipynb", ("slow", code))
    done = execute(study, study.Params(), notebook=slow, settings=Settings(limits=limits))
    kind, seconds = ("cell", "1.5") if limits.cell else ("run", "4")
    assert done.state == "timed-out"
    assert done.error == f"the {kind} took longer than its limit of {seconds} s in cell 'slow'"
    assert "begun\n" in printed(cells_of(done)["slow"])
    assert status_of(done)["slow"] == "failed"
    assert status_of(done)["save"] == "pending"
    assert done.seconds < 30


def test_matches_the_time_limit_in_the_notebook(tmp_path, study):
    content = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("import time"),
                                              nbformat.v4.new_code_cell("time.sleep(300)")])
    content.metadata["execution"] = {"timeout": 1}
    nbformat.write(content, tmp_path / "own.ipynb")
    done = run(tmp_path / "own.ipynb")
    assert done.state == "timed-out"
    assert "longer than its limit of 1 s" in done.error


def test_rejects_a_kernel_that_is_not_installed(study, tmp_path, store):
    content = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1")])
    content.metadata["kernelspec"] = {"name": "xpython2", "language": "R", "display_name": "x"}
    nbformat.write(content, tmp_path / "other.ipynb")
    with pytest.raises(ValueError, match=r"kernel.*'xpython2'.*python3"):
        run(tmp_path / "other.ipynb")
    assert not store.exists() or list(store.glob("2*")) == []


@LINUX
@pytest.mark.parametrize("cold", [True, False])
def test_identity_no_process_is_left(study, tmp_path, make_notebook, cold):
    child = tmp_path / "child"
    leaving = make_notebook(tmp_path / "leaving.ipynb", ("leave", (
        "import pathlib, subprocess\nleft = subprocess.Popen(['sleep', '300'])\n"
        f"pathlib.Path({str(child)!r}).write_text(f'{{left.pid}}\\n')")))
    from workbench.runs.execution.sweep import carry_out_all
    from workbench.runs.inputs.task import Task

    how = Settings(force=True, cold=cold, warm=None if cold else ())
    done = carry_out_all([Task.of_study(study, study.Params(), leaving)], None, how)[0]
    assert done.state == "succeeded"
    until(lambda: is_gone(pid_in(child)), 10)


@LINUX
def test_recovers_from_ctrl_c(study, store, tmp_path, make_notebook):
    slow = make_notebook(tmp_path / "slow.ipynb", ("slow", hold(tmp_path / "pid")))
    runner = start_runner(slow)
    kernel = pid_in(tmp_path / "pid")
    os.kill(runner.pid, signal.SIGINT)
    told = runner.communicate(timeout=LONG)[1]
    assert "KeyboardInterrupt" in told.splitlines()[-1]
    done, = Store().runs()
    assert (done.state, done.error) == ("interrupted", "interrupted in cell 'slow'")
    assert cells_of(done)["slow"]["outputs"][0]["ename"] == "KeyboardInterrupt"
    assert status_of(done)["save"] == "pending"
    until(lambda: is_gone(kernel), 10)


@LINUX
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_matches_exit_codes_of_signals(study, store, tmp_path, make_notebook, number, code):
    slow = make_notebook(tmp_path / "slow.ipynb", ("slow", hold(tmp_path / "pid")))
    runner = start_runner(slow, code="cli")
    kernel = pid_in(tmp_path / "pid")
    os.kill(runner.pid, number)
    told = runner.communicate(timeout=LONG)[1]
    assert runner.returncode == code
    assert "Stopping what is in progress; a second interrupt ends it at once." in told
    assert "Interrupted with 0 of 1 runs done" in told
    assert "Traceback" not in told
    assert [each.state for each in Store().runs()] == ["interrupted"]
    until(lambda: is_gone(kernel), 10)


@LINUX
def test_recovers_at_once_from_a_second_ctrl_c(study, store, tmp_path, make_notebook):
    deaf = make_notebook(tmp_path / "deaf.ipynb", ("deaf", (
        "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        + hold(tmp_path / "pid"))))
    runner = start_runner(deaf, code="cli")
    kernel = pid_in(tmp_path / "pid")
    os.kill(runner.pid, signal.SIGINT)
    time.sleep(1)
    assert runner.poll() is None
    os.kill(runner.pid, signal.SIGINT)
    begun = time.monotonic()
    runner.communicate(timeout=LONG)
    assert runner.returncode == 130
    assert time.monotonic() - begun < 10
    until(lambda: is_gone(kernel), 10)


@LINUX
def test_recovers_from_a_killed_runner(study, store, tmp_path, make_notebook):
    slow = make_notebook(tmp_path / "slow.ipynb", ("slow", hold(tmp_path / "pid")))
    runner = start_runner(slow)
    kernel = pid_in(tmp_path / "pid")
    assert [each.state for each in Store().runs()] == ["running"]
    os.kill(runner.pid, signal.SIGKILL)
    runner.communicate(timeout=LONG)
    until(lambda: is_gone(kernel), 20)
    execute(study, study.Params())
    states = {each.state: each for each in Store().runs()}
    assert set(states) == {"succeeded", "lost"}
    assert states["lost"].params == study.Params().values()
    assert list(store.glob(".*.partial")) == []


@LINUX
def test_recovers_from_a_full_disk(study, tmp_path, make_notebook):
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(small)],
                             capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("only root can mount a small disk; test_staging limits the file size instead")
    try:
        large = make_notebook(tmp_path / "large.ipynb", ("large", "import os\nprint(os.urandom("
                                                                  "400_000).hex()[:400_000])"))
        done = report([study], store=small)[0]
        assert (done.state, done.error) == ("succeeded", "")
        failed = execute(study, study.Params(n=7), notebook=large, store=small)
        assert failed.state == "failed"
        assert failed.error == "the run could not be kept: [Errno 28] No space left on device"
        assert [(each.id, each.state) for each in Store(small).runs()] == [(done.id, "succeeded")]
        assert list(small.glob(".*.partial")) == []
    finally:
        subprocess.run(["umount", "-l", str(small)], check=True)


def test_rejects_a_store_that_cannot_be_written(study, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OSError, match=r"(?i)store.*file"):
        execute(study, study.Params(), store=tmp_path / "file" / "runs")


def test_rejects_what_cannot_be_a_parameter(study, store):
    refused = {"nn": 1, "n": "three", "share": 2.0, "flag": "perhaps"}
    with pytest.raises(ParameterError) as caught:
        report([study], refused)
    assert len(caught.value.problems) == len(refused)
    for value in (float("nan"), float("inf"), 10**400):
        with pytest.raises(ParameterError, match=r"share|too large|finite"):
            report([study], {"share": value})
    assert not store.exists() or list(store.iterdir()) == []


def test_identity_numpy_scalars_and_tuples_are_plain_values(study):
    first, second = sweep(study, {"n": np.array([2, 3])}, {"share": np.float64(0.25)})
    assert (first.params["n"], second.params["n"]) == (2, 3)
    assert type(first.params["n"]) is int
    assert (first.params["share"], first.summary["rows"].value) == (0.25, 2)


def test_recovers_output_folders_that_are_missing(study, tmp_path, store):
    target = tmp_path / "new {x} é" / "folder" / "out {n}.ipynb"
    done = run(store.parents[1] / "notebooks" / "tiny.ipynb", {"n": 4}, output=target)
    assert done.state == "succeeded"
    written = target.with_name("out 4.ipynb")
    assert nbformat.read(written, as_version=4).metadata.papermill.parameters == {"n": 4}


def test_identity_a_result_outlives_its_report(study, store, monkeypatch):
    def broken(*_, **__):
        raise ImportError("half of a library")

    monkeypatch.setattr("workbench.runs.execution.execute.write_report", broken)
    done, = report([study])
    assert (done.state, done.summary["rows"].value) == ("succeeded", 3)
    assert done.report is None
    assert "The report could not be written: half of a library." in done.summary.notes
    assert Store().load(done.id).state == "succeeded"


@LINUX
def test_identity_a_slow_start_uses_up_no_time(study, tmp_path, monkeypatch):
    (tmp_path / "slow_to_import.py").write_text("import time; time.sleep(4)")
    monkeypatch.syspath_prepend(tmp_path)
    done, = report([study], settings=Settings(warm=("slow_to_import",), limits=Limits(run=3)))
    assert (done.state, done.kernel) == ("succeeded", "warm")


def test_rejects_an_output_that_no_file_can_be(study, store, tmp_path):
    (tmp_path / "file").touch()
    wrong = {tmp_path: "output must name a file", tmp_path / "file" / "a": "file"}
    for output, words in wrong.items():
        with pytest.raises(OSError, match=words):
            run(store.parents[1] / "notebooks" / "tiny.ipynb", output=output)
    assert Store().runs() == []


def test_recovers_from_a_flood(study, tmp_path, make_notebook):
    flood = make_notebook(tmp_path / "flood.ipynb", (
        "flood", "for i in range(300_000):\n    print(f'{i:06d}', 'x' * 92)"))
    done = execute(study, study.Params(), notebook=flood)
    text = printed(cells_of(done)["flood"])
    assert done.state == "succeeded"
    assert len(text) < 1_001_000
    assert text.startswith("000000 x")
    assert text.endswith("x\n")
    assert "299999 x" in text
    assert "characters left out here. All of it is in log.txt." in text
    log = (done.folder / "log.txt").read_text()
    assert log.count("\n") >= 300_000
    assert "150000 x" in log


def test_identity_many_displays_are_kept_in_order(study, tmp_path, make_notebook):
    many = make_notebook(tmp_path / "many.ipynb", (
        "many", "from IPython.display import display\nfor i in range(600):\n    display(i)"))
    done = execute(study, study.Params(), notebook=many)
    shown = [output["data"]["text/plain"][0] for output in cells_of(done)["many"]["outputs"]]
    assert shown == [str(number) for number in range(600)]


@pytest.mark.parametrize("code", ["input('name? ')", "import pdb\npdb.set_trace()"])
def test_rejects_cells_that_ask(study, tmp_path, make_notebook, code):
    asking = make_notebook(tmp_path / "asking.ipynb", ("asks", code))
    done = execute(study, study.Params(), notebook=asking,
                   settings=Settings(limits=Limits(run=LONG)))
    assert done.state == "failed"
    assert "asked for keyboard input, which a run has not" in done.error


def test_matches_one_execution_of_one_key(study, store, tmp_path):
    code = ("import tiny\nfrom workbench.runs import report\n"
            "print(report([tiny], {'n': 9})[0].id)")
    several = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
               for _ in range(4)]
    told = {each.communicate(timeout=LONG)[0].strip() for each in several}
    assert [each.returncode for each in several] == [0] * 4
    assert told == {done.id for done in Store().runs()}
    assert len(told) == 1


def test_recovers_from_a_clock_that_steps_back(study, store, monkeypatch):
    from datetime import datetime as real

    steps = iter(range(10**6))

    class Backwards(real):
        @classmethod
        def now(cls, tz=None):
            return real.now(tz).replace(year=2030 - next(steps) % 20)

    for module in ("names", "staging"):
        monkeypatch.setattr(f"workbench.runs.storage.{module}.datetime", Backwards)
    runs = [execute(study, study.Params()) for _ in range(3)]
    assert len({done.id for done in runs}) == 3
    assert all(0 < done.seconds < LONG for done in runs)
    assert {done.state for done in Store().runs()} == {"succeeded"}


@pytest.mark.parametrize(("code", "state"), [
    ("raise SystemExit", "succeeded"), ("import sys\nsys.exit(0)", "succeeded"),
    ("import sys\nsys.exit(1)", "failed")])
def test_matches_papermill_when_a_cell_exits(study, tmp_path, make_notebook, code, state):
    leaving = make_notebook(tmp_path / "leaving.ipynb", ("leave", code))
    done = execute(study, study.Params(), notebook=leaving)
    assert done.state == state
    assert status_of(done)["save"] == "pending"
    if state == "succeeded":
        assert done.summary.notes[-1] == "The notebook ended itself after 4 of 5 cells."


def test_recovers_the_rest_of_a_sweep(study, tmp_path, make_notebook, store):
    picky = make_notebook(store.parents[1] / "notebooks" / "tiny.ipynb", (
        "picky", "assert n != 2, 'two is too few'"))
    assert picky.exists()
    runs = sweep(study, {"n": [1, 2, 3]}, settings=Settings(workers=2))
    assert [done.state for done in runs] == ["succeeded", "failed", "succeeded"]
    assert runs[1].error == "AssertionError: two is too few"
    again = sweep(study, {"n": [1, 2, 3]}, settings=Settings(workers=1, cold=True))
    assert [done.id for done in again][::2] == [done.id for done in runs][::2]
    assert again[1].id != runs[1].id
    few = sweep(study, {"n": [2, 4, 5, 6]}, settings=Settings(workers=1, fail_fast=True))
    assert [done.params["n"] for done in few] == [2]


def test_recovers_from_files_that_are_no_runs(study, store):
    done = execute(study, study.Params())
    (store / "notes.txt").write_text("mine")
    (store / "folder").mkdir()
    broken = store / done.id.replace("tiny", "tuny")
    shutil.copytree(done.folder, broken)
    (broken / "manifest.json").write_bytes((done.folder / "manifest.json").read_bytes()[:100])
    states = {each.id: each.state for each in Store().runs()}
    assert states == {done.id: "succeeded", broken.name: "damaged"}
    assert report([study])[0].id == done.id


def test_rejects_what_is_not_json(study, store, tmp_path):
    whole = (store.parents[1] / "notebooks" / "tiny.ipynb").read_text()
    (tmp_path / "part.ipynb").write_text(whole[:200])
    asked = start_runner(tmp_path / "part.ipynb", code="cli")
    told = asked.communicate(timeout=LONG)[1]
    assert asked.returncode == 2
    assert "part.ipynb" in told
    assert len(told.strip().splitlines()) == 1
    with contextlib.suppress(FileNotFoundError):
        assert list(store.glob("2*")) == []


def send(kind, content):
    """Code of a cell that sends an output as a kernel of another language might."""
    return ("kernel = get_ipython().kernel\nkernel.session.send(kernel.iopub_socket, "
            f"{kind!r}, {content!r}, parent=kernel.get_parent('shell'))")


@pytest.mark.parametrize(("code", "problem"), [
    ("from IPython.display import display\ndisplay({'text/html': 5}, raw=True)",
     "5 is not valid under any of the given schemas"),
    ("from IPython.display import display\nh = display('old', display_id=True)\n"
     "h.update({'text/html': 5}, raw=True)", "5 is not valid under any of the given schemas"),
    (send("stream", {"name": "stdout", "text": 5}),
     "5 is not valid under any of the given schemas"),
    (send("display_data", {"data": {}}), "it lacks 'metadata'"),
], ids=["value", "update", "stream", "field"])
def test_recovers_from_an_output_that_no_notebook_may_hold(study, tmp_path, make_notebook, code,
                                                           problem):
    spoiling = make_notebook(tmp_path / "spoiling.ipynb", ("before", "print('so far')"),
                             ("spoil", code), ("after", "1"))
    done = execute(study, study.Params(), notebook=spoiling)
    assert done.state == "failed"
    assert done.error == f"an output is none that a notebook may hold: {problem} in cell 'spoil'"
    assert printed(cells_of(done)["before"]) == "so far\n"
    assert cells_of(done)["spoil"]["outputs"][-1]["evalue"] == done.error
    status = status_of(done)
    assert [status[name] for name in ("before", "spoil", "after", "save")] == [
        "completed", "failed", "pending", "pending"]
    assert done.cells == {"done": 4, "total": 7}
    nbformat.validate(nbformat.read(done.notebook, as_version=4))


def test_matches_lines_of_a_print_that_were_sent_apart(study, tmp_path, make_notebook):
    apart = make_notebook(tmp_path / "apart.ipynb", (
        "apart", send("stream", {"name": "stdout", "text": ["one\n", "two\n"]})))
    done = execute(study, study.Params(), notebook=apart)
    assert (done.state, printed(cells_of(done)["apart"])) == ("succeeded", "one\ntwo\n")


@pytest.mark.parametrize("problem", [ValueError, TypeError])
def test_identity_an_error_of_this_package_is_not_called_the_notebook_s(study, monkeypatch,
                                                                        problem):
    def broken(*_):
        raise problem("a fault in this package")

    monkeypatch.setattr("workbench.runs.execution.client.Client._announce", broken)
    done = execute(study, study.Params())
    assert done.state == "failed"
    assert done.error == "the run could not be kept: a fault in this package"


@pytest.mark.parametrize("code", [
    ("import os, pathlib\n(pathlib.Path(os.environ['WORKBENCH_RUN_FOLDER']) / 'metrics.json')"
     ".write_text('[')\nraise SystemExit"),
    "import os, shutil\nshutil.rmtree(os.environ['WORKBENCH_RUN_FOLDER'])\nraise SystemExit",
], ids=["numbers", "folder"])
def test_recovers_from_a_notebook_that_spoils_its_run(study, store, tmp_path, make_notebook, code):
    spoiling = make_notebook(tmp_path / "spoiling.ipynb", ("before", "print('so far')"),
                             ("spoil", code))
    done = execute(study, study.Params(), notebook=spoiling)
    assert (done.state, [run.id for run in Store().runs()]) == ("succeeded", [done.id])
    assert printed(cells_of(done)["before"]) == "so far\n"
    status = status_of(done)
    assert (status["spoil"], status["save"]) == ("completed", "pending")
