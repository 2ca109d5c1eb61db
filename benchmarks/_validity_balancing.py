"""Worlds of balanced weights: outcomes made of the balanced functions and noise."""

from functools import partial

from _promises import Promise

from workbench.inference.balancing.trials import coverage_trials

__all__ = ["PROMISES"]

LEVEL, PAIRS, FUNCTIONS = 0.95, 2000, 20
WHY = {0.01: "a slack leaves a bias of its size, which the interval does not know"}


def covered(rng, replications, slack):
    """Intervals that hold the mean over all pairs; a world that cannot be balanced is a miss."""
    table = coverage_trials(replications, slacks=(slack,), n_functions=FUNCTIONS, n=PAIRS,
                            level=LEVEL, rng=rng)
    row = table.iloc[0]
    return round(row["coverage"] * row["worlds"])


PROMISES = [
    Promise("kernel_balancing", f"mean of all pairs, slack {slack:g}",
            f"{PAIRS} pairs, {FUNCTIONS} balanced functions", LEVEL, why=WHY.get(slack, ""),
            seconds=0.02, batch=partial(covered, slack=slack))
    for slack in (0.0, 0.01)
]
