"""Layers that treat many models at once: each tensor has a leading axis for the models.

A linear layer becomes one batched product, a convolution one grouped convolution on ``k * c``
channels, and batch normalisation over those channels is exactly one normalisation per model.
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap
from torch.nn import functional

from workbench.train.losses import logits_of
from workbench.train.models import ACTIVATIONS, MLP, ConvNet
from workbench.train.process_wide import math_attention

__all__ = ["FORWARDS", "Forward", "Tensors", "forward_of", "linear", "one_after_another",
           "vectorised"]

Tensors = Mapping[str, Tensor]
Forward = Callable[[nn.Module, Tensors, Tensors, Tensor, bool],
                   tuple[Tensor, dict[str, Tensor]]]


def linear(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Outputs, shape (k, n, o), of inputs (k or 1, n, i), weights (k, o, i), biases (k, o)."""
    return torch.baddbmm(bias.unsqueeze(1), x.expand(len(weight), -1, -1), weight.mT)


def mlp(model: nn.Module, params: Tensors, buffers: Tensors, x: Tensor,
        training: bool) -> tuple[Tensor, dict[str, Tensor]]:  # noqa: FBT001 - one of Forward
    """Outputs, shape (k, n, outputs), of perceptrons."""
    del training
    act, x = ACTIVATIONS[model.activation], x.flatten(2)
    for layer in range(model.depth + 1):
        x = linear(x if layer == 0 else act(x), params[f"layers.{layer}.weight"],
                   params[f"layers.{layer}.bias"])
    return x, dict(buffers)


def convnet(model: nn.Module, params: Tensors, buffers: Tensors, x: Tensor,
            training: bool) -> tuple[Tensor, dict[str, Tensor]]:  # noqa: FBT001 - one of Forward
    """Outputs, shape (k, n, outputs), of convolutional networks, and their running moments."""
    found, k = dict(buffers), len(params["head.weight"])
    # Channels last: convolution and pooling are twice as fast on a processor.
    x = x.transpose(0, 1).flatten(1, 2).contiguous(memory_format=torch.channels_last)
    for stage in range(model.stages):
        weight, bias = params[f"convs.{stage}.weight"], params.get(f"convs.{stage}.bias")
        groups = x.shape[1] // weight.shape[2]        # 1 where all models see the same images
        x = functional.conv2d(x, weight.flatten(0, 1), None if bias is None else bias.flatten(),
                              padding=1, groups=groups)
        if model.norm == "batch":
            x = batch_norm(x, params, found, f"norms.{stage}", training=training)
        elif model.norm == "group":
            x = group_norm(x, params, f"norms.{stage}")
        if stage < model.stages - 1:
            x = functional.max_pool2d(x, 2)
        x = torch.relu(x)
    pooled = x.mean((-2, -1)).unflatten(1, (k, -1)).transpose(0, 1)
    return linear(pooled, params["head.weight"], params["head.bias"]), found


def batch_norm(x: Tensor, params: Tensors, buffers: dict[str, Tensor], name: str, *,
               training: bool) -> Tensor:
    """Normalise channels, shape (n, k * c, height, width); put new moments into `buffers`."""
    mean, var = buffers[f"{name}.running_mean"], buffers[f"{name}.running_var"]
    shape = mean.shape
    if training:
        mean, var = mean.clone(), var.clone()
    x = functional.batch_norm(x, mean.flatten(), var.flatten(), params[f"{name}.weight"].flatten(),
                              params[f"{name}.bias"].flatten(), training=training)
    if training:
        count = f"{name}.num_batches_tracked"
        buffers |= {f"{name}.running_mean": mean.view(shape),
                    f"{name}.running_var": var.view(shape), count: buffers[count] + 1}
    return x


def group_norm(x: Tensor, params: Tensors, name: str) -> Tensor:
    """Normalise the channels of each model together, shape (n, k * c, height, width)."""
    weight, bias = params[f"{name}.weight"], params[f"{name}.bias"]
    return functional.group_norm(x, len(weight), weight.flatten(), bias.flatten())


def vectorised(model: nn.Module, params: Tensors, buffers: Tensors, x: Tensor,
               training: bool) -> tuple[Tensor, dict[str, Tensor]]:  # noqa: FBT001 - a Forward
    """Forward pass of any module by ``vmap``: slower than by hand, the same numbers."""
    model.train(training)

    def alone(params: Tensors, buffers: Tensors, x: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        after = {name: one.clone() for name, one in buffers.items()}
        return logits_of(functional_call(model, {**params, **after}, (x,))), after

    shared = len(x) == 1
    together = vmap(alone, in_dims=(0, 0, None if shared else 0), randomness="error")
    with math_attention():       # the one kernel of attention that knows vmap
        return together(params, buffers, x[0] if shared else x)


def one_after_another(model: nn.Module, params: Tensors, buffers: Tensors, x: Tensor,
                      training: bool) -> tuple[Tensor, dict[str, Tensor]]:  # noqa: FBT001 - one of Forward
    """Forward passes in turn, for models that fill a processor alone."""
    model.train(training)
    after = {name: one.clone() for name, one in buffers.items()}
    # unbind: its gradient is one stack, that of an index would be zeros as large as all models
    parts = {name: one.unbind() for name, one in {**params, **after}.items()}
    outputs = [logits_of(functional_call(model, {name: part[k] for name, part in parts.items()},
                                         (x[k if len(x) > 1 else 0],)))
               for k in range(len(next(iter(params.values()))))]
    return torch.stack(outputs), after


FORWARDS: dict[type[nn.Module], Forward] = {MLP: mlp, ConvNet: convnet}


def forward_of(model: nn.Module) -> Forward:
    """Forward pass of many models like this one: by hand, by ``vmap``, or one after another."""
    if any(getattr(part, "momentum", 0.0) is None for part in model.modules()):
        return one_after_another          # a cumulative average counts outside of tensors
    return FORWARDS.get(type(model), vectorised)
