"""The price of weights: a training step with each weighter over one with equal weights.

``python benchmarks/reweighting.py [--pairs 120]`` prints the table and writes it to
``results/reweighting.md`` and ``.json``.
"""

import argparse
import importlib.metadata
import json
import math
import os
import platform
import sys

from _reweighting_arms import prices
from opinion_trends import RESULTS, processor

TEXT = """# The price of weights

Written by `benchmarks/reweighting.py`.

Machine: {processor}, {cores} cores, Python {python}; {libraries}. One thread; CPU seconds of a
step with weights over those of the step without that came before it, {pairs} pairs. "text" is a
transformer of a million parameters on 4 rows of 64 tokens, "classes" a perceptron of half a
million on 64 rows. "none" is trained without weights on both sides: how far its factor is from
one is what chance does to the others. "Alone" is the time of one call for weights, with the
checks that they are held to, also over that of a step without.

{rows}

{verdict}
"""


def lines(found):
    """One row per weighter."""
    yield ("| weighter | passes of a step | world | without weights [ms] | factor, median | "
           "standard error | middle half of the pairs | alone [ms] | alone | promised |")
    yield "|" + " --- |" * 10
    for row in found:
        alone = (f"{1e3 * row['alone']:.2f} | {row['alone'] / row['plain']:.2%}"
                 if row["alone"] == row["alone"] else " | ")
        promised = f"below {row['most']:g}" if math.isfinite(row["most"]) else ""
        yield (f"| {row['weighter']} | {row['told']} | {row['world']} | "
               f"{1e3 * row['plain']:.1f} | {row['factor']:.4f} | {row['stderr']:.4f} | "
               f"{row['low']:.4f} to {row['high']:.4f} | {alone} | {promised} |")


def verdict(found):
    """What keeps its promise, what does not, and what chance leaves open."""
    kinds = {"Below the promise by more than two standard errors": [],
             "Within two standard errors of it": [], "Above it": []}
    for row in found:
        if row["weighter"] == "none":
            continue
        gap, error = row["factor"] - row["most"], 2 * row["stderr"]
        at = 0 if gap + error < 0 else 1 if gap - error < 0 else 2
        list(kinds.values())[at].append(f"{row['weighter']} ({row['factor']:.3f})")
    told = [f"{kind}: {', '.join(names)}." for kind, names in kinds.items() if names]
    alone = [row["alone"] / row["plain"] for row in found if row["alone"] == row["alone"]]
    if alone:
        told.append(f"Alone, a call for weights takes {min(alone):.2%} to {max(alone):.2%} of a "
                    "step.")
    return " ".join(told)


def main():
    """Measure, print, write, and assert that nothing breaks its promise by more than chance."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--pairs", type=int, default=120)
    pairs = parser.parse_args().pairs
    found = prices(pairs)
    text = TEXT.format(
        processor=processor(), cores=os.cpu_count(), python=platform.python_version(),
        libraries=", ".join(f"{name} {importlib.metadata.version(name)}" for name in (
            "numpy", "torch")), pairs=pairs, rows="\n".join(lines(found)),
        verdict=verdict(found))
    sys.stdout.write(text)
    (RESULTS / "reweighting.md").write_text(text, encoding="utf-8")
    (RESULTS / "reweighting.json").write_text(json.dumps(found, indent=1) + "\n")
    for row in found:
        assert row["factor"] - 2 * row["stderr"] < row["most"], row


if __name__ == "__main__":
    main()
