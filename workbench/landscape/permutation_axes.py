"""Which axes of a network's tensors move together when hidden units change places."""

from collections.abc import Mapping, Sequence

from torch import nn

from workbench.train.models import MLP, ConvNet

__all__ = ["Axes", "symmetries"]

Axes = Mapping[str, tuple[str | None, ...]]
LAYERS = (nn.Linear, nn.Conv1d, nn.Conv2d)
NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.LayerNorm)


def symmetries(model: nn.Module) -> dict[str, tuple[str | None, ...]]:
    """For each tensor of a model, which permutation moves each of its axes.

    Parameters
    ----------
    model : MLP, ConvNet or torch.nn.Sequential of linear, convolution and normalisation layers

    Returns
    -------
    axes : dict of name to tuple
        One name of a permutation, or None, for each axis.

    Raises
    ------
    ValueError
        If the model is of another kind, or its layers do not follow each other.

    Examples
    --------
    >>> symmetries(nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 2)))
    {'0.weight': ('0', None), '0.bias': ('0',), '2.weight': (None, '0'), '2.bias': (None,)}
    """
    if isinstance(model, MLP):
        chain = [(f"layers.{place}", layer) for place, layer in enumerate(model.layers)]
    elif isinstance(model, ConvNet):
        chain = [pair for place, (conv, norm) in enumerate(
            zip(model.convs, model.norms, strict=True))
            for pair in ((f"convs.{place}", conv), (f"norms.{place}", norm))]
        chain.append(("head", model.head))
    elif isinstance(model, nn.Sequential):
        chain = list(model.named_children())
    else:
        raise ValueError("model must be an MLP, a ConvNet or a Sequential, got "
                         f"{type(model).__name__}. Write the axes of its tensors yourself.")
    return _chained(chain)


def _chained(chain: Sequence[tuple[str, nn.Module]]) -> dict[str, tuple[str | None, ...]]:
    """Axes of layers that feed each other; the last one's outputs stay in place."""
    weighted = [name for name, layer in chain if isinstance(layer, LAYERS)]
    found, before, size = dict[str, tuple[str | None, ...]](), None, 0
    for name, layer in chain:
        if isinstance(layer, LAYERS):
            outputs, inputs = layer.weight.shape[:2]
            if before is not None and inputs != size:
                raise ValueError(f"layer {name!r} must take the {size} outputs before it, got "
                                 f"{inputs} inputs. Write the axes of its tensors yourself.")
            after = None if name == weighted[-1] else name
            found[f"{name}.weight"] = (after, before, *[None] * (layer.weight.ndim - 2))
            if layer.bias is not None:
                found[f"{name}.bias"] = (after,)
            before, size = after, outputs
        else:
            _refuse_another_layer(name, layer)
            found |= {f"{name}.{own}": (before,) for own, tensor in layer.state_dict().items()
                      if tensor.ndim == 1}
    return found


def _refuse_another_layer(name: str, layer: nn.Module) -> None:
    """Layers with numbers of their own must treat all units alike."""
    alike = isinstance(layer, NORMS) or (isinstance(layer, nn.GroupNorm)
                                         and layer.num_groups == 1)
    if layer.state_dict() and not alike:
        raise ValueError(f"layer {name!r} must be linear, a convolution or a normalisation of all "
                         f"units alike, got {type(layer).__name__}. Write the axes of its tensors "
                         "yourself.")
