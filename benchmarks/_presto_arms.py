"""Arms of the benchmark: seconds, optima, and errors in simulated worlds."""

import statistics
import time
import warnings

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.linear_model import LogisticRegressionCV

from workbench.core import generator
from workbench.datasets import load_ordinal, ordered_stages
from workbench.inference import PRESTO, ProportionalOdds, presto_path
from workbench.inference.ordinal.trials import TRIED, ratio_interval, trials

WORLDS = {"dense (0, 2.5, 4.5)": ((0, 2.5, 4.5), 1.0), "dense (0, 3, 5)": ((0, 3, 5), 1.0),
          "dense (0, 3.5, 5.5)": ((0, 3.5, 5.5), 1.0), "dense (0, 4, 6)": ((0, 4, 6), 1.0),
          "sparse 1/3 (0, 3, 5)": ((0, 3, 5), 1 / 3), "sparse 1/2 (0, 3, 5)": ((0, 3, 5), 1 / 2)}
RAREST = "dense (0, 4, 6)"     # where proportional odds are hardly beaten
LEVEL = 0.9
CUTOFFS, SPLITS, BINS = (35, 45, 55), 6, 10


def seconds(repeats):
    """CPU seconds of each arm, in turn, on the world of seed 0; medians, and ratios of pairs."""
    world = ordered_stages(rng=generator(0))
    X, y, rare = world.X, world.codes, world.codes == 3
    arms = {
        "workbench: path of 20 lambdas, 5 folds, refit": lambda: PRESTO(random_state=0).fit(X, y),
        "scikit-learn: LogisticRegressionCV, 10 values, 5 folds, rare class":
            lambda: LogisticRegressionCV(cv=5).fit(X, rare),
        "scikit-learn: the same with 20 values":
            lambda: LogisticRegressionCV(Cs=20, cv=5).fit(X, rare),
        "scikit-learn: the same with 20 values, absolute values in the penalty":
            lambda: LogisticRegressionCV(Cs=20, cv=5, l1_ratios=(1.0,), solver="saga").fit(
                X, rare),
        "workbench: one fit, lambda 0.002": lambda: PRESTO(0.002).fit(X, y),
        "SciPy: one fit, lambda 0.002, L-BFGS-B": lambda: by_scipy(X, y, 0.002),
        "statsmodels: OrderedModel, BFGS": lambda: ProportionalOdds().fit(X, y),
        "workbench: proportional odds": lambda: PRESTO(np.inf, penalize_base=0.0).fit(X, y)}
    found = {name: [] for name in arms}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")          # convergence of saga
        for _ in range(repeats + 1):
            for name, run in arms.items():
                begun = time.process_time()
                run()
                found[name].append(time.process_time() - begun)
    first = next(iter(found))
    return {name: (statistics.median(spent[1:]), min(spent[1:]), max(spent[1:]),
                   statistics.median(ours / own for ours, own in zip(
                       found[first][1:], spent[1:], strict=True)))
            for name, spent in found.items()}


def by_scipy(X, y, lam):
    """Least penalised loss by L-BFGS-B on positive and negative parts, plain formulas."""
    n, p = X.shape
    m = int(y.max())
    Xs = (X - X.mean(axis=0)) / X.std(axis=0)
    shares = np.cumsum(np.bincount(y) / n)[:-1]
    start = np.concatenate([np.log(shares / (1 - shares)), np.zeros(2 * m * p)])
    rows = np.arange(n)
    hit = (y[:, None] == np.arange(m)).astype(float) - (y[:, None] == np.arange(1, m + 1))

    def value(free):
        c, plus, minus = free[:m], free[m:m + m * p], free[m + m * p:]
        coefs = np.cumsum((plus - minus).reshape(m, p), axis=0)
        below = np.hstack([np.zeros((n, 1)), expit(c + Xs @ coefs.T), np.ones((n, 1))])
        own = below[rows, y + 1] - below[rows, y]
        if (own <= 0).any():
            return 1e10, np.zeros_like(free)
        u = -(below[:, 1:-1] * (1 - below[:, 1:-1])) * hit / own[:, None] / n
        slope = np.cumsum((u.T @ Xs)[::-1], axis=0)[::-1].ravel()
        return (-np.log(own).mean() + lam * (plus + minus).sum(),
                np.concatenate([u.sum(axis=0), slope + lam, -slope + lam]))

    return minimize(value, start, jac=True, method="L-BFGS-B",
                    bounds=[(None, None)] * m + [(0, None)] * (2 * m * p),
                    options={"maxcor": 30, "ftol": 1e-12, "gtol": 1e-8, "maxiter": 20000,
                             "maxfun": 200000}).fun


def optima():
    """Objective reached at equal lambda, by the solver and by L-BFGS-B."""
    people, world = load_ordinal("prediabetes", age_cutoff=55), ordered_stages(rng=generator(0))
    problems = [("pre-diabetes, cutoff 55, lambda 0.001", people.features.to_numpy(float),
                 people.codes, 1e-3), ("world of seed 0, lambda 0.002", world.X, world.codes,
                                       2e-3),
                ("world of seed 0, lambda 0.0001", world.X, world.codes, 1e-4)]
    rows = []
    for name, X, y, lam in problems:
        path = presto_path(X, y, [lam])
        rows.append((name, float(path.objectives[0]), float(path.violations[0]),
                     int(path.steps[0]), float(by_scipy(X, y, lam))))
    return rows


def errors(replications, seed):
    """Mean squared errors of the rare probability, by world and method."""
    tables = []
    for name, (intercepts, sparsity) in WORLDS.items():
        tables.append(trials(replications, intercepts=intercepts, sparsity=sparsity,
                             methods=TRIED, rng=generator(seed)).assign(world=name))
    return pd.concat(tables, ignore_index=True)


def compared(table):
    """Mean error of each method, and PRESTO over it: ratio of means, median ratio, wins."""
    rows = []
    for world, some in table.groupby("world", sort=False):
        wide = some.pivot_table(index="replication", columns="method", values="mse")
        own = wide["PRESTO"].to_numpy()
        for method in TRIED:
            other = wide[method].to_numpy()
            ratio = ratio_interval(own, other, LEVEL)
            rows.append({"world": world, "method": method, "mse": float(other.mean()),
                         "ratio": ratio[0], "low": ratio[1], "high": ratio[2],
                         "median": float(np.median(own / other)),
                         "wins": float((own < other).mean()),
                         "rare": float(some["rare"].mean())})
    return pd.DataFrame(rows)


def real(seed):
    """Log loss and calibration error of the rare stage on held-out tenths of shipped tables."""
    from workbench.inference.ordinal.columns import encode
    from workbench.inference.ordinal.rivals import fit_method
    from workbench.inference.ordinal.scores import calibration_bins, calibration_error, per_row

    rng, rows = generator(seed), []
    tables = {f"pre-diabetes, cutoff {cutoff}": load_ordinal("prediabetes", age_cutoff=cutoff)
              for cutoff in CUTOFFS} | {"soup": load_ordinal("soup")}
    for name, table in tables.items():
        codes, classes = table.codes, len(table.labels)
        for split in range(SPLITS):
            order = rng.permutation(len(codes))
            test, train = order[:len(codes) // 10], order[len(codes) // 10:]
            encoded = encode(table.features.iloc[train])
            X, new = (encoded(table.features.iloc[some]) for some in (train, test))
            for method in ("PRESTO", "proportional odds", "logistic regression"):
                found = fit_method(method, X, codes[train], None, seed)(new)
                bins = calibration_bins(found[:, -1], codes[test] == classes - 1, None, BINS,
                                        LEVEL)
                rows.append((name, split, method, float(per_row(found, codes[test], classes)[
                    "rare log loss"].mean()), calibration_error(bins)))
    return pd.DataFrame(rows, columns=["data", "split", "method", "loss", "calibration"])
