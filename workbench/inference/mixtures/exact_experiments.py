"""The exact experiments as tables: threshold networks, coins, and experts.

Each gives the regret under its bounds, weights, the posterior over time and the parts of the
bound.
"""

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from workbench.inference.mixtures import bernoulli, threshold
from workbench.inference.mixtures.bounds import (
    Bound,
    EmptyBallWarning,
    effective_dimension,
    mixture_regret_bound,
    soft_log_weight,
)
from workbench.inference.mixtures.experts import Followed
from workbench.inference.mixtures.weight import ball_weight
from workbench.inference.universal_mixture import FiniteMixture

__all__ = ["Exact", "coins", "experts", "networks"]

SHOWN = 3                # hypotheses told by name in a posterior
POINTS = 400             # of a curve over time at most
BIASES = 200             # cells of coins
CELLS = ((0.0, 0.05, "within 0.05 of p"), (0.05, 0.15, "0.05 to 0.15 from p"),
         (0.15, 1.0, "farther"))


@dataclass(frozen=True, eq=False)
class Exact:
    """Tables of one experiment, and what decides its bound.

    Parameters
    ----------
    tables : mapping of name to DataFrame
        ``regret``, ``weights``, ``posterior``, ``bound``.
    bound : Bound
    soft : float
        The soft bound on the total regret [nats].
    """

    tables: Mapping[str, pd.DataFrame]
    bound: Bound
    soft: float


def networks(  # noqa: PLR0913 - parameters of the study
        target: str, hidden: Sequence[int], n: int, flip: float, eps: np.ndarray, *,
        temperature: float, rng: np.random.Generator) -> Exact:
    """Threshold networks of growing size, labels of one target flipped now and then."""
    sizes = sorted({int(one) for one in hidden})
    rows, weights = [], {}
    for size in sizes:
        weights[size] = threshold.function_weights(size)
        for name, place in threshold.TARGETS.items():
            own, far = weights[size][place], threshold.divergences(name, flip)
            found = threshold.expected_regret(weights[size], name, n, flip, rng=rng)
            rows.append({
                "function": name, "hidden": size, "log10_size": threshold.log10_class_size(size),
                "regret": found.value, "error": found.stderr, "weight": own,
                "ball": -math.log(own) if own > 0 else math.inf,
                "soft": -soft_log_weight(_logs(weights[size]), far, n),
                "count": threshold.log10_class_size(size) * math.log(10)})
    last = weights[sizes[-1]]
    labels, at = threshold.simulated(target, n, flip, rng=rng)
    path = FiniteMixture(_logs(last), temperature).follow(threshold.loglik(labels, at, flip))
    names = [threshold.name_of(place) for place in range(16)]
    bound = _bound(eps, threshold.divergences(target, flip), last, n)
    share = pd.concat([pd.DataFrame({"name": names, "hidden": size, "weight": one})
                       for size, one in weights.items()], ignore_index=True)
    return Exact({"regret": pd.DataFrame(rows), "weights": share,
                  "posterior": _areas(path.weights, names, first=target),
                  "bound": _parts(bound)}, bound,
                 -soft_log_weight(_logs(last), threshold.divergences(target, flip), n))


def coins(p: float, n: int, prior: tuple[float, float], eps: np.ndarray, *,
          rng: np.random.Generator) -> Exact:
    """Coins of every bias under a Beta prior."""
    a, b = prior
    weight = bernoulli.ball_log_weight(eps, p, a, b)
    sizes = np.unique(np.round(np.geomspace(1, n, 40)).astype(int))
    rows = [{"n": int(size), "regret": bernoulli.expected_regret(int(size), p, a, b),
             "soft": -bernoulli.soft_log_weight(int(size), p, a, b),
             "ball": mixture_regret_bound(eps, weight, int(size)).value * size,
             "growth": 0.5 * math.log(size)} for size in sizes]
    tosses = np.concatenate([[0], np.cumsum(rng.random(n) < p)])
    edges = np.linspace(0, 1, BIASES + 1)
    moments = [0, max(1, n // 10), n] if n > 1 else [0, n]
    steps = np.unique([*np.linspace(0, n, POINTS).astype(int), *moments])
    cells = bernoulli.posterior_cells(tosses[steps], steps - tosses[steps], edges, a, b)
    middle = (edges[1:] + edges[:-1]) / 2
    weights = pd.concat([pd.DataFrame({
        "bias": middle, "seen": one, "relative": BIASES * cells[np.searchsorted(steps, one)]})
        for one in moments], ignore_index=True)
    near = np.abs(middle - p)
    grouped = np.stack([cells[:, (near >= low) & (near < high)].sum(axis=1)
                        for low, high, _ in CELLS], axis=1)
    bound = mixture_regret_bound(eps, weight, n)
    parts = _parts(bound).assign(dimension=effective_dimension(eps, weight), log_weight=weight)
    return Exact({"regret": pd.DataFrame(rows), "weights": weights,
                  "posterior": _areas(grouped, [name for *_, name in CELLS], first=CELLS[0][2],
                                      steps=steps),
                  "bound": parts}, bound, -bernoulli.soft_log_weight(n, p, a, b))


def experts(found: Followed, names: Sequence[str], rows: Any, eps: np.ndarray) -> Exact:
    """Experts over a table, step by step."""
    path, t = found.path, len(found.path.log_predictive)
    best = path.best()
    own = np.cumsum(path.loglik[:, best])
    curves = pd.DataFrame({
        "step": np.arange(1, t + 1), "mixture": own - np.cumsum(path.log_predictive),
        "leader": own + np.cumsum(path.leader_loss()),
        "average": own + np.cumsum(path.average_loss()), "bound": path.bound[best]})
    weights = pd.DataFrame({"name": list(names), "weight": found.weights[-1],
                            "batch": found.batch_weights, "first": found.weights[0],
                            "regret": found.regret[-1]})
    excess = (path.losses - path.losses[best]) / t
    prior = np.exp(path.log_weights[0])
    bound = _bound(np.concatenate([[0.0], eps]), np.maximum(excess, 0.0), prior, t)
    steps = pd.DataFrame({"row": rows, "forecast": found.forecast,
                          "log_loss": -path.log_predictive, "average_loss": path.average_loss(),
                          "leader_loss": path.leader_loss(),
                          **{f"weight {name}": found.weights[:-1, at]
                             for at, name in enumerate(names)}})
    heaviest = names[int(np.argmax(found.weights[-1]))]
    return Exact({"regret": _thinned(curves), "weights": weights, "steps": steps,
                  "posterior": _areas(found.weights, list(names), first=heaviest),
                  "bound": _parts(bound)}, bound,
                 -soft_log_weight(_logs(prior), np.maximum(excess, 0.0), t))


def _logs(weights: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore"):
        logs: np.ndarray = np.log(weights / weights.sum())
    return logs


def _bound(eps: np.ndarray, kl: np.ndarray, weights: np.ndarray, n: int) -> Bound:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", EmptyBallWarning)      # told by the infinite number
        return mixture_regret_bound(eps, ball_weight(eps, kl, _logs(weights)), n)


def _parts(bound: Bound) -> pd.DataFrame:
    return pd.DataFrame({"eps": bound.eps, "price": bound.price, "total": bound.total})


def _areas(weights: np.ndarray, names: Sequence[str], *, first: str,
           steps: np.ndarray | None = None) -> pd.DataFrame:
    """Weights over time of the named hypothesis, the heaviest others, and all that remain."""
    keep = np.unique(np.linspace(0, len(weights) - 1, min(POINTS, len(weights))).astype(int))
    at = keep if steps is None else steps[keep]
    table = pd.DataFrame(weights[keep], columns=list(names))
    heavy = table.mean().sort_values(ascending=False).index
    told = [first, *(name for name in heavy if name != first)][:SHOWN]
    shown = table[told].assign(step=at)
    if len(names) > len(told):
        shown["all others"] = (1 - table[told].sum(axis=1)).clip(lower=0.0)
    return shown.melt("step", var_name="hypothesis", value_name="weight")


def _thinned(curves: pd.DataFrame) -> pd.DataFrame:
    keep = np.unique(np.linspace(0, len(curves) - 1, min(POINTS, len(curves))).astype(int))
    return curves.iloc[keep].reset_index(drop=True)
