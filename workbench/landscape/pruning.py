"""Prune the smallest entries, and see how much of a network can go before it fails.

The entries of all weight matrices and kernels are compared with each other, and the share
`sparsity` of smallest magnitude becomes zero. Biases and normalisation stay.
"""

from collections.abc import Callable, Sequence

import pandas as pd
import torch
from torch import Tensor

from workbench.core import check
from workbench.landscape.members import Tensors, count

__all__ = ["prunable", "prune", "pruning_curve"]


def prunable(params: Tensors, *, stacked: bool = True) -> tuple[str, ...]:
    """Names of the tensors that pruning touches: floating, with two or more axes per network."""
    least = 3 if stacked else 2
    return tuple(name for name, tensor in params.items()
                 if tensor.is_floating_point() and tensor.ndim >= least)


def prune(params: Tensors, sparsity: float, *, names: Sequence[str] | None = None,
          masks: Tensors | None = None) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Set the smallest entries of each network to zero.

    Parameters
    ----------
    params : mapping of name to tensor, shape (k, ...)
        Networks on the first axis; each is pruned on its own.
    sparsity : float in [0, 1]
        Share of entries that become zero; 0 changes nothing.
    names : sequence of str, optional
        Tensors to prune; None takes :func:`prunable`.
    masks : mapping of name to tensor, shape (k, ...), optional
        One where an entry belongs to the network, zero in the padding of a narrow one.

    Returns
    -------
    pruned : dict of name to tensor
    kept : dict of name to tensor of bool
        True where an entry stays; of the tensors that were pruned. Exactly
        ``round(sparsity * entries)`` are False in each network, ties broken by position.

    Raises
    ------
    ValueError
        If `sparsity` is no share, or a name is unknown.

    Examples
    --------
    >>> pruned, _ = prune({"w": torch.tensor([[[3.0, -1.0], [2.0, -4.0]]])}, 0.5)
    >>> pruned["w"].tolist()
    [[[3.0, 0.0], [0.0, -4.0]]]
    """
    if not 0 <= sparsity <= 1:
        raise ValueError(f"sparsity must lie in [0, 1], got {sparsity!r}. 0 keeps the network.")
    k, chosen = count(params), prunable(params) if names is None else tuple(names)
    check.one_of(params, **{f"names[{place}]": name for place, name in enumerate(chosen)})
    if not chosen:
        raise ValueError("names must tell at least one tensor, got none. Stack the networks, so "
                         "that each weight has shape (k, outputs, inputs), or pass names=.")
    sizes = torch.cat([params[name].detach().abs().reshape(k, -1) for name in chosen], 1)
    owned = torch.ones_like(sizes, dtype=torch.bool) if masks is None else torch.cat(
        [masks[name].reshape(k, -1) > 0 for name in chosen], 1)
    order = torch.where(owned, sizes, torch.inf).argsort(dim=1, stable=True)
    places = torch.arange(order.shape[1], device=order.device).expand_as(order)
    ranks = torch.empty_like(order).scatter_(1, order, places)
    least = torch.round(sparsity * owned.sum(1, dtype=torch.float64))
    stays = (ranks >= least[:, None]) & owned
    parts = stays.split([params[name][0].numel() for name in chosen], 1)
    kept = {name: part.view(params[name].shape)
            for name, part in zip(chosen, parts, strict=True)}
    return {name: tensor.where(kept[name], 0.0) if name in kept else tensor
            for name, tensor in params.items()}, kept


def pruning_curve(params: Tensors, score: Callable[[dict[str, Tensor]], Tensor],
                  sparsities: Sequence[float], *, masks: Tensors | None = None) -> pd.DataFrame:
    """Score of each network at several sparsities.

    Parameters
    ----------
    params : mapping of name to tensor, shape (k, ...)
    score : function of such params giving a tensor, shape (k,)
        For instance test accuracy.
    sparsities : sequence of float in [0, 1]
    masks : mapping of name to tensor, optional
        See :func:`prune`.

    Returns
    -------
    table : DataFrame
        One row per network and sparsity: model, sparsity, score.
    """
    if not len(sparsities):
        raise ValueError("sparsities must hold at least one share, got none. Pass [0, 0.5, 0.9].")
    k, rows = count(params), []
    for sparsity in sparsities:
        found = torch.as_tensor(score(prune(params, sparsity, masks=masks)[0]))
        if found.shape != (k,):
            raise ValueError(f"score must give one number per network, shape ({k},), got "
                             f"{tuple(found.shape)}. Score the networks one by one.")
        rows += [{"model": model, "sparsity": float(sparsity), "score": float(value)}
                 for model, value in enumerate(found.tolist())]
    return pd.DataFrame(rows)
