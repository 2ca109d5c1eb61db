"""Can the numbers be trusted? Diagnostics as sentences, and models compared out of sample.

Split R-hat and effective sample size: Vehtari et al., Bayesian Analysis 16 (2021). Leave-one-out
predictive density by Pareto-smoothed importance sampling: Vehtari, Gelman and Gabry,
Statistics and Computing 27 (2017); both by ArviZ.
"""

import warnings
from collections.abc import Mapping

import numpy as np
import pandas as pd

from workbench.core import libraries
from workbench.inference.trend.fit import TrendFit

__all__ = ["compare", "ranking", "warnings_of"]

R_HAT, BAD_R_HAT, ESS, PARETO_K = 1.01, 1.05, 400.0, 0.7
MOST_UNRELIABLE = 0.1  # share of scores with a large Pareto k that still allows a ranking
MOST_ROWS = 2000      # scores that enter the comparison
MOST_DRAWS = 2000


def warnings_of(fit: TrendFit) -> tuple[str, ...]:
    """One sentence for each reason to doubt the fit; empty when there is none."""
    found = _sampler_warnings(fit) + _bend_warnings(fit) + _correlation_warnings(fit)
    return tuple(found)


def compare(fits: Mapping[str, TrendFit], *, rng: np.random.Generator) -> pd.DataFrame:
    """Rank fits of the same scores by leave-one-out predictive density.

    Returns
    -------
    DataFrame, one row per fit, the best first
        ``elpd`` and ``stderr`` [nats per score], ``behind`` and ``behind_stderr`` (difference
        to the best, summed over scores [nats]), ``weight`` (stacking weight, on the simplex),
        ``unreliable`` (share of scores whose Pareto k exceeds 0.7).
    """
    arviz = libraries.arviz()

    first = next(iter(fits.values()))
    rows = first.rows(MOST_ROWS, rng)
    with warnings.catch_warnings():
        # Large Pareto k is told in `unreliable`; the others concern pandas inside ArviZ.
        warnings.simplefilter("ignore")
        loos = {name: arviz.loo(_likelihood_data(fit, rows), pointwise=True)
                for name, fit in fits.items()}
        table = arviz.compare(loos, ic="loo", method="stacking", scale="log")
    whole = len(first.observed.score) / len(rows)     # a subset stands for all scores
    n = len(rows)
    return pd.DataFrame({
        "model": table.index,
        "elpd": table["elpd_loo"].to_numpy(float) / n,
        "stderr": table["se"].to_numpy(float) / n,
        "behind": whole * table["elpd_diff"].to_numpy(float),
        "behind_stderr": whole * table["dse"].to_numpy(float),
        "weight": table["weight"].to_numpy(float),
        "unreliable": [float(np.mean(loos[name].pareto_k.to_numpy() > PARETO_K))
                       for name in table.index],
    })


def ranking(models: pd.DataFrame) -> str:
    """Say in one sentence which fit of :func:`compare` predicts best, and how surely."""
    doubtful = models.loc[models["unreliable"] > 0, "model"]
    if models["unreliable"].max() > MOST_UNRELIABLE:
        return ("The models cannot be ranked: leaving out one score changes the fit too much for "
                f"{', '.join(models.loc[models['unreliable'] > MOST_UNRELIABLE, 'model'])}.")
    best, *others = models.itertuples()
    behind = "; ".join(f"{row.model} is behind by {row.behind:.1f} ± {row.behind_stderr:.1f}"
                       for row in others)
    doubt = f"; roughly, for {', '.join(doubtful)}" if len(doubtful) else ""
    return f"Left-out scores are predicted best by: {best.model} ({behind} nats{doubt})."


def _likelihood_data(fit: TrendFit, rows: np.ndarray) -> object:
    arviz = libraries.arviz()

    likelihood = fit.log_likelihood(rows, MOST_DRAWS) * fit.observed.weight[rows]
    chains, draws, _ = likelihood.shape
    thinned = fit.slope_draws[fit.thinned(MOST_DRAWS)].reshape(chains, draws)
    return arviz.from_dict(posterior={"average_slope": thinned},
                           log_likelihood={"score": likelihood})


def _sampler_warnings(fit: TrendFit) -> list[str]:
    if fit.sampler == "exact":
        return []
    if fit.sampler == "laplace":
        if fit.pareto_k <= PARETO_K:
            return []
        return [f"The Laplace approximation does not fit this posterior (Pareto k "
                f"{fit.pareto_k:.2f}, should be below {PARETO_K}): do not trust these numbers; "
                "use sampler='nuts', a straight line, or fewer scores."]
    return _chain_warnings(fit)


def _chain_warnings(fit: TrendFit) -> list[str]:
    arviz = libraries.arviz()

    chains, draws, _ = fit.coefficients.shape
    parts = [fit.coefficients, fit.slope_draws.reshape(chains, draws, 1)]
    parts += [values[..., None] for values in fit.hyper.values() if np.ptp(values) > 0]
    data = arviz.convert_to_dataset({"x": np.concatenate(parts, axis=2)})
    r_hat = float(arviz.rhat(data)["x"].max())
    ess = float(min(arviz.ess(data, method=method)["x"].min() for method in ("bulk", "tail")))
    diverging = int(fit.stats["diverging"].sum())
    found = []
    if not r_hat < BAD_R_HAT:
        found.append(f"The chains disagree (R-hat {r_hat:.2f}, should be below {R_HAT}): do not "
                     "trust the intervals; use a simpler trend, or raise draws.")
    elif r_hat > R_HAT:
        found.append(f"The chains have not quite mixed (R-hat {r_hat:.3f}, should be below "
                     f"{R_HAT}): the ends of the intervals are a little off; raise draws.")
    if not ess > ESS:
        found.append(f"The draws are worth only {ess:.0f} independent ones in the worst "
                     f"direction (should exceed {ESS:.0f}): raise draws.")
    if diverging > 0.001 * chains * draws:
        found.append(f"{diverging} of {chains * draws} transitions diverged: part of the "
                     "posterior may be missing; use a simpler trend, or raise draws.")
    return found


def _bend_warnings(fit: TrendFit) -> list[str]:
    if "length" not in fit.hyper:
        return []
    share = float(np.mean(fit.hyper["length"] < fit.design.shortest_length))
    if share < 0.5:
        return []
    needed = int(np.ceil(fit.design.basis * fit.design.shortest_length
                         / np.median(fit.hyper["length"])))
    return [f"The scores bend faster than {fit.design.basis} sine functions can follow: the band "
            f"is smoother than it should be; set basis to {needed} or more."]


def _correlation_warnings(fit: TrendFit) -> list[str]:
    """Correlation of neighbouring residuals; scores of one moment are averaged first."""
    seen = fit.observed
    if len(seen.score) > MOST_ROWS:
        return []
    residual = seen.score - fit.design.matrix(seen.dates, seen.source) @ fit.flat.mean(axis=0)
    daily = pd.Series(residual).groupby(seen.day).mean().to_numpy()
    if len(daily) < 10:
        return []
    lag = float(np.corrcoef(daily[:-1], daily[1:])[0, 1])
    if not lag > 3 / np.sqrt(len(daily)):
        return []
    remedy = ("try trend='smooth'" if not fit.design.basis else "raise basis")
    return [f"Neighbouring scores miss the trend together (correlation {lag:.2f}): the "
            f"intervals are too narrow; {remedy}."]
