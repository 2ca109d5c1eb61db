"""Robust against normal against least squares: slopes planted in 48 scores, 3 gross outliers."""

import numpy as np
import pandas as pd
import statsmodels.api as sm

from workbench.core import generator
from workbench.datasets import opinion_scores
from workbench.inference import BayesianTrend

TRUTH, WORLDS = -0.27, 100


def fitted(seed):
    """Slope and its 90 % interval by each method."""
    scores = opinion_scores(slope=TRUTH, rng=generator(seed))
    months = ((scores["date"] - scores["date"].iloc[0]).dt.days / 30).to_numpy()
    X = sm.add_constant(months)
    for name, likelihood in (("Student-t, nu 4", "student"), ("normal", "normal")):
        slope = BayesianTrend(likelihood=likelihood, scale=(0, 10)).fit(
            scores["date"], scores["score"], rng=generator(seed)).slope()
        yield name, slope.value, slope.interval.low, slope.interval.high
    for name, made in (("statsmodels OLS", sm.OLS), ("statsmodels RLM", sm.RLM)):
        line = made(scores["score"].to_numpy(), X).fit()
        yield (name, line.params[1], *line.conf_int(0.1)[1])


def table():
    """One row per method: RMSE with its standard error, coverage of the 90 % interval."""
    rows = pd.DataFrame([(seed, *row) for seed in range(WORLDS) for row in fitted(seed)],
                        columns=["seed", "method", "slope", "low", "high"])
    rows["square"] = (rows["slope"] - TRUTH) ** 2
    rows["covered"] = (rows["low"] <= TRUTH) & (rows["high"] >= TRUTH)
    found = rows.groupby("method", sort=False).agg(
        square=("square", "mean"), spread=("square", "sem"), covered=("covered", "mean"))
    rmse = np.sqrt(found["square"])
    return pd.DataFrame({"rmse": rmse, "rmse_error": found["spread"] / (2 * rmse),
                         "coverage": found["covered"],
                         "coverage_error": np.sqrt(found["covered"] * (1 - found["covered"])
                                                   / WORLDS)})
