"""Permute the hidden units of one network until it lies as near another one as it can.

A network computes the same when its hidden units change places. Matching chooses the places that
maximise the inner product ``sum(a * permuted(b))`` over all parameters, one layer after another by
linear assignment, which never increases the distance. Source: S. K. Ainsworth, J. Hayase,
S. Srinivasa, Git Re-Basin: merging models modulo permutation symmetries, ICLR 2023, section 3.2.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from workbench.landscape.members import Members, Tensors, stacked_members, taken
from workbench.landscape.permutation_axes import Axes

__all__ = ["Matched", "align", "match", "permute"]

MOST_SWEEPS = 100


@dataclass(frozen=True, eq=False)
class Matched:
    """Where hidden units of `b` go so that it lies near `a`.

    Parameters
    ----------
    permutations : mapping of name to tensor of int64
        Unit `i` of the permuted network is unit ``permutation[i]`` of `b`.
    distance_before, distance_after : float
        Euclidean distance of the parameters.
    sweeps : int
        Passes over all layers until nothing changed.
    """

    permutations: Mapping[str, Tensor]
    distance_before: float
    distance_after: float
    sweeps: int


def match(a: Tensors, b: Tensors, axes: Axes) -> Matched:
    """Permutations of `b` that bring it near `a`.

    Parameters
    ----------
    a, b : mapping of name to tensor
        Parameters of two networks of one shape; running moments follow, but do not decide.
    axes : mapping
        From :func:`workbench.landscape.permutation_axes.symmetries`.

    Returns
    -------
    matched : Matched
        The best of three starts: units as they are, layers matched from the input on, and from
        the output back. Where `b` is a permuted `a`, the second finds it exactly.
    """
    stacked_members([dict(a), dict(b)])
    names = [name for name in a if name in axes and a[name].is_floating_point()
             and "running_" not in name]
    _refuse_wrong_axes(a, axes, names)
    first = {name: a[name].detach().double().cpu() for name in names}
    second = {name: b[name].detach().double().cpu() for name in names}
    sizes = {one: first[name].shape[axis] for name in names
             for axis, one in enumerate(axes[name]) if one is not None}
    same = {one: torch.arange(size) for one, size in sizes.items()}
    starts = [same, _greedy(first, second, axes, list(sizes)),
              _greedy(first, second, axes, list(sizes)[::-1])]
    ended = [_descend(first, second, axes, start) for start in starts]
    found, sweeps = min(ended, key=lambda end: _distance(first, second, axes, end[0]))
    return Matched(found, _distance(first, second, axes, same),
                   _distance(first, second, axes, found), sweeps)


def permute(params: Tensors, axes: Axes, permutations: Mapping[str, Tensor]
            ) -> dict[str, Tensor]:
    """The same network with its hidden units in other places."""
    return {name: _moved(tensor, axes.get(name, ()), permutations)
            for name, tensor in params.items()}


def align(members: Members, axes: Axes, *, reference: int = 0) -> dict[str, Tensor]:
    """All members with their hidden units placed like those of one of them.

    Parameters
    ----------
    members : stacked tensors, shape (k, ...), or sequence of modules or state dicts
    axes : mapping
        From :func:`workbench.landscape.permutation_axes.symmetries`.
    reference : int
        The member that stays as it is.

    Returns
    -------
    aligned : dict of name to tensor, shape (k, ...)
    """
    stacked = stacked_members(members)
    k = len(next(iter(stacked.values())))
    if not 0 <= reference < k:
        raise ValueError(f"reference must lie in [0, {k - 1}], got {reference!r}. Name a member.")
    fixed = taken(stacked, reference)
    found = [fixed if one == reference else
             permute(taken(stacked, one), axes,
                     match(fixed, taken(stacked, one), axes).permutations) for one in range(k)]
    return stacked_members(found)


def _moved(tensor: Tensor, axes: Sequence[str | None], permutations: Mapping[str, Tensor],
           spared: str | None = None) -> Tensor:
    """Tensor with every axis permuted but those of the spared permutation."""
    for axis, one in enumerate(axes):
        if one is not None and one != spared and one in permutations:
            tensor = tensor.index_select(axis, permutations[one].to(tensor.device))
    return tensor


def _affinities(a: Tensors, b: Tensors, axes: Axes, one: str, known: Mapping[str, Tensor], *,
                whole: bool = True) -> list[Tensor]:
    """Inner products of units of `a` with those of `b`, one matrix per tensor they touch.

    Unless `whole`, tensors that another permutation moves that is not known are left out.
    """
    found = []
    for name, tensor in a.items():
        others = {other for other in axes[name] if other not in (None, one)}
        if one in axes[name] and (whole or others <= set(known)):
            axis = axes[name].index(one)
            moved = _moved(b[name], axes[name], known, spared=one)
            rows = [side.movedim(axis, 0).reshape(side.shape[axis], -1)
                    for side in (tensor, moved)]
            found.append(rows[0] @ rows[1].mT)
    return found


def _greedy(a: Tensors, b: Tensors, axes: Axes, order: Sequence[str]) -> dict[str, Tensor]:
    """Each permutation in turn, judged by the tensors whose other axes are already placed."""
    known: dict[str, Tensor] = {}
    for one in order:
        told = (_affinities(a, b, axes, one, known, whole=False)
                or _affinities(a, b, axes, one, known))
        known[one] = _assigned(torch.stack(told).sum(0))
    return known


def _assigned(affinity: Tensor) -> Tensor:
    return torch.from_numpy(linear_sum_assignment(affinity.numpy(), maximize=True)[1])


def _descend(a: Tensors, b: Tensors, axes: Axes, start: Mapping[str, Tensor]
             ) -> tuple[dict[str, Tensor], int]:
    """Assign one layer after another while the sum of inner products grows."""
    found = dict(start)
    for sweep in range(1, MOST_SWEEPS + 1):
        changed = False
        for one, places in found.items():
            affinity = torch.stack(_affinities(a, b, axes, one, found)).sum(0)
            best, rows = _assigned(affinity), torch.arange(len(places))
            grown = (affinity[rows, best] - affinity[rows, places]).sum()
            if float(grown) > 1e-12 * float(affinity.abs().sum()):
                found[one], changed = best, True
        if not changed:
            return found, sweep
    return found, MOST_SWEEPS


def _distance(a: Tensors, b: Tensors, axes: Axes, permutations: Mapping[str, Tensor]) -> float:
    moved = permute(b, axes, permutations)
    return math.sqrt(sum(float((a[name] - moved[name]).square().sum()) for name in a))


def _refuse_wrong_axes(a: Tensors, axes: Axes, names: Sequence[str]) -> None:
    if not any(one for name in names for one in axes[name]):
        raise ValueError(f"axes must move tensors of the networks, {', '.join(list(a)[:4])}, got "
                         f"{', '.join(list(axes)[:4]) or 'none'}. Take them from symmetries().")
    for name in names:
        if len(axes[name]) != a[name].ndim:
            raise ValueError(f"axes of {name!r} must have {a[name].ndim} entries, got "
                             f"{len(axes[name])}. Take them from symmetries().")
