"""Trainings as small tables: means over seeds with intervals, batches, shares, rows."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from workbench.reweighting.by_loss.arms import Arm
from workbench.reweighting.by_loss.regression import Course
from workbench.reweighting.seeds import means_over_seeds
from workbench.reweighting.trials import Trials

if TYPE_CHECKING:
    from workbench.reweighting.by_loss.tables import Table

__all__ = ["course_tables", "row_tables", "text_tables", "weight_curves"]

LEVEL, GRID, FLOOR = 0.9, 65, 1e-12
BINS = 12                # stretches of a training over which shares are averaged


def weight_curves(weighters: Mapping[str, Any]) -> pd.DataFrame:
    """Weight, times uniform, of a loss by its place among 65 evenly spaced ones, after training.

    Weighters that need more than losses are left out.
    """
    import torch

    losses = torch.linspace(0.0, 1.0, GRID, dtype=torch.float64)[None]
    parts = []
    for name, weighter in weighters.items():
        try:
            arm = Arm(name, weighter, total=1000, rows=GRID)
        except ValueError:
            continue
        weights = arm(losses, torch.arange(GRID)[None], 999)[0].numpy()
        parts.append(pd.DataFrame({"weighter": name, "place": np.linspace(-1, 1, GRID),
                                   "weight": GRID * weights}))
    return pd.concat(parts, ignore_index=True)


def course_tables(courses: Mapping[str, Course], chosen: str) -> dict[str, pd.DataFrame]:
    """Tables of the regression, by the name of the panel.

    Returns
    -------
    tables : mapping
        ``courses``: panel, weighter, step, value (mean over worlds of the logarithm to base 10 of
        the test loss), low, high; ``ends``: panel, weighter, seed, loss after the last step;
        ``sizes``: weighter, step, effective, heaviest, of the last panel; ``share``: effective
        share of the chosen weighter by seed, of the last panel; ``moments``: batches of it.
    """
    parts, ends = [], []
    for panel, course in courses.items():
        table = course.losses.assign(value=np.log10(course.losses["loss"].clip(lower=FLOOR)))
        means = means_over_seeds(table, ["weighter", "step"], level=LEVEL)
        parts.append(means.assign(panel=panel))
        last = table[table["step"] == table["step"].max()]
        ends.append(last.drop(columns="value").assign(panel=panel))
    course = list(courses.values())[-1]
    sizes = course.sizes.groupby(["weighter", "step"], sort=False)[
        ["effective", "heaviest", "outlier"]].mean().reset_index()
    own = course.sizes[course.sizes["weighter"] == chosen]
    kinds = {"common": "common row", "rare": "rare row", "outlier": "outlier"}
    return {"courses": pd.concat(parts, ignore_index=True),
            "ends": pd.concat(ends, ignore_index=True), "sizes": sizes,
            "share": own.groupby("seed")["effective"].mean().reset_index(),
            "moments": course.moments.assign(kind=course.moments["kind"].map(kinds))}


def text_tables(text: Trials, chosen: str) -> dict[str, pd.DataFrame]:
    """Scores, mean shares of domains up to each step, and gains by domain with intervals."""
    some = text.history[text.history["weighter"] == chosen]
    columns = [str(name) for name in some if str(name).startswith("share_")]
    last = int(some["step"].max())
    ends = np.ceil(some["step"] / last * min(BINS, some["step"].nunique()))
    binned = some.assign(step=ends / ends.max() * last)
    shares = binned.groupby("step")[columns].mean().reset_index().melt(
        "step", var_name="series", value_name="value").rename(columns={"step": "at"})
    shares = shares.assign(series=shares["series"].str.removeprefix("share_"),
                           value=100 * shares["value"])
    gains = [{"name": name, "value": gain.value, "low": gain.ends[0], "high": gain.ends[1]}
             for name in dict.fromkeys(text.scores["name"])
             for gain in [text.gain(chosen, str(name), level=LEVEL)]]
    return {"text_scores": text.scores, "text_shares": shares, "text_gains": pd.DataFrame(gains)}


def row_tables(trials: Trials, table: "Table") -> dict[str, pd.DataFrame]:
    """Scores, history by epoch, and each row of the file with its weights and last losses."""
    wanted = trials.history.dropna(subset=["loss"])
    history = wanted.groupby(["weighter", "epoch"], sort=False)["loss"].mean().reset_index()
    target = [table.classes[place] for place in table.y] if table.classes else table.y
    rows = pd.DataFrame({"row": table.features.index, "target": target})
    for kind, part in (("weight", trials.weights), ("loss", trials.last)):
        for name in part:
            rows[f"{kind}, {name}"] = part[name].to_numpy()
    return {"scores": trials.scores, "history": history, "rows": rows}
