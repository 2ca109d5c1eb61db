"""Peak memory of a million rows, 5 models and 19 levels: fit a few steps, predict all rows.

Run as a program it measures and prints a record; `measured` runs it in a process of its own.
"""

import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
ROWS, MODELS, LEVELS, FEATURES = 1_000_000, 5, 19, 8


def main():
    """Fit local-fine on all rows for 200 steps, predict them, print seconds and peaks [GiB]."""
    from workbench.core import generator
    from workbench.inference.quantile_aggregation import QuantileAggregator
    from workbench.inference.quantiles.levels import even_levels

    rng = generator(0)
    X = rng.normal(size=(ROWS, FEATURES))
    y = X[:, 0] + rng.normal(size=ROWS)
    Z = np.sort(rng.normal(size=(ROWS, MODELS, LEVELS)), axis=-1)
    Z += X[:, 0, None, None]
    record = {"data": peak()}
    model = QuantileAggregator(even_levels(LEVELS), max_steps=200, device="cpu", random_state=0)
    begun = time.perf_counter()
    model.fit(X, Z, y)
    record |= {"fit": peak(), "fit_seconds": time.perf_counter() - begun}
    begun = time.perf_counter()
    found = model.predict(X, Z)
    record |= {"predict": peak(), "predict_seconds": time.perf_counter() - begun}
    assert found.shape == (ROWS, LEVELS)
    assert (np.diff(found) >= 0).all()
    sys.stdout.write(json.dumps(record) + "\n")


def peak():
    """Largest resident memory so far [GiB]."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2 ** 20


def measured():
    """Record of a process of its own."""
    done = subprocess.run([sys.executable, HERE / "_quantile_memory.py"], check=True,
                          env=os.environ | {"PYTHONPATH": str(HERE.parent)},
                          stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    main()
