"""Step sizes of Langevin dynamics: constant, decaying, or in cycles with a sampling phase."""

import math
from dataclasses import dataclass

import numpy as np

from workbench.core import check

__all__ = ["SCHEDULES", "Plan", "checked_heat", "plan_of", "stationary_variance"]

SCHEDULES = ("constant", "decay", "cyclical")
GAMMA = 0.55             # power of the decay
AFTER = 0.1              # share of the steps after which the decay begins to bite


@dataclass(frozen=True, eq=False)
class Plan:
    """What each step does.

    Parameters
    ----------
    sizes : array, shape (steps,)
        Step sizes eta.
    noisy : array of bool, shape (steps,)
        Whether noise is added: not in the exploring phase of a cycle.
    kept : array of int, shape (s,)
        Steps after which parameters are kept; none in a burn-in or an exploring phase.
    weights : array, shape (s,)
        How much each kept draw counts, on the simplex: by step size where these decay, since
        draws then stand for unequal stretches of time.
    burn_in : int
        Steps before the first that may be kept: a preconditioner adapts in these alone.
    """

    sizes: np.ndarray
    noisy: np.ndarray
    kept: np.ndarray
    weights: np.ndarray
    burn_in: int


def plan_of(  # noqa: PLR0913 - options of the sampler
        schedule: str, lr: float, steps: int, *, snapshots: int = 50, burn_in: float = 0.3,
        cycles: int = 4, explore: float = 0.5) -> Plan:
    """The plan of a schedule.

    Parameters
    ----------
    schedule : {"constant", "decay", "cyclical"}
        ``lr``; ``lr (1 + k / c)**-0.55`` with c a tenth of the steps; ``lr / 2 (1 + cos(pi r))``
        with r the share of the cycle that is done.
    lr : float > 0
        Largest step size.
    steps, snapshots, cycles : int > 0
        At least one step of every sampling phase is kept.
    burn_in : float in [0, 1)
        Share of the steps before any is kept; of the cycles, the exploring phases are left out
        instead.
    explore : float in [0, 1)
        Share of each cycle without noise.

    Raises
    ------
    ValueError
        If something is out of range, or fewer steps may be kept than asked for.
    """
    check.one_of(SCHEDULES, schedule=schedule)
    check.whole(1, steps=steps, snapshots=snapshots, cycles=cycles)
    if not check.holds(lambda one: 0 < one < math.inf, lr):
        raise ValueError(f"lr must be positive and finite, got {lr!r}. Pass 0.001.")
    for name, share in {"burn_in": burn_in, "explore": explore}.items():
        if not check.holds(lambda one: 0 <= one < 1, share):
            raise ValueError(f"{name} must lie in [0, 1), got {share!r}. Pass 0.3.")
    k = np.arange(steps)
    sizes, noisy = np.full(len(k), float(lr)), np.ones(len(k), dtype=bool)
    first = int(burn_in * steps)
    if schedule == "decay":
        sizes = lr * (1 + k / (AFTER * steps)) ** -GAMMA
    elif schedule == "cyclical":
        length = math.ceil(steps / cycles)
        done = (k % length) / length
        sizes, noisy = lr / 2 * (np.cos(math.pi * done) + 1), done >= explore
        first = int(np.argmax(noisy))
    free = np.flatnonzero(noisy & (k >= first))
    if len(free) < snapshots:
        raise ValueError(f"snapshots must not exceed the steps that may be kept, got {snapshots} "
                         f"for {len(free)} of {steps}. Take more steps, or fewer snapshots.")
    places = np.round(np.linspace(0, len(free), snapshots + 1)[1:]).astype(int) - 1
    kept = free[places]
    amounts = sizes[kept] if schedule == "decay" else np.ones(len(kept))
    return Plan(sizes, noisy, kept, amounts / amounts.sum(), first)


def checked_heat(temperature: float) -> None:
    """Refuse temperatures of the dynamics that are negative, infinite or no number."""
    if not check.holds(lambda one: 0 <= one < math.inf, temperature):
        raise ValueError(f"temperature must be finite and >= 0, got {temperature!r}. 1 draws from "
                         "the posterior, 0 descends.")


def stationary_variance(precision: float, lr: float, *, temperature: float = 1.0,
                        scale: float = 1.0) -> float:
    """Variance of constant-step Langevin draws from a normal target with this precision.

    ``v = (1 - a)^2 v + lr scale T`` with ``a = lr scale precision / 2`` has the fixed point
    ``T / (precision (1 - lr scale precision / 4))``; `scale` is a frozen preconditioner.

    Raises
    ------
    ValueError
        If ``lr * scale * precision`` is not below 4, where draws run away.

    Examples
    --------
    >>> round(stationary_variance(4.0, 0.1), 4), round(stationary_variance(4.0, 0.4), 4)
    (0.2778, 0.4167)
    """
    check.positive(precision=precision, lr=lr, scale=scale)
    checked_heat(temperature)
    room = 1 - lr * scale * precision / 4
    if not room > 0:
        raise ValueError(f"lr must lie below 4 / (scale * precision) = "
                         f"{4 / (scale * precision):.4g}, got {lr!r}. Take smaller steps.")
    return temperature / (precision * room)
