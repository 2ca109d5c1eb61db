"""The store at size: a report with nothing to do, ten thousand runs, two hundred trivial ones."""

import hashlib
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

from _runs_arms import notebook

ROOT = Path(__file__).resolve().parents[1]
STUDIES = 30
RUNS = 10_000
REPEATS = 7


def process(words, **flags):
    """Wall and CPU seconds of a process and all it waits for, and what it prints."""
    import time

    begun = time.monotonic()
    started = subprocess.Popen([sys.executable, *map(str, words)], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True,
                               env=os.environ | {"PYTHONPATH": str(ROOT)} | flags)
    told, failed = started.communicate()
    spent = os.times()
    assert started.returncode == 0, failed[-2000:]
    return time.monotonic() - begun, spent.children_user + spent.children_system, told


def timed(words, **flags):
    """Median wall and CPU seconds of repeated processes."""
    before = sum(os.times()[2:4])
    walls, spent = [], []
    for _ in range(REPEATS):
        wall, total, _ = process(words, **flags)
        walls.append(wall)
        spent.append(total - before)
        before = total
    return statistics.median(walls), statistics.median(spent)


def unchanged_report(folder):
    """Thirty copies of a study and its notebook: executed once, then asked for again."""
    modules = folder / "modules"
    modules.mkdir(parents=True)
    (folder / "notebooks").mkdir()
    study = (ROOT / "workbench/studies/opinion_trends.py").read_text(encoding="utf-8")
    book = (ROOT / "notebooks/opinion_trends.ipynb").read_text(encoding="utf-8")
    names = [f"trend_{number:02d}" for number in range(STUDIES)]
    for name in names:
        (modules / f"{name}.py").write_text(f"{study}\nNUMBER = {name!r}\n", encoding="utf-8")
        (folder / "notebooks" / f"{name}.ipynb").write_text(
            book.replace("from workbench.studies import opinion_trends as study",
                         f"import {name} as study"), encoding="utf-8")
    (folder / "data").mkdir()
    (folder / "data" / "raw").symlink_to(ROOT / "data" / "raw")
    code = ("import importlib, sys; from workbench import runs; "
            f"done = runs.report([importlib.import_module(n) for n in {names!r}], "
            "{'trend': 'line', 'draws': 100}); print(*(run.id for run in done))")
    flags = {"WORKBENCH_ROOT": str(folder), "WORKBENCH_RUNS": str(folder / "runs"),
             "PYTHONPATH": f"{ROOT}{os.pathsep}{modules}"}
    first = process(["-c", code], **flags)[2]
    wall, spent = timed(["-c", code], **flags)
    assert process(["-c", code], **flags)[2] == first
    return {"studies": STUDIES, "wall": wall, "cpu": spent}


def many_runs(folder):
    """Seconds of ``workbench runs`` on ten thousand runs, the first time and later."""
    store = folder / "runs"
    for number in range(RUNS):
        key = hashlib.sha256(str(number).encode()).hexdigest()
        name = f"202601{1 + number % 28:02d}T000000Z-study_{number % 30}-{key[:8]}-{number:06x}"
        record = {
            "schema_version": 2, "id": name, "study": f"study_{number % 30}", "title": "A study",
            "state": "failed" if number % 50 == 0 else "succeeded", "error": "",
            "params": {"level": 0.9, "seed": number}, "defaults": {"level": 0.9, "seed": 0},
            "seed": number, "key": key, "key_parts": {"schema": 2}, "versions": {"python": "3.11"},
            "started": f"2026-01-{1 + number % 28:02d}T00:00:00.000000Z", "seconds": 1.5,
            "notes": [], "files": {}, "summary": {"effect": {
                "value": 0.1, "low": 0.0, "high": 0.2, "level": 0.9, "unit": "m", "why": ""}}}
        (store / name).mkdir(parents=True)
        (store / name / "manifest.json").write_text(json.dumps(record, indent=1))
    words = ["-m", "workbench.cli", "runs", "--store", store]
    flags = {"WORKBENCH_CACHE": str(folder / "cache")}
    first, _, told = process(words, **flags)
    assert "study_" in told
    wall, spent = timed(words, **flags)
    return {"runs": RUNS, "first_wall": first, "wall": wall, "cpu": spent}


def many_executions(folder):
    """Seconds and memory of sweeps of 50, 100 and 200 trivial notebooks in one process."""
    code = f"""
import json, sys, time
sys.path.insert(0, {str(ROOT / "benchmarks")!r})
import psutil
from workbench import runs
begun, news = time.monotonic(), []
def tell(event):
    if event.kind == "finished":
        news.append((time.monotonic() - begun, psutil.Process().memory_info().rss / 1e6))
runs.sweep({str(notebook(folder, "1 + 1"))!r}, {{"n": range(200)}},
           store={str(folder / "runs")!r}, settings=runs.Settings(workers=2), on_event=tell)
print(json.dumps(news))
"""
    before = sum(os.times()[2:4])
    _, spent, told = process(["-c", code])
    news = json.loads(told.splitlines()[-1])
    return {"cpu_per_run": (spent - before) / 200,
            "seconds": {count: news[count - 1][0] for count in (50, 100, 150, 200)},
            "runner_mb": {count: news[count - 1][1] for count in (20, 50, 100, 150, 200)}}
