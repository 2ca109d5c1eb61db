"""How surely is opinion rising or falling? Dated scores, a robust Bayesian trend, its rivals.

Reads a shipped table or the user's own file, fits a robust Bayesian trend, and sets it beside the
same trend with every score counting the same.
"""

import contextlib
import math
from collections.abc import Mapping
from typing import Any, ClassVar

import pandas as pd
import param

from workbench.core import Column, Estimate, Interval, Result, Summary, generator, libraries
from workbench.core import Params as Declared
from workbench.core.recent import Recent
from workbench.datasets import TABLES, Scores, load_scores, unknown_data
from workbench.inference import BayesianTrend, TrendFit, compare, ranking, warnings_of
from workbench.inference.trend.window import source_offsets
from workbench.studies.views.trend_details import details
from workbench.studies.views.trends import OCCASIONAL, PRESETS, SELECT, VIEW, figures

__all__ = ["OCCASIONAL", "PRESETS", "SELECT", "SMOKE", "TITLE", "VIEW", "Params", "details",
           "figures", "is_quick", "read_notes", "run"]

TITLE = "Opinion trends"
SMOKE = {"trend": "line", "draws": 100}
DISCLAIMER = "A demonstration of method on dated scores, not political analysis."
COMPARED = 20_000     # rows up to which rival models are fitted too
QUICK = 500_000       # scores times draws up to which fitted models are compared in a second
MODELS = [(trend, noise) for trend in ("line", "smooth") for noise in ("student", "normal")]
TEXTS = 4_000_000     # letters of all texts that are kept with a result
RANKS: Recent[pd.DataFrame] = Recent(4)
FITS: Recent[TrendFit] = Recent(12)      # so that a page answers at once when only these change:
NOT_FITTED = {"data", "trend", "likelihood", "level"}


class Params(Declared):
    """Where the scores are, the trend to fit, and how to sample it."""

    paths = frozenset({"data"})
    files: ClassVar = {"data": "table"}
    columns: ClassVar = {
        "date": Column("date", required=True, names=(
            "date", "day", "datetime", "timestamp", "time", "published", "month", "quarter",
            "year")),
        "score": Column("number", required=True, names=(
            "score", "opinion", "sentiment", "approval", "rating", "value", "index", "percent")),
        "source": Column("group", names=(
            "source", "pollster", "outlet", "publisher", "agency", "author", "house")),
        "weight": Column("weight", names=("weight", "sample_weight", "weights", "wt")),
        "document": Column("name", names=("document", "doc_id", "document_id", "article_id",
                                          "url")),
        "question": Column("value", of="question"),
    }

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
        data, scale = values["data"], values["scale"]
        found = unknown_data(data, TABLES)
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
    scores = _scores(params)
    chosen = _fit(scores, params, params.trend, params.likelihood)
    few = len(scores.table) <= COMPARED
    uniform = _fit(scores, params, params.trend if few else "line", "normal", equal=True)
    fits = _rivals(scores, params) if few and params.sampler != "exact" else {}
    models = _models(scores, params, fits) if fits else None
    equal = libraries.arviz().InferenceData(posterior=uniform.inference_data().posterior)
    rivals = {} if models is None else {"models": models, "rivals": pd.concat(
        [fit.trend(level=params.level).assign(model=name) for name, fit in fits.items()])}
    return Result(_headline(scores, params, (chosen, uniform), models),
                  _tables(scores, params, chosen, uniform) | rivals,
                  {"posterior": chosen.inference_data(), "uniform": equal})


def is_quick(params: Params) -> bool:
    """Whether a page may compute this as soon as a widget changes: every model is fitted."""
    with contextlib.suppress(ValueError, OSError):
        scores = _scores(params)
        rivals = MODELS if params.sampler != "exact" else []
        fits = [(params.trend, params.likelihood, False), (params.trend, "normal", True),
                *((*model, False) for model in rivals)]
        return 4 * params.draws * len(scores.table) <= QUICK and all(
            _key(scores, params, *fit, equal=equal) in FITS for *fit, equal in fits)
    return False


def read_notes(params: Params) -> tuple[str, ...]:
    """What reading the data interprets and leaves out; refuses what a run could not read."""
    return _scores(params).notes


def _scores(params: Params) -> Scores:
    return load_scores(params.data, date=params.date, score=params.score, source=params.source,
                       weight=params.weight, document=params.document,
                       question=params.question, scale=params.scale)


def _key(scores: Scores, params: Params, trend: str, likelihood: str, *, equal: bool) -> Any:
    """What decides a fit; without weights and errors all scores are equal anyway."""
    plain = (scores.table["weight"] == 1).all() and not scores.table["error"].any()
    return (scores.sha256, trend, likelihood, equal and not plain, *(
        (name, str(value)) for name, value in params.values().items() if name not in NOT_FITTED))


def _fit(scores: Scores, params: Params, trend: str, likelihood: str, *,
         equal: bool = False) -> TrendFit:
    """Fit one trend, or take it as it was fitted; `equal` leaves out weights and errors."""
    return FITS.get(_key(scores, params, trend, likelihood, equal=equal),
                    lambda: _fitted(scores, params, (trend, likelihood), equal=equal))


def _fitted(scores: Scores, params: Params, model: tuple[str, str], *, equal: bool) -> TrendFit:
    table, (trend, likelihood) = scores.table, model
    made = BayesianTrend(
        trend=trend, likelihood=likelihood, nu=params.nu, time_scale=params.time_scale,
        changepoints=params.changepoints, basis=params.basis, scale=scores.scale,
        horizon=_horizon(scores, params), sampler=params.sampler, draws=params.draws)
    return made.fit(table["date"], table["score"], rng=generator(params.seed),
                    source=table["source"], sample_weight=None if equal else table["weight"],
                    error=None if equal else table["error"])


def _rivals(scores: Scores, params: Params) -> dict[str, TrendFit]:
    """Every trend and likelihood that can be fitted."""
    fits = {}
    for trend, likelihood in MODELS:
        with contextlib.suppress(RuntimeError):      # a rival that cannot start is left out
            fits[f"{trend}, {likelihood}"] = _fit(scores, params, trend, likelihood)
    return fits


def _models(scores: Scores, params: Params, fits: Mapping[str, TrendFit]) -> pd.DataFrame:
    """The models, ranked, with their average slopes."""
    ranked = RANKS.get(_key(scores, params, "", "", equal=False),
                       lambda: compare(fits, rng=generator(params.seed)))
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
        shown["text"] = shown["text"].str.slice(0, min(2000, max(160, TEXTS // len(shown))))
    draws = min(len(one.slope_draws) for one in (fit, uniform))
    slope = {"posterior": fit.slope_draws[:draws], "uniform": uniform.slope_draws[:draws]}
    if fit.sampler != "exact":      # whose prior of the slope has no variance to draw
        slope["prior"] = fit.prior_slope_draws(draws, generator(params.seed))
    return {
        "trend": fit.bands(params.level, rng=generator(params.seed)),
        "uniform": uniform.trend(level=params.level),
        "scores": shown.assign(weight=len(shown) * fit.weights()),
        "slope": pd.DataFrame(slope),
        "sources": source_offsets(fit, params.level),
        "about": _about(scores, params, fit),
    }


def _about(scores: Scores, params: Params, fit: TrendFit) -> pd.DataFrame:
    """What a closer look at the saved posterior needs besides."""
    told = {"model": f"{params.trend}, {params.likelihood}", "level": params.level,
            "time_scale": params.time_scale, "horizon": _horizon(scores, params),
            "nu": params.nu if fit.student else math.inf, "low": scores.scale[0],
            "high": scores.scale[1], "sampler": fit.sampler}
    return pd.DataFrame({"key": list(told), "value": list(map(str, told.values()))})


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
