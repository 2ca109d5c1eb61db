"""Worlds of the trend: parameters from its prior, scores from its likelihood.

When truths are drawn from the prior, credible intervals of an exact posterior cover exactly at
their level (Talts et al., arXiv:1804.06788), whatever the number of scores.
"""

import math
from functools import partial

import numpy as np
from _promises import Promise

from workbench.inference import BayesianTrend, Prior
from workbench.inference.trend.design import TrendDesign

__all__ = ["PROMISES"]

LEVEL, SCORES, DAYS = 0.9, 30, 180.0
DRAWS = {"draws": 250, "tune": 300}      # of 1,000 and 1,000 by default, for time
PRIOR = Prior.for_scale((0.0, 10.0), DAYS / 30)
START = np.datetime64("2024-01-01")


def world(rng, *, student, changepoints=0, basis=0, sources=(), exact=False):
    """Days, scores, names of sources, coefficients and the design of one trend."""
    days = np.sort(np.append(rng.uniform(0, DAYS, SCORES - 2), [0.0, DAYS]))
    dates = START + (days * 86_400).astype("timedelta64[s]")
    first = (START - np.datetime64("1970-01-01")).astype(float)
    design = TrendDesign(first, first + DAYS, 30.0, sources, changepoints, basis)
    sigma = np.abs(rng.normal()) * PRIOR.sigma_sd
    truth = PRIOR.sample(design, 1, rng)[0]
    if exact:
        sigma = PRIOR.sigma_sd / 10 / math.sqrt(rng.gamma(0.5, 2.0))
        spread = np.array([PRIOR.level_sd, PRIOR.slope_sd])
        truth = np.array([PRIOR.level_mean, 0.0]) + (
            rng.normal(size=2) * spread * sigma / (PRIOR.sigma_sd / 10))
    names = rng.choice(sources, SCORES) if sources else None
    noise = rng.standard_t(4, SCORES) if student else rng.normal(size=SCORES)
    scores = design.matrix(dates, names) @ truth + sigma * noise
    return dates, scores, names, truth, design, sigma


def line(rng, what, *, student=True, exact=False, **options):
    """Whether an interval of a fitted line holds the truth."""
    sources = ("left", "right") if options.pop("sourced", False) else ()
    changepoints = options.get("changepoints", 0)
    basis = 30 if options.get("trend") == "smooth" else 0
    dates, scores, names, truth, design, sigma = world(
        rng, student=student, changepoints=changepoints, basis=basis, sources=sources,
        exact=exact)
    model = BayesianTrend(likelihood="student" if student else "normal", prior=PRIOR,
                          **DRAWS, **options)
    fit = model.fit(dates, scores, rng=rng, source=names)
    if what == "score":
        later = dates[-1:]
        noise = rng.standard_t(4) if student else rng.normal()
        found = fit.predict(later, LEVEL, rng=rng).iloc[0]
        value = float((design.matrix(later) @ truth)[0] + sigma * noise)
        return found["low"] <= value <= found["high"]
    interval = fit.slope(LEVEL).interval
    ends = design.matrix(dates[[0, -1]])
    slope = float((ends[1] - ends[0]) @ truth) / (DAYS / 30)
    return interval.low <= slope <= interval.high


def _promise(what, said, seconds, **options):
    return Promise("bayesian_trend", said, f"{SCORES} scores, truth from the prior", LEVEL,
                   partial(line, what=what, **options), seconds=seconds)


PROMISES = [
    _promise("slope", "slope, exact, normal line", 0.01, student=False, exact=True,
             sampler="exact"),
    _promise("score", "new score, exact, normal line", 0.01, student=False, exact=True,
             sampler="exact"),
    _promise("slope", "slope, NUTS, Student-t line", 0.15),
    _promise("score", "new score, NUTS, Student-t line", 0.15),
    _promise("slope", "slope, NUTS, two change points", 0.15, changepoints=2),
    _promise("slope", "slope, NUTS, two sources", 0.15, sourced=True),
    _promise("slope", "slope, NUTS, smooth trend", 0.4, trend="smooth"),
    _promise("slope", "slope, Laplace with importance weights, Student-t line", 0.1,
             sampler="laplace"),
]
