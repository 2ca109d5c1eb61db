"""Meta rescaling beside uniform weights and peers on spam with flipped labels, and its price.

Prints the tables and writes them to ``results/meta_rescaling.md`` and ``.json``.
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

Written by `benchmarks/meta_rescaling.py`.

Machine: {processor}, {cores} cores, Python {python}; {libraries}. One thread. Linear classifier on
TF-IDF, 30 % of the training labels flipped, batches of 32, rate 0.05, 10 epochs. Means with
standard errors over seeds; gains are paired by seed, with 90 % Student intervals. "Best" is the
epoch with the best score on clean validation rows.

## YouTube comments, test accuracy [%], {youtube_seeds} seeds

{youtube}

## Text messages, F1 of spam [%], {sms_seeds} seeds

{sms}

## Which labels are wrong

1 - scale, mean of the last three epochs, and cleanlab's label quality by five-fold logistic
regression. Precision and recall are of rows whose mean scale is below 0.5.

{detection}

## Price

CPU milliseconds of a step on YouTube comments, medians in turn. "By hand" is the published way:
loops over rows and classes, and a gradient through the step; gradients agree to 1e-5, a test.

{price}
"""
FEW = ("STORM, other rows unscaled", "clean meta rows, sgd")       # left out without --every
PUBLISHED = {"youtube": {"uniform": "89.5 ± 1.5 (sd)", "STORM, sign": "91.0 ± 0.7 (sd)",
                         "cosine filter": "89.7"},
             "sms": {"uniform": "63.6 ± 4.5 (sd)", "STORM, sign": "82.3 ± 3.1 (sd)",
                     "cosine filter": "70.0"}}


def table(found, published):
    """One row per arm."""
    yield ("| arm | best epoch | gain over uniform | last epoch | gain over uniform | seconds, "
           "times uniform | published, best epoch |")
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    plain = arms.mean_error([row["seconds"] for row in found if row["arm"] == "uniform"])[0]
    for arm in dict.fromkeys(row["arm"] for row in found):
        some = [row for row in found if row["arm"] == arm]
        cells = []
        for what in ("best", "last"):
            mean, error = arms.mean_error([row[what] for row in some])
            gain = arms.paired(found, arm, what)
            cells += [f"{mean:.1f} ± {error:.1f}", "" if arm == "uniform" else
                      "{:+.1f} [{:+.1f}, {:+.1f}]".format(*gain)]
        spent = arms.mean_error([row["seconds"] for row in some])[0] / plain
        yield f"| {arm} | {' | '.join(cells)} | {spent:.1f} | {published.get(arm, '')} |"


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


def main():
    """Measure, print, write, and assert the direction."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--youtube-seeds", type=int, default=5)
    parser.add_argument("--sms-seeds", type=int, default=3)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--every", action="store_true", help="arms that take long, too")
    asked = parser.parse_args()
    skipped = () if asked.every else FEW
    youtube = arms.measured("youtube-spam", range(asked.youtube_seeds), 0.3, skipped=skipped)
    sms = arms.measured("sms-spam", range(asked.sms_seeds), 0.3, skipped=skipped)
    costs = arms.step_costs(asked.turns)
    told = TEXT.format(
        processor=processor(), cores=os.cpu_count(), python=platform.python_version(),
        libraries=", ".join(f"{name} {importlib.metadata.version(name)}" for name in (
            "numpy", "torch", "cleanlab")), youtube_seeds=asked.youtube_seeds,
        sms_seeds=asked.sms_seeds, youtube="\n".join(table(youtube, PUBLISHED["youtube"])),
        sms="\n".join(table(sms, PUBLISHED["sms"])),
        detection="\n".join(detections({"YouTube": youtube, "SMS": sms})),
        price="\n".join(prices(costs)))
    sys.stdout.write(told)
    (RESULTS / "meta_rescaling.md").write_text(told, encoding="utf-8")
    (RESULTS / "meta_rescaling.json").write_text(json.dumps(
        {"youtube": youtube, "sms": sms, "seconds": costs}, indent=1) + "\n", encoding="utf-8")
    for found in (youtube, sms):
        assert arms.paired(found, "STORM, sign", "last")[0] > 0
        assert arms.paired(found, "STORM, sign", "best")[0] > 0
    for spent in costs.values():
        assert statistics.median(spent["by hand"]) > 2 * statistics.median(spent["package"])


if __name__ == "__main__":
    main()
