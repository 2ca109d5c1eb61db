"""Weights of least entropy that balance functions up to a slack, by the exact dual.

Minimise ``sum p log(p / q)`` over the simplex subject to ``|G' p| <= C`` with ``G`` the functions
minus their target. The dual ``min log sum q exp(-G l) + C |l|_1`` has as many variables as there
are functions, and ``p ~ q exp(-G l)``. It is solved by a primal-dual interior-point method, whose
steps each cost one weighted covariance of the functions; without slack, by Newton steps in
directions that the functions span.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from workbench.core import check

__all__ = ["BalanceInfeasible", "Balanced", "balance", "least_slack"]

STEPS = 200
GAP, CLOSE = 1e-14, 1e-11        # product of multiplier and slack, and residual, at the end
ALLOWED = 1e-6                   # residual above the slack that is no balance any more
FARTHEST = 1e4                   # multiplier of functions in standard deviations
RANK = 1e-9                      # directions that are this much shorter than the longest are none


class BalanceInfeasible(ValueError):  # noqa: N818 - the paper's word
    """No weights on the observed items balance the functions to within the slack.

    Parameters
    ----------
    slack : float
        What was asked for.
    G : array, shape (n, J)
        The functions. The least slack, a linear program, waits until it is asked for.
    """

    def __init__(self, slack: float, G: np.ndarray):
        super().__init__(slack, G)
        self.slack, self.G = slack, G

    @cached_property
    def least(self) -> float:
        """The smallest slack that can be reached."""
        return least_slack(self.G)

    def __str__(self) -> str:
        why = ("no weights on the observed items balance them better" if self.least > self.slack
               else "what balances them so closely rests on next to no items")
        most = max(self.least, self.slack)
        return (f"slack must be at least {most:.4g} standard deviations for these "
                f"{self.G.shape[1]} functions, got {self.slack:g}: {why}. Raise slack well above "
                f"{most:.2g}, balance fewer functions, or smoother ones by a smaller gamma.")


@dataclass(frozen=True, eq=False)
class Balanced:
    """Weights and multipliers.

    Parameters
    ----------
    weights : array, shape (n,)
        On the simplex, above zero.
    dual : array, shape (J,)
        Multiplier of each function; zero where its slack is not used up.
    residual : array, shape (J,)
        Weighted minus target mean of each function.
    steps : int
    """

    weights: np.ndarray
    dual: np.ndarray
    residual: np.ndarray
    steps: int


def balance(G: np.ndarray, slack: float, base: np.ndarray) -> Balanced:
    """Balance functions.

    Parameters
    ----------
    G : array, shape (n, J)
        Functions on observed items minus their means over all items, in standard deviations.
    slack : float >= 0
        Largest imbalance [standard deviations]; infinity gives back `base`.
    base : array, shape (n,)
        On the simplex, above zero: weights that count as no change.

    Raises
    ------
    BalanceInfeasible
        If the observed items cannot be balanced so closely.

    Examples
    --------
    >>> balance(np.array([[-1.0], [2.0]]), 0.0, np.array([0.5, 0.5])).weights.round(6)
    array([0.666667, 0.333333])
    """
    if not slack >= 0:
        raise ValueError(f"slack must be at least 0, got {slack!r}. Pass 0.01 standard "
                         "deviations, or 0 for exact balance.")
    check.simplex(base)
    count = G.shape[1]
    if not count or np.isinf(slack) or np.abs(G.T @ base).max(initial=0.0) <= slack:
        return Balanced(base.copy(), np.zeros(count), G.T @ base, 0)
    found = _exact(G, base) if slack == 0 else _interior(G, slack, base)
    over = float(np.abs(found.residual).max()) - slack
    far = slack > 0 and np.abs(found.dual).max() > FARTHEST
    if far or not (over <= ALLOWED and (found.weights > 0).all()):
        raise BalanceInfeasible(slack, G)
    return found


def least_slack(G: np.ndarray) -> float:
    """Smallest slack that some weights reach: a linear program over the simplex.

    Parameters
    ----------
    G : array, shape (n, J)
        As in :func:`balance`.
    """
    from scipy.optimize import linprog

    n, count = G.shape
    cost = np.zeros(n + 1)
    cost[-1] = 1.0
    rows = np.column_stack([np.vstack([G.T, -G.T]), -np.ones(2 * count)])
    total = np.append(np.ones(n), 0.0)[None]
    solved = linprog(cost, A_ub=rows, b_ub=np.zeros(2 * count), A_eq=total, b_eq=[1.0],
                     method="highs")
    return float(solved.fun) if solved.success else np.nan


def _tilted(G: np.ndarray, dual: np.ndarray, logs: np.ndarray) -> tuple[np.ndarray, np.ndarray,
                                                                        float]:
    """Weights for multipliers, their residual, and the value of the smooth part of the dual."""
    scores = logs - G @ dual
    top = float(scores.max())
    amounts = np.exp(scores - top)
    total = float(amounts.sum())
    weights = amounts / total
    return weights, G.T @ weights, top + np.log(total)


def _covariance(G: np.ndarray, weights: np.ndarray, residual: np.ndarray) -> np.ndarray:
    return (G * weights[:, None]).T @ G - np.outer(residual, residual)


def _exact(G: np.ndarray, base: np.ndarray) -> Balanced:
    """Damped Newton steps on the dual without slack, in an orthonormal basis of the functions."""
    logs = np.log(base)
    _, lengths, right = np.linalg.svd(G * np.sqrt(base)[:, None], full_matrices=False)
    kept = lengths > RANK * lengths[0]
    turn = right[kept].T / lengths[kept]
    rotated = G @ turn
    dual = np.zeros(rotated.shape[1])
    weights, residual, value = _tilted(rotated, dual, logs)
    step = 0
    while step < STEPS and np.abs(residual).max() > CLOSE and np.abs(dual).max() < FARTHEST:
        step += 1
        if weights.max() > 1 - 1e-12:          # all on one item: they run away
            break
        curve = _covariance(rotated, weights, residual)
        curve[np.diag_indices_from(curve)] += 1e-13 * np.trace(curve) + 1e-300
        move = _solved(curve, residual)
        if move is None:
            break
        slope, size = float(residual @ move), 1.0
        while size > 1e-10:
            trial = _tilted(rotated, dual + size * move, logs)
            if trial[2] <= value - 0.1 * size * slope + 1e-15 * abs(value):
                break
            size /= 2
        if size <= 1e-10:
            break
        dual, (weights, residual, value) = dual + size * move, trial
    return Balanced(weights, turn @ dual, G.T @ weights, step)


def _interior(G: np.ndarray, slack: float, base: np.ndarray) -> Balanced:
    """Primal-dual interior-point steps for the dual with slack."""
    logs = np.log(base)
    dual = np.zeros(G.shape[1])
    weights, residual, _ = _tilted(G, dual, logs)
    edge = max(slack, 0.1 * float(np.abs(residual).max()))
    room = np.maximum(np.stack([slack - residual, slack + residual]), 0.1 * edge)
    pull = np.full_like(room, 0.1)               # alike, since `dual` is their difference
    step = 0
    while step < STEPS:
        step += 1
        gap = float((pull * room).mean())
        miss = np.stack([slack - residual, slack + residual]) - room
        if gap < GAP and np.abs(miss).max() < CLOSE:
            break
        move = _direction(G, (weights, residual), (pull, room), miss, 0.1 * gap)
        if move is None:
            break
        size = _within(pull, move[1], room, move[2])
        now = _merit(miss, pull * room - 0.1 * gap)
        while size > 1e-12:
            trial = dual + size * move[0]
            there = _tilted(G, trial, logs)
            new_pull, new_room = pull + size * move[1], room + size * move[2]
            gone = np.stack([slack - there[1], slack + there[1]]) - new_room
            if _merit(gone, new_pull * new_room - 0.1 * gap) <= (1 - 0.01 * size) * now:
                break
            size /= 2
        if size <= 1e-12 or np.abs(trial).max() > 10 * FARTHEST:
            break
        dual, pull, room, (weights, residual, _) = trial, new_pull, new_room, there
    return Balanced(weights, dual, residual, step)


def _direction(G: np.ndarray, state: tuple[np.ndarray, np.ndarray],
               pair: tuple[np.ndarray, np.ndarray], miss: np.ndarray,
               aim: float) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Newton step of multipliers, of their parts, and of the room that they leave."""
    (weights, residual), (pull, room) = state, pair
    curve = _covariance(G, weights, residual)
    wanted = (aim - pull * room - pull * miss) / room
    stiff = pull / room
    scale = stiff.sum(axis=0)
    move = _solved(curve + np.diag(1 / scale), (wanted[0] - wanted[1]) / scale)
    if move is None:
        return None
    turned = curve @ move
    to_room = miss + np.stack([turned, -turned])
    return move, (aim - pull * room - pull * to_room) / room, to_room


def _solved(system: np.ndarray, right: np.ndarray) -> np.ndarray | None:
    """Solution of a linear system; none where the weights have run away."""
    try:
        found = np.linalg.solve(system, right)
    except np.linalg.LinAlgError:
        return None
    return found if np.isfinite(found).all() else None


def _within(*pairs: np.ndarray) -> float:
    """Longest step that keeps everything above zero."""
    size = 1.0
    for value, move in zip(pairs[::2], pairs[1::2], strict=True):
        falls = move < 0
        if falls.any():
            size = min(size, 0.99 * float((value[falls] / -move[falls]).min()))
    return size


def _merit(miss: np.ndarray, product: np.ndarray) -> float:
    return float(np.sqrt((miss ** 2).sum() + (product ** 2).sum()))
