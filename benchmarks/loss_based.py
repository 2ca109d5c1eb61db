"""Weights by loss beside uniform weights and peers: regression, bound, text, price.

Prints the tables and writes them to ``results/loss_based.md`` and ``.json``.
"""

import argparse
import importlib.metadata
import json
import os
import platform
import sys

import _loss_arms as arms
from opinion_trends import RESULTS, processor

TEXT = """# Weights by loss

Written by `benchmarks/loss_based.py`.

Machine: {processor}, {cores} cores, Python {python}; {libraries}. One thread. Brackets are 90 %
intervals over seeds 0 to {last}; r = 1, no burn-in, unless stated.

## Regression with redundant rows, mean test loss

{clean}

## The same with 1 % of targets shifted and noise of 0.1

{shifted}

## Bound on convergence

{deltas}

Smallest slack of (7) over all worlds, weighters and steps: {slack:.1e}.

## Character model: two layers, width 64, {steps} steps, {seeds} seeds, burn-in 20 %

{text}

{verdict}

## Price

{price}
"""


def cell(found, digits=4):
    """Mean with its interval."""
    return "{:.{d}g} [{:.{d}g}, {:.{d}g}]".format(*found, d=digits)


def courses(found):
    """One row per weighter."""
    yield "| weighter | " + " | ".join(f"{moment} steps" for moment in arms.MOMENTS) + " |"
    yield "| --- |" + " --- |" * len(arms.MOMENTS)
    for name in arms.WEIGHTERS:
        yield f"| {name} | " + " | ".join(
            cell(found[name, moment], 3) for moment in arms.MOMENTS) + " |"


def bounds(means):
    """One row per weighter."""
    yield "| weighter | mean delta |"
    yield "| --- | --- |"
    for name, found in means.items():
        yield f"| {name} | {cell(found, 3)} |"


def domains(found):
    """One row per weighter; gains against uniform weights."""
    names = [name for name in found["uniform"] if name not in ("mean", "gain")]
    yield "| weighter | mean loss | gain of the mean | " + " | ".join(
        f"gain, {name}" for name in names) + " |"
    yield "| --- | --- | --- |" + " --- |" * len(names)
    for who, row in found.items():
        gains = " | ".join(cell(row[name][1]) if who != "uniform" else
                           f"loss {cell(row[name][0])}" for name in names)
        gain = "" if who == "uniform" else cell(row["gain"])
        yield f"| {who} | {cell(row['mean'])} | {gain} | {gains} |"


def verdict(found):
    """What the intervals of the mean say."""
    gained = [who for who in arms.TEXT if found[who]["gain"][1] > 0]
    if gained:
        return f"The mean gains with {' and '.join(gained)}."
    return ("No weighter gains in the mean over domains by more than chance at this size; the "
            "demonstration of a gain is the regression.")


def prices(medians, ratios, alone):
    """Sentences."""
    middle = ratios[len(ratios) // 2]
    yield (f"A step of that model: {1e3 * medians['uniform']:.2f} ms CPU without weights, "
           f"{1e3 * medians['linupper']:.2f} ms with; median of {len(ratios)} paired ratios in "
           f"turn {middle:.4f} ({ratios[0]:.4f} to {ratios[-1]:.4f}).")
    yield "Weights alone: " + ", ".join(f"{spent:.0f} µs for {n} rows"
                                        for n, spent in alone.items()) + "."


def main():
    """Measure, print, write, and assert the direction."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--text-seeds", type=int, default=2)
    parser.add_argument("--text-steps", type=int, default=500)
    parser.add_argument("--turns", type=int, default=21)
    asked = parser.parse_args()
    medians, ratios = arms.overhead(asked.turns, 10)
    alone = arms.alone()
    clean, shifted = (arms.regression(asked.seeds, share) for share in (0.0, 0.01))
    means, slack = arms.deltas(asked.seeds)
    text = arms.language(asked.text_steps, asked.text_seeds)
    told = TEXT.format(
        processor=processor(), cores=os.cpu_count(), python=platform.python_version(),
        libraries=", ".join(f"{name} {importlib.metadata.version(name)}" for name in (
            "numpy", "torch")), last=asked.seeds - 1, clean="\n".join(courses(clean)),
        shifted="\n".join(courses(shifted)), deltas="\n".join(bounds(means)), slack=slack,
        steps=asked.text_steps, seeds=asked.text_seeds, text="\n".join(domains(text)),
        verdict=verdict(text), price="\n".join(prices(medians, ratios, alone)))
    sys.stdout.write(told)
    (RESULTS / "loss_based.md").write_text(told, encoding="utf-8")
    record = {kind: [{"weighter": name, "step": step, "loss": found}
                     for (name, step), found in part.items()]
              for kind, part in (("clean", clean), ("shifted", shifted))}
    (RESULTS / "loss_based.json").write_text(json.dumps(record | {
        "deltas": means, "slack": slack, "text": text, "seconds": medians, "ratios": ratios,
        "alone": alone}, indent=1) + "\n")
    assert clean["linupper", 400][2] < clean["uniform", 400][1]
    assert shifted["linear, f = h", 400][0] > shifted["quadratic", 400][0]
    assert slack >= 0
    assert ratios[len(ratios) // 2] < 1.02


if __name__ == "__main__":
    main()
