"""Arms of the benchmark: bias in simulated worlds, the dual beside CVXPY, and the Coat data."""

import statistics
import time
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy.optimize import minimize

from workbench.core import effective_size, generator
from workbench.datasets import load_ratings, selected_pairs
from workbench.inference import KernelBalancedMF, MatrixFactorisation, naive_bayes_propensity
from workbench.inference.balancing.cases import Options
from workbench.inference.balancing.comparison import balancer_for
from workbench.inference.balancing.decays import RankingSlice
from workbench.inference.balancing.dual import balance
from workbench.inference.balancing.kernels import Scaling, kernel_functions
from workbench.inference.balancing.learnt_weights import Balancing
from workbench.inference.balancing.pairs import pair_sample
from workbench.inference.balancing.ranking_scores import auc, f1_at, ndcg_at
from workbench.inference.balancing.trials import case_of

DECAYS = [1e-4, 3e-4, 5e-4, 1e-3, 3e-3, 6e-3, 1e-2]
HALVES = 25


def moments(X, degree):
    """Features, and their squares and products, in standard deviations."""
    scaled = Scaling.of(X)(X)
    if degree == 2:
        first, second = np.triu_indices(X.shape[1])
        scaled = np.column_stack([scaled, scaled[:, first] * scaled[:, second]])
    return (scaled - scaled.mean(axis=0)) / scaled.std(axis=0)


def rivals(worlds, n, seed):
    """Bias of entropy balancing of moments, of boosted propensities, and of kernels at one size.

    Adaptive kernels are balanced with the slack at which they keep the effective size of the
    first and second moments.
    """
    rows, rng = [], generator(seed)
    for _ in range(worlds):
        world = selected_pairs(n, rng=rng)
        case, truth = case_of(world, rng), world["loss"].mean()
        base = np.full(case.observed.sum(), 1 / case.observed.sum())
        size = 0.0
        for degree, name in ((1, "first moments"), (2, "first and second moments")):
            found = balance(moments(case.X, degree)[case.observed], 0.01, base).weights
            size = effective_size(found)
            rows.append((name, found @ case.outcome - truth, size / len(base)))
        boosted = boosting(case, rng)
        rows.append(("boosted SNIPS", boosted @ case.outcome - truth,
                     effective_size(boosted) / len(base)))
        for selection in ("random", "adaptive", "worst"):
            own = balancer_for(Options(n_functions=80), selection, 1.0, case, rng)
            low, high = 1e-3, 3.0
            for _ in range(HALVES):
                middle = np.sqrt(low * high)
                small = effective_size(balance(own.values_, middle, base).weights) < size
                low, high = (middle, high) if small else (low, middle)
            found = balance(own.values_, high, base).weights
            rows.append((f"{selection} kernels, same size", found @ case.outcome - truth,
                         effective_size(found) / len(base)))
    table = pd.DataFrame(rows, columns=["way", "bias", "share"])
    return table.assign(bias=table["bias"] / 2).groupby("way", sort=False).agg(
        bias=("bias", "mean"), error=("bias", lambda each: each.std() / np.sqrt(len(each))),
        share=("share", "mean")).reset_index()


def boosting(case, rng):
    """Weights by propensities of boosted trees, as scikit-learn's defaults give them."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    model = HistGradientBoostingClassifier(random_state=int(rng.integers(2**31)))
    chance = model.fit(case.X, case.observed).predict_proba(case.X)[case.observed, 1]
    return (1 / chance) / (1 / chance).sum()


def duals(seed, sizes=((2_000, 350), (40_000, 7_000), (400_000, 70_000)), count=50):
    """CPU seconds and largest difference of weights, by solver and observed items."""
    rows = []
    for n, _ in sizes:
        rng = generator(seed)
        world = selected_pairs(n, rng=rng)
        X = world.filter(regex="^x").to_numpy()
        scaled = Scaling.of(X)(X)
        raw = kernel_functions("gaussian", scaled, scaled[rng.choice(n, count, replace=False)],
                               1 / 12)
        G = ((raw - raw.mean(axis=0)) / raw.std(axis=0))[world["observed"].to_numpy()]
        base = np.full(len(G), 1 / len(G))
        own, ours = timed(lambda G=G, b=base: balance(G, 0.01, b).weights, 5)
        rows.append((len(G), "workbench", ours, 0.0))
        for name, solver in (("SciPy L-BFGS-B", by_lbfgs), ("CVXPY, Clarabel", by_cvxpy)):
            found, seconds = timed(lambda s=solver, G=G, b=base: s(G, b), 1)
            rows.append((len(G), name, seconds, float(len(G) * np.abs(found - own).max())))
    return pd.DataFrame(rows, columns=["observed", "solver", "seconds", "difference"])


def timed(run, repeats):
    """The result, and median CPU seconds."""
    each = []
    for _ in range(repeats):
        begun = time.process_time()
        result = run()
        each.append(time.process_time() - begun)
    return result, statistics.median(each)


def by_lbfgs(G, base, slack=0.01):
    """The same dual by bounded quasi-Newton steps."""
    def value(parts):
        scores = np.log(base) - G @ (parts[:G.shape[1]] - parts[G.shape[1]:])
        top = scores.max()
        amounts = np.exp(scores - top)
        slope = G.T @ (amounts / amounts.sum())
        return (top + np.log(amounts.sum()) + slack * parts.sum(),
                np.concatenate([slack - slope, slack + slope]))

    found = minimize(value, np.zeros(2 * G.shape[1]), jac=True, method="L-BFGS-B",
                     bounds=[(0, None)] * (2 * G.shape[1]),
                     options={"ftol": 1e-14, "gtol": 1e-10, "maxiter": 20_000, "maxfun": 40_000})
    amounts = base * np.exp(-G @ (found.x[:G.shape[1]] - found.x[G.shape[1]:]))
    return amounts / amounts.sum()


def by_cvxpy(G, base, slack=0.01):
    """The primal problem by a conic solver."""
    import cvxpy as cp

    n = len(G)
    amounts = cp.Variable(n)
    problem = cp.Problem(cp.Minimize(cp.sum(cp.kl_div(amounts, n * base)) / n), [
        cp.sum(amounts) == n, cp.abs(G.T @ amounts) / n <= slack])
    problem.solve(solver="CLARABEL")
    return amounts.value / n


def coat(folder, seeds):
    """Scores of every way on the Coat data, each at the decay that half of the slice prefers."""
    ratings = load_ratings(folder)
    positive = (ratings.values >= 3).astype(float)
    own = ~ratings.drawn
    sizes = (len(ratings.user_names), len(ratings.item_names))
    given = ratings.users[own], ratings.items[own], positive[own]
    rows = []
    for seed in range(seeds):
        rng = generator(seed)
        tests = rng.random(ratings.drawn.sum()) < 0.5
        scored = RankingSlice(ratings.users[ratings.drawn], ratings.items[ratings.drawn],
                              positive[ratings.drawn], tests)
        known = scored.ratings[~tests]
        for name, train in ways(given, sizes, known, seed).items():
            begun = time.process_time()
            guesses = train().predict(scored.users, scored.items)
            seconds = time.process_time() - begun
            best = max(range(len(DECAYS)), key=lambda at: auc(
                scored.ratings[~tests], guesses[at][~tests]))
            rows.append({"way": name, "seed": seed, "decay": DECAYS[best],
                         "seconds": seconds / len(DECAYS),
                         **scores(scored, tests, guesses[best])})
    return pd.DataFrame(rows)


def ways(given, sizes, known, seed):
    """Trainings by name; each trains one model per weight decay."""
    count = len(given[2])
    inverse = 1 / naive_bayes_propensity(given[2], known, count, sizes[0] * sizes[1])
    case = pair_sample(given, sizes, known, rng=generator(seed)).case
    exact = balancer_for(Options(n_functions=50), "adaptive", 1.0,
                         replace(case, base=inverse), generator(seed))
    options = {"weight_decay": DECAYS, "random_state": seed}

    def given_weights(amounts, **more):
        return lambda: MatrixFactorisation(*sizes, **options, **more).fit(*given, amounts)

    def learnt(**more):
        return lambda: KernelBalancedMF(*sizes, **options, **more).fit(
            *given, random_ratings=known)

    robust = Balancing(learning_rate=1e-2, weight_decay=1e-1, slack=1e-4)
    return {
        "naive": given_weights(None), "naive-Bayes IPS": given_weights(inverse),
        "naive-Bayes DR": given_weights(inverse, robust=True),
        "exact adaptive kernels": given_weights(count * exact.weights_),
        "exact adaptive kernels, size of the propensities": given_weights(
            inverse.sum() * exact.weights_),
        "KBIPS, authors' form": learnt(compat="author"), "KBIPS, repaired": learnt(),
        "AKBIPS, repaired": learnt(balance="adaptive"),
        "KBDR, authors' form": learnt(compat="author", robust=True, how=robust),
        "KBDR, repaired": learnt(robust=True, how=robust)}


def scores(scored, tests, guess):
    """Of the half that tests."""
    users, truth, given = scored.users[tests], scored.ratings[tests], guess[tests]
    return {"auc": auc(truth, given), "ndcg": ndcg_at(5, users, truth, given),
            "f1": f1_at(5, users, truth, given)}
