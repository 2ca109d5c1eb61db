"""What is measured for rare classes under attack: the tables of claims, and prices."""

import statistics
import time

import numpy as np
import pandas as pd
import torch
from scipy.stats import sem

from workbench.reweighting.by_class.arms import Arm, Plan, judge, network_of, train_arm, train_arms
from workbench.reweighting.by_class.contrastive import supcon_loss
from workbench.reweighting.by_class.findings import group_scores
from workbench.reweighting.by_class.worlds import read_rows, split_rows
from workbench.train import torch_generator

CB = {"beta": 0.999}
METHODS = {"natural": {"attacked": False}, "AT": {}, "SRAT": {"strength": 1.0}}
WEIGHTS = {"1": {"emphasis": 1.0}, "20 class": {"emphasis": 20.0}, "50 class": {"emphasis": 50.0},
           "50 sample": {"emphasis": 50.0, "normalise": "sample"},
           "50 raw": {"emphasis": 50.0, "normalise": "raw"}}
PEERS = {"AT + CB": Arm(balance=CB), "SRAT 1": Arm(balance=CB, strength=1.0),
         "SRAT 0.3": Arm(balance=CB, strength=0.3), "AT-BSL": Arm(loss="bsl")}
CELLS = (("clean", "common"), ("clean", "rare"), ("robust", "common"), ("robust", "rare"))


def world(factor, seeds):
    """Splits of the digits, half of whose classes are rare."""
    rows = read_rows("digits")
    return {seed: split_rows(rows, profile="step", factor=factor, largest=104, seed=seed)
            for seed in range(seeds)}


def trained(arms, factor, eps, seeds, size):
    """Scores by arm, seed and group; splits, networks and the plan."""
    splits, plan = world(factor, seeds), Plan(eps=eps, **size)
    scores, models = train_arms(splits, arms, plan)
    return group_scores(scores), splits, models, plan


def values(groups, arm, group, measure):
    """Of each seed."""
    some = groups[(groups["arm"] == arm) & (groups["group"] == group)]
    return some.sort_values("seed")[measure].to_numpy(float)


def told(numbers):
    """Mean and standard error."""
    numbers = np.asarray(numbers, float)
    if not np.isfinite(numbers).all():
        return "diverged"
    return f"{numbers.mean():.3f} ± {sem(numbers):.3f}"


def weights_by_method(seeds, size):
    """Experiment B: every method at every weight."""
    arms = {f"{method}, {weight}": Arm(balance=balance, **options)
            for method, options in METHODS.items() for weight, balance in WEIGHTS.items()}
    return trained(arms, 10, 0.1, seeds, size)[0]


def extreme(seeds, size):
    """Experiment A: the extreme imbalance without weights."""
    return trained({name: Arm(**METHODS[name]) for name in ("natural", "AT")}, 20, 0.15, seeds,
                   size)[0]


def peers(factor, eps, seeds, size, rows):
    """Experiment C, and what APGD leaves on some rows of each class."""
    groups, splits, models, plan = trained(PEERS, factor, eps, seeds, size)
    parts = []
    for (arm, seed), model in models.items():
        for attacks in (("pgd-20",), ("apgd-ce", "apgd-t")) if rows else ():
            found = judge(model, splits[seed], plan, seed=seed, attacks=attacks, most=rows)
            parts.append({"arm": arm, "seed": seed, "by": attacks[0],
                          "robust": float(found["robust"].mean())})
    return groups, pd.DataFrame(parts)


def price(turns, epochs):
    """CPU seconds of three ways to train the same networks, and of two separations."""
    splits = world(10, 4)
    arm, plan = PEERS["SRAT 1"], Plan(epochs=epochs)
    ways = {"at once": lambda: train_arms(splits, {"one": arm}, plan),
            "one by one": lambda: [train_arm(split, arm, plan, seed=seed)
                                   for seed, split in splits.items()],
            "bare loop": lambda: [bare(split, plan, seed) for seed, split in splits.items()]}
    return _timed(ways, turns), _timed(_separations(), 5 * turns)


def bare(split, plan, seed):
    """A loop written out in PyTorch with the loss of another library: what the source does."""
    from pytorch_metric_learning.losses import SupConLoss

    from workbench.reweighting.by_class.class_weights import class_balanced_weights

    model, separation = network_of(split, plan, seed), SupConLoss(temperature=0.1)
    x, y = torch.as_tensor(split.train_x), torch.as_tensor(split.train_y)
    weights = torch.as_tensor(class_balanced_weights(split.counts, 0.999), dtype=torch.float32)
    optimiser = torch.optim.SGD(model.parameters(), plan.rate, momentum=0.9, weight_decay=2e-4)
    draws, size = torch_generator(seed), plan.rows_of_a_step(len(x))
    cross = torch.nn.functional.cross_entropy
    for _ in range(plan.epochs):
        whole = torch.randperm(len(x), generator=draws)[:len(x) // size * size]   # as `fit` has it
        for rows in whole.split(size):
            given, targets = x[rows], y[rows]
            model.eval()
            start = given + torch.empty_like(given).uniform_(-plan.eps, plan.eps, generator=draws)
            at = start.clamp(0, 1)
            for _ in range(plan.steps):
                at.requires_grad_()
                slope, = torch.autograd.grad(cross(model(at), targets), at)
                moved = at.detach() + plan.eps / 4 * slope.sign()
                at = (given + (moved - given).clamp(-plan.eps, plan.eps)).clamp(0, 1)
            model.train()
            hidden = at.flatten(1)
            for layer in model.layers[:-1]:
                hidden = torch.relu(layer(hidden))
            losses = cross(model.layers[-1](hidden), targets, reduction="none")
            optimiser.zero_grad()
            ((weights[targets] * losses).mean() + separation(hidden, targets)).backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimiser.step()
    return model


def _separations():
    from pytorch_metric_learning.losses import SupConLoss

    z = torch.randn(128, 64, generator=torch_generator(0)).requires_grad_()
    y = torch.arange(128) % 10
    other = SupConLoss(temperature=0.1)

    def repeated(loss):
        def many():
            for _ in range(20):
                torch.autograd.grad(loss(z, y), z)
        return many
    return {"supcon_loss": repeated(lambda z, y: supcon_loss(z, y, 0.1)),
            "pytorch-metric-learning": repeated(other)}


def _timed(ways, turns):
    """Median CPU seconds of each way, in turn, the first one not counted."""
    spent = {name: [] for name in ways}
    for turn in range(turns + 1):
        for name in list(ways)[::1 if turn % 2 else -1]:
            begun = time.process_time()
            ways[name]()
            if turn:
                spent[name].append(time.process_time() - begun)
    first = next(iter(ways))
    ratios = {name: statistics.median(mine / theirs for mine, theirs in zip(
        spent[first], spent[name], strict=True)) for name in ways}
    return {name: (statistics.median(one), ratios[name]) for name, one in spent.items()}
