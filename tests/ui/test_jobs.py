"""Runs that pages start: joined, in line, cancelled, killed, refused, and found in the store."""

import importlib
import os
import signal
import sys
import threading
import time

import pytest

from tests.runs.conftest import STUDY, write_notebook
from workbench import runs
from workbench.ui.jobs import Jobs, process

PATIENCE = 60            # seconds; a failing test waits so long, no other does
# Stands in for a run: says what it is told, and ends when it is told, or by Ctrl-C.
ACTOR = """import json, os, signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)
n = json.loads(sys.stdin.readline())["values"]["n"]
tell = lambda **event: print(json.dumps(event), flush=True)
print(f"pid {os.getpid()}", flush=True)
tell(event="cell", cell="run", done=2, cells=4)
try:
    while not os.path.exists(f"end-{n}"): time.sleep(0.01)
except KeyboardInterrupt:
    sys.exit(130)
tell(event="finished", state="succeeded", run="", error="", key="")
"""


@pytest.fixture
def study(tmp_path, monkeypatch):
    """A tiny study with its notebook, importable by other processes too."""
    modules = tmp_path / "modules"
    modules.mkdir()
    (modules / "tiny.py").write_text(STUDY, encoding="utf-8")
    write_notebook(tmp_path / "notebooks" / "tiny.ipynb")
    for name, value in {"PYTHONPATH": modules, "WORKBENCH_ROOT": tmp_path,
                        "WORKBENCH_RUNS": tmp_path / "runs"}.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.delenv("WORKBENCH_RUN_FOLDER", raising=False)
    monkeypatch.syspath_prepend(modules)
    monkeypatch.delitem(sys.modules, "tiny", raising=False)
    monkeypatch.chdir(tmp_path)
    return importlib.import_module("tiny")


@pytest.fixture
def jobs(monkeypatch):
    """A line of one run at a time and two in line, carried out by the actor."""
    monkeypatch.setattr(process, "COMMAND", (sys.executable, "-u", "-c", ACTOR))
    made = Jobs(at_once=1, waiting=2)
    yield made
    made.close()


def until(jobs, job, ready):
    """The job as soon as something holds for it."""
    told, end = threading.Event(), time.monotonic() + PATIENCE
    jobs.follow(told.set)
    while not ready(jobs.find(job.id)):
        assert time.monotonic() < end, jobs.find(job.id)
        told.wait(0.1)
        told.clear()
    return jobs.find(job.id)


def over(jobs, job):
    return until(jobs, job, lambda now: now.is_over)


def begun(jobs, job):
    return until(jobs, job, lambda now: now.cells)


def test_matches_the_news_of_a_run(study, jobs, tmp_path):
    job = begun(jobs, jobs.start(study, study.Params(n=1)))
    assert (job.state, job.cell, job.done, job.cells, job.share) == ("running", "run", 2, 4, 0.25)
    assert job.changed == {"n": 1}
    assert job.log[-1].endswith("Cell 2 of 4: run")
    (tmp_path / "end-1").touch()
    job = over(jobs, job)
    assert (job.state, job.share, job.error) == ("succeeded", 1.0, "")
    assert job.seconds == job.seconds > 0


def test_identity_the_same_run_is_joined(study, jobs):
    first = jobs.start(study, study.Params(n=1))
    assert jobs.start(study, study.Params(n=1)).id == first.id
    assert len(jobs.jobs("tiny")) == 1
    assert jobs.jobs("another") == []


def test_matches_the_line_to_the_order_of_coming(study, jobs, tmp_path):
    made = [jobs.start(study, study.Params(n=n)) for n in (1, 2, 3)]
    assert [job.state for job in made] == ["running", "queued", "queued"]
    (tmp_path / "end-1").touch()
    over(jobs, made[0])
    begun(jobs, made[1])
    assert jobs.find(made[2].id).state == "queued"


def test_rejects_more_than_may_wait(study, jobs):
    for n in (1, 2, 3):
        jobs.start(study, study.Params(n=n))
    with pytest.raises(ValueError, match=r"fewer than 2 wait, but 2 do\. Wait for one of them"):
        jobs.start(study, study.Params(n=4))


def test_matches_a_run_that_is_cancelled_in_line(study, jobs, tmp_path):
    first, second, third = (jobs.start(study, study.Params(n=n)) for n in (1, 2, 3))
    jobs.cancel(second.id)
    assert jobs.find(second.id).state == "cancelled"
    assert "before it began" in jobs.find(second.id).error
    (tmp_path / "end-1").touch()
    over(jobs, first)
    begun(jobs, third)


def test_matches_a_run_that_is_cancelled_in_progress(study, jobs):
    first, second = (jobs.start(study, study.Params(n=n)) for n in (1, 2))
    begun(jobs, first)
    jobs.cancel(first.id)
    jobs.cancel(first.id)                 # twice is once
    job = over(jobs, first)
    assert (job.state, job.error) == ("cancelled", "It was cancelled before it had a result.")
    assert sum("Stopping" in line for line in job.log) == 1
    begun(jobs, second)                   # whose turn it is now


def test_identity_a_cancelled_run_may_be_started_again(study, jobs):
    first = begun(jobs, jobs.start(study, study.Params(n=1)))
    jobs.cancel(first.id)
    assert jobs.start(study, study.Params(n=1)).id != first.id


def test_rejects_a_process_that_is_killed(study, jobs):
    job = begun(jobs, jobs.start(study, study.Params(n=1)))
    pid = next(line.split()[-1] for line in job.log if "pid" in line)
    os.kill(int(pid), signal.SIGKILL)
    job = over(jobs, job)
    assert job.state == "failed"
    assert job.error.startswith("The run ended without a result: ")


def test_rejects_a_process_that_cannot_begin(study, jobs, monkeypatch):
    monkeypatch.setattr(process, "COMMAND", ("/nowhere/python",))
    job = jobs.start(study, study.Params(n=1))
    assert job.state == "failed"
    assert "could not be started: No such file" in job.error


def test_rejects_parameters_that_the_notebook_does_not_take(study, jobs, tmp_path):
    write_notebook(tmp_path / "notebooks" / "tiny.ipynb", parameters="n = 3")
    with pytest.raises(ValueError, match="word"):
        jobs.start(study, study.Params(n=1))
    assert jobs.jobs() == []


def test_matches_a_real_run_and_finds_it_again(study):
    jobs = Jobs()
    job = over(jobs, jobs.start(study, study.Params(n=5)))
    assert (job.state, job.run.values["n"], job.run.key) == ("succeeded", 5, job.key), job.log
    assert job.run.report.is_file()
    assert job.cells == 4
    again = jobs.start(study, study.Params(n=5))
    assert (again.state, again.reused, again.run.id) == ("succeeded", True, job.run.id)
    assert len(jobs.jobs()) == 1
    assert jobs.start(study, study.Params(n=6)).expected == pytest.approx(job.run.seconds)
    jobs.close()


def test_matches_a_real_run_that_is_stopped_and_one_that_fails(study, tmp_path):
    jobs = Jobs()
    write_notebook(tmp_path / "notebooks" / "tiny.ipynb",
                   ("wait", "import time; n < 50 and time.sleep(60)"), ("fault", "1 / 0"))
    slow = until(jobs, jobs.start(study, study.Params(n=5)), lambda now: now.cell == "wait")
    jobs.cancel(slow.id)
    slow = over(jobs, slow)
    assert (slow.state, slow.run.state) == ("cancelled", "interrupted")
    failed = over(jobs, jobs.start(study, study.Params(n=60)))
    assert (failed.state, failed.run.state) == ("failed", "failed")
    assert "ZeroDivisionError" in failed.error
    assert failed.run.report.is_file()
    assert runs.Store().count() == {"interrupted": 1, "failed": 1}
    jobs.close()


def test_matches_the_end_of_a_process_whose_news_cannot_be_read(monkeypatch):
    monkeypatch.setattr(process, "COMMAND", (
        sys.executable, "-c", "print('{\"event\": \"cell\"}'); print('after')"))
    ended, lines, over = [], [], threading.Event()
    process.JobProcess({}, on_event=lambda event: event["cell"], on_line=lines.append,
                       on_end=lambda code: (ended.append(code), over.set()))
    assert over.wait(PATIENCE)
    assert (ended, lines) == ([0], ["after"])
