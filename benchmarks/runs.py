"""Runs beside papermill: warm kernels, trivial notebooks, reports with nothing to do, the store.

Every arm runs in a process of its own, the arms in turn. Prints the tables and writes them to
``results/runs.md`` and ``.json``.
"""

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import _runs_store
from opinion_trends import RESULTS, processor

ARMS = {"papermill": "papermill", "cold": "workbench, cold kernels", "warm": "workbench"}
COUNT = 8
REPEATS = 3
LIBRARIES = ("papermill", "nbclient", "ipykernel", "torch", "pymc", "panel", "holoviews")
TEXT = """# Runs: beside papermill, and at size

Written by `benchmarks/runs.py`.

Machine: {processor}, {cores} cores, Python {python}; {libraries}.
One thread for each library. Medians (smallest-largest) of {repeats} processes, arms in turn.

## {count} notebooks, 2 at a time

*heavy* imports torch, PyMC, Panel and HoloViews; *trivial* adds two numbers. Execution is from
the first kernel's start to the last run in the store, with the fork server up; total includes its
start. CPU seconds include all processes. Papermill is called as a library in two processes;
workbench also writes reports, manifests and the index.

{table}

{ratios}

Private memory of a warm kernel after the heavy imports: {private:.0f} MB (median).

## One sweep of 200 trivial notebooks

{cpu_per_run:.2f} CPU seconds for each run, all processes and the start included. Seconds until
run 50, 100, 150 and 200: {seconds}. Memory of the runner [MB] at run 20, 50, 100, 150 and 200:
{memory}.

## Nothing to do

`report` of {studies} studies of which none has changed: {report_wall:.2f} s
({report_cpu:.2f} CPU s), the start of Python included.

## {runs:,} runs in the store

`workbench runs`: {list_wall:.2f} s ({list_cpu:.2f} CPU s), the start of Python included;
{list_first:.1f} s when the catalogue has to be made first.
"""


def arm(name, kind):
    """Record of one arm."""
    before = sum(os.times()[2:4])
    done = subprocess.run(
        [sys.executable, Path(__file__).with_name("_runs_arms.py"), name, str(COUNT), kind],
        check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        env=os.environ | {"PYTHONPATH": str(_runs_store.ROOT), "OMP_NUM_THREADS": "1"})
    record = json.loads(done.stdout.splitlines()[-1])
    record["total_cpu"] = sum(os.times()[2:4]) - before
    record["execution_cpu"] = record["total_cpu"] - record.get("warm_cpu", 0)
    return record


def median(rows, column):
    """Median of one column."""
    return statistics.median(row[column] for row in rows)


def table(found):
    """Markdown table of all arms."""
    columns = ("execution", "execution_cpu", "total", "total_cpu")
    yield "| notebooks | arm | " + " | ".join(f"{name.replace('_', ' ')} [s]"
                                              for name in columns) + " |"
    yield "|" + " --- |" * (len(columns) + 2)
    for (kind, name), rows in found.items():
        cells = [f"{median(rows, column):.1f} ({min(row[column] for row in rows):.1f}-"
                 f"{max(row[column] for row in rows):.1f})" for column in columns]
        yield f"| {kind} | {ARMS[name]} | " + " | ".join(cells) + " |"


def main():
    """Measure, print, write, and assert the direction."""
    found = {}
    for _ in range(REPEATS):
        for kind in ("heavy", "trivial"):
            for name in ARMS:
                found.setdefault((kind, name), []).append(arm(name, kind))
    private = arm("private", "heavy")["private_mb"]
    with tempfile.TemporaryDirectory() as folder:
        places = [Path(folder) / name for name in ("studies", "many", "sweep")]
        for place in places:
            place.mkdir()
        report = _runs_store.unchanged_report(places[0])
        listed = _runs_store.many_runs(places[1])
        swept = _runs_store.many_executions(places[2])
    ratios = {f"{kind}, {column.replace('_', ' ')}": median(found[kind, "papermill"], column)
              / median(found[kind, "warm"], column) for kind in ("heavy", "trivial")
              for column in ("execution", "execution_cpu", "total", "total_cpu")}
    text = TEXT.format(
        processor=processor(), cores=os.cpu_count(), python=platform.python_version(),
        libraries=", ".join(f"{name} {version(name)}" for name in LIBRARIES), repeats=REPEATS,
        count=COUNT, table="\n".join(table(found)), private=private,
        ratios="Papermill takes, by medians: " + "; ".join(
            f"{name} {value:.1f} times as long" for name, value in ratios.items()) + ".",
        cpu_per_run=swept["cpu_per_run"], studies=report["studies"], report_wall=report["wall"],
        seconds=", ".join(f"{value:.0f}" for value in swept["seconds"].values()),
        memory=", ".join(f"{value:.0f}" for value in swept["runner_mb"].values()),
        report_cpu=report["cpu"], runs=listed["runs"], list_wall=listed["wall"],
        list_cpu=listed["cpu"], list_first=listed["first_wall"])
    sys.stdout.write(text)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "runs.md").write_text(text, encoding="utf-8")
    (RESULTS / "runs.json").write_text(json.dumps({
        "arms": {" ".join(key): rows for key, rows in found.items()}, "private_mb": private,
        "unchanged": report,
        "listed": listed, "swept": swept}, indent=1) + "\n")
    assert ratios["heavy, execution"] > 10
    assert ratios["heavy, execution cpu"] > 10
    assert ratios["heavy, total"] > 4
    assert private < 100


if __name__ == "__main__":
    main()
