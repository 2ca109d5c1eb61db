"""Worlds and oracles that share no code with the method."""

import numpy as np
import pandas as pd
import statsmodels.api as sm

__all__ = ["hc0", "world"]


def world(n=400, labelled=160, *, seed=0, binary=False, covariate=False):
    """A table with surrogates everywhere and gold labels in a uniform sample."""
    rng = np.random.default_rng(seed)
    x, z = rng.normal(size=(2, n))
    w = (rng.random(n) < 0.4).astype(float)
    line = 0.3 + 0.8 * x - 0.5 * z + 0.6 * w
    y = (rng.random(n) < 1 / (1 + np.exp(-line))).astype(float) if binary else (
        line + rng.normal(size=n))
    y_llm = np.where(rng.random(n) < np.where(x > 0, 0.05, 0.3), 1 - y, y) if binary else (
        0.7 * y + 0.5 * x + rng.normal(size=n, scale=0.3))
    w_llm = np.where(rng.random(n) < np.where(y > 0.5, 0.05, 0.3), 1 - w, w)
    table = pd.DataFrame({"y": y, "y_llm": y_llm, "x": x, "z": z, "w": w, "w_llm": w_llm,
                          "part": rng.choice(["a", "b", "c"], n), "unit": np.arange(n) // 4})
    drawn = np.zeros(n, dtype=bool)
    drawn[rng.choice(n, labelled, replace=False)] = True
    table["truth"] = table["w"] if covariate else table["y"]
    table.loc[~drawn, "w" if covariate else "y"] = np.nan
    return table


def hc0(y, X, *, logit=False, groups=None, weights=None):
    """Coefficients and sandwich errors by statsmodels, without small-sample factors."""
    if weights is not None:
        made = sm.GLM(y, X, family=sm.families.Binomial() if logit else sm.families.Gaussian(),
                      freq_weights=weights)
        return made.fit(tol=1e-14)
    made = sm.Logit(y, X) if logit else sm.OLS(y, X)
    options = {"disp": 0, "method": "newton", "tol": 1e-14} if logit else {}
    if groups is None:
        return made.fit(cov_type="HC0", **options)
    return made.fit(cov_type="cluster", cov_kwds={
        "groups": groups, "use_correction": False, "df_correction": False}, **options)
