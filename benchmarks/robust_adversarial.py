"""Training under attack: plain, with weights of a worst case, with the attack's reaction, both.

Trains part by part and seed by seed, keeps what is done in ``results/robust_adversarial.json``,
and writes the tables to ``results/robust_adversarial.md``.
"""

import argparse
import importlib.metadata
import json
import platform
import sys

import _robust_arms as arms
import pandas as pd
from opinion_trends import RESULTS, processor

KEPT = RESULTS / "robust_adversarial.json"
TITLES = {
    "table": ("Digits, five classes rare (step:5), eps 0.1, 40 epochs", arms.BASELINE),
    "longer": ("Twice as long: 80 epochs", f"{arms.BASELINE}, 80 epochs"),
    "balanced": ("No class is rare, eps 0.15", arms.BASELINE),
    "tiny": ("No class is rare, a network of two layers of 16, eps 0.1, 60 epochs", arms.BASELINE),
    "sharp": ("Sharper weights, five classes rare, beside the first table", None)}
HEAD = """# Weights of a worst case under attack

Written by `benchmarks/robust_adversarial.py`.

Machine: {processor}, Python {python}; {libraries}. One thread. Digits of 8 x 8 pixels in [0, 1],
60 % to train; two hidden layers of 64; attacks of 7 steps in training, PGD-20 in testing.
Accuracies in percent, means over classes +- standard error over seeds from 0 on; tail: the weakest
30 % of the classes; differences are paired by seed. r = 2 unless stated.
"""


def read():
    """What is done so far."""
    return json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.is_file() else {}


def keep(name, record):
    """Add to what is done; of a seed that was done before, only the new."""
    if isinstance(record, list):
        new = {row["seed"] for row in record}
        old = [row for row in read().get(name, []) if row["seed"] not in new]
        record = sorted([*old, *record], key=lambda row: row["seed"])
    KEPT.write_text(json.dumps(read() | {name: record}, indent=1) + "\n", encoding="utf-8")


def lines(name, records):
    """The table of one part."""
    title, base = TITLES[name]
    table = pd.DataFrame(records)
    table = table[table["attack"] == "PGD-20"]
    wide = {score: table.pivot_table(index="seed", columns="label", values=score)
            for score in ("clean", "robust", "tail", "worst")}
    yield f"\n## {title}\n\nSeeds: {table['seed'].nunique()}.\n"
    yield ("| method | clean | under attack | tail | weakest class | tail minus baseline | all "
           "minus baseline |")
    yield "| --- |" + " --- |" * 6
    for label in dict.fromkeys(table["label"]):
        cells = [arms.mean_and_error(wide[score][label].dropna()) for score in wide]
        gaps = ["" if base in (None, label) else arms.mean_and_error(
            (wide[score][label] - wide[score][base]).dropna()) for score in ("tail", "robust")]
        yield f"| {label} | {' | '.join([*cells, *gaps])} |"


def checked(records):
    """What an independent attacker adds."""
    table = pd.DataFrame(records)
    table = table[table["attack"] == "APGD"]
    if table.empty:
        return
    yield (f"\n## Independent attacker\n\nRows must survive PGD-20 and APGD-CE and APGD-T of "
           f"pyautoattack; {table['n'].iloc[0]} test rows, seeds: {table['seed'].nunique()}.\n")
    yield "| method | under all attacks | tail | rows lost to APGD after PGD-20 |"
    yield "| --- | --- | --- | --- |"
    for label, some in table.groupby("label", sort=False):
        yield (f"| {label} | {some['robust'].mean():.1f} | {some['tail'].mean():.1f} | "
               f"{some['lost'].mean():.1f} |")


def price_lines(found):
    """Seconds of a step."""
    yield "\n## Price\n\nCPU seconds of a step over those of adversarial training, median:\n"
    yield "; ".join(f"{name} {ratio:.2f}" for name, ratio in found.items()) + "."


def write():
    """The tables of all that is done."""
    done = read()
    text = HEAD.format(processor=processor(), python=platform.python_version(),
                       libraries=", ".join(f"{name} {importlib.metadata.version(name)}"
                                           for name in ("numpy", "torch", "pyautoattack")))
    parts = [line for name in TITLES if name in done for line in lines(name, done[name])]
    parts += [*checked(done.get("table", [])), *(price_lines(done["price"]) if "price" in done
                                                 else ())]
    text += "\n".join(parts) + "\n"
    (RESULTS / "robust_adversarial.md").write_text(text, encoding="utf-8")
    return text


def main():
    """Measure what is asked for, keep, print, and assert the direction."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--parts", nargs="*", default=[*arms.PARTS, "price"])
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seeds", type=int, default=5, help="the last of them, plus one")
    parser.add_argument("--checked", type=int, default=2)
    asked = parser.parse_args()
    for name in asked.parts:
        if name == "price":
            keep(name, arms.prices())
            continue
        for seed in range(asked.first, asked.seeds):
            keep(name, arms.train_part(name, seed, checked=seed < asked.checked))
            sys.stderr.write(f"{name}, seed {seed}\n")
    sys.stdout.write(write())
    if "table" in asked.parts and asked.seeds > 2:
        table = pd.DataFrame(read()["table"])
        wide = table[table["attack"] == "PGD-20"].pivot_table(
            index="seed", columns="label", values="tail")
        gaps = wide[arms.OURS] - wide[arms.BASELINE]
        assert gaps.mean() > 2 * gaps.sem()


if __name__ == "__main__":
    main()
