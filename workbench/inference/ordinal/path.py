"""The penalty path: from the largest lambda, at which all increments are zero, downwards."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from workbench.inference.ordinal.barrier import Barrier
from workbench.inference.ordinal.newton import Penalty, Solution, minimise
from workbench.inference.ordinal.objective import Local, Loss
from workbench.inference.ordinal.rows import Rows

__all__ = ["FEASIBILITIES", "Path", "Problem"]

FEASIBILITIES = ("observed", "all")
FUSED = 1e10             # a lambda that no slope of a mean loss reaches
LEAST_RATIO = 0.01       # share of the absolute values below which lambda_max stays
STRENGTHS = (1e-2, 1e-4, 1e-6, 1e-8, 1e-9)      # of the barrier, one after the other
ROUGHLY = 1e-6           # how near to optimality all but the last of them are solved


@dataclass(frozen=True, eq=False)
class Path:
    """Fits along a path.

    Parameters
    ----------
    lambdas : array, shape (l,)
        Decreasing.
    intercepts : array, shape (l, m)
        Of the columns as they were given, like all but the increments.
    coefs : array, shape (l, m, p)
    increments : array, shape (l, m, p)
        Of standardised columns: coefficients of the first boundary, then differences between
        neighbours.
    differences : array, shape (l, m, p)
        The same of the columns as they were given.
    objectives, losses, violations : array, shape (l,)
        Penalised mean loss; mean loss; largest distance of a slope from what optimality asks.
    steps : array of int, shape (l,)
        Newton steps.
    """

    lambdas: np.ndarray
    intercepts: np.ndarray
    coefs: np.ndarray
    increments: np.ndarray
    differences: np.ndarray
    objectives: np.ndarray
    losses: np.ndarray
    violations: np.ndarray
    steps: np.ndarray

    def boundaries(self, X: np.ndarray) -> np.ndarray:
        """Log odds of every boundary, shape (l, n, m)."""
        slopes = np.einsum("np,lmp->lnm", X, self.coefs, optimize=True)
        return slopes + self.intercepts[:, None, :]

    @classmethod
    def of(cls, rows: Rows, lambdas: np.ndarray, fits: Sequence[Solution]) -> "Path":
        """Gather fits, their coefficients taken back to the columns as they were given."""
        intercepts, coefs = rows.original(np.array([fit.theta for fit in fits]))
        increments = np.array([fit.psi[:, 1:] for fit in fits])
        return cls(lambdas, intercepts, coefs, increments, increments / rows.scale, *(
                   np.array([getattr(fit, name) for fit in fits]) for name in (
                       "objective", "loss", "violation", "steps")))


class Problem:
    """Penalised fits to the same rows.

    Parameters
    ----------
    rows : Rows
    l1_ratio : float in [0, 1]
        Share of absolute values in the penalty; the rest are halves of squares.
    penalize_base : float >= 0
        Factor of the penalty on the coefficients of the first boundary.
    feasibility : {"observed", "all"}
        Whether only observed classes need a positive probability in their rows, or all classes
        in all rows.
    max_iter, tol : int, float
        As of :func:`~workbench.inference.ordinal.newton.minimise`.
    """

    def __init__(self, rows: Rows, *, l1_ratio: float = 1.0,
                 penalize_base: float = 1.0, feasibility: str = "observed",
                 max_iter: int = 20000, tol: float = 1e-12):
        self.rows, self.loss = rows, Loss(rows)
        self.l1_ratio, self.feasibility = l1_ratio, feasibility
        self._how: dict[str, Any] = {"max_iter": max_iter, "tol": tol}
        self.amounts = np.ones((rows.boundaries, rows.Z.shape[1]))
        self.amounts[0] = penalize_base
        self.amounts[:, 0] = 0.0

    @cached_property
    def null(self) -> Solution:
        """The fit with all penalised increments at zero: lambda is infinite."""
        below = np.cumsum(self.rows.frequencies())[:-1]
        start = np.zeros_like(self.amounts)
        start[:, 0] = np.diff(np.log(below / (1 - below)), prepend=0.0)
        return minimise(self.loss, Penalty(FUSED, 1.0, self.amounts), start, **self._how)[0]

    @cached_property
    def largest(self) -> float:
        """The smallest lambda at which all penalised increments are zero; 0 without any."""
        slopes = np.abs(self.loss.local(self.null.theta).gradient)
        held = self.amounts > 0
        ratio = max(self.l1_ratio, LEAST_RATIO)
        return float((slopes[held] / self.amounts[held]).max(initial=0.0)) / ratio

    def lambdas(self, count: int, ratio: float) -> np.ndarray:
        """`count` values from the largest down to `ratio` times it, evenly spaced in logarithm."""
        top = max(self.largest, 1e-12)
        return top * np.geomspace(1.0, ratio, count)

    def solve(self, lambdas: Iterable[float]) -> list[Solution]:
        """Fits at each lambda, one warm-started by the other."""
        fits, start, local = list[Solution](), self.null, None
        for lam in lambdas:
            start, local = self._solved(lam, start, local)
            fits.append(start)
        return fits

    def path(self, lambdas: np.ndarray) -> Path:
        """The same as a `Path`."""
        return Path.of(self.rows, lambdas, self.solve(lambdas))

    def _solved(self, lam: float, start: Solution, local: Local | None
                ) -> tuple[Solution, Local | None]:
        """The fit, and the loss around it where it is not fenced."""
        if np.isinf(lam):
            return self.null, None
        penalty = Penalty(lam, self.l1_ratio, self.amounts)
        free, local = minimise(self.loss, penalty, start.psi, local, **self._how)
        if self.feasibility == "observed" or (
                np.diff(self.rows.Z @ free.theta.T, axis=1) > 0).all():
            return free, local
        psi, steps = self.null.psi, free.steps           # where no boundaries cross
        for strength in STRENGTHS:
            fenced = Loss(self.rows, Barrier(self.rows, strength / (self.rows.boundaries - 1)))
            how = self._how if strength == STRENGTHS[-1] else self._how | {"tol": ROUGHLY}
            found, _ = minimise(fenced, penalty, psi, **how)
            psi, steps = found.psi, steps + found.steps
        return Solution(psi, found.loss + penalty(psi), found.loss, found.violation, steps), None
