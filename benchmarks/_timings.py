"""Samplers side by side: processes in turn, medians of repeats, gaps in standard errors."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
NAMES = {"pymc": "PyMC, default sampler", "nutpie": "nutpie, PyMC model", "ours": "workbench"}
RUNS = (("line", "cold"), ("line", "warm"), ("smooth", "warm"))
REPEATS = 5
COLUMNS = ("first", "first_cpu", "refit", "refit_cpu", "refit_per_1000")


def timed(sampler, trend, seed, cache):
    """Record of one process."""
    flags = {"PYTENSOR_FLAGS": f"base_compiledir={cache}/pytensor", "OMP_NUM_THREADS": "1",
             "NUMBA_CACHE_DIR": f"{cache}/numba", "PYTHONPATH": str(HERE.parent)}
    done = subprocess.run(
        [sys.executable, HERE / "_side_by_side.py", sampler, trend, str(seed)], check=True,
        env=os.environ | flags, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def measured():
    """Records of every run, by trend, caches and sampler."""
    found = {}
    with tempfile.TemporaryDirectory() as shared:
        for sampler in NAMES:
            for trend in ("line", "smooth"):
                timed(sampler, trend, 0, shared)
        for seed in range(REPEATS):
            for trend, caches in RUNS:
                for sampler in NAMES:
                    with tempfile.TemporaryDirectory() as fresh:
                        cache = fresh if caches == "cold" else shared
                        row = timed(sampler, trend, seed, cache)
                    found.setdefault((trend, caches, sampler), []).append(row)
    return found


def lines(found):
    """Markdown table: median (smallest-largest) seconds, and the slope."""
    yield "| trend | caches | sampler | " + " | ".join(f"{name} [s]" for name in COLUMNS) + (
        " | slope | gap to PyMC, mean; sd [standard errors] |")
    yield "|" + " --- |" * (len(COLUMNS) + 5)
    for (trend, caches, sampler), rows in found.items():
        cells = []
        for column in COLUMNS:
            values = [row[column] for row in rows]
            cells.append(f"{statistics.median(values):.2f} ({min(values):.2f}-{max(values):.2f})")
        gaps = [worst_gap(found, trend, caches, sampler, what) for what in ("mean", "sd")]
        slope = f"{rows[0]['mean']:.3f} sd {rows[0]['sd']:.3f}"
        yield (f"| {trend} | {caches} | {NAMES[sampler]} | " + " | ".join(cells)
               + f" | {slope} | {gaps[0]:.1f}; {gaps[1]:.1f} |")


def worst_gap(found, trend, caches, sampler, what):
    """Largest difference of the slope's posterior from PyMC's [Monte-Carlo standard errors]."""
    ours, theirs = found[trend, caches, sampler], found[trend, caches, "pymc"]
    return max(abs(a[what] - b[what]) / (a[f"{what}_error"] ** 2 + b[f"{what}_error"] ** 2) ** 0.5
               for a, b in zip(ours, theirs, strict=True))


def ratio(found, trend, caches, column):
    """How many times as long PyMC's default takes, by medians."""
    middle = {name: statistics.median(row[column] for row in found[trend, caches, name])
              for name in ("pymc", "ours")}
    return middle["pymc"] / middle["ours"]
