"""Soups: an average of those members that help, ``params = weights @ members``.

Members are tried from the best to the worst; each stays if the score of the average does not
fall. Source: M. Wortsman et al., Model soups: averaging weights of multiple fine-tuned models
improves accuracy without increasing inference time, ICML 2022, recipe 1.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from torch import Tensor

from workbench.landscape.averaging import average
from workbench.landscape.members import Members, Tensors, stacked_members, taken

__all__ = ["Soup", "greedy_soup"]


@dataclass(frozen=True, eq=False)
class Soup:
    """An average of some members.

    Parameters
    ----------
    params : dict of name to tensor
    weights : array, shape (k,)
        On the simplex: equal for the members that stayed, zero for the others.
    score : float
        Of the average.
    history : DataFrame
        One row per member in the order of trial: member, alone (its own score), mixed (score of
        the average with it), kept.
    """

    params: dict[str, Tensor]
    weights: np.ndarray
    score: float
    history: pd.DataFrame


def greedy_soup(members: Members, score: Callable[[dict[str, Tensor]], float], *,
                tolerance: float = 0.0) -> Soup:
    """Average the members that do not lower the score.

    Parameters
    ----------
    members : stacked tensors, shape (k, ...), or sequence of modules or state dicts
    score : function of the params of one network giving a float
        Large is good, for instance accuracy on validation rows, which must not be the test rows;
        called at most ``2 * k - 1`` times.
    tolerance : float >= 0
        Fall of the score that a member may cause; infinity keeps all members.

    Returns
    -------
    soup : Soup
        Never worse than the best member by more than what `tolerance` lets through.

    Raises
    ------
    ValueError
        If there is no member, or if a score is NaN.

    Examples
    --------
    >>> import torch
    >>> members = [{"w": torch.tensor([value])} for value in (0.0, 2.0, 9.0)]
    >>> greedy_soup(members, lambda params: -abs(float(params["w"]) - 1.0)).weights
    array([0.5, 0.5, 0. ])
    """
    if not tolerance >= 0:
        raise ValueError(f"tolerance must be >= 0, got {tolerance!r}. Pass 0 for the recipe.")
    stacked = stacked_members(members)
    k = len(next(iter(stacked.values())))
    alone = [_scored(score, taken(stacked, one), one) for one in range(k)]
    order = sorted(range(k), key=lambda one: -alone[one])
    kept, best, rows = [order[0]], alone[order[0]], []
    rows.append({"member": order[0], "alone": best, "mixed": best, "kept": True})
    for one in order[1:]:
        mixed = _scored(score, average(_chosen(stacked, [*kept, one])), one)
        stays = math.isinf(tolerance) or mixed >= best - tolerance
        if stays:
            kept, best = [*kept, one], mixed
        rows.append({"member": one, "alone": alone[one], "mixed": mixed, "kept": stays})
    weights = np.zeros(k)
    weights[kept] = 1 / len(kept)
    return Soup(average(stacked, weights), weights, best, pd.DataFrame(rows))


def _chosen(stacked: Tensors, kept: list[int]) -> dict[str, Tensor]:
    return {name: tensor[kept] for name, tensor in stacked.items()}


def _scored(score: Callable[[dict[str, Tensor]], float], params: dict[str, Tensor],
            member: int) -> float:
    found = float(score(params))
    if math.isnan(found):
        raise ValueError(f"score must be a number, got NaN with member {member}. Drop members "
                         "that diverged.")
    return found
