"""One penalised fit: Newton steps that stay inside the domain and never stall.

    minimise  loss(psi) + lam * sum weight * (a * |psi| + (1 - a) * psi^2 / 2)

Each step minimises the quadratic model of the loss plus the penalty, then goes as far along it as
the loss falls enough. The loss is convex and grows without bound towards the edge of its domain,
so that a short enough step always succeeds; the largest that stays inside is known beforehand.
"""

from dataclasses import dataclass

import numpy as np

from workbench.inference.ordinal.objective import Local, Loss
from workbench.inference.ordinal.quadratic import penalised_minimum

__all__ = ["Penalty", "Solution", "minimise"]

INSIDE = 0.99            # share of the way to the edge of the domain
ENOUGH = 1e-4            # share of the predicted fall that a step must bring
SHORTEST = 1e-14         # of a step; below, rounding decides
ROUNDING = 1e-13         # of an objective, relative
WHOLE = 400              # increments up to which all columns move at once


class Penalty:
    """What increments cost.

    Parameters
    ----------
    lam : float >= 0
    l1_ratio : float in [0, 1]
    amounts : array, shape (m, 1 + p)
        Factor of each increment, 0 for intercepts.

    Attributes
    ----------
    absolute, squared : array, shape (m, 1 + p)
        Factor of each absolute value, and of half of each square.
    """

    def __init__(self, lam: float, l1_ratio: float, amounts: np.ndarray):
        self.absolute = lam * l1_ratio * amounts
        self.squared = lam * (1 - l1_ratio) * amounts

    def __call__(self, psi: np.ndarray) -> float:
        return float((self.absolute * np.abs(psi)).sum() + (self.squared * psi ** 2).sum() / 2)


@dataclass(frozen=True, eq=False)
class Solution:
    """Increments at the minimum.

    Parameters
    ----------
    psi : array, shape (m, 1 + p)
        Increments of intercepts and standardised coefficients.
    objective : float
    loss : float
        Mean negative log likelihood, without penalty and barrier.
    violation : float
        Largest distance of a slope from what optimality asks of it.
    steps : int
    """

    psi: np.ndarray
    objective: float
    loss: float
    violation: float
    steps: int

    @property
    def theta(self) -> np.ndarray:
        """Intercepts and standardised coefficients of each boundary, shape (m, 1 + p)."""
        return np.cumsum(self.psi, axis=0)


def minimise(loss: Loss, penalty: Penalty, psi: np.ndarray, local: Local | None = None, *,
             max_iter: int = 20000, tol: float = 1e-12) -> tuple[Solution, Local]:
    """Minimise the penalised loss from a point of its domain.

    Parameters
    ----------
    loss : Loss
    penalty : Penalty
    psi : array, shape (m, 1 + p)
        Where to start.
    local : Local, optional
        The loss around it, where it is known.
    max_iter : int
        Newton steps at most.
    tol : float
        Largest distance of a slope from what optimality asks of it, in log odds; where rounding
        keeps it larger, the search ends there.

    Returns
    -------
    solution : Solution
    local : Local
        The loss around it.
    """
    columns = None if psi.size <= WHOLE else np.flatnonzero(
        (psi != 0).any(axis=0) | (penalty.absolute == 0).any(axis=0))
    local = loss.local(np.cumsum(psi, axis=0)) if local is None else local
    far, steps = _violations(local, penalty, psi), 0
    while steps < max_iter and far.max() > tol:
        if columns is not None:
            columns = np.union1d(columns, np.flatnonzero((far > tol).any(axis=0)))
        there, found, certain = _step(loss, local, penalty, psi, columns)
        left, steps = _violations(found, penalty, there), steps + 1
        if not certain and left.max() > far.max() / 2:
            break                    # rounding hides what is left to gain
        psi, local, far = there, found, left
    value = local.value + penalty(psi)
    return Solution(psi, value, local.plain, float(far.max()), steps), local


def _violations(local: Local, penalty: Penalty, psi: np.ndarray) -> np.ndarray:
    """Distance of each slope from the subdifferential of the penalty, with its sign."""
    slope = local.gradient + penalty.squared * psi
    return np.where(psi == 0, np.maximum(np.abs(slope) - penalty.absolute, 0.0),
                    np.abs(slope + penalty.absolute * np.sign(psi)))


def _step(loss: Loss, local: Local, penalty: Penalty, psi: np.ndarray,
          columns: np.ndarray | None) -> tuple[np.ndarray, Local, bool]:
    """The next point, the loss around it, and whether it is certainly lower."""
    some = slice(None) if columns is None else columns
    own, squared = psi[:, some], penalty.squared[:, some]
    slope, absolute = local.gradient[:, some] + squared * own, penalty.absolute[:, some]
    H = loss.hessian(local, columns).reshape(own.size, own.size)
    H[np.diag_indices(own.size)] += squared.ravel()
    wanted = penalised_minimum(H, slope.ravel(), own.ravel(), absolute.ravel()).reshape(own.shape)
    promised = float((absolute * (np.abs(own) - np.abs(wanted)) - slope * (wanted - own)).sum())
    move = np.zeros_like(psi)
    move[:, some] = wanted - own
    change = np.cumsum(move, axis=0)
    along, now = loss.around(change, ends=0.0), local.value + penalty(psi)
    share = min(1.0, INSIDE * loss.room(local, along, change))
    noise = ROUNDING * abs(now)
    while share > SHORTEST:
        there = psi + share * move
        found = loss.local(local.theta + share * change, local.around + share * along)
        if now - found.value - penalty(there) >= ENOUGH * share * promised - noise:
            return there, found, promised > 10 * noise
        share /= 2
    return psi, local, False
