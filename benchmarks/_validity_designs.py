"""Worlds of design-based regressions: labels drawn with known probabilities, a skewed labeller."""

from functools import partial

import numpy as np
import pandas as pd
from _promises import Promise
from scipy.special import expit

from workbench.inference import DSLRegression, ppi

__all__ = ["PROMISES"]

LEVEL, DOCUMENTS, LABELS = 0.95, 1000, 300
TRUTH = {"Intercept": 0.3, "x": 0.8, "w": 0.6}
GROUPS, SHARE = 10, 0.4


def world(rng, *, binary=False, hidden="y", unequal=False, clusters=0, groups=0):
    """Outcomes of x and w, read by a labeller whose errors depend on x or on the outcome."""
    n = DOCUMENTS
    x, w = rng.normal(size=n), (rng.random(n) < SHARE).astype(float)
    line = TRUTH["Intercept"] + TRUTH["x"] * x + TRUTH["w"] * w
    table = pd.DataFrame({"x": x, "w": w})
    if clusters:
        table["unit"] = np.arange(n) % clusters
        line = line + rng.normal(size=clusters)[table["unit"]]
    if groups:
        table["part"] = rng.integers(groups, size=n)
        line = line + 3 * np.arange(groups)[table["part"]]
    y = (rng.random(n) < expit(line)).astype(float) if binary else line + rng.normal(size=n)
    wrong = rng.random(n) < np.where(x > 0, 0.05, 0.3)
    table["y_llm"] = np.where(wrong, 1 - y, y) if binary else 0.7 * y + 0.5 * x
    table["w_llm"] = np.where(rng.random(n) < np.where(y > 0.5, 0.05, 0.3), 1 - w, w)
    table["chance"] = np.where(x > 0, 0.2, 0.4) if unequal else LABELS / n
    drawn = (rng.random(n) < table["chance"] if unequal or clusters
             else rng.permutation(n) < LABELS)
    if clusters:        # whole clusters are drawn
        drawn = (rng.permutation(clusters) < clusters * LABELS // n)[table["unit"]]
    table["y"] = y
    table.loc[~drawn, hidden] = np.nan
    return table


def regression(rng, model="ols", term="x", formula="y ~ x + w", hidden="y", g="linear",
               **options):
    """Whether an interval of one coefficient holds the truth."""
    drawn = {name: options.pop(name) for name in ("unequal", "clusters", "groups")
             if name in options}
    table = world(rng, binary=model == "logit", hidden=hidden, **drawn)
    fit = DSLRegression(model, [hidden], [f"{hidden}_llm"], g, n_splits=1,
                        random_state=rng, **options).fit(formula, table)
    low, high = fit.conf_int(1 - LEVEL).loc[term]
    truth = TRUTH[term] if model != "mean" else TRUTH["Intercept"] + TRUTH["w"] * SHARE
    return low <= truth <= high


def rival(rng, method):
    """The same for the methods beside it, logit."""
    table = world(rng, binary=True)
    fit = DSLRegression("logit", g="surrogate", random_state=rng).fit("y ~ x + w", table)
    table = fit.compare(1 - LEVEL).set_index(["method", "term"])
    row = table.loc[(method, "x")]
    return row["low"] <= TRUTH["x"] <= row["high"]


def powered(rng):
    """PPI++, the power tuned."""
    table = world(rng, binary=True)
    X = np.column_stack([np.ones(len(table)), table[["x", "w"]]])
    held = table["y"].notna().to_numpy()
    found = ppi(X, table["y"].fillna(0).to_numpy(), table["y_llm"].to_numpy(), held,
                model="logit")
    return abs(found.theta[1] - TRUTH["x"]) <= 1.959964 * found.se[1]


def _promise(what, trial, why="", seconds=0.03, world=f"{DOCUMENTS} documents, {LABELS} labels"):
    return Promise("design_based", what, world, LEVEL, trial, why=why, seconds=seconds)


PROMISES = [
    _promise("logit, outcome labelled in part", partial(regression, model="logit")),
    _promise("logit, surrogate as it is", partial(regression, model="logit", g="surrogate")),
    _promise("least squares, outcome labelled in part", regression),
    _promise("least squares, covariate labelled in part", partial(
        regression, hidden="w", term="w")),
    _promise("mean", partial(regression, model="mean", formula="y ~ 1", term="mean")),
    _promise("fixed effects of 10 groups", partial(
        regression, model="fe", fixed_effects=["part"], groups=GROUPS)),
    _promise("unequal probabilities", partial(
        regression, model="logit", unequal=True, sample_prob="chance")),
    _promise("clusters, whole ones labelled", partial(
        regression, clusters=200, cluster="unit"), world="200 clusters of 5, 60 labelled"),
    _promise("gold labels only", partial(rival, method="gold only")),
    _promise("PPI++", powered),
    _promise("surrogates only", partial(rival, method="surrogate only"),
             why="control: nobody promises it; the labeller errs where x is low"),
]
