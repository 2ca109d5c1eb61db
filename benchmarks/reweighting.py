"""The price of weights: a training step with each weighter over one with equal weights.

``python benchmarks/reweighting.py [--pairs 40]`` prints the table and writes it to
``results/reweighting.md`` and ``.json``.
"""

import argparse
import importlib.metadata
import json
import os
import platform
import sys

from _reweighting_arms import prices
from opinion_trends import RESULTS, processor

TEXT = """# The price of weights

Written by `benchmarks/reweighting.py`.

Machine: {processor}, {cores} cores, Python {python}; {libraries}. One thread; CPU seconds of a
step with weights over those of the step without that came before it, {pairs} pairs. "text" is a
transformer of a million parameters on 8 rows of 64 tokens, "classes" a perceptron of half a
million on 64 rows.

{rows}

{verdict}
"""


def lines(found):
    """One row per weighter."""
    yield ("| weighter | passes of a step | world | without weights [ms] | factor, median | "
           "standard error | middle half of the pairs | promised |")
    yield "|" + " --- |" * 8
    for row in found:
        yield (f"| {row['weighter']} | {row['told']} | {row['world']} | "
               f"{1e3 * row['plain']:.1f} | {row['factor']:.4f} | {row['stderr']:.4f} | "
               f"{row['low']:.4f} to {row['high']:.4f} | below {row['most']:g} |")


def verdict(found):
    """What keeps its promise, within two standard errors, and what does not."""
    over = [row["weighter"] for row in found if row["factor"] >= row["most"]]
    unsure = [row["weighter"] for row in found if row["factor"] < row["most"] <=
              row["factor"] + 2 * row["stderr"]]
    told = [f"Above the promise: {', '.join(over)}." if over else
            "Every factor is below what is promised."]
    if unsure:
        told.append(f"Within two standard errors of it: {', '.join(unsure)}.")
    return " ".join(told)


def main():
    """Measure, print, write, and assert the promise."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--pairs", type=int, default=40)
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
        assert row["factor"] < row["most"], row


if __name__ == "__main__":
    main()
