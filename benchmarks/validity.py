"""Whether the intervals and tests of the inference room keep what they promise.

Each is simulated under its own assumptions, at least 1,000 times; `_promises` judges. Prints the
table, writes it to ``results/validity.md`` and ``.json`` and into the README, and asserts that
what fails is known and told.
"""

import argparse
import json
import os
import platform
import sys
import time
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

from _promises import band, judged, measured
from opinion_trends import RESULTS, processor

__all__ = ["METHODS", "README", "condensed", "promises", "rows_of", "shown"]

METHODS = ("trends", "quantiles", "designs", "queries", "comparisons", "mixtures", "balancing")
README = Path(__file__).resolve().parents[1] / "README.md"
MARKS = ("<!-- validity: written by benchmarks/validity.py -->", "<!-- validity: end -->")
ERROR = 0.01       # probability that some band of the whole table misses its truth
TEXT = """# Validity: what intervals and tests promise, and how often they keep it

Written by `benchmarks/validity.py`.

Machine: {processor}, {cores} cores, Python {python}; {libraries}. Seed {seed}; {replications}
replications of each row, {minutes:.0f} minutes with {workers} processes.

Each row simulates worlds under the assumptions of its method. Nominal: promised coverage of an
interval, or type-I error of a test; ≥ and ≤ where the promise has one side. Band: exact binomial
interval of the empirical level; all bands of the table together miss none of their true levels
with probability {sure:g}. Verdict: *holds* when the band allows the promise, *cautious* when the
interval is wider or the test more reluctant than promised, *fails* otherwise.

{table}
"""


def promises():
    """Every promise, method after method."""
    return [each for name in METHODS for each in import_module(f"_validity_{name}").PROMISES]


def rows_of(found):
    """One record per promise."""
    error = ERROR / len(found)
    return [{"method": each.promise.method, "what": each.promise.what,
             "world": each.promise.world, "nominal": each.promise.level,
             "kind": each.promise.kind, "successes": each.successes,
             "replications": each.replications, "empirical": each.share,
             "band": band(each.successes, each.replications, error),
             "verdict": judged(each, error), "why": each.promise.why,
             "cpu_seconds": each.seconds} for each in found]


def shown(rows):
    """The table in Markdown."""
    yield "| method | what | world | nominal | empirical | band | verdict |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for row in rows:
        sign = {"at least": "≥ ", "at most": "≤ "}.get(row["kind"], "")
        told = row["verdict"] + (f": {row['why']}" if row["verdict"] == "fails" else "")
        yield (f"| `{row['method']}` | {row['what']} | {row['world']} | {sign}"
               f"{row['nominal']:.3f} | {row['empirical']:.3f} | {row['band'][0]:.3f} to "
               f"{row['band'][1]:.3f} | {told} |")


def condensed(rows):
    """One line per method, and one for each promise that does not hold."""
    yield "| method | promises | hold | cautious | fail |"
    yield "| --- | --- | --- | --- | --- |"
    for method in dict.fromkeys(row["method"] for row in rows):
        mine = [row for row in rows if row["method"] == method]
        controls = [row for row in mine if row["why"].startswith("control")]
        real = [row for row in mine if row not in controls]
        counts = [sum(row["verdict"] == verdict for row in real)
                  for verdict in ("holds", "cautious", "fails")]
        yield f"| `{method}` | {len(real)} | " + " | ".join(map(str, counts)) + " |"
    for row in rows:
        if row["verdict"] == "fails":
            yield ""
            yield (f"`{row['method']}`, {row['what']}: {row['empirical']:.3f} instead of "
                   f"{row['nominal']:.3f}; {row['why']}.")


def into_readme(rows, text):
    """The README with the tables between its marks."""
    before, _, rest = text.partition(MARKS[0])
    _, _, after = rest.partition(MARKS[1])
    whole = "\n".join(shown(rows))
    return (before + MARKS[0] + "\n" + "\n".join(condensed(rows)) + "\n\n<details><summary>Every "
            f"interval and test</summary>\n\n{whole}\n\n</details>\n" + MARKS[1] + after)


def main():
    """Measure, print, write, and assert that what fails is known."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--replications", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    asked = parser.parse_args()
    began = time.perf_counter()
    rows = rows_of(measured(promises(), asked.replications, asked.seed, workers=asked.workers))
    text = TEXT.format(
        processor=processor(), cores=os.cpu_count(), python=platform.python_version(),
        libraries=", ".join(f"{name} {version(name)}" for name in (
            "numpy", "scipy", "scikit-learn", "statsmodels")),
        seed=asked.seed, replications=asked.replications, workers=asked.workers,
        minutes=(time.perf_counter() - began) / 60, sure=1 - ERROR, table="\n".join(shown(rows)))
    sys.stdout.write(text)
    unknown = [row["what"] for row in rows if row["verdict"] == "fails" and not row["why"]]
    if asked.replications >= 1000:
        (RESULTS / "validity.md").write_text(text, encoding="utf-8")
        (RESULTS / "validity.json").write_text(json.dumps(rows, indent=1) + "\n")
        README.write_text(into_readme(rows, README.read_text(encoding="utf-8")), encoding="utf-8")
    assert not unknown, f"these fail and nobody knows why: {unknown}"


if __name__ == "__main__":
    main()
