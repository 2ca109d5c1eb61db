"""Many models as one: parameters with a leading axis, one forward pass for all.

Narrow models of a family ride in the corner of the widest one, filled up with zeros. Where the
activation keeps zero and nothing is normalised across channels, the filling receives no gradient
and stays exactly zero, so every model computes what it computes alone.
"""

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from workbench.train.checkpoint import words
from workbench.train.models import MLP, ZERO_KEEPING, ConvNet
from workbench.train.stacked_layers import Forward, Tensors, forward_of

__all__ = ["Stack", "Tensors", "can_be_padded", "family", "settings", "skeleton", "stack"]

PLAIN = (bool, int, float, complex, str, tuple, list, torch.dtype, Tensor)


@dataclass(frozen=True, eq=False)
class Stack:
    """Parameters and buffers of `k` models, each tensor with a leading axis of length `k`.

    Parameters
    ----------
    params, buffers : mapping of name to tensor, shape (k, ...)
    masks : mapping of name to tensor, shape (k, ...), or None
        1 where an entry belongs to the model, 0 where it fills up; None without filling.
    skeletons : tuple of torch.nn.Module
        One model of each shape, without numbers.
    kinds : tuple of int, length k
        Skeleton of each model.
    widest : torch.nn.Module
        Skeleton in whose shape all tensors are.
    form : Forward
        Forward pass of all models.
    """

    params: Tensors
    buffers: Tensors
    masks: Tensors | None
    skeletons: tuple[nn.Module, ...]
    kinds: tuple[int, ...]
    widest: nn.Module
    form: Forward

    def __len__(self) -> int:
        return len(self.kinds)

    def forward(self, params: Tensors, buffers: Tensors, x: Tensor, *,
                training: bool = False) -> tuple[Tensor, dict[str, Tensor]]:
        """Outputs, shape (k, n, ...), and buffers after the pass.

        Parameters
        ----------
        params, buffers : mapping of name to tensor, shape (k, ...)
            Those of the stack or others of their shapes.
        x : tensor, shape (k, n, ...) or (1, n, ...)
            Inputs of each model, or the same for all.
        training : bool
            Whether normalisation uses the moments of the batch and updates the running ones.
        """
        return self.form(self.widest, params, buffers, x, training)

    def model(self, k: int) -> nn.Module:
        """Model `k` alone, in its own shape and in evaluation mode."""
        whole = {**self.params, **self.buffers}
        return _copied(self.skeletons[self.kinds[k]],
                       lambda name, like: whole[name][k][corner(like.shape)].clone()).eval()

    def take(self, indices: Sequence[int] | Tensor) -> "Stack":
        """Stack of some of the models, in the given order; an index may be repeated."""
        chosen = [int(index) for index in indices]
        at = torch.tensor(chosen, device=next(iter(self.params.values())).device)
        params, buffers, masks = ({name: one[at] for name, one in part.items()}
                                  for part in (self.params, self.buffers, self.masks or {}))
        return replace(self, params=params, buffers=buffers, masks=masks or None,
                       kinds=tuple(self.kinds[index] for index in chosen))

    def to(self, device: torch.device | str) -> "Stack":
        """Stack on a device."""
        params, buffers, masks = ({name: one.to(device) for name, one in part.items()}
                                  for part in (self.params, self.buffers, self.masks or {}))
        return replace(self, params=params, buffers=buffers, masks=masks or None)

    def replace(self, params: Tensors, buffers: Tensors | None = None) -> "Stack":
        """Stack with other numbers of the same shapes."""
        return replace(self, params=params, buffers=self.buffers if buffers is None else buffers)


def stack(models: Sequence[nn.Module]) -> Stack:
    """Stack models of one family; the models stay as they are.

    Parameters
    ----------
    models : sequence of torch.nn.Module
        Of one architecture. Those of :mod:`workbench.train.models` may differ in width where
        zeros stay zero.

    Raises
    ------
    ValueError
        Without models, with different architectures, or with widths that cannot share a stack.

    Examples
    --------
    >>> draws = torch.Generator().manual_seed(0)
    >>> both = stack([MLP(4, width, 3, generator=draws) for width in (2, 8)])
    >>> outputs, _ = both.forward(both.params, both.buffers, torch.ones(1, 5, 4))
    >>> outputs.shape
    torch.Size([2, 5, 3])
    >>> both.model(0).width
    2
    """
    if not models:
        raise ValueError("models must hold at least one model, got none. Pass a list of modules.")
    _refuse_other_families(models)
    shapes = [_shapes(model) for model in models]
    widest = max(range(len(models)), key=lambda k: sum(map(torch.Size.numel, shapes[k].values())))
    _refuse_unpaddable(models, shapes, widest)
    params = _stacked([dict(model.named_parameters()) for model in models], shapes[widest])
    buffers = _stacked([dict(model.named_buffers()) for model in models], shapes[widest])
    kinds: dict[str, int] = {}
    found = [kinds.setdefault(repr(own), len(kinds)) for own in shapes]
    skeletons = tuple(skeleton(models[found.index(kind)]) for kind in range(len(kinds)))
    masks = None if len(kinds) == 1 else _stacked(
        [{name: torch.ones_like(one) for name, one in model.named_parameters()}
         for model in models], shapes[widest])
    return Stack(params, buffers, masks, skeletons, tuple(found), skeletons[found[widest]],
                 forward_of(models[0]))


def family(model: nn.Module) -> str:
    """Everything that models of one stack have in common."""
    if type(model) is MLP:
        first, last = model.layers[0], model.layers[-1]
        return (f"MLP({first.in_features}, w, {last.out_features}, depth={model.depth}, "
                f"activation={model.activation!r})")
    if type(model) is ConvNet:
        return (f"ConvNet({model.convs[0].in_channels}, w, {model.head.out_features}, "
                f"stages={model.stages}, norm={model.norm!r})")
    return repr(model)


def settings(model: nn.Module) -> dict[str, str]:
    """Numbers, words, functions and tensors that a model's layers keep beside its parameters.

    A forward pass may depend on them, so models of one stack have them in common.
    """
    if type(model) in (MLP, ConvNet):
        return {}                                      # `family` tells them all
    return {f"{path}.{name}".lstrip("."): words(value)
            for path, part in model.named_modules() for name, value in vars(part).items()
            if name != "training" and not name.startswith("_")
            and (value is None or isinstance(value, PLAIN) or callable(value))}


def can_be_padded(model: nn.Module) -> bool:
    """Whether zeros that fill up a narrow model stay zero."""
    if type(model) is MLP:
        return model.activation in ZERO_KEEPING
    return type(model) is ConvNet and model.norm != "group"


def corner(shape: Sequence[int]) -> tuple[slice, ...]:
    """Slices of the corner in which a tensor of this shape rides."""
    return tuple(slice(size) for size in shape)


def _shapes(model: nn.Module) -> dict[str, torch.Size]:
    return {name: one.shape for part in (model.named_parameters(), model.named_buffers())
            for name, one in part}


def _stacked(parts: Sequence[Mapping[str, Tensor]],
             shapes: Mapping[str, torch.Size]) -> dict[str, Tensor]:
    """Tensors of all models in the widest shapes, zeros around the narrow ones."""
    found = {}
    for name, first in parts[0].items():
        whole = first.new_zeros((len(parts), *shapes[name]))
        for k, part in enumerate(parts):
            whole[(k, *corner(part[name].shape))] = part[name].detach()
        found[name] = whole
    return found


def skeleton(model: nn.Module) -> nn.Module:
    """Copy of the model without numbers, in evaluation mode; tied tensors stay tied."""
    return _copied(model, lambda _, one: one.detach().to("meta")).eval()


def _copied(model: nn.Module, filled: Callable[[str, Tensor], Tensor]) -> nn.Module:
    """Copy of a model with other tensors in the places of its own, by name and tensor."""
    memo: dict[int, Tensor] = {
        id(one): nn.Parameter(filled(name, one), one.requires_grad)
        for name, one in model.named_parameters()}
    memo |= {id(one): filled(name, one) for name, one in model.named_buffers()}
    return copy.deepcopy(model, memo)


def _refuse_other_families(models: Sequence[nn.Module]) -> None:
    first, shown = settings(models[0]), family(models[0])
    for k, model in enumerate(models):
        if family(model) != shown:
            raise ValueError(f"models must be of one architecture, got {shown} and, at position "
                             f"{k}, {family(model)}. Stack each architecture on its own.")
        own = settings(model)
        other = [name for name in {**first, **own} if first.get(name) != own.get(name)]
        if other:
            raise ValueError(f"models must be of one architecture, got {other[0]} "
                             f"{first.get(other[0])} and, at position {k}, "
                             f"{own.get(other[0])}. Stack each setting on its own.")


def _refuse_unpaddable(models: Sequence[nn.Module], shapes: Sequence[dict[str, torch.Size]],
                       widest: int) -> None:
    for k, own in enumerate(shapes):
        if own != shapes[widest] and not can_be_padded(models[k]):
            raise ValueError(f"models must have one width, since zeros would not stay zero in "
                             f"{family(models[k])}, got another at position {k}. Stack each "
                             "width on its own.")
