"""A closer look at a trend: what it does in a window of time, and what is known of one score.

All of it is read off the posterior draws of the result, so that a saved run tells it as a new one
does and nothing is fitted again.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from workbench import plots
from workbench.core import Estimate, Interval, Result, Summary, generator
from workbench.core.details import Chosen
from workbench.core.result import credible, probability_below_zero
from workbench.inference.trend.design import to_days
from workbench.inference.trend.fit import Observed, TrendFit
from workbench.inference.trend.window import (
    prior_window_slopes,
    saved_fit,
    window_share,
    window_slopes,
)
from workbench.studies.views.trends import about, names_of

__all__ = ["details"]

LEAST = 5                # scores of a window that are listed, those that count least
OLDER = ("This run is older than the closer look at windows and scores. Run the study again to "
         "have it.")


def details(result: Result, chosen: Chosen) -> Mapping[str, Any]:
    """What the trend does in a window, and what is known of one score."""
    if not chosen.picks:
        return {}
    if not {"posterior", "uniform"} <= {*result.inference} or "about" not in result.tables:
        return {"missing": OLDER}
    found: dict[str, Any] = {}
    if chosen.get("window") is not None:
        found |= _window(result, *chosen.get("window"))
    if chosen.get("score") is not None:
        found |= _score(result, chosen.get("score"))
    return found


def _window(result: Result, start: pd.Timestamp, end: pd.Timestamp) -> dict[str, Any]:
    """Change and slope between two dates, and the scores between them."""
    words, scores = about(result), result.tables["scores"]
    fit, uniform = _fits(result)
    level, unit = float(words["level"]), result.summary["average slope"].unit
    draws, equal = (window_slopes(one, start, end) for one in (fit, uniform))
    length = float(np.diff(fit.design.time(np.array([start, end], dtype="datetime64[us]")))[0])
    last = end + pd.Timedelta(1, "D") - pd.Timedelta(1, "us") if end == end.normalize() else end
    inside = ((scores["date"] >= start) & (scores["date"] <= last)).to_numpy()
    share = (window_share(fit, inside, level).percent() if fit.observed.weight[inside].any()
             else Estimate(math.nan, unit="%", why="no score that counts lies in the window"))
    prior = None if words["sampler"] == "exact" else prior_window_slopes(
        fit, start, end, len(draws), generator(0))
    whole = start == start.normalize() and end == end.normalize()
    told = f"From {_day(start)} to {_day(end)}" + ", both days included" * whole
    numbers = {
        "change of the trend": credible(draws * length, level, "points"),
        "average slope": credible(draws, level, unit),
        "average slope if every score counts the same": credible(equal, level, unit),
        "probability that the trend falls": probability_below_zero(draws).percent(),
        "scores": Estimate(int(inside.sum()), why=f"counted, of {len(scores):,}"),
        "effective share of these scores": share}
    found: dict[str, Any] = {
        "window": f"{told}:", "numbers of the window": Summary(numbers),
        "slope": plots.posterior(draws, label="average slope in the window", unit=unit,
                                 prior=prior, uniform=equal, level=level)}
    least = scores[inside].nsmallest(LEAST, "weight")
    if len(least):
        found["Scores of the window that count least"] = _listed(fit, least)
    return found


def _listed(fit: TrendFit, rows: pd.DataFrame) -> pd.DataFrame:
    """Scores with their distance from the trend of their source."""
    trend = fit.trend(rows["date"].to_numpy(), source=_source(fit, rows.index))
    return pd.DataFrame({
        "date": rows["date"].map(_day), "score": rows["score"], "source": rows["source"],
        "above the trend [points]": rows["score"].to_numpy() - trend["mean"].to_numpy(),
        "weight [times uniform]": rows["weight"]})


def _score(result: Result, name: str) -> dict[str, Any]:
    """Distance of one score from the trend, its weight, and what it was read from."""
    scores, level = result.tables["scores"], float(about(result)["level"])
    found = scores.index[names_of(scores) == name]
    if not len(found):
        return {}
    at, row = int(found[0]), scores.loc[found[0]]
    fit, _ = _fits(result)
    where = {"dates": [row["date"]], "level": level, "source": _source(fit, [at])}
    trend = fit.trend(**where).iloc[0]
    new = fit.predict(**where, rng=generator(0)).iloc[0]
    precision = fit.precision()
    low, high = np.quantile(len(scores) * precision[:, at] / precision.sum(axis=1),
                            [(1 - level) / 2, (1 + level) / 2])
    why = "as it was read" if not fit.observed.error[at] else (
        f"mean of repeats, standard error {fit.observed.error[at]:.3g}")
    numbers = {
        "score": Estimate(float(row["score"]), unit="points", why=why),
        "trend on that day": Estimate(trend["mean"], Interval(trend["low"], trend["high"], level),
                                      "points"),
        "score above the trend": Estimate(
            row["score"] - trend["mean"],
            Interval(row["score"] - trend["high"], row["score"] - trend["low"], level), "points"),
        "weight": Estimate(float(row["weight"]), Interval(low, high, level), "times uniform")}
    place = "inside" if new["low"] <= row["score"] <= new["high"] else "outside"
    more = {key: row[key] for key in ("source", "document") if key in row and pd.notna(row[key])}
    told = ", ".join([_day(row["date"]), *(f"{key} {value!r}" for key, value in more.items())])
    parts: dict[str, Any] = {
        "score": f"The score of {told} lies {place} the {100 * level:g} % band of new scores, "
                 f"{new['low']:.4g} to {new['high']:.4g}:", "numbers of the score":
        Summary(numbers)}
    if isinstance(row.get("text"), str):
        parts["text"] = f"It was read from: {row['text']}"
    return parts


def _fits(result: Result) -> tuple[TrendFit, TrendFit]:
    """The fit of a result, and the one in which every score counts the same."""
    words, data = about(result), result.inference["posterior"]
    held = data.constant_data
    day = to_days(held["date"].to_numpy())
    rows = Observed(day, data.observed_data["score"].to_numpy(), held["sample_weight"].to_numpy(),
                    held["error"].to_numpy(), result.tables["scores"]["source"].to_numpy(str))
    how: dict[str, Any] = {name: float(words[name]) for name in ("time_scale", "horizon")}
    how["scale"] = float(words["low"]), float(words["high"])
    nu = None if words["nu"] == "None" else float(words["nu"])
    return (saved_fit(data.posterior, rows, nu=nu, **how),
            saved_fit(result.inference["uniform"].posterior, rows, nu=math.inf, **how))


def _source(fit: TrendFit, rows: Any) -> Any:
    """Sources of some scores, where the trend has an offset for each."""
    named = fit.observed.source
    return None if named is None or not fit.design.sources else named[np.asarray(rows)]


def _day(when: pd.Timestamp) -> str:
    return f"{when:%Y-%m-%d}" if when == when.normalize() else f"{when:%Y-%m-%d %H:%M}"
