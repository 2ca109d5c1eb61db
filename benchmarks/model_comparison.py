"""Levels and power of every test, misses of intervals, and speed beside mlxtend.

mlxtend 0.25 is installed by hand (``pip install --no-deps --target FOLDER mlxtend``) and named by
``--peer FOLDER``; without it the speed is left out. Prints the tables and writes them to
``results/model_comparison.md`` and ``.json``.
"""

import argparse
import importlib
import importlib.metadata
import json
import os
import platform
import sys

import _comparison_arms as arms
from opinion_trends import RESULTS, processor

from workbench.core import generator
from workbench.inference.model_comparison import error_rates, miss_rates, peeking

TEXT = """# Model comparison: levels, power, coverage and speed

Written by `benchmarks/model_comparison.py`.

Machine: {processor}, {cores} cores, Python {python}; {libraries}. One BLAS thread.

## {replications} simulated tables of {n} rows, level 5 %, seed {seed}

Naive Bayes on exchangeable pairs of features; power where the second model lacks {effect:g} of
accuracy. Comparisons over data sets: 20 sets, 100 test rows each. In brackets 95 % intervals.

{rates}

## Misses of 95 % intervals, {intervals} tables of {n} rows

{misses}

## Looking again at equal models: at least one false positive in {peeks}

{looks}

## The nearest neighbour on wine, error in 25 resamples, 20 seeds

{bias}

## Seconds beside mlxtend

{speed}
"""


def rates_rows(none, some):
    """One row per test."""
    yield "| test | type I | power |"
    yield "| --- | --- | --- |"
    for (_, a), (_, b) in zip(none.iterrows(), some.iterrows(), strict=True):
        yield (f"| {a['label']} | {a['rate']:.3f} [{a['low']:.3f}, {a['high']:.3f}] | "
               f"{b['rate']:.3f} [{b['low']:.3f}, {b['high']:.3f}] |")


def speed_rows(calls, runs, gaps):
    """One row per shared function, then the bootstrap."""
    yield "CPU seconds of a call, medians of 9, in turn.\n"
    yield "| function | mlxtend | workbench | times faster |"
    yield "| --- | --- | --- | --- |"
    for name, (ours, theirs) in calls.items():
        yield f"| {name} | {theirs:.2e} | {ours:.2e} | {theirs / ours:.1f} |"
    yield (f"\n.632+ with {arms.RESAMPLES} resamples, naive Bayes on 569 tumours; mlxtend once, "
           "others medians of 3. CPU seconds are those of the calling process, which waits where "
           "there are two jobs.\n")
    yield "| arm | CPU seconds | wall seconds | estimate | times faster, wall |"
    yield "| --- | --- | --- | --- | --- |"
    for name, (cpu, wall, value) in runs.items():
        yield (f"| {name} | {cpu:.2f} | {wall:.2f} | {value:.4f} | "
               f"{runs['mlxtend'][1] / wall:.1f} |")
    told = ", ".join(f"{gap:.1e} for {method}" for method, gap in gaps.items())
    yield f"\nOn the same splits replicates differ by at most {told}."


def main():
    """Measure, print, write, and assert the directions."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--replications", type=int, default=2000)
    parser.add_argument("--n", type=int, default=300)
    parser.add_argument("--effect", type=float, default=0.06)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--peer", default=os.environ.get("MLXTEND", ""))
    asked = parser.parse_args()
    options = {"replications": asked.replications, "n": asked.n}
    none = error_rates(rng=generator(asked.seed), **options)
    some = error_rates(effect=asked.effect, rng=generator(asked.seed + 1), **options)
    misses = miss_rates(replications=asked.replications // 2, n=asked.n, rng=generator(asked.seed))
    looks = peeking(replications=5 * asked.replications, rng=generator(asked.seed))
    bias, calls, runs, gaps = arms.bias(), {}, {}, {}
    if asked.peer:
        sys.path.append(asked.peer)
        peer = importlib.import_module("mlxtend.evaluate")
        calls, runs = arms.seconds(arms.shared(peer)), arms.bootstraps(peer)
        gaps = arms.same_scores(peer)
    wide = looks.pivot(index="looks", columns="habit", values="rate")
    text = TEXT.format(
        processor=processor(), cores=os.cpu_count(), python=platform.python_version(),
        libraries=", ".join(f"{name} {importlib.metadata.version(name)}" for name in (
            "numpy", "scipy", "scikit-learn", "statsmodels", "joblib")),
        replications=asked.replications, n=asked.n, seed=asked.seed, effect=asked.effect,
        rates="\n".join(rates_rows(none, some)), intervals=asked.replications // 2,
        misses="\n".join(["| interval | misses | mean width |", "| --- | --- | --- |", *(
            f"| {row.label} | {row.rate:.3f} [{row.low:.3f}, {row.high:.3f}] | {row.width:.3f} |"
            for row in misses.itertuples())]), peeks=5 * asked.replications,
        looks="\n".join(["| looks | " + " | ".join(wide) + " |", "| --- |" + " --- |" * len(
            wide.columns), *(f"| {at} | " + " | ".join(f"{value:.3f}" for value in row) + " |"
                             for at, row in zip(wide.index, wide.to_numpy(), strict=True))]),
        bias="\n".join(["| method | mean | least | largest |", "| --- | --- | --- | --- |", *(
            f"| {name} | {mean:.3f} | {low:.3f} | {high:.3f} |"
            for name, (mean, low, high) in bias.items())]),
        speed="\n".join(speed_rows(calls, runs, gaps)) if calls else "mlxtend was not there.")
    sys.stdout.write(text)
    (RESULTS / "model_comparison.md").write_text(text, encoding="utf-8")
    (RESULTS / "model_comparison.json").write_text(json.dumps({
        "type I": none.to_dict("records"), "power": some.to_dict("records"),
        "misses": misses.to_dict("records"), "peeking": looks.to_dict("records"), "bias": bias,
        "seconds": calls, "bootstrap": runs, "gaps": gaps}, indent=1) + "\n")
    checked(none, bias, calls, runs, gaps)


def checked(none, bias, calls, runs, gaps):
    """Assert the directions of the claims."""
    level = none.set_index("test")["rate"]
    assert level["resampled_t"] > 0.4 > 0.07 > level[["5x2f", "5x2t", "resampled_corrected",
                                                     "mcnemar", "mcnemar_midp"]].max()
    assert bias[".632"][2] < bias["oob"][1]
    for name, (ours, theirs) in calls.items():
        assert ours <= 1.05 * theirs, name
    if runs:
        assert runs["mlxtend"][0] > 5 * runs["workbench, aggregate, 1 job"][0]
        assert runs["mlxtend"][1] > 5 * runs["workbench, aggregate, 2 jobs"][1]
        assert max(gaps.values()) < 1e-9


if __name__ == "__main__":
    main()
