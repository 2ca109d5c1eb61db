"""What rescaled losses bought and which labels they suspect, in numbers and in sentences."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from workbench.core import Estimate, Result, Summary, effective_size
from workbench.datasets import NoisyLabels
from workbench.reweighting.seeds import mean_over_seeds

__all__ = ["headline"]

LEVEL = 0.9
SUSPECTED = 0.5          # scale below which a label counts as suspected
ENOUGH = 200             # steps of a rescaler after which its scales begin to mean something
ONE_KIND = "in some training no row is of the kind that counts"
SHOWN, LONGEST = 3, 60   # rows and letters of them in a note


def headline(params: Any, trials: Sequence[Any], rows: NoisyLabels | None,
             texts: Sequence[str] | None) -> Result:
    """Numbers, notes and tables of some trials."""
    from workbench.reweighting.by_meta.findings import (
        course_tables,
        detection_tables,
        suspects_of_file,
        suspects_of_trial,
    )

    known = rows is None or rows.truth is not None
    tables = course_tables(trials, known=known) | detection_tables(trials, known=known)
    tables["suspects"] = suspects_of_trial(trials[0], texts) if rows is None else (
        suspects_of_file(trials, rows))
    score = _judged(trials[0], rows)
    tables["about"] = pd.DataFrame({"key": ["score", "known", "data"], "value": [
        score, str(known), params.data if rows is None else rows.name]})
    numbers = _gains(tables["ends"], score) | _found(trials, tables["detection"],
                                                           known=known)
    notes = [_verdict(numbers, params, rows), *_hurried(params, trials[0]),
             *_unseen(tables["suspects"]), *_best(tables["ends"], trials),
             *_second(trials, tables["detection"], known=known), *_price(trials),
             _named(tables["suspects"])]
    if any(trial.ours.status == "diverged" for trial in trials):
        notes.insert(0, "A training diverged: lower the learning rate.")
    return Result(Summary(numbers, (*filter(None, notes), *(rows.notes if rows else ()))),
                  tables)


def _percent(values: Any, why: str = "a training diverged") -> Estimate:
    """Mean of percentages over trainings, with Student's interval as far as it is possible."""
    found = mean_over_seeds(values, level=LEVEL, unit="%", within=(0.0, 100.0))
    return replace(found, why=why) if found.interval is None else found


def _judged(trial: Any, rows: NoisyLabels | None) -> str:
    """Name of the score."""
    rare = trial.world.rare
    what = "accuracy" if rare is None else f"F1 of {trial.world.classes[rare]!r}"
    against = "" if rows is None or rows.truth is not None else " against the given labels"
    return f"test {what}{against}"


def _gains(ends: pd.DataFrame, score: str) -> dict[str, Estimate]:
    wide = ends.pivot_table(index="training", columns="arm", values="last", dropna=False)
    gaps = (wide["STORM"] - wide["uniform"]).to_numpy()
    return {f"{score}, STORM minus uniform": mean_over_seeds(gaps, level=LEVEL,
                                                             unit="percentage points"),
            **{f"{score}, {arm}": _percent(wide[arm])
               for arm in ("STORM", "uniform")}}


def _found(trials: Sequence[Any], detection: pd.DataFrame, *, known: bool) -> dict[str, Estimate]:
    if known and detection["value"].notna().any():
        last = detection[(detection["series"] == "1 - scale")
                         & (detection["at"] == detection["at"].max())]
        return {"chance that a wrong label has a lower scale than a right one": _percent(
            100 * last["value"], ONE_KIND)}
    return {"rows whose scale is below 0.5": _percent([
        100 * float((trial.scale < SUSPECTED).mean()) for trial in trials])}


def _verdict(numbers: dict[str, Estimate], params: Any, rows: NoisyLabels | None) -> str:
    gain = next(iter(numbers.values()))
    low, high = gain.ends
    said = ("unknown, since a training diverged" if gain.interval is None else "higher"
            if low > 0 else "lower" if high < 0 else "not clearly different")
    if rows is None:
        over = f"{params.trainings} trainings, each with its own flips"
    else:
        over = (f"{params.trainings} trainings, each tested on other rows. They share rows, so "
                "that intervals are too narrow for rows that are yet to come")
    return f"After the last epoch the score with rescaled losses is {said}, over {over}."


def _hurried(params: Any, trial: Any) -> list[str]:
    """A caution where the rescaler has hardly begun to learn."""
    n = len(trial.world.train)
    steps = params.epochs * (n // min(params.batch_size, n))
    if steps >= ENOUGH:
        return []
    return [f"Steps that the rescaler learnt for: {steps}. Below about {ENOUGH} its scales may "
            "rank rows by chance. Raise epochs, or lower the batch size."]


def _unseen(suspects: pd.DataFrame) -> list[str]:
    """A caution where rows come last for want of a scale."""
    many = int(suspects["scale"].isna().sum())
    return [f"Rows without a scale, ranked last: {many} of {len(suspects)}. Batches are whole, "
            "and the last three epochs left these rows out. Raise epochs, or lower the batch "
            "size."] * bool(many)


def _best(ends: pd.DataFrame, trials: Sequence[Any]) -> list[str]:
    if not len(trials[0].world.valid):
        return []
    told = [f"{arm} {_percent(some['best'])}" for arm, some in ends.groupby("arm", sort=False)]
    return [f"At the epoch that clean validation rows prefer: {'; '.join(told)}."]


def _second(trials: Sequence[Any], detection: pd.DataFrame, *, known: bool) -> list[str]:
    if trials[0].quality is None:
        return ["Cleanlab is not installed, so that there is no second opinion. Run: pip install "
                "'workbench[labels]'."]
    notes = []
    if known and detection["value"].notna().any():
        own = detection[(detection["series"] == "cleanlab")
                        & (detection["at"] == detection["at"].max())]["value"]
        other = _percent(100 * own, ONE_KIND)
        notes.append(f"Cleanlab ranks a wrong label below a right one with a chance of {other}.")
        cuts = [_precision_recall(trial) for trial in trials]
        told = [_percent(part, ONE_KIND) for part in zip(*cuts, strict=True)]
        notes.append(f"Of rows with a scale below 0.5 the label is wrong in {told[0]}; they are "
                     f"{told[1]} of the wrong ones.")
    return notes


def _precision_recall(trial: Any) -> tuple[float, float]:
    told, wrong = trial.world.told, trial.world.wrong
    below = (trial.scale < SUSPECTED) & told
    both = float((below & wrong).sum())
    return (100 * both / below.sum() if below.any() else np.nan,
            100 * both / (wrong & told).sum() if (wrong & told).any() else np.nan)


def _price(trials: Sequence[Any]) -> list[str]:
    shares = []
    for trial in trials:
        scale = trial.scale[np.isfinite(trial.scale)]
        if len(scale):
            shares.append(100 * effective_size(scale / scale.sum()) / len(scale))
    if len(shares) < len(trials):
        return []
    return [f"By their scales, the training rows count like {_percent(shares)} of them with equal "
            "weights."]


def _named(suspects: pd.DataFrame) -> str:
    """The most suspected rows in words; all are in the file to take away."""
    label = "given label" if "given label" in suspects else "label"
    told = []
    for _, row in suspects.head(SHOWN).iterrows():
        held = row["text"] if "text" in suspects else ""
        text = "" if pd.isna(held) else re.sub(r"\s+", " ", str(held)).strip()
        shown = f" {text[:LONGEST] + '...' * (len(text) > LONGEST)!r}" if text else ""
        told.append(f"row {row['row']}{shown}, labelled {row[label]!r}, predicted "
                    f"{row['prediction']!r}, scale {row['scale']:.2g}")
    return (f"Most suspected: {'; '.join(told)}. All rows are in suspected_labels.csv, ranked by "
            "scale and by cleanlab.")
