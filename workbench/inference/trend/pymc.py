"""The same trend as a PyMC model: to read, to extend, and to check the compiled density against.

Nothing here is shared with ``trend.density`` but the design matrix; PyMC writes the density and
its gradient from the declaration below.
"""

from typing import Any

import numpy as np

from workbench.inference.trend.design import BEND, CHANGE, SOURCE, Prior, TrendDesign
from workbench.inference.trend.fit import Observed

__all__ = ["pymc_model"]


def pymc_model(observed: Observed, design: TrendDesign, prior: Prior, *, student: bool = True,
               nu: float | None = 4.0) -> Any:
    """Declare the trend in PyMC.

    Parameters
    ----------
    observed : Observed
        Scores without measurement errors.
    design : TrendDesign
    prior : Prior
    student : bool
    nu : float > 2 or None
        None learns the degrees of freedom.

    Returns
    -------
    pymc.Model
        With data ``X``, ``y`` and ``w``, which ``pymc.set_data`` may replace.
    """
    import pymc as pm

    kinds = design.kinds
    with pm.Model() as model:
        X = pm.Data("X", design.matrix(observed.dates, observed.source))
        y, w = pm.Data("y", observed.score), pm.Data("w", observed.weight)
        line = pm.Normal("line", 0, 1, size=2)
        mu = (X[:, 0] * (prior.level_mean + prior.level_sd * line[0])
              + X[:, 1] * prior.slope_sd * line[1])
        sigma = prior.sigma_floor + pm.HalfNormal("sigma", prior.sigma_sd)
        if design.sources:
            tau = pm.HalfNormal("tau", prior.source_sd)
            mu += X[:, kinds == SOURCE] @ (tau * pm.Normal("source", size=len(design.sources)))
        if design.changepoints:
            kinks = pm.Laplace("change", 0, 1, size=design.changepoints)
            mu += X[:, kinds == CHANGE] @ (prior.change_scale * kinks)
        if design.basis:
            mu += X[:, kinds == BEND] @ _bends(pm, design, prior)
        if not student:
            noise = pm.Normal.dist(mu, sigma)
        else:
            degrees = 2 + pm.Gamma("above", 2, 0.1) if nu is None else nu
            noise = pm.StudentT.dist(nu=degrees, mu=mu, sigma=sigma)
        pm.Potential("scores", (w * pm.logp(noise, y)).sum())
    return model


def _bends(pm: Any, design: TrendDesign, prior: Prior) -> Any:
    eta = pm.HalfNormal("eta", prior.bend_sd)
    length = pm.LogNormal("length", np.log(prior.length_median), prior.length_sd)
    density = (eta ** 2 * np.sqrt(2 * np.pi) * length
               * pm.math.exp(-0.5 * (length * design.frequencies) ** 2))
    return pm.math.sqrt(density) * pm.Normal("bend", size=design.basis)
