"""Bias, effective size and coverage of balanced kernels beside rivals; the dual; Coat, if named.

Simulated worlds, each way tuned alike in other worlds; the exact dual beside CVXPY and SciPy; and,
with ``--coat FOLDER``, recommenders on the Coat data, each at its own weight decay. Prints the
tables and writes them to ``results/kernel_balancing.md`` and ``.json``.
"""

import argparse
import importlib.metadata
import json
import os
import platform
import sys

import _balancing_arms as arms
import pandas as pd
from opinion_trends import RESULTS, processor

from workbench.core import generator
from workbench.inference.balancing.cases import Options
from workbench.inference.balancing.trials import (
    bias_by_functions,
    bias_trials,
    coverage_trials,
    tuned,
)

TEXT = """# Kernel balancing: bias, effective size, coverage, the dual, recommenders

Written by `benchmarks/kernel_balancing.py`.

Machine: {processor}, {cores} cores, Python {python}; {libraries}. One BLAS thread.

## Relative bias over {worlds} worlds of 2,000 pairs, seed {seed}, each way tuned in 10 others

Bias over the mean loss; effective share of the observed; share of 95 % intervals that hold.

{ways}

## The same, each way at its usual setting

{usual}

## Relative bias (effective share) by the number of Gaussian kernels, gamma 1 / (2 p)

{functions}

## Beside rivals, {worlds} worlds of 2,000 pairs: kernels at the size of second moments

{rivals}

## Coverage of 95 % intervals under their own assumptions, {promised} worlds of 2,000 pairs

{coverage}

## The dual: 50 kernels, slack 0.01, CPU seconds

Difference: largest, of weights that average 1.

{duals}

## Recommenders on Coat, {seeds} seeds, each at the weight decay that half of the slice prefers

Scores of the other half: mean (standard deviation over seeds). Seconds per model, of CPU.

{coat}
"""


def table(frame, digits=3):
    """Markdown of a frame."""
    yield "| " + " | ".join(map(str, frame.columns)) + " |"
    yield "| --- |" + " --- |" * (len(frame.columns) - 1)
    for row in frame.itertuples(index=False):
        yield "| " + " | ".join(f"{each:.{digits}f}" if isinstance(each, float) else str(each)
                                for each in row) + " |"


def biases(frame):
    """Columns that are shown of `bias_trials`."""
    return frame[["way", "bias", "bias_error", "rmse", "share", "coverage", "setting"]]


def ranked(frame):
    """Mean and spread over seeds of each way."""
    if frame.empty:
        return ["No folder was named."]
    rows = [{"way": way, **{name: f"{some[name].mean():.4f} ({some[name].std():.4f})"
                            for name in ("auc", "ndcg", "f1")},
             "weight decays": ", ".join(f"{each:g}" for each in some["decay"]),
             "seconds": float(some["seconds"].mean())}
            for way, some in frame.groupby("way", sort=False)]
    return table(pd.DataFrame(rows), 1)


def main():
    """Measure, print, write, and assert the direction."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--worlds", type=int, default=50)
    parser.add_argument("--promised", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--coat", default="")
    asked = parser.parse_args()
    options = Options()
    settings = tuned(10, options, n=2000, rng=generator(1000 + asked.seed))
    found = {"ways": bias_trials(asked.worlds, options, settings, rng=generator(asked.seed)),
             "usual": bias_trials(asked.worlds, options, rng=generator(asked.seed)),
             "functions": bias_by_functions(asked.worlds, [5, 20, 80], options,
                                            rng=generator(asked.seed)),
             "rivals": arms.rivals(asked.worlds, 2000, asked.seed),
             "coverage": pd.concat([coverage_trials(
                 asked.promised, slacks=(0.0, 0.01, 0.03, 0.1), n_functions=count,
                 rng=generator(asked.seed)).assign(functions=count) for count in (10, 30)]),
             "duals": arms.duals(asked.seed),
             "coat": arms.coat(asked.coat, asked.seeds) if asked.coat else pd.DataFrame()}
    wide = found["functions"].assign(told=lambda rows: [
        f"{bias:+.3f} ({share:.2f})" for bias, share in zip(rows["bias"], rows["share"],
                                                          strict=True)])
    wide = wide.pivot(index="selection", columns="functions", values="told").reset_index()
    text = TEXT.format(
        processor=processor(), cores=os.cpu_count(), python=platform.python_version(),
        libraries=", ".join(f"{name} {importlib.metadata.version(name)}" for name in (
            "numpy", "scipy", "torch", "cvxpy-base", "clarabel")), worlds=asked.worlds,
        seed=asked.seed, promised=asked.promised, seeds=asked.seeds,
        ways="\n".join(table(biases(found["ways"]))),
        usual="\n".join(table(biases(found["usual"]))), functions="\n".join(table(wide)),
        rivals="\n".join(table(found["rivals"])), coverage="\n".join(table(found["coverage"][[
            "functions", "slack", "coverage", "coverage_error", "width", "rmse", "infeasible"]])),
        duals="\n".join(table(found["duals"].assign(difference=[
            f"{each:.1e}" for each in found["duals"]["difference"]]))),
        coat="\n".join(ranked(found["coat"])))
    sys.stdout.write(text)
    (RESULTS / "kernel_balancing.md").write_text(text, encoding="utf-8")
    (RESULTS / "kernel_balancing.json").write_text(json.dumps({
        name: frame.to_dict("records") for name, frame in found.items()}, indent=1) + "\n")
    bias = found["usual"].set_index("way")["bias"]
    assert bias["adaptive kernels"] < bias["random kernels"] / 1.5 < bias["naive"] / 3
    promise = found["coverage"].query("slack <= 0.01")
    assert (promise["coverage"] > 0.95 - 4 * promise["coverage_error"]).all()
    assert found["duals"].query("solver != 'workbench'")["difference"].max() < 1e-3
    assert (found["duals"].groupby("observed")["seconds"].idxmin() == found["duals"].query(
        "solver == 'workbench'").index).all()


if __name__ == "__main__":
    main()
