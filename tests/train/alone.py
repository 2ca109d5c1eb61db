"""Oracle of stacked training: each model alone, by PyTorch's optimisers and a plain loop."""

import copy
import math

import torch
from torch.nn import functional

from workbench.core import generator
from workbench.train.device import torch_generator
from workbench.train.models import MLP, ConvNet
from workbench.train.schedules import constant


def draws(seed=0):
    return torch.Generator().manual_seed(seed)


def images(n=48, classes=3, dtype=torch.float64):
    """Pictures of 6 x 6 pixels whose classes can be learnt."""
    y = torch.randint(classes, (n,), generator=draws(1))
    x = torch.randn(n, 1, 6, 6, generator=draws(2), dtype=dtype)
    return x + y.view(-1, 1, 1, 1).to(dtype) * torch.linspace(-1, 1, 6, dtype=dtype), y


def networks(kind, widths, dtype=torch.float64):
    """Perceptrons, or convolutional networks with a norm."""
    made = [MLP(36, width, 3, activation=kind[4:] or "relu", generator=draws(width))
            if kind.startswith("mlp") else ConvNet(1, width, 3, norm=kind, generator=draws(width))
            for width in widths]
    return [model.to(dtype) for model in made]


def trained_alone(model, x, y, *, epochs, batch_size, seed, rate=0.05, decay=0.0, momentum=0.9,
                  optimiser="sgd", schedule=constant, clip=None, weight=None,
                  drop_last=True):
    """The model after training, its mean loss of each epoch, the step of divergence or None."""
    model = copy.deepcopy(model).train()
    if optimiser == "sgd":
        steps_of = torch.optim.SGD(model.parameters(), lr=rate, weight_decay=decay,
                                   momentum=momentum)
    else:
        steps_of = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=decay)
    order = torch_generator(generator(seed))
    n, history, step = len(x), [], 0
    per_epoch = n // batch_size if drop_last else math.ceil(n / batch_size)
    for _ in range(epochs):
        rows, losses = torch.randperm(n, generator=order), []
        for at in range(per_epoch):
            chosen = rows[at * batch_size:(at + 1) * batch_size]
            for group in steps_of.param_groups:
                group["lr"] = rate * schedule(step / (epochs * per_epoch))
            each = functional.cross_entropy(model(x[chosen]), y[chosen], reduction="none")
            amounts = torch.ones_like(each) if weight is None else weight[chosen].to(each)
            loss = (amounts * each).sum() / amounts.sum()
            if not torch.isfinite(loss):
                return model, history, step
            steps_of.zero_grad()
            loss.backward()
            if clip is not None:
                torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
            steps_of.step()
            losses.append(loss.item())
            step += 1
        history.append(sum(losses) / len(losses))
    return model.eval(), history, None
