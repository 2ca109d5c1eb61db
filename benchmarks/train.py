"""Training: stacks against one after another, the default grid, and what the loop adds to a step.

``--only`` runs some parts or none, the others keep their last record: *stacked* many small models
at once, *grid* the default grid of 108 models, *overhead* of the one loop over a loop written out
by hand. Prints the tables and writes them to ``results/train.md`` and ``.json``.
"""

import argparse
import json
import os
import platform
import sys
from importlib.metadata import version

import _loop_overhead
import _stacked_arms
import _stacked_grid
from opinion_trends import RESULTS, processor

LIBRARIES = ("numpy", "torch", "lightning-fabric")
PARTS = {"stacked": _stacked_arms.everything, "grid": _stacked_grid.measured,
         "overhead": lambda: _loop_overhead.overhead(6)}
TEXT = """# Training: many models at once, the default grid, the loop

Written by `benchmarks/train.py`.

Machine: {processor}, {cores} cores, Python {python}; {libraries}.

## Many models at once against one after another

Digits, 1,024 rows, SGD with momentum. CPU milliseconds of a step of all models on one thread,
medians of {repeats}, arms in turn; *plain* is the loop of one model after another with PyTorch's
fused SGD; ours includes planning, stacking and the final scores. Gap: largest difference between
parameters after an epoch, of all models, of the median one, and of up to {gaps} in double
precision; in single precision, rounding can tip one row of one model over the edge of a ReLU.
Peak: MiB that the arm adds to the process.

{stacked}

{verdicts}

With two threads, two stacks at a time against the plain loop on PyTorch's two threads, wall
milliseconds, medians of 3: {two}.
They tell something only on a machine that does nothing else: otherwise threads wait for each
other.

## The default grid: {models} perceptrons on digits, 100 epochs

In {stacks} stacks, medians of {grid_repeats}, training alone. Plain is extrapolated from
{few} epochs of one seed. Wall seconds depend on what else the machine did.

{grid}

## What the one loop adds to a step

A transformer of {parameters} parameters; CPU seconds of a step, arms in turn.

{overhead}
"""


def table(rows):
    """Markdown lines of rows that have the same keys."""
    return "\n".join(["| " + " | ".join(rows[0]) + " |", "|" + " --- |" * len(rows[0]),
                      *("| " + " | ".join(map(str, row.values())) + " |" for row in rows)])


def ratio(found):
    """How many times less CPU time stacks take."""
    return found["plain"]["cpu"] / found["ours"]["cpu"]


def stacked_rows(record):
    """Rows of the table of stacks."""
    for cell, found in record.items():
        yield {"models": f"{_stacked_arms.CELLS[cell][2]} x {cell}",
               "plain": f"{found['plain']['cpu']:.1f}", "ours": f"{found['ours']['cpu']:.2f}",
               "ratio": f"{ratio(found):.1f}", "form": found["form"], "stacks": found["stacks"],
               "gap": f"{found['gap']:.0e}", "gap, median": f"{found['median gap']:.0e}",
               "gap, double": f"{found['double gap']:.0e}",
               "peak, plain": f"{found['peak']['plain']:.0f}",
               "peak, ours": f"{found['peak']['ours']:.0f}"}


def verdicts(record):
    """Sentences on the targets and on where the gain ends."""
    told = [f"{cell}: target {target}, measured {ratio(record[cell]):.1f}, "
            f"{'met' if ratio(record[cell]) >= target else 'missed'}."
            for cell, target in _stacked_arms.TARGETS.items()]
    for family in ("MLP", "CNN"):
        low = [cell for cell in record if cell.startswith(family) and ratio(record[cell]) < 1.5]
        told.append(f"The gain of {family}s falls below 1.5 at {low[0]}." if low else
                    f"The gain of {family}s stays above 1.5.")
    return " ".join(told)


def grid_rows(record):
    """Rows of the table of the default grid."""
    return [{"arm": name, "CPU [s]": f"{record[name]['cpu']:.1f}",
             "wall [s]": f"{record[name]['wall']:.1f}"}
            for name in ("one worker", "two workers", "plain")]


def overhead_rows(record):
    """Rows of the table of the loop."""
    return [{"arm": arm, "seconds": f"{seconds:.4f}",
             "more [%]": "" if arm == "by hand" else
             f"{record['percent'][arm]:.2f} ± {record['percent_stderr'][arm]:.2f}"}
            for arm, seconds in record["seconds"].items()]


def main():
    """Measure what is asked for, print, write, and assert the direction."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", nargs="*", choices=PARTS, default=list(PARTS))
    path = RESULTS / "train.json"
    record = json.loads(path.read_text()) if path.exists() else {}
    for part in parser.parse_args().only:
        record[part] = PARTS[part]()
        path.write_text(json.dumps(record, indent=1) + "\n")
    if set(record) < set(PARTS):
        sys.stdout.write(f"Parts still to run: {sorted(set(PARTS) - set(record))}\n")
        return
    stacked, grid = record["stacked"], record["grid"]
    two = "; ".join(f"{cell} {found['two threads']['plain']['wall']:.1f} against "
                    f"{found['two threads']['ours']['wall']:.2f}"
                    for cell, found in stacked.items() if "two threads" in found)
    text = TEXT.format(
        processor=processor(), cores=os.cpu_count(), python=platform.python_version(),
        libraries=", ".join(f"{name} {version(name)}" for name in LIBRARIES),
        repeats=_stacked_arms.REPEATS, gaps=_stacked_arms.GAPS, two=two,
        stacked=table(list(stacked_rows(stacked))), verdicts=verdicts(stacked),
        models=grid["models"], stacks=grid["stacks"], grid=table(grid_rows(grid)),
        grid_repeats=_stacked_grid.REPEATS, few=_stacked_grid.FEW,
        parameters=f"{record['overhead']['parameters']:,}",
        overhead=table(overhead_rows(record["overhead"])))
    sys.stdout.write(text)
    (RESULTS / "train.md").write_text(text, encoding="utf-8")
    for cell, target in _stacked_arms.TARGETS.items():
        assert ratio(stacked[cell]) > target, cell
    assert min(map(ratio, stacked.values())) > 0.9
    assert max(found["double gap"] for found in stacked.values()) < 1e-9
    assert grid["one worker"]["cpu"] < grid["plain"]["cpu"] / 3


if __name__ == "__main__":
    main()
