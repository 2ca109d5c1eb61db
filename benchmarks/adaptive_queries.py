"""Reuse of a holdout: the published experiment, its speed, attacks, weights and guarantees.

Prints the tables and writes them to ``results/adaptive_queries.md`` and ``.json``. ``--full``
also times full matrices of 10,000 x 10,000 doubles, which take 3 GB.
"""

import argparse
import importlib.metadata
import json
import os
import platform
import statistics
import sys

import _adaptive_arms as arms
from opinion_trends import RESULTS, processor

from workbench.inference.validity.bounds import majority_bias

COLUMNS = [500, 2000, 8000]
PUBLISHED = {(False, "plain", 500): (0.639, 0.6325, 0.499),
             (False, "thresholdout", 500): (0.699, 0.523, 0.492),
             (True, "plain", 20): (0.611, 0.608, 0.598),
             (True, "thresholdout", 20): (0.609, 0.609, 0.595),
             (True, "plain", 500): (0.657, 0.651, 0.520),
             (True, "thresholdout", 500): (0.715, 0.532, 0.517)}
TEXT = """# Adaptive queries: what reuse does, what protects, how fast

Written by `benchmarks/adaptive_queries.py`.

Machine: {processor}, {cores} cores, Python {python}; {libraries}. One BLAS thread. The machine was
shared, so that seconds are those of the processor. Seed 0 and following.

## The published experiment, n = d = 10,000, {repetitions} repetitions

Mean ± standard error; "published" is one run of the authors' code.

{scores}

## Processor seconds of one repetition (three parts, two methods), medians (smallest-largest)

Full matrices: the experiment as one would write it, doubles. Streamed: every value of training
rows and holdout in single precision, columns in blocks, fresh rows for columns that vote. Drawn:
correlations and votes from their exact distribution, as the package does. The authors' code takes
55 s on two busy cores for one repetition at 10,000.

{seconds}

## Attack by majority vote, n = 2,000, {attackers} attackers: bias of the last answer

Noise of sd 0.05 (normal); Laplace with epsilon 1 in all; Thresholdout with T = 4 / sqrt(n),
sigma = 1 / (4 sqrt(n)) and 50 readings. "refused" where the budget had ended. Rows of their own
for each query: n / (m + 1) of them, none where m > n.

{attacks}

Queries that Thresholdout answers before 50 readings are spent (mean, smallest-largest of 10):
{answered}

## Multiplicative weights beside noise that grows, N = 256, n = 2,000, 4 worlds: largest error

{weights}

## Certified accuracy, n = 4,000, 400 queries, {trials} attackers, beta 0.05

{guarantees}
"""


def table(head, rows):
    """Markdown."""
    return "\n".join([f"| {' | '.join(head)} |", "|" + " --- |" * len(head), *(
        f"| {' | '.join(map(str, row))} |" for row in rows)])


def told(pair):
    """Mean and standard error."""
    return f"{pair[0]:.4f} ± {pair[1]:.4f}"


def spread(each):
    """Median and range."""
    return f"{statistics.median(each):.3f} ({min(each):.3f}-{max(each):.3f})"


def main():
    """Measure, print, write, and assert the direction."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--repetitions", type=int, default=100)
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--full", action="store_true")
    asked = parser.parse_args()
    scores = arms.scores(arms.sufficient, 10_000, 10_000, asked.repetitions)
    seconds = {("drawn", 2000): arms.seconds(arms.sufficient, 2000, 2000, 9),
               ("streamed", 2000): arms.seconds(arms.streamed, 2000, 2000, 5),
               ("full matrices", 2000): arms.seconds(arms.plain, 2000, 2000, 5),
               ("drawn", 10_000): arms.seconds(arms.sufficient, 10_000, 10_000, 9),
               ("streamed", 10_000): arms.seconds(arms.streamed, 10_000, 10_000, 3)}
    if asked.full:
        seconds["full matrices", 10_000] = arms.seconds(arms.plain, 10_000, 10_000, 1)
    attacks = arms.attacks(COLUMNS, 10)
    answered, weights = arms.answered(20_000), arms.weights([200, 2000, 20_000], range(4))
    guarantees = arms.guarantees(asked.trials)
    text = TEXT.format(
        processor=processor(), cores=os.cpu_count(), python=platform.python_version(),
        libraries=", ".join(f"{name} {importlib.metadata.version(name)}"
                            for name in ("numpy", "scipy", "pandas")),
        repetitions=asked.repetitions, attackers=10, trials=asked.trials,
        scores=table(("signal", "method", "k", "train", "answer", "fresh", "published"), [
            (signal, method, k, *map(told, parts),
             ", ".join(map(str, PUBLISHED.get((signal, method, k), ()))))
            for signal, method, k, *parts in scores]),
        seconds=table(("arm", "n = d", "seconds"), [
            (name, f"{n:,}", spread(each)) for (name, n), each in seconds.items()]),
        attacks=table(("mechanism", *(f"d = {d:,}" for d in COLUMNS)), [
            ("formula, plain", *(f"{majority_bias(2000, d):.3f}" for d in COLUMNS)), *(
                (name, *(f"{row.mean:+.3f} ± {row.error:.3f}" if row.answered == 1 else "refused"
                         for row in some.itertuples()),
                 *["none"] * (len(COLUMNS) - len(some)))
                for name, some in attacks.groupby("mechanism", sort=False))]),
        answered="; ".join(f"sigma {sigma:.4f}: {mean:,.0f} ({low:,}-{high:,})"
                           for sigma, mean, low, high in answered),
        weights=table(("queries", "weights", "noise", "updates"), [
            (f"{count:,}", *(f"{row[name]['mean']:.3f} ({row[name]['min']:.3f}-"
                             f"{row[name]['max']:.3f})" for name in ("weights", "noise")),
             f"{row['updates']['mean']:.0f}") for count, row in weights.iterrows()]),
        guarantees=table(("mechanism", "certified error", "by", "trials above it",
                          "largest error"), [
            (one.mechanism, f"{one.tau:.3f}", one.theorem, one.violations(),
             f"{one.errors.max():.3f}") for one in guarantees]))
    sys.stdout.write(text)
    (RESULTS / "adaptive_queries.md").write_text(text, encoding="utf-8")
    (RESULTS / "adaptive_queries.json").write_text(json.dumps({
        "scores": scores, "seconds": {f"{name}, {n}": each for (name, n), each in
                                      seconds.items()},
        "attacks": attacks.to_dict("records"), "answered": answered}, indent=1) + "\n")
    means = {(signal, method, k): parts for signal, method, k, *parts in scores}
    for signal in (False, True):
        gap, safe = (means[signal, method, 500][1][0] - means[signal, method, 500][2][0]
                     for method in ("plain", "thresholdout"))
        assert gap > 0.1 > 5 * abs(safe) - 0.05
    assert statistics.median(seconds["streamed", 10_000]) < 10
    assert all(one.is_kept == (one.mechanism != "plain") for one in guarantees)


if __name__ == "__main__":
    main()
