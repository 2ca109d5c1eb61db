"""Rare classes under attack: what weights cost, what separated features give back, and peers.

Prints the tables and writes them to ``results/separable_adversarial.md`` and ``.json``.
"""

import argparse
import importlib.metadata
import json
import os
import platform
import sys

import _separable_arms as arms
import pandas as pd
from opinion_trends import RESULTS, processor

from workbench.core.threads import one_thread
from workbench.train.threads import one_thread as one_torch_thread

TEXT = """# Rare classes under attack

Written by `benchmarks/separable_adversarial.py`.

Machine: {processor}, {cores} cores, Python {python}; {libraries}. One thread. Digits of 8 x 8
pixels in [0, 1]; classes 0 to 4 have 104 training rows, 5 to 9 have K times fewer; perceptron
64-64-64-10, {epochs} epochs, PGD with 7 steps in training. Accuracy is the mean over classes on
all test rows, robust accuracy that under PGD with 20 steps; mean ± standard error over seeds 0 to
{last}. AT is adversarial training, SRAT with separated features; weights from the first epoch.

## A. K = 20, eps 0.15, no weights: attacks hurt rare classes more

{extreme}

## B. K = 10, eps 0.1: weight of rare classes

"class" and "sample" say what is 1 on average, the weight of classes or of rows; "raw" is neither.

{weights}

{gaps}

## C. Class-balanced weights (beta 0.999) beside the balanced softmax (AT-BSL)

{peers}

## Price, CPU seconds, median of {turns} turns

{price}

## What does not show

{limits}
"""


def table(groups, names):
    """One row per arm."""
    yield "| method | clean common | clean rare | robust common | robust rare | robust all |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for name in names:
        cells = [arms.told(arms.values(groups, name, group, measure))
                 for measure, group in (*arms.CELLS, ("robust", "all"))]
        yield f"| {name} | " + " | ".join(cells) + " |"


def gap(groups, first, second, group, measure):
    """Paired difference."""
    return arms.values(groups, first, group, measure) - arms.values(groups, second, group,
                                                                    measure)


def gaps(groups):
    """Paired differences of B."""
    for weight in ("20 class", "50 class"):
        pair = f"SRAT, {weight}", f"AT, {weight}"
        yield (f"SRAT minus AT at {weight}: clean common "
               f"{arms.told(gap(groups, *pair, 'common', 'clean'))}, robust all "
               f"{arms.told(gap(groups, *pair, 'all', 'robust'))}, robust rare "
               f"{arms.told(gap(groups, *pair, 'rare', 'robust'))}.")


def peer_lines(found):
    """A table for each setting, APGD beside PGD on the same rows, and paired differences."""
    for (factor, eps), (groups, second) in found.items():
        yield f"### K = {factor}, eps {eps}"
        yield ""
        yield from table(groups, arms.PEERS)
        yield ""
        means = second.groupby(["by", "arm", "seed"])["robust"].mean() if len(second) else None
        for name in arms.PEERS if means is not None else ():
            pgd, apgd = (means[by][name].to_numpy() for by in ("pgd-20", "apgd-ce"))
            yield (f"- {name}, some rows of each class: PGD {arms.told(pgd)}, APGD-CE and APGD-T "
                   f"{arms.told(apgd)}")
        yield ""
        for other in ("AT + CB", "AT-BSL"):
            pair = "SRAT 1", other
            yield (f"- SRAT 1 minus {other}: clean all "
                   f"{arms.told(gap(groups, *pair, 'all', 'clean'))}, robust all "
                   f"{arms.told(gap(groups, *pair, 'all', 'robust'))}, robust rare "
                   f"{arms.told(gap(groups, *pair, 'rare', 'robust'))}")
        yield ""


def limits(weights, found):
    """What the numbers say against the method."""
    for (factor, eps), (groups, _) in found.items():
        lost = gap(groups, "SRAT 1", "AT + CB", "rare", "robust")
        said = "falls" if lost.mean() + arms.sem(lost) < 0 else (
            "rises" if lost.mean() - arms.sem(lost) > 0 else "does not clearly change")
        yield (f"- K = {factor}, eps {eps}: against class-balanced weights alone the robust "
               f"accuracy of rare classes {said}, by {arms.told(lost)}.")
    raw = {name: arms.told(arms.values(weights, f"{name}, 50 raw", "common", "clean"))
           for name in arms.METHODS}
    yield ("- Weights of 50 that are not normalised also make steps longer; clean accuracy of "
           "common classes is then " + ", ".join(f"{one} for {name}" for name, one in
                                                 raw.items()) + ".")


def price_lines(ways, separations):
    """Tables."""
    yield "| four networks with SRAT | CPU seconds | ours at once over this |"
    yield "| --- | --- | --- |"
    for name, (seconds, ratio) in ways.items():
        yield f"| {name} | {seconds:.2f} | {ratio:.2f} |"
    yield ""
    yield "| separation of 128 rows, 20 gradients | CPU seconds | ours over this |"
    yield "| --- | --- | --- |"
    for name, (seconds, ratio) in separations.items():
        yield f"| {name} | {seconds:.4f} | {ratio:.2f} |"


def main():
    """Measure, print, write, and assert the direction."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=6)
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--rows", type=int, default=20)
    parser.add_argument("--turns", type=int, default=5)
    asked = parser.parse_args()
    size = {"epochs": asked.epochs}
    with one_thread(), one_torch_thread():
        ways, separations = arms.price(asked.turns, max(1, asked.epochs // 6))
        extreme = arms.extreme(asked.seeds, size)
        weights = arms.weights_by_method(asked.seeds, size)
        found = {(factor, eps): arms.peers(factor, eps, asked.seeds, size, asked.rows)
                 for factor, eps in ((10, 0.1), (20, 0.15))}
    told = TEXT.format(
        processor=processor(), cores=os.cpu_count(), python=platform.python_version(),
        libraries=", ".join(f"{name} {importlib.metadata.version(name)}" for name in (
            "numpy", "torch", "pyautoattack", "pytorch-metric-learning")),
        epochs=asked.epochs, last=asked.seeds - 1, turns=asked.turns,
        extreme="\n".join(table(extreme, ("natural", "AT"))),
        weights="\n".join(table(weights, [f"{method}, {weight}" for method in arms.METHODS
                                          for weight in arms.WEIGHTS])),
        gaps="\n".join(gaps(weights)), peers="\n".join(peer_lines(found)).strip(),
        price="\n".join(price_lines(ways, separations)),
        limits="\n".join(limits(weights, found)))
    sys.stdout.write(told)
    (RESULTS / "separable_adversarial.md").write_text(told, encoding="utf-8")
    record = {"extreme": extreme, "weights": weights} | {
        f"{kind} {factor} {eps}": one for (factor, eps), pair in found.items()
        for kind, one in zip(("peers", "apgd"), pair, strict=True)}
    (RESULTS / "separable_adversarial.json").write_text(json.dumps({
        name: json.loads(pd.DataFrame(one).to_json(orient="records"))
        for name, one in record.items()} | {"ways": ways, "separations": separations},
        indent=1) + "\n")
    at = {method: arms.values(weights, f"{method}, 50 class", "common", "clean").mean()
          for method in arms.METHODS}
    assert at["AT"] < 0.7
    assert at["natural"] > at["AT"]
    assert at["SRAT"] > 0.93
    for groups, _ in found.values():
        assert gap(groups, "SRAT 1", "AT + CB", "all", "robust").mean() > 0
        assert gap(groups, "SRAT 1", "AT-BSL", "all", "robust").mean() > 0


if __name__ == "__main__":
    main()
