"""Coverage, error and speed of design-based regressions beside those on one kind of label.

Simulated worlds with a labeller whose errors depend on a covariate; the shipped survey; seconds
per fit. ppi-python 0.2.3 is installed by hand: it is in no lock, because it brings a downloader of
files. Prints the tables and writes them to ``results/design_based.md`` and ``.json``.
"""

import argparse
import importlib.metadata
import json
import os
import platform
import sys

import _design_arms as arms
from opinion_trends import RESULTS, processor

from workbench.core import generator
from workbench.datasets import surrogate_labels

ACCURACIES = [0.7, 0.8, 0.88, 0.95, 0.99]
TEXT = """# Design-based supervised learning: coverage, error and speed

Written by `benchmarks/design_based.py`.

Machine: {processor}, {cores} cores, Python {python}; {libraries}. One BLAS thread.

## {worlds} worlds of 3,000 documents, 500 labelled, accuracy 0.88, seed {seed}

Truth: logit with coefficients 0.1, 0.5, -0.4, 0.3; the labeller errs in 2 % where x1 is above 0,
else in 22 %. Each cell has the intercept and x1 to x3.

{scores}

## The coefficient of x1 by the accuracy of the labeller: bias, RMSE, coverage

{accuracies}

## The shipped survey, coefficient of `countyWrong`

Mean and range over 10 seeds where folds are drawn, over 3 with a forest.

{survey}

## Seconds per fit, medians of {repeats}

{seconds}

{gaps}
"""


def scores(table):
    """One row per method: all coefficients."""
    yield "| method | bias | RMSE | coverage of 95 % | largest error of bias; coverage |"
    yield "| --- | --- | --- | --- | --- |"
    for method, some in table[table["accuracy"] == 0.88].groupby("method", sort=False):
        cells = [" ".join(f"{value:.3f}" for value in some[name])
                 for name in ("bias", "rmse", "coverage")]
        yield (f"| {method} | {' | '.join(cells)} | {some['bias_error'].max():.3f}; "
               f"{some['coverage_error'].max():.3f} |")


def by_accuracy(table):
    """Bias, RMSE and coverage of x1."""
    yield "| method | " + " | ".join(f"{100 * each:g} %" for each in ACCURACIES) + " |"
    yield "| --- |" + " --- |" * len(ACCURACIES)
    for method, some in table[table["term"] == "x1"].groupby("method", sort=False):
        yield f"| {method} | " + " | ".join(
            f"{row.bias:+.3f}, {row.rmse:.3f}, {row.coverage:.2f}" for row in some.itertuples()
        ) + " |"


def main():
    """Measure, print, write, and assert the direction."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--worlds", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    table = arms.worlds(asked.worlds, ACCURACIES, asked.seed)
    rows, seconds = arms.survey_rows(range(10)), arms.seconds()
    gaps = arms.peer(surrogate_labels(rng=generator(asked.seed)))[1]
    known = {each.metadata["Name"] for each in importlib.metadata.distributions()}
    text = TEXT.format(
        processor=processor(), cores=os.cpu_count(), python=platform.python_version(),
        libraries=", ".join(f"{name} {importlib.metadata.version(name)}" for name in (
            "numpy", "scipy", "formulaic", "scikit-learn", "ppi-python") if name in known
            or name.replace("-", "_") in known), worlds=asked.worlds, seed=asked.seed,
        scores="\n".join(scores(table)), accuracies="\n".join(by_accuracy(table)),
        repeats=arms.REPEATS, survey="\n".join(
            ["| method | estimate | standard error |", "| --- | --- | --- |", *(
                f"| {name} | {told(values)} | {told(errors)} |"
                for name, values, errors in rows)]),
        seconds="\n".join(["| arm | seconds |", "| --- | --- |", *(
            f"| {name} | {value:.4f} |" for name, value in seconds.items())]),
        gaps="\n".join(f"PPI++, {model}: largest difference from ppi-python {point:.1e} in "
                       f"coefficients, {error:.1e} in standard errors."
                       for model, (point, error) in gaps.items()) or "ppi-python is missing.")
    sys.stdout.write(text)
    (RESULTS / "design_based.md").write_text(text, encoding="utf-8")
    (RESULTS / "design_based.json").write_text(json.dumps({
        "worlds": table.to_dict("records"), "seconds": seconds, "gaps": gaps,
        "survey": {name: [values, errors] for name, values, errors in rows}}, indent=1) + "\n")
    scored = table[table["accuracy"] == 0.88].set_index(["method", "term"])
    for name in ("DSL, g least squares", "DSL, g the surrogate"):
        assert (scored.loc[name, "coverage"] > 0.9).all()
        assert (scored.loc[name, "rmse"] < scored.loc["gold only", "rmse"]).all()
    assert (scored.loc["surrogate only", "coverage"] < 0.8).all()
    assert max(value for name, value in seconds.items() if "workbench" in name) < 0.1


def told(values):
    """A number, or mean and range."""
    if len(values) == 1:
        return f"{values[0]:.4f}"
    return f"{sum(values) / len(values):.4f} ({min(values):.4f} to {max(values):.4f})"


if __name__ == "__main__":
    main()
