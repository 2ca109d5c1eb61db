"""What a reader wants to see of one balanced sample: balance, weights, and how settings matter."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy.stats import norm

from workbench.core import effective_size
from workbench.inference.balancing.cases import Case, Options
from workbench.inference.balancing.choosing import SELECTIONS
from workbench.inference.balancing.comparison import balancer_for, compare
from workbench.inference.balancing.dual import BalanceInfeasible, balance
from workbench.inference.balancing.estimates import ACTIVE, weighted_mean
from workbench.inference.kernel_balancing import KernelBalancer

__all__ = ["balance_table", "feature_map", "path_by_functions", "path_by_slack", "weight_table",
           "within_reach"]

HELD_OUT = 50
ROOM = 1.25              # times the least slack, which itself leaves next to no items
FARTHEST = 1.0           # slack from which balance means nothing [standard deviations]
MOST_POINTS = 1200
MOST_ROWS = 20_000


def within_reach(options: Options, selection: str, case: Case,
                 rng: np.random.Generator) -> tuple[KernelBalancer, Options, tuple[str, ...]]:
    """A fitted balancer, with more slack where no weights balance as closely as was asked.

    Returns
    -------
    balancer : KernelBalancer
    options : Options
        With the slack that was used.
    notes : tuple of str
        What was changed.

    Raises
    ------
    BalanceInfeasible
        If the least slack is no balance.
    """
    asked = options.slack
    for _ in range(4):
        try:
            made = balancer_for(options, selection, 1.0, case, rng)
        except BalanceInfeasible as trouble:
            least = max(trouble.least, options.slack, 1e-4)
            if not ROOM * least < FARTHEST:
                raise
            options = replace(options, slack=ROOM * least)
            continue
        notes = () if options.slack == asked else (
            f"The slack was raised from {asked:g} to {options.slack:.3g}, since no weights on the "
            "observed balance these kernels more closely: fewer kernels or a smaller gamma need "
            "less.",)
        return made, options, notes
    return balancer_for(options, selection, 1.0, case, rng), options, ()


def balance_table(balancer: KernelBalancer, *, rng: np.random.Generator) -> pd.DataFrame:
    """Imbalance before and after, of balanced functions and of others at random items.

    Returns
    -------
    table : DataFrame
        Columns function, before, after [standard deviations], kind ("balanced", "held out").
    """
    return pd.concat([balancer.imbalance_.assign(kind="balanced"),
                      balancer.held_out(HELD_OUT, rng=rng).assign(kind="held out")],
                     ignore_index=True)


def feature_map(balancer: KernelBalancer, *, rng: np.random.Generator) -> pd.DataFrame:
    """Items in the plane in which their features vary most.

    Returns
    -------
    table : DataFrame
        Columns first, second [standard deviations], kind ("not observed", "observed", "centre"),
        weight (times uniform, of observed items).
    """
    items, seen = balancer.items_, balancer.observed_
    centred = items - items.mean(axis=0)
    _, axes = np.linalg.eigh(centred.T @ centred)
    plane = centred @ axes[:, ::-1][:, :2]
    if plane.shape[1] == 1:
        plane = np.column_stack([plane, np.zeros(len(plane))])
    weight = np.full(len(items), np.nan)
    weight[seen] = balancer.weights_ * seen.sum()
    parts = []
    for kind, rows in (("not observed", np.flatnonzero(~seen)), ("observed", np.flatnonzero(seen)),
                       ("centre", balancer.centres_)):
        some = rows if len(rows) <= MOST_POINTS else rng.choice(rows, MOST_POINTS, replace=False)
        parts.append(pd.DataFrame({"first": plane[some, 0], "second": plane[some, 1],
                                   "kind": kind, "weight": weight[some]}))
    return pd.concat(parts, ignore_index=True)


def weight_table(balancer: KernelBalancer, values: np.ndarray,
                 groups: "np.ndarray | None" = None) -> pd.DataFrame:
    """Weight and outcome of observed items; of very many, those of a sample with all weight kept.

    Returns
    -------
    table : DataFrame
        Columns item (its row), weight (on the simplex), value, group.
    """
    rows = np.flatnonzero(balancer.observed_)
    told = np.full(len(rows), "all", dtype=object) if groups is None else groups
    table = pd.DataFrame({"item": rows, "weight": balancer.weights_, "value": values,
                          "group": told})
    if len(table) <= MOST_ROWS:
        return table
    kept = table.iloc[np.unique(np.linspace(0, len(table) - 1, MOST_ROWS).astype(int))]
    return kept.assign(weight=kept["weight"] / kept["weight"].sum())


def path_by_functions(case: Case, options: Options, counts: Sequence[int], *, level: float,
                      rng: np.random.Generator, robust: bool = False) -> pd.DataFrame:
    """Estimate by selection and number of functions.

    Returns
    -------
    table : DataFrame
        Columns selection, functions, value, low, high, share.
    """
    rows, z = [], float(norm.ppf(0.5 + level / 2))
    ways = {f"{name} kernels{', robust' if robust else ''}": name for name in SELECTIONS}
    for count in counts:
        found = compare(case, replace(options, n_functions=count), rng=rng, ways=tuple(ways))
        rows += [{"selection": ways[way], "functions": count, "value": one.value,
                  "low": one.value - z * one.se, "high": one.value + z * one.se,
                  "share": one.share} for way, one in found.items()]
    return pd.DataFrame(rows)


def path_by_slack(balancer: KernelBalancer, case: Case, slacks: Sequence[float], *,
                  level: float) -> pd.DataFrame:
    """Estimate, effective share and multipliers by slack, for the functions of a balancer.

    Returns
    -------
    table : DataFrame
        Columns slack, value, low, high, share, active (functions that decide the weights), dual
        (largest multiplier). Slacks that cannot be reached are left out.
    """
    rows, z = [], float(norm.ppf(0.5 + level / 2))
    seen = int(balancer.observed_.sum())
    share = (1 / len(balancer.observed_) if balancer.share_ is None
             else balancer.share_[balancer.observed_])
    for slack in slacks:
        try:
            found = balance(balancer.values_, slack, balancer.base_)
        except BalanceInfeasible:
            continue
        active = np.abs(found.dual) > ACTIVE
        made = weighted_mean(case.outcome, found.weights, case.size, groups=case.groups,
                             balanced=balancer.values_[:, active], share=share)
        half = z * float(np.hypot(made.bse.iloc[0], case.base_error))
        rows.append({"slack": slack, "value": made.value, "low": made.value - half,
                     "high": made.value + half, "share": effective_size(found.weights) / seen,
                     "active": int(active.sum()), "dual": float(np.abs(found.dual).max())})
    return pd.DataFrame(rows)

