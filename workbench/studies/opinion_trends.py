"""How surely is opinion rising or falling? Dated scores, a robust Bayesian trend, its rivals.

Reads a shipped table or the user's own file, fits a robust Bayesian trend, and sets it beside the
same trend with every score counting the same.
"""

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import param

from workbench import plots
from workbench.core import Estimate, Interval, Result, Summary, check, generator
from workbench.core import Params as Declared
from workbench.datasets import TABLES, Scores, load_scores
from workbench.inference import BayesianTrend, TrendFit, compare, ranking, warnings_of

__all__ = ["SMOKE", "TITLE", "Params", "figures", "run"]

TITLE = "Opinion trends"
SMOKE = {"trend": "line", "draws": 100}
DISCLAIMER = "A demonstration of method on dated scores, not political analysis."
COMPARED = 20_000     # rows up to which rival models are fitted too


class Params(Declared):
    """Where the scores are, the trend to fit, and how to sample it."""

    paths = frozenset({"data"})

    data = param.String("us-presidents-approval", doc=(
        "Shipped table (us-presidents-approval, fomc-statements) or the path of a CSV or Parquet "
        "file."))
    date = param.String("date", doc="Column that holds the dates.")
    score = param.String("score", doc="Column that holds the scores.")
    source = param.String("", doc="Column of sources, each with its own level; empty for none.")
    weight = param.String("", doc="Column of sample weights >= 0; empty counts all the same.")
    document = param.String("", doc=(
        "Column that identifies a document, so that repeated scores of one are merged."))
    question = param.String("", doc="Keep only the rows whose column 'question' says this.")
    scale = param.List([], bounds=(0, 2), item_type=(int, float), doc=(
        "Lowest and highest possible score; empty takes the table's own, or the data's range."))
    trend = param.Selector(default="smooth", objects=["line", "smooth"], doc=(
        "A straight line, or a line that may bend."))
    likelihood = param.Selector(default="student", objects=["student", "normal"], doc=(
        "Student-t lets outliers count less; normal counts every score the same."))
    nu = param.Number(4.0, bounds=(2, None), inclusive_bounds=(False, True), allow_None=True,
                      doc="Degrees of freedom of the Student-t; none learns them.")
    time_scale = param.Number(30.0, bounds=(1, 3660), doc="Days per time unit of the slope.")
    changepoints = param.Integer(0, bounds=(0, 20), doc="Equally spaced kinks of the trend.")
    basis = param.Integer(30, bounds=(5, 200), doc="Sine functions of the smooth trend.")
    horizon = param.Number(90.0, bounds=(0, 36600), doc="Days to predict after the last score.")
    level = param.Number(0.9, bounds=(0.5, 0.99), doc="Probability content of all intervals.")
    sampler = param.Selector(default="auto", objects=["auto", "nuts", "laplace", "exact"], doc=(
        "auto is NUTS up to 20,000 scores and Laplace above; exact is the closed form of the "
        "normal line."))
    draws = param.Integer(1000, bounds=(50, 20000), doc="Draws of each of the four chains.")
    seed = param.Integer(0, bounds=(0, None), doc="Seed of the sampler.")

    @classmethod
    def conflicts(cls, values: Mapping[str, Any]) -> list[str]:
        """Refuse what no run could use: a missing file, half a scale, an exact bent trend."""
        found = []
        data, scale = values["data"], values["scale"]
        if data not in TABLES and not Path(data).expanduser().is_file():
            found.append(f"data must be {' or '.join(map(repr, TABLES))} or a file, got {data!r}, "
                         f"which is neither.{check.suggestion(data, TABLES)} Check the path.")
        if scale and not (len(scale) == 2 and scale[0] < scale[1]):
            found.append(f"scale must be empty or two numbers in order, got {scale!r}. "
                         "Pass 0,10 for scores from 0 to 10.")
        closed = (values["trend"], values["likelihood"], values["changepoints"])
        if values["sampler"] == "exact" and closed != ("line", "normal", 0):
            found.append("sampler='exact' must come with trend='line', likelihood='normal' and "
                         f"changepoints=0, got {closed}. Use sampler='auto' for the others.")
        return found


def run(params: Params) -> Result:
    """Read the scores, fit the trend and its rivals, and gather headline and tables."""
    scores = load_scores(params.data, date=params.date, score=params.score, source=params.source,
                         weight=params.weight, document=params.document,
                         question=params.question, scale=params.scale)
    chosen = _fit(scores, params, params.trend, params.likelihood)
    few = len(scores.table) <= COMPARED
    uniform = _fit(scores, params, params.trend if few else "line", "normal", equal=True)
    known = {f"{params.trend}, {params.likelihood}": chosen}
    if (scores.table["weight"] == 1).all() and not scores.table["error"].any():
        known.setdefault(f"{params.trend}, normal", uniform)
    models = _models(scores, params, known) if few and params.sampler != "exact" else None
    return Result(_headline(scores, params, (chosen, uniform), models),
                  _tables(scores, params, chosen, uniform)
                  | ({} if models is None else {"models": models}),
                  {"posterior": chosen.inference_data()})


def figures(result: Result) -> dict[str, plots.Figure]:
    """Trend with its bands, weight of each score, and posterior of the average slope."""
    tables, headline = result.tables, result.summary["average slope"]
    level = headline.interval.level if headline.interval else 0.9
    weights = tables["scores"]["weight"].to_numpy()
    slope = {name: tables["slope"][name].to_numpy() for name in tables["slope"]}
    return {
        "trend": plots.trend_bands(tables["trend"], tables["scores"], baseline=tables["uniform"]),
        "weights": plots.weight_profile(weights / len(weights)),
        "slope": plots.posterior(slope["posterior"], label="average slope",
                                 unit=headline.unit, prior=slope.get("prior"),
                                 uniform=slope["uniform"], level=level),
    }


def _fit(scores: Scores, params: Params, trend: str, likelihood: str, *,
         equal: bool = False) -> TrendFit:
    """Fit one trend; `equal` leaves out weights and measurement errors."""
    table = scores.table
    model = BayesianTrend(
        trend=trend, likelihood=likelihood, nu=params.nu, time_scale=params.time_scale,
        changepoints=params.changepoints, basis=params.basis, scale=scores.scale,
        horizon=_horizon(scores, params), sampler=params.sampler, draws=params.draws)
    return model.fit(table["date"], table["score"], rng=generator(params.seed),
                     source=table["source"], sample_weight=None if equal else table["weight"],
                     error=None if equal else table["error"])


def _models(scores: Scores, params: Params, known: dict[str, TrendFit]) -> pd.DataFrame:
    """Every trend and likelihood that can be fitted, ranked, with its average slope."""
    fits = {}
    for trend in ("line", "smooth"):
        for likelihood in ("student", "normal"):
            name = f"{trend}, {likelihood}"
            with contextlib.suppress(RuntimeError):      # a rival that cannot start is left out
                fits[name] = known.get(name) or _fit(scores, params, trend, likelihood)
    ranked = compare(fits, rng=generator(params.seed))
    slopes = [fits[name].slope(params.level) for name in ranked["model"]]
    return ranked.assign(slope=[number.value for number in slopes],
                         slope_low=[number.ends[0] for number in slopes],
                         slope_high=[number.ends[1] for number in slopes])


def _horizon(scores: Scores, params: Params) -> float:
    """Days to predict, at most as many as were observed: sines stretched further are too stiff."""
    days = scores.table["date"]
    return min(params.horizon, (days.max() - days.min()) / pd.Timedelta(days=1))


def _tables(scores: Scores, params: Params, fit: TrendFit,
            uniform: TrendFit) -> dict[str, pd.DataFrame]:
    shown = scores.table.drop(columns=["weight", "error"])
    if "text" in shown:
        shown["text"] = shown["text"].str.slice(0, 160)
    draws = min(len(fit.slope_draws), len(uniform.slope_draws))
    slope = {"posterior": fit.slope_draws[:draws], "uniform": uniform.slope_draws[:draws]}
    if fit.sampler != "exact":      # whose prior of the slope has no variance to draw
        slope["prior"] = fit.prior_slope_draws(draws, generator(params.seed))
    return {
        "trend": fit.bands(params.level, rng=generator(params.seed)),
        "uniform": uniform.trend(level=params.level),
        "scores": shown.assign(weight=len(shown) * fit.weights()),
        "slope": pd.DataFrame(slope),
    }


def _headline(scores: Scores, params: Params, fits: tuple[TrendFit, TrendFit],
              models: pd.DataFrame | None) -> Summary:
    (fit, uniform), level = fits, params.level
    numbers = {
        "average slope": fit.slope(level),
        "average slope if every score counts the same": uniform.slope(level),
        "change from the first to the last score": fit.change(level),
        "probability that the average slope is negative": fit.probability_falling().percent(),
        "slope at the last score": fit.slope_now(level),
        "effective share of the scores": fit.effective_share(level).percent(),
        f"fitted scores inside their {100 * level:g} % predictive band":
            fit.covered(level, rng=generator(params.seed)).percent(),
    }
    notes = [DISCLAIMER, *warnings_of(fit)]
    if models is None:
        notes.append(f"Rival models are fitted to at most {COMPARED:,} scores, by sampling; "
                     "above, the trend with uniform weights is a straight line.")
    else:
        notes.append(ranking(models))
        line = models[models["model"] == f"line, {params.likelihood}"]
        if params.trend != "line" and len(line):
            value, low, high = map(float, line[["slope", "slope_low", "slope_high"]].iloc[0])
            numbers["slope of a straight line"] = Estimate(value, Interval(low, high, level),
                                                           fit.slope().unit)
    if _horizon(scores, params) < params.horizon:
        notes.append(f"The forecast ends after {_horizon(scores, params):.0f} days, the length "
                     "of the observed window.")
    return Summary(numbers, (*notes, *scores.notes))
