"""Which models are trained in one stack.

Models share a stack if they are of one architecture and have equal numbers of rows and batch
sizes. Widths share one where zeros that fill up narrow models stay zero, and the sorted widths are
cut where the price of all stacks is lowest: a stack costs its launches, as so many multiply-adds,
and the work of its widest model times the number of models. Batch sizes of which each divides the
next may be merged by micro-steps if no model has running moments. Last, stacks are cut to a budget
of bytes. The numbers of a model do not depend on its bucket but for rounding.
"""

import copy
from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from workbench.train.losses import logits_of
from workbench.train.models import MLP
from workbench.train.stack import can_be_padded, family, settings, skeleton
from workbench.train.stacked_layers import forward_of, vectorised

__all__ = ["Bucket", "Price", "plan", "price"]

LAUNCH = {"cpu": 500_000, "cuda": 500_000_000}     # multiply-adds in the time of all launches
FILLS = {"cpu": 12_000_000, "cuda": 2_000_000_000}   # of one model and step that fill a processor


@dataclass(frozen=True)
class Price:
    """What one model costs.

    Parameters
    ----------
    params : int
        Parameters.
    work : int
        Multiply-adds of a forward pass of one row.
    kept : int
        Numbers of one row that are kept for the gradient.
    outputs : tuple of int
        Shape of the outputs of one row.
    """

    params: int
    work: int
    kept: int
    outputs: tuple[int, ...]

    def bytes(self, rows: int, size: int) -> int:
        """Memory in training: parameters, gradient, momentum, what is kept; `size` per number."""
        return size * (4 * self.params + 2 * self.kept * rows)


@dataclass(frozen=True)
class Bucket:
    """Models that are trained in one stack.

    Parameters
    ----------
    models : tuple of int
        Positions, ascending batch sizes.
    sizes : tuple of int
        Batch size of each.
    form : str
        How gradients are taken.
    work, padded : int
        Multiply-adds of one forward pass of a row of each model: of the models, and with filling.
    bytes : int
        Estimated memory.
    """

    models: tuple[int, ...]
    sizes: tuple[int, ...]
    form: str
    work: int
    padded: int
    bytes: int


@dataclass(frozen=True)
class Member:
    """What a plan must know of a model: its position, batch size and price."""

    at: int
    size: int
    price: Price


def price(model: nn.Module, x: Tensor) -> Price:
    """Price of a model whose inputs are like rows of `x`; computed only if it must be."""
    try:
        return _priced(skeleton(model),
                       torch.empty((2, *x.shape[1:]), dtype=x.dtype, device="meta"))
    except RuntimeError:                 # or a forward pass that looks at its numbers
        with torch.random.fork_rng(devices=[]):
            return _priced(copy.deepcopy(model).cpu(), x[[0, -1]].cpu())


def _priced(alone: nn.Module, rows: Tensor) -> Price:
    """Price of a model that is sent two rows."""
    own = {id(one) for one in alone.parameters()}
    held: dict[int, Tensor] = {}             # held, so that no identity is used twice

    def hold(one: Tensor) -> Tensor:
        if not {id(one), id(one._base)} & own:
            held[id(one)] = one
        return one

    with (FlopCounterMode(display=False) as counter,
          torch.autograd.graph.saved_tensors_hooks(hold, lambda one: one)):
        outputs = logits_of(alone.train()(rows))
    return Price(sum(one.numel() for one in alone.parameters()), counter.get_total_flops() // 4,
                 sum(one.numel() for one in held.values()) // 2, tuple(outputs.shape[1:]))


def plan(models: Sequence[nn.Module], sizes: Sequence[int], rows: Sequence[int],  # noqa: PLR0913 - each is known apart
         prices: Sequence[Price], *, device: str = "cpu", merge: bool = False,
         budget: int = 2 ** 24, form: str = "auto") -> tuple[Bucket, ...]:
    """Group models into stacks; the same models give the same stacks.

    Parameters
    ----------
    models : sequence of torch.nn.Module, length k
    sizes, rows : sequence of int, length k
        Batch size and rows of each model.
    prices : sequence of Price, length k
    device : {"cpu", "cuda"}
    merge : bool
        Whether batch sizes may share a stack.
    budget : int
        Bytes of one stack; a stack of one model may exceed it.
    form : str
        How gradients are taken; "auto" and "fastest" decide by a rule here.
    """
    groups: dict[Hashable, list[Member]] = defaultdict(list)
    for at, (model, size) in enumerate(zip(models, sizes, strict=True)):
        shape = None if can_be_padded(model) else str([one.shape for one in model.parameters()])
        micro = merge and not any(True for _ in model.buffers())
        key = (family(model), str(settings(model)), shape, rows[at], None if micro else size)
        groups[key].append(Member(at, size, prices[at]))
    found = []
    for group in groups.values():
        for chain in _chains(group):
            for part in _cut_widths(chain, LAUNCH[device]):
                first = models[part[0].at]
                how = form if form not in ("auto", "fastest") else _form(first, part, device)
                width = next(first.parameters()).element_size()
                found += [_bucket(piece, how, width)
                          for piece in _cut_bytes(part, budget, width)]
    return tuple(found)


def _chains(group: Sequence[Member]) -> list[list[Member]]:
    """Batch sizes of which each divides the next."""
    chains: list[list[Member]] = []
    for member in sorted(group, key=lambda one: (one.size, one.at)):
        home = next((chain for chain in chains if member.size % chain[-1].size == 0), None)
        if home is None:
            chains.append([member])
        else:
            home.append(member)
    return chains


def _cut_widths(chain: Sequence[Member], launch: int) -> list[list[Member]]:
    """Cut sorted widths where launches and padded work are cheapest together."""
    widths = sorted({one.price.work for one in chain})
    smallest = min(one.size for one in chain)
    counts = [sum(one.price.work == width for one in chain) for width in widths]
    best: list[tuple[float, int]] = [(0.0, 0)]        # price of the first widths, last cut
    for end in range(1, len(widths) + 1):
        best.append(min(
            (best[cut][0] + launch + widths[end - 1] * smallest * sum(counts[cut:end]), cut)
            for cut in range(end)))
    parts, end = [], len(widths)
    while end:
        cut = best[end][1]
        inside = set(widths[cut:end])
        parts.append([one for one in chain if one.price.work in inside])
        end = cut
    return parts


def _cut_bytes(part: Sequence[Member], budget: int, width: int) -> list[list[Member]]:
    """Pieces of nearly equal length that fit the budget; numbers have `width` bytes."""
    most = max(one.price.bytes(one.size, width) for one in part)
    pieces = -(-len(part) // max(1, budget // most))
    length = -(-len(part) // pieces)
    return [list(part[at:at + length]) for at in range(0, len(part), length)]


def _form(model: nn.Module, part: Sequence[Member], device: str) -> str:
    if type(model) is MLP:
        return "closed"
    if forward_of(model) is not vectorised:
        return "stacked"
    return "loop" if max(one.price.work for one in part) * part[0].size > FILLS[device] else "vmap"


def _bucket(part: Sequence[Member], form: str, width: int) -> Bucket:
    widest = max(one.price.work for one in part)
    return Bucket(tuple(one.at for one in part), tuple(one.size for one in part), form,
                  sum(one.price.work for one in part), widest * len(part),
                  len(part) * max(one.price.bytes(part[0].size, width) for one in part))
