"""Pages in a real Chromium: first paint, redraws, a million points, memory over 200 sessions.

``python benchmarks/pages.py [STORE]``: the store must hold a run of each study; without one,
runs of the defaults are made first. Prints the tables and writes them to ``results/pages.md``
and ``.json``.
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

from opinion_trends import RESULTS, processor

ROOT = Path(__file__).resolve().parent.parent
REPEATS = {"loads": 5, "redraws": 10, "crowds": 3, "soak": 1}
LIBRARIES = ("panel", "bokeh", "holoviews", "datashader", "playwright")
COLUMNS = {"paint": "first paint [ms]", "figure": "first figure [ms]", "idle": "all drawn [ms]",
           "task": "longest task [ms]", "server": "server CPU [s]", "browser": "browser CPU [s]",
           "bytes": "socket [kB]"}
CROWD = ("all drawn [ms]", "socket [kB]", "longest task [ms]", "longest wait [ms]",
         "zoom redrawn [ms]", "zoom: socket [kB]", "zoom: longest task [ms]",
         "zoom: longest wait [ms]")
TARGETS = {"a study's page is drawn": 1500, "a change is drawn": 150}
MAKE = """from workbench import catalog, runs
for study in catalog.studies().values():
    runs.save(study, study.Params(), study.run(study.Params()))"""
TEXT = """# Pages: first paint, redraws, a million points, memory

Written by `benchmarks/pages.py`.

Machine: {processor}, {cores} cores, Python {python}; {libraries}; {browser}.
Load average while it measured: {load}. Server and Chromium share the cores, without a GPU.
Times are medians (smallest-largest) by the page's own clock; CPU seconds include all processes of
the side, and tell most where the machine does other things too.

## Loading a page, warm

{loads} loads of each page in turn, after one that only warms. Ours are the whole pages: saved
runs, parameters as widgets, numbers, figures, downloads. *Plain* is Panel's FastListTemplate with
the same figures in HoloViews panes and nothing else. *First figure* is the moment at which one is
drawn, *all drawn* that at which Bokeh is idle. {unfinished} loads did not end within a minute.

{load_table}

The plain page takes, by medians: {ratios}.

## From an input to the frame that shows it, 10,000 points

{redraws} times each, by turns. All but the first go through the server.

| interaction | until redrawn [ms] | target |
| --- | --- | --- |
{redraw_table}

## A million points

Ours is counted by datashader, {crowds} loads and zooms. *Raw* sends every point; *rasterized* is
HoloViews' own operation, which counts in the server's loop. *Longest wait* is that of a request
which another visitor makes meanwhile; at rest it is {rest:.0f} ms.

{crowd_head}
{crowd_table}

## Memory over {sessions} sessions

Sessions of all pages in turn, each with its HTML, its socket and all of its models, then closed.
Memory that is the server's own (USS) when they are gone [MB]:

| sessions | {soak_names} |
| --- |{soak_rule}
| USS | {soak_uss} |
| RSS | {soak_rss} |
| threads | {soak_threads} |

After the first 50 it grows by {growth:.1f} kB for each session.
"""


def arm(name, store):
    """Record of one part, measured in a process of its own."""
    done = subprocess.run(
        [sys.executable, Path(__file__).with_name("_pages_arms.py"), name, str(REPEATS[name])],
        check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT), "WORKBENCH_RUNS": str(store),
                          "OMP_NUM_THREADS": "1"})
    return json.loads(done.stdout.splitlines()[-1])


def cell(values, digits=0, scale=1.0):
    """Median with smallest and largest."""
    scaled = [value * scale for value in values]
    if len(scaled) == 1:
        return f"{scaled[0]:.{digits}f}"
    return (f"{statistics.median(scaled):.{digits}f} "
            f"({min(scaled):.{digits}f}-{max(scaled):.{digits}f})")


def load_table(found):
    """Rows of the loads."""
    yield "| page | " + " | ".join(COLUMNS.values()) + " |"
    yield "|" + " --- |" * (len(COLUMNS) + 1)
    for name, rows in found.items():
        if name in ("plain raw", "plain rasterized"):
            continue
        cells = []
        for column in COLUMNS:
            digits = 2 if column in ("server", "browser") else 0
            told = cell([row[column] for row in rows], digits, 1e-3 if column == "bytes" else 1)
            hidden = column == "figure" and (name.startswith("plain") or name in (
                "ours home", "ours compare", "ours sweep"))
            cells.append("" if hidden else told)
        yield f"| {name.replace('_', ' ')} | " + " | ".join(cells) + " |"


def crowd_table(crowds, loads):
    """Rows of the million points."""
    load, zoom = crowds["load"], crowds["zoom"]
    yield ("| ours | " + " | ".join([
        cell([row["idle"] for row in load]), cell([row["bytes"] for row in load], 0, 1e-3),
        cell([row["task"] for row in load]), cell([row["answer"] for row in load], 0, 1e3),
        cell([row["took"] for row in zoom]), cell([row["bytes"] for row in zoom], 0, 1e-3),
        cell([row["task"] for row in zoom]), cell([row["answer"] for row in zoom], 0, 1e3)])
        + " |")
    for name in ("plain rasterized", "plain raw"):
        rows = loads[name]
        zoomed = cell([row["zoom"] for row in rows]) if "zoom" in rows[0] else ""
        yield (f"| {name} | {cell([row['idle'] for row in rows])} | "
               f"{cell([row['bytes'] for row in rows], 0, 1e-3)} | "
               f"{cell([row['task'] for row in rows])} |  | {zoomed} |  |  |  |")


def middle(rows, column):
    """Median of one column."""
    return statistics.median(row[column] for row in rows)


def written(found):
    """The text of the tables, and what the targets are judged by."""
    loads, redraws, crowds, soak = (found[name] for name in REPEATS)
    names = [name.removeprefix("plain ") for name in loads
             if name.startswith("plain ") and f"ours {name.removeprefix('plain ')}" in loads]
    ratios = {f"{name.replace('_', ' ')}, {what}": middle(loads[f"plain {name}"], column)
              / middle(loads[f"ours {name}"], column) for name in names
              for column, what in (("paint", "first paint"), ("idle", "all drawn"),
                                   ("server", "server CPU"))}
    weights = {name: row["uss"] for name, row in soak.items()}
    last = max(int(name) for name in weights if name.isdigit())
    growth = (weights[str(last)] - weights["50"]) * 1024 / (last - 50)
    averages = [row["load"] for rows in loads.values() for row in rows]
    text = TEXT.format(
        processor=processor(), cores=os.cpu_count(), python=platform.python_version(),
        libraries=", ".join(f"{name} {version(name)}" for name in LIBRARIES),
        browser=found["browser"], unfinished=len(found["unfinished"]),
        load=cell(averages, 1), loads=REPEATS["loads"],
        redraws=REPEATS["redraws"], crowds=REPEATS["crowds"], sessions=last,
        load_table="\n".join(load_table(loads)),
        ratios="; ".join(f"{name} {value:.1f} times as long" for name, value in ratios.items()),
        redraw_table="\n".join(
            f"| {name} | {cell(values)} | "
            f"{'met' if statistics.median(values) < TARGETS['a change is drawn'] else 'missed'} |"
            for name, values in redraws.items()),
        rest=1e3 * statistics.median(crowds["rest"]),
        crowd_head=f"| page | {' | '.join(CROWD)} |\n|{' --- |' * (len(CROWD) + 1)}",
        crowd_table="\n".join(crowd_table(crowds, loads)), growth=growth,
        soak_names=" | ".join(soak), soak_rule=" --- |" * len(soak),
        **{f"soak_{name}": " | ".join(f"{row[name]:.0f}" for row in soak.values())
           for name in ("uss", "rss", "threads")})
    return text, ratios, growth


def main():
    """Measure, print, write, and assert the direction."""
    with tempfile.TemporaryDirectory() as folder:
        store = Path(sys.argv[1] if len(sys.argv) > 1 else folder).resolve()
        if store == Path(folder).resolve():
            subprocess.run([sys.executable, "-c", MAKE], check=True, cwd=ROOT,
                           env=os.environ | {"WORKBENCH_RUNS": folder})
        found = {name: arm(name, store) for name in REPEATS}
    found |= {name: found["loads"].pop(name) for name in ("browser", "unfinished")}
    text, ratios, growth = written(found)
    sys.stdout.write(text)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "pages.md").write_text(text, encoding="utf-8")
    (RESULTS / "pages.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    assert all(value > 1 for name, value in ratios.items() if name.endswith("first paint"))
    assert max(row["bytes"] for row in found["crowds"]["load"]) < 2e6
    assert growth < 100


if __name__ == "__main__":
    main()
