"""Aggregates of quantiles: what they gain, how fast they train, what they take; and calibration.

``--only`` runs some parts, the others keep their last record: *scores* on five shipped data sets,
*conformal* beside MAPIE, *coverage* beside its exact value, *speed* of training beside plain
PyTorch, *memory* of a million rows. Prints the tables and writes them to
``results/quantile_aggregation.md`` and ``.json``. Scores of a data set and seed are kept in
``results/.cells``; delete that folder to make them again.
"""

import argparse
import json
import os
import platform
import sys
from importlib.metadata import version

import _conformal_arms
import _conformal_coverage
import _quantile_memory
import _quantile_scores
import _quantile_speed
from opinion_trends import RESULTS, processor

LIBRARIES = ("numpy", "scipy", "scikit-learn", "torch", "lightgbm", "quantile-forest", "MAPIE")
PARTS = {"scores": _quantile_scores.measured,
         "conformal": lambda: _conformal_arms.conformal_table([0, 1, 2]),
         "coverage": lambda: _conformal_coverage.coverage_table(0),
         "speed": lambda: {str(threads): _quantile_speed.measured(threads) for threads in (1, 2)},
         "memory": _quantile_memory.measured}
TEXT = """# Quantile aggregation: scores, calibration, speed, memory

Written by `benchmarks/quantile_aggregation.py`.

Machine: {processor}, {cores} cores, Python {python}; {libraries}.

## Scores: five data sets, seeds 0 to {last}

{about}

{scores}

{verdicts}

## Calibration beside MAPIE

Seeds 0 to 2; processor seconds of calibration and prediction, medians, arms in turn. Gap: largest
difference between the ends of the intervals.

{conformal}

{faster}

## Coverage over simulated splits

Seed 0, one new row per split. Exact: the probability that the method has for its number of rows.
Gap: from seen to exact [binomial standard errors].

{coverage}

## Training local-fine, {levels} levels and {models} models

Milliseconds a step, medians of {repeats}, arms in turn. *Plain* is the source's network in plain
PyTorch with its default Adam; it pools row by row. Gap: largest difference between the quantiles
of both after the same {few} steps from the same start [standard deviations of y]. Two threads tell
something only on a machine that does nothing else: otherwise they wait for each other.

{speed}

## A million rows, 5 models, 19 levels

Peak resident memory: {data:.1f} GiB once the data are made, {fit:.1f} GiB after a fit of
local-fine on all rows (200 steps, {fit_seconds:.0f} s), {predict:.1f} GiB after predicting all of
them ({predict_seconds:.0f} s).
"""


def table(rows):
    """Markdown lines of rows that have the same keys."""
    return "\n".join(["| " + " | ".join(rows[0]) + " |", "|" + " --- |" * len(rows[0]),
                      *("| " + " | ".join(map(str, row.values())) + " |" for row in rows)])


def conformal_rows(record):
    """Rows of the calibration table in words."""
    return [row | {"largest gap": f"{row['largest gap']:.0e}", "ratio": f"{row['ratio']:.1f}"}
            | {key: f"{row[key]:.4f}" for key in ("MAPIE seconds", "our seconds")}
            for row in record]


def faster(record):
    """Sentence on which calibrations are five times as fast as MAPIE's at 100,000 rows."""
    slow = [f"{row['method']}, {row['intervals']} ({row['ratio']:.1f})" for row in record
            if row["rows"] == 100_000 and row["ratio"] < 5]
    told = f"is missed by {'; '.join(slow)}" if slow else "is met by all"
    return (f"At 100,000 rows the target of 5 times as fast {told}. One interval is little work: "
            "both spend their milliseconds on reading memory. With few rows, fitting the fold "
            "models takes the time of CV+.")


def coverage_rows(record):
    """Rows of the coverage table in words."""
    return [row | {key: f"{row[key]:.{digits}f}" for key, digits in (
        ("level", 2), ("seen", 3), ("exact", 3), ("gap", 1))} for row in record]


def speed_rows(record):
    """Rows of the speed table, by threads and run."""
    for threads, runs in record.items():
        for run, found in runs.items():
            plain, ours = found["plain"], found["ours"]
            yield {"threads": threads, "run": run, "plain, CPU": f"{1e3 * plain['cpu']:.1f}",
                   "ours, CPU": f"{1e3 * ours['cpu']:.1f}",
                   "ratio, CPU": f"{plain['cpu'] / ours['cpu']:.2f}",
                   "ratio, wall": f"{plain['wall'] / ours['wall']:.2f}",
                   "gap": f"{found['gap']:.0e}"}


def main():
    """Measure what is asked for, print, write, and assert the direction."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    chosen = parser.parse_args().only
    path = RESULTS / "quantile_aggregation.json"
    record = json.loads(path.read_text()) if path.exists() else {}
    for part in chosen:
        record[part] = PARTS[part]()
        path.write_text(json.dumps(record, indent=1) + "\n")
    if set(record) < set(PARTS):
        sys.stdout.write(f"Parts still to run: {sorted(set(PARTS) - set(record))}\n")
        return
    text = TEXT.format(
        processor=processor(), cores=os.cpu_count(), python=platform.python_version(),
        libraries=", ".join(f"{name} {version(name)}" for name in LIBRARIES),
        last=_quantile_scores.SEEDS - 1, about=_quantile_scores.ABOUT,
        verdicts=" ".join(_quantile_scores.verdicts(record["scores"])),
        scores=table(_quantile_scores.rows(record["scores"])),
        conformal=table(conformal_rows(record["conformal"])),
        faster=faster(record["conformal"]),
        coverage=table(coverage_rows(record["coverage"])), levels=_quantile_speed.LEVELS,
        models=_quantile_speed.MODELS, repeats=_quantile_speed.REPEATS, few=_quantile_speed.FEW,
        speed=table(list(speed_rows(record["speed"]))), **record["memory"])
    sys.stdout.write(text)
    (RESULTS / "quantile_aggregation.md").write_text(text, encoding="utf-8")
    _quantile_scores.check(record["scores"])
    alone = record["speed"]["1"].values()
    assert min(found["plain"]["cpu"] / found["ours"]["cpu"] for found in alone) > 2
    assert max(row["largest gap"] for row in record["conformal"]) < 1e-9
    assert max(abs(row["gap"]) for row in record["coverage"]) < 3
    assert record["memory"]["predict"] < 8


if __name__ == "__main__":
    main()
