"""Transfer: what a network has learned, told by how it learns another task from there.

Each source network gets a new head, is trained on the other task as `train` does it, and is
compared with the same network trained there from scratch.
"""

import copy
import math
from collections.abc import Callable, Mapping

import pandas as pd
import torch
from torch import nn

from workbench.core import check

__all__ = ["fine_tune", "with_new_head"]


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
