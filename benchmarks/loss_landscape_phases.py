"""Whether phases appear on a grid of our own, and whether they predict accuracy and averaging.

Trains and measures the default grid (digits, perceptrons, 6 widths by 6 batch sizes by 3 seeds)
from three disjoint sets of seeds, each with its own split of the images, and classifies the
published grid. Prints the tables and writes them to ``results/loss_landscape_phases.md`` and
``.json``; asserts the direction of the claims.
"""

import json
import os
import platform
import sys
import time
from importlib.metadata import version
from pathlib import Path

import pandas as pd

from workbench import landscape
from workbench.core import generator
from workbench.datasets import landscape_grid, load_images

RESULTS = Path(__file__).resolve().parent / "results"
SEEDS = (0, 10, 20)          # of three grids, whose networks take seeds, seed + 1 and seed + 2
BORDERS = landscape.Thresholds(loss=0.1, connectivity=2.0, similarity=0.8)
MEASURES = ("loss", "trace", "similarity", "connectivity")
OUTCOMES = ("test_accuracy", "gain", "gain_aligned", "soup_gain", "pruned_accuracy",
            "transfer_gain")
TEXT = """# Phases of the loss landscape

Written by `benchmarks/loss_landscape_phases.py`.

Machine: {cores} cores, Python {python}, torch {torch}; two stacks at a time, one thread each.
Thresholds of our grid: 0.1 nat, 2 percentage points, 0.8; of the published one 0.1, 1, 0.6.
Seeds: {seeds}, three networks per cell each.

## Time of the whole grid [s]: 108 networks trained, all measured

{seconds}

## Cells per phase

{counts}

## Means over the cells of a phase, three grids together, ± standard error over cells

Accuracies in percent (pruned: 80 % of the entries), gains in percentage points: of averaging two
seeds, plainly and aligned; of a greedy soup of three aligned seeds; of a network trained further
on 128 turned images over a fresh one.

{means}

## Rank correlation with test accuracy over cells

Last row: without phase II, whose hot cells connect upwards, to better networks than their ends.

{correlations}
"""


def own_grid(seed: int) -> tuple[pd.DataFrame, dict[str, float]]:
    """Classified cells of one grid, and seconds of training and of measuring."""
    images = load_images("digits", rng=generator(seed))
    clocks = [(time.perf_counter(), time.process_time())]
    trained = landscape.train_grid(landscape.Grid(), images, seed=seed, workers=2)
    clocks.append((time.perf_counter(), time.process_time()))
    how = landscape.Probing(transfer_size=128)
    cells = landscape.measure_grid(trained, how, seed=seed, workers=2).cells
    clocks.append((time.perf_counter(), time.process_time()))
    seconds = {f"{stage}, {clock}": after[at] - before[at]
               for stage, before, after in zip(("train", "measure"), clocks, clocks[1:],
                                               strict=False)
               for at, clock in enumerate(("wall", "processor"))}
    return landscape.classify(cells, BORDERS).assign(grid=f"seed {seed}"), seconds


def correlations(grids: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Correlation of each measure in each grid."""
    found = {name: landscape.associations(cells, MEASURES, "test_accuracy").set_index(
        "measure")["correlation"] for name, cells in grids.items()}
    return pd.DataFrame(found).T[list(MEASURES)]


def means(cells: pd.DataFrame) -> pd.DataFrame:
    """Mean and standard error of each outcome in each phase."""
    told = {}
    for outcome in OUTCOMES:
        table = landscape.by_phase(cells, outcome).set_index("phase")
        told[outcome] = [f"{mean:.1f} ± {stderr:.1f}" for mean, stderr in
                         zip(table["mean"], table["stderr"], strict=True)]
    return pd.DataFrame(told, index=list(landscape.PHASES))


def main() -> None:
    """Measure, print, write, and assert the direction."""
    runs = {seed: own_grid(seed) for seed in SEEDS}
    grids = {f"seed {seed}": cells for seed, (cells, _) in runs.items()}
    together = pd.concat(grids.values(), ignore_index=True)
    published = landscape.classify(landscape_grid().cells)
    counts = pd.DataFrame({name: landscape.by_phase(cells, "test_accuracy").set_index("phase")[
        "cells"] for name, cells in {**grids, "published": published}.items()}).T
    cold = together[together["phase"] != "II"]
    related = correlations({**grids, "published": published, "ours, all but II": cold})
    seconds = pd.DataFrame({name: told for name, (_, told) in
                            zip(grids, runs.values(), strict=True)}).T.round(1)
    text = TEXT.format(
        cores=os.cpu_count(), python=platform.python_version(), torch=version("torch"),
        seeds=", ".join(map(str, SEEDS)), seconds=table(seconds), counts=table(counts),
        means=table(means(together)), correlations=table(related.round(2)))
    sys.stdout.write(text)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "loss_landscape_phases.md").write_text(text, encoding="utf-8")
    (RESULTS / "loss_landscape_phases.json").write_text(json.dumps(
        {"seconds": seconds.to_dict("index"), "counts": counts.to_dict("index"),
         "correlations": related.to_dict("index"), "means": means(together).to_dict("index")},
        indent=1) + "\n", encoding="utf-8")
    assert (counts > 0).sum(axis=1).min() >= 3, counts
    assert (related[["loss", "trace"]] < 0).all(axis=None), related
    assert (related["similarity"] > 0).all(), related
    assert related.loc["ours, all but II", "connectivity"] > 0, related
    for name in ("test_accuracy", "gain_aligned"):
        found = landscape.by_phase(together, name).set_index("phase")["mean"]
        assert found["III"] < found["IV-A"] < found["IV-B"], (name, found)


def table(frame: pd.DataFrame) -> str:
    """Rows in Markdown."""
    names = ["", *map(str, frame.columns)]
    lines = [names, ["---"] * len(names), *([str(row), *map(str, values)] for row, values in
                                            zip(frame.index, frame.to_numpy(), strict=True))]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


if __name__ == "__main__":
    main()
