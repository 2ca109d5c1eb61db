"""One arm of the benchmark of runs, in a process of its own; prints one record as JSON."""

import json
import os
import resource
import statistics
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

HEAVY = "import torch, pymc, panel, holoviews"
TRIVIAL = "1 + 1"
WORKERS = 2


def notebook(folder, code):
    """A notebook with one parameter and one cell of code."""
    import nbformat

    new = nbformat.v4
    content = new.new_notebook(cells=[
        new.new_code_cell("n = 0", metadata={"tags": ["parameters"]}), new.new_code_cell(code),
        new.new_code_cell("print(n)")])
    content.metadata["kernelspec"] = {"name": "python3", "language": "python",
                                      "display_name": "Python 3"}
    path = Path(folder) / "measured.ipynb"
    nbformat.write(content, path)
    return path


def by_papermill(path, number, folder):
    """One notebook as papermill's library executes it."""
    from papermill import execute_notebook

    execute_notebook(str(path), f"{folder}/out-{number}.ipynb", {"n": number},
                     progress_bar=False)


def papermill(count, code):
    """All notebooks with papermill, two processes at a time."""
    with tempfile.TemporaryDirectory() as folder:
        path = notebook(folder, code)
        begun = time.monotonic()
        with ProcessPoolExecutor(WORKERS) as pool:
            for future in [pool.submit(by_papermill, path, number, folder)
                           for number in range(count)]:
                future.result()
        wall = time.monotonic() - begun
    return {"execution": wall, "total": wall}


def workbench(count, code, *, cold=False):
    """All notebooks as one sweep; the imports of the fork server are told apart."""
    import psutil

    from workbench import runs
    from workbench.runs.execution.workers import Workers
    from workbench.runs.kernels.server import WarmServer

    waited = {}
    real = Workers._warm

    def warm(self):
        """Wait until the server is up, so that execution can be told from its start."""
        server = real(self)
        if isinstance(server, WarmServer):
            begun = time.monotonic()
            server.start()
            while not server.is_warm and not server.refused:
                time.sleep(0.02)
            waited["seconds"] = time.monotonic() - begun
            started = psutil.Process().children()
            waited["cpu"] = sum(sum(child.cpu_times()[:2]) for child in started)
        return server

    Workers._warm = warm
    with tempfile.TemporaryDirectory() as folder:
        path = notebook(folder, code)
        begun = time.monotonic()
        done = runs.sweep(path, {"n": range(count)}, store=Path(folder) / "runs",
                          settings=runs.Settings(workers=WORKERS, cold=cold))
        wall = time.monotonic() - begun
    assert all(run.state == "succeeded" for run in done), [run.error for run in done]
    assert {run.kernel for run in done} == {"cold" if cold else "warm"}
    return {"execution": wall - waited.get("seconds", 0), "total": wall,
            "runner_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            "warm_cpu": waited.get("cpu", 0)}


def private():
    """Private memory of warm kernels after the imports, weighed while they wait."""
    from workbench import runs

    with tempfile.TemporaryDirectory() as folder:
        path = notebook(folder, f"{HEAVY}\nimport time\ntime.sleep(3)")
        done = runs.sweep(path, {"n": range(4)}, store=Path(folder) / "runs",
                          settings=runs.Settings(workers=WORKERS))
    assert {run.kernel for run in done} == {"warm"}
    return {"private_mb": statistics.median(run.peak_memory for run in done) / 1e6}


if __name__ == "__main__":
    arm, count, kind = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    os.environ["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"
    code = {"heavy": HEAVY, "trivial": TRIVIAL}[kind]
    if arm == "private":
        record = private()
    elif arm == "papermill":
        record = papermill(count, code)
    else:
        record = workbench(count, code, cold=arm == "cold")
    sys.stdout.write(json.dumps(record) + "\n")
