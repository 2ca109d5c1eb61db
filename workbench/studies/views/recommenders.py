"""Recommenders trained on weighted ratings, by weight decay, each way tuned alike."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from workbench.core import generator
from workbench.inference.balancing.cases import Options
from workbench.inference.balancing.comparison import balancer_for
from workbench.inference.balancing.decays import RankingSlice, decay_sweep, tuned_scores
from workbench.inference.balancing.dual import BalanceInfeasible
from workbench.inference.balancing.pairs import pair_sample
from workbench.inference.balancing.propensities import (
    PropensityLogistic,
    naive_bayes_propensity,
)
from workbench.studies.views.balancing_cases import Rated, Source

__all__ = ["RANKERS", "rankings"]

RANKERS = {"unweighted": "uniform", "inverse propensities": "rival", "balanced kernels": "ours",
           "doubly robust": "variant"}
STEPS = 20               # batches of an epoch, at most
PENALTY = 1e-4


def rankings(params: Any, source: Source, options: Options) -> dict[str, pd.DataFrame]:
    """AUC and NDCG of four ways at every weight decay, and each way at its best decay."""
    rated = source.rated
    if rated is None:
        return {}
    rng = generator(params.seed + 4)
    inverse, kernels = _amounts(params, rated, options, rng)
    scored = RankingSlice(rated.slice_users, rated.slice_items, rated.slice_ratings,
                          rated.slice_tests)
    names = list(RANKERS)
    plain = {names[0]: np.ones(len(rated.ratings)), names[1]: inverse}
    if kernels is not None:
        plain[names[2]] = kernels
    table = decay_sweep(
        (rated.users, rated.items, rated.ratings), rated.sizes, plain, {names[3]: inverse},
        scored, sorted(params.weight_decays), seeds=params.trainings, rng=rng,
        batch=max(128, -(-len(rated.ratings) // STEPS)))
    best = tuned_scores(table, scored, level=1 - params.alpha, rng=rng)
    return {"ranking": table.drop(columns="scores"), "tuned": best}


def _amounts(params: Any, rated: Rated, options: Options,
             rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray | None]:
    """How much each loss counts: by inverse propensities, and by balanced kernels."""
    tuning = rated.slice_ratings[~rated.slice_tests] if rated.drawn else None
    sample = pair_sample((rated.users, rated.items, rated.ratings), rated.sizes, tuning, rng=rng,
                         most=20_000)
    case = sample.case
    if tuning is not None:
        inverse = 1 / naive_bayes_propensity(rated.ratings, tuning, len(rated.ratings), case.size)
    else:
        model = PropensityLogistic(PENALTY).fit(case.X, case.observed, case.sample_weight)
        inverse = 1 / model.predict(case.X[case.observed])
    try:
        balancer = balancer_for(
            replace(options, n_functions=min(options.n_functions, len(case.X))),
            params.selection, 1.0, replace(case, base=inverse if rated.drawn else None), rng)
    except BalanceInfeasible:
        return inverse, None
    return inverse, balancer.weights_ * len(balancer.weights_)
