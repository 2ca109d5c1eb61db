"""Several networks of one shape as stacked tensors, whatever form they come in."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import torch
from torch import Tensor, nn

__all__ = ["Members", "Tensors", "count", "stacked_members", "taken"]

Tensors: TypeAlias = Mapping[str, Tensor]
Members: TypeAlias = Tensors | Sequence[nn.Module] | Sequence[Tensors]


def stacked_members(members: Members) -> dict[str, Tensor]:
    """Every tensor of every member, with a leading axis for the members.

    Parameters
    ----------
    members : mapping of name to tensor, shape (k, ...); or sequence of modules or state dicts
        Of modules, parameters and buffers are taken.

    Returns
    -------
    tensors : dict of name to tensor, shape (k, ...)
        Detached; those of a mapping are the same memory.

    Raises
    ------
    ValueError
        If there is no member, or if names, shapes or types differ.

    Examples
    --------
    >>> both = stacked_members([nn.Linear(3, 2), nn.Linear(3, 2)])
    >>> {name: tuple(tensor.shape) for name, tensor in both.items()}
    {'weight': (2, 2, 3), 'bias': (2, 2)}
    """
    if isinstance(members, Mapping):
        count(members)
        return {name: tensor.detach() for name, tensor in members.items()}
    states = [_state(member) for member in members]
    if not states:
        raise ValueError("members must hold at least one network, got none. Pass a list.")
    for place, state in enumerate(states):
        _refuse_another_shape(states[0], state, place)
    return {name: torch.stack([state[name] for state in states]) for name in states[0]}


def count(params: Tensors) -> int:
    """How many members a stacked mapping holds."""
    sizes = {len(tensor) if tensor.ndim else 0 for tensor in params.values()}
    if len(sizes) != 1 or 0 in sizes:
        raise ValueError("stacked tensors must share a leading axis of members, got lengths "
                         f"{sorted(sizes)}. Pass tensors of shape (k, ...), or a list of "
                         "networks.")
    return sizes.pop()


def taken(params: Tensors, k: int) -> dict[str, Tensor]:
    """Tensors of member `k` alone."""
    return {name: tensor[k] for name, tensor in params.items()}


def _state(member: nn.Module | Tensors) -> dict[str, Tensor]:
    found = member.state_dict() if isinstance(member, nn.Module) else member
    return {name: tensor.detach() for name, tensor in found.items()}


def _refuse_another_shape(first: Tensors, other: Tensors, place: int) -> None:
    """Name the first tensor in which a member differs from the first one."""
    def form(tensor: Tensor | None) -> tuple[object, ...]:
        return () if tensor is None else (tuple(tensor.shape), tensor.dtype)

    for name in (*first, *other):
        forms = form(first.get(name)), form(other.get(name))
        if forms[0] != forms[1]:
            told = ["nothing" if not one else f"{one[0]} of {one[1]}" for one in forms]
            raise ValueError(f"members must have tensors of one shape, but {name!r} is {told[0]} "
                             f"in the first and {told[1]} at position {place}. Average networks "
                             "of one architecture.")
