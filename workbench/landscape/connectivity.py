"""How well pairs of networks are connected: along a trained curve, and along the straight line.

With values f at places t, e the mean of the two ends and t* the place where f is farthest from e,
the mode connectivity is ``mc = e - f(t*)``: below zero there is a barrier, above zero the curve
finds better networks than its ends, near zero they are well connected. Linear connectivity has a
sign convention of its own: the barrier is the largest excess over the line between the ends'
values, so that larger is worse and zero is connected.

Source: Y. Yang et al., NeurIPS 2021; J. Frankle, G. K. Dziugaite, D. Roy, M. Carbin, ICML 2020.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from workbench.core import Measure, check
from workbench.landscape.curves import CurveTraining, bezier, midpoint, speeds, train_curves
from workbench.landscape.objective import Tensors, few_threads

__all__ = ["PLACES", "Connectivity", "barrier", "curve_connectivity",
           "curve_profile", "line_profile", "mode_connectivity", "pairs_within"]

PLACES = (0.0, 0.25, 0.5, 0.75, 1.0)
Evaluate = Callable[[Tensors], Mapping[str, Tensor]]


@dataclass(frozen=True)
class Connectivity:
    """Values along the paths between K pairs.

    Parameters
    ----------
    places : array, shape (T,)
        From 0, the start, to 1, the end.
    values : mapping of names to arrays, shape (K, T)
        What was evaluated, for instance ``train_error`` [percentage points].
    speed : array, shape (K, T)
        Length of path per unit of place.
    bend : mapping of names to tensors, first axis K, or None
        Trained middle points; None for a straight line.
    """

    places: np.ndarray
    values: Mapping[str, np.ndarray]
    speed: np.ndarray
    bend: Mapping[str, Tensor] | None = None

    def mc(self, name: str) -> np.ndarray:
        """Mode connectivity of each pair, shape (K,)."""
        return mode_connectivity(self._named(name))

    def barrier(self, name: str) -> np.ndarray:
        """Largest excess over the line between the ends' values, shape (K,)."""
        return barrier(self._named(name), self.places)

    def measure(self, name: str, unit: str = "percentage points") -> Measure:
        """Mean connectivity over pairs with its standard error; NaN for a single pair."""
        each = self.mc(name)
        spread = float(each.std(ddof=1)) / len(each) ** 0.5 if len(each) > 1 else np.nan
        return Measure(float(each.mean()), spread, unit)

    def table(self) -> pd.DataFrame:
        """One row per pair and place."""
        pairs, places = self.speed.shape
        return pd.DataFrame({"pair": np.repeat(np.arange(pairs), places),
                             "t": np.tile(self.places, pairs)}
                            | {name: each.ravel() for name, each in self.values.items()})

    def summary(self) -> pd.DataFrame:
        """One row per pair and name: connectivity, barrier, extremes, means by t and by length."""
        rows = []
        for name, values in self.values.items():
            length = np.trapezoid(self.speed, self.places, axis=1)
            along = np.trapezoid(values * self.speed, self.places, axis=1)
            with np.errstate(invalid="ignore"):      # no length between equal ends
                rows.append(pd.DataFrame({
                    "pair": np.arange(len(values)), "name": name, "mc": self.mc(name),
                    "barrier": self.barrier(name), "min": values.min(1), "max": values.max(1),
                    "mean": np.trapezoid(values, self.places, axis=1),
                    "mean_by_length": np.where(length > 0, along / length, values.mean(1))}))
        return pd.concat(rows, ignore_index=True)

    def _named(self, name: str) -> np.ndarray:
        check.one_of(self.values, name=name)
        return self.values[name]


def mode_connectivity(values: Any) -> np.ndarray:
    """Mode connectivity of values along paths, the ends included.

    Parameters
    ----------
    values : array, shape (..., T) with T >= 3
        Errors or losses in order of place, the ends first and last.

    Examples
    --------
    >>> mode_connectivity([[10, 12, 30, 12, 14], [40, 20, 15, 20, 38]])
    array([-18.,  24.])
    """
    found = _path(values)
    ends = (found[..., :1] + found[..., -1:]) / 2
    far = np.abs(found - ends)
    broken = np.isnan(far).any(-1)
    place = np.where(np.isnan(far), -1, far).argmax(-1)
    mc = ends[..., 0] - np.take_along_axis(found, place[..., None], -1)[..., 0]
    return np.where(broken, np.nan, mc)


def barrier(values: Any, places: Any = None) -> np.ndarray:
    """Largest excess of values over the line between their ends; larger is worse, never negative.

    Parameters
    ----------
    values : array, shape (..., T) with T >= 3
    places : array, shape (T,), optional
        Even ones from 0 to 1 if not given.

    Examples
    --------
    >>> float(barrier([10, 12, 30, 12, 14])), float(barrier([40, 20, 15, 20, 38]))
    (18.0, 0.0)
    """
    found = _path(values)
    t = np.linspace(0, 1, found.shape[-1]) if places is None else np.asarray(places, float)
    return (found - (1 - t) * found[..., :1] - t * found[..., -1:]).max(-1)


def curve_connectivity(losses: Callable[[Tensors, Tensor], Tensor], evaluate: Evaluate,  # noqa: PLR0913 - two ends
                       start: Tensors, end: Tensors, rows: int,
                       how: CurveTraining | None = None, *, rng: torch.Generator,
                       places: Sequence[float] = PLACES) -> Connectivity:
    """Train the curves between K pairs and evaluate them.

    Parameters
    ----------
    losses, start, end, rows, how, rng
        As in :func:`~workbench.landscape.curves.train_curves`.
    evaluate, places
        As in :func:`curve_profile`.
    """
    bend = train_curves(losses, start, end, rows, how, rng=rng)
    return curve_profile(evaluate, start, bend, end, places)


def curve_profile(evaluate: Evaluate, start: Tensors, bend: Tensors, end: Tensors,
                  places: Sequence[float] = PLACES) -> Connectivity:
    """Evaluate K curves.

    Parameters
    ----------
    evaluate : function of params giving a mapping of names to tensors, shape (K,)
        Error, loss or other values of each network. Statistics of batch normalisation are its
        business: it should estimate them anew for the parameters it is given, the ends included.
    start, bend, end : mapping of names to tensors, first axis K
    places : sequence of float in [0, 1], at least 3, from 0 to 1
    """
    t = np.asarray(places, dtype=float)
    if len(t) < 3 or t[0] != 0 or t[-1] != 1 or not (np.diff(t) > 0).all():
        raise ValueError(f"places must rise from 0 to 1 and be at least 3, got {places!r}. Pass "
                         "(0, 0.25, 0.5, 0.75, 1).")
    with torch.no_grad(), few_threads(start):
        found = [evaluate(bezier(start, bend, end, float(at))) for at in t]
        speed = [speeds(start, bend, end, float(at)) for at in t]
    return Connectivity(t, {name: _columns([one[name] for one in found]) for name in found[0]},
                        _columns(speed), bend)


def line_profile(evaluate: Evaluate, start: Tensors, end: Tensors,
                 places: Sequence[float] = tuple(np.linspace(0, 1, 11))) -> Connectivity:
    """Evaluate the straight lines between K pairs; arguments as in :func:`curve_profile`."""
    found = curve_profile(evaluate, start, midpoint(start, end), end, places)
    return Connectivity(found.places, found.values, found.speed)


def pairs_within(groups: Sequence[Any]) -> tuple[Tensor, Tensor]:
    """Positions of all pairs of models of the same group, for instance seeds of one cell.

    Examples
    --------
    >>> pairs_within(["narrow", "wide", "narrow", "narrow"])
    (tensor([0, 0, 2]), tensor([2, 3, 3]))
    """
    found = [(a, b) for a, b in combinations(range(len(groups)), 2) if groups[a] == groups[b]]
    if not found:
        raise ValueError("groups must hold two models of one group at least, got none among "
                         f"{len(groups)}. Train two seeds per cell.")
    first, second = zip(*found, strict=True)
    return torch.tensor(first), torch.tensor(second)


def _columns(each: Sequence[Tensor]) -> np.ndarray:
    return torch.stack([one.double() for one in each], 1).cpu().numpy()


def _path(values: Any) -> np.ndarray:
    found = np.asarray(values, dtype=float)
    if found.ndim == 0 or found.shape[-1] < 3:
        raise ValueError("values must hold three places at least, the ends and one between, got "
                         f"shape {found.shape}. Evaluate the path at more places.")
    return found
