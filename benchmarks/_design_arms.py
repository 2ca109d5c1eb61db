"""Arms of the benchmark: worlds, the shipped survey, seconds per fit, and the peer library."""

import statistics
import time
import warnings

import numpy as np
import pandas as pd

from workbench.core import generator
from workbench.datasets import load_labelled, surrogate_labels
from workbench.inference import DSLRegression, ppi
from workbench.inference.design.trials import trials

SURVEY = "SendOrNot ~ countyWrong + prefecWrong + connect2b + prevalence + regionj + groupIssue"
REPEATS = 15


def worlds(replications, accuracies, seed):
    """Scores of every method; DSL with two ways to predict labels."""
    table = trials(accuracies, replications, rng=generator(seed))
    plain = trials(accuracies, replications, rng=generator(seed), g="surrogate", methods=["DSL"])
    return pd.concat([table.replace({"method": {"DSL": "DSL, g least squares"}}),
                      plain.assign(method="DSL, g the surrogate")], ignore_index=True)


def survey():
    """The shipped survey, as floats."""
    return load_labelled("panchen", {"predicted": ["countyWrong"], "surrogate": [
        "pred_countyWrong"], "formula": ["SendOrNot", "prefecWrong", "connect2b", "prevalence",
                                         "regionj", "groupIssue"]}).frame


def survey_rows(seeds):
    """Coefficient of the predicted covariate by method; of fitted g the range over seeds."""
    table, found = survey(), []
    for g, splits in (("surrogate", 1), ("linear", 1), ("linear", 10), ("rf", 10)):
        fits = [DSLRegression("logit", ["countyWrong"], ["pred_countyWrong"], g, n_splits=splits,
                              random_state=seed).fit(SURVEY, table)
                for seed in (seeds[:1] if g == "surrogate" else seeds[:3] if g == "rf" else seeds)]
        found.append((f"DSL, g {g}, {splits} splits", [fit.params["countyWrong"] for fit in fits],
                      [fit.bse["countyWrong"] for fit in fits]))
    rivals = fits[0].compare().query("term == 'countyWrong' and method != 'DSL'")
    return [*((row.method, [row.estimate], [row.se]) for row in rivals.itertuples()), *found]


def seconds():
    """Median seconds of one fit, formula included, by arm."""
    table, world = survey(), surrogate_labels(rng=generator(0))
    kinds = {"survey, logit, predicted covariate": ("logit", SURVEY, table, "countyWrong",
                                                    "pred_countyWrong"),
             "3,000 documents, logit, predicted outcome": (
                 "logit", "y ~ x1 + x2 + x3", world, "y", "y_llm"),
             "3,000 documents, least squares": ("ols", "y ~ x1 + x2 + x3", world, "y", "y_llm")}
    found = {}
    for name, (model, formula, data, gold, other) in kinds.items():
        fitted = DSLRegression(model, [gold], [other], "surrogate")
        found[f"workbench: {name}"] = timed(lambda f=fitted, a=formula, d=data: f.fit(a, d))
    return found | {name: timed(run) for name, run in peer(world)[0].items()}


def timed(run):
    """Median seconds of repeats after one that is not counted."""
    each = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")              # the peer calls a deprecated option
        for _ in range(REPEATS + 1):
            begun = time.perf_counter()
            run()
            each.append(time.perf_counter() - begun)
    return statistics.median(each[1:])


def peer(world):
    """Calls of ppi-python and of ours on its problem, and how far their answers lie apart."""
    X = np.column_stack([np.ones(len(world)), world[["x1", "x2", "x3"]]])
    y, guess = world["y"].fillna(0).to_numpy(), world["y_llm"].to_numpy()
    held = world["y"].notna().to_numpy()
    calls = {f"workbench: PPI++, {model}": (lambda m=model: ppi(X, y, guess, held, model=m))
             for model in ("logit", "ols")}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")          # of its own imports
            import ppi_py
    except ImportError:
        return calls, {}
    given = X[held], y[held], guess[held], X[~held], guess[~held]
    gaps = {}
    for model, name in (("logit", "logistic"), ("ols", "ols")):
        point, ends = (getattr(ppi_py, f"ppi_{name}_{what}") for what in ("pointestimate", "ci"))
        calls[f"ppi-python: PPI++, {model}"] = lambda f=ends: f(*given, alpha=0.05)
        own = ppi(X, y, guess, held, model=model)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            (low, high), theta = ends(*given, alpha=0.05), point(*given)
        gaps[model] = (float(np.abs(own.theta - theta).max()),
                       float(np.abs(own.se - (high - low) / 2 / 1.959963984540054).max()))
    return calls, gaps
