"""What a network lets see of each row: losses and confidences of a few passes, and of its class.

A memory keeps the last rows of each class. A row is described by its own statistics, by those of
the remembered rows of its class that agree with their label as it does, and by how far it lies
from them.
"""

import torch
from torch import Tensor
from torch.nn import functional

from workbench.reweighting.by_meta.gaussians import gaussian_kl, gaussian_overlap

__all__ = ["FEATURES", "described", "empty_memory", "row_statistics"]

FEATURES = {"full": 19, "loss": 2}
OWN = 5                  # mean and deviation of the loss, of the confidence, and agreement
ALONE = 1e-8             # deviation of one row


def row_statistics(losses: Tensor, logits: Tensor, y: Tensor) -> Tensor:
    """Each row over its passes.

    Parameters
    ----------
    losses : tensor, shape (g, n)
        g passes, the first one that of the gradient.
    logits : tensor, shape (g, n, k)
    y : tensor of int64, shape (n,)

    Returns
    -------
    statistics : tensor of float64, shape (n, 5)
        Mean and standard deviation of the loss [nats], both of the confidence in the predicted
        class, and 1 where most passes predict the label; a tie is decided by the first pass. One
        pass has deviations of zero.

    Examples
    --------
    >>> logits = torch.tensor([[[0.0, 9.0]], [[9.0, 0.0]]])
    >>> row_statistics(torch.tensor([[1.0], [3.0]]), logits, torch.tensor([1]))[0, [0, 4]].tolist()
    [2.0, 1.0]
    """
    losses = losses.detach().double()
    best, predicted = logits.detach().double().max(-1)
    confidence = (best - logits.detach().double().logsumexp(-1)).exp()
    agrees = (predicted == y).double()
    votes = 2 * agrees.sum(0) - len(agrees)
    agreed = torch.where(votes == 0, agrees[0], (votes > 0).double())
    parts = [part for values in (losses, confidence) for part in (values.mean(0), _spread(values))]
    return torch.stack([*parts, agreed], dim=1)


def empty_memory(classes: int, size: int, device: torch.device) -> dict[str, Tensor]:
    """A memory of the last `size` rows of each class: ``rows`` (k, size, 5) and ``seen`` (k,)."""
    return {"rows": torch.zeros(classes, size, OWN, dtype=torch.float64, device=device),
            "seen": torch.zeros(classes, dtype=torch.int64, device=device)}


def described(memory: dict[str, Tensor], statistics: Tensor, y: Tensor
              ) -> tuple[dict[str, Tensor], Tensor]:
    """Remember rows, the oldest of a class give way, and describe them beside the remembered ones.

    Parameters
    ----------
    memory : mapping
        Of :func:`empty_memory`, whose size is at least n.
    statistics : tensor of float64, shape (n, 5)
        Of :func:`row_statistics`.
    y : tensor of int64, shape (n,)

    Returns
    -------
    memory, features : mapping, tensor of float64 of shape (n, 19)
        Own value, mean and deviation in the group, for mean loss, its deviation, confidence, its
        deviation, divergence and overlap of the row's normal distribution of losses with that of
        the group; and agreement. The group are remembered rows of equal class and agreement.
    """
    memory, slots = _remembered(memory, statistics, y)
    rows = memory["rows"]
    held = torch.arange(rows.shape[1], device=y.device) < memory["seen"][:, None]
    agreed = rows[..., 4].long()
    members = functional.one_hot(agreed, 2).double() * held[..., None]
    counts = members.sum(1)
    means = _mean(rows[..., :2], members, counts).gather(
        1, agreed[..., None].expand(-1, -1, 2))          # of each remembered row's own group
    distances = torch.stack([found(rows[..., 0], rows[..., 1], means[..., 0], means[..., 1])
                             for found in (gaussian_kl, gaussian_overlap)], dim=-1)
    values = torch.cat([rows[..., :4], distances], dim=-1)
    mean = _mean(values, members, counts)
    spread = _deviation(values, mean, members, counts, agreed)
    own = (y, agreed[y, slots])
    told = torch.stack([values[y, slots], mean[own], spread[own]], dim=-1).flatten(1)
    return memory, torch.cat([told, statistics[:, 4:]], dim=1)


def _remembered(memory: dict[str, Tensor], statistics: Tensor, y: Tensor
                ) -> tuple[dict[str, Tensor], Tensor]:
    classes, size = memory["rows"].shape[:2]
    ones = functional.one_hot(y, classes)
    places = (ones.cumsum(0) - 1).gather(1, y[:, None])[:, 0] + memory["seen"][y]
    slots = places % size
    rows = memory["rows"].index_put((y, slots), statistics)
    return {"rows": rows, "seen": memory["seen"] + ones.sum(0)}, slots


def _mean(values: Tensor, members: Tensor, counts: Tensor) -> Tensor:
    """Means of groups, shape (k, 2, q), of values, shape (k, s, q)."""
    return members.transpose(1, 2) @ values / counts.clamp(min=1)[..., None]


def _deviation(values: Tensor, mean: Tensor, members: Tensor, counts: Tensor,
               agreed: Tensor) -> Tensor:
    """Unbiased standard deviations of groups, shape (k, 2, q)."""
    own = mean.gather(1, agreed[..., None].expand(-1, -1, values.shape[-1]))
    squares = members.transpose(1, 2) @ (values - own).square()
    found = (squares / (counts - 1).clamp(min=1)[..., None]).sqrt()
    return found.masked_fill((counts <= 1)[..., None], ALONE)


def _spread(values: Tensor) -> Tensor:
    return values.std(0) if len(values) > 1 else torch.zeros_like(values[0])
