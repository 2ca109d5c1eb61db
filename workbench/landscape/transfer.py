"""Transfer: what a network has learned, told by how it learns another task from there.

Each source network gets a new head, is trained on the other task as `train` does it, and is
compared with the same network trained there from scratch.
"""

import copy
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import torch
from torch import nn

from workbench.core import check, generator
from workbench.datasets import Images
from workbench.train.device import torch_generator
from workbench.train.models import MLP, ConvNet
from workbench.train.scoring import score as scored
from workbench.train.stacked import train_stacked
from workbench.train.stacked_batches import Sample
from workbench.train.stacked_settings import StackedTraining

__all__ = ["fine_tune", "transfer_gains", "turned", "with_new_head"]

FINE_TUNING = StackedTraining(learning_rate=0.02, batch_size=16, epochs=20)
FRESH = 777_777          # added to seeds of networks that have learned nothing


def with_new_head(model: nn.Module, outputs: int, *, generator: torch.Generator) -> nn.Module:
    """A copy of a network whose last linear layer is new.

    Parameters
    ----------
    model : torch.nn.Module
    outputs : int > 0
        Classes of the other task.
    generator : torch.Generator
        Draws the head by PyTorch's default scheme, ``U(-b, b)`` with ``b = 1 / sqrt(inputs)``.

    Raises
    ------
    ValueError
        If the network has no linear layer.

    Examples
    --------
    >>> old = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
    >>> new = with_new_head(old, 5, generator=torch.Generator().manual_seed(0))
    >>> new(torch.zeros(1, 4)).shape
    torch.Size([1, 5])
    """
    check.positive(outputs=outputs)
    found = copy.deepcopy(model)
    name = next((name for name, layer in reversed(list(found.named_modules()))
                 if isinstance(layer, nn.Linear)), None)
    if not name:
        raise ValueError("model must have a linear layer inside, got none in "
                         f"{type(model).__name__}. Replace its head yourself.")
    old = found.get_submodule(name)
    head = nn.utils.skip_init(nn.Linear, old.in_features, outputs, bias=old.bias is not None,
                              device=old.weight.device, dtype=old.weight.dtype)
    bound = 1 / math.sqrt(old.in_features)
    with torch.no_grad():
        for param in head.parameters():
            drawn = torch.rand(param.shape, generator=generator) * 2 * bound - bound
            param.copy_(drawn)
    parent, _, own = name.rpartition(".")
    setattr(found.get_submodule(parent), own, head)
    return found


def fine_tune(sources: Mapping[str, nn.Module], *, adapt: Callable[[nn.Module], nn.Module],
              train: Callable[[nn.Module], nn.Module], score: Callable[[nn.Module], float],
              scratch: nn.Module | None = None) -> pd.DataFrame:
    """Train each source network on another task.

    Parameters
    ----------
    sources : mapping of name to torch.nn.Module
        They stay as they are.
    adapt : function of a network giving a network
        For instance ``lambda model: with_new_head(model, 10, generator=generator)``.
    train : function of a network giving a network
        Trains on the other task; it may work in place.
    score : function of a network giving a float
        On test rows of the other task.
    scratch : torch.nn.Module, optional
        A network that has learned nothing, the baseline; it is adapted and trained too.

    Returns
    -------
    table : DataFrame
        One row per source: source, before (score with the new head alone), after, and gain
        (after minus that of `scratch`; NaN without one).
    """
    if not sources:
        raise ValueError("sources must hold at least one network, got none. Pass a mapping of "
                         "names to networks.")
    baseline = math.nan if scratch is None else score(train(adapt(copy.deepcopy(scratch))))
    rows = []
    for name, source in sources.items():
        ready = adapt(copy.deepcopy(source))
        before = float(score(ready))
        after = float(score(train(ready)))
        rows.append({"source": name, "before": before, "after": after,
                     "gain": after - float(baseline)})
    return pd.DataFrame(rows)


def turned(images: Images, train_size: int) -> tuple[Sample, Sample]:
    """Another task: the images turned by a quarter, the last `train_size` training rows, and test.

    Images that are not square are turned by a half, rows that are no images are reversed.
    """
    is_square = images.shape[-2:] == images.shape[:-3:-1]

    def turn(inputs: np.ndarray) -> torch.Tensor:
        found = (np.rot90(inputs, 1 if is_square else 2, axes=(2, 3)) if inputs.ndim == 4
                 else inputs[:, ::-1])
        return torch.from_numpy(np.ascontiguousarray(found))

    last = slice(-train_size, None)
    return (Sample(turn(images.train_inputs[last]), torch.from_numpy(images.train_labels[last])),
            Sample(turn(images.test_inputs), torch.from_numpy(images.test_labels)))


def transfer_gains(models: Sequence[nn.Module], seeds: Sequence[int], images: Images,
                   train_size: int, *, how: StackedTraining = FINE_TUNING, device: str = "auto"
                   ) -> np.ndarray:
    """Gain of many networks on turned images over fresh ones of their shapes, all at once.

    Parameters
    ----------
    models : sequence of MLP or ConvNet, length k
        They stay as they are; each gets a new head.
    seeds : sequence of int >= 0, length k
        Of the new heads, the fresh networks and the order of rows.
    images : Images
    train_size : int > 0
        Rows of the other task, see :func:`turned`.
    how : StackedTraining
    device : {"auto", "cpu", "cuda"}

    Returns
    -------
    gains : array, shape (k,)
        Test accuracy of the transferred network minus that of the fresh one after the same
        training [percentage points]; NaN where one of them diverged.
    """
    train, test = turned(images, min(train_size, len(images.train_labels)))
    draws = [torch_generator(generator(FRESH + seed)) for seed in seeds]
    new = [with_new_head(model, images.classes, generator=one).cpu()
           for model, one in zip(models, draws, strict=True)]
    fresh = [_fresh(model, one) for model, one in zip(models, draws, strict=True)]
    size = min([train_size, len(train.y), *([how.batch_size] if isinstance(
        how.batch_size, int) else how.batch_size)])
    trained = train_stacked([*new, *fresh], train, replace(
        how, batch_size=size, order_seed=[*seeds, *seeds], device=device))
    errors = np.full(len(trained), np.nan)
    for home, stack in enumerate(trained.stacks):
        found = scored(stack, test.to(next(iter(stack.params.values())).device))[1]
        for k, (own, position) in enumerate(trained.places):
            if own == home:
                errors[k] = float(found[position])
    before, after = errors[len(models):], errors[:len(models)]
    return 100 * (before - after)


def _fresh(model: nn.Module, draws: torch.Generator) -> nn.Module:
    """A network of the same shape that has learned nothing."""
    if isinstance(model, MLP):
        return MLP(model.layers[0].in_features, model.width, model.layers[-1].out_features,
                   depth=model.depth, activation=model.activation, generator=draws)
    if isinstance(model, ConvNet):
        return ConvNet(model.convs[0].in_channels, model.width, model.head.out_features,
                       stages=model.stages, norm=model.norm, generator=draws)
    raise ValueError(f"models must be MLPs or ConvNets, got {type(model).__name__}. Use "
                     "fine_tune() with a network of your own to compare with.")
