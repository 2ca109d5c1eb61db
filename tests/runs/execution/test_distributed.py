"""A sweep on dask workers in processes of their own: nothing lost, nothing twice."""

import os
import signal
import subprocess
import sys
import time

import pytest

from workbench.runs import Settings, Store, sweep

pytestmark = pytest.mark.slow
WAIT = 90


def start(*words):
    return subprocess.Popen([sys.executable, "-m", "distributed.cli." + words[0], *words[1:]],
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                            start_new_session=True)


def until(claim):
    deadline = time.monotonic() + WAIT
    while not claim():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def stop(process):
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture
def cluster(study, tmp_path):
    """Address of a scheduler and its two workers; needs the tiny study, which workers import."""
    named = tmp_path / "scheduler.json"
    scheduler = start("dask_scheduler", "--host", "127.0.0.1", "--port", "0",
                      "--dashboard-address", "127.0.0.1:0", "--scheduler-file", str(named))
    until(lambda: named.exists() and named.stat().st_size)
    import json

    address = json.loads(named.read_text())["address"]
    workers = [start("dask_worker", address, "--host", "127.0.0.1", "--nthreads", "1",
                     "--no-nanny", "--dashboard-address", "127.0.0.1:0",
                     "--local-directory", str(tmp_path / f"worker-{number}"))
               for number in range(2)]
    yield address, workers
    for process in (*workers, scheduler):
        stop(process)


def slow_notebook(make_notebook, store, seconds):
    return make_notebook(store.parents[1] / "notebooks" / "tiny.ipynb", (
        "slow", f"import time\nprint('n is', n)\ntime.sleep({seconds})"))


def test_recovers_from_a_lost_worker(study, store, cluster, make_notebook):
    address, workers = cluster
    slow_notebook(make_notebook, store, 1)
    seen = []

    def tell(event):
        seen.append(event.kind)
        if seen.count("finished") == 1 and "killed" not in seen:
            seen.append("killed")
            os.kill(workers[0].pid, signal.SIGKILL)

    runs = sweep(study, {"n": range(1, 9)}, settings=Settings(scheduler=address), on_event=tell)
    assert "killed" in seen
    assert workers[0].wait(20) == -signal.SIGKILL
    assert [(run.state, run.params["n"]) for run in runs] == [
        ("succeeded", number) for number in range(1, 9)]
    kept = Store().runs()
    assert sorted(run.id for run in kept) == sorted(run.id for run in runs)
    assert len({run.key for run in kept}) == 8
    assert all(run.report and list(run.tables()["rows"]["row"]) == list(range(run.params["n"]))
               for run in runs)
    assert seen.count("finished") == 8
    assert seen.count("cell") >= 8 * 5
    assert list(store.glob(".*.partial")) == []
    again = sweep(study, {"n": range(1, 9)}, settings=Settings(scheduler=address))
    assert [run.id for run in again] == [run.id for run in runs]


def test_matches_local_results(study, store, tmp_path, make_notebook):
    slow_notebook(make_notebook, store, 0)
    surroundings = dict(os.environ)
    here = sweep(study, {"n": [2, 5]})
    there = sweep(study, {"n": [2, 5]}, store=tmp_path / "there",
                  settings=Settings(scheduler="local", workers=2))
    assert [run.key for run in there] == [run.key for run in here]
    assert dict(os.environ) == surroundings
    assert [run.summary["rows"] for run in there] == [run.summary["rows"] for run in here]
    assert [run.notebook.name for run in there] == ["notebook.ipynb"] * 2


def test_recovers_from_ctrl_c(study, store, cluster, make_notebook, tmp_path):
    told = tmp_path / "kernel"
    notebook = make_notebook(tmp_path / "slow.ipynb", ("slow", (
        f"import os, pathlib, time\npathlib.Path({str(told)!r}).write_text(f'{{os.getpid()}}\\n')"
        "\ntime.sleep(300)")))
    words = ["sweep", str(notebook), "--grid", "n=1,2", "--scheduler", cluster[0]]
    runner = subprocess.Popen([sys.executable, "-m", "workbench.cli", *words],
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                              start_new_session=True)
    until(lambda: told.exists() and told.read_text().endswith("\n"))
    kernel = int(told.read_text())
    os.kill(runner.pid, signal.SIGINT)
    assert "Interrupted" in runner.communicate(timeout=WAIT)[1]
    assert runner.returncode == 130
    until(lambda: not os.path.exists(f"/proc/{kernel}"))  # noqa: PTH110
    assert all(worker.poll() is None for worker in cluster[1])
    assert {run.state for run in Store().runs()} == {"interrupted"}
    assert all(run.error.startswith("interrupted ") for run in Store().runs())


def test_recovers_the_end_after_a_failure(study, store, cluster, make_notebook):
    make_notebook(store.parents[1] / "notebooks" / "tiny.ipynb", (
        "picky", "import time\ntime.sleep(1)\nassert n > 1"))
    runs = sweep(study, {"n": range(1, 12)}, settings=Settings(
        scheduler=cluster[0], fail_fast=True, single_file=True))
    assert (runs[0].state, runs[0].params["n"]) == ("failed", 1)
    assert 1 <= len(runs) < 11
    assert "<style>" in runs[0].report.read_text("utf-8")


def test_rejects_a_scheduler_that_is_not_there(study, store):
    with pytest.raises(ValueError, match=r"scheduler must be .* got 'tcp://127\.0\.0\.1:9'"):
        sweep(study, {"n": [2]}, settings=Settings(scheduler="tcp://127.0.0.1:9"))
