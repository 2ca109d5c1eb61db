"""What was found on the test part: headline numbers, tables of the figures, cautions."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from workbench.core import Estimate, generator
from workbench.core.weights import normalise
from workbench.inference.quantiles import cautions
from workbench.inference.quantiles.assessment import (
    at_level,
    mean_of,
    mean_width,
    ratio_of,
    relative_scores,
    tell_models,
    weights_along,
    widths_and_coverage,
)
from workbench.inference.quantiles.baselines import LinearAggregation, best_single, equal_average
from workbench.inference.quantiles.baselines import median as median_of_models
from workbench.inference.quantiles.experiment import Aggregated, Base
from workbench.inference.quantiles.parts import Groups
from workbench.inference.quantiles.promise import Calibrated
from workbench.inference.quantiles.reliability import (
    coverage,
    coverage_by_group,
    crossings,
    reliability,
)
from workbench.inference.quantiles.rows import checked_amounts
from workbench.inference.quantiles.scores import wis_losses

__all__ = ["MEDIAN", "Findings"]

BEFORE, AFTER = "uncalibrated", "calibrated"
LEVEL = 0.9              # of all intervals of reported numbers
MEDIAN = "predicted median"


@dataclass(frozen=True, eq=False)
class Findings:
    """Everything a report tells about the test part.

    Parameters
    ----------
    base, made, promise : Base, Aggregated, Calibrated
        The stages before.
    features : DataFrame, shape (n, p)
        Of the test rows; its index holds the rows of the file.
    groups : Groups
        Of the test rows.
    alpha : float
    along : str
        Numeric feature along which weights are drawn; empty takes the one that moves them most.
    seed : int
        Of the bootstrap.
    """

    base: Base
    made: Aggregated
    promise: Calibrated
    features: pd.DataFrame
    groups: Groups
    alpha: float
    along: str
    seed: int

    @property
    def y(self) -> np.ndarray:
        """Outcomes of the test rows."""
        return self.base.y["test"]

    @property
    def amounts(self) -> np.ndarray:
        """How much each test row counts."""
        return checked_amounts(self.base.amounts["test"], len(self.y))

    @property
    def along_name(self) -> str:
        """The feature along which weights are drawn."""
        return self._along[0]

    @property
    def stages(self) -> dict[str, np.ndarray]:
        """Quantiles before and, where there was one, after calibration."""
        told = {BEFORE: self.promise.before}
        return told | {AFTER: self.promise.after} if self.promise.changed else told

    @cached_property
    def best(self) -> int:
        """Position of the model with the best out-of-fold score, chosen without the test part."""
        return best_single(self.base.Z["train"], self.base.y["train"], self.base.levels,
                           sample_weight=self.base.amounts["train"])

    @cached_property
    def losses(self) -> dict[str, np.ndarray]:
        """WIS of each test row by method, uncalibrated, at the base levels."""
        Z, X, names = self.base.Z["test"], self.base.X["test"], self.base.names
        linear = LinearAggregation(self.base.levels).fit(
            self.base.X["train"], self.base.Z["train"], self.base.y["train"],
            sample_weight=self.base.amounts["train"])
        found = {"this aggregate": self.made.quantiles["test"],
                 "equal average": equal_average(Z), "median": median_of_models(Z),
                 "linear regression": linear.predict(X, Z)}
        found |= {name: Z[:, at] for at, name in enumerate(names)}
        return {name: wis_losses(self.y, quantiles, self.base.levels)
                for name, quantiles in found.items()}

    @property
    def covered(self) -> float:
        """Share of the test part inside the intervals of the last stage."""
        return coverage(self.y, *self._ends(list(self.stages)[-1]),
                        sample_weight=self.amounts).value

    def numbers(self) -> dict[str, Estimate]:
        """The headline, each number with its interval or the reason why it has none."""
        ours, equal = self.losses["this aggregate"], self.losses["equal average"]
        name = self.base.names[self.best]
        share = f"{100 * (1 - self.alpha):g} % intervals"
        told = {"WIS of the aggregate": mean_of(ours, **self._drawn()),
                "WIS of the equal average (uniform weights)": mean_of(equal, **self._drawn())}
        seen = {stage: coverage(self.y, *self._ends(stage), level=LEVEL,
                                sample_weight=self.amounts).percent()
                for stage in reversed(self.stages)}
        told |= {f"coverage of the {share}, {stage}": found for stage, found in seen.items()}
        told |= {"WIS over that of the equal average":
                     ratio_of(ours, equal, **self._drawn()),
                 f"WIS over that of the best single model, {name}":
                     ratio_of(ours, self.losses[name], **self._drawn())}
        return told | dict(self._width(share, stage) for stage in reversed(self.stages))

    def tables(self) -> dict[str, pd.DataFrame]:
        """Tables behind the figures; every figure can be drawn from them alone."""
        x = self._along[1]
        weights = self.made.weights
        k = len(self.base.names)
        mean = pd.DataFrame(k * np.average(weights, axis=0, weights=self.amounts),
                            index=self.base.names, columns=self.base.levels)
        heat = mean.rename_axis("model").reset_index().melt(
            id_vars="model", var_name="level", value_name="weight")
        return {
            "predictions": self._predictions(x if self.along else None),
            "weights": heat.astype({"level": float}),
            "along": weights_along(x, weights.mean(axis=2), self.base.names,
                                   sample_weight=self.amounts),
            "scores": self._scores(),
            "reliability": self._staged(reliability),
            "widths": self._staged(widths_and_coverage),
            "groups": pd.concat([self._by_group(stage) for stage in self.stages],
                                ignore_index=True),
        }

    def notes(self) -> list[str]:
        """What a reader must know before trusting the numbers."""
        loose, tight = crossings(self.made.loose), crossings(self.made.quantiles["test"])
        told = [f"Quantiles cross in {100 * loose.rows:.3g} % of the test rows before they are "
                f"put in order, and in {100 * tight.rows:.3g} % after.",
                "Scores compare uncalibrated quantiles, none of which has seen the calibration "
                f"rows; {self.base.names[self.best]!r} is the best single model by its "
                "out-of-fold score, chosen without the test part."]
        last = self._by_group(list(self.stages)[-1])
        return [*told, *cautions.of_levels(self.base.levels, self.alpha),
                *cautions.of_groups(last, 1 - self.alpha, LEVEL),
                *cautions.of_one_row(self.losses["this aggregate"], self.amounts,
                                     self.features.index),
                *cautions.of_outcomes(self.y, self.losses, self.amounts),
                *cautions.of_amounts(self.base.amounts),
                *self.promise.notes, *self.base.notes]

    def _drawn(self) -> dict[str, Any]:
        """How scores get their intervals: the same draws of rows for all."""
        return {"rng": generator(self.seed), "level": LEVEL, "sample_weight": self.amounts}

    def _ends(self, stage: str) -> tuple[np.ndarray, np.ndarray]:
        low, high = self.promise.ends(self.alpha)
        return self.stages[stage][:, low], self.stages[stage][:, high]

    def _width(self, share: str, stage: str) -> tuple[str, Estimate]:
        """Name and value of the mean width, of the intervals that have both ends."""
        low, high = self._ends(stage)
        finite = np.isfinite(high - low)
        wide, lost = (high - low)[finite], int((~finite).sum())
        if len(wide) < 2:
            return f"mean width of the {share}, {stage}", Estimate(
                float(np.mean(high - low)),
                why=f"{lost} of {len(low)} intervals have an infinite end")
        which = f"{len(wide)} finite {share}" if lost else share
        return f"mean width of the {which}, {stage}", mean_width(wide, self.amounts[finite], LEVEL)

    @cached_property
    def _along(self) -> tuple[str, np.ndarray]:
        """Feature along which the weights of rows move most, or the one that was asked for."""
        if self.along:
            return self.along, self.features[self.along].to_numpy()
        mean, names = self.made.weights.mean(axis=2), self.base.names
        middle = self.made.quantiles["test"][:, len(self.base.levels) // 2]
        spread = {}
        for name in self.features.select_dtypes("number"):
            x = self.features[name].to_numpy()
            if np.isfinite(x).any() and len(np.unique(x[np.isfinite(x)])) > 1:
                table = weights_along(x, mean, names, sample_weight=self.amounts)
                spread[name] = float(table.groupby("model")["weight"].var().sum())
        if not spread:
            return MEDIAN, middle
        chosen = max(spread, key=lambda name: spread[name])
        return str(chosen), self.features[chosen].to_numpy()

    def _predictions(self, x: np.ndarray | None) -> pd.DataFrame:
        last = list(self.stages)[-1]
        rows, levels = self.stages[last], self.promise.levels
        low, high = self._ends(last)
        half = (1 + self.alpha) / 4      # low end of the interval that promises half as much
        names, weights = self.base.names, self.made.weights
        at = [int(np.argmin(np.abs(self.base.levels - level)))
              for level in (self.alpha / 2, 1 - self.alpha / 2)]
        counts = {} if self.base.amounts["test"] is None else {
            "weight": len(self.y) * normalise(self.amounts)}
        return pd.DataFrame({
            "row": self.features.index, "x": np.nan if x is None else x, "y": self.y,
            "median": at_level(rows, levels, 0.5), "low": low, "high": high,
            "inner_low": at_level(rows, levels, half),
            "inner_high": at_level(rows, levels, 1 - half),
            "group": self.groups.labels,
            "low_end": tell_models(weights[:, :, at[0]], names),
            "high_end": tell_models(weights[:, :, at[1]], names), **counts})

    def _scores(self) -> pd.DataFrame:
        table = relative_scores(self.losses, "equal average", **self._drawn())
        kinds = dict.fromkeys(self.base.names, "one model") | {"this aggregate": "this aggregate"}
        kind = table["method"].map(kinds).fillna("other aggregate")
        return table.assign(kind=kind)[table["method"] != "equal average"]

    def _staged(self, make: Any) -> pd.DataFrame:
        return pd.concat([
            make(self.y, rows, self.promise.levels, sample_weight=self.amounts).assign(stage=stage)
            for stage, rows in self.stages.items()], ignore_index=True)

    def _by_group(self, stage: str) -> pd.DataFrame:
        low, high = self._ends(stage)
        table = coverage_by_group(self.y, low, high, self.groups.labels, level=LEVEL,
                                  sample_weight=self.amounts)
        width = (pd.Series(self.amounts * (high - low)).groupby(self.groups.labels).sum()
                 / pd.Series(self.amounts).groupby(self.groups.labels).sum())
        shown = [name for name in self.groups.order if name in set(table["group"])]
        ordered = table.set_index("group").loc[shown].rename_axis("group").reset_index()
        return ordered.assign(width=ordered["group"].map(width), stage=stage)
