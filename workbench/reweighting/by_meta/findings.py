"""Trainings on noisy labels as tables: scores, scales, detection, and labels to look at again."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from workbench.datasets.noisy_labels import NoisyLabels
from workbench.reweighting.by_meta.courses import auroc
from workbench.reweighting.by_meta.experiment import Trial, mean_of
from workbench.reweighting.seeds import means_over_seeds

__all__ = ["ARMS", "DETECTORS", "LEVEL", "RIGHT", "WRONG", "course_tables", "detection_tables",
           "suspects_of_file", "suspects_of_trial"]

LEVEL = 0.9
ARMS = ("STORM", "uniform")
RIGHT, WRONG = "right label", "wrong label"
AS_PREDICTED, OTHER = "label as predicted", "another label"
DETECTORS = ("1 - scale", "cleanlab")
THRESHOLDS = np.round(np.arange(0.05, 0.96, 0.05), 2)


def course_tables(trials: Sequence[Trial], *, known: bool) -> dict[str, pd.DataFrame]:
    """Scores and scales by epoch, means over trainings with Student's intervals.

    Returns
    -------
    tables : mapping
        ``courses``: series (of `ARMS`), at (epoch), value, low, high; ``ends``: arm, training,
        best, last; ``scales``: series, at, value, low, high, of rows with right and wrong labels,
        or with a label as the last network predicts and another, where the truth is not known.
    """
    parts, ends, scales = [], [], []
    for number, trial in enumerate(trials):
        for arm, course in zip(ARMS, (trial.ours, trial.plain), strict=True):
            parts.append(course.scores.assign(series=arm, training=number, at=course.scores[
                "epoch"], value=course.scores["test"]))
            ends.append({"arm": arm, "training": number, "best": course.best,
                         "last": course.last})
        for name, some in _kinds(trial, known=known).items():
            record = trial.ours.scales
            for epoch, each in enumerate(record if record is not None else ()):
                scales.append({"series": name, "training": number, "at": epoch + 1.0,
                               "value": float(mean_of(each[some][:, None])[0])
                               if some.any() else np.nan})
    return {"courses": _means(pd.concat(parts), 100.0), "ends": pd.DataFrame(ends),
            "scales": _means(pd.DataFrame(scales), 1.0)}


def detection_tables(trials: Sequence[Trial], *, known: bool) -> dict[str, pd.DataFrame]:
    """How well wrong labels are found.

    Returns
    -------
    tables : mapping
        ``detection``: series (of `DETECTORS`), training, at (epoch), value (area under the ROC
        curve); empty without truth. ``thresholds``: series, at (threshold of the scale), value
        [percent], low, high: precision and recall of rows below it where the truth is known; the
        share of such rows; and how many of them cleanlab would name, too.
    """
    found, cuts = [], []
    for number, trial in enumerate(trials):
        wrong, told, scale = trial.world.wrong, trial.world.told, trial.scale
        if known and trial.ours.scales is not None:
            for epoch, each in enumerate(trial.ours.scales):
                found.append({"series": DETECTORS[0], "training": number, "at": epoch + 1.0,
                              "value": auroc(1 - each[told], wrong[told])})
                if trial.quality is not None:
                    found.append({"series": DETECTORS[1], "training": number, "at": epoch + 1.0,
                                  "value": auroc(1 - trial.quality[told], wrong[told])})
        for cut in THRESHOLDS:
            cuts += [{"series": name, "training": number, "at": float(cut), "value": value}
                     for name, value in _cut(trial, scale, float(cut), known=known).items()]
    return {"detection": pd.DataFrame(found, columns=["series", "training", "at", "value"]),
            "thresholds": _means(pd.DataFrame(cuts), 100.0)}


def suspects_of_trial(trial: Trial, texts: Sequence[str] | None) -> pd.DataFrame:
    """Training rows of one trial, most suspected first, with the truth."""
    world, rows = trial.world, trial.world.train
    shown: dict[str, Any] = {"row": rows + 2}
    if texts is not None:
        shown["text"] = list(texts)
    predicted = trial.ours.probabilities[rows].argmax(1)
    return _ranked({**shown, "label": _words(world.classes, world.given[rows]),
                    "prediction": _words(world.classes, predicted),
                    "truth": _words(world.classes, world.truth[rows])},
                   trial.scale, trial.quality)


def suspects_of_file(trials: Sequence[Trial], rows: NoisyLabels) -> pd.DataFrame:
    """Rows of the user's file, most suspected first, as networks predict that did not see them."""
    n = len(rows.y)
    scale, quality = np.full((len(trials), n), np.nan), np.full((len(trials), n), np.nan)
    predicted, sure = np.zeros(n, int), np.zeros(n)
    for number, trial in enumerate(trials):
        scale[number, trial.world.train] = trial.scale
        if trial.quality is not None:
            quality[number, trial.world.train] = trial.quality
        held = trial.ours.probabilities[trial.world.test]
        predicted[trial.world.test], sure[trial.world.test] = held.argmax(1), held.max(1)
    shown: dict[str, Any] = {"row": rows.index}
    if rows.texts is not None:
        shown["text"] = rows.texts.to_numpy()
    else:
        shown |= {str(name): part.to_numpy() for name, part in (
            rows.features if rows.features is not None else pd.DataFrame()).items()}
    shown |= {"given label": _words(rows.classes, rows.y),
              "prediction": _words(rows.classes, predicted), "confidence": sure.round(4)}
    if rows.truth is not None:
        shown["true label"] = [rows.classes[at] if at >= 0 else "" for at in rows.truth]
    has = any(trial.quality is not None for trial in trials)
    return _ranked(shown, mean_of(scale), mean_of(quality) if has else None)


def _ranked(shown: Mapping[str, Any], scale: np.ndarray, quality: np.ndarray | None
            ) -> pd.DataFrame:
    table = pd.DataFrame({**shown, "scale": scale.round(4)})
    table["rank by scale"] = table["scale"].rank(method="first", na_option="bottom").astype(int)
    table["label quality, cleanlab"] = np.nan if quality is None else quality.round(4)
    table["rank by cleanlab"] = pd.Series(np.nan, table.index) if quality is None else pd.Series(
        quality).rank(method="first", na_option="bottom")
    return table.sort_values("rank by scale", ignore_index=True)


def _kinds(trial: Trial, *, known: bool) -> dict[str, np.ndarray]:
    rows = trial.world.train
    if known:
        told, wrong = trial.world.told, trial.world.wrong
        return {RIGHT: told & ~wrong, WRONG: told & wrong}
    same = trial.ours.probabilities[rows].argmax(1) == trial.world.given[rows]
    return {AS_PREDICTED: same, OTHER: ~same}


def _cut(trial: Trial, scale: np.ndarray, cut: float, *, known: bool) -> dict[str, float]:
    below, told = scale < cut, {}
    if known:
        named, wrong = below & trial.world.told, trial.world.wrong & trial.world.told
        both = float((named & wrong).sum())
        told = {"precision": 100 * both / named.sum() if named.any() else np.nan,
                "recall": 100 * both / wrong.sum() if wrong.any() else np.nan}
    told["share of rows"] = 100 * float(below.mean())
    if not known and trial.quality is not None:
        lowest = np.argsort(trial.quality, kind="stable")[:int(below.sum())]
        told["named by cleanlab, too"] = 100 * float(below[lowest].mean()) if below.any() \
            else np.nan
    return told


def _words(classes: Sequence[str], places: np.ndarray) -> list[str]:
    return [classes[place] for place in places]


def _means(table: pd.DataFrame, top: float) -> pd.DataFrame:
    """Mean of `value` over trainings that have one, with Student's interval; none for one.

    Values lie between 0 and `top`, and so do ends of intervals.
    """
    known = table.dropna(subset=["value"])
    found = means_over_seeds(known, ["series", "at"], level=LEVEL, within=(0.0, top))
    return found.assign(low=found["low"].fillna(found["value"]),
                        high=found["high"].fillna(found["value"]))
