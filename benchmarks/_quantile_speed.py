"""Training steps of local-fine, 99 levels and 6 models: plain PyTorch and ours in turn.

Run as a program it measures with the given number of threads and prints a record; `measured` runs
it in a process of its own. Both arms start from the same numbers and see the same batches.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
LEVELS, MODELS, FEATURES, ROWS = 99, 6, 8, 1024
RUNS = {"batch 64": (64, 96, False), "batch 512": (512, 12, False),
        "batch 64, PAVA in training": (64, 48, True)}
REPEATS = 5
FEW = 10          # steps after which results are compared; rounding grows with each step


def world():
    """Standardised rows whose base quantiles are shifted and stretched normal ones."""
    from scipy.stats import norm

    from workbench.core import generator
    from workbench.inference.quantiles.aggregation_rows import Rows
    from workbench.inference.quantiles.levels import even_levels

    rng = generator(0)
    X = rng.normal(size=(ROWS, FEATURES))
    y = 0.8 * X[:, 0] + 0.6 * rng.normal(size=ROWS)
    middle = 0.8 * X[:, :1] + rng.normal(0, 0.3, (ROWS, MODELS))
    Z = middle[:, :, None] + rng.uniform(0.3, 1, (MODELS, 1)) * norm.ppf(even_levels(LEVELS))
    return Rows(*(part.astype(np.float32) for part in (X, Z, y)), None)


def arms(batch, count, *, pava=False, device="cpu"):
    """Rows, and two functions that train on them for `count` steps and return a network."""
    import _quantile_plain
    import torch

    from workbench.inference.quantiles import aggregation_training as training
    from workbench.inference.quantiles.descent import Descent
    from workbench.inference.quantiles.levels import even_levels
    from workbench.inference.quantiles.perceptron import Shape
    from workbench.inference.quantiles.resolution import Form

    rows, levels = world(), even_levels(LEVELS)
    recipe = training.Recipe(
        Shape(), Descent(batch_size=batch, max_steps=count, check_every=count), margin="vec",
        isotonise="pava" if pava else "sort", in_training=pava)
    form = Form("fine", MODELS, LEVELS)
    return rows, {
        "plain": lambda: _quantile_plain.steps(
            rows, levels, count=count, batch=batch, pava=pava, device=device),
        "ours": lambda: training.trained(recipe, form, levels, rows, None,
                                         torch.device(device)).network}


def timed(batch, count, **how):
    """Medians over repeats in turn [s / step], and the gap between both after a few steps."""
    found = {arm: [] for arm in ("plain", "ours")}
    gap = difference(*arms(batch, FEW, **how))
    for _ in range(REPEATS):
        for arm, train in arms(batch, count, **how)[1].items():
            clock, used = time.perf_counter(), time.process_time()
            train().cpu()                       # waits for a card
            found[arm].append([(time.perf_counter() - clock) / count,
                               (time.process_time() - used) / count])
    return {arm: {"wall": statistics.median(wall for wall, _ in each),
                  "cpu": statistics.median(cpu for _, cpu in each)}
            for arm, each in found.items()} | {"gap": gap}


def difference(rows, both):
    """Largest one between the quantiles that the arms give all rows."""
    import torch

    x, Z = torch.tensor(rows.X), torch.tensor(rows.Z)
    plain, ours = (train().cpu()(x, Z).detach() for train in both.values())
    return float((plain - ours).abs().max())


def main(threads):
    """Measure each run and print the record."""
    import torch

    torch.set_num_threads(threads)
    record = {run: timed(batch, count, pava=pava) for run, (batch, count, pava) in RUNS.items()}
    sys.stdout.write(json.dumps(record) + "\n")


def measured(threads):
    """Record of a process with that many threads."""
    flags = {"OMP_NUM_THREADS": str(threads), "PYTHONPATH": str(HERE.parent)}
    done = subprocess.run([sys.executable, HERE / "_quantile_speed.py", str(threads)], check=True,
                          env=os.environ | flags, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    main(int(sys.argv[1]))
