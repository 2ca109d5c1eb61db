"""One sampler in one fresh process: first fit, refit with other data, effective draws.

``python benchmarks/_side_by_side.py SAMPLER TREND SEED`` prints one JSON object. Libraries are
imported before the clock of the first fit starts; building and compiling the model count. CPU
seconds include the sampler's own processes.
"""

import importlib
import json
import resource
import sys
import time

import numpy as np

from workbench.core import generator
from workbench.datasets import presidents_approval
from workbench.inference import BayesianTrend, Prior
from workbench.inference.trend.design import TrendDesign, root_density, to_days
from workbench.inference.trend.fit import Observed

LIBRARIES = {"ours": ("numba", "nutpie", "scipy.optimize"), "nutpie": ("pymc", "nutpie"),
             "pymc": ("pymc",)}


def cpu():
    """CPU seconds of this process and its finished children."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def world(trend):
    """Observed scores, design and prior."""
    table = presidents_approval().dropna()
    day = to_days(table["date"])
    observed = Observed(day, table["score"].to_numpy(), np.ones(len(day)), np.zeros(len(day)))
    design = TrendDesign(day.min(), day.max(), 365.25, basis=30 if trend == "smooth" else 0)
    return observed, design, Prior.for_scale((0.0, 100.0), design.span)


def ours(observed, design, prior, seed):
    """Yield slope, level and sigma, each (chains, draws): first data, then other scores."""
    model = BayesianTrend(trend="smooth" if design.basis else "line", scale=(0, 100),
                          time_scale=365.25, prior=prior)
    for score in (observed.score, 100.0 - observed.score):
        fit = model.fit(observed.dates, score, rng=generator(seed))
        slope = fit.slope_draws.reshape(fit.hyper["sigma"].shape)
        yield slope, fit.coefficients[..., 0], fit.hyper["sigma"]


def theirs(observed, design, prior, seed, sampler):
    """PyMC's model by ``pymc.sample`` with its defaults, or by nutpie with its defaults."""
    import pymc as pm

    from workbench.inference.trend.pymc import pymc_model

    model = pymc_model(observed, design, prior)
    if sampler == "nutpie":
        import nutpie

        compiled = nutpie.compile_pymc_model(model)
    ends = design.matrix(observed.dates[[0, -1]])
    for score in (observed.score, 100.0 - observed.score):
        if sampler == "nutpie":
            drawn = nutpie.sample(compiled.with_data(y=score), seed=seed, progress_bar=False)
        else:
            with model:
                pm.set_data({"y": score})
                drawn = pm.sample(random_seed=seed, progressbar=False)
        found = {name: drawn.posterior[name].to_numpy() for name in drawn.posterior.data_vars}
        slope = prior.slope_sd * found["line"][..., 1]
        if design.basis:
            root = root_density(found["length"][..., None], design.frequencies)
            bends = found["eta"][..., None] * root * found["bend"]
            slope = slope + bends @ (ends[1] - ends[0])[2:] / design.span
        yield slope, found["line"][..., 0], found["sigma"]


def main():
    """Time one sampler and print what it found."""
    sampler, trend, seed = sys.argv[1], sys.argv[2], int(sys.argv[3])
    for library in LIBRARIES[sampler]:
        importlib.import_module(library)
    import arviz

    clock, used, record = time.perf_counter(), cpu(), {}
    fits = ours(*world(trend), seed) if sampler == "ours" else theirs(*world(trend), seed, sampler)
    for name, draws in zip(("first", "refit"), fits, strict=False):
        seconds, spent = time.perf_counter() - clock, cpu() - used
        ess = min(float(arviz.ess(part)) for part in draws)
        record |= {name: seconds, f"{name}_cpu": spent, f"{name}_per_1000": 1000 * seconds / ess}
        if name == "first":
            slope = draws[0]
            squares = (slope - slope.mean()) ** 2
            record |= {"ess": ess, "mean": slope.mean(), "sd": slope.std(),
                       "mean_error": slope.std() / arviz.ess(slope) ** 0.5,
                       "sd_error": squares.std() / arviz.ess(squares) ** 0.5 / 2 / slope.std()}
        clock, used = time.perf_counter(), cpu()
    print(json.dumps({name: float(value) for name, value in record.items()}))


if __name__ == "__main__":
    main()
