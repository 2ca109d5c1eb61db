"""What weights of a worst case bought under attack, in numbers with intervals and in sentences."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from workbench.core import Estimate, Result, Summary
from workbench.reweighting.under_attack.findings import gain, mean_score
from workbench.reweighting.under_attack.trials import BASELINE, COMPARISONS, OURS, Trials
from workbench.reweighting.under_attack.worlds import Rows

__all__ = ["headline"]

TAIL = "weakest 30 % of classes under attack"
SHARP = 1.0


def headline(params: Any, rows: Rows, trials: Trials,
             tables: Mapping[str, pd.DataFrame]) -> Result:
    """Accuracy of DONE under attack and without, beside plain adversarial training."""
    numbers = {
        f"{TAIL}, {OURS} minus baseline": gain(trials, OURS, "tail"),
        f"{TAIL}, baseline": mean_score(trials, BASELINE, "tail"),
        f"all classes under attack, {OURS} minus baseline": gain(trials, OURS, "robust"),
        "all classes under attack, baseline": mean_score(trials, BASELINE, "robust"),
        f"all classes without attack, {OURS} minus baseline": gain(trials, OURS, "clean")}
    others = [name for name in COMPARISONS[params.compare] if name not in (BASELINE, OURS)]
    said = [_verdict(numbers[f"{TAIL}, {OURS} minus baseline"], params.n_seeds, rows),
            *(f"{name} minus baseline: {TAIL} {gain(trials, name, 'tail')}; all classes under "
              f"attack {gain(trials, name, 'robust')}." for name in others),
            *_checked(trials), *_cautions(params)]
    return Result(Summary(numbers, (*said, *rows.notes)), dict(tables))


def _verdict(found: Estimate, seeds: int, rows: Rows) -> str:
    if found.interval is None:
        remedy = "train more seeds" if seeds == 1 else (
            "lower eps, raise the temperature, or look for extreme rows in the data")
        return (f"Baseline is {BASELINE}. There is no interval, since {found.why}: {remedy}.")
    low, high = found.ends
    told = "better" if low > 0 else "worse" if high < 0 else "neither clearly better nor worse"
    shared = "Splits share rows" if rows.test is None else "All seeds are tested on the same rows"
    return (f"Baseline is {BASELINE} with equal weights. Over {seeds} seeds {OURS} protects the "
            f"weakest classes {told}. Each method is judged by its own weakest classes. {shared}, "
            "and the weakest classes are chosen by the rows that they are judged by: intervals "
            "are of the training, not of new data.")


def _checked(trials: Trials) -> Sequence[str]:
    """What an attack of another's making adds."""
    some = trials.scores[trials.scores["attack"] == "APGD"].dropna(subset=["lost"])
    if some.empty:
        return []
    means = some.groupby("method", sort=False)[["robust", "lost"]].mean()
    n, told = some["n"].iloc[0], ", ".join(
        f"{name} {row['robust']:.0f} % ({row['lost']:.1f} % of the rows fall to APGD alone)"
        for name, row in means.iterrows())
    return [f"Rows must survive PGD-20 and APGD, an independent attacker, on {n} rows of the "
            f"first seed: {told}. One row is {100 / n:.1f} %, so that this only shows large gaps: "
            "a method that hid its gradient would lose many more rows to APGD than the baseline."]


def _cautions(params: Any) -> Sequence[str]:
    found = []
    if params.temperature < SHARP:
        found.append(f"At temperature {params.temperature:g} few rows rule each step; below 1 "
                     "weights usually hurt on networks of this size.")
    if params.epochs < 20:
        found.append("So short a training says little: weights act first on rows that are not "
                     "learnt yet.")
    return [*found, "On the digits much of the gain is faster learning of rare classes: it "
            "shrinks when all methods train longer, and without rare classes weights alone do "
            "not help."]
