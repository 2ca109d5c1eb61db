"""Meta rescaling beside uniform weights and peers on spam with flipped labels, and its price.

Prints the tables and writes them to ``results/meta_rescaling.md`` and ``.json``. Parts, arms and
seeds can be measured one at a time: what the JSON holds of others is kept, and stands in the
tables.
"""

import argparse
import importlib.metadata
import json
import os
import platform
import statistics
import sys

import _meta_arms as arms
from opinion_trends import RESULTS, processor

TEXT = """# Meta rescaling

Written by `benchmarks/meta_rescaling.py`, part by part (`--parts`, `--arms`).

Machine: {processor}, {cores} cores, Python {python}; {libraries}. One thread. Linear classifier on
TF-IDF, batches of 32, rate 0.05, 10 epochs. Means with standard errors over seeds. Gains are over
the uniform arm of the same optimiser (Adam for sgd, steps of sign else), paired by seed, with 90 %
Student intervals; CPU seconds are in those of that arm. "Best" is the epoch with the best score on
clean validation rows.

## YouTube comments, 30 % of labels flipped, test accuracy [%]

{youtube}

## Text messages, 30 % of labels flipped, F1 of spam [%]

{sms}

## YouTube comments, no label flipped, test accuracy [%]

{clean}

## Which labels are wrong

1 - scale, mean of the last three epochs, and cleanlab's label quality by five-fold logistic
regression. Precision and recall are of rows whose mean scale is below 0.5.

{detection}

## Price

CPU milliseconds of a step on YouTube comments, medians in turn. "By hand" is the published way:
loops over rows and classes, and a gradient through the step; gradients agree to 1e-5, a test. What
is gained over it comes from describing all rows at once: the way back in forward mode costs about
as much as a double backward, for this network and for a small transformer.

{price}

Of a transformer of 2 layers of width 64 on 24 words of each comment:

{encoder}
"""
PARTS = {"youtube": ("youtube-spam", 0.3), "sms": ("sms-spam", 0.3),
         "clean": ("youtube-spam", 0.0)}
KEPT = RESULTS / "meta_rescaling.json"
MEASURED = [*PARTS, "price", "encoder"]
FEW = ("STORM, other rows unscaled", "clean meta rows, sgd")       # left out without --every
PUBLISHED = {"youtube": {"uniform": "89.5 ± 1.5 (sd)", "STORM, sign": "91.0 ± 0.7 (sd)",
                         "cosine filter": "89.7"},
             "sms": {"uniform": "63.6 ± 4.5 (sd)", "STORM, sign": "82.3 ± 3.1 (sd)",
                     "cosine filter": "70.0"},
             "clean": {"uniform": "93.4", "STORM, sign": "93.8"}}


def table(found, published):
    """One row per arm."""
    yield "| arm | seeds | best epoch | gain | last epoch | gain | seconds | published, best |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- |"
    spent = {arm: arms.mean_error([row["seconds"] for row in found if row["arm"] == arm])[0]
             for arm in dict.fromkeys(row["arm"] for row in found)}
    for arm, seconds in spent.items():
        some, other = [row for row in found if row["arm"] == arm], arms.twin(arm)
        cells = []
        for what in ("best", "last"):
            mean, error = arms.mean_error([row[what] for row in some])
            cells += [f"{mean:.1f} ± {error:.1f}", "" if arm == other else
                      "{:+.1f} [{:+.1f}, {:+.1f}]".format(*arms.paired(found, arm, what))]
        yield (f"| {arm} | {len(some)} | {' | '.join(cells)} | {seconds / spent[other]:.1f} | "
               f"{published.get(arm, '')} |")


def detections(data):
    """One row per data set and detector."""
    yield ("| data | detector | area under the ROC curve | mean scale, right | wrong | precision "
           "| recall |")
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for name, found in data.items():
        for arm in dict.fromkeys(row["arm"] for row in found if "auroc" in row):
            some = [row for row in found if row["arm"] == arm]
            told = ["{:.3f} ± {:.3f}".format(*arms.mean_error([row[what] for row in some]))
                    if what in some[0] else "" for what in (
                        "auroc", "right", "wrong", "precision", "recall")]
            yield f"| {name} | {'cleanlab' if arm == 'uniform' else arm} | {' | '.join(told)} |"


def prices(costs):
    """One row per kind of step."""
    yield "| inner | package | double backward | by hand | by hand over package |"
    yield "| --- | --- | --- | --- | --- |"
    for inner, spent in costs.items():
        middle = {who: 1e3 * statistics.median(each) for who, each in spent.items()}
        ratios = sorted(hand / ours for hand, ours in zip(spent["by hand"], spent["package"],
                                                          strict=True))
        yield (f"| {inner} | {middle['package']:.1f} | {middle['double backward']:.1f} | "
               f"{middle['by hand']:.1f} | {statistics.median(ratios):.1f} "
               f"({ratios[0]:.1f} to {ratios[-1]:.1f}) |")


def encoder_prices(spent):
    """One row per kind of step."""
    yield "| step | milliseconds | times uniform, medians of turns |"
    yield "| --- | --- | --- |"
    for arm, each in spent.items():
        ratio = statistics.median(one / plain for one, plain in zip(
            each, spent["uniform"], strict=True))
        yield f"| {arm} | {1e3 * statistics.median(each):.1f} | {ratio:.2f} |"


def renewed(held, asked):
    """The held measurements with those asked for in place of older ones; each is written down."""
    seeds = {"youtube": asked.youtube_seeds, "sms": asked.sms_seeds,
             "clean": asked.youtube_seeds}
    for part in (part for part in PARTS if part in asked.parts):
        name, rate = PARTS[part]
        chosen = asked.arms or [arm for arm in arms.arms(1) if asked.every or arm not in FEW]
        order = list(arms.arms(1))
        for row in arms.measured(name, range(seeds[part]), rate, chosen):
            key = row["arm"], row["seed"]
            held[part] = sorted([row, *(old for old in held.get(part, ()) if (
                old["arm"], old["seed"]) != key)], key=lambda each: (
                    order.index(each["arm"]), each["seed"]))
            write(held)
    if "price" in asked.parts:
        held["seconds"] = arms.step_costs(asked.turns)
    if "encoder" in asked.parts:
        held["encoder"] = arms.encoder_costs(asked.turns)
    write(held)
    return held


def write(held):
    """Keep all measurements."""
    KEPT.write_text(json.dumps(held, indent=1) + "\n", encoding="utf-8")


def main():
    """Measure, print, write, and assert the direction."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--youtube-seeds", type=int, default=5)
    parser.add_argument("--sms-seeds", type=int, default=3)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--every", action="store_true", help="arms that take long, too")
    parser.add_argument("--parts", nargs="*", choices=MEASURED, default=MEASURED,
                        help="none draws the tables anew")
    parser.add_argument("--arms", nargs="*", choices=list(arms.arms(1)))
    held = renewed(json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.exists() else {},
                   parser.parse_args())
    told = TEXT.format(
        processor=processor(), cores=os.cpu_count(), python=platform.python_version(),
        libraries=", ".join(f"{name} {importlib.metadata.version(name)}" for name in (
            "numpy", "torch", "cleanlab")),
        **{part: "\n".join(table(held[part], PUBLISHED[part])) for part in PARTS},
        detection="\n".join(detections({"YouTube": held["youtube"], "SMS": held["sms"]})),
        price="\n".join(prices(held["seconds"])),
        encoder="\n".join(encoder_prices(held["encoder"])))
    sys.stdout.write(told)
    (RESULTS / "meta_rescaling.md").write_text(told, encoding="utf-8")
    for part in ("youtube", "sms"):
        assert arms.paired(held[part], "STORM, sign", "last")[0] > 0
        assert arms.paired(held[part], "STORM, sign", "best")[0] > 0
    assert arms.paired(held["clean"], "STORM, sign", "best")[0] > -1.5
    for spent in held["seconds"].values():
        assert statistics.median(spent["by hand"]) > 2 * statistics.median(spent["package"])


if __name__ == "__main__":
    main()
