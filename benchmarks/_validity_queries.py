"""Worlds of adaptive queries: columns of noise, and an analyst who votes with their answers."""

from functools import partial

from _promises import Promise

from workbench.inference.validity.attacks import Setting
from workbench.inference.validity.guarantees import guarantee_trials

__all__ = ["PROMISES"]

QUERIES = 20
SETTING = Setting(threshold=0.06, sigma=0.003, budget=5, epsilon=0.2, spread=0.01)
ROWS = {"split": 2_000, "laplace": 50_000, "gaussian": 50_000, "thresholdout": 50_000}


def within(rng, replications, mechanism):
    """Trials in which every answer was as near to the truth as certified."""
    found = guarantee_trials(mechanism, ROWS[mechanism], QUERIES, SETTING, trials=replications,
                             rng=rng)
    return int((found.errors <= found.tau).sum())


PROMISES = [
    Promise("adaptive_queries", f"certified accuracy, {mechanism}",
            f"{QUERIES} attacking queries, {rows:,} rows", 1 - SETTING.beta, kind="at least",
            seconds=0.02, batch=partial(within, mechanism=mechanism))
    for mechanism, rows in ROWS.items()
]
