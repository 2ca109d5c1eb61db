"""Mean loss of ordered outcomes, its gradient and its Hessian in the increments.

A row of class k lies between the boundaries ``Z @ theta[k - 1]`` and ``Z @ theta[k]``; increments
are ``psi[0] = theta[0]``, ``psi[k] = theta[k] - theta[k - 1]``. Only the boundaries around its own
class enter a row, so that the Hessian in theta is block tridiagonal.
"""

from dataclasses import dataclass

import numpy as np

from workbench.inference.ordinal.barrier import Barrier
from workbench.inference.ordinal.products import products
from workbench.inference.ordinal.rows import Rows

__all__ = ["Local", "Loss"]


@dataclass(frozen=True, eq=False)
class Local:
    """The loss around one point.

    Parameters
    ----------
    theta : array, shape (m, 1 + p)
    value : float
        Infinite outside the domain, where the rest says nothing.
    plain : float
        Without the barrier.
    gradient : array, shape (m, 1 + p)
        In the increments.
    around : array, shape (2, n)
        Boundary below and above the class of each row.
    curvature : array, shape (5, n)
        As :func:`~workbench.inference.ordinal.loops.terms` fills it.
    """

    theta: np.ndarray
    value: float
    plain: float
    gradient: np.ndarray
    around: np.ndarray
    curvature: np.ndarray


class Loss:
    """Mean of ``-log p`` over weighted rows.

    Parameters
    ----------
    rows : Rows
    barrier : Barrier, optional
        Added to the loss, so that every class has a positive probability in every row; without,
        only the classes that were observed need one.
    """

    def __init__(self, rows: Rows, barrier: Barrier | None = None):
        self.rows, self.barrier = rows, barrier
        self._parts = [rows.part(k) for k in range(rows.boundaries + 1)]
        self._Z = [rows.Z[part] for part in self._parts]
        self._columns = np.ascontiguousarray(rows.Z.T)
        self._inner = slice(self._parts[1].start, self._parts[-1].start)

    def around(self, theta: np.ndarray, *, ends: float = np.inf) -> np.ndarray:
        """Boundaries below and above the class of each row, the outermost minus and plus `ends`.

        Returns
        -------
        around : array, shape (2, n)
        """
        found = np.empty((2, len(self.rows.Z)))
        for k, (part, Z) in enumerate(zip(self._parts, self._Z, strict=True)):
            found[0, part] = Z @ theta[k - 1] if k else -ends
            found[1, part] = Z @ theta[k] if k < len(theta) else ends
        return found

    def local(self, theta: np.ndarray, around: np.ndarray | None = None) -> Local:
        """Value, gradient and what the Hessian is made of; `around` where it is known."""
        from workbench.inference.ordinal.loops import terms

        around = self.around(theta) if around is None else around
        curvature = np.empty((5, around.shape[1]))
        plain = value = float(terms(around[0], around[1], self.rows.weight, curvature))
        gradient = np.zeros_like(theta)
        if value < np.inf:
            for k, (part, Z) in enumerate(zip(self._parts, self._Z, strict=True)):
                if k < len(theta):
                    gradient[k] += curvature[1, part] @ Z
                if k:
                    gradient[k - 1] += curvature[0, part] @ Z
            if self.barrier is not None:
                more, slope = self.barrier.local(theta)
                value, gradient = value + more, gradient + slope
        for k in range(len(theta) - 2, -1, -1):
            gradient[k] += gradient[k + 1]
        return Local(theta, value, plain, gradient, around, curvature)

    def hessian(self, local: Local, some: np.ndarray | None = None) -> np.ndarray:
        """Second derivatives in the increments, shape (m, q, m, q), of some columns or all."""
        columns = self._columns if some is None else self._columns[some]
        H = self._blocks(local, columns)
        if self.barrier is not None:
            self.barrier.add_hessian(local.theta, columns, H)
        m = len(H)
        for k in range(1, m):
            H[k, k - 1] = H[k - 1, k]
        for k in range(m - 2, -1, -1):          # sums over later boundaries, in both directions
            H[k] += H[k + 1]
        for k in range(m - 2, -1, -1):
            H[:, k] += H[:, k + 1]
        return H.transpose(0, 2, 1, 3)

    def _blocks(self, local: Local, columns: np.ndarray) -> np.ndarray:
        """Second derivatives in theta, shape (m, m, q, q), but for those below the diagonal."""
        m = self.rows.boundaries
        H = np.zeros((m, m, len(columns), len(columns)))
        for k, part in enumerate(self._parts):
            inner = 0 < k < m
            wanted = slice(2, 5) if inner else slice(2, 3) if k else slice(3, 4)
            found = products(columns[:, part], local.curvature[wanted, part])
            if k:
                H[k - 1, k - 1] += found[0]
            if k < m:
                H[k, k] += found[int(inner)]
            if inner:
                H[k - 1, k] -= found[2]
        return H

    def room(self, local: Local, along: np.ndarray, move: np.ndarray) -> float:
        """How far one can go before two boundaries meet around an observed class, or any.

        Parameters
        ----------
        local : Local
        along : array, shape (2, n)
            How the boundaries around each class change.
        move : array, shape (m, 1 + p)
            How theta changes.
        """
        (low, high), (down, up) = local.around[:, self._inner], along[:, self._inner]
        closing = down > up
        room = float(((high - low)[closing] / (down - up)[closing]).min(initial=np.inf))
        return room if self.barrier is None else min(room, self.barrier.room(local.theta, move))
