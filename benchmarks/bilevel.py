"""Source weights beside uniform ones on digits with wrong labels; exactness; price.

Prints the tables and writes them to ``results/bilevel.md`` and ``.json``.
"""

import argparse
import importlib.metadata
import json
import os
import platform
import sys

import _bilevel_arms as arms
from opinion_trends import RESULTS, processor

TEXT = """# Weights of data sources

Written by `benchmarks/bilevel.py`.

Machine: {processor}, {cores} cores, Python {python}; {libraries}. One thread. Mean ± standard
error over seeds 0 to {last}; {steps} steps, batches of 128, 150 validation and 500 test rows.

## Digits in five sources with 0, 20, 40, 60 and 80 % random labels

"new" is a network trained anew on as many rows, taken by the learnt weights; "gain" is its
accuracy minus that with uniform weights, paired by seed; rank is Spearman's correlation of
weights with minus the noise (uniform: 0).

### Batches that hold all sources alike

{stratified}

### Batches as they come

{plain}

## Five sources that are alike, 30 % random labels each

{alike}

## Against an inverted Hessian: three sources, logistic regression, converged networks

{cosines}

## Price

{price}

{verdict}
"""


def cell(found, digits=3):
    """Mean and standard error."""
    return f"{found[0]:.{digits}f} ± {found[1]:.{digits}f}"


def rows(found):
    """One row per penalty, and those without one."""
    table, fixed = found
    yield "| alpha | weights | accuracy of w | of u | new, learnt | gain over uniform | rank |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for alpha, row in table.items():
        weights = ", ".join(cell(one) for one in row["weights"])
        yield (f"| {alpha:g} | {weights} | {cell(row['w'])} | {cell(row['u'])} | "
               f"{cell(row['learnt'])} | {cell(row['gain'])} | {cell(row['ranks'], 2)} |")
    yield ""
    yield "New networks without learnt weights: " + ", ".join(
        f"{name} {cell(one)}" for name, one in fixed.items()) + "."


def alike(found):
    """How far weights go where they should not."""
    table, _ = found
    yield "| alpha | farthest weight from 0.2 | gain over uniform |"
    yield "| --- | --- | --- |"
    for alpha, row in table.items():
        yield f"| {alpha:g} | {cell(row['farthest'])} | {cell(row['gain'])} |"


def prices(medians, ratios, ways):
    """Sentences."""
    middle = ratios[len(ratios) // 2]
    yield (f"A step of a perceptron of two layers of 256 on 256 rows: {1e3 * medians['plain']:.2f}"
           f" ms CPU plain, {1e3 * medians['weights']:.2f} ms with weights; median of "
           f"{len(ratios)} paired ratios in turn {middle:.2f} ({ratios[0]:.2f} to "
           f"{ratios[-1]:.2f}). Two networks and two states of the optimiser: memory of "
           "parameters doubles.")
    yield ""
    yield "| sources | way | ms CPU | over one pass | largest difference of gradients |"
    yield "| --- | --- | --- | --- | --- |"
    for k, row in ways.items():
        for name, spent in row["seconds"].items():
            some = row["ratios"][name]
            apart = {"a pass per source": f"{row['apart']:.1e}", "one pass": ""}.get(
                name, "another estimate")
            yield (f"| {k} | {name} | {1e3 * spent:.2f} | {some[len(some) // 2]:.2f} "
                   f"({some[0]:.2f} to {some[-1]:.2f}) | {apart} |")


def verdict(table):
    """What the standard errors say of the gain."""
    sure = [f"{alpha:g}" for alpha, row in table.items() if row["gain"][0] > 2 * row["gain"][1]]
    rest = [f"{alpha:g}" for alpha in table if f"{alpha:g}" not in sure]
    return "".join([f"With stratified batches the gain over uniform is above two standard errors "
                    f"for alpha = {', '.join(sure)}." if sure else "No penalty gains over uniform "
                    "beyond two standard errors with stratified batches.",
                    f" For alpha = {', '.join(rest)} it is not." if rest and sure else ""])


def main():
    """Measure, print, write, and assert the direction."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=6)
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--turns", type=int, default=9)
    asked = parser.parse_args()
    medians, ratios = arms.price(asked.turns, 60)
    ways, exact = arms.ways(asked.turns), arms.cosines(asked.seeds)
    ours, plain = (arms.digits(asked.seeds, asked.steps, stratified=one) for one in (True, False))
    same = arms.digits(asked.seeds, asked.steps, stratified=True, rates=(0.3,) * 5,
                       alphas=(10.0,))
    told = TEXT.format(
        processor=processor(), cores=os.cpu_count(), python=platform.python_version(),
        libraries=", ".join(f"{name} {importlib.metadata.version(name)}" for name in (
            "numpy", "torch")), last=asked.seeds - 1, steps=asked.steps,
        stratified="\n".join(rows(ours)), plain="\n".join(rows(plain)),
        alike="\n".join(alike(same)), cosines=", ".join(
            f"cosine {value:.4f} ± {error:.4f} at alpha = {alpha:g}"
            for alpha, (value, error) in exact.items()) + ".",
        price="\n".join(prices(medians, ratios, ways)), verdict=verdict(ours[0]))
    sys.stdout.write(told)
    (RESULTS / "bilevel.md").write_text(told, encoding="utf-8")
    (RESULTS / "bilevel.json").write_text(json.dumps({
        "stratified": ours, "plain": plain, "alike": same, "cosines": exact, "seconds": medians,
        "ratios": ratios, "ways": ways}, indent=1) + "\n")
    assert all(row["weights"][0][0] > 0.2 > row["weights"][-1][0] for row in ours[0].values())
    assert all(row["ranks"][0] > 0.5 for row in ours[0].values())
    assert exact[100.0][0] > 0.99
    assert all(row["apart"] < 1e-5 for row in ways.values())


if __name__ == "__main__":
    main()
