"""How surely is opinion rising or falling? Dated scores, a robust Bayesian trend, its rivals.

Reads a shipped table or the user's own file, fits a robust Bayesian trend, and sets it beside the
same trend with every score counting the same.
"""

import pandas as pd
import param

from workbench import plots
from workbench.core import Params as Declared
from workbench.core import Result, Summary, generator
from workbench.datasets import Scores, load_scores
from workbench.inference import BayesianTrend, TrendFit, compare, warnings_of

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
    scale = param.List([], bounds=(0, 2), doc=(
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


def run(params: Params) -> Result:
    """Read the scores, fit the trend and its rivals, and gather headline and tables."""
    scores = load_scores(params.data, date=params.date, score=params.score, source=params.source,
                         weight=params.weight, document=params.document,
                         question=params.question, scale=params.scale)
    chosen = _fit(scores, params, params.trend, params.likelihood)
    few = len(scores.table) <= COMPARED
    uniform = (_fit(scores, params, params.trend, "normal", equal=True) if few
               else _fit(scores, params, "line", "normal", equal=True))
    models = _models(scores, params, chosen) if few else pd.DataFrame()
    return Result(_headline(scores, params, (chosen, uniform), models),
                  _tables(scores, params, chosen, uniform) | {"models": models},
                  {"posterior": chosen.inference_data()})


def figures(result: Result) -> dict[str, plots.Figure]:
    """Trend with its bands, weight of each score, and posterior of the average slope."""
    tables, unit = result.tables, result.summary["average slope"].unit
    weights = tables["scores"]["weight"].to_numpy()
    slope = {name: tables["slope"][name].to_numpy() for name in tables["slope"]}
    return {
        "trend": plots.trend_bands(tables["trend"], tables["scores"], baseline=tables["uniform"]),
        "weights": plots.weight_profile(weights / len(weights)),
        "slope": plots.posterior(slope["posterior"], label="average slope", unit=unit,
                                 prior=slope["prior"], uniform=slope["uniform"]),
    }


def _fit(scores: Scores, params: Params, trend: str, likelihood: str, *,
         equal: bool = False) -> TrendFit:
    """Fit one trend; `equal` leaves out weights and measurement errors."""
    table = scores.table
    rival = (trend, likelihood) != (params.trend, params.likelihood)
    sampler = "auto" if rival and params.sampler == "exact" else params.sampler
    model = BayesianTrend(
        trend=trend, likelihood=likelihood, nu=params.nu, time_scale=params.time_scale,
        changepoints=params.changepoints, basis=params.basis, scale=scores.scale,
        horizon=params.horizon, sampler=sampler, draws=params.draws)
    return model.fit(table["date"], table["score"], rng=generator(params.seed),
                     source=table["source"], sample_weight=None if equal else table["weight"],
                     error=None if equal else table["error"])


def _models(scores: Scores, params: Params, chosen: TrendFit) -> pd.DataFrame:
    """Every trend and likelihood, ranked, with its average slope."""
    fits = {}
    for trend in ("line", "smooth"):
        for likelihood in ("student", "normal"):
            same = (trend, likelihood) == (params.trend, params.likelihood)
            fits[f"{trend}, {likelihood}"] = (chosen if same
                                              else _fit(scores, params, trend, likelihood))
    ranked = compare(fits, rng=generator(params.seed))
    slopes = [fits[name].slope(params.level) for name in ranked["model"]]
    return ranked.assign(slope=[number.value for number in slopes],
                         slope_low=[number.ends[0] for number in slopes],
                         slope_high=[number.ends[1] for number in slopes])


def _tables(scores: Scores, params: Params, fit: TrendFit,
            uniform: TrendFit) -> dict[str, pd.DataFrame]:
    shown = scores.table.drop(columns=["weight", "error"])
    if "text" in shown:
        shown["text"] = shown["text"].str.slice(0, 160)
    draws = min(len(fit.slope_draws), len(uniform.slope_draws))
    return {
        "trend": fit.bands(params.level, rng=generator(params.seed)),
        "uniform": uniform.trend(level=params.level),
        "scores": shown.assign(weight=len(shown) * fit.weights()),
        "slope": pd.DataFrame({
            "posterior": fit.slope_draws[:draws], "uniform": uniform.slope_draws[:draws],
            "prior": fit.prior_slope_draws(draws, generator(params.seed))}),
    }


def _headline(scores: Scores, params: Params, fits: tuple[TrendFit, TrendFit],
              models: pd.DataFrame) -> Summary:
    (fit, uniform), level = fits, params.level
    numbers = {
        "average slope": fit.slope(level),
        "average slope if every score counts the same": uniform.slope(level),
        "change from the first to the last score": fit.change(level),
        "probability that the average slope is negative": fit.probability_falling().percent(),
        "slope at the last score": fit.slope_now(level),
        "effective share of the scores": fit.effective_share(level).percent(),
        f"scores inside their {100 * level:g} % predictive band":
            fit.covered(level, rng=generator(params.seed)).percent(),
    }
    return Summary(numbers, (DISCLAIMER, *warnings_of(fit), *_ranking(models), *scores.notes))


def _ranking(models: pd.DataFrame) -> list[str]:
    if models.empty:
        return [f"Rival models are fitted up to {COMPARED:,} scores only."]
    best, *others = models.itertuples()
    behind = "; ".join(f"{row.model} is behind by {row.behind:.1f} ± {row.behind_stderr:.1f}"
                       for row in others)
    found = [f"Left-out scores are predicted best by: {best.model} ({behind} nats)."]
    doubtful = models.loc[models["unreliable"] > 0, "model"]
    if len(doubtful):
        found.append("That ranking rests on importance weights that are unreliable for some "
                     f"scores of: {', '.join(doubtful)}.")
    return found
