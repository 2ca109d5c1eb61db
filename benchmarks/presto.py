"""Speed, optima and errors of PRESTO beside logistic regression, proportional odds and others.

Simulated worlds of the paper, the shipped tables, among them a counter-example, CPU seconds
beside scikit-learn. Prints the tables and writes them to ``results/presto.md`` and ``.json``.
"""

import argparse
import importlib.metadata
import json
import os
import platform
import sys

import _presto_arms as arms
from opinion_trends import RESULTS, processor

TEXT = """# PRESTO: speed, optima and errors

Written by `benchmarks/presto.py`.

Machine: {processor}, {cores} cores, Python {python}; {libraries}. One BLAS thread.

## CPU seconds, medians of {repeats} in turn (smallest to largest)

n = 2,500, p = 10, four stages, the world of seed 0. The last column is the median over pairs of
the first arm's seconds over this arm's.

{seconds}

## Objective reached at equal lambda

{optima}

A Newton method that halves its step at most thirteen times stops at 0.23141 in the first problem.

## Error of the rare stage's probability in {worlds} worlds each, seed {seed}

Mean over the training rows of the squared difference from the true probability. Ratio of the
means of PRESTO and of the method, 90 % interval, median ratio, share of worlds that PRESTO wins.
In the rarest world a few draws, in which little shrinking is chosen, decide the mean: PRESTO wins
more often than not, and no ratio of means to that of proportional odds below 1 is shown.

{errors}

## Shipped tables: the rare stage on held-out tenths, {splits} splits, seed {seed}

Mean log loss [nats] with its standard error over splits, which share rows, and mean error of
calibration in ten bins of equally many rows [%].

{real}

The pre-diabetes stages are nearly separable and the last one is not rare: little is to be gained.
"""


def spent(found):
    """One row per arm."""
    yield "| arm | CPU seconds | first arm over this one |"
    yield "| --- | --- | --- |"
    for name, (middle, low, high, ratio) in found.items():
        yield f"| {name} | {middle:.4f} ({low:.4f} to {high:.4f}) | {ratio:.2f} |"


def reached(rows):
    """One row per problem."""
    yield "| problem | workbench | violation | Newton steps | SciPy, L-BFGS-B |"
    yield "| --- | --- | --- | --- | --- |"
    for name, own, violation, steps, other in rows:
        yield f"| {name} | {own:.10f} | {violation:.1e} | {steps} | {other:.10f} |"


def missed(table):
    """One row per world and method."""
    yield "| world, rare rows | method | error | PRESTO over it | median ratio | PRESTO wins |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for row in table.itertuples():
        told = "" if row.method == "PRESTO" else (
            f"{row.ratio:.2f} ({row.low:.2f} to {row.high:.2f}) | {row.median:.2f} | "
            f"{100 * row.wins:.0f} %")
        yield (f"| {row.world}, {row.rare:.0f} | {row.method} | {row.mse:.2e} | "
               f"{told or ' | | '} |")


def held_out(table):
    """One row per table and method."""
    yield "| data | method | log loss | calibration error |"
    yield "| --- | --- | --- | --- |"
    for (data, method), some in table.groupby(["data", "method"], sort=False):
        error = some["loss"].std(ddof=1) / len(some) ** 0.5
        yield (f"| {data} | {method} | {some['loss'].mean():.4f} ± {error:.4f} | "
               f"{100 * some['calibration'].mean():.2f} |")


def main():
    """Measure, print, write, and assert the direction."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--worlds", type=int, default=50)
    parser.add_argument("--repeats", type=int, default=11)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    found, best = arms.seconds(asked.repeats), arms.optima()
    table = arms.compared(arms.errors(asked.worlds, asked.seed))
    losses = arms.real(asked.seed)
    text = TEXT.format(
        processor=processor(), cores=os.cpu_count(), python=platform.python_version(),
        libraries=", ".join(f"{name} {importlib.metadata.version(name)}" for name in (
            "numpy", "scipy", "numba", "scikit-learn", "statsmodels")), repeats=asked.repeats,
        worlds=asked.worlds, seed=asked.seed, splits=arms.SPLITS,
        seconds="\n".join(spent(found)), optima="\n".join(reached(best)),
        errors="\n".join(missed(table)), real="\n".join(held_out(losses)))
    sys.stdout.write(text)
    (RESULTS / "presto.md").write_text(text, encoding="utf-8")
    (RESULTS / "presto.json").write_text(json.dumps({
        "seconds": found, "optima": best, "errors": table.to_dict("records"),
        "real": losses.to_dict("records")}, indent=1) + "\n")
    assert list(found.values())[1][3] < 3
    assert all(own <= other + 1e-8 for _, own, _, _, other in best)
    dense = table[table["world"].str.startswith("dense")].set_index("method")
    assert (dense.loc["logistic regression", "ratio"] < 0.8).all()
    beside = dense.loc["proportional odds"]
    assert (beside["wins"] > 0.5).all()
    assert (beside.loc[beside["world"] != arms.RAREST, "high"] < 1).all()


if __name__ == "__main__":
    main()
