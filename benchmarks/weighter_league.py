"""Does any weighter gain on shipped data, clean and spoilt? Leagues with more splits.

``python benchmarks/weighter_league.py [--splits 10]`` prints the tables and writes them to
``results/weighter_league.md`` and ``.json``.
"""

import argparse
import importlib.metadata
import json
import os
import platform
import sys

from opinion_trends import RESULTS, processor

from workbench.studies import weighter_league as study

EPOCHS = 10
WORLDS = {
    "tumours, clean": {"wrong_labels": 0.0},
    "tumours, 20 % wrong labels": {"wrong_labels": 0.2},
    "tumours, 40 % wrong labels": {"wrong_labels": 0.4},
    "tumours, 20 % outliers": {"wrong_labels": 0.0, "outliers": 0.2},
    "tumours, imbalance 20, worst class": {"wrong_labels": 0.0, "imbalance": 20.0,
                                           "measure": "worst class"},
    "sentences, 20 % wrong labels": {"example": "text", "rows": 600},
}
TEXT = """# League of weighters

Written by `benchmarks/weighter_league.py`.

Machine: {processor}, {cores} cores, Python {python}; {libraries}. One thread. {splits} splits,
seeds from 0, {epochs} epochs, defaults of the study otherwise. Gains are means with 90 %
intervals of Nadeau and Bengio's variance, each alone; p values are adjusted by Holm over the
weighters of a league.

{leagues}

{verdict}
"""


def lines(name, league, measure):
    """A heading and one row per weighter."""
    yield f"## {name}: {measure}\n"
    yield ("| weighter | mean | gain over uniform | adjusted p | verdict | rows count like | "
           "times the forward passes | status |")
    yield "|" + " --- |" * 8
    for _, row in league.iterrows():
        plain = row["weighter"] == "uniform"
        ends = f"[{row['low']:+.4f}, {row['high']:+.4f}]" if row["low"] == row["low"] else (
            "on every split")
        score = f"[{row['score_low']:.4f}, {row['score_high']:.4f}]" if (
            row["score_low"] == row["score_low"]) else "on every split"
        gain = "" if plain else f"{row['gain']:+.4f} {ends} | {row['adjusted']:.2g}"
        yield (f"| {row['weighter']} | {row['score']:.4f} {score} | {gain or ' |'} | "
               f"{row['verdict']} | "
               f"{100 * row['effective']:.1f} % | {row['passes']:.2f} | {row['status']} |")


def main():
    """Measure, print and write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--splits", type=int, default=10)
    splits = parser.parse_args().splits
    parts, record, apart = [], [], []
    for name, values in WORLDS.items():
        result = study.run(study.Params(**values, splits=splits, epochs=EPOCHS))
        league = result.tables["league"]
        measure = result.tables["about"].set_index("key")["value"]["measure"]
        parts.append("\n".join(lines(name, league, measure)))
        record += [{"world": name, **row} for row in json.loads(league.to_json(orient="records"))]
        apart += [f"{row['weighter']} is {row['verdict']} on {name}"
                  for _, row in league.iterrows() if " than " in row["verdict"]]
    told = TEXT.format(
        processor=processor(), cores=os.cpu_count(), python=platform.python_version(),
        libraries=", ".join(f"{name} {importlib.metadata.version(name)}" for name in (
            "numpy", "scikit-learn", "torch")), splits=splits, epochs=EPOCHS,
        leagues="\n\n".join(parts),
        verdict=f"{'; '.join(apart)}." if apart else "Nothing separates from uniform weights.")
    sys.stdout.write(told)
    (RESULTS / "weighter_league.md").write_text(told, encoding="utf-8")
    (RESULTS / "weighter_league.json").write_text(json.dumps(record, indent=1) + "\n")
    assert all(row["status"] == "finished" for row in record)


if __name__ == "__main__":
    main()
