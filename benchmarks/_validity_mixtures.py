"""Worlds of mixtures: truths from the prior, and sequences chosen to hurt."""

from _promises import Promise

from workbench.inference.mixtures.validity import coin_coverage, langevin_coverage, least_margin

__all__ = ["PROMISES"]

LEVEL, TOSSES, ROWS = 0.9, 30, 20


def coin(rng, replications):
    """Posterior intervals that hold the bias of a coin."""
    return round(coin_coverage(LEVEL, TOSSES, replications=replications, rng=rng).value
                 * replications)


def langevin(rng, replications):
    """Intervals from Langevin draws that hold a coefficient; two of each world count as one."""
    return round(langevin_coverage(LEVEL, ROWS, replications=replications, rng=rng).value
                 * replications)


def bounded(rng):
    """Whether the regret to every hypothesis stays under its bound."""
    return least_margin(sequences=2, rng=rng) >= -1e-9


PROMISES = [
    Promise("universal_mixture", "regret to every hypothesis under its bound",
            "8 hypotheses, 50 steps, adversarial", 1.0, bounded, seconds=0.04),
    Promise("universal_mixture", "bias of a coin, exact posterior", f"{TOSSES} tosses", LEVEL,
            seconds=0.001, batch=coin),
    Promise("universal_mixture", "coefficient of a regression, Langevin draws",
            f"{ROWS} rows, truth from the prior", LEVEL, seconds=0.1, batch=langevin),
]
