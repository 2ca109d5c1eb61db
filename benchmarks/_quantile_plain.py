"""Local-fine as one would write it from the source in plain PyTorch: the rival of the speed arms.

Softmax over the flattened axis, einsum, pinball, penalty on all pairs by broadcasting,
`torch.optim.Adam` with its defaults and AMSGrad; PAVA, where asked for, row by row.
"""

import torch
from sklearn.isotonic import isotonic_regression

from workbench.inference.quantiles.perceptron import Shape, perceptron
from workbench.train.device import torch_generator


class Plain(torch.nn.Module):
    """All logits of a batch at once, from the same initial numbers as ours."""

    def __init__(self, features, models, levels, generator):
        super().__init__()
        self.inputs, self.levels = models * levels, levels
        self.net = perceptron(features, self.inputs * levels, Shape(), generator=generator)

    def forward(self, x, Z):
        logits = self.net(x).view(-1, self.inputs, self.levels)
        weights = torch.softmax(logits, dim=1)
        return torch.einsum("niq,ni->nq", weights, Z.flatten(1))


def loss_of(quantiles, ordered, y, levels, margins, upper):
    """Pinball of quantiles put in order and the penalty over all pairs of levels before that."""
    missed = y[:, None] - ordered
    pinball = torch.maximum(levels * missed, (levels - 1) * missed).mean()
    short = torch.relu(quantiles[:, :, None] - quantiles[:, None, :] + margins) * upper
    return pinball + short.sum() / (len(y) * upper.sum())


def pooled(quantiles):
    """PAVA of each row; blocks of equal values are averaged, the pattern is constant."""
    rows = []
    for row in quantiles:
        _, sizes = torch.unique_consecutive(
            torch.from_numpy(isotonic_regression(row.detach().double().numpy())),
            return_counts=True)
        rows.append(torch.cat([block.mean().expand(len(block))
                               for block in row.split(sizes.tolist())]))
    return torch.stack(rows)


def steps(rows, levels, *, count, batch, pava=False, device="cpu"):
    """Train for some steps, margins 0.01 times the distance of the levels; the network."""
    x, Z, y = (torch.tensor(part, device=device) for part in (rows.X, rows.Z, rows.y))
    levels = torch.tensor(levels, dtype=torch.float32, device=device)
    margins = 0.01 * (levels[None, :] - levels[:, None])
    upper = torch.ones(len(levels), len(levels), device=device).triu(1)
    rng = torch_generator(0)
    network = Plain(x.shape[1], Z.shape[1], len(levels), rng).to(device)
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-3, weight_decay=1e-7, amsgrad=True)
    done = 0
    while done < count:
        for at in torch.randperm(len(y), generator=rng).to(device).split(batch):
            if done == count:
                break
            optimiser.zero_grad()
            quantiles = network(x[at], Z[at])
            ordered = pooled(quantiles) if pava else quantiles
            loss_of(quantiles, ordered, y[at], levels, margins, upper).backward()
            optimiser.step()
            done += 1
    return network
