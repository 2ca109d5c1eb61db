"""Meta rescaling as the published code does it: loops over classes and rows, gradients twice.

Features come from Python's own statistics, one row at a time; the network's step is kept as a
graph (Adam's first step, or gradient descent) and the meta loss is differentiated through it. It
shares no code with the package and is slow; a test and a benchmark hold the package against it.
"""

import math
import statistics

import torch
from torch.func import functional_call
from torch.nn import functional

__all__ = ["ByHand", "features_by_hand"]


def spread(values):
    """Unbiased standard deviation; 1e-8 of one value."""
    return statistics.stdev(values) if len(values) > 1 else 1e-8


def divergence(row, mean, deviation):
    """Of a row's normal distribution of losses from that of its group."""
    if row[1] == 0 or deviation == 0:
        return 0.0
    return (math.log(deviation / row[1])
            + (row[1] ** 2 + (row[0] - mean) ** 2) / (2 * deviation ** 2) - 0.5)


def overlap(row, mean, deviation):
    """Of the same two."""
    return statistics.NormalDist(row[0], max(row[1], 1e-8)).overlap(
        statistics.NormalDist(mean, max(deviation, 1e-8)))


class Queue:
    """The last rows of each class, in order of arrival."""

    def __init__(self, size, *, one=False):
        self.size, self.one, self.rows = size, one, {}

    def add(self, label, row):
        """Remember a row."""
        held = self.of(label)
        held.append(row)
        del held[:-self.size]

    def of(self, label):
        """What is remembered of a class, or of all classes where they share one memory."""
        return self.rows.setdefault(0 if self.one else label, [])


def features_by_hand(losses, logits, y, queue):
    """Features, shape (n, 19), of losses (g, n) and logits (g, n, k); the queue grows."""
    own = []
    for i, label in enumerate(y.tolist()):
        over = losses[:, i].double().tolist()
        share = logits[:, i].double().softmax(-1)
        sure = share.max(-1).values.tolist()
        hits = [int(each) == label for each in share.argmax(-1)]
        agrees = hits[0] if 2 * sum(hits) == len(hits) else 2 * sum(hits) > len(hits)
        several = len(over) > 1
        own.append((statistics.mean(over), statistics.stdev(over) if several else 0.0,
                    statistics.mean(sure), statistics.stdev(sure) if several else 0.0,
                    float(agrees)))
        queue.add(label, own[-1])
    found = []
    for row, label in zip(own, y.tolist(), strict=True):
        group = [each for each in queue.of(label) if each[4] == row[4]]
        columns = list(zip(*group, strict=True))
        mean, deviation = statistics.mean(columns[0]), statistics.mean(columns[1])
        told = []
        for at in range(4):
            told += [row[at], statistics.mean(columns[at]), spread(columns[at])]
        for measure in (divergence, overlap):
            values = [measure(each, mean, deviation) for each in group]
            told += [measure(row, mean, deviation), statistics.mean(values), spread(values)]
        found.append([*told, row[4]])
    return torch.tensor(found, dtype=torch.float64)


class ByHand:
    """A weighter for `fit` with one rescaler per class, each a small network of modules."""

    passes, rate, dropout = 3, 0.01, 0.1

    def __init__(self, first, last, *, inner="sign", window=1, threshold=None):
        self.inner, self.window, self.threshold = inner, window, threshold
        self.nets = torch.nn.ModuleList()
        for one, two in zip(first, last, strict=True):
            net = torch.nn.Sequential(
                torch.nn.Linear(*one.shape), torch.nn.BatchNorm1d(one.shape[1], affine=False),
                torch.nn.ReLU(), torch.nn.Linear(*two.shape),
                torch.nn.BatchNorm1d(2, affine=False)).to(one.dtype)
            with torch.no_grad():
                for layer, param in ((net[0], one), (net[3], two)):
                    layer.weight.copy_(param.T)
                    layer.bias.zero_()
            self.nets.append(net)
        self.optimiser = torch.optim.Adam(self.nets.parameters(), lr=self.rate)

    def prepare(self, step):
        """As the package, one batch is looked at."""
        step.next_batch("train")
        return {"epoch": -1}

    def seen(self, step, params, micro, queue):
        """Losses with their graph, and scales."""
        def forward(x):
            outputs = functional_call(step.model, params, (x,))
            return step.loss(outputs, micro.y), outputs
        losses, logits = forward(micro.x)
        every = [(losses.detach(), logits.detach())]
        with torch.no_grad():
            for _ in range(self.passes - 1):
                every.append(forward(functional.dropout(micro.x, self.dropout)))
        features = features_by_hand(*(torch.stack(part) for part in zip(*every, strict=True)),
                                    micro.y, queue).to(losses)
        if self.nets[0][0].in_features == 2:              # the loss and agreement alone
            features = torch.stack([losses.detach(), features[:, -1]], dim=1)
        scales = [None] * len(losses)
        for label, net in enumerate(self.nets):
            of_class = net(features).softmax(-1)[:, 1]
            for i, own in enumerate(micro.y.tolist()):
                if own == label or len(self.nets) == 1:
                    scales[i] = of_class[i]
        scales = torch.stack(scales)
        if self.threshold is not None:                    # straight through, slopes within one
            cut = (scales >= self.threshold).to(scales)
            scales = scales + (cut - scales).detach()
            scales.register_hook(lambda slope: slope.clamp(-1, 1))
        return losses, scales

    def step(self, state, step):
        """One step, differentiated through."""
        from workbench.train import StepResult

        if state["epoch"] != step.epoch:
            rows = self.window * len(step.micros[0].y)
            self.queues = [Queue(rows, one=len(self.nets) == 1) for _ in range(2)]
        micro, params = step.micros[0], step.params
        rate = step.optimiser.param_groups[0]["lr"]
        losses, scales = self.seen(step, params, micro, self.queues[0])
        slopes = torch.autograd.grad((scales * losses).sum(), list(params.values()),
                                     create_graph=True)
        slack = 1e-8 / math.sqrt(1 - 0.999)
        ahead = {}
        for (name, param), slope in zip(params.items(), slopes, strict=True):
            size = (slope.square() + 1e-300).sqrt() if slope.dtype == torch.float64 else \
                slope.abs()
            move = slope / (size + slack) if self.inner == "sign" else slope
            ahead[name] = param - rate * move
        other, weights = self.seen(step, ahead, step.next_batch("train"), self.queues[1])
        meta = (weights * other).sum()
        self.optimiser.zero_grad(set_to_none=True)
        self.slopes = torch.autograd.grad(meta, list(self.nets.parameters()))
        for param, slope in zip(self.nets.parameters(), self.slopes, strict=True):
            param.grad = slope
        self.optimiser.step()
        if self.inner == "sign":
            with torch.no_grad():
                for name, param in params.items():
                    param.copy_(ahead[name])
        else:
            for param, slope in zip(params.values(), slopes, strict=True):
                param.grad = slope.detach() / len(losses)
            step.optimiser.step()
        told = scales.detach() if bool(scales.any()) else torch.ones_like(scales)
        shares = told / told.sum()                        # equal, where every row is cut
        return {"epoch": step.epoch}, StepResult(shares @ losses.detach(), losses.detach(),
                                                 shares, {"scale": scales.detach().mean()})
