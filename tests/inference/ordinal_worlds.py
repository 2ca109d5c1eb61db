"""Ordered worlds and oracles that share no code with the method."""

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit


def world(rng, n=300, p=4, gaps=(0.0, 1.5, 3.0), slope=0.6, bend=0.3):
    """Features, classes 0, 1, ... and the probability of the last one."""
    X = rng.uniform(-1, 1, (n, p)) * [*range(1, p + 1)] + 0.5
    first = rng.uniform(-slope, slope, p) / [*range(1, p + 1)]
    eta = np.array(gaps) + X @ first[:, None]
    eta[:, -1] += bend * X[:, 0]
    below = expit(eta)
    y = (rng.random(n)[:, None] > below).sum(axis=1)
    return X, y, 1 - below[:, -1]


def plain_probabilities(X, y, intercepts, coefs):
    """Probability of each row's own class, by plain differences."""
    below = np.hstack([np.zeros((len(X), 1)), expit(intercepts + X @ coefs.T),
                       np.ones((len(X), 1))])
    rows = np.arange(len(X))
    return below[rows, y + 1] - below[rows, y]


def objective(X, y, intercepts, coefs, lam, *, l1_ratio=1.0, base=1.0, weight=None):
    """Penalised mean loss, by its definition."""
    weight = np.ones(len(y)) if weight is None else weight
    share = weight / weight.sum()
    sd = np.sqrt(share @ (X - share @ X) ** 2)
    steps = np.diff(coefs * sd, axis=0, prepend=0.0)
    steps[0] *= base if l1_ratio == 1 else np.sqrt(base)
    cost = l1_ratio * np.abs(steps).sum() + (1 - l1_ratio) * (steps ** 2).sum() / 2
    return -share @ np.log(plain_probabilities(X, y, intercepts, coefs)) + lam * cost


def split_minimum(X, y, lam, *, base=1.0):
    """Least objective by L-BFGS-B on positive and negative parts of the increments."""
    n, p = X.shape
    m = y.max()
    Xs = (X - X.mean(axis=0)) / X.std(axis=0)
    factor = np.ones((m, p))
    factor[0] = base
    shares = np.cumsum(np.bincount(y) / n)[:-1]
    start = np.concatenate([np.log(shares / (1 - shares)), np.zeros(2 * m * p)])

    def value(free):
        c, plus, minus = free[:m], free[m:m + m * p], free[m + m * p:]
        coefs = np.cumsum((plus - minus).reshape(m, p), axis=0)
        below = np.hstack([np.zeros((n, 1)), expit(c + Xs @ coefs.T), np.ones((n, 1))])
        rows = np.arange(n)
        own = below[rows, y + 1] - below[rows, y]
        if (own <= 0).any():
            return 1e10, np.zeros_like(free)
        dense = below[:, 1:-1] * (1 - below[:, 1:-1])
        hit = (y[:, None] == np.arange(m)).astype(float) - (y[:, None] == np.arange(1, m + 1))
        u = -dense * hit / own[:, None] / n
        slope = np.cumsum((u.T @ Xs)[::-1], axis=0)[::-1].ravel()
        cost = lam * factor.ravel()
        return (-np.log(own).mean() + cost @ (plus + minus),
                np.concatenate([u.sum(axis=0), slope + cost, -slope + cost]))

    best = np.inf
    for _ in range(30):                  # a line search that met the edge of the domain gives up
        found = minimize(value, start, jac=True, method="L-BFGS-B",
                         bounds=[(None, None)] * m + [(0, None)] * (2 * m * p),
                         options={"maxcor": 30, "ftol": 1e-15, "gtol": 1e-10, "maxiter": 20000,
                                  "maxfun": 200000})
        if found.fun >= best - 1e-13:
            break
        best, start = found.fun, found.x
    return best


def cone_minimum(X, y, lam, *, everywhere=False):
    """Least objective by an interior-point solver of cones."""
    import cvxpy as cp

    n, p = X.shape
    m = y.max()
    Xs = (X - X.mean(axis=0)) / X.std(axis=0)
    c, B = cp.Variable(m), cp.Variable((m, p))
    eta = [c[k] + Xs @ B[k] for k in range(m)]
    loss = 0
    for k in range(m + 1):
        rows = np.flatnonzero(y == k)
        if k < m:
            loss += cp.sum(cp.logistic(-eta[k][rows]))
        if k:
            loss += cp.sum(cp.logistic(eta[k - 1][rows]))
        if 0 < k < m:
            loss -= cp.sum(cp.log(1 - cp.exp(eta[k - 1][rows] - eta[k][rows])))
    steps = cp.sum(cp.abs(B[0])) + sum(cp.sum(cp.abs(B[k] - B[k - 1])) for k in range(1, m))
    inside = [eta[k] <= eta[k + 1] for k in range(m - 1)] if everywhere else []
    return cp.Problem(cp.Minimize(loss / n + lam * steps), inside).solve(
        solver="CLARABEL", tol_gap_abs=1e-11, tol_gap_rel=1e-11, tol_feas=1e-11)
